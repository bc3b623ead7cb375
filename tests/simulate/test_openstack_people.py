"""Distinct people by bitmaps, against `count(distinct)`, on real accounts; skipped where the data are absent."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest

from beforehand.calendar import Grain, period_of, to_us, zone_named
from beforehand.commands import Workspace
from beforehand.commands.load import load
from beforehand.panel import Panel
from beforehand.signals.tree import Quantity

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("BEFOREHAND_DATA") or ROOT.parent / "shared/data") / "openstack"
UNTIL = datetime(2019, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    if not DATA.is_dir():
        pytest.skip(f"the data are not here: {DATA}")
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from example import prepare
    finally:
        sys.path.pop(0)
    folder = tmp_path_factory.mktemp("openstack")
    prepare("openstack", DATA, folder)
    ws = Workspace(folder)
    load(
        ws, [folder / "data/events.parquet"], mapping=folder / "maps/events.yaml", now=datetime(2026, 11, 1, tzinfo=UTC)
    )
    return ws


@pytest.mark.parametrize("grain", [Grain.MONTH, Grain.WEEK])
def test_bitmaps_equal_count_distinct(workspace: Workspace, grain: Grain) -> None:
    """At the last close before May 2019, every account and period, with only what had been committed by then."""
    asked = Quantity("active people")
    with workspace.facts() as facts:
        panel = Panel(facts, workspace.folder)
        sheet = panel.sheet("account", [(asked, grain)], now_us=to_us(UNTIL), last=1)
        numbers = sheet.numbers()
        end = int(numbers.ends(grain)[-1])
        last = int(period_of(grain, zone_named("UTC"), np.array([end - 1]))[0])
        width = 470 if grain is Grain.WEEK else 110
        got = numbers.windows(asked, grain, width)[:, -1, :]
        label = [sheet.subjects.label(row) for row in range(numbers.size)]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    rows = connection.execute(
        "SELECT account, date_trunc(?, ts)::DATE AS period, count(DISTINCT user_id) FROM read_parquet(?) "
        "WHERE greatest(ts, committed_at) < make_timestamp(?)::TIMESTAMPTZ GROUP BY ALL",
        [grain.value, str(workspace.root / "data/events.parquet"), end],
    ).fetchall()
    us = np.array([to_us(datetime(p.year, p.month, p.day, tzinfo=UTC)) for _, p, _ in rows], dtype=np.int64)
    number = period_of(grain, zone_named("UTC"), us)
    row_of = {name: row for row, name in enumerate(label)}
    want = np.zeros_like(got)
    for (account, _, people), period in zip(rows, number.tolist(), strict=True):
        if 0 <= (place := width - 1 - (last - period)) < width:
            want[row_of[account], place] = people
    alive = ~np.isnan(got)
    assert alive.sum() > 5_000
    assert np.array_equal(got[alive], want[alive])
    # Nothing is left out but the period in which a life began, which is not whole.
    hidden = ~alive & (want > 0)
    assert (hidden.sum(axis=1) <= 1).all()
    assert want.max() > 64, "no account needs a second word, so this tests little"
