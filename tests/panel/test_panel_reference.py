"""The panel against a slow plain reference that reads raw facts one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain, period_of, start_of, to_us, zone_named
from beforehand.facts import Facts, schema
from beforehand.panel import Panel
from beforehand.signals.tree import Quantity
from beforehand.workspace.spec import ExcludeSpec, MetricSpec, SettingsSpec

HOUR = 3_600_000_000
METRICS = {
    "count": MetricSpec(count="events"),
    "logins": MetricSpec(count="events", where="event = 'login'"),
    "sum": MetricSpec(sum="events", of="properties.amount"),
    "mean": MetricSpec(mean="events", of="properties.amount", where="event <> 'x'"),
    "share": MetricSpec(share="events", of="event = 'login'"),
    "people": MetricSpec(people="events", where="event <> 'x'"),
    "last": MetricSpec(last="events", of="properties.amount", where="event = 'login'"),
    "tickets": MetricSpec(count="tickets", where="status = 'open'"),
    "writers": MetricSpec(people="tickets"),
}
ZONES = ("UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe")


@dataclass
class Fact:
    table: str
    account: int
    member: int | None
    us: int
    delay: int
    word: str  # event, status or outcome
    amount: float | None = None
    sign: int = 1
    seq: int = 0

    @property
    def learned(self) -> int:
        return self.us + self.delay


@dataclass
class Stated:
    account: int
    trait: str
    value: str | None
    us: int
    delay: int
    dated: bool
    member: int | None = None
    seq: int = 0


@dataclass
class World:
    zone: str
    facts: list[Fact] = field(default_factory=list)
    traits: list[Stated] = field(default_factory=list)
    nodes: int = 4
    merged: dict[int, int] = field(default_factory=dict)
    persons: dict[tuple[int, int], int] = field(default_factory=dict)
    same: dict[int, int] = field(default_factory=dict)
    exclude: ExcludeSpec = field(default_factory=ExcludeSpec)
    barred: set[tuple[int, int]] = field(default_factory=set)
    grace: int = 0

    def root(self, node: int) -> int:
        while node in self.merged:
            node = self.merged[node]
        return node

    def person(self, account: int, member: int) -> int:
        person = self.persons[account, member]
        while person in self.same:
            person = self.same[person]
        return person


def open_facts(world: World) -> Facts:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    schema.prepare(connection)
    spec = SettingsSpec(zone=world.zone, exclude=world.exclude)
    for node in range(world.nodes):
        connection.execute("INSERT INTO accounts VALUES (?, ?, true, 'files', now()::TIMESTAMP)", [node, f"acc{node}"])
    for (account, member), person in sorted(world.persons.items()):
        connection.execute("INSERT INTO members VALUES (?, ?, ?)", [account, member, person])
        connection.execute("INSERT OR IGNORE INTO persons VALUES (?, ?)", [person, f"p{person}"])
        connection.execute("INSERT OR IGNORE INTO person_ids VALUES (?, ?, 'id')", [f"p{person}@x.com", person])
    for kind, pairs in (("account", world.merged), ("person", world.same)):
        for node, into in pairs.items():
            merge(connection, kind, node, into)
    return Facts(Path("unused"), spec, connection)


def merge(connection: duckdb.DuckDBPyConnection, kind: str, node: int, into: int) -> None:
    connection.execute(
        "INSERT INTO merges SELECT coalesce(max(merge), 0) + 1, ?, ?, ?, now()::TIMESTAMP, 'x', NULL, NULL FROM merges",
        [kind, node, into],
    )


def store(facts: Facts, rows: list[Fact], traits: list[Stated] = []) -> None:  # noqa: B006
    for row in rows:
        columns: dict[str, Any] = {
            "stored_seq": row.seq, "source": "files", "id": f"id{row.seq}", "account": row.account,
            "member": row.member, "delay": row.delay,
        }  # fmt: skip
        if row.table == "events":
            columns["event"] = row.word
        elif row.table == "tickets":
            columns |= {"sign": row.sign, "status": row.word}
        else:
            columns["outcome"] = row.word
        more = ", properties" if row.table == "events" else ""
        given = "NULL::VARIANT" if row.amount is None else f"{{'amount': {row.amount!r}::DOUBLE}}::VARIANT"
        facts.connection.execute(
            f"INSERT INTO {row.table} ({', '.join(columns)}, occurred_at{more})"
            f" SELECT {', '.join('?' * len(columns))}, make_timestamp(?){', ' + given if more else ''}",
            [*columns.values(), row.us],
        )
    for t in traits:
        facts.connection.execute(
            "INSERT INTO traits (stored_seq, source, account, member, trait, value, occurred_at, delay, dated)"
            " VALUES (?, 'files', ?, ?, ?, ?, make_timestamp(?), ?, ?)",
            [t.seq, t.account, t.member, t.trait, t.value, t.us, t.delay, t.dated],
        )


def panel_of(facts: Facts) -> Panel:
    return Panel(facts, SimpleNamespace(metrics=METRICS, settings=facts.settings))  # type: ignore[arg-type]


# -- the reference -----------------------------------------------------------------------------------------------------


class Reference:
    """Every number by reading every fact."""

    def __init__(self, world: World, kind: str, now: int) -> None:
        self.world, self.kind, self.now = world, kind, now
        self.zone = zone_named(world.zone)
        self.of: dict[tuple[int, int], list[Fact]] = {}

    def mine(self, account: int, member: int | None, subject: tuple[int, int]) -> bool:
        if self.world.root(account) != subject[0]:
            return False
        if self.kind == "account":
            return True
        return member is not None and self.world.person(account, member) == subject[1]

    def counts(self, f: Fact) -> bool:
        barred = f.member is not None and (f.account, f.member) in self.world.barred
        bot = self.world.exclude.events is not None and f.table == "events" and f.word == "bot"
        return not barred and not bot

    def known_at(self, grain: Grain, q: int) -> int:
        return min(self.edge(grain, q + 1) + self.world.grace, self.now)

    def edge(self, grain: Grain, p: int) -> int:
        return edge(grain, self.world.zone, p)

    def period(self, grain: Grain, us: int) -> int:
        return int(period_of(grain, self.zone, np.array([us]))[0])

    def rows(self, subject: tuple[int, int], known: int) -> list[Fact]:
        if subject not in self.of:
            self.of[subject] = [
                f for f in self.world.facts if self.mine(f.account, f.member, subject) and self.counts(f)
            ]
        return [f for f in self.of[subject] if f.learned < known]

    def value(self, q: Quantity, grain: Grain, subject: tuple[int, int], p: int, close: int) -> float:
        known = self.known_at(grain, close)
        days = q.rolling_days or 1
        low, high = self.edge(grain, p - days + 1), self.edge(grain, p + 1)
        if not self.inside(subject, low, high, known):
            return math.nan
        rows = [f for f in self.rows(subject, known) if f.us < high]
        events = [f for f in rows if f.table == "events" and f.us >= low]
        logins = [f for f in events if f.word == "login"]
        amounts = [f.amount for f in events if f.amount is not None]
        match q.metric:
            case "count":
                found: float = len(events)
            case "logins":
                found = len(logins)
            case "sum":
                found = sum(amounts)
            case "mean":
                found = ratio(*total([f.amount for f in events if f.amount is not None and f.word != "x"]))
            case "share":
                found = ratio(len(logins), len(events))
            case "people":
                found = self.people(f for f in events if f.word != "x")
            case "last":
                given_ = [f for f in rows if f.table == "events" and f.word == "login" and f.amount is not None]
                best = max(given_, key=lambda f: (f.us, f.seq), default=None)
                found = math.nan if best is None or best.amount is None else best.amount
            case "tickets":
                found = sum(f.sign for f in rows if f.table == "tickets" and f.word == "open" and f.us >= low)
            case _:
                found = self.people(f for f in rows if f.table == "tickets" and f.us >= low)
        return ratio(found, self.people(iter(events))) if q.per_active else found

    def people(self, rows: Any) -> int:
        net: dict[int, int] = {}
        for f in rows:
            if f.member is not None:
                who = self.world.person(f.account, f.member)
                net[who] = net.get(who, 0) + f.sign
        return sum(1 for count in net.values() if count > 0)

    def begin(self, subject: tuple[int, int], known: int) -> int | None:
        seen = [
            f.us
            for f in self.rows(subject, known)
            if f.sign > 0 and not (f.table == "outcomes" and f.word == "churned")
        ]
        stated = self.standing(subject, "started_at", known, own=self.kind == "person")
        return min([*seen, *stated], default=None)

    def standing(self, subject: tuple[int, int], trait: str, known: int, own: bool = False) -> list[int]:
        best = None
        for t in self.world.traits:
            right = t.member is None if not own else t.member is not None
            if t.trait != trait or not right or self.world.root(t.account) != subject[0]:
                continue
            if own and (t.member is None or self.world.person(t.account, t.member) != subject[1]):
                continue
            if t.dated and t.us + t.delay >= known:
                continue
            key = (t.dated, t.us if t.dated else 0, t.seq)
            if best is None or key > best[0]:
                best = (key, t.value)
        return [] if best is None or best[1] is None else [to_us(datetime.fromisoformat(best[1]))]

    def gaps(self, subject: tuple[int, int], known: int) -> list[tuple[int, float]]:
        ends = self.standing(subject, "ended_at", known)
        if self.kind == "person":
            ends += self.standing(subject, "ended_at", known, own=True)
        ends += [
            f.us for f in self.world.facts
            if f.table == "outcomes" and f.word == "churned" and self.world.root(f.account) == subject[0]
            and f.learned < known
        ]  # fmt: skip
        after = [
            f.us
            for f in self.rows(subject, known)
            if f.sign > 0 and not (f.table == "outcomes" and f.word == "churned")
        ]
        return [(end, min((us for us in after if us > end), default=math.inf)) for end in ends]

    def inside(self, subject: tuple[int, int], low: int, high: int, known: int) -> bool:
        begin = self.begin(subject, known)
        if begin is None or low < begin:
            return False
        return not any(high > end and low < again for end, again in self.gaps(subject, known))

    def alive(self, subject: tuple[int, int], end: int, known: int) -> bool:
        begin = self.begin(subject, known)
        return begin is not None and begin < end and not any(e <= end <= r for e, r in self.gaps(subject, known))


@cache
def edge(grain: Grain, zone: str, p: int) -> int:
    return int(start_of(grain, zone_named(zone), np.array([p]))[0])


def total(values: list[float]) -> tuple[float, int]:
    return sum(values), len(values)


def ratio(over: float, under: float) -> float:
    return over / under if under else math.nan


# -- worlds ------------------------------------------------------------------------------------------------------------

STARTS = {
    "UTC": "1969-12-20",
    "Europe/London": "2024-03-20",
    "America/New_York": "2024-10-25",
    "Australia/Lord_Howe": "2024-03-28",
}
LENGTH = 40 * DAY_US


@st.composite
def worlds(draw: st.DrawFn, *, messy: bool = True) -> World:
    zone = draw(st.sampled_from(ZONES))
    begin = to_us(datetime.fromisoformat(STARTS[zone]).replace(tzinfo=UTC))
    world = World(zone)
    world.grace = draw(st.sampled_from([0, 0, 6 * HOUR, 30 * HOUR]))
    instant = st.integers(0, LENGTH // HOUR).map(lambda h: begin + h * HOUR)
    delay = st.one_of(
        st.just(0), st.integers(0, 60).map(lambda h: h * HOUR), st.integers(0, 20).map(lambda d: d * DAY_US)
    )
    member = st.one_of(st.none(), st.sampled_from([0, 1, 2, 65]))
    fact = st.builds(
        Fact, st.sampled_from(["events"] * 6 + ["tickets"]), st.integers(0, 3), member, instant, delay,
        st.sampled_from(["login", "login", "x", "bot"]), st.one_of(st.none(), st.integers(-5, 9).map(float)),
    )  # fmt: skip
    for f in draw(st.lists(fact, max_size=25)):
        world.facts.append(f)
        if f.table == "tickets":
            f.word = draw(st.sampled_from(["open", "closed"]))
            if draw(st.booleans()):  # a new version: what stood is taken back when the new one is learned
                later = f.delay + draw(st.integers(0, 15)) * DAY_US
                changed = Fact("tickets", f.account, f.member, f.us + draw(st.sampled_from([0, DAY_US])), 0, "closed")
                changed.delay = max(0, f.us + later - changed.us)
                back = Fact("tickets", f.account, f.member, f.us, changed.learned - f.us, f.word, sign=-1)
                world.facts += [back, changed]
    if messy:
        for account in draw(st.lists(st.integers(0, 3), max_size=2)):
            word = draw(st.sampled_from(["churned", "churned", "renewed"]))
            world.facts.append(Fact("outcomes", account, None, draw(instant), draw(delay), word))
        for _ in range(draw(st.integers(0, 3))):
            trait = draw(st.sampled_from(["started_at", "ended_at", "plan"]))
            value = (
                datetime.fromtimestamp(draw(instant) / 1e6, UTC).isoformat()
                if trait != "plan"
                else draw(st.sampled_from("ab"))
            )
            world.traits.append(
                Stated(draw(st.integers(0, 3)), trait, draw(st.sampled_from([value, value, None])), draw(instant),
                       draw(delay), draw(st.booleans()))
            )  # fmt: skip
        for t in world.traits:
            if not t.dated:
                t.us = t.delay = 0
        if draw(st.booleans()):
            world.merged = draw(st.sampled_from([{3: 1}, {0: 2}, {3: 1, 1: 2}]))
        if draw(st.booleans()):
            world.exclude = ExcludeSpec(events="event = 'bot'")
    for seq, f in enumerate(world.facts):
        f.seq = seq + 1
    for seq, t in enumerate(world.traits):
        t.seq = seq + 1
    people: dict[tuple[int, int], int] = {}
    for account in range(4):
        for slot in (0, 1, 2, 65):
            people[account, slot] = account * 10 + slot
    world.persons = people
    if messy and draw(st.booleans()):
        world.same = draw(st.sampled_from([{11: 10}, {30: 11}, {65: 1, 20: 1}]))
    return world


def subjects_of(world: World, kind: str) -> list[tuple[int, int]]:
    roots = sorted({world.root(node) for node in range(world.nodes)})
    if kind == "account":
        return [(root, -1) for root in roots]
    pairs = {(world.root(a), world.person(a, m)) for (a, m) in world.persons}
    return sorted(pairs)


def rows_of(sheet: Any, world: World, kind: str) -> list[tuple[int, int]]:
    s = sheet.subjects
    if kind == "account":
        return [(int(a), -1) for a in s.account]
    return [(int(a), world.person(int(n), int(m))) for a, n, m in zip(s.account, s.node, s.member, strict=True)]


def same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, equal_nan=True)


def check(
    facts: Facts, world: World, kind: str, quantities: list[tuple[Quantity, Grain, int]], now: int, filling: bool,
    since: int | None = None,
) -> None:  # fmt: skip
    sheet = panel_of(facts).sheet(
        kind,
        {(q, g) for q, g, _ in quantities},
        ["plan"],
        now_us=now,
        grace_us=world.grace,
        filling=filling,
        since_us=since,
        hours=max(width for _, _, width in quantities),
    )  # type: ignore[arg-type]
    reference = Reference(world, kind, now)
    rows = rows_of(sheet, world, kind)
    assert sorted(rows) == subjects_of(world, kind)
    for part, numbers in sheet.blocks(3):
        for quantity, grain, width in quantities:
            ends = numbers.ends(grain)
            found = numbers.windows(quantity, grain, width)
            looks = numbers.firsts(quantity, grain, width)
            assert looks.shape == (numbers.size, len(ends) + width - 1)
            alive = numbers.alive(grain)
            assert found.shape == (numbers.size, len(ends), width)
            for i, subject in enumerate(rows[part]):
                for c, end in enumerate(ends):
                    close = reference.period(grain, int(end) - 1)
                    known = reference.known_at(grain, close)
                    expected = [
                        reference.value(quantity, grain, subject, close - width + 1 + j, close) for j in range(width)
                    ]
                    same(found[i, c], np.array(expected))
                    # As the close of its own end knew it; where that lies before all closes, too.
                    same(looks[i, c + width - 1], np.array(expected[-1]))
                    if c == 0:
                        first = [
                            reference.value(quantity, grain, subject, p, p) for p in range(close - width + 1, close)
                        ]
                        same(looks[i, : width - 1], np.array(first))
                    assert alive[i, c] == reference.alive(subject, int(end), known)


def now_of(world: World, whole: bool) -> int:
    begin = to_us(datetime.fromisoformat(STARTS[world.zone]).replace(tzinfo=UTC))
    return begin + (LENGTH + 12 * DAY_US if whole else LENGTH * 2 // 3 + 5 * HOUR)


ASKED = [
    st.tuples(
        st.builds(Quantity, st.sampled_from(sorted(METRICS)), st.booleans(), st.sampled_from([None, None, 2, 5, 7])),
        st.just(Grain.DAY), st.integers(1, 5),
    ),
    st.tuples(
        st.builds(Quantity, st.sampled_from(sorted(METRICS)), st.booleans(), st.none()),
        st.sampled_from([Grain.WEEK, Grain.MONTH, Grain.DAY, Grain.QUARTER]), st.integers(1, 5),
    ),
]  # fmt: skip
# Without shrinking: a failing world is small already, and shrinking it takes minutes.
QUICK = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


@QUICK
@given(worlds(messy=False), st.lists(st.one_of(*ASKED), min_size=1, max_size=3), st.booleans())
def test_windows_equal_reading_every_fact(world: World, asked: list[Any], whole: bool) -> None:
    facts = open_facts(world)
    store(facts, world.facts)
    check(facts, world, "account", asked, now_of(world, whole), False)
    facts.close()


HOURLY = st.tuples(
    st.builds(Quantity, st.sampled_from(sorted(METRICS)), st.booleans(), st.none()),
    st.just(Grain.HOUR), st.integers(1, 40),
)  # fmt: skip


@QUICK
@given(worlds(), st.lists(HOURLY, min_size=1, max_size=2), st.booleans(), st.integers(0, 45), st.booleans())
def test_hours_equal_reading_every_fact_though_only_the_newest_are_kept(
    world: World, asked: list[Any], filling: bool, back: int, more: bool
) -> None:
    facts = open_facts(world)
    half = len(world.facts) // 2
    store(facts, world.facts[:half], world.traits)
    now = now_of(world, False) + 30 * 60_000_000
    if more:  # what is stored begins earlier, is refreshed, or has to be counted again
        check(facts, world_of(world, half), "account", asked[:1], now - 20 * DAY_US, False, now - 21 * DAY_US)
    store(facts, world.facts[half:])
    since = now - back * DAY_US // 3
    check(facts, world, "account", asked, now, filling, max(since, now - 30 * HOUR) if back < 40 else now - 30 * HOUR)
    if back >= 40:
        check(facts, world, "account", asked, now, filling, now - 60 * HOUR)
    facts.close()


def world_of(world: World, count: int) -> World:
    """The same with the first facts only."""
    return replace(world, facts=world.facts[:count])


@QUICK
@given(
    worlds(),
    st.lists(st.one_of(*ASKED), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["account", "person"]),
)
def test_lives_merges_exclusions_and_people(
    world: World, asked: list[Any], whole: bool, filling: bool, kind: str
) -> None:
    facts = open_facts(world)
    store(facts, world.facts, world.traits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("beforehand.panel.begins.LARGE", 3 if whole else 1_000)  # both ways to find first facts
        check(facts, world, kind, asked, now_of(world, whole), filling)
    facts.close()
