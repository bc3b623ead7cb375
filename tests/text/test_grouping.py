"""The same issue: texts find their group, storms collapse, and nothing that was grouped changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.text.grouping import DAY_US, NO_GROUP, WINDOW_DAYS, Groups, Text
from beforehand.text.machine_made import are_machine_made
from beforehand.text.naming import phrase_of
from beforehand.text.neighbours import Neighbours
from beforehand.text.vectors import WIDTH, Seen, read, vector

EXPORT = [
    "CSV export hangs\nThe CSV export of the monthly report hangs at 99 percent.",
    "Export to CSV hangs\nOur monthly report export to CSV is stuck at 99 percent again.",
    "Monthly report: CSV export stuck\nThe export hangs at 99 percent since this morning.",
]
LOGIN = [
    "Cannot log in with SSO\nSingle sign-on with Okta loops back to the login page.",
    "SSO login loop\nOkta single sign-on sends everybody back to the login page.",
]


def grouped(texts: list[str], **more: object) -> list[int]:
    return Groups().assign([Text(text, **more) for text in texts])  # type: ignore[arg-type]


def test_the_same_issue_in_other_words_is_one_group() -> None:
    assert grouped([EXPORT[0], LOGIN[0], EXPORT[1], LOGIN[1], EXPORT[2]]) == [1, 2, 1, 2, 1]


def test_a_group_is_named_by_its_own_words() -> None:
    groups = Groups()
    groups.assign([Text("Hello,\n\nthe CSV export of invoices hangs, please help")])
    assert "CSV export" in groups.names[1]
    assert phrase_of("the the the", Seen())
    assert phrase_of("", Seen()) == "?"


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "🙂", "!!!", "---"])
def test_texts_without_words_form_no_group(text: str) -> None:
    assert grouped([text, text, EXPORT[0]]) == [NO_GROUP, NO_GROUP, 1]


def test_a_storm_of_identical_tickets_is_one_group_and_one_text_in_memory() -> None:
    groups = Groups()
    found = groups.assign([Text(EXPORT[0], at_us=at) for at in range(5_000)])
    assert set(found) == {1}
    assert len(groups) == 1


def test_a_huge_text_is_read_in_part() -> None:
    huge = "the export of the report hangs " * 350_000
    found = read(huge)
    assert len(found.plain) <= 300
    assert len(vector(found, Seen()).ids) <= WIDTH
    assert grouped([huge, huge[:9_000_000]]) == [1, 1]


def test_error_texts_and_tickets_that_quote_them_share_a_group() -> None:
    groups = Groups()
    error = "ExportError: report 8812 could not be written to bucket eu-1"
    ticket = f"Help!\nWe cannot get our report since Monday:\n{error.replace('8812', '7')}\n"
    assert groups.assign([Text(error, error=True), Text(ticket)]) == [1, 1]
    assert groups.names[1].startswith("ExportError: report <*>")
    # The other way round too: the ticket first, then whoever sees the error.
    other = Groups()
    assert other.assign([Text(ticket), Text(error, error=True), Text("PayError: no card", error=True)]) == [1, 1, 2]


def test_what_somebody_copied_from_the_screen_is_the_error_that_others_meet() -> None:
    groups = Groups(joined=True)
    ticket = Text("Something is wrong\nIt happens every morning.\n\nIt says: Server error 500 on dashboard 77120")
    assert groups.assign([ticket, Text("Server error 500 on dashboard 13", error=True)]) == [1, 1]


def test_a_merge_holds_for_later_arrivals() -> None:
    groups = Groups()
    assert groups.assign([Text(EXPORT[0]), Text(LOGIN[0])]) == [1, 2]
    groups.merge(2, 1)
    assert groups.assign([Text(EXPORT[1]), Text(LOGIN[1])]) == [2, 2]
    groups.merge(1, 2)
    assert groups.assign([Text(EXPORT[2])]) == [2]


def test_a_split_holds_for_later_arrivals() -> None:
    groups = Groups()
    other = "CSV export hangs\nThe CSV export of the yearly audit log hangs at 10 percent."
    assert groups.assign([Text(EXPORT[0]), Text(other)]) == [1, 1]
    groups.move(other, 2)
    assert groups.assign([Text(other), Text(EXPORT[0]), Text(other.replace("hangs", "is stuck"))]) == [2, 1, 2]


def test_what_is_older_than_the_window_is_forgotten() -> None:
    groups = Groups()
    for day in range(0, 4 * WIDTH, 1):
        groups.assign([Text(f"topic{day % 97} number{day} is broken in module{day % 13}x", at_us=day * DAY_US)] * 3)
    old = Text(EXPORT[0], at_us=0)
    assert groups.assign([old])[0] > 0
    assert len(groups) < 1_500
    assert WINDOW_DAYS == 180


WORDS = ["export", "login", "invoice", "slow", "broken", "csv", "okta", "page", "report", "hangs", "card", "error"]
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXT, max_size=12), st.lists(TEXT, max_size=6), st.lists(TEXT, max_size=6))
def test_what_comes_later_changes_no_group(before: list[str], one: list[str], other: list[str]) -> None:
    first, second = Groups(), Groups()
    at_first = first.assign([Text(text) for text in before])
    assert second.assign([Text(text) for text in before]) == at_first
    first.assign([Text(text) for text in one])
    second.assign([Text(text) for text in other])
    # A text that came before goes where it went: its group was never touched.
    assert [first.assign([Text(text)])[0] for text in before] == at_first_of(before, at_first)
    assert [second.assign([Text(text)])[0] for text in before] == at_first_of(before, at_first)


def at_first_of(texts: list[str], groups: list[int]) -> list[int]:
    first: dict[str, int] = {}
    for text, group in zip(texts, groups, strict=True):
        first.setdefault(text, group)
    return [first[text] for text in texts]


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=20), st.integers(0, 20))
def test_it_does_not_matter_how_arrivals_are_cut_into_batches(texts: list[str], cut: int) -> None:
    whole = grouped(texts)
    groups = Groups()
    parts = groups.assign([Text(text) for text in texts[:cut]]) + groups.assign([Text(text) for text in texts[cut:]])
    assert parts == whole


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=15), TEXT)
def test_what_is_restored_goes_on_alike(texts: list[str], last: str) -> None:
    straight = Groups()
    straight.assign([Text(text) for text in texts])
    again = Groups(Seen.unpack(straight.seen.pack(), straight.seen.texts), following=straight.following)
    for kept in straight.kept:
        again.restore(kept)
    assert again.assign([Text(last)]) == straight.assign([Text(last)])


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=30), TEXT)
def test_the_index_finds_what_comparing_all_finds(texts: list[str], last: str) -> None:
    seen, index = Seen(), Neighbours()
    vectors = []
    for text in texts:
        found = read(text)
        vectors.append(vector(found, seen))
        seen.add(found)
        index.add(vectors[-1])
    asked = vector(read(last), seen)
    numbers, near = index.near(asked)
    for number, cosine in zip(numbers.tolist(), near.tolist(), strict=True):
        one = dict(zip(vectors[number].ids.tolist(), vectors[number].weights.tolist(), strict=True))
        mine = zip(asked.ids.tolist(), asked.weights.tolist(), strict=True)
        assert cosine == pytest.approx(sum(weight * one.get(key, 0) for key, weight in mine), abs=2e-3)
    shared = [at for at, other in enumerate(vectors) if np.isin(asked.leading, other.leading).any()]
    assert sorted(numbers.tolist()) == shared


def test_the_index_is_the_same_before_and_after_it_is_sorted_in_and_forgets() -> None:
    seen, index = Seen(), Neighbours()
    for number in range(5_000):
        index.add(vector(read(f"topic{number % 50} word{number}"), seen))
    asked = vector(read("topic7 word4907"), seen)
    numbers, near = index.near(asked)
    assert numbers[near.argmax()] == 4_907
    index.forget(4_000)
    numbers, near = index.near(asked)
    assert numbers.min() >= 4_000
    assert numbers[near.argmax()] == 4_907
    assert len(index) == 1_000


def test_log_lines_and_letters_are_told_apart() -> None:
    assert are_machine_made(["setLightsOn(true)", "acquire lock=233570404, flags=0x1, ws=null"])
    assert not are_machine_made(EXPORT + LOGIN)
    assert not are_machine_made([])
