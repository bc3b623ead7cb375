"""The page about the language says nothing that is not so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from beforehand.signals import SentenceError, Vocabulary, build, echo, parse, run_cases
from beforehand.signals.grammar import FORMS
from beforehand.workspace.spec import SignalSpec

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "sentences.md").read_text(encoding="utf-8")
EXAMPLES = [line for block in re.findall(r"```sentence\n(.*?)```", PAGE, re.S) for line in block.strip().splitlines()]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_sentence(text: str, vocabulary: Vocabulary) -> None:
    assert echo(parse(text, vocabulary), vocabulary)


def test_there_are_examples_of_everything() -> None:
    assert len(EXAMPLES) >= 35


def test_the_echo_on_the_page_is_the_echo(vocabulary: Vocabulary) -> None:
    assert "> " + echo(parse(EXAMPLES[0], vocabulary), vocabulary) in PAGE


def test_the_error_on_the_page_is_the_error(vocabulary: Vocabulary) -> None:
    with pytest.raises(SentenceError) as caught:
        parse("login frequency drops blow 2x per weak for 3 consecutive weeks", vocabulary)
    assert caught.value.message + "\n" + caught.value.hint.splitlines()[0] in PAGE


def test_the_refused_streak_is_refused_with_what_the_page_says(vocabulary: Vocabulary) -> None:
    with pytest.raises(SentenceError) as caught:
        parse("logins below 2 per day for 3 weeks", vocabulary)
    assert str(caught.value.suggestion).endswith("for 21 consecutive days")
    assert "for 21 consecutive days" in PAGE


def test_the_files_on_the_page_are_read_and_their_cases_pass(vocabulary: Vocabulary) -> None:
    from ruamel.yaml import YAML

    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    assert len(blocks) >= 3
    for block in blocks:
        spec = SignalSpec.model_validate({"signal": "one", **YAML(typ="safe").load(block)})
        assert run_cases(build(spec, vocabulary), spec.cases, vocabulary) == []


@pytest.mark.parametrize("terminal", ["BELOW", "ABOVE", "AT_LEAST", "AT_MOST"])
def test_the_table_of_comparisons_names_the_forms(terminal: str) -> None:
    told = [form for form in FORMS[terminal][1] if f"`{form}`" in PAGE]
    assert len(told) >= 3
    for form in re.findall(r"`([^`]+)`", PAGE.split("| you write |")[1].split("\n\n")[0]):
        sentence = f"logins {form.replace('...', '5')}" + ("" if "..." in form else " 5")
        assert parse(sentence, Vocabulary.anything()).condition


def test_every_link_within_the_page_leads_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w-]", "", line.lstrip("# ").lower().replace(" ", "-"))
        for line in PAGE.splitlines()
        if line[:1] == "#"
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors
