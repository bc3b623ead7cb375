"""The demo: a simulated company, loaded and run as a person would, to its most urgent alerts and what is done then."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from outreach import show_outreach
from planted import show_kinds, show_records
from same_issue import show_issue
from terse import show_terse
from walk import Walk, most_urgent

#: A fixed end, so that everybody sees the same demo; `--end today` moves it.
END = "2026-06-29"
WEEKS_BEFORE = 4


def main() -> int:
    """Runs the whole demo; 0 when everything worked."""
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("--accounts", default="300")
    read.add_argument("--days", default="540")
    read.add_argument("--seed", default="7")
    read.add_argument("--end", default=END, help="the day before which the history ends, or `today`")
    read.add_argument("--folder", type=Path, help="where to make the company; default: a new temporary folder")
    asked = read.parse_args()
    end = datetime.now(UTC).date() if asked.end == "today" else date.fromisoformat(asked.end)
    base = asked.folder or Path(tempfile.mkdtemp(prefix="beforehand-demo-"))
    base.mkdir(parents=True, exist_ok=True)
    walk = Walk(base)

    walk.title("A company to try it on")
    walk.say("A made-up company that sells reporting software: customers, their people, 18 months of what they did.\n")
    size = ["--accounts", asked.accounts, "--days", asked.days, "--seed", asked.seed, "--end", end.isoformat()]
    made = walk.ask("simulate", "company", *size, typed=True)
    walk.folder = base / "company"
    rows = made["rows"]
    walk.say(
        f"[bold]{rows['events']:,}[/] events, {rows['tickets']:,} ticket versions, {rows['messages']:,} messages, "
        f"{rows['outcomes']} outcomes.\n"
    )
    for line in made["next"]:
        if line.startswith("load "):
            walk.show(*line.split(), quiet=True)

    walk.say("\nBefore anybody is alerted, every signal is put to all of history, as it would have been known then.\n")
    told = walk.ask("backtest", "--episodes", typed=True)

    walk.title("Run")
    before = end - timedelta(weeks=WEEKS_BEFORE)
    walk.say(
        f"The first run looks at the company as it was {WEEKS_BEFORE} weeks before the end: whoever is in\n"
        "trouble already is the backlog. The second goes through every close since, and opens what is new.\n"
    )
    walk.show("run", "--now", before.isoformat())
    walk.show("run", "--now", end.isoformat())

    walk.title("The five most urgent new alerts")
    alerts = walk.ask("alerts", "--open")["alerts"]
    urgent = most_urgent(alerts, 5)
    for alert in urgent:
        walk.show("show", str(alert["alert"]))

    show_terse(walk, alerts)
    show_issue(walk)

    walk.title("What was planted, and what was found of it")
    walk.say(
        "The company's truth says what happened to whom on which day; no signal may read it. Per kind: how many are\n"
        "planted, how many the library's signal tells, how many of its alerts tell nothing that is there, and how\n"
        "many days after the beginning it speaks, by the median.\n"
    )
    show_kinds(walk.folder, told, walk.out.width)

    walk.title("Are the signals any good?")
    walk.say(
        "To be true is not yet to be of use. How many alerts came true before the customer gave notice, or grew; how\n"
        "many of those who did were caught, how early; and what two simple rivals do with as many alerts.\n"
    )
    show_records(told["signals"], walk.out.width)

    show_outreach(walk, base)

    walk.title("What to try next")
    walk.out.print(f"  cd {walk.folder}\n")
    account = urgent[0]["account"] if urgent else "ACCOUNT"
    for command, why in (
        (f"beforehand show {account} --receipts", "the story with the counts behind each sentence"),
        ("beforehand library", "every signal with its reason, its source and what to do about it"),
        ("beforehand backtest fewer-people --episodes", "its hits, misses and false alarms by name"),
        ("$EDITOR signals/fewer-people.yaml", "change the sentence; `beforehand check` tells you what it means"),
        ("beforehand risk", "every account, weighted by the record of its alerts"),
        ("less truth.json", "what really happened to each customer; no signal may read it"),
    ):
        walk.out.print(f"  [bold]{command:<46}[/] [dim]{why}[/]")
    walk.out.print(f"\n[dim]Done in {walk.seconds:.0f} s. The company stays in {walk.folder}[/]", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
