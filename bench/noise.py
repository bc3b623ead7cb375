"""How much is told: messages over a simulated year beside one message an episode, and whom of the lost they warned of.

    beforehand simulate /tmp/company --accounts 300 && cd /tmp/company   # and the loads it prints
    python bench/noise.py /tmp/company

The episodes are those of the backtest (the same judges and life as live). Each day at noon what is open goes through
the stages, with each account's owner; growth and low alerts, and what the budget leaves, are told in a digest on
Mondays, which counts as a message here; hours are left aside. Told of a lost account means before it left.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from beforehand.calendar import to_datetime, to_us
from beforehand.commands.proving import Span, prove_signals
from beforehand.commands.risk import precision_of
from beforehand.commands.workspace import Workspace
from beforehand.proof import row
from beforehand.routing.batch import Batch, Due, Item, Said
from beforehand.routing.pipeline import decide

FREE = ("cleared", "digest")


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("workspace", type=Path)
    args.add_argument("--budget", type=int, default=10)
    args.add_argument("--days", type=int, default=365)
    given = args.parse_args()
    accounts = list(csv.DictReader((given.workspace / "data" / "accounts.csv").open(encoding="utf-8")))
    owners = {a["account"]: a["owner"] for a in accounts}
    values = {a["account"]: float(a["value"] or 0) for a in accounts}
    lost = {
        o["account"]: datetime.fromisoformat(o["at"].replace("Z", "+00:00"))
        for o in csv.DictReader((given.workspace / "data" / "outcomes.csv").open(encoding="utf-8"))
        if o["outcome"] == "churned"
    }
    end = max(datetime.fromisoformat(a["at"].replace("Z", "+00:00")) for a in accounts)
    ws = Workspace(given.workspace)
    folder = ws.folder
    items: list[tuple[Item, datetime | None]] = []
    with ws.facts() as facts:
        span = facts.span("events")
        end = to_datetime(span[1]) if span else end
        names = [name for name, signal in folder.signals.items() if signal.mode == "on"]
        proved = list(prove_signals(facts, folder, names, Span(None, to_us(end), given=True)))
        episodes = [(one, e) for one in proved for e in one.listed()]
    precisions = precision_of({p.signal.name: row(p.proven) for p in proved}, names)
    for one, e in episodes:
        signal, number = one.signal, len(items) + 1
        account, risk = e["account"], float(precisions[one.signal.name]["precision"])
        item = Item(number, f"E-{number}", account, signal.name, signal.severity, e["opened_at"], signal.polarity,
                    values.get(account, 0.0), risk)  # fmt: skip
        items.append((item, e["closed_at"]))
    began = end - timedelta(days=given.days)
    items = [(item, closed) for item, closed in items if item.opened_at >= began]

    messages: Counter[str] = Counter()
    weeks: Counter[tuple[str, str]] = Counter()
    critical: Counter[tuple[str, str]] = Counter()
    before: dict[tuple[int, str], Said] = {}
    told: dict[str, datetime] = {}
    listed: dict[str, datetime] = {}
    day = began.replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=UTC)
    while day <= end + timedelta(days=1):
        week = f"{day:%G-%V}"
        due = []
        for item, closed in items:
            if item.opened_at <= day:
                owner = owners[item.account]
                over = closed is not None and closed <= day
                if not over or ((item.number, owner) in before and before[item.number, owner].kind != "cleared"):
                    quiet = item.polarity == "growth" or item.severity == "low"
                    due.append(Due(replace(item, closed=over), owner, "everything", "owner", digest=quiet))
        people = {d.person for d in due}
        after = decide(Batch(
            day, tuple(due), before=before, budget=dict.fromkeys(people, given.budget),
                digest_at=dict.fromkeys(people, day + timedelta(days=7 - day.weekday())),
            digest_now=frozenset(people) if day.weekday() == 0 else frozenset(),
            spent={p: weeks[p, week] for p in people},
        ))  # fmt: skip
        for one in after.tellings:
            for d in one.news:
                before[d.item.number, one.person] = Said(d.item.severity, str(d.news))
                if not d.item.closed and d.item.polarity == "risk":
                    told.setdefault(d.item.account, day)
            if not one.silent:
                messages[one.kind] += 1
            if one.kind not in FREE:
                weeks[one.person, week] += 1
                critical[one.person, week] += one.critical
        risks = {item.number: item for item, _ in items if item.polarity == "risk"}
        for held in after.held:
            if held.alert in risks:
                listed.setdefault(risks[held.alert].account, day)
        day += timedelta(days=1)

    warned = {
        a for a in lost if any(i.account == a and i.polarity == "risk" and i.opened_at < lost[a] for i, _ in items)
    }
    by_message = {a for a in warned if a in told and told[a] <= lost[a] + timedelta(days=1)}
    by_list = {a for a in warned - by_message if a in listed}
    above = sum(weeks[key] - critical[key] > given.budget for key in weeks)
    sent = sum(messages.values())
    print(f"{len(items)} episodes of {len(names)} signals in {given.days} days; {len(set(owners.values()))} owners")
    print(
        f"messages: {sent} against {len(items)} with one an episode: {sent / max(1, len(items)):.0%}  {dict(messages)}"
    )
    print(
        f"churned accounts with an episode before: {len(warned)}; told of by a message: {len(by_message)}, "
        f"only listed as held back: {len(by_list)}, neither: {len(warned - by_message - by_list)}"
    )
    print(f"weeks of a person above the budget of {given.budget}, critical ones aside: {above} of {len(weeks)}")


if __name__ == "__main__":
    main()
