"""How much is told: messages over a simulated year beside one message an episode, and whom of the lost they warned of.

    beforehand simulate /tmp/company --accounts 300 && cd /tmp/company   # and the loads it prints
    python bench/noise.py /tmp/company

The episodes are those of the backtest (the same judges and life as live). Each day at six what is open goes through
the stages of `routing/pipeline.py`, with each account's owner, by mail; all work from nine to five, Monday to Friday,
and get their digests at nine. A message is one that is delivered to one person: a digest is one, and so is a list. The
rows add one way of saying less after the other; the last is what `run` does. A lost account counts as warned of where a
message about a risk of it was sent before it left.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from beforehand.calendar import to_datetime, to_us
from beforehand.commands.proving import Span, prove_signals
from beforehand.commands.risk import precision_of
from beforehand.commands.workspace import Workspace
from beforehand.proof import row
from beforehand.routing.batch import FREE, SEVERITIES, Batch, Due, Item, Lately, Said, Sent, Stage
from beforehand.routing.pipeline import STAGES, decide
from beforehand.routing.sending import Budget, Digest, Mute, Send, rhythm_of
from beforehand.routing.stages import Follow, Group, Hold, Inhibit, Remember

Place = tuple[str, str, str]
"""(account, polarity, person)."""
Own = tuple[datetime, Item, datetime | None]
"""When an alert was told in a message of its own, and when it was over."""
Covers = Mapping[str, frozenset[str]]
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Way:
    """One row: which stages tell, and what they know."""

    name: str
    stages: Sequence[Stage]
    covers: Covers = field(default_factory=dict)
    low: bool = False
    growth: bool = False
    follow: timedelta = timedelta()


@dataclass
class Year:
    """What a company lived through: its alerts with their ends, whose they are, and who left."""

    items: list[tuple[Item, datetime | None]]
    owners: Mapping[str, str]
    lost: Mapping[str, datetime]
    began: datetime
    end: datetime


@dataclass
class Lived:
    """What was told in a year: messages, when each alert was told first, what was ever listed as held back."""

    messages: Counter[str] = field(default_factory=Counter)
    weeks: Counter[tuple[str, str]] = field(default_factory=Counter)
    spent: Counter[tuple[str, str]] = field(default_factory=Counter)
    critical: Counter[tuple[str, str]] = field(default_factory=Counter)
    told: dict[int, datetime] = field(default_factory=dict)
    listed: dict[int, datetime] = field(default_factory=dict)
    stages: dict[int, str] = field(default_factory=dict)


def ways(covers: Covers, follow: timedelta) -> list[Way]:
    """The rows, each with one thing more than the one above."""
    together = (Remember(), Group(), Mute(), Digest(), Send())
    covered = (Inhibit(), *together)
    joined = (Inhibit(), Remember(), Group(), Follow(), Mute(), Digest(), Send())
    assert {type(s) for s in STAGES} == {type(s) for s in (*joined, Hold(), Budget())}, "a stage no row has"
    return [
        Way("one for an account and person a day, one cause once", together),
        Way("a more severe one covers", covered),
        Way("covers: of the signals", covered, covers),
        Way("low ones in the daily digest", covered, covers, True),
        Way("growth in the weekly digest", covered, covers, True, True),
        Way("what comes while a message waits is put into it", joined, covers, True, True),
        Way(f"what follows within {follow.days} days joins", joined, covers, True, True, follow),
        Way("the budget", STAGES, covers, True, True, follow),
    ]


def live(year: Year, way: Way, budget: int) -> Lived:
    """Lives through a year, day by day."""
    lived = Lived()
    before: dict[tuple[int, str], Said] = {}
    own: dict[Place, list[Own]] = {}
    ends = {item.number: closed for item, closed in year.items}
    waits: dict[tuple[int, str], datetime] = {}
    last: dict[tuple[str, str], tuple[datetime, Sent]] = {}
    rest = sorted(year.items, key=lambda pair: pair[0].opened_at)
    still: list[tuple[Item, datetime | None]] = []
    day = year.began.replace(hour=6, minute=0, second=0, microsecond=0, tzinfo=UTC)
    while day <= year.end + DAY:
        while rest and rest[0][0].opened_at <= day:
            still.append(rest.pop(0))
        due, going = [], []
        for item, closed in still:
            owner = year.owners[item.account]
            over = closed is not None and closed <= day
            if over and ((item.number, owner) not in before or before[item.number, owner].kind == "cleared"):
                continue
            going.append((item, closed))
            quiet = rhythm_of(None, item.severity, item.polarity)
            if not ((way.growth and item.polarity == "growth") or (way.low and item.polarity == "risk")):
                quiet = None
            due.append(Due(replace(item, closed=over), owner, "everything", "owner", digest=quiet,
                           any_hour=item.severity == "critical"))  # fmt: skip
        still = going
        people = {d.person for d in due}
        week = f"{day:%G-%V}"
        opens = nine(day, daily=True)
        after = decide(
            Batch(
                day, tuple(due), before=before, covers=way.covers,
                budget=dict.fromkeys(people, budget), spent={p: lived.spent[p, week] for p in people},
                opens=dict.fromkeys(people, opens),
                digest_at=dict.fromkeys(people, nine(opens, daily=True)),
                week_at=dict.fromkeys(people, nine(opens, daily=False)),
                digest_now=frozenset(p for (_, p), until in waits.items() if until <= opens <= day + DAY / 2),
                last={key: sent for key, (at, sent) in last.items() if at > day},
                lately=_lately(own, day, way.follow),
            ),
            way.stages,
        )  # fmt: skip
        for nth, one in enumerate(after.tellings):
            at = one.at or (last[one.thread, one.person][0] if one.kind == "since" else day)
            if not one.silent and one.account is not None:
                numbers = (*one.also, *(d.item.number for d in one.news))
                last[one.thread, one.person] = at, Sent(f"{day} {nth}", numbers, waiting=True)
            for d in one.news:
                before[d.item.number, one.person] = Said(d.item.severity, str(d.news))
                if not d.item.closed:
                    lived.told.setdefault(d.item.number, at)
                    if one.kind not in FREE:
                        place = (d.item.account, d.item.polarity, one.person)
                        own.setdefault(place, []).append((day, d.item, ends[d.item.number]))
            if not one.silent and one.kind != "since":
                lived.messages[one.kind] += 1
                lived.weeks[one.person, week] += 1
            if one.kind not in FREE:
                lived.spent[one.person, week] += 1
                lived.critical[one.person, week] += one.critical
        for held in after.held:
            lived.listed.setdefault(held.alert, day)
            lived.stages[held.alert] = held.stage
        held_now = {(h.alert, str(h.person)): h.until for h in after.held if h.stage == "digest" and h.until}
        waits = {key: min(until, waits.get(key, until)) for key, until in held_now.items()}
        day += DAY
    return lived


def nine(day: datetime, *, daily: bool) -> datetime:
    """The next digest: nine on the next working day, or on the next Monday."""
    at = day.replace(hour=9)
    while at <= day or at.weekday() > 4 or (not daily and at.weekday() != 0):
        at += DAY
    return at


def _lately(own: Mapping[Place, Sequence[Own]], day: datetime, follow: timedelta) -> dict[Place, Lately]:
    """What counts as told not long ago: within `follow`, or open still; nothing where that is nothing."""
    found = {}
    for key, told in own.items() if follow else ():
        new = [(at, item.severity) for at, item, end in told if at > day - follow or end is None or end > day]
        if new:
            found[key] = Lately(min((s for _, s in new), key=SEVERITIES.index), new[-1][0])
    return found


def year_of(root: Path, days: int) -> tuple[Year, Covers, int]:
    """The alerts of a workspace's last days, as its backtest has them."""
    accounts = list(csv.DictReader((root / "data" / "accounts.csv").open(encoding="utf-8")))
    values = {a["account"]: float(a["value"] or 0) for a in accounts}
    ws = Workspace(root)
    folder = ws.folder
    with ws.facts() as facts:
        span = facts.span("events")
        assert span is not None, "no events are loaded"
        end = to_datetime(span[1])
        names = [name for name, signal in folder.signals.items() if signal.mode == "on"]
        proved = list(prove_signals(facts, folder, names, Span(None, to_us(end), given=True)))
        episodes = [(one.signal, e) for one in proved for e in one.listed()]
    precisions = precision_of({p.signal.name: row(p.proven) for p in proved}, names)
    items = []
    for number, (signal, e) in enumerate(episodes, 1):
        account, risk = e["account"], float(precisions[signal.name]["precision"])
        item = Item(number, f"E-{number}", account, signal.name, signal.severity, e["opened_at"], signal.polarity,
                    values.get(account, 0.0), risk)  # fmt: skip
        if item.opened_at >= end - timedelta(days=days):
            items.append((item, e["closed_at"]))
    lost = {
        o["account"]: datetime.fromisoformat(o["at"].replace("Z", "+00:00"))
        for o in csv.DictReader((root / "data" / "outcomes.csv").open(encoding="utf-8"))
        if o["outcome"] == "churned"
    }
    covers = {name: frozenset(spec.covers) for name, spec in folder.specs.items() if spec.covers}
    year = Year(items, {a["account"]: a["owner"] for a in accounts}, lost, end - timedelta(days=days), end)
    return year, covers, len(names)


