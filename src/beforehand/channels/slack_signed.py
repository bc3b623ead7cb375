"""What Slack posts when a button is pressed: its signature, and who pressed what. Pure.

https://docs.slack.dev/authentication/verifying-requests-from-slack and
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

TOLERANCE_S = 300


@dataclass(frozen=True)
class Press:
    """A button that somebody pressed. `key` is one press: posted again, it is the same.

    `own`: whoever pressed is of the workspace in which the app is, not a guest from another one. `answer_at` is where
    an answer that only they see can be posted for half an hour.
    """

    key: str
    user: str
    own: bool
    action: str
    value: str
    answer_at: str


def signature(secret: str, stamp: str, body: bytes) -> str:
    """The signature of a body, as `X-Slack-Signature` has it."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def refused(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Why a request is none of Slack's: `unsigned`, `forged` or `stale` (more than five minutes off); '' where it is.

    Names of headers are in lower case.
    """
    stamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not given or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 13):
        return "unsigned"
    # Every secret is tried: how long it takes says nothing of which was right.
    right = [hmac.compare_digest(signature(secret, stamp, body).encode(), given.encode()) for secret in secrets]
    if not any(right):
        return "forged"
    return "stale" if abs(int(stamp) - now.timestamp()) > TOLERANCE_S else ""


def press_of(body: bytes) -> Press | None:
    """The press that a form with a `payload` tells of; None where Slack tells of something else.

    Raises ValueError where it is no such form.
    """
    try:
        form = parse_qs(body.decode("utf-8"), strict_parsing=True, max_num_fields=20)
        told = json.loads(form["payload"][0])
    except (KeyError, RecursionError) as error:
        raise ValueError("there is no payload in it") from error
    if not isinstance(told, dict):
        raise ValueError("its payload is no object")
    if told.get("type") != "block_actions":
        return None
    pressed = next((a for a in _held(told.get("actions")) if a.get("type") == "button"), None)
    if pressed is None or not pressed.get("value"):
        return None
    user, team = _dict(told.get("user")), _dict(told.get("team"))
    stamp, action = str(pressed.get("action_ts", "")), str(pressed.get("action_id", ""))
    if not user.get("id") or not stamp:
        raise ValueError("it does not say who pressed what")
    return Press(
        key=f"slack:{team.get('id', '')}:{user['id']}:{stamp}:{action}:{pressed['value']}"[:200],
        user=str(user["id"]),
        own=bool(team.get("id")) and user.get("team_id", team.get("id")) == team.get("id"),
        action=action,
        value=str(pressed["value"]),
        answer_at=str(told.get("response_url") or ""),
    )


def _held(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
