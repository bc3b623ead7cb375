"""Real history: every episode and figure of one signal on openstack against a plain reading of the file."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from making import Made

from beforehand.calendar import to_datetime
from beforehand.commands.backtest import backtest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("BEFOREHAND_DATA", ROOT / "../shared/data")) / "openstack" / "events.parquet"
DAY = 86_400_000_000
UNTIL = datetime(2019, 5, 1, tzinfo=UTC)
HORIZON, SILENCE, QUIET = 270 * DAY, 180 * DAY, 60

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"the real data is not here: {DATA} (set BEFOREHAND_DATA)")


def test_nothing_for_60_days_on_openstack(made: Made, tmp_path: Path) -> None:
    for name in ("beforehand.yaml", "metrics.yaml", "outcomes.yaml"):
        shutil.copy(ROOT / "examples/openstack/workspace" / name, made.root / name)
    made.signal("nothing", "when: no changes for 60 days")
    slim = tmp_path / "events.parquet"
    duckdb.sql(
        "COPY (SELECT account, user_id AS person, event, ts AS at, committed_at AS learned "
        f"FROM read_parquet('{DATA}') "
        "WHERE days_to_merge IS NULL OR days_to_merge BETWEEN 0 AND 1000 ORDER BY committed_at, ts, account, user_id) "
        f"TO '{slim}' (FORMAT parquet)"
    )
    with made.ws.facts() as facts:
        assert facts.load([slim], table="events").loaded == 114_521
        # A row cannot be learned before it happened; such times were raised when they were loaded.
        history = {
            label: np.array(
                facts.connection.execute(
                    "SELECT epoch_us(occurred_at), epoch_us(occurred_at) + delay FROM events WHERE account = ?",
                    [int(node)],
                ).fetchall()
            )
            for node, label in zip(facts.subjects().account, facts.subjects().label, strict=True)
        }
    until = int(UNTIL.timestamp() * 1e6)
    newest = max(int(rows[:, 0].max()) for rows in history.values())
    silent = {}
    want: dict[tuple[str, datetime], bool | None] = {}
    for account, rows in history.items():
        last = int(rows[:, 0].max())
        if last + SILENCE <= min(until, newest):
            silent[account] = last + SILENCE
        occurred, learned = rows[:, 0], rows[:, 1]
        before = False
        for end in range(int(occurred.min()) // DAY * DAY + DAY, until + 1, DAY):
            known = occurred[(learned < end) & (occurred < end)]
            whole = known.size and (known.min() + DAY - 1) // DAY * DAY <= end - QUIET * DAY
            holds = bool(whole) and known.max() < end - QUIET * DAY
            if holds and not before:
                gone = silent.get(account)
                right = gone is not None and end <= gone <= end + HORIZON
                want[account, to_datetime(end)] = None if end + HORIZON > until else right
            before = holds
    assert len(silent) == 63

    result = backtest(made.ws, until=UNTIL, episodes=True)
    got = {(e["account"], e["opened_at"]): e["right"] for e in result["episodes"]}
    assert got == want
    (row,) = result["signals"]
    done = [right for right in want.values() if right is not None]
    assert (row["episodes"], row["right"], row["unfinished"]) == (len(want), sum(done), len(want) - len(done))
    assert row["caught"] == len({a for (a, _), right in want.items() if right})
    assert not result["assumed_arrival"]
    assert timedelta(days=119) < timedelta(days=row["lead_days"]["p50"]) < timedelta(days=121)
    assert row["lead_days_to_began"]["p50"] < 0, "who is silent for 60 days had already gone"
    assert row["standing"] != "better", "it is the recency rival in other words"
