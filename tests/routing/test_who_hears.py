"""Who hears: the team, holders of roles with every reason, and the tree of routes."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.calendar import BusinessTime
from beforehand.routing.owning import GIVEN, SHARED, Kept, Loads, owner
from beforehand.routing.team import Team
from beforehand.routing.tree import Such, take
from beforehand.routing.who import chain, hearers
from beforehand.workspace.route_spec import RoutesSpec
from beforehand.workspace.team_spec import TeamSpec

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
PEOPLE = {
    "Ana": {"email": "ana@a.example", "roles": ["csm"], "manager": "Marta", "known as": ["ana.diaz"]},
    "Ben": {"email": "ben@a.example", "roles": ["csm"], "manager": "Marta"},
    "Marta": {"email": "marta@a.example", "roles": ["head of cs"]},
}
OWNERS = {"csm": {"trait": "owner", "rules": [{"for accounts where region is EMEA": "Ana"}], "others": ["Ana", "Ben"]}}


def team(people: dict | None = None, owners: dict | None = None, zone: str = "Europe/Berlin") -> Team:
    spec = TeamSpec.model_validate({"people": people or PEOPLE, "owners": OWNERS if owners is None else owners})
    return Team(spec, {name: BusinessTime(ZoneInfo(zone)) for name in spec.people})


def such(severity: str = "high", **traits: object) -> Such:
    return Such("logins-fall", severity, "risk", "usage", traits)


def heard(routes: dict, alert: Such, of: Team | None = None, at: datetime = MONDAY) -> list[tuple[str | None, str]]:
    who = of or team()
    found = hearers(who, RoutesSpec.model_validate(routes), alert, at, lambda role: owner(who, role, alert.traits, at))
    return [(one.person, one.route) for one in found]


def test_the_trait_goes_before_the_rule_and_both_are_kept_as_reasons() -> None:
    found = owner(team(), "csm", {"owner": "ben@a.example", "region": "EMEA"}, MONDAY)
    assert found.person == "Ben"
    assert [(r.person, r.holds) for r in found.reasons] == [("Ben", True), ("Ana", False)]


def test_a_trait_that_names_a_stranger_is_told_and_passed_over() -> None:
    found = owner(team(), "csm", {"owner": "Zoe", "region": "emea"}, MONDAY)
    assert found.person == "Ana" and "Zoe, who is not in team.yaml" in found.reasons[0].why


def test_who_left_is_passed_over_and_said() -> None:
    people = PEOPLE | {"Ana": PEOPLE["Ana"] | {"left on": "2026-10-01"}}
    found = owner(team(people), "csm", {"owner": "ana.diaz"}, MONDAY)
    assert found.person == "Ben" and "left on 2026-10-01" in found.reasons[0].why


def test_shared_in_turn_and_kept() -> None:
    first = owner(team(), "csm", {}, MONDAY, loads=Loads(given={"Ana": 2, "Ben": 1}))
    assert first.person == "Ben" and first.share
    again = owner(team(), "csm", {}, MONDAY, Kept("Ana", SHARED), Loads(given={"Ana": 9}))
    assert again.person == "Ana" and not again.share


def test_least_loaded_looks_at_open_alerts() -> None:
    owners = {"csm": {"others": ["Ana", "Ben"], "share": "least loaded"}}
    assert owner(team(owners=owners), "csm", {}, MONDAY, loads=Loads({}, {"Ana": 3, "Ben": 5})).person == "Ana"


def test_handed_over_lasts_until_the_trait_says_another() -> None:
    kept = Kept("Ben", GIVEN, said="Ana")
    assert owner(team(), "csm", {"owner": "Ana"}, MONDAY, kept).person == "Ben"
    assert owner(team(), "csm", {"owner": "Marta"}, MONDAY, kept).person == "Marta"


def test_a_role_nobody_has_is_nobody_with_the_name() -> None:
    assert heard({"to": "csm"}, such(), team({"Marta": PEOPLE["Marta"]}, {"csm": {"trait": "owner"}})) == [
        (None, "everything else")
    ]


def test_the_first_route_wins_unless_it_goes_on_and_terms_are_inherited() -> None:
    routes = {
        "to": "csm", "acknowledge within": "2 days",
        "routes": [
            {"name": "big", "match": {"value at least": 1000}, "continue": True, "to": "head of cs"},
            {"name": "loud", "match": {"severity": ["critical"]}, "acknowledge within": "4 hours",
             "routes": [{"name": "there", "match": {"accounts": "region is EMEA"}, "to": "Ben"}]},
        ],
    }  # fmt: skip
    assert heard(routes, such(region="EMEA")) == [("Ana", "everything else")]
    assert heard(routes, such(region="EMEA", value="2000")) == [("Marta", "big"), ("Ana", "everything else")]
    assert heard(routes, such("critical", region="EMEA", value=5000)) == [("Marta", "big"), ("Ben", "there")]
    taken = take(RoutesSpec.model_validate(routes), such("critical", region="EMEA"))
    assert taken[0].terms.acknowledge_within is not None and taken[0].terms.acknowledge_within.seconds == 4 * 3600


def test_away_is_stood_in_for_and_a_circle_ends() -> None:
    def away(stand_in: str | None) -> list[dict]:
        return [{"from": "2026-11-20", "until": "2026-11-27"} | ({"stand-in": stand_in} if stand_in else {})]

    people = PEOPLE | {"Ana": PEOPLE["Ana"] | {"away": away("Ben")}}
    assert heard({"to": "csm"}, such(region="EMEA"), team(people)) == [("Ben", "everything else")]
    people = PEOPLE | {"Ana": PEOPLE["Ana"] | {"away": away(None)}}
    assert heard({"to": "csm"}, such(region="EMEA"), team(people)) == [("Marta", "everything else")]
    both = {n: PEOPLE[n] | {"away": away(o)} for n, o in (("Ana", "Ben"), ("Ben", "Ana"))}
    assert heard({"to": "csm"}, such(region="EMEA"), team(PEOPLE | both)) == [(None, "everything else")]


def test_the_chain_climbs_managers_once() -> None:
    who = team(PEOPLE | {"Marta": PEOPLE["Marta"] | {"manager": "Ana"}})
    terms = RoutesSpec.model_validate({"to": "csm", "escalate to": ["manager", "manager", "Ben"]})
    assert chain(who, terms, "Ana", MONDAY, lambda role: owner(who, role, {}, MONDAY)) == ("Marta", "Ben")


def test_working_hours_open_next() -> None:
    who = team()
    assert who.opens("Ana", MONDAY) is None
    assert who.opens("Ana", datetime(2026, 11, 21, 12, tzinfo=UTC)) == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert who.opens("Ana", datetime(2026, 11, 23, 20, tzinfo=UTC)) == datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_a_wait_across_a_change_of_clocks_keeps_the_wall_clock() -> None:
    friday = datetime(2026, 3, 27, 9, tzinfo=UTC)  # 10:00 in Berlin; clocks go forward on Sunday
    from datetime import timedelta

    assert team().later("Ana", friday, timedelta(days=1)) == datetime(2026, 3, 30, 8, tzinfo=UTC)
    assert team().later("Ana", friday, timedelta(hours=8)) == datetime(2026, 3, 30, 8, tzinfo=UTC)


@given(
    region=st.sampled_from([None, "EMEA", "APAC"]), owned=st.sampled_from([None, "Ana", "Ben", "Zoe"]),
    away=st.sets(st.sampled_from(sorted(PEOPLE))), left=st.sets(st.sampled_from(["Ana", "Ben"])),
)  # fmt: skip
def test_somebody_hears_or_the_reason_says_why_nobody_does(region, owned, away, left) -> None:
    people = {
        n: p | ({"away": [{"from": "2026-11-01", "until": "2026-12-01"}]} if n in away else {})
        | ({"left on": "2026-11-01"} if n in left else {})
        for n, p in PEOPLE.items()
    }  # fmt: skip
    who = team(people)
    traits = {"region": region, "owner": owned}
    routes = RoutesSpec.model_validate({"to": "csm"})
    (one,) = hearers(who, routes, such(**traits), MONDAY, lambda role: owner(who, role, traits, MONDAY))
    if one.person is None:
        assert "nobody" in one.why
        assert "Marta" in away or left == {"Ana", "Ben"}
    else:
        assert one.person not in away and one.person not in left
    assert sum(reason.holds for reason in one.reasons) <= 1


@pytest.mark.parametrize("count", [1, 7])
def test_sharing_in_turn_is_even(count: int) -> None:
    given_to = {"Ana": 0, "Ben": 0}
    for _ in range(2 * count):
        chosen = owner(team(), "csm", {}, MONDAY, loads=Loads(given_to)).person
        given_to[str(chosen)] += 1
    assert given_to == {"Ana": count, "Ben": count}
