"""The stages of telling: each by example, and all together by properties."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.routing.batch import SEVERITIES, Batch, Doubt, Due, Item, Said
from beforehand.routing.pipeline import decide

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def item(number: int, account: str = "acme", severity: str = "high", signal: str = "logins-fall", **more) -> Item:
    return Item(number, f"A-{1000 + number}", account, signal, severity, NOW - timedelta(days=1), **more)


def due(what: Item, person: str = "Ana", **more) -> Due:
    return Due(what, person, "r", "because", **more)


def told(batch: Batch) -> list[tuple[str, str, list[int]]]:
    return [(t.person, t.kind, [d.item.number for d in t.news]) for t in decide(batch).tellings]


def held(batch: Batch) -> list[tuple[str, int]]:
    return [(h.stage, h.alert) for h in decide(batch).held]


def test_alerts_of_one_account_are_one_message_the_most_urgent_first() -> None:
    one = Batch(NOW, (due(item(1, severity="low", polarity="growth")), due(item(2)), due(item(3, "other"))))
    assert sorted(told(one)) == [("Ana", "first", [2, 1]), ("Ana", "first", [3])]


def test_a_more_severe_alert_covers_and_a_circle_of_covers_tells_one() -> None:
    batch = Batch(NOW, (due(item(1)), due(item(2, severity="low", signal="b"))))
    assert told(batch) == [("Ana", "first", [1])] and held(batch) == [("inhibit", 2)]
    circle = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("a")}
    batch = Batch(NOW, tuple(due(item(n, signal=s)) for n, s in enumerate("abc", 1)), covers=circle)
    assert len(told(batch)) == 1 and len(held(batch)) == 2


def test_what_sleeps_covers_nothing() -> None:
    batch = Batch(NOW, (due(item(1, snoozed_until=LATER)), due(item(2, severity="low", signal="b"))))
    assert told(batch) == [("Ana", "first", [2])] and held(batch) == [("mute", 1)]


def test_one_signal_at_many_accounts_is_told_once() -> None:
    many = tuple(due(item(n, f"account-{n}")) for n in range(1, 7))
    assert told(Batch(NOW, many)) == [("Ana", "first", [1, 2, 3, 4, 5, 6])]
    assert len(told(Batch(NOW, many[:4]))) == 4


def test_what_was_told_is_not_told_again_but_worse_is() -> None:
    batch = Batch(NOW, (due(item(1)),), before={(1, "Ana"): Said("high", "first")})
    assert told(batch) == [] and held(batch) == []
    worse = replace(batch, before={(1, "Ana"): Said("low", "first")})
    assert told(worse) == [("Ana", "worse", [1])]


def test_who_takes_over_hears_once_with_the_list() -> None:
    dues = tuple(due(item(n, f"account-{n}"), "Ben") for n in (1, 2))
    batch = Batch(NOW, dues, before={(1, "Ana"): Said("high", "first"), (2, "Ana"): Said("high", "first")})
    assert told(batch) == [("Ben", "handed over", [1, 2])]


def test_an_end_is_edited_into_what_told_it_or_told_to_nobody() -> None:
    batch = Batch(NOW, (due(item(1, closed=True)),), before={(1, "Ana"): Said("high", "first")}, budget={"Ana": 0})
    (silent,) = decide(batch).tellings
    assert silent.kind == "cleared" and silent.silent
    (edit,) = decide(replace(batch, last={("account acme", "Ana"): "key"})).tellings
    assert edit.replaces == "key" and not edit.silent


def test_quiet_hours_wait_unless_at_any_hour() -> None:
    batch = Batch(NOW, (due(item(1)),), opens={"Ana": LATER})
    assert [t.at for t in decide(batch).tellings] == [LATER]
    urgent = replace(batch, due=(due(item(1), any_hour=True),))
    assert [t.at for t in decide(urgent).tellings] == [None]


def test_an_open_incident_and_maintenance_hold() -> None:
    doubt = Doubt("incident 3", NOW - timedelta(days=2), frozenset({"logins-fall"}))
    assert held(Batch(NOW, (due(item(1)),), doubts=(doubt,))) == [("hold", 1)]
    assert held(Batch(NOW, (due(item(1, waits=((LATER, "moving house"),))),))) == [("mute", 1)]


def test_the_budget_goes_to_what_is_most_at_risk_and_critical_passes() -> None:
    dues = (
        due(item(1, "small", value=10, risk=0.5)), due(item(2, "big", value=1000, risk=0.5)),
        due(item(3, "worst", "critical")),
    )  # fmt: skip
    batch = Batch(NOW, dues, budget={"Ana": 2}, week_ends={"Ana": LATER})
    assert [numbers for *_, numbers in told(batch)] == [[3], [2]] and held(batch) == [("budget", 1)]
    strict = replace(batch, budget={"Ana": 0}, critical_counts=True)
    assert told(strict) == [] and len(held(strict)) == 3


def test_the_digest_takes_in_what_waits_for_it_and_what_the_budget_left() -> None:
    dues = (due(item(1, "a"), digest=True), due(item(2, "b")))
    wait = Batch(NOW, dues, digest_at={"Ana": LATER}, budget={"Ana": 0})
    assert told(wait) == [] and sorted(held(wait)) == [("budget", 2), ("digest", 1)]
    assert told(replace(wait, digest_now=frozenset({"Ana"}))) == [("Ana", "digest", [1, 2])]


PEOPLE = ("Ana", "Ben")
items = st.builds(
    item,
    number=st.just(0), account=st.sampled_from(["a", "b", "c"]), severity=st.sampled_from(SEVERITIES),
    signal=st.sampled_from(["x", "y", "z"]), polarity=st.sampled_from(["risk", "growth"]),
    value=st.floats(0, 1e6), risk=st.floats(0, 1), closed=st.booleans(), acknowledged=st.booleans(),
    snoozed_until=st.sampled_from([None, NOW, LATER]), backlog=st.booleans(),
    waits=st.sampled_from([(), ((LATER, "w"),)]),
)  # fmt: skip


@st.composite
def batches(draw) -> Batch:
    listed = [replace(one, number=n, name=f"A-{n}") for n, one in enumerate(draw(st.lists(items, max_size=12)), 1)]
    dues: list[Due] = []
    before: dict[tuple[int, str], Said] = {}
    for one in listed:
        hearing = draw(st.sets(st.sampled_from(PEOPLE), min_size=1))
        dues += [due(one, p, any_hour=draw(st.booleans()), digest=draw(st.booleans())) for p in hearing]
        heard = draw(st.sets(st.sampled_from(PEOPLE)))
        said = st.builds(Said, st.sampled_from(SEVERITIES), st.sampled_from(["first", "cleared"]))
        before |= {(one.number, person): draw(said) for person in heard}
    covers = draw(st.dictionaries(st.sampled_from("xyz"), st.frozensets(st.sampled_from("xyz"))))
    return Batch(
        NOW, tuple(dues), before=before, covers=covers, together=draw(st.integers(2, 5)),
        opens=draw(st.sampled_from([{}, {"Ana": LATER}])), budget={p: draw(st.integers(0, 4)) for p in PEOPLE},
        spent={p: draw(st.integers(0, 5)) for p in PEOPLE}, week_ends=dict.fromkeys(PEOPLE, LATER),
        critical_counts=draw(st.booleans()), digest_at=draw(st.sampled_from([{}, {"Ana": LATER}])),
        digest_now=draw(st.sampled_from([frozenset(), frozenset({"Ana"})])),
        doubts=draw(st.sampled_from([(), (Doubt("incident 1", NOW - timedelta(days=9), frozenset("x")),)])),
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(batch=batches())
def test_nothing_is_lost(batch: Batch) -> None:
    after = decide(batch)
    news = {(d.item.number, t.person) for t in after.tellings for d in t.news}
    back = {(h.alert, h.person) for h in after.held}
    assert not news & back, "told and held back at once"
    assert all(h.why for h in after.held)
    for one in batch.due:
        key = (one.item.number, one.person)
        if not one.item.closed:
            assert key in news or key in back or key in batch.before
    assert len(news) == sum(len(t.news) for t in after.tellings), "an alert is told to a person once"


@settings(max_examples=300, deadline=None)
@given(batch=batches())
def test_nobody_gets_more_than_the_budget(batch: Batch) -> None:
    for person in PEOPLE:
        costly = [t for t in decide(batch).tellings if t.person == person and t.kind not in ("cleared", "digest")]
        calm = [t for t in costly if batch.critical_counts or not t.critical]
        assert not calm or batch.spent[person] + len(costly) <= batch.budget[person]


@settings(max_examples=300, deadline=None)
@given(batch=batches())
def test_twice_at_the_same_state_tells_nothing_new(batch: Batch) -> None:
    after = decide(batch)
    before, spent = dict(batch.before), dict(batch.spent)
    for t in after.tellings:
        spent[t.person] += t.kind not in ("cleared", "digest")
        for d in t.news:
            before[d.item.number, t.person] = Said(d.item.severity, str(d.news))
    again = decide(replace(batch, before=before, spent=spent))
    assert again.tellings == ()
    assert {(h.alert, h.person) for h in again.held} <= {(h.alert, h.person) for h in after.held}


@settings(max_examples=200, deadline=None)
@given(batch=batches())
def test_what_covers_is_told_or_waits_itself(batch: Batch) -> None:
    """Where something is covered, something of the same account, person and polarity is not."""
    covered = {(h.alert, h.person) for h in decide(batch).held if h.stage == "inhibit"}
    for one in batch.due:
        if (one.item.number, one.person) in covered:
            place = (one.person, one.item.account, one.item.polarity)
            same = [d for d in batch.due if (d.person, d.item.account, d.item.polarity) == place and not d.item.closed]
            assert any((d.item.number, d.person) not in covered for d in same)
