"""A message as Slack's Block Kit, within its limits. Pure.

What is too long is cut with an ellipsis, never refused: 50 blocks, a header of 150 characters, texts of 3,000, ten
fields of 2,000, 25 buttons in a row with words of 75 and values of 2,000, and some 13,000 characters in all.
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from beforehand.channels import plain
from beforehand.channels.message import (
    Block,
    Button,
    Chart,
    Divider,
    Facts,
    Headline,
    Link,
    Listing,
    Message,
    Quote,
    Words,
)

BLOCKS, HEADER, TEXT, FIELDS, FIELD, WIDE = 50, 150, 3000, 10, 2000, 60
ROW, BUTTON, VALUE, ACTION, URL, WHOLE = 25, 75, 2000, 255, 3000, 13_000
MARKS = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "⚪", "growth": "🟢"}


def payload(message: Message, *, buttons: bool = True) -> dict[str, Any]:
    """What is posted: the blocks, and `text`, which notifications and screen readers say."""
    blocks = list(_blocks(message, buttons=buttons))
    if len(blocks) > BLOCKS:
        # Buttons at the end stay: what is in between is on the page that the message leads to.
        last = blocks[-1:] if blocks[-1]["type"] in ("actions", "context") else []
        blocks = [*blocks[: BLOCKS - 1 - len(last)], _context("There is more than Slack shows at once."), *last]
    return {"text": _cut(_escaped(message.subject), TEXT), "blocks": blocks}


def _blocks(message: Message, *, buttons: bool) -> Iterator[dict[str, Any]]:
    row: list[Button] = []
    left = WHOLE
    for block in message.blocks:
        if isinstance(block, Button):
            row.append(block)
            continue
        yield from _row(row, buttons=buttons)
        row = []
        for made in _block(block):
            left -= len(str(made))
            if left > 0:
                yield made
    yield from _row(row, buttons=buttons)
    if message.meta.get("footer"):
        yield _context(_escaped(message.meta["footer"]))


def _block(block: Block) -> Iterator[dict[str, Any]]:
    match block:
        case Headline():
            mark = MARKS.get(block.severity, "")
            said = " ".join(f"{mark} {block.text}".split())
            if said:
                yield {"type": "header", "text": {"type": "plain_text", "text": _cut(said, HEADER), "emoji": True}}
        case Words():
            yield from (_section(part) for part in _parts(_escaped(block.text.strip())))
        case Facts():
            yield from _facts(block)
        case Quote():
            quoted = "\n".join(f"> {line}" for line in _escaped(block.text.strip()).splitlines())
            yield _section(quoted)
            if block.by:
                yield _context(_escaped(block.by))
        case Chart():
            line = plain.sparkline(block.values[-WIDE:])
            yield _section(f"*{_escaped(block.title)}*\n`{line}`  {_escaped(plain.in_words(block))}")
        case Listing():
            yield from (_section(part) for part in _parts("\n".join(f"• {_escaped(item)}" for item in block.items)))
        case Link():
            yield _section(_link(block.text, block.url))
        case Divider():
            yield {"type": "divider"}


def _facts(block: Facts) -> Iterator[dict[str, Any]]:
    """Short values side by side, others one a line: two columns of long texts are read by nobody."""
    if all(len(value) <= WIDE for _, value in block.rows):
        for start in range(0, len(block.rows), FIELDS):
            fields = [
                {"type": "mrkdwn", "text": _cut(f"*{_escaped(label)}*\n{_escaped(value) or '–'}", FIELD)}
                for label, value in block.rows[start : start + FIELDS]
            ]
            yield {"type": "section", "fields": fields}
    else:
        lines = "\n".join(f"*{_escaped(label)}*  {_escaped(value)}" for label, value in block.rows)
        yield from (_section(part) for part in _parts(lines))


def _row(row: list[Button], *, buttons: bool) -> Iterator[dict[str, Any]]:
    shown = [button for button in row if buttons or button.url]
    for start in range(0, len(shown), ROW):
        yield {"type": "actions", "elements": [_button(b) for b in shown[start : start + ROW]]}


def _button(button: Button) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "button",
        "text": {"type": "plain_text", "text": _cut(button.text, BUTTON) or "…", "emoji": True},
        "action_id": button.action[:ACTION],
        "value": button.value[:VALUE],
    }
    if button.style:
        made["style"] = button.style
    if button.url and len(button.url) <= URL:
        made["url"] = button.url
    return made


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, TEXT) or " "}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(text, FIELD)}]}


def _parts(text: str) -> Iterator[str]:
    """A long text in pieces of at most `TEXT` characters, cut between paragraphs, lines or words where it can be."""
    while len(text) > TEXT:
        at = max(text.rfind("\n\n", 0, TEXT), text.rfind("\n", TEXT // 2, TEXT), text.rfind(" ", TEXT // 2, TEXT))
        at = at if at > 0 else TEXT
        yield text[:at].rstrip()
        text = text[at:].lstrip()
    if text:
        yield text


def _link(text: str, url: str) -> str:
    if not url.startswith(("http://", "https://", "mailto:")):
        return _escaped(text)
    address = url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C")
    return f"<{address}|{_escaped(text).replace('|', '/')}>"


def _escaped(text: str) -> str:
    """The three characters that Slack reads as its own; no text can become a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    # Not through one of the three escapes.
    start = kept.rfind("&", max(0, most - 6))
    return (kept[:start] if start >= 0 and ";" not in kept[start:] else kept) + "…"
