"""By when alerts must be answered: reminders that stop, the climb, and looking twice."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import BusinessTime
from beforehand.routing.clocks import look, next_look, start
from beforehand.routing.team import Team
from beforehand.workspace.route_spec import RoutesSpec
from beforehand.workspace.team_spec import TeamSpec

TERMS = RoutesSpec.model_validate({
    "to": "csm", "acknowledge within": "4 hours", "resolve within": "3 days", "remind every": "1 hour",
    "remind at most": 2, "escalate to": ["manager"],
})  # fmt: skip
FRIDAY = datetime(2026, 11, 20, 14, tzinfo=UTC)  # 15:00 in Berlin, where work ends at 17:00


def team() -> Team:
    spec = TeamSpec.model_validate({"people": {"Ana": {"manager": "Marta"}, "Marta": {}}})
    return Team(spec, {name: BusinessTime(ZoneInfo("Europe/Berlin")) for name in spec.people})


def test_times_are_business_time_and_computed_once() -> None:
    clock = start(team(), TERMS, "Ana", FRIDAY)
    assert clock is not None
    assert clock.acknowledge_by == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert clock.resolve_by == datetime(2026, 11, 25, 14, tzinfo=UTC)


def lives(acknowledged_at: datetime | None, step: timedelta) -> list[tuple[str, str, datetime]]:
    who, clock, at, said = team(), start(team(), TERMS, "Ana", FRIDAY), FRIDAY, []
    assert clock is not None
    while at < FRIDAY + timedelta(days=14):
        done = acknowledged_at is not None and at >= acknowledged_at
        pokes, clock = look(who, TERMS, clock, ("Marta",), at, acknowledged=done)
        said += [(poke.person, poke.kind, at) for poke in pokes]
        assert look(who, TERMS, clock, ("Marta",), at, acknowledged=done)[0] == ()
        later = next_look(who, TERMS, clock, ("Marta",), acknowledged=done)
        assert later is None or later > at
        at += step
    return said


def test_nobody_answers() -> None:
    said = [(person, kind) for person, kind, _ in lives(None, timedelta(hours=1))]
    assert said == [("Ana", "still"), ("Ana", "still"), ("Marta", "escalated"), ("Marta", "escalated")]


def test_who_answers_is_left_alone_until_it_should_be_over() -> None:
    assert [(p, k) for p, k, _ in lives(FRIDAY, timedelta(hours=1))] == [("Marta", "escalated")]


@settings(max_examples=40, deadline=None)
@given(hours=st.integers(1, 60), answered=st.none() | st.integers(0, 300))
def test_reminders_stop_and_nobody_is_passed_over(hours: int, answered: int | None) -> None:
    at = None if answered is None else FRIDAY + timedelta(hours=answered)
    said = lives(at, timedelta(hours=hours))
    assert sum(kind == "still" for _, kind, _ in said) <= 2
    assert all(at is None or when < at for _, kind, when in said if kind == "still")
    assert 1 <= sum(kind == "escalated" for _, kind, _ in said) <= 2
