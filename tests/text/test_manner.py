"""Plain measures of manner, and masking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.text import manner_of, mask


def test_manner() -> None:
    found = manner_of("Hi Jo, could you please look at the EXPORT? I think it is BROKEN!! Thanks")
    assert (found.words, found.greeting, found.thanks, found.please) == (15, True, True, True)
    assert (found.exclamations, found.questions, found.hedges) == (2, 1, 1)
    assert found.shouting == pytest.approx(2 / 7)


def test_no_thanks_is_no_thanks() -> None:
    assert not manner_of("Thanks for nothing").thanks
    assert manner_of("").shouting == 0


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to jo.b@acme.co.uk", "write to [mail]"),
        ("call +49 30 123456-78 now", "call [phone] now"),
        ("card 4111 1111 1111 1111 please", "card [card] please"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [account]"),
        ("key sk-abcdefghijklmnop1234", "key [key]"),
        ("password: hunter22!", "[key]"),
        ("host 10.20.30.40 is down", "host [address] is down"),
        ("on 2026-01-31 and 31.01.2026 we had 1,200 users", "on 2026-01-31 and 31.01.2026 we had 1,200 users"),
        ("it broke 3 times in 24 hours", "it broke 3 times in 24 hours"),
    ],
)
def test_what_identifies_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


def test_masking_a_long_text_is_bounded() -> None:
    for piece in ("1 ", "a@", "A1", "-----BEGIN ", "1.", "password "):
        mask(piece * 50_000)
