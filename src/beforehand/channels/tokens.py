"""What leaves in a link and comes back: sealed, so that nobody else can make one, and nobody can read it. Pure.

A token is one synthetic initialisation vector and what is said, encrypted under it (Rogaway and Shrimpton,
"Deterministic Authenticated-Encryption", 2006; both functions are HMAC-SHA-256). The same thing said is the same token,
so that a mail that is made twice is the same mail. What a token is for is part of what is signed: one that unsubscribes
presses no button.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

TAG = 16
LONGEST = 2000
SHORTEST_SECRET = 16
"""Characters: who has one token can try secrets at home."""


def seal(secret: str, purpose: str, said: Mapping[str, Any]) -> str:
    """A token for an address of the web: letters, digits, `-` and `_`."""
    return base64.urlsafe_b64encode(_sealed(secret, purpose, said)).decode().rstrip("=")


def seal_short(secret: str, purpose: str, said: Mapping[str, Any]) -> str:
    """A token for a mail address, in which letters may lose their case: `a` to `z` and `2` to `7`."""
    return base64.b32encode(_sealed(secret, purpose, said)).decode().rstrip("=").lower()


def unseal(secrets: Sequence[str], purpose: str, token: str) -> dict[str, Any] | None:
    """What a token of `seal` says, made with one of the secrets for this purpose; None for any other."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True) if _fits(token) else b""
    except (binascii.Error, ValueError):
        return None
    # The last character holds bits that mean nothing: one token is written in one way only.
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token:
        return None
    return _unsealed(secrets, purpose, raw)


def unseal_short(secrets: Sequence[str], purpose: str, token: str) -> dict[str, Any] | None:
    """What a token of `seal_short` says; None for any other."""
    written = token.upper()
    try:
        raw = base64.b32decode(written + "=" * (-len(written) % 8)) if _fits(written) else b""
    except (binascii.Error, ValueError):
        return None
    return _unsealed(secrets, purpose, raw)


def _fits(token: str) -> bool:
    return token.isascii() and len(token) <= LONGEST


def _sealed(secret: str, purpose: str, said: Mapping[str, Any]) -> bytes:
    plain = json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    tag = _tag(secret, purpose, plain)
    return tag + _crypted(secret, tag, plain)


def _unsealed(secrets: Sequence[str], purpose: str, raw: bytes) -> dict[str, Any] | None:
    if len(raw) <= TAG:
        return None
    tag, hidden = raw[:TAG], raw[TAG:]
    for secret in secrets:
        plain = _crypted(secret, tag, hidden)
        if hmac.compare_digest(_tag(secret, purpose, plain), tag):
            said = json.loads(plain)
            return said if isinstance(said, dict) else None
    return None


def _tag(secret: str, purpose: str, plain: bytes) -> bytes:
    return hmac.new(_key(secret, "sign"), purpose.encode() + b"\0" + plain, hashlib.sha256).digest()[:TAG]


def _crypted(secret: str, tag: bytes, text: bytes) -> bytes:
    """Encrypts, and decrypts: the same."""
    key, blocks = _key(secret, "hide"), range(-(-len(text) // 32))
    stream = b"".join(hmac.new(key, tag + n.to_bytes(4, "big"), hashlib.sha256).digest() for n in blocks)
    return bytes(a ^ b for a, b in zip(text, stream, strict=False))


def _key(secret: str, use: str) -> bytes:
    return hmac.new(secret.encode(), b"beforehand token 1 " + use.encode(), hashlib.sha256).digest()
