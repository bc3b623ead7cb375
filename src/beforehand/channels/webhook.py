"""A webhook signed as Standard Webhooks 1.0.0 says: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

The key of the act is the webhook's id, the same at every try, so that the other side can tell a second one:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from beforehand.channels import plain
from beforehand.channels.addresses import Network
from beforehand.channels.message import Message
from beforehand.channels.posting import PostError, handed, post, unanswered
from beforehand.channels.seam import Handed

PREFIX = "whsec_"
TOLERANCE_S = 300


def signature(secret: str, key: str, at: datetime, body: bytes) -> str:
    """One signature, `v1,` and base64. `secret` is base64 of the key, with or without `whsec_` before it.

    Raises ValueError where the secret is no base64.
    """
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is written in base64, with or without whsec_ before it") from error
    signed = f"{key}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()


def verified(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a webhook that came in was signed with one of the secrets within five minutes of `now`."""
    found = {name.lower(): value for name, value in headers.items()}
    key, stamp = found.get("webhook-id", ""), found.get("webhook-timestamp", "")
    if not key or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 13):
        return False
    if abs(int(stamp) - now.timestamp()) > TOLERANCE_S:
        return False
    at = datetime.fromtimestamp(int(stamp), UTC)
    given = found.get("webhook-signature", "").split()
    right = [signature(secret, key, at, body) for secret in secrets]
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in right for other in given)


def body_of(message: Message, at: datetime) -> dict[str, Any]:
    """What is posted: the type (`beforehand.alert`, ...), when, and the message as its blocks and as plain text."""
    stamp = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    data = {"text": plain.text(message), **message.as_json()}
    return {"type": f"beforehand.{message.purpose}", "timestamp": stamp, "data": data}


def id_of(key: str) -> str:
    """The id of the webhook for the key of an act, which may hold what no header can: the same for the same key."""
    return "msg_" + hashlib.sha256(key.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Webhook:
    """Posts messages as JSON to one address; `secrets` sign it, the newest first, none where there are none."""

    url: str
    secrets: tuple[str, ...] = ()
    allow: tuple[Network, ...] = ()
    timeout_s: float = 20.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    keyed = True

    def hand(self, message: Message, recipient: str, key: str, replaces: str | None = None) -> Handed:
        """Posts a message; `recipient` and what it replaces stand beside it in `data`."""
        at, name = self.clock(), id_of(key)
        body = body_of(message, at)
        body["data"] |= {"recipient": recipient, "replaces": replaces}
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        headers = {"Content-Type": "application/json", **self.headers(name, at, raw)}
        try:
            answer = post(self.url, raw, headers, timeout_s=self.timeout_s, allow=self.allow, now=at)
        except PostError as error:
            return unanswered(error, keyed=True)
        return handed(answer, ref=name)

    def headers(self, name: str, at: datetime, body: bytes) -> dict[str, str]:
        """The headers that say which webhook this is, of when, and by whom."""
        said = {"webhook-id": name, "webhook-timestamp": str(int(at.timestamp()))}
        if self.secrets:
            said["webhook-signature"] = " ".join(signature(secret, name, at, body) for secret in self.secrets)
        return said
