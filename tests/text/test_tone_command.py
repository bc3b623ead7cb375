"""`text tone`: JSON lines in and out, bad lines told with their numbers, memory flat, a table for people."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from beforehand.cli import app
from beforehand.commands.text import tone
from beforehand.commands.text_lines import MOST_PROBLEMS
from beforehand.commands.workspace import Workspace
from beforehand.errors import BeforehandError, InputError, Problems

LINES = [
    {
        "id": "m1",
        "text": "It is broken again, terrible support!",
        "account": "acme",
        "person": "jo",
        "at": "2026-01-02",
    },
    {"id": 2, "text": "Thanks a lot, works great now"},
    {"id": "m3", "text": "Das Produkt ist leider kaputt"},
]


def rows(raw: bytes | str | list[Any], **more: Any) -> list[dict[str, Any]]:
    if isinstance(raw, list):
        raw = "\n".join(json.dumps(line) for line in raw)
    stream = io.BytesIO(raw.encode() if isinstance(raw, str) else raw)
    return list(tone(None, "-", standard_input=stream, **more))


def test_a_row_for_each_message_as_the_contract_says() -> None:
    first, second, third = rows(LINES)
    assert {"id", "negative", "words", "language", "unsure"} <= first.keys()
    assert (first["id"], first["account"], first["person"], first["at"]) == ("m1", "acme", "jo", "2026-01-02")
    assert first["negative"] > 0.8 > 0.2 > second["negative"]
    assert second["id"] == 2
    assert "account" not in second
    assert "terrible" in first["words"]
    assert (first["language"], first["unsure"], first["reason"]) == ("en", False, None)
    assert (third["negative"], third["unsure"], third["language"], third["words"]) == (None, True, "de", [])
    assert first["rest"] + sum(first["weights"]) == pytest.approx(
        math.log(first["negative"] / (1 - first["negative"])), abs=1e-3
    )


def test_bad_lines_are_told_after_the_good_ones() -> None:
    bad = b'not json\n[1]\n{"id":2}\n{"text":null}\n{"id":{},"text":"x"}\n\n'
    raw = b'{"id":1,"text":"fine"}\n' + bad + b'{"id":3,"text":"bad"}\n'
    stream = tone(None, "-", standard_input=io.BytesIO(raw))
    assert [row["id"] for row in itertools.islice(stream, 2)] == [1, 3]
    with pytest.raises(Problems) as raised:
        next(stream)
    assert [problem.line for problem in raised.value.problems] == [2, 3, 4, 5, 6]
    assert all(problem.hint for problem in raised.value.problems)


def test_a_misspelled_column_is_named() -> None:
    with pytest.raises(Problems) as raised:
        rows('{"id":1,"txt":"x"}')
    assert "'txt'" in raised.value.problems[0].hint


def test_of_many_bad_lines_the_first_are_shown_and_the_rest_counted() -> None:
    with pytest.raises(Problems) as raised:
        rows("x\n" * (MOST_PROBLEMS + 20))
    assert len(raised.value.problems) == MOST_PROBLEMS + 1
    assert "20 more" in raised.value.problems[-1].message


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b'[{"id":1,"text":"x"}]', "json-array"), (b"\xff\xfe{\x00", "not-text")],
)
def test_files_of_another_kind_are_refused(raw: bytes, code: str) -> None:
    with pytest.raises(InputError) as raised:
        rows(raw)
    assert raised.value.code == code


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none.jsonl", "no-file"), (tmp_path, "not-a-file")):
        with pytest.raises(InputError) as raised:
            list(tone(None, str(path)))
        assert raised.value.code == code
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(b"no gzip")
    with pytest.raises(InputError) as raised:
        list(tone(None, str(broken)))
    assert raised.value.code == "damaged"


def test_packed_files_other_charsets_and_halves_of_characters(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl.gz"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf{"id":"a","text":"It is terrible"}\n'))
    seen: list[tuple[str, int, int]] = []
    (row,) = tone(None, str(path), progress=lambda *said: seen.append(said))
    assert row["negative"] > 0.5
    assert seen[-1][1] <= seen[-1][2] == path.stat().st_size
    (windows,) = rows('{"id":"a","text":"The café is terrible"}'.encode("cp1252"))
    assert windows["negative"] > 0.5
    assert windows["_read"] == "The café is terrible"
    (half,) = rows(b'{"id":"\\ud83d","text":"terrible \\ud83d support"}')
    assert json.dumps(half, ensure_ascii=False).encode()


def test_a_message_without_an_id_is_called_by_its_line() -> None:
    assert [row["id"] for row in rows('\n{"text":"fine"}\n{"text":"bad"}')] == [2, 3]


def test_nothing_in_is_nothing_out() -> None:
    assert rows("") == []
    assert rows("\n\n") == []


class Endless(io.RawIOBase):
    """A stream of messages without an end: only what is asked for may be read."""

    def __init__(self) -> None:
        self.given = 0

    def readline(self, limit: int | None = -1, /) -> bytes:
        self.given += 1
        return b'{"id":%d,"text":"It is terrible"}\n' % self.given


def test_memory_is_flat_as_lines_are_read_only_when_asked_for() -> None:
    stream = Endless()
    found = tone(None, "-", standard_input=stream)  # type: ignore[arg-type]
    assert [row["id"] for row in itertools.islice(found, 3)] == [1, 2, 3]
    assert stream.given < 10_000


def test_a_thousand_equal_messages_sound_equal() -> None:
    assert len({row["negative"] for row in rows([{"id": n, "text": "It is broken"} for n in range(1000)])}) == 1


def test_the_workspace_says_which_reader(tmp_path: Path) -> None:
    (tmp_path / "beforehand.yaml").write_text("text:\n  reader: endpoint\n")
    with pytest.raises(InputError) as raised:
        list(tone(Workspace(tmp_path), "-", standard_input=io.BytesIO(b"{}")))
    assert raised.value.code == "no-endpoint"
    stream = io.BytesIO(b'{"id":1,"text":"It is broken"}')
    (row,) = tone(Workspace(tmp_path), "-", reader="base", standard_input=stream)
    assert not row["unsure"]


def test_the_table_shows_words_and_reasons_without_colour() -> None:
    said = CliRunner().invoke(app, ["text", "tone", "-"], input="\n".join(json.dumps(line) for line in LINES))
    assert said.exit_code == 0
    assert "terrible +" in said.stdout
    assert "not in a language that is read (de)" in said.stdout
    assert "3 messages · 1 negative · 1 unsure" in said.stdout


def test_json_lines_hold_only_what_is_said_of_them() -> None:
    said = CliRunner().invoke(app, ["text", "tone", "-", "--json"], input=json.dumps(LINES[0]))
    (line,) = said.stdout.splitlines()
    assert not any(key.startswith("_") for key in json.loads(line))


def test_an_unknown_reader_is_refused() -> None:
    said = CliRunner().invoke(app, ["text", "tone", "-", "--reader", "oracle"], input="{}")
    assert isinstance(said.exception, BeforehandError)
    assert "base" in said.exception.hint
