"""What else happened around the opening of an alert: looked for among everything known of the account at the close,
ranked by how unusual it is there, and the first few proven by receipts.

Computed when an alert is shown, not when it opens: a run stays quick, and facts that came late change nothing, because
everything is asked as it was known at the close.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from beforehand.calendar import DAY_US, Grain
from beforehand.commands import questions
from beforehand.commands.desk import Ask, take_all
from beforehand.commands.questions import FIRST_US, Whose
from beforehand.errors import EngineError, InputError
from beforehand.signals.dates import RENEWAL
from beforehand.signals.tree import Level, Quantity, Turned
from beforehand.story import Query, Receipt
from beforehand.story.clause import COUNTED, Clause, Measure
from beforehand.story.scene import Happening
from beforehand.story.unusual import UNUSUAL, count_p, rate_p, stopped_p, value_p
from beforehand.workspace.spec import MetricSpec

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.facts.around import Around
    from beforehand.workspace import Folder

WEEK_US = 7 * DAY_US
LEAST, MOST = 3, 8
"""How many weeks are looked at, at least and at most."""
PAST = 26
BEFORE, AFTER = 2, 6
"""So many weeks before the change began, and after it, where that is long ago."""
TOLD = 5
CAPS = {"metric": 2, "person stopped": 2, "trait": 2}
"""At most so many of a kind; of others one."""
LEAST_SILENT = 2
"""Weeks without, from which on somebody has stopped."""
RENEWAL_DAYS = 90
NAMED = 6
"""So many people who came are proven one by one; of more it is not said."""
UNTOLD_TRAITS = frozenset(("name", "domain", "email", "started_at", "ended_at", *RENEWAL))


@dataclass(frozen=True)
class Other:
    """An alert of another signal: its name, when it opened, and how many accounts had one of it in such a time."""

    signal: str
    alert: str
    opened_us: int
    accounts: int


@dataclass(frozen=True)
class Window:
    """The weeks looked at: they end at `end_us`, as known before `known_us`."""

    end_us: int
    known_us: int
    weeks: int

    @property
    def start_us(self) -> int:
        """When they begin."""
        return self.end_us - self.weeks * WEEK_US

    @classmethod
    def of(cls, since_us: int, opened_us: int, known_us: int) -> Window:
        """The weeks around the time from which a signal holds, up to its opening."""
        until = min(opened_us, known_us)
        end = max(min(until, since_us + AFTER * WEEK_US), until - 60 * WEEK_US)
        weeks = -(-(end - since_us + BEFORE * WEEK_US) // WEEK_US)
        return cls(end, known_us, int(min(max(weeks, LEAST), MOST)))


@dataclass
class Found:
    """Something that may be told: how unusual it is, and the questions that prove it."""

    kind: str
    p: float
    order: str
    asks: tuple[Query, ...] = ()
    name: str = ""
    about: str = ""
    at_us: int = 0
    clause: Clause | None = None
    weeks: int = 0


@dataclass
class Search:
    """One account in its weeks; `judged` are the metrics that the alert is about, over `tables`."""

    facts: Facts
    folder: Folder
    whose: Whose
    window: Window
    around: Around
    judged: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    looked_at: int = 0
    series: list[np.ndarray] = field(default_factory=list)

    def all(self) -> Iterator[Found]:
        """Everything that may be told, whatever its rank."""
        yield from self.metrics()
        yield from self.events()
        yield from self.people()
        yield from self.traits()
        yield from self.renewal()
        yield from self.invoices()
        yield from self.surveys()

    @property
    def past(self) -> slice:
        """The weeks before the window."""
        return slice(0, self.around.weeks - self.window.weeks)

    @property
    def now(self) -> slice:
        """The weeks of the window."""
        return slice(self.around.weeks - self.window.weeks, None)

    @property
    def edges(self) -> tuple[int, ...]:
        """The boundaries of the weeks, those before the account's life left out."""
        every = [self.window.end_us - n * WEEK_US for n in range(self.around.weeks, -1, -1)]
        born = self.whose.born_us
        return tuple(e for e in every if born is None or e >= born or e >= self.window.start_us)

    def lived(self, values: np.ndarray) -> np.ndarray:
        """A series without the weeks before the life."""
        return values[self.around.weeks + 1 - len(self.edges) :]

    def _number(self, kind: str, name: str, spec: MetricSpec, values: np.ndarray, tests: int) -> Found | None:
        """A number by week beside its own past."""
        own = self.lived(values)
        before, after = own[: len(own) - self.window.weeks], own[len(own) - self.window.weeks :]
        counted = spec.aggregate in (*COUNTED, "sum")
        p = count_p(before, after) if counted else value_p(before, after)
        self.looked_at += 1
        if np.isnan(p) or (not before.any() and not after.any()):
            return None
        query = Query(
            spec.table, cast("Measure", spec.aggregate), self.edges, self.whose.nodes, of=spec.of, where=spec.where,
            name=name, grain=Grain.WEEK.value,
        )  # fmt: skip
        clause = Clause(Level(Quantity(name), "<", 0.0), name, cast("Measure", spec.aggregate), 0, facts=spec.table)
        return Found(kind, min(1.0, p * tests), name, (query,), name, clause=clause)

    def metrics(self) -> Iterator[Found]:
        """The workspace's metrics but for those the alert is about, and tickets and touches where none counts them."""
        from beforehand.facts.around import Measure as Asked

        wanted: list[tuple[str, str, MetricSpec]] = []
        for metric, spec in self.folder.metrics.items():
            if spec.aggregate != "last":
                wanted.append(("metric", questions.name_of(self.folder, metric), spec))
        whole = {spec.table for _, _, spec in wanted if spec.aggregate == "count" and spec.where is None}
        for table, name in (("tickets", "tickets"), ("touches", "contacts from us")):
            if table not in whole:
                wanted.append(("metric", name, MetricSpec.model_validate({"count": table})))
        judged = {questions.name_of(self.folder, metric) for metric in self.judged if metric in self.folder.metrics}
        series = self.around.series([Asked(s.table, s.aggregate, s.of, s.where) for _, _, s in wanted])
        self.series += [values for (_, name, _), values in zip(wanted, series, strict=True) if name in judged]
        for (kind, name, spec), values in zip(wanted, series, strict=True):
            if name in judged or self._known(values):
                continue
            found = self._number(kind, name, spec, values, len(wanted))
            if found is not None:
                yield found
        yield from self._reopened(len(wanted))

    def _known(self, values: np.ndarray) -> bool:
        """Whether another number is the same in each week: what is told twice under two names is one thing."""
        if any(np.array_equal(values, other, equal_nan=True) for other in self.series):
            return True
        self.series.append(values)
        return False

    def _reopened(self, tests: int) -> Iterator[Found]:
        """Tickets that were opened again after they were solved."""
        if self.facts.span("tickets") is None:
            return
        from beforehand.facts.derived import recipe_of

        spec = MetricSpec.model_validate({"count": "tickets"})
        recipe = recipe_of(Turned("reopened"), spec, self.folder.metrics, self.folder.settings)
        query = Query("tickets", "count", self.edges, self.whose.nodes, name="tickets", grain=Grain.WEEK.value)
        query = replace(query, made=recipe.as_text())
        (receipt,) = take_all(self.facts, [(query, self.window.known_us)])
        values = np.array([v or 0.0 for v in receipt.numbers])
        self.looked_at += 1
        weeks = self.window.weeks
        if values[len(values) - weeks :].any():
            p = count_p(values[: len(values) - weeks], values[len(values) - weeks :])
            clause = Clause(
                Level(Quantity("tickets", made=Turned("reopened")), "<", 0.0), "tickets", "count", 0, facts="tickets"
            )
            if not np.isnan(p):
                yield Found("metric", min(1.0, p * tests), "reopened", (query,), "reopened tickets", clause=clause)

    def events(self) -> Iterator[Found]:
        """Events by name: new or risen errors among them, and what they no longer do."""
        every = self.around.events()
        for name, values in every.items():
            if not self._known(values):
                spec = MetricSpec.model_validate({"count": "events", "where": f"event = '{_quoted(name)}'"})
                found = self._number("event", f"“{_short(name)}” events", spec, values, len(every))
                if found is not None:
                    yield found

    def people(self) -> Iterator[Found]:
        """A person who stopped, and people who came."""
        every = {
            who: self.lived(values)
            for who, values in self.around.people().items()
            if who not in self.whose.members
        }  # fmt: skip
        weeks = self.window.weeks
        regular = sum(1 for values in every.values() if values[: len(values) - weeks].any())
        stopped = []
        for who, values in every.items():
            silent = len(values) - 1 - int(np.flatnonzero(values)[-1]) if values.any() else 0
            # Who was silent before these weeks already has not stopped in them.
            if LEAST_SILENT <= silent <= weeks:
                p = stopped_p(values[: len(values) - silent], silent) * regular
                stopped += [(p, who, silent)] if p <= UNUSUAL else []
        stopped = sorted(stopped)[:3]
        self.looked_at += len(every)
        came = self._came(every)
        named = self.around.named([who for _, who, _ in stopped] + [who for _, who in came])
        for p, who, silent in stopped:
            query = Query("events", "count", self.edges, self.whose.nodes, (who,), grain=Grain.WEEK.value)
            name, role = named[who]
            yield Found("person stopped", p, name, (query,), name, role, weeks=silent)
        if came:
            queries = tuple(
                Query("events", "first", (FIRST_US, self.window.end_us), self.whose.nodes, (who,)) for _, who in came
            )
            names = "\n".join(named[who][0] for _, who in came)
            yield Found("person came", came[0][0], names, queries, names)

    def _came(self, every: dict[tuple[int, int], np.ndarray]) -> list[tuple[float, tuple[int, int]]]:
        """Who was seen for the first time in the window, each with how unusual so many are."""
        if not every:
            return []
        size = len(next(iter(every.values())))
        fresh = np.zeros(size)
        new: list[tuple[int, int]] = []
        for who, values in every.items():
            first = int(np.flatnonzero(values)[0]) if values.any() else -1
            if first >= 0:
                fresh[first] += 1
            if first >= size - self.window.weeks:
                new.append(who)
        known = self.around.seen_before(new)
        new = [who for who in new if who not in known]
        fresh[size - self.window.weeks :] *= len(new) / max(1, len(new) + len(known))
        # In the first weeks everybody is seen for the first time.
        past, now = fresh[4 : size - self.window.weeks], fresh[size - self.window.weeks :]
        p = count_p(past, now)
        usual = past.mean() * len(now) if past.size else 0.0
        if not new or len(new) > NAMED or np.isnan(p) or p > UNUSUAL or now.sum() <= usual:
            return []
        return [(p, who) for who in sorted(new)]

    def traits(self) -> Iterator[Found]:
        """A plan, seats, an owner, any dated trait that changed, of the account or of its people."""
        changes = self.around.changes(self.window.start_us)
        if not changes:
            return
        rates, accounts, people = self.around.rates()
        part = self.window.weeks / 52
        named = self.around.named([(a, m) for a, m, _, _ in changes if m is not None])
        for account, member, trait, at in changes:
            self.looked_at += 1
            if trait in UNTOLD_TRAITS:
                continue
            times = rates.get((trait, member is not None), 0)
            p = rate_p(times * part, people if member is not None else accounts)
            # Of many people somebody's changes more often.
            p = min(1.0, p * (1 if member is None else max(1, len(self.around.people()))))
            query = Query(
                "traits", "trait", (FIRST_US, at, max(self.window.end_us, at + 1)), self.whose.nodes,
                () if member is None else ((account, member),), of=trait,
            )  # fmt: skip
            name = "" if member is None else named[account, member][0]
            yield Found("trait", p, f"{trait} {name} {at}", (query,), name, at_us=at)

    def renewal(self) -> Iterator[Found]:
        """A renewal that comes."""
        held = self.facts.traits(*RENEWAL)
        names = [name for name in RENEWAL if name in set(held.trait)]
        if not names:
            return
        self.looked_at += 1
        query = Query("traits", "trait", (FIRST_US, self.window.end_us), self.whose.nodes, of=names[0])
        (receipt,) = take_all(self.facts, [(query, self.window.known_us)])
        days = _days_ahead(receipt)
        if days is not None and 0 <= days <= RENEWAL_DAYS:
            due, of = self.around.share_due(names, days)
            yield Found("renewal", rate_p(due, of), "renewal", (query,))

    def invoices(self) -> Iterator[Found]:
        """The oldest invoice that is due and not paid."""
        if self.facts.span("invoices") is None:
            return
        self.looked_at += 1
        late, accounts, of = self.around.unpaid()
        if late and "invoices" not in self.tables:
            name, _ = late[0]
            yield Found("invoice", rate_p(accounts, of), name, (self._row("invoices", name, INVOICE),), name)

    def surveys(self) -> Iterator[Found]:
        """The answer that is furthest out."""
        if self.facts.span("surveys") is None:
            return
        answers = self.around.surveys(self.window.start_us)
        self.looked_at += len(answers)
        if answers:
            name, member, account, p = min(answers, key=lambda answer: (answer[3], answer[0]))
            who = "" if member is None else self.around.named([(account, member)])[account, member][0]
            p = min(1.0, p * len(answers))
            yield Found("survey", p, name, (self._row("surveys", name, "kind, score, occurred_at"),), who)

    def _row(self, table: str, name: str, columns: str) -> Query:
        edges = (FIRST_US, self.window.end_us)
        return Query(table, "row", edges, self.whose.nodes, of=columns, key=("id", name))


