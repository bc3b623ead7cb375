"""The simulated company loads as it says, without a row left over, and its shipped signals are good and not perfect."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from beforehand.commands import Workspace
from beforehand.commands.backtest import backtest
from beforehand.commands.check import check
from beforehand.commands.library import pack
from beforehand.commands.load import load
from beforehand.simulate import simulate

NOW = datetime(2026, 6, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("simulated") / "w"
    made = simulate(folder, end_on=date(2026, 6, 29), accounts=200, days=540, seed=11)
    ws = Workspace(folder)
    for words in made.loads():
        table = words[words.index("--as") + 1]
        mapping = folder / words[words.index("--map") + 1] if "--map" in words else None
        told = load(ws, [folder / words[1]], table=table, mapping=mapping, now=NOW)
        assert told["loaded"] == told["read"] == made.rows[table], (table, told)
        assert told["quarantined"] == told["unmatched"] == told["assumed_learned"] == 0, (table, told)
    return ws


def test_the_files_have_no_problems(workspace: Workspace) -> None:
    told = check(workspace, now=NOW)
    assert told["problems"] == []
    assert {s["signal"] for s in told["signals"]} == {*pack().signals, "trouble-and-leaving"}


def test_signals_beat_both_rivals_and_are_not_perfect(workspace: Workspace) -> None:
    told: dict[str, Any] = backtest(workspace)
    assert told["assumed_arrival"] is False
    found = {s["signal"]: s for s in told["signals"]}

    def right(figures: dict[str, Any]) -> float:
        return float(figures["precision"][0] or 0)

    for name in ("fewer-people", "trouble-and-leaving", "ticket-burst", "upgrade-interest"):
        it = found[name]
        assert it["episodes"] - it["unfinished"] >= 5, name
        assert right(it) > 1.3 * right(it["rivals"]["random"]), name
        assert right(it) > right(it["rivals"]["recency"]), name
        assert it["recall"][0] < 0.9, name
    assert all(right(it) < 1 or it["episodes"] - it["unfinished"] < 15 for it in found.values())
    assert right(found["fewer-people"]) < 0.8
