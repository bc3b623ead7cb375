"""Addresses, telephone, card and account numbers and keys taken out of a text before it leaves the machine."""

from __future__ import annotations

import re

_KEY = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abprs]|AKIA|ASIA|AIza|ya29|eyJ)[\w.-]{12,512}"
    r"|-----BEGIN [A-Z ]{3,40}-----[^-]{0,8000}(?:-----END [A-Z ]{3,40}-----)?"
    r"|\b(?i:password|passwd|pwd|secret|token|api[_ -]?key|bearer)\b\s{0,3}(?:is|[:=])?\s{0,3}[^\s,;]{6,200}"
    r"|\b(?=[\w+/-]{0,80}\d)(?=[\w+/-]{0,80}[A-Z])[A-Za-z0-9+/_-]{32,512}={0,2}"
)
_MAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){3,7}(?:[ ]?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
_PHONE = re.compile(r"(?<![\w.])\+?\(?\d(?:[ ().\-/]{0,2}\d){7,14}(?!\w)")
_DATE = re.compile(r"(?:19|20)\d\d[-/.]\d\d[-/.]\d\d(?: \d\d)?|\d\d[-/.]\d\d[-/.](?:19|20)\d\d")
_INTERNET = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")


def mask(text: str) -> str:
    """The text with `[mail]`, `[key]`, `[account]`, `[card]`, `[phone]` and `[address]` in place of what identifies.

    A card number is one whose check digit is right (Luhn); dates and short numbers stay.
    """
    text = _MAIL.sub("[mail]", _KEY.sub("[key]", text))
    text = _without_accounts(text)
    text = _INTERNET.sub("[address]", text)
    return _PHONE.sub(lambda found: found.group() if _is_date(found.group()) else "[phone]", text)


def mask_secrets(text: str) -> str:
    """The text with `[key]`, `[account]` and `[card]` alone: for what we say ourselves, where it names people by their
    addresses and numbers are amounts."""
    return _without_accounts(_KEY.sub("[key]", text))


def _without_accounts(text: str) -> str:
    text = _IBAN.sub("[account]", text)
    return _CARD.sub(lambda found: "[card]" if _luhn(found.group()) else found.group(), text)


def _luhn(number: str) -> bool:
    digits = [int(sign) for sign in reversed(number) if sign.isdigit()]
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_date(number: str) -> bool:
    return (
        re.fullmatch(r"(?:19|20)\d\d[-/.]\d\d[-/.]\d\d(?: \d\d)?|\d\d[-/.]\d\d[-/.](?:19|20)\d\d", number) is not None
    )
