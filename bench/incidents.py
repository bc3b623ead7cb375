"""How many incidents are raised where nothing is wrong, which planted ones are found, how late, and what finding costs.

    python bench/incidents.py false [--seeds 1 2 3] [--accounts 120] [--days 365]
    python bench/incidents.py planted [--seeds 1 2 3] [--every 1] [--only redefined]
    python bench/incidents.py cost DIR   (a folder made by bench/generate.py)

`false` looks at the last year of a simulated company as a run on each of its days would, at every metric and grain
its signals read. `planted` lives through the weeks around what is planted, one `run` every so many days. The company
has one silence of its own: `page viewed` does not come for two days, 131 days before the end.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from beforehand.calendar import to_us
from beforehand.commands import finding
from beforehand.commands.judging import judged
from beforehand.commands.load import load
from beforehand.commands.replay import Opened, untold
from beforehand.commands.run import run
from beforehand.commands.workspace import Workspace
from beforehand.facts import pulses
from beforehand.simulate.simulation import TABLES, simulate

END = date(2026, 3, 1)
MOMENTS = (
    ("first", datetime(2024, 12, 2, tzinfo=UTC)),
    ("next day", datetime(2024, 12, 3, tzinfo=UTC)),
    ("next week", datetime(2024, 12, 9, 1, tzinfo=UTC)),
)
DAY = timedelta(days=1)
OF_SOMEBODY = "properties.platform is not null"
Change = Callable[[Path, datetime], None]


def silent(folder: Path, at: datetime) -> None:
    """No events for three days."""
    _rewrite(folder, f'SELECT * FROM events WHERE NOT ("at" >= {_ts(at)} AND "at" < {_ts(at + 3 * DAY)})')


def renamed(folder: Path, at: datetime) -> None:
    """Logins are called otherwise from then on."""
    new = f"CASE WHEN event = 'login' AND \"at\" >= {_ts(at)} THEN 'user_login' ELSE event END"
    _rewrite(folder, f"SELECT * REPLACE ({new} AS event) FROM events")


def all_down(folder: Path, at: datetime) -> None:
    """Everybody does a fifth of what they do, from Monday to Sunday."""
    monday = at - timedelta(days=at.weekday())
    week = f'"at" >= {_ts(monday)} AND "at" < {_ts(monday + 7 * DAY)}'
    _rewrite(folder, f"SELECT * FROM events WHERE NOT ({week} AND hash(id) % 5 > 0)")


def redefined(folder: Path, at: datetime) -> None:
    """Logins from nowhere that is known are no longer counted; done between two runs, see `live`."""


PLANTED: dict[str, Change] = {"silent": silent, "renamed": renamed, "all down": all_down, "redefined": redefined}


def _ts(at: datetime) -> str:
    return f"TIMESTAMPTZ '{at.isoformat()}'"


def _rewrite(folder: Path, query: str) -> None:
    path = folder / "data" / "events.parquet"
    new = path.with_suffix(".new")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE VIEW events AS SELECT * FROM '{path}'")
        connection.execute(f"COPY ({query}) TO '{new}' (FORMAT parquet)")
    new.replace(path)


def company(folder: Path, seed: int, accounts: int, plant: str | None, at: datetime) -> Workspace:
    """A simulated company, loaded, with something planted."""
    made = simulate(folder, end_on=END, accounts=accounts, days=540, seed=seed)
    if plant is not None:
        PLANTED[plant](folder, at)
    ws = Workspace(made.folder, actor="bench")
    for table, file in TABLES.items():
        mapping = folder / "maps" / f"{table}.yaml"
        with contextlib.redirect_stderr(io.StringIO()):
            load(ws, [folder / "data" / file], table=table, mapping=str(mapping) if mapping.exists() else None)
    return ws


def live(
    ws: Workspace, days: int, every: int, *, until: datetime, plant: str | None = None, at: datetime | None = None
) -> tuple[list[dict], int, float]:
    """Runs every so many days; the incidents found, how many runs, and how long one took."""
    now = until - days * DAY
    runs, took = 0, 0.0
    metrics = ws.root / "metrics.yaml"
    with ExitStack() as stack:
        opened = Opened(ws.root, stack)
        while now <= until:
            if plant == "redefined" and at is not None and now - every * DAY < at <= now:
                counted = metrics.read_text().replace("event: login", f"event: login\n  where: {OF_SOMEBODY}", 1)
                metrics.write_text(counted)
                opened.__dict__.pop("folder", None)
            began = time.perf_counter()
            run(opened, now, told_by=untold)
            took += time.perf_counter() - began
            runs += 1
            now += every * DAY
    return ws.incidents()["incidents"], runs, took / max(1, runs)


def whole_year(ws: Workspace, days: int, until: datetime) -> list[tuple[str, str, str]]:
    """What a run on each day would find: (kind, what, headline)."""
    until_us, since_us = to_us(until), to_us(until - days * DAY)
    kinds = ws.folder.settings.incident_kinds
    pulses.HOT_DAYS = pulses.COLD_DAYS = 3 * 365  # what a run on each day would have counted by then
    finding.TESTED.update(dict.fromkeys(finding.TESTED, 24 * days))
    with ws.facts() as facts:
        feeds = finding.Feeds.read(facts, until_us)
        moments = list(range(since_us, until_us + 1, DAY // timedelta(microseconds=1)))
        silences = finding.silent(feeds, ws.folder, moments, since_us, kinds)
        told = {(one.kind, one.what, one.headline) for one in silences}
        moved = finding.Moved(ws.folder, kinds)
        signals = [signal for signal in ws.folder.signals.values() if signal.mode != "off"]
        for _ in judged(facts, ws.folder, signals, now_us=until_us, since_us=since_us, seen=moved):
            pass
        told |= {(one.kind, one.what, one.headline) for one, _ in finding.together(moved, facts, ws.folder, kinds)}
    return sorted(told)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["false", "planted", "cost"])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--accounts", type=int, default=120)
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--only", choices=PLANTED, nargs="+")
    parser.add_argument("--days", type=int, default=365)
    given = parser.parse_args()
    if given.what == "cost":
        cost(given.folder)
        return
    until = datetime(END.year, END.month, END.day, tzinfo=UTC)
    for seed in given.seeds if given.what == "false" else []:
        with tempfile.TemporaryDirectory(prefix="incidents-") as made:
            ws = company(Path(made) / "w", seed, given.accounts, None, until)
            rows = whole_year(ws, given.days, until)
            print(f"seed {seed}, {given.accounts} accounts, {given.days} days: {len(rows)} found", flush=True)
            for kind, what, headline in rows:
                print(f"  {kind:10} {what:36} {headline}", flush=True)
    for seed in given.seeds if given.what == "planted" else []:
        for plant in given.only or PLANTED:
            at = until - timedelta(days=40, hours=10)
            folder = Path(tempfile.mkdtemp(prefix="incidents-"))
            shutil.rmtree(folder)
            ws = company(folder, seed, given.accounts, plant, at)
            end = until if plant is None else (at + 15 * DAY).replace(hour=0)
            days = given.days if plant is None else 26
            found, runs, each = live(ws, days, given.every, until=end, plant=plant, at=at)
            print(
                f"seed {seed}, {plant or 'nothing planted'}: {len(found)} incidents in {runs} runs, {each:.2f} s a run"
            )
            for row in sorted(found, key=lambda r: r["found_at"]):
                late = (row["found_at"] - row["since"]) / DAY
                held = {k: sum(row[k].values()) for k in ("held", "released", "dropped")}
                when = f"since {row['since']:%Y-%m-%d %H:%M} found {row['found_at']:%Y-%m-%d} ({late:.1f} days)"
                print(f"  {row['kind']:10} {row['what']:32} {when} {row['how'] or row['state']} {json.dumps(held)}")
            shutil.rmtree(folder)


def cost(folder: Path) -> None:
    """A run with and without finding incidents, on a facts file with a year and more before it."""
    from beforehand.commands.init import init

    root = Path(tempfile.mkdtemp(prefix="incidents-cost-"))
    init(root / "w")
    signals = {
        "drop": "when: logins below 2 per week for 3 consecutive weeks",
        "down": "when: active people down 40% vs the 8 weeks before, for 2 weeks",
        "gone": "when: no events for 14 days",
        "errors": "when: errors above usual per day",
    }
    for path in (root / "w" / "signals").glob("*.yaml"):
        path.unlink()
    for name, text in signals.items():
        (root / "w" / "signals" / f"{name}.yaml").write_text(f"signal: {name}\n{text}\n")
    for wanted in (True, False):
        data = root / "w" / ".beforehand"
        data.mkdir(exist_ok=True)
        shutil.copyfile(folder / "facts.duckdb", data / "facts.duckdb")
        (data / "state.sqlite").unlink(missing_ok=True)
        with ExitStack() as stack:
            ws = Opened(root / "w", stack)
            for label, now in MOMENTS:
                began = time.perf_counter()
                result = run(ws, now, told_by=untold, incidents=wanted)
                took = time.perf_counter() - began
                said = f"{result['opened']} opened, {result['held']} held"
                switched = "on" if wanted else "off"
                print(f"incidents {switched}: {label} run {took:.2f} s, {said}", flush=True)
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
