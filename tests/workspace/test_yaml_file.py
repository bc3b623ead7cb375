from pathlib import Path

import pytest

from beforehand.errors import Problem
from beforehand.workspace.yaml_file import LARGEST, Written, read_yaml


def written(tmp_path: Path, text: str | bytes) -> Written:
    raw = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "f.yaml").write_bytes(raw)
    return read_yaml(tmp_path, "f.yaml")


def only(result: Written) -> Problem:
    assert len(result.problems) == 1, result.problems
    return result.problems[0]


def test_values_are_plain_and_yes_and_no_are_words(tmp_path: Path) -> None:
    got = written(tmp_path, "a: no\nb: [yes, 1, 2.5, ~]\nc: {d: 0o17}\n")
    assert got.data == {"a": "no", "b": ["yes", 1, 2.5, None], "c": {"d": 15}}
    assert [type(v) for v in got.data["b"]] == [str, int, float, type(None)]
    assert not got.problems


def test_each_key_and_item_keeps_its_line(tmp_path: Path) -> None:
    got = written(
        tmp_path, "# a comment\nwhen:\n  all of:\n    - one\n    - any of:\n        - two\nclear: >\n  a\n  b\n"
    )
    assert got.line(("when",)) == 2
    assert got.line(("when", "all of", 0)) == 4
    assert got.line(("when", "all of", 1, "any of", 0)) == 6
    assert got.line(("clear",)) == 7
    assert got.line(("when", "all of", 1, "nothing such")) == 5, "the nearest place around it"
    assert got.line(("nothing such",)) is None


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping(tmp_path: Path, text: str) -> None:
    got = written(tmp_path, text)
    assert (got.data, got.problems) == ({}, [])


@pytest.mark.parametrize(
    ("text", "line", "code", "words"),
    [
        ("a: 1\nb:\n\t- x\n", 3, "bad-yaml", "tab"),
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate-key", "line 1"),
        ("a: {b: 1, b: 2}\n", 1, "duplicate-key", "`b`"),
        ("- x\n- y\n", 1, "not-a-mapping", "key: value"),
        ("just words\n", 1, "not-a-mapping", "key: value"),
        ("a: b: c\n", 1, "bad-yaml", "colon"),
        ("x: 1\na: 'never closed\nb: 2\n", 2, "bad-yaml", "quote"),
        ("a: [1, 2\n", 1, "bad-yaml", "bracket"),
        ("a: 1\nb: [\n\n", 2, "bad-yaml", "bracket"),
        ("a: *x\n", 1, "bad-yaml", "alias"),
        ("a: !python/object 1\n", 1, "bad-yaml", "tag"),
        ("a: 1\n---\nb: 2\n", 2, "bad-yaml", "documents"),
        ("a: `x`\n", 1, "bad-yaml", "keeps for itself"),
        ("a: 1\nd: 2025-02-30\n", 2, "bad-yaml", "2025-02-30"),
        ("? [a, b]\n: 1\n", 1, "bad-key", "list or a mapping"),
        ("a: 1\nb: \x01\n", None, "bad-yaml", "control"),
        ("a: &x [*x]\n", None, "too-large", "without end"),
        ("a: " + "[" * 3000, None, "too-large", "without end"),
        (b"a: 1\nb: 2\nc: \xe4\n", 3, "not-utf-8", "UTF-8"),
        (b"PK\x03\x04\xff\xfe", 1, "not-utf-8", "UTF-8"),
        (
            "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9) if i else 1}]" for i in range(9)),
            None,
            "too-large",
            "end",
        ),
    ],
)
def test_what_is_no_yaml_is_said_with_its_line(
    tmp_path: Path, text: str | bytes, line: int | None, code: str, words: str
) -> None:
    problem = only(written(tmp_path, text))
    assert (problem.file, problem.line, problem.code) == ("f.yaml", line, code), problem
    assert words in str(problem)
    assert problem.hint


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    assert only(written(tmp_path, b"#" * (LARGEST + 1))).code == "too-large"


def test_a_folder_or_a_missing_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").mkdir()
    assert only(read_yaml(tmp_path, "f.yaml")).code == "unreadable"
    assert only(read_yaml(tmp_path, "none.yaml")).code == "unreadable"


def test_every_duplicate_is_told_at_once(tmp_path: Path) -> None:
    got = written(tmp_path, "a: 1\na: 2\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert [(p.line, p.code) for p in got.problems] == [
        (2, "duplicate-key"),
        (5, "duplicate-key"),
        (6, "duplicate-key"),
    ]
    assert got.data == {"a": 1, "b": {"c": 1}}, "the first stays"
