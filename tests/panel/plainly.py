"""A slow plain reference for what the first one does not know: standing totals, roles, facets, distinct values.

Every number by reading every fact, one by one. The worlds are those of the first reference with features on events,
tickets that have an id, a category and versions, and roles that come and go.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain
from beforehand.panel import Panel
from beforehand.signals.tree import Overdue, Quantity, Waiting
from beforehand.workspace.spec import MetricSpec

if "panel_reference" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "panel_reference", Path(__file__).with_name("test_panel_reference.py")
    )
    assert _spec is not None and _spec.loader is not None
    sys.modules["panel_reference"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["panel_reference"])
ref: Any = sys.modules["panel_reference"]
HOUR = ref.HOUR

METRICS = ref.METRICS | {
    "features": MetricSpec(distinct="events", of="properties.feature", where="event <> 'x'"),
    "kinds": MetricSpec(distinct="events", of="event"),
    "issues": MetricSpec(distinct="tickets", of="category"),
    "all tickets": MetricSpec(count="tickets"),
}


@dataclass
class Rich(ref.Fact):
    """A fact with what may tell it apart; `made` holds the rows of tables of made facts."""

    id: str = ""
    category: str | None = None
    feature: str | None = None


Row = Any
CHOSEN: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "count": ("events", lambda f: True),
    "logins": ("events", lambda f: f.word == "login"),
    "sum": ("events", lambda f: True),
    "mean": ("events", lambda f: f.word != "x"),
    "share": ("events", lambda f: True),
    "people": ("events", lambda f: f.word != "x"),
    "last": ("events", lambda f: f.word == "login" and f.amount is not None),
    "tickets": ("tickets", lambda f: f.word == "open"),
    "writers": ("tickets", lambda f: True),
    "features": ("events", lambda f: f.word != "x" and f.feature),
    "kinds": ("events", lambda f: True),
    "issues": ("tickets", lambda f: f.category),
    "all tickets": ("tickets", lambda f: True),
}
VALUE: dict[str, Callable[[Row], Any]] = {
    "features": lambda f: f.feature,
    "kinds": lambda f: f.word,
    "issues": lambda f: f.category,
}
HOME = {"ticket": "tickets", "issue": "tickets", "feature": "events"}


def key_of(kind: str, f: Row) -> str | None:
    """What a fact is about, of a kind."""
    if f.table != HOME[kind] and not (f.table.startswith("made_") and kind != "feature"):
        return None
    return {"ticket": f.id, "issue": f.category, "feature": f.feature}[kind]


class Plainly(ref.Reference):
    """The reference; `made` are the rows of the tables of made facts by quantity, with the name of each."""

    def __init__(self, world: Any, kind: str, now: int, made: dict[Any, str] | None = None) -> None:
        super().__init__(world, kind, now)
        self.made = made or {}

    def rows(self, subject: tuple[int, Any], known: int) -> list[Row]:
        """The facts of a subject that had been learned."""
        if subject not in self.of:
            self.of[subject] = [f for f in self.world.facts if self.about(f, subject) and self.counts(f)]
        return [f for f in self.of[subject] if f.learned < known]

    def about(self, f: Row, subject: tuple[int, Any]) -> bool:
        if self.kind not in HOME:
            return self.mine(f.account, f.member, subject)
        return self.world.root(f.account) == subject[0] and key_of(self.kind, f) == subject[1]

    def begin(self, subject: tuple[int, Any], known: int) -> int | None:
        own = [f for f in self.rows(subject, known) if not f.table.startswith("made_")]
        seen = [f.us for f in own if f.sign > 0 and not (f.table == "outcomes" and f.word == "churned")]
        stated = [] if self.kind in HOME else self.standing(subject, "started_at", known, own=self.kind == "person")
        return min([*seen, *stated], default=None)

    def gaps(self, subject: tuple[int, Any], known: int) -> list[tuple[int, float]]:
        found = super().gaps(subject, known)
        own = [f for f in self.rows(subject, known) if not f.table.startswith("made_")]
        after = [f.us for f in own if f.sign > 0 and not (f.table == "outcomes" and f.word == "churned")]
        return [(end, min((us for us in after if us > end), default=math.inf)) for end, _ in found]

    def inside(self, subject: tuple[int, Any], low: int, high: int, known: int) -> bool:
        if self.kind not in HOME:
            return bool(super().inside(subject, low, high, known))
        begin = self.begin(subject, known)
        if begin is None or high <= begin:
            return False
        return not any(high > end and low < again for end, again in self.gaps(subject, known))

    def value(self, q: Quantity, grain: Grain, subject: tuple[int, Any], p: int, close: int) -> float:
        known = self.known_at(grain, close)
        low, high = self.edge(grain, p - (q.rolling_days or 1) + 1), self.edge(grain, p + 1)
        if not self.inside(subject, low, high, known):
            return math.nan
        rows = self.rows(subject, known)
        if q.role is not None:
            group = self.holding(subject[0], q.role, self.edge(grain, close + 1), known)
            if not group or (self.kind == "person" and subject[1] not in group):
                return math.nan
            rows = [f for f in rows if f.member is not None and self.world.person(f.account, f.member) in group]
        active = self.people(f for f in rows if f.table == "events" and low <= f.us < high)
        table, chosen = CHOSEN[q.metric]
        if q.made is not None:
            table, chosen = self.made[q.made], lambda f: True
        mine = [f for f in rows if f.table == table and f.us < high and chosen(f)]
        if q.standing:
            heard = [f.us for f in self.world.facts if f.table == CHOSEN[q.metric][0] and f.learned < known]
            never = not any(f.sign > 0 for f in mine) and not isinstance(q.made, Waiting | Overdue)
            begin = self.begin(subject, known)
            assert begin is not None
            if never and begin < min(heard, default=ref.now_of(self.world, True) * 9):
                return math.nan
        elif q.metric != "last":
            mine = [f for f in mine if f.us >= low]
        found = self.measured(q, mine)
        return ref.ratio(found, active) if q.per_active else found

    def measured(self, q: Quantity, mine: list[Row]) -> float:
        aggregate = METRICS[q.metric].aggregate
        amounts = [f.amount for f in mine if f.amount is not None]
        match aggregate:
            case "count":
                return float(sum(f.sign for f in mine))
            case "sum":
                return float(sum(amounts))
            case "mean":
                return float(ref.ratio(*ref.total(amounts)))
            case "share":
                return float(ref.ratio(sum(1 for f in mine if f.word == "login"), len(mine)))
            case "people":
                return float(self.people(mine))
            case "last":
                best = max(mine, key=lambda f: (f.us, f.seq), default=None)
                return math.nan if best is None else best.amount
            case _:
                net: dict[Any, int] = {}
                for f in mine:
                    net[VALUE[q.metric](f)] = net.get(VALUE[q.metric](f), 0) + f.sign
                return float(sum(1 for count in net.values() if count > 0))

    def holding(self, account: int, role: str, end: int, known: int) -> set[int]:
        """Who of an account holds a role at a close; else who held it last."""
        said: dict[int, list[Any]] = {}
        for t in self.world.traits:
            if t.trait == "role" and t.member is not None and self.world.root(t.account) == account:
                barred = (t.account, t.member) in self.world.barred
                if not barred and (not t.dated or (t.us < end and t.us + t.delay < known)):
                    said.setdefault(self.world.person(t.account, t.member), []).append(t)
        now, before = set(), {}
        for who, values in said.items():
            values.sort(key=lambda t: (t.dated, t.us if t.dated else 0, t.seq))
            named = [i for i, t in enumerate(values) if role in names(t.value)]
            if named and named[-1] == len(values) - 1:
                now.add(who)
            elif named:
                gone = values[named[-1] + 1]
                before[who] = gone.us if gone.dated else -math.inf
        latest = max(before.values(), default=None)
        return now or {who for who, us in before.items() if us == latest}


def names(value: str | None) -> set[str]:
    return {part.strip().lower() for part in (value or "").split(",")}


# -- worlds ------------------------------------------------------------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn, *, roles: bool = False) -> Any:
    """Worlds of the first reference with features, tickets that can be told apart, and roles."""
    world = draw(ref.worlds())
    begin = ref.to_us(ref.datetime.fromisoformat(ref.STARTS[world.zone]).replace(tzinfo=ref.UTC))
    instant = st.integers(0, ref.LENGTH // HOUR).map(lambda h: begin + h * HOUR)
    hours, days = st.integers(0, 60).map(lambda h: h * HOUR), st.integers(0, 9).map(lambda d: d * DAY_US)
    delay = st.one_of(st.just(0), hours, days)
    feature = st.sampled_from([None, "", "reports", "export", "a 'b'"])
    facts = [Rich(**vars(f), feature=draw(feature)) for f in world.facts if f.table != "tickets"]
    for _ in range(draw(st.integers(0, 6))):
        facts += draw(versions(instant, delay))
    world.facts = facts
    if roles:
        for _ in range(draw(st.integers(1, 6))):
            said = draw(st.sampled_from(["Admin", "admin, Buyer", "buyer", "user", None, "ADMIN,user"]))
            stated = ref.Stated(
                draw(st.integers(0, 3)), "role", said, draw(instant), draw(delay), draw(st.booleans()),
                draw(st.sampled_from([0, 1, 2, 65])),
            )  # fmt: skip
            if not stated.dated:
                stated.us = stated.delay = 0
            world.traits.append(stated)
        if draw(st.booleans()):
            world.barred = {(1, 1), (0, 0)}
            world.exclude = world.exclude.model_copy(update={"people": ("p11@*", "p0@*")})
            world.same = {}
    for seq, f in enumerate(world.facts):
        f.seq = seq + 1
    for seq, t in enumerate(world.traits):
        t.seq = seq + 1
    return world


@st.composite
def versions(draw: st.DrawFn, instant: Any, delay: Any) -> list[Any]:
    """The versions of one ticket as they are stored: rows, and what takes them back."""
    f = Rich(
        "tickets", draw(st.integers(0, 3)), draw(st.sampled_from([None, 0, 1, 65])), draw(instant), draw(delay),
        "open", id=f"T{draw(st.integers(0, 4))}", category=draw(st.sampled_from([None, "billing", "login"])),
    )  # fmt: skip
    rows = [f]
    for _ in range(draw(st.integers(0, 2))):
        learned = rows[-1].learned + draw(st.integers(0, 12)) * DAY_US
        back = replace(rows[-1], delay=learned - rows[-1].us, sign=-1)
        moved = draw(st.sampled_from([0, 0, DAY_US]))
        changed = replace(rows[-1], us=rows[-1].us + moved, word=draw(st.sampled_from(["open", "closed"])))
        changed.category = draw(st.sampled_from([rows[-1].category, "billing", "login"]))
        changed.delay = max(0, learned - changed.us)
        rows += [back, changed]
    return rows


def store(facts: Any, rows: Iterable[Row], traits: list[Any] = []) -> None:  # noqa: B006
    """Stores facts with all that may tell them apart."""
    rows = list(rows)
    ref.store(facts, [f for f in rows if f.table == "outcomes"], traits)
    for f in rows:
        if f.table == "outcomes":
            continue
        shared = [f.seq, f.id or f"id{f.seq}", f.account, f.member, f.us, f.delay]
        first = "stored_seq, id, account, member, occurred_at, delay, source"
        if f.table == "tickets":
            facts.connection.execute(
                f"INSERT INTO tickets ({first}, sign, status, category)"
                " SELECT ?, ?, ?, ?, make_timestamp(?), ?, 'files', ?, ?, ?",
                [*shared, f.sign, f.word, f.category],
            )
        else:
            amount = "NULL" if f.amount is None else f"{f.amount!r}::DOUBLE"
            given = f"{{'amount': {amount}, 'feature': ?::VARCHAR}}::VARIANT"
            facts.connection.execute(
                f"INSERT INTO events ({first}, event, properties)"
                f" SELECT ?, ?, ?, ?, make_timestamp(?), ?, 'files', ?, {given}",
                [*shared, f.word, f.feature],
            )


def panel_of(facts: Any) -> Panel:
    """A panel over the metrics of this reference."""
    return Panel(facts, SimpleNamespace(metrics=METRICS, settings=facts.settings))  # type: ignore[arg-type]


def subjects_of(world: Any, kind: str) -> set[tuple[int, Any]]:
    """Every subject there may be."""
    if kind not in HOME:
        return set(ref.subjects_of(world, kind))
    found = {(world.root(f.account), key_of(kind, f)) for f in world.facts}
    return {(account, key) for account, key in found if key}


def rows_of(sheet: Any, world: Any, kind: str) -> list[tuple[int, Any]]:
    """The subjects of a sheet, as the reference calls them."""
    if kind not in HOME:
        return list(ref.rows_of(sheet, world, kind))
    return [(int(account), sheet.subjects.scope(row)) for row, account in enumerate(sheet.subjects.account)]


def check(
    facts: Any, world: Any, kind: str, asked: list[tuple[Quantity, Grain, int]], now: int, *, filling: bool = False,
    since: int | None = None, made: dict[Any, str] | None = None,
) -> None:  # fmt: skip
    """Windows, first looks and lives of a sheet against the reference."""
    sheet = panel_of(facts).sheet(
        kind, {(q, g) for q, g, _ in asked}, now_us=now, grace_us=world.grace, filling=filling, since_us=since,
        hours=max(width for _, _, width in asked),
    )  # type: ignore[arg-type]  # fmt: skip
    reference = Plainly(world, kind, now, made)
    rows = rows_of(sheet, world, kind)
    assert len(set(rows)) == len(rows)
    if kind in HOME:
        assert set(rows) == with_rows(reference, world, kind, asked, filling)
    for part, numbers in sheet.blocks(3):
        for quantity, grain, width in asked:
            ends = numbers.ends(grain)
            found, looks = numbers.windows(quantity, grain, width), numbers.firsts(quantity, grain, width)
            alive = numbers.alive(grain)
            for i, subject in enumerate(rows[part]):
                for c, end in enumerate(ends):
                    close = reference.period(grain, int(end) - 1)
                    expected = [
                        reference.value(quantity, grain, subject, close - width + 1 + j, close) for j in range(width)
                    ]
                    ref.same(found[i, c], np.array(expected))
                    ref.same(looks[i, c + width - 1], np.array(expected[-1]))
                    assert alive[i, c] == reference.alive(subject, int(end), reference.known_at(grain, close))


def with_rows(reference: Plainly, world: Any, kind: str, asked: list[Any], filling: bool) -> set[tuple[int, Any]]:
    """The subjects that have a row of one of the quantities: as far as is stored, or known where one is filling."""
    found = set()
    for subject in subjects_of(world, kind):
        for f in world.facts:
            if not (reference.about(f, subject) and reference.counts(f) and f.sign > 0):
                continue
            if filling and f.learned >= reference.now:
                continue
            for quantity, _, _ in asked:
                table, chosen = CHOSEN[quantity.metric]
                if quantity.metric == "last":  # a row of it that has no value is one of it
                    chosen = CHOSEN["logins"][1]
                if quantity.made is not None:
                    table, chosen = reference.made[quantity.made], lambda f: True
                if f.table == table and chosen(f):
                    found.add(subject)
    return found


# Without shrinking: a failing world is small already, and shrinking it takes minutes.
QUICK = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
FEW = settings(QUICK, max_examples=4)
"""Where every example opens many sheets."""
GRAINS = st.sampled_from([Grain.DAY, Grain.WEEK, Grain.MONTH])


def asking(metrics: list[str], **more: Any) -> Any:
    """Quantities of some metrics with a grain and a width; `more` are strategies of their other fields."""
    days = st.builds(
        Quantity, st.sampled_from(metrics), rolling_days=st.sampled_from([None, None, 2, 5]), **more
    )  # fmt: skip
    plain = st.builds(Quantity, st.sampled_from(metrics), **more)
    return st.lists(
        st.one_of(st.tuples(days, st.just(Grain.DAY), st.integers(1, 4)), st.tuples(plain, GRAINS, st.integers(1, 4))),
        min_size=1,
        max_size=3,
    )
