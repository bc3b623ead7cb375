"""A request and an answer of ASGI, as far as they are needed here: a body within a limit, headers that keep quiet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATIENCE_S = 15.0
"""So long a body may take to arrive."""
QUIET = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",  # the address of a page is a token
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


class RefusedError(Exception):
    """A request is not answered: the status, one word why, and what whoever asked is told.

    `kept`: it stands in the state already, beside what was asked.
    """

    def __init__(
        self, status: int, reason: str, said: str, headers: Mapping[str, str] | None = None, *, kept: bool = False
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.said = said
        self.headers = dict(headers or {})
        self.kept = kept


@dataclass(frozen=True)
class Request:
    """What was asked: `path` without what the app is mounted under, names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    receive: Receive = field(repr=False)

    @classmethod
    def of(cls, scope: Scope, receive: Receive, under: str) -> Request:
        """The request of a scope; `under` is the path of the public address, which a proxy may have left on."""
        path = str(scope["path"])
        for before in (str(scope.get("root_path") or ""), under):
            if before and path.startswith(before + "/"):
                path = path[len(before) :]
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope.get("headers", ())}
        return cls(str(scope["method"]).upper(), path, headers, receive)

    @property
    def kind(self) -> str:
        """The media type of the body."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def body(self, most: int) -> bytes:
        """The whole body; refused where it is larger than `most` bytes, or does not come."""
        too_large = RefusedError(413, "too-large", f"At most {most:,} bytes are taken.", {"connection": "close"})
        told = self.headers.get("content-length", "")
        if told.isascii() and told.isdigit() and int(told[:18]) > most:
            raise too_large
        parts: list[bytes] = []
        size, more = 0, True
        try:
            async with asyncio.timeout(PATIENCE_S):
                while more:
                    event = await self.receive()
                    if event["type"] == "http.disconnect":
                        raise RefusedError(400, "cut-off", "The request broke off.")
                    parts.append(event.get("body", b""))
                    size += len(parts[-1])
                    more = bool(event.get("more_body"))
                    if size > most:
                        raise too_large
        except TimeoutError:
            raise RefusedError(408, "too-slow", "The request did not arrive.", {"connection": "close"}) from None
        return b"".join(parts)


@dataclass(frozen=True)
class Answer:
    """What is answered. `after`: what is done once it is out, and delays nothing."""

    status: int
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    after: Callable[[], None] | None = None

    @classmethod
    def json(cls, status: int, said: Mapping[str, Any]) -> Answer:
        """A JSON object."""
        return cls(status, json.dumps(said, ensure_ascii=False).encode(), "application/json")

    def with_headers(self, headers: Mapping[str, str]) -> Answer:
        """The same with more headers."""
        return replace(self, headers={**self.headers, **headers})

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Sends it; to HEAD without the body."""
        headers = {"content-type": self.kind, "content-length": str(len(self.body)), **QUIET, **self.headers}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if head else self.body})
