"""Slack: an incoming webhook, or an app that can also edit what it posted.

Slack knows no key: a message whose answer never came is in doubt. https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from beforehand.channels import slack_blocks
from beforehand.channels.addresses import Network
from beforehand.channels.message import Message
from beforehand.channels.posting import Answer, PostError, handed, post, unanswered
from beforehand.channels.seam import Handed

# What Slack calls it, what we do, the word for it. Whatever is not here is refused by its own name.
ERRORS: dict[str, tuple[str, str]] = {
    "ratelimited": ("retry", "rate-limited"),
    "rate_limited": ("retry", "rate-limited"),
    "internal_error": ("retry", "server-error"),
    "fatal_error": ("retry", "server-error"),
    "service_unavailable": ("retry", "server-error"),
    "request_timeout": ("retry", "server-error"),
    "team_added_to_org": ("retry", "server-error"),
    "invalid_auth": ("retry", "login-refused"),
    "not_authed": ("retry", "login-refused"),
    "token_expired": ("retry", "login-refused"),
    "token_revoked": ("retry", "login-refused"),
    "account_inactive": ("retry", "login-refused"),
    "missing_scope": ("retry", "login-refused"),
    "not_in_channel": ("retry", "not-in-channel"),
    "channel_not_found": ("refused", "bad-address"),
    "user_not_found": ("refused", "bad-address"),
    "is_archived": ("refused", "bad-address"),
    "channel_is_archived": ("refused", "bad-address"),
    "msg_too_long": ("refused", "content"),
    "invalid_blocks": ("refused", "content"),
    "invalid_payload": ("refused", "content"),
}
GONE = ("message_not_found", "cant_update_message", "edit_window_closed")
"""Why a message cannot be edited any more: a new one is posted."""


@dataclass(frozen=True)
class Slack:
    """Posts messages by `webhook` (an address, whose channel is Slack's own setting) or by `token` to `recipient`.

    `ref` of a message posted by an app is `CHANNEL/TIMESTAMP`: what replaces it edits that message.
    """

    webhook: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    buttons: bool = True
    api: str = "https://slack.com/api"
    allow: tuple[Network, ...] = ()
    timeout_s: float = 20.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    keyed = False

    def hand(self, message: Message, recipient: str, key: str, replaces: str | None = None) -> Handed:
        """Posts a message, or edits the one it replaces."""
        said = slack_blocks.payload(message, buttons=self.buttons)
        if self.webhook:
            return self._by_webhook(said)
        channel, _, stamp = (replaces or "").partition("/")
        if channel and stamp:
            edited = self._by_app("chat.update", {"channel": channel, "ts": stamp, **said}, safe=True)
            if edited.reason not in GONE:
                return edited
        return self._by_app("chat.postMessage", {"channel": recipient, "unfurl_links": False, **said}, safe=False)

    def _by_webhook(self, said: dict[str, Any]) -> Handed:
        try:
            answer = self._post(self.webhook, said, {})
        except PostError as error:
            return unanswered(error, keyed=False)
        word = answer.body[:100].decode("utf-8", "replace").strip()
        return _refused(word, answer) if word in ERRORS else handed(answer)

    def _by_app(self, method: str, said: dict[str, Any], *, safe: bool) -> Handed:
        """`safe`: done twice it is done once, as editing is."""
        try:
            answer = self._post(f"{self.api}/{method}", said, {"Authorization": f"Bearer {self.token}"})
        except PostError as error:
            return unanswered(error, keyed=safe)
        if answer.status != 200:
            return handed(answer)
        try:
            body = json.loads(answer.body)
            if body.get("ok"):
                return Handed("sent", "accepted", ref=f"{body['channel']}/{body['ts']}")
            return _refused(str(body.get("error", "unknown")), answer)
        except (ValueError, KeyError, AttributeError):
            return Handed("retry" if safe else "in doubt", "not-understood", "Its answer is not Slack's.")

    def _post(self, url: str, said: dict[str, Any], headers: dict[str, str]) -> Answer:
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", **headers}
        return post(url, body, headers, timeout_s=self.timeout_s, allow=self.allow, now=self.clock())


def _refused(word: str, answer: Answer) -> Handed:
    state, reason = ERRORS.get(word, ("refused", word if word in GONE else "rejected"))
    after = answer.after_s if state == "retry" else None
    return Handed("retry" if state == "retry" else "refused", reason, f"Slack says {word}.", after_s=after)
