"""Rows measured before the engine reads them, against Python's own csv, and what the engine reads after that."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.facts import scanning
from beforehand.facts.lines import lines_in
from beforehand.facts.quarantine import listed

cells = st.text(alphabet='ab,"\n é', max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=20), st.integers(1, 40), st.integers(8, 60))
def test_no_row_is_called_too_long_that_is_not(rows, chunk, limit):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    data = out.getvalue().encode()
    longest = max(len(_written(row)) for row in rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning, "_CHUNK", chunk)
        patch.setattr(scanning, "LINE_LIMIT", limit)
        found = scanning.overlong_rows(io.BytesIO(data), b",")
    if longest <= limit:
        assert found == []
    else:
        assert found
        assert all(b.end > b.start for b in found)


def _written(row):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(row)
    return out.getvalue().encode()


@given(st.binary(max_size=200).map(lambda b: b.replace(b"\r", b"\n")), st.lists(st.integers(0, 200), max_size=5))
def test_lines_of_bytes(data, places):
    places = [p for p in places if p <= len(data)]
    assert lines_in(io.BytesIO(data), places) == {p: data[:p].count(b"\n") + 1 for p in places}


@pytest.mark.parametrize("rows", [50, 400_000])
def test_a_quote_that_is_never_closed_costs_its_own_line_only(opened, write, rows):
    body = [f"{i},a,login,2026-01-01" for i in range(rows)]
    body[20] = '20,"a,login,2026-01-01'
    facts = opened()
    done = facts.load([write("e.csv", "id,account,event,at\n" + "\n".join(body) + "\n")])
    assert (done.read, done.loaded, done.quarantined) == (rows, rows - 1, 1)
    assert [(r["line"], "quote" in r["reason"]) for r in listed(facts)[0]] == [(22, True)]


def test_quoted_line_breaks_and_stray_quotes_are_rows(opened, write):
    facts = opened()
    f = write(
        "m.csv",
        'message,account,at,text\n1,a,2026-01-01,"one\n\ntwo ""three"""\n'
        '2,a,2026-01-01,5" wide\n3,a,2026-01-01,x\n4,,2026-01-01,x\n',
    )
    done = facts.load([f], table="messages")
    assert (done.loaded, done.quarantined) == (3, 1)
    assert listed(facts)[0][0]["line"] == 7
    assert facts.connection.execute("SELECT text FROM messages ORDER BY id").fetchall() == [
        ('one\n\ntwo "three"',),
        ('5" wide',),
        ("x",),
    ]
