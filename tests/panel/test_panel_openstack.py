"""On real, late data: distinct people by bitmaps are those of count(distinct)."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest

from beforehand.calendar import Grain
from beforehand.facts import Facts, schema
from beforehand.panel import Panel
from beforehand.signals.tree import Quantity
from beforehand.workspace.spec import MetricSpec, SettingsSpec

ROOT = Path(__file__).resolve().parents[2]
EVENTS = Path(os.environ.get("BEFOREHAND_DATA", ROOT.parent / "shared" / "data")) / "openstack" / "events.parquet"
DAY = 86_400_000_000


@pytest.mark.skipif(not EVENTS.exists(), reason="the openstack data are not here")
def test_people_as_bitmaps_are_the_distinct_people_of_openstack() -> None:
    connection = duckdb.connect()
    schema.prepare(connection)
    connection.execute(
        "CREATE TABLE given AS SELECT row_number() OVER () AS seq, dense_rank() OVER (ORDER BY account) - 1 AS account,"
        " user_id, epoch_us(ts) AS us, greatest(epoch_us(committed_at), epoch_us(ts)) - epoch_us(ts) AS delay"
        f" FROM '{EVENTS}' WHERE ts >= '2012-01-01' AND ts < '2014-01-01'"
    )
    connection.execute(
        "CREATE TABLE slots AS SELECT account, user_id,"
        " (row_number() OVER (PARTITION BY account ORDER BY user_id) - 1)::INTEGER AS member"
        " FROM (SELECT DISTINCT account, user_id FROM given)"
    )
    connection.execute(
        "INSERT INTO events (stored_seq, source, id, account, member, occurred_at, delay, event)"
        " SELECT seq, 'files', seq, account, member, make_timestamp(us), delay, 'x' FROM given JOIN slots"
        " USING (account, user_id) ORDER BY seq"
    )
    connection.execute(
        "INSERT INTO accounts SELECT DISTINCT account, account, true, 'files', now()::TIMESTAMP FROM given"
    )
    facts = Facts(Path("unused"), SettingsSpec(), connection)
    folder = SimpleNamespace(metrics={"people": MetricSpec(people="events")}, settings=facts.settings)
    now = 1_388_534_400_000_000 + 60 * DAY
    width = 5
    for grain, days in ((Grain.WEEK, None), (Grain.DAY, 30)):
        quantity = Quantity("people", rolling_days=days)
        sheet = Panel(facts, folder).sheet("account", {(quantity, grain)}, now_us=now)  # type: ignore[arg-type]
        numbers = sheet.numbers()
        found = numbers.windows(quantity, grain, width)
        ends = numbers.ends(grain)
        accounts = sheet.subjects.account
        step = 7 * DAY if grain is Grain.WEEK else DAY
        rng = np.random.default_rng(1)
        for close in rng.choice(len(ends), 12, replace=False):
            for j in range(width):
                end = int(ends[close]) - (width - 1 - j) * step
                rows = connection.execute(
                    "SELECT account, count(DISTINCT user_id) FROM given WHERE us >= ? AND us < ? AND us + delay < ?"
                    " GROUP BY account",
                    [end - (days * DAY if days else step), end, int(ends[close])],
                ).fetchall()
                expected = dict(rows)
                for row, account in enumerate(accounts):
                    value = found[row, close, j]
                    assert np.isnan(value) or value == expected.get(int(account), 0)
    largest = connection.execute("SELECT max(member) + 1 FROM slots").fetchone()
    assert largest is not None
    assert largest[0] > 64  # more than one word of bits
    facts.close()
