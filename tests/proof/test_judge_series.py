"""`judge`: any series, whatever its spacing, and clear words for what is wrong in a file."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beforehand.commands.judge import judge_series, spelled
from beforehand.commands.series import read_series
from beforehand.errors import InputError, Problems

T0 = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


def write(path: Path, values: list[float | None], step: timedelta = timedelta(days=1), account: str = "acme") -> Path:
    new = not path.exists()
    with path.open("a") as out:
        if new:
            out.write("account,at,value\n")
        for k, value in enumerate(values):
            if value is not None:
                out.write(f"{account},{(T0 + k * step).isoformat()},{value}\n")
    return path


def verdicts(result: dict[str, Any], account: str = "acme") -> str:
    return "".join(row["verdict"][0] for row in result["rows"] if row["account"] == account)


def test_a_streak_over_days(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", [5, 1, 1, 1, 4, 1])
    result = judge_series("value below 2 per day for 3 consecutive days", str(file))
    assert result["grain"] == "day" and result["counts"] and result["notes"] == []
    assert verdicts(result) == "ccchcc"
    assert result["rows"][1] == {
        "account": "acme", "start": T0 + timedelta(days=1), "value": 1, "verdict": "clear",
        "expected": None, "lower": 2.0, "upper": None, "p": None,
    }  # fmt: skip


def test_gaps_of_counts_are_zero_and_gaps_of_measures_are_unsure(tmp_path: Path) -> None:
    counts = judge_series("value below 1 per day", str(write(tmp_path / "counts.csv", [3, None, 4])))
    assert verdicts(counts) == "chc" and counts["rows"][1]["value"] == 0
    measures = judge_series("value below 1 per day", str(write(tmp_path / "measures.csv", [3.5, None, 4.5])))
    assert verdicts(measures) == "cuc" and measures["rows"][1]["value"] is None


def test_counts_are_summed_and_measures_averaged_over_a_longer_period(tmp_path: Path) -> None:
    days = [2.0] * 7 + [1.0] * 7
    counts = judge_series("value below 10 per week", str(write(tmp_path / "c.csv", [int(v) for v in days])))
    assert [row["value"] for row in counts["rows"]] == [14, 7] and verdicts(counts) == "ch"
    measures = judge_series("value below 1.8 per week", str(write(tmp_path / "m.csv", [v + 0.5 for v in days])))
    assert [row["value"] for row in measures["rows"]] == [2.5, 1.5] and verdicts(measures) == "ch"


def test_a_week_that_the_series_covers_only_in_part_is_unsure(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", [None, None, *[1] * 16])  # Wednesday to a Thursday
    assert verdicts(judge_series("value below 20 per week", str(file))) == "uhu"


@pytest.mark.parametrize(
    ("step", "grain"),
    [
        (timedelta(days=1), "day"),
        (timedelta(days=7), "week"),
        (timedelta(hours=1), "hour"),
        (timedelta(minutes=5), "point"),
    ],
)
def test_without_a_unit_the_grain_is_the_spacing(tmp_path: Path, step: timedelta, grain: str) -> None:
    result = judge_series("value below 2", str(write(tmp_path / "s.csv", [5, 1, 1, 4], step)))
    assert result["grain"] == grain
    assert verdicts(result) == "chhc"
    assert [row["start"] for row in result["rows"]] == [T0 + k * step for k in range(4)]
    assert bool(result["notes"]) == (grain not in ("hour", "day", "week"))


def test_months_of_different_length_are_months(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text("account,at,value\n" + "".join(f"a,2026-{m:02d}-01,{v}\n" for m, v in enumerate([9, 9, 1, 9], 1)))
    result = judge_series("value below 2", str(file))
    assert result["grain"] == "month" and verdicts(result, "a") == "cchc"


def test_a_unit_in_the_sentence_wins_over_the_spacing(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", [1] * 24 + [5] * 24, timedelta(hours=1))
    result = judge_series("value below 50 per day", str(file))
    assert result["grain"] == "day" and verdicts(result) == "hc"


def test_hourly_gaps_stay_gaps(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", [5.5, 5.5, None, 5.5, *[5.5] * 20], timedelta(hours=1))
    result = judge_series("value below 2", str(file))
    assert verdicts(result)[:4] == "ccuc"
    assert result["rows"][2]["start"] == T0 + timedelta(hours=2)


def test_the_usual_band_is_shown_and_judged(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", [10, 12, 11, 10, 12, 11, 10, 12, 11, 10, 12, 60])
    last = judge_series("value far above usual", str(file))["rows"][-1]
    assert last["verdict"] == "holds" and last["expected"] == 11
    assert last["lower"] < 11 < last["upper"] < 60


def test_a_change_shows_the_mean_before_and_the_bound(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", [10, 10, 10, 10, 5])
    last = judge_series("value down 40% vs the 4 days before", str(file))["rows"][-1]
    assert (last["verdict"], last["expected"], last["lower"]) == ("holds", 10, 6)


def test_absence_counts_back_over_days(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", [1, None, None, None, 1])
    assert verdicts(judge_series("no orders for 3 days", str(file))) == "uuchc"


def test_each_account_lives_from_its_first_to_its_last_point(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", [1, 1, 1, 1, 1])
    write(file, [None, None, 5, 5], account="late")
    result = judge_series("value below 2", str(file))
    assert verdicts(result) == "hhhhh" and verdicts(result, "late") == "cc"


def test_formats_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "s.csv", [5, 1, 1.5, 4], timedelta(hours=1))
    want = judge_series("value below 2", str(file))
    rows = [{"account": r["account"], "at": r["start"], "value": r["value"]} for r in want["rows"]]
    lines = "".join(json.dumps({**r, "at": r["at"].isoformat()}) + "\n" for r in rows)
    (tmp_path / "s.jsonl").write_text("\n" + lines)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "s.parquet")
    (tmp_path / "s.csv.gz").write_bytes(gzip.compress(file.read_bytes()))
    for name in ("s.jsonl", "s.parquet", "s.csv.gz"):
        assert judge_series("value below 2", str(tmp_path / name)) == want
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    assert judge_series("value below 2", "-") == want


def test_a_file_without_accounts_is_one_series(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("at,value\n2026-01-01,1\n2026-01-02,2\n")
    assert read_series(str(tmp_path / "s.csv")).accounts == ("series",)


def test_every_bad_row_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text(
        "account,at,value\na,2026-01-01,1\n\na,yesterday,2\na,2026-01-03,many\na,2026-01-04,\na,2026-01-05,nan\na,,1\na,2026-01-07\n"
    )
    with pytest.raises(Problems) as caught:
        read_series(str(file))
    assert [(p.file, p.line) for p in caught.value.problems] == [("s.csv", line) for line in (4, 5, 6, 7, 8, 9)]
    said = [p.message for p in caught.value.problems]
    assert "'yesterday'" in said[0] and "'many'" in said[1] and "empty" in said[2] and "finite" in said[3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("account,when,value\na,2026-01-01,1\n", "no column 'at'"),
        ("account,at,at,value\na,2026-01-01,2026-01-01,1\n", "twice"),
        ("", "no column 'at'"),
        ("account,at,value\n", "no rows"),
        ('{"at": "2026-01-01", "value": 1}\nnot json\n', "line 2|:2:"),
        ("a;b\n1;2\n", "no column"),
    ],
)
def test_a_wrong_file_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    import re

    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_series(str(tmp_path / "s.csv"))
    assert re.search(said, str(caught.value))


def test_other_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"account,at,value\ncaf\xe9,2026-01-01,1\n")
    (tmp_path / "no.parquet").write_text("nothing")
    (tmp_path / "no.csv.gz").write_text("nothing")
    for name in ("latin.csv", "no.parquet", "no.csv.gz", "absent.csv", "absent.parquet"):
        with pytest.raises(InputError):
            read_series(str(tmp_path / name))
    file = str(write(tmp_path / "s.csv", [1, 2]))
    for sentence in ("value blow 2", "value below 2 for accounts where plan is pro", "value per active person below 2"):
        with pytest.raises(InputError):
            judge_series(sentence, file)


def test_spacings_in_words() -> None:
    assert [spelled(us) for us in (3_600_000_000, 300_000_000, 172_800_000_000, 1_500_000)] == [
        "hour", "5 minutes", "2 days", "1.5 seconds",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "newest"),
    [
        ("value below 2 for 2 days", "holds"),
        ("at least 20 value seen in 3 days", "holds"),
        ("value down 40% vs the 8 days before", "holds"),
        ("value not down 40% vs the 8 days before", "clear"),
        ("value far below usual", "holds"),
        ("value within usual", "clear"),
        ("value not below usual", "clear"),
        ("value recover within 7 days", "clear"),
        ("value spike", "clear"),
        ("no value for 2 days", "holds"),
        ("no value for 2 business days", "holds"),
        ("value below peers for 2 days", "holds"),
        ("value among the lowest tenth of peers", "clear"),
        ("value above peers", "clear"),
        ("not (value below 2 or value spike)", "clear"),
        ("value below 2 while value far below usual", "holds"),
    ],
)
def test_every_kind_that_numbers_can_tell(tmp_path: Path, sentence: str, newest: str) -> None:
    lines = ["account,at,value"]
    for account in range(16):
        for day in range(60):
            value = 0 if account < 3 and day >= 58 else 30 + (account + day) % 3
            lines.append(f"a{account:02},{date(2026, 1, 5) + timedelta(days=day)},{value}")
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    found = judge_series(sentence, str(tmp_path / "s.csv"))
    last = {row["account"]: row for row in found["rows"]}
    assert last["a00"]["verdict"] == newest
    if "peers" in sentence:
        assert last["a00"]["p"] is None
        bound = last["a00"]["upper" if "above" in sentence else "lower"]
        # A quarter of 16 are 4, so the fifth from its end is no more among them; of a tenth, the second.
        values = sorted(row["value"] for row in last.values())
        assert bound == (values[-5] if "above" in sentence else values[1] if "tenth" in sentence else values[4])


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("value without other within 1 hour", "facts themselves"),
        ("value repeated 3 times within 1 hour", "facts themselves"),
        ("back and forth between value and other within 1 hour", "facts themselves"),
        ("value mention price", "has no meaning here"),
        ("value open more than 2 days at least 3", "facts themselves"),
        ("invoice more than 60 days overdue", "facts themselves"),
        ("tickets reopened at least 2 in 30 days", "facts themselves"),
        ("no admin has visited for 3 days", "a role needs"),
        ("champion gone", "a role needs"),
        ("no first value within 14 days of signup", "names the day of the signup"),
        ("first value later than the slowest quarter of peers", "names the day of the signup"),
        ("value below peers by plan and region", "no plan and no region"),
        ("value above 90% of seats", "no trait seats"),
        ("renewal within 30 days", "names the day of the renewal"),
        ("value below 2 14 days after signup", "names the day of the signup"),
        ("any alert open", "no alerts"),
        ("ticket open more than 2 days", "has no meaning here"),
        ("value below 2 for each feature", "has no meaning here"),
        ("value 6 or lower from a champion", "has no meaning here"),
        ("at least 3 value on the same issue in 30 days", "has no meaning here"),
    ],
)
def test_what_numbers_alone_cannot_tell_is_refused_with_the_reason(tmp_path: Path, sentence: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        judge_series(sentence, str(write(tmp_path / "s.csv", [1, 2])))