def warned(year: Year, when: Mapping[int, datetime]) -> set[str]:
    """The lost accounts of which a risk was in `when` before they left."""
    found = set()
    for item, _ in year.items:
        left = year.lost.get(item.account)
        if left is not None and item.polarity == "risk" and item.number in when and when[item.number] <= left + DAY:
            found.add(item.account)
    return found


def delays(year: Year, lived: Lived) -> str:
    """Median days from an alert to its first being told, by severity, and how many never were."""
    said = []
    for severity in SEVERITIES:
        items = [item for item, _ in year.items if item.severity == severity]
        days = [(lived.told[i.number] - i.opened_at) / DAY for i in items if i.number in lived.told]
        said.append(f"{median(days):.1f}" if days else "-")
    return "  ".join(f"{one:>5}" for one in said)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("workspace", type=Path)
    args.add_argument("--budget", type=int, default=10)
    args.add_argument("--days", type=int, default=365)
    args.add_argument("--follow", type=int, default=30)
    given = args.parse_args()
    year, covers, signals = year_of(given.workspace, given.days)
    episodes, owners = len(year.items), len(set(year.owners.values()))
    print(f"{episodes} episodes of {signals} signals in {given.days} days; {owners} owners")
    risks = {i.number: i.opened_at for i, _ in year.items if i.polarity == "risk"}
    could = warned(year, risks)
    print(f"{'':<52}{'messages':>8} {'of one an':>9} {'saved':>6} {'warned of':>9}  days from alert to told, median")
    print(f"{'':<52}{'':>8} {'episode':>9} {'':>6} {'the lost':>9}  " + "  ".join(f"{s[:5]:>5}" for s in SEVERITIES))
    print(f"{'one message an episode':<52}{episodes:>8} {'100%':>9} {'':>6} {len(could):>9}")
    last = episodes
    for way in ways(covers, timedelta(days=given.follow)):
        lived = live(year, way, given.budget)
        sent = sum(lived.messages.values())
        row_of = f"{way.name:<52}{sent:>8} {sent / max(1, episodes):>9.0%} {last - sent:>6}"
        print(f"{row_of} {len(warned(year, lived.told)):>9}  {delays(year, lived)}", flush=True)
        last = sent
    told, listed = warned(year, lived.told), warned(year, lived.listed)
    print(f"messages by kind: {dict(lived.messages)}")
    never = Counter(
        lived.stages.get(item.number, "over within a day" if closed else "opened last")
        for item, closed in year.items if item.number not in lived.told
    )  # fmt: skip
    print(f"alerts never told, by what kept them until they were over: {dict(never)}")
    print(
        f"lost accounts with an episode before: {len(could)}; told of by a message: {len(told)}, "
        f"only listed as held back: {len(listed - told)}, neither: {len(could - told - listed)}"
    )
    above = sum(lived.spent[key] - lived.critical[key] > given.budget for key in lived.spent)
    print(
        f"weeks of a person above the budget of {given.budget}, critical ones aside: {above} of {len(lived.weeks)}; "
        f"the most in a week, everything counted: {max(lived.weeks.values(), default=0)}"
    )


if __name__ == "__main__":
    main()
