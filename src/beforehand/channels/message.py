"""A message as typed blocks, written once and rendered by each channel as well as it can.

Messages are stored as JSON beside the act that hands them over, so that what was sent can be shown as it was. Pure.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from typing import Any, Literal

Purpose = Literal["alert", "digest", "approval", "task", "customer"]


@dataclass(frozen=True)
class Headline:
    """What it is about, in one line; `severity` may colour it, and never says more than the words."""

    text: str
    severity: str = ""


@dataclass(frozen=True)
class Words:
    """A paragraph of plain text; blank lines part paragraphs."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Labels with their values, in order."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Quote:
    """What somebody wrote, word for word, and who and when."""

    text: str
    by: str = ""


@dataclass(frozen=True)
class Chart:
    """A series with its usual band, oldest first; None is not known. `held` are the points that made it hold."""

    title: str
    values: tuple[float | None, ...]
    labels: tuple[str, ...]
    lower: float | None = None
    upper: float | None = None
    bound: float | None = None
    held: tuple[int, ...] = ()


@dataclass(frozen=True)
class Listing:
    """A list, one line each."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """Where to read on."""

    text: str
    url: str


@dataclass(frozen=True)
class Button:
    """Something the reader can do at once: `action` is what comes back, with `value`.

    Where a channel has no buttons, it is a link to `url`, and left out where there is none.
    """

    text: str
    action: str
    value: str
    style: Literal["", "primary", "danger"] = ""
    url: str = ""


@dataclass(frozen=True)
class Divider:
    """A thin line."""


Block = Headline | Words | Facts | Quote | Chart | Listing | Link | Button | Divider
_KINDS: dict[str, type[Block]] = {
    kind.__name__.lower(): kind for kind in (Headline, Words, Facts, Quote, Chart, Listing, Link, Button, Divider)
}


@dataclass(frozen=True)
class Message:
    """What is said to one reader. `thread` ties later messages about the same thing to it.

    `unsubscribe` is where a customer's mail can be refused in one click (RFC 8058); `sender` and `reply_to` override
    what the channel is set to. `meta` holds what one channel or another knows: `replaces` (the key of the act whose
    message this takes the place of), `in_reply_to` and `references` (ids of the mails it answers), `footer` (why this
    reader got it), and the names of what it is about (`alert`, `account`, `run`).
    """

    subject: str
    blocks: tuple[Block, ...]
    purpose: Purpose = "alert"
    thread: str = ""
    lang: str = "en"
    unsubscribe: str = ""
    sender: str = ""
    reply_to: str = ""
    meta: dict[str, str] = field(default_factory=dict)

    @property
    def tone(self) -> str:
        """The severity of the first headline that has one, else ''."""
        return next((block.severity for block in self.blocks if isinstance(block, Headline) and block.severity), "")

    def as_json(self) -> dict[str, Any]:
        """The message as JSON that `from_json` reads back."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "blocks"}
        found["blocks"] = [{"block": type(block).__name__.lower(), **_plain(asdict(block))} for block in self.blocks]
        return found

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Message:
        """The message that `as_json` wrote."""
        blocks = tuple(_block(block) for block in data["blocks"])
        return cls(**{**data, "blocks": blocks})


def _block(data: dict[str, Any]) -> Block:
    kind = _KINDS[data["block"]]
    given = {name: _frozen(value) for name, value in data.items() if name != "block"}
    return kind(**given)


def _plain(value: Any) -> Any:
    """Lists for tuples, as JSON reads them back; a number that is none is not known."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list | tuple) else value
