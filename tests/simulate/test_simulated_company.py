"""The simulated company: the same for the same numbers, sane, and its truth told by its facts."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from beforehand.errors import InputError
from beforehand.simulate import seasons, simulate
from beforehand.simulate.company import account
from beforehand.simulate.names import company

END = date(2026, 6, 29)
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company") / "w"
    simulate(folder, end_on=END, accounts=120, days=420, seed=3)
    return folder


@pytest.fixture(scope="module")
def truth(made: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made / "truth.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def events(made: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        'CREATE TABLE e AS SELECT *, "at"::TIMESTAMP AS happened, learned::TIMESTAMP AS known '
        f"FROM read_parquet('{made / 'data/events.parquet'}')"
    )
    return connection


def rows(folder: Path, table: str) -> Rows:
    with (folder / f"data/{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def one(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any] | None = None) -> Any:
    found = connection.execute(query, values or []).fetchone()
    assert found is not None
    return found[0]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        simulate(tmp_path / name, end_on=END, accounts=12, days=220, seed=seed)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    changed = {name for name, digest in digests(tmp_path / "a").items() if digests(tmp_path / "c")[name] != digest}
    assert {"data/events.parquet", "data/accounts.csv", "truth.json"} <= changed


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    """Nothing may hang on the order of a set or dictionary, which differs between processes."""
    code = "import sys; from datetime import date; from pathlib import Path; from beforehand.simulate import simulate; "
    code += "simulate(Path(sys.argv[1]), end_on=date(2026, 6, 29), accounts=6, days=200, seed=1)"
    for name, hashing in (("a", "1"), ("b", "2")):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / name)], check=True, env={"PYTHONHASHSEED": hashing, "PATH": ""}
        )
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_an_account_does_not_depend_on_how_many_there_are() -> None:
    first_on = END - timedelta(days=300)
    alone, again = account(7, 3, first_on, 300), account(7, 3, first_on, 300)
    assert alone.who == again.who
    assert np.array_equal(alone.events.at, again.events.at)
    names = {company(k, 3, seasons.COUNTRIES[0]).slug for k in range(20_000)}
    assert len(names) == 20_000


def test_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(tmp_path / "whole", end_on=END, accounts=9, days=200, seed=2)
    monkeypatch.setattr("beforehand.simulate.simulation.BLOCK", 4)
    simulate(tmp_path / "blocks", end_on=END, accounts=9, days=200, seed=2)
    whole, blocks = digests(tmp_path / "whole"), digests(tmp_path / "blocks")
    assert {n: d for n, d in whole.items() if "events" not in n} == {
        n: d for n, d in blocks.items() if "events" not in n
    }
    read = "SELECT id, account, person, event, \"at\", learned, detail, workflow FROM '{}' ORDER BY id"
    both = [
        duckdb.sql(read.format(tmp_path / f / "data/events.parquet")).to_arrow_table().to_pylist()
        for f in ("whole", "blocks")
    ]
    assert both[0] == both[1]


@pytest.mark.parametrize("wrong", [{"accounts": 0}, {"accounts": 10**6}, {"days": 10}, {"seed": -1}])
def test_numbers_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        simulate(tmp_path / "w", end_on=END, **wrong)
    assert not (tmp_path / "w").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="not empty"):
        simulate(tmp_path, end_on=END, accounts=2, days=200)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_every_time_lies_inside_and_is_learned_after_it_happened(made: Path, events: duckdb.DuckDBPyConnection) -> None:
    first, end = datetime(2026, 6, 29, tzinfo=UTC) - timedelta(days=420), datetime(2026, 6, 29, tzinfo=UTC)
    assert one(events, "SELECT count(*) FROM e WHERE known < happened") == 0
    assert one(events, "SELECT min(happened) FROM e") >= first.replace(tzinfo=None)
    assert one(events, "SELECT max(known) FROM e") < end.replace(tzinfo=None)
    for table in ("accounts", "people", "tickets", "subscriptions", "invoices", "surveys", "touches", "outcomes"):
        for row in rows(made, table):
            learned = when(row.get("learned") or row["at"])
            assert first <= when(row["at"]) <= learned < end, (table, row)
    ids = one(events, "SELECT count(*) - count(DISTINCT id) FROM e")
    assert ids == 0


def test_some_is_learned_late_and_only_from_phones(events: duckdb.DuckDBPyConnection) -> None:
    late = one(events, "SELECT count(*) FROM e WHERE known > happened + INTERVAL 1 HOUR") / one(
        events, "SELECT count(*) FROM e"
    )
    assert 0.01 < late < 0.06
    assert one(events, "SELECT count(*) FROM e WHERE known > happened AND platform <> 'mobile'") == 0


def test_the_week_has_a_rhythm_and_december_is_quiet(events: duckdb.DuckDBPyConnection) -> None:
    by_day = dict(events.execute("SELECT isodow(happened), count(*) FROM e GROUP BY 1").fetchall())
    assert max(by_day[6], by_day[7]) < 0.15 * by_day[2]
    usual = one(events, "SELECT count(*) FROM e WHERE happened BETWEEN '2025-11-10' AND '2025-11-24'")
    quiet = one(events, "SELECT count(*) FROM e WHERE happened BETWEEN '2025-12-22' AND '2026-01-05'")
    assert quiet < 0.5 * usual
    assert seasons.easter(2024) == date(2024, 3, 31)
    assert seasons.easter(2026) == date(2026, 4, 5)


def test_the_feed_gap_is_empty_and_only_there(truth: dict[str, Any], events: duckdb.DuckDBPyConnection) -> None:
    gap = truth["feed_gap"]
    count = "SELECT count(*) FROM e WHERE event = ? AND happened >= ? AND happened < ?"
    assert one(events, count, [gap["event"], gap["from"], gap["to"]]) == 0
    assert one(events, count, ["login", gap["from"], gap["to"]]) > 100
    after = (date.fromisoformat(gap["to"]) + timedelta(days=5)).isoformat()
    assert one(events, count, [gap["event"], gap["to"], after]) > 100


def test_who_left_in_the_truth_is_who_left_in_the_facts(
    made: Path, truth: dict[str, Any], events: duckdb.DuckDBPyConnection
) -> None:
    left = {a["account"]: a for a in truth["accounts"] if a["leaves"]}
    churned = {row["account"]: row for row in rows(made, "outcomes") if row["outcome"] == "churned"}
    assert left.keys() == churned.keys()
    assert 0.08 < len(left) / len(truth["accounts"]) < 0.35
    ended = {row["account"]: row["ended_at"] for row in rows(made, "accounts") if row["ended_at"]}
    for name, row in churned.items():
        assert when(row["notice_at"]) < when(row["end_at"]) == when(row["at"])
        assert when(row["notice_at"]).date().isoformat() == left[name]["notice_on"]
        assert ended[name] == row["end_at"]
        assert (
            one(
                events,
                "SELECT count(*) FROM e WHERE account = ? AND happened >= ?",
                [name, when(row["end_at"]).replace(tzinfo=None)],
            )
            == 0
        )


def test_stories_are_mixed(truth: dict[str, Any]) -> None:
    stories = Counter(a["story"] for a in truth["accounts"])
    assert len(stories) >= 9
    gone = Counter(a["story"] for a in truth["accounts"] if a["leaves"])
    assert len(gone) >= 3, "all departures look alike"
    kinds = {m["kind"] for a in truth["accounts"] for m in a["moments"]}
    assert kinds >= {
        "decline",
        "errors rise",
        "error spike",
        "ticket burst",
        "tone turns",
        "expansion",
        "champion gone",
        "pause",
        "onboarding stuck",
    }


def moments(truth: dict[str, Any], kind: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    found = [(a, m) for a in truth["accounts"] for m in a["moments"] if m["kind"] == kind]
    assert found, f"no {kind} was planted"
    return found


def test_planted_spikes_are_in_the_events(truth: dict[str, Any], events: duckdb.DuckDBPyConnection) -> None:
    for it, moment in moments(truth, "error spike"):
        start = datetime.fromisoformat(moment["from"]) + timedelta(hours=moment["hour"])
        span = "SELECT count(*) FROM e WHERE account = ? AND event = 'error shown' AND happened >= ? AND happened < ?"
        n = one(events, span, [it["account"], start, start + timedelta(hours=1)])
        assert n >= moment["errors"]


def test_planted_declines_are_seen_in_use(truth: dict[str, Any], events: duckdb.DuckDBPyConnection) -> None:
    ratios = []
    for it, moment in moments(truth, "decline"):
        begins, ends = date.fromisoformat(moment["from"]), date.fromisoformat(moment["to"])
        if (ends - begins).days < 40 or (begins - date.fromisoformat(it["from"])).days < 28:
            continue
        span = "SELECT count(*) FROM e WHERE account = ? AND happened >= ? AND happened < ?"
        before = one(events, span, [it["account"], begins - timedelta(days=28), begins])
        late = one(events, span, [it["account"], ends - timedelta(days=14), ends]) * 2
        ratios.append(late / max(1, before))
    assert len(ratios) >= 5
    assert np.median(ratios) < 0.4


def test_planted_bursts_are_in_the_tickets_and_the_tone_turns(made: Path, truth: dict[str, Any]) -> None:
    tickets = {row["ticket"]: row for row in rows(made, "tickets")}.values()
    for it, moment in moments(truth, "ticket burst"):
        last = min(moment["to"], it["ends_on"] or "9999")
        if (date.fromisoformat(last) - date.fromisoformat(moment["from"])).days < 14:
            continue  # the data end, or the customer does, before all of it was written
        found = [
            t
            for t in tickets
            if t["account"] == it["account"]
            and t["category"] == moment["issue"]
            and moment["from"] <= t["at"][:10] <= last
        ]
        assert len(found) >= moment["tickets"] - 1, (it["account"], moment)
    angry = ("acceptable", "patience", "cancel", "other tools", "worried", "urgent", "care about this", "another day")
    letters = [json.loads(line) for line in (made / "data/messages.jsonl").read_text(encoding="utf-8").splitlines()]

    def share(inside: bool) -> float:
        sour = {(it["account"], m["from"], m["to"]) for it, m in moments(truth, "tone turns")}
        texts = [
            m["text"] for m in letters if m["direction"] == "in"
            and any(a == m["account"] and f <= m["at"][:10] <= t for a, f, t in sour) == inside
        ]  # fmt: skip
        return sum(any(word in text for word in angry) for text in texts) / len(texts)

    assert share(True) > 4 * share(False)


def test_a_champion_who_is_gone_does_nothing_more(truth: dict[str, Any], events: duckdb.DuckDBPyConnection) -> None:
    for it, _ in moments(truth, "champion gone"):
        n = one(events, "SELECT count(*) FROM e WHERE person = ? AND happened >= ? + INTERVAL 1 DAY",
                [it["champion"], datetime.fromisoformat(it["champion_leaves_on"])])  # fmt: skip
        assert n == 0


def test_stuck_ones_fail_at_their_step(truth: dict[str, Any], events: duckdb.DuckDBPyConnection) -> None:
    for it, moment in moments(truth, "onboarding stuck"):
        if (END - date.fromisoformat(moment["from"])).days < 60:
            continue
        count = "SELECT count(*) FROM e WHERE account = ? AND event = 'onboarding step ' || ? AND detail = ?"
        assert one(events, count, [it["account"], "failed", moment["step"]]) >= 4
        assert one(events, count, [it["account"], "finished", moment["step"]]) == int(moment["got through"])


def test_versions_of_a_row_follow_each_other(made: Path) -> None:
    for table, key, last in (
        ("tickets", "ticket", "solved"),
        ("invoices", "invoice", "paid"),
        ("subscriptions", "subscription", "ended"),
    ):
        seen: dict[str, dict[str, str]] = {}
        for row in rows(made, table):
            before = seen.get(row[key])
            if before:
                assert before["at"] == row["at"]
                assert before["learned"] <= row["learned"]
                again = "-P" in row[key] or "-W" in row[key]
                assert before["status"] != last or again, "only a ticket planted so is opened again"
            seen[row[key]] = row
        assert any(row["status"] == last for row in seen.values())
    records: dict[str, str] = {}
    for row in rows(made, "accounts"):
        assert records.get(row["account"], "") < row["at"]
        records[row["account"]] = row["at"]


def test_expansions_are_in_the_money(made: Path, truth: dict[str, Any]) -> None:
    expanded = {row["account"] for row in rows(made, "outcomes") if row["outcome"] == "expanded"}
    grown = {it["account"] for it, m in moments(truth, "expansion") if m["to"] < END.isoformat()}
    assert expanded and expanded <= grown
    seats: dict[str, list[float]] = {}
    for row in rows(made, "subscriptions"):
        seats.setdefault(row["account"], []).append(float(row["seats"]))
    assert all(seats[name][-1] > seats[name][0] for name in expanded)