INVOICE = "amount, currency, due_at"


def found_around(
    facts: Facts,
    folder: Folder,
    whose: Whose,
    window: Window,
    judged: Collection[str],
    others: Sequence[Other],
    first: int,
) -> tuple[list[Happening], list[Receipt], int]:
    """The most unusual that happened in the weeks of a window, with receipts whose places count from `first`.

    And how many things were looked at. `judged` are the metrics that the alert itself is about.
    """
    from beforehand.facts.around import Around

    with Around(facts, whose.nodes, window.end_us, PAST + window.weeks, window.known_us) as around:
        tables = frozenset(folder.metrics[m].table for m in judged if m in folder.metrics)
        search = Search(facts, folder, whose, window, around, frozenset(judged), tables)
        try:
            found = list(search.all())
        except (InputError, EngineError):
            return [], [], 0
        accounts = around.accounts() if others else 0
    for other in others:
        search.looked_at += 1
        p = rate_p(other.accounts, accounts)
        found.append(Found("alert", p, other.signal, name=other.signal, about=other.alert, at_us=other.opened_us))
    chosen: list[Found] = []
    for one in sorted(found, key=lambda f: (f.p, f.kind, f.order)):
        alike = sum(1 for other in chosen if other.kind == one.kind)
        if one.p <= UNUSUAL and alike < CAPS.get(one.kind, 1) and len(chosen) < TOLD:
            chosen.append(one)
    asks: list[Ask] = [(query, window.known_us) for one in chosen for query in one.asks]
    receipts = take_all(facts, asks)
    happenings, at = [], first
    for one in chosen:
        places = tuple(range(at, at + len(one.asks)))
        at += len(one.asks)
        clause = None if one.clause is None else replace(one.clause, receipt=places[0])
        happenings.append(
            Happening(one.kind, one.p, places, one.name, one.about, one.weeks or window.weeks, one.at_us, clause)
        )  # fmt: skip
    return happenings, receipts, search.looked_at


def _days_ahead(receipt: Receipt) -> int | None:
    """How many days after its last edge the day is that a receipt names."""
    from beforehand.commands.marking import day_of

    at = day_of(receipt)
    return None if at is None else round((at - receipt.query.edges_us[-1]) / DAY_US)


def _quoted(name: str) -> str:
    return name.replace("'", "''")


def _short(name: str) -> str:
    return " ".join(name.split())[:40]
