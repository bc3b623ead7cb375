"""What a file holds and what becomes of it: formats, mapping, checks, quarantine, once."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beforehand.errors import InputError
from beforehand.facts import Loaded, read_mapping
from beforehand.facts.quarantine import listed

HEADER = "id,account,person,event,at\n"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def rows(facts, table="events", columns="id, event, epoch_us(occurred_at), delay"):
    return facts.connection.execute(f"SELECT {columns} FROM {table} ORDER BY stored_seq").fetchall()


def quarantined(facts):
    return [(r["line"], r["reason"]) for r in listed(facts)[0]]


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000)


def test_a_file_is_loaded_once(opened, write):
    facts = opened()
    f = write("e.csv", HEADER + "1,a,p,login,2026-01-01T00:00:00Z\n2,a,p,login,2026-01-02T00:00:00Z\n")
    assert facts.load([f], now=NOW) == Loaded(read=2, loaded=2, assumed_learned=2)
    assert facts.load([f], now=NOW) == Loaded(read=2, known=2)
    assert len(rows(facts)) == 2


def test_equal_rows_of_one_file_are_two_and_the_next_file_adds_none(opened, write):
    facts = opened()
    twice = "account,event,at\n" + "a,login,2026-01-01T00:00:00Z\n" * 2
    assert facts.load([write("one.csv", twice)], now=NOW).loaded == 2
    again = facts.load([write("two.csv", twice + "a,login,2026-01-01T00:00:00Z\nb,x,2026-01-01\n")], now=NOW)
    assert (again.read, again.known, again.loaded) == (4, 2, 2)


def test_same_id_other_content_of_an_event_keeps_the_first(opened, write):
    facts = opened()
    facts.load([write("one.csv", HEADER + "1,a,p,login,2026-01-01T00:00:00Z\n")], now=NOW)
    second = facts.load(
        [
            write(
                "two.csv",
                HEADER
                + "1,a,p,logout,2026-01-01T00:00:00Z\n1,a,p,login,2026-01-01T00:00:00Z\n"
                + "9,a,p,x,2026-01-01\n9,b,p,x,2026-01-01\n",
            )
        ],
        now=NOW,
    )
    assert (second.loaded, second.known, second.quarantined) == (1, 1, 2)
    assert [r[:2] for r in rows(facts)] == [("1", "login"), ("9", "x")]
    assert all("other content" in reason for _, reason in quarantined(facts))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00+00:00"),
        ("2026-01-05 10:00:00+02", "2026-01-05T08:00:00+00:00"),
        ("2026-01-05T10:00:00.250-0530", "2026-01-05T15:30:00.250+00:00"),
        ("2026-01-05t10:00:00z", "2026-01-05T10:00:00+00:00"),
        ("20260105T100000Z", "2026-01-05T10:00:00+00:00"),
        ("2026-01-05T10:00", "2026-01-05T09:00:00+00:00"),
        ("2026-07-05T10:00", None),
        ("2026-01-05", "2026-01-04T23:00:00+00:00"),
        ("20260105", "2026-01-04T23:00:00+00:00"),
        ("1767607200", "2026-01-05T10:00:00+00:00"),
        ("1767607200.5", "2026-01-05T10:00:00.500+00:00"),
        ("1767607200123", "2026-01-05T10:00:00.123+00:00"),
        ("1767607200123456", "2026-01-05T10:00:00.123456+00:00"),
        ("05.01.2026", None),
        ("12/31/2025", None),
        ("infinity", None),
        ("1970-01-01T00:00:00Z", None),
        ("2199-01-01T00:00:00Z", None),
        ("epoch", None),
    ],
)
def test_times_as_people_write_them(opened, write, cell, expected):
    facts = opened(zone="Europe/Berlin")
    done = facts.load([write("e.csv", f"account,event,at\na,x,{cell}\n")], now=NOW)
    if expected is None:
        assert done.quarantined == 1
        assert cell in quarantined(facts)[0][1]
    else:
        assert rows(facts)[0][2] == us(expected)


def test_times_without_zone_are_counted(opened, write):
    facts = opened(zone="America/New_York")
    done = facts.load(
        [write("e.csv", "account,event,at\na,x,2026-01-05T10:00:00\na,y,2026-01-05T10:00:00Z\n")], now=NOW
    )
    assert done.without_zone == 1
    assert [r[2] for r in rows(facts)] == [us("2026-01-05T15:00:00+00:00"), us("2026-01-05T10:00:00+00:00")]


def test_every_reason_says_what_is_wrong_and_where(opened, write):
    facts = opened()
    f = write(
        "s.csv",
        "id,account,person,score,at\n"
        + '1,a,"first\nsecond",5,2026-01-01\n'
        + "2,,p,5,2026-01-01\n"
        + f"3,{'x' * 10_000},p,5,2026-01-01\n"
        + "4,a,p,NaN,2026-01-01\n"
        + "5,a,p,inf,2026-01-01\n"
        + "6,a,p,many,2026-01-01\n"
        + "7,a,p,5,\n"
        + "8,a,p,5\n"
        + "9,a,p,5,2026-01-01,more\n"
        + "\n"
        + "10,a,p,5,soon\n",
    )
    done = facts.load([f], table="surveys", now=NOW)
    assert (done.read, done.loaded, done.quarantined) == (10, 1, 9)
    assert [line for line, _ in quarantined(facts)] == [4, 5, 6, 7, 8, 9, 10, 11, 13]
    said = " | ".join(reason for _, reason in quarantined(facts))
    for words in (
        "account is missing",
        "10000 characters",
        "NaN",
        "inf",
        "many is not a number",
        "at is missing",
        "too few",
        "too many",
        "soon is not a time",
    ):
        assert words in said, words


def test_lines_are_true_for_json_lines_and_parquet(opened, tmp_path, write):
    facts = opened()
    good = '{"account":"a","event":"x","at":"2026-01-01","properties":{"k":{"n":[1,2]}}}'
    done = facts.load(
        [write("e.jsonl", f'{good}\n\n{{bad\n[1]\n{good[:-1]},"id":"7"}}\n{{"account":"a","event":"x"}}\n')], now=NOW
    )
    assert (done.read, done.loaded, done.quarantined) == (5, 2, 3)
    assert [line for line, _ in quarantined(facts)] == [3, 4, 6]
    table = pa.table(
        {
            "account": ["a", None],
            "event": ["x", "y"],
            "at": pa.array([us("2026-01-01")] * 2, pa.timestamp("us", "UTC")),
            "w": [1.5, 2.5],
        }
    )
    pq.write_table(table, tmp_path / "e.parquet")
    done = facts.load([tmp_path / "e.parquet"], written={"properties.weight": "w"}, now=NOW)
    assert (done.loaded, done.quarantined) == (1, 1)
    assert listed(facts)[0][-1]["line"] == 2
    assert facts.connection.execute(
        "SELECT TRY_CAST(properties.weight AS DOUBLE) FROM events WHERE properties.weight IS NOT NULL"
    ).fetchall() == [(1.5,)]


def test_gzip_is_seen_by_its_first_bytes(opened, write):
    facts = opened()
    packed = gzip.compress((HEADER + "1,a,p,login,2026-01-01T00:00:00Z\n,,,,\n").encode())
    done = facts.load([write("e.data", packed)], now=NOW)
    assert (done.loaded, done.quarantined) == (1, 1)
    assert quarantined(facts)[0][0] == 3
    with pytest.raises(InputError, match="unpacked"):
        facts.load([write("cut.csv.gz", packed[:20])], now=NOW)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters_are_found(opened, write, delimiter):
    facts = opened()
    text = delimiter.join(["account", "event", "at"]) + "\n" + delimiter.join(["a,b", "x", "2026-01-01"]) + "\n"
    assert facts.load([write("e.csv", text)], now=NOW).loaded == 1
    assert facts.subjects().label == ("a,b",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n\n", "blanks"),
        ("account^event^at\na^x^2026-01-01\n", "one column"),
        ("account,event,At,at\n", "two columns"),
        ("acount,event,at\n", "account"),
        ("account,event,at\n".encode("utf-16"), "UTF-16"),
        ("kontö,event,at\n".encode("latin-1"), "not UTF-8"),
        (b"account,event,at\0\n", "NUL"),
        (b"PAR1 but not really", "Parquet"),
        ('[{"account": 1}]', "delimiter"),
    ],
)
def test_files_that_are_wrong_as_a_whole_are_told_and_store_nothing(opened, write, content, words):
    facts = opened()
    with pytest.raises(InputError) as told:
        facts.load([write("e.csv", content)], now=NOW)
    assert words in told.value.message + told.value.hint
    assert facts.watermark() == 0


def test_a_missing_column_names_the_nearest(opened, write):
    facts = opened()
    f = write("e.csv", "company,what,ts\na,x,2026-01-01\n")
    with pytest.raises(InputError, match="'compny'") as told:
        facts.load([f], written=read_mapping("account=compny,event=what,at=ts"))
    assert "Did you mean company" in told.value.hint
    with pytest.raises(InputError, match="wat"):
        facts.load([f], written={"wat": "what"})
    with pytest.raises(InputError, match="exist"):
        facts.load([f.parent / "nope.csv"])
    with pytest.raises(InputError, match="not a table"):
        facts.load([f], table="evens")


def test_only_a_header_is_no_rows(opened, write):
    assert opened().load([write("e.csv", HEADER)], now=NOW) == Loaded()


def test_rows_that_are_not_utf8_or_too_long_are_quarantined_alone(opened, write):
    facts = opened()
    long = b"2,a,p," + b"x" * 64_000_000 + b",2026-01-01\n"
    done = facts.load(
        [write("e.csv", HEADER.encode() + b"1,a,p,gr\xfc\xdfe,2026-01-01\n" + long + b"3,a,p,ok,2026-01-01\n")], now=NOW
    )
    assert (done.read, done.loaded, done.quarantined) == (3, 1, 2)
    assert [(line, "UTF-8" in reason, "longer" in reason) for line, reason in quarantined(facts)] == [
        (2, True, False),
        (3, False, True),
    ]


def test_constants_properties_and_mapping_files(opened, write):
    facts = opened()
    mapping = read_mapping(str(write("map.yaml", "account: co\nat: day\nevent: =used\nproperties: '*'\n")))
    facts.load([write("e.csv", "co,day,n,feature\na,2026-01-01,3,x\n")], written=mapping, now=NOW)
    found = facts.connection.execute("SELECT event, to_json(properties) FROM events").fetchone()
    assert found[0] == "used"
    assert json.loads(found[1]) == {"n": "3", "feature": "x"}
    with pytest.raises(InputError, match="not a pair"):
        read_mapping("account=a,b")
    with pytest.raises(InputError, match="neither"):
        read_mapping("nowhere.yaml")


def test_quarantine_is_tried_again_with_the_settings_of_now(opened, write):
    facts = opened()
    f = write("e.csv", "account,event,at\na,x,1985-05-05T00:00:00Z\na,x,1985-05-05T00:00:00Z\na,x,never\n")
    assert facts.load([f], now=NOW).quarantined == 3
    from beforehand.facts.retrying import retry

    assert retry(facts, NOW) == (3, 0, 3)
    facts = opened(earliest="1980-01-01")
    assert retry(facts, NOW) == (3, 2, 1)
    assert quarantined(facts)[0][0] == 4
    assert len(rows(facts)) == 2
    assert retry(facts, NOW) == (1, 0, 1)


def test_a_mended_file_takes_its_rows_out_of_quarantine(opened, write):
    facts = opened()
    bad = "account,event,at\na,x,2026-01-01\nb,y,not a time\nc,z\nd,w,nor this\n"
    assert facts.load([write("e.csv", bad)], now=NOW).quarantined == 3
    mended = bad.replace("not a time", "2026-01-02").replace("c,z\n", "c,z,2026-01-03\n")
    done = facts.load([write("e.csv", mended)], now=NOW)
    assert (done.read, done.known, done.loaded, done.quarantined) == (4, 1, 2, 1)
    assert quarantined(facts) == [(5, quarantined(facts)[0][1])]
    # Another day's file of the same name is not a mended one.
    other = "account,event,at\nq,q,2026-02-01\nq,q,2026-02-02\nq,q,2026-02-03\n"
    other += "somebody else,did something,2026-02-04T10:00:00Z\n"
    facts.load([write("e.csv", other)], now=NOW)
    assert len(quarantined(facts)) == 1


def test_ids_in_several_tables_and_sources_do_not_meet(opened, write):
    facts = opened()
    f = write("e.csv", HEADER + "1,a,p,login,2026-01-01T00:00:00Z\n")
    assert facts.load([f], source="one", now=NOW).loaded == 1
    assert facts.load([f], source="two", now=NOW).loaded == 1
    assert (
        facts.load(
            [write("m.csv", "message,account,at,text\n1,a,2026-01-01,hi\n")], table="messages", source="one", now=NOW
        ).loaded
        == 1
    )
    assert [facts.sources("events"), facts.sources("messages"), facts.sources("tickets")] == [
        ("one", "two"),
        ("one",),
        (),
    ]


def test_large_numbers_of_bad_rows_stay_quick(opened, write):
    facts = opened()
    f = write("e.csv", "account,event,at\n" + "".join(f"a,x{i},never\n" for i in range(20_000)))
    assert facts.load([f], now=NOW).quarantined == 20_000
    assert quarantined(facts)[-1][0] == 20_001


def test_file_names_with_patterns_are_taken_literally(opened, write):
    facts = opened()
    f = write("e[1]*.csv", HEADER + "1,a,p,login,2026-01-01T00:00:00Z\n")
    assert facts.load([Path(f)], now=NOW).loaded == 1
