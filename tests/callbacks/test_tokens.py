"""Tokens in links: nobody else makes one, nobody reads one, and one for one thing does no other."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.channels.tokens import LONGEST, seal, seal_short, unseal, unseal_short

SECRET = "a-secret-of-enough-characters"
SAID = st.dictionaries(st.text(max_size=8), st.text(max_size=40) | st.integers(-(2**53), 2**53), max_size=4)


@given(SAID, st.text(max_size=12))
@settings(max_examples=60)
def test_what_is_sealed_is_read_again(said: dict[str, Any], purpose: str) -> None:
    token = seal(SECRET, purpose, said)
    assert unseal([SECRET], purpose, token) == said
    assert token == seal(SECRET, purpose, said)  # a mail made twice is the same mail
    assert unseal(["another-secret-altogether", SECRET], purpose, token) == said
    short = seal_short(SECRET, purpose, said)
    assert unseal_short([SECRET], purpose, short.upper()) == said
    assert short.isalnum()
    assert short == short.lower()


@given(SAID, st.data())
@settings(max_examples=120)
def test_one_changed_sign_is_forged(said: dict[str, Any], data: st.DataObject) -> None:
    token = seal(SECRET, "do", said)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([c for c in "ABCabc019-_" if c != token[at]]))
    assert unseal([SECRET], "do", token[:at] + other + token[at + 1 :]) is None
    assert unseal([SECRET], "do", token[:at]) is None
    assert unseal([SECRET], "do", token + other) is None


def test_a_token_is_for_one_thing_and_one_secret() -> None:
    token = seal(SECRET, "unsubscribe", {"to": "ada@globex.example"})
    assert unseal([SECRET], "do", token) is None
    assert unseal(["another-secret-altogether"], "unsubscribe", token) is None
    assert unseal([], "unsubscribe", token) is None


def test_the_address_cannot_be_read() -> None:
    token = seal(SECRET, "unsubscribe", {"to": "ada@globex.example"})
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"ada" not in raw
    assert b"globex" not in raw
    # Nor can two tokens be laid over each other: each has a key stream of its own.
    other = seal(SECRET, "unsubscribe", {"to": "bob@globex.example"})
    assert token[22:60] != other[22:60]


@pytest.mark.parametrize("token", ["", "x", "=", "A" * 22, "A" * (LONGEST + 1), "ünicode", "a b", "../../etc", "\x00"])
def test_anything_else_is_no_token(token: str) -> None:
    assert unseal([SECRET], "do", token) is None
    assert unseal_short([SECRET], "do", token) is None
