"""On real, late data: distinct repositories, standing totals and repositories as subjects, against plain queries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
pytestmark = pytest.mark.skipif(not EVENTS.exists(), reason="the openstack data are not here")
DAY = 86_400_000_000
NOW = 1_388_534_400_000_000 + 30 * DAY
METRICS = {
    "repos": MetricSpec(distinct="events", of="properties.repo"),
    "events": MetricSpec(count="events"),
    "people": MetricSpec(people="events"),
}


@pytest.fixture(scope="module")
def facts() -> Iterator[Facts]:
    connection = duckdb.connect()
    schema.prepare(connection)
    connection.execute(
        "CREATE TABLE given AS SELECT row_number() OVER () AS seq, dense_rank() OVER (ORDER BY account) - 1 AS account,"
        " dense_rank() OVER (PARTITION BY account ORDER BY user_id) - 1 AS member, repo, epoch_us(ts) AS us,"
        " greatest(epoch_us(committed_at), epoch_us(ts)) - epoch_us(ts) AS delay"
        f" FROM '{EVENTS}' WHERE ts >= '2013-06-01' AND ts < '2014-01-01'"
    )
    connection.execute(
        "INSERT INTO events (stored_seq, source, id, account, member, occurred_at, delay, event, properties)"
        " SELECT seq, 'files', seq, account, member, make_timestamp(us), delay, 'x', {'repo': repo}::VARIANT FROM given"
    )
    connection.execute("INSERT INTO members SELECT DISTINCT account, member, account * 100000 + member FROM given")
    connection.execute(
        "INSERT INTO accounts SELECT DISTINCT account, account, true, 'files', now()::TIMESTAMP FROM given"
    )
    opened = Facts(Path("unused"), SettingsSpec(feature="properties.repo"), connection)
    yield opened
    opened.close()


def sheet(facts: Facts, kind: Any, quantity: Quantity) -> Any:
    folder = SimpleNamespace(metrics=METRICS, settings=facts.settings)
    return Panel(facts, folder).sheet(kind, {(quantity, Grain.WEEK)}, now_us=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quantity", "counted"),
    [
        (Quantity("repos"), "count(DISTINCT repo)"),
        (Quantity("repos", standing=True), "count(DISTINCT repo)"),
        (Quantity("events", standing=True), "count(*)"),
        (Quantity("people", standing=True), "count(DISTINCT member)"),
    ],
    ids=str,
)
def test_numbers_are_those_of_a_plain_query(facts: Facts, quantity: Quantity, counted: str) -> None:
    made = sheet(facts, "account", quantity)
    numbers = made.numbers()
    found, ends = numbers.windows(quantity, Grain.WEEK, 3), numbers.ends(Grain.WEEK)
    compared = 0
    for close in np.random.default_rng(1).choice(len(ends), 8, replace=False):
        for j in range(3):
            end = int(ends[close]) - (2 - j) * 7 * DAY
            since = 0 if quantity.standing else end - 7 * DAY
            rows = facts.connection.execute(
                f"SELECT account, {counted} FROM given WHERE us >= ? AND us < ? AND us + delay < ? GROUP BY account",
                [since, end, int(ends[close])],
            ).fetchall()
            expected = dict(rows)
            for row, account in enumerate(made.subjects.account):
                value = found[row, close, j]
                assert np.isnan(value) or value == expected.get(int(account), 0)
                compared += not np.isnan(value)
    assert compared > 500


def test_repositories_as_subjects(facts: Facts) -> None:
    quantity = Quantity("events")
    made = sheet(facts, "feature", quantity)
    numbers = made.numbers()
    found, ends = numbers.windows(quantity, Grain.WEEK, 1)[:, :, 0], numbers.ends(Grain.WEEK)
    close = len(ends) - 8
    rows = facts.connection.execute(
        "SELECT account, repo, count(*) FROM given WHERE us >= ? AND us < ? AND us + delay < ? GROUP BY ALL",
        [int(ends[close]) - 7 * DAY, int(ends[close]), int(ends[close])],
    ).fetchall()
    named = {(int(a), made.subjects.scope(row)): row for row, a in enumerate(made.subjects.account)}
    assert len(named) == made.subjects.size > 300
    assert len(rows) > 50
    for account, repo, count in rows:
        assert found[named[account, repo], close] == count
    assert np.nansum(found[:, close]) == sum(count for *_, count in rows)
