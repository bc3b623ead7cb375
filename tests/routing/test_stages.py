"""The stages of telling: each by example, and all together by properties."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.routing.batch import FREE, SEVERITIES, Batch, Doubt, Due, Item, Lately, Said, Sent
from beforehand.routing.pipeline import decide
from beforehand.routing.sending import rhythm_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
NEXT_WEEK = NOW + timedelta(days=7)
rhythms = st.sampled_from([None, "daily", "weekly"])


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
    told_it = Sent("key", (1,))
    (edit,) = decide(replace(batch, last={("account acme", "Ana"): told_it})).tellings
    assert edit.replaces == "key" and not edit.silent
    (back,) = decide(replace(batch, last={("account acme", "Ana"): replace(told_it, waiting=True)})).tellings
    assert back.replaces == "key" and back.silent, "what waits is taken back"
    more = replace(batch, last={("account acme", "Ana"): Sent("key", (1, 2))})
    assert decide(more).tellings[0].replaces is None, "the message tells of something that is not over"


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
    dues = (due(item(1, "a"), digest="daily"), due(item(2, "b")))
    wait = Batch(NOW, dues, digest_at={"Ana": LATER}, budget={"Ana": 0})
    assert told(wait) == [] and sorted(held(wait)) == [("budget", 2), ("digest", 1)]
    assert told(replace(wait, digest_now=frozenset({"Ana"}))) == [("Ana", "digest", [1, 2])]


def test_low_waits_for_the_daily_digest_and_growth_for_the_weekly_where_nothing_is_said() -> None:
    assert [rhythm_of(None, s, "risk") for s in SEVERITIES] == [None, None, None, "daily"]
    assert [rhythm_of(None, s, "growth") for s in SEVERITIES] == [None, "weekly", "weekly", "weekly"]
    assert [rhythm_of(said, "low", "risk") for said in (True, False, "weekly")] == ["daily", None, "weekly"]
    wait = Batch(NOW, (due(item(1), digest="weekly"),), digest_at={"Ana": LATER}, week_at={"Ana": NEXT_WEEK})
    assert [h.until for h in decide(wait).held] == [NEXT_WEEK]


def test_what_waits_goes_along_with_a_message_about_its_account() -> None:
    dues = (
        due(item(1)),
        due(item(2, severity="low", polarity="growth"), digest="weekly"),
        due(item(3, "b"), digest="daily"),
    )
    wait = Batch(NOW, dues, digest_at={"Ana": LATER}, week_at={"Ana": NEXT_WEEK})
    assert told(wait) == [("Ana", "first", [1, 2])] and held(wait) == [("digest", 3)]


def follow(severity: str = "high", told_of: str = "high", **more) -> Batch:
    due_again = due(item(2, severity=severity, signal="b"), **more)
    lately = {("acme", "risk", "Ana"): Lately(told_of, NOW - timedelta(days=3))}
    return Batch(NOW, (due_again,), lately=lately, digest_at={"Ana": LATER}, week_at={"Ana": NEXT_WEEK})


def test_what_follows_joins_the_digest_with_its_reason() -> None:
    (high,), (medium,) = decide(follow()).held, decide(follow("medium")).held
    assert (high.stage, high.until, medium.until) == ("digest", LATER, NEXT_WEEK)
    assert "they were told of the account on 2026-11-20" in high.why
    assert told(replace(follow(), digest_now=frozenset({"Ana"}))) == [("Ana", "digest", [2])]


def test_what_is_worse_critical_or_asked_for_is_a_message_of_its_own() -> None:
    assert told(follow("high", "medium")) == [("Ana", "first", [2])]
    assert told(follow("critical", "critical")) == [("Ana", "first", [2])]
    assert told(follow(any_hour=True)) == told(follow(alone=True)) == [("Ana", "first", [2])]
    other = replace(follow(), lately={("acme", "growth", "Ana"): Lately("high", NOW)})
    assert told(other) == [("Ana", "first", [2])], "good news is no reason to keep bad news"


def test_what_follows_is_written_into_the_message_where_that_can_be() -> None:
    last = {("account acme", "Ana"): Sent("key", (1,))}
    (edit,) = decide(replace(follow(), last=last, budget={"Ana": 0})).tellings
    assert (edit.kind, edit.replaces, edit.also, edit.at) == ("since", "key", (1,), None)
    (worse,) = decide(replace(follow("high", "low"), last=last)).tellings
    assert (worse.kind, worse.replaces) == ("first", None)
    waits = {("account acme", "Ana"): Sent("key", (1,), waiting=True)}
    (into,) = decide(replace(follow("high", "low"), last=waits)).tellings
    assert (into.kind, into.replaces) == ("since", "key"), "it is not handed over yet, and takes in what comes"


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
        dues += [
            due(one, p, any_hour=draw(st.booleans()), digest=draw(rhythms), alone=draw(st.booleans())) for p in hearing
        ]
        heard = draw(st.sets(st.sampled_from(PEOPLE)))
        said = st.builds(Said, st.sampled_from(SEVERITIES), st.sampled_from(["first", "cleared"]))
        before |= {(one.number, person): draw(said) for person in heard}
    places = st.tuples(st.sampled_from("abc"), st.sampled_from(["risk", "growth"]), st.sampled_from(PEOPLE))
    threads = st.tuples(st.sampled_from(["account a", "account b"]), st.sampled_from(PEOPLE))
    sent = st.builds(Sent, st.just("key"), st.tuples(st.integers(1, 12)), st.booleans())
    covers = draw(st.dictionaries(st.sampled_from("xyz"), st.frozensets(st.sampled_from("xyz"))))
    return Batch(
        NOW, tuple(dues), before=before, covers=covers, together=draw(st.integers(2, 5)),
        opens=draw(st.sampled_from([{}, {"Ana": LATER}])), budget={p: draw(st.integers(0, 4)) for p in PEOPLE},
        spent={p: draw(st.integers(0, 5)) for p in PEOPLE}, week_ends=dict.fromkeys(PEOPLE, LATER),
        critical_counts=draw(st.booleans()), digest_at=draw(st.sampled_from([{}, {"Ana": LATER}])),
        week_at=draw(st.sampled_from([{}, {"Ana": NEXT_WEEK}])), last=draw(st.dictionaries(threads, sent, max_size=3)),
        lately=draw(st.dictionaries(places, st.builds(Lately, st.sampled_from(SEVERITIES), st.just(NOW)))),
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
        costly = [t for t in decide(batch).tellings if t.person == person and t.kind not in FREE]
        calm = [t for t in costly if batch.critical_counts or not t.critical]
        assert not calm or batch.spent[person] + len(costly) <= batch.budget[person]


@settings(max_examples=300, deadline=None)
@given(batch=batches())
def test_twice_at_the_same_state_tells_nothing_new(batch: Batch) -> None:
    after = decide(batch)
    before, spent = dict(batch.before), dict(batch.spent)
    for t in after.tellings:
        spent[t.person] += t.kind not in FREE
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


@settings(max_examples=300, deadline=None)
@given(batch=batches())
def test_what_waits_for_a_digest_knows_when_it_comes(batch: Batch) -> None:
    for one in decide(batch).held:
        if one.stage == "digest":
            assert one.until is not None and one.until > batch.now and one.person in batch.digest_at


@settings(max_examples=300, deadline=None)
@given(batch=batches())
def test_critical_ones_never_wait_to_be_grouped(batch: Batch) -> None:
    """Following, digests of their route's making apart, and budgets keep nothing critical back."""
    batch = replace(batch, critical_counts=False, due=tuple(replace(d, digest=None) for d in batch.due))
    for one in decide(batch).held:
        item = next(d.item for d in batch.due if d.item.number == one.alert)
        assert item.severity != "critical" or one.stage in ("hold", "inhibit", "mute")


@settings(max_examples=200, deadline=None)
@given(batch=batches())
def test_only_what_can_be_changed_is_changed(batch: Batch) -> None:
    for one in decide(batch).tellings:
        if one.kind == "since":
            sent = batch.last[one.thread, one.person]
            assert one.replaces == sent.key and one.also == sent.alerts and one.at is None
            assert all(d.item.severity != "critical" and not d.any_hour and not d.alone for d in one.news)
