"""A message as the HTML of a mail: tables and styles on each element, which is what mail programs agree on.

Light and dark: colours are given for light and changed where the program says that it is dark. A customer's mail is a
letter without any of our dress. Everything anybody wrote is escaped, and only web and mail addresses are linked. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from urllib.parse import urlsplit

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
from beforehand.story.words import number

FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Inter,Roboto,Helvetica,Arial,sans-serif"
INK, SOFT, LINE, ACCENT, GROUND, PANEL = "#1d1b18", "#5f5a52", "#e9e5df", "#0f6b64", "#fbfaf8", "#ffffff"
DOTS = {"critical": "#b42318", "high": "#c4670c", "medium": "#7a6b0c", "low": "#767068", "growth": "#23743b"}
DARK = """
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){
.ground{background:#141311!important}.panel{background:#1b1a17!important;border-color:#2b2925!important}
.ink{color:#ece8e1!important}.soft{color:#a39c91!important}.line{border-color:#2b2925!important}
.link{color:#5cc4ba!important}.quote{border-color:#3f3b34!important}
.primary{background:#5cc4ba!important}.primary a{color:#08211f!important}
.button{border-color:#3f3b34!important}.button a{color:#ece8e1!important}
.dot-critical{background:#ff8a7a!important}.dot-high{background:#f2a65a!important}.dot-medium{background:#d8c45a!important}
.dot-low{background:#8f887d!important}.dot-growth{background:#7fcf96!important}}
"""
Picture = Callable[[Chart, str], str]
"""Where the picture of a chart is found (`cid:...`, `data:...`), given the chart and its tone."""


def page(message: Message, picture: Picture) -> str:
    """The whole HTML of a message."""
    letter = message.purpose == "customer"
    blocks = _grouped(message.blocks)
    body = "".join(_row(_block(block, message.tone, picture)) for block in blocks)
    foot = _foot(message)
    if letter:
        inner = f'<td class="ink" style="padding:24px;color:{INK};font:16px/1.6 {FONT}">{_table(body)}{foot}</td>'
    else:
        inner = (
            f'<td class="panel ink" style="padding:28px 32px 24px;background:{PANEL};border:1px solid {LINE};'
            f'border-radius:8px;color:{INK};font:15px/1.6 {FONT}">{_table(body)}</td></tr><tr><td>{foot}</td>'
        )
    ground = PANEL if letter else GROUND
    return (
        f'<!doctype html>\n<html lang="{escape(message.lang)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
        f"<title>{escape(message.subject)}</title><style>{DARK}</style></head>\n"
        f'<body class="ground" style="margin:0;padding:0;background:{ground};-webkit-text-size-adjust:100%">'
        f"{_preheader(message)}"
        f'<table role="presentation" class="ground" width="100%" cellpadding="0" cellspacing="0" '
        f'style="background:{ground}"><tr><td align="{"left" if letter else "center"}" '
        f'style="padding:{"0" if letter else "24px 12px"}">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;'
        f'border-collapse:separate;font-variant-numeric:tabular-nums"><tr>{inner}</tr></table>'
        "</td></tr></table></body></html>\n"
    )


def _grouped(blocks: tuple[Block, ...]) -> list[Block | list[Button]]:
    """Blocks in order, neighbouring buttons as one row of them; those that lead nowhere in a mail are left out."""
    found: list[Block | list[Button]] = []
    for block in blocks:
        if isinstance(block, Button):
            if not _safe(block.url):
                continue
            if found and isinstance(found[-1], list):
                found[-1].append(block)
            else:
                found.append([block])
        else:
            found.append(block)
    return found


def _block(block: Block | list[Button], tone: str, picture: Picture) -> str:
    match block:
        case list():
            return _buttons(block)
        case Headline():
            return _headline(block)
        case Words():
            parts = [part for part in block.text.strip().split("\n\n") if part.strip()]
            return "".join(_paragraph(part, last=part is parts[-1]) for part in parts)
        case Facts():
            return _facts(block)
        case Quote():
            by = f'<div class="soft" style="color:{SOFT};font-size:13px;margin-top:2px">{escape(block.by)}</div>'
            return (
                f'<div class="quote" style="border-left:3px solid #d9d3c9;padding:2px 0 2px 14px">'
                f"{_lines(block.text)}{by if block.by else ''}</div>"
            )
        case Chart():
            return _chart(block, tone, picture)
        case Listing():
            items = "".join(f'<li style="margin:0 0 4px">{escape(item)}</li>' for item in block.items)
            return f'<ul style="margin:0;padding-left:20px">{items}</ul>'
        case Link():
            return _link(block.text, block.url)
        case Divider():
            return f'<div class="line" style="border-top:1px solid {LINE};font-size:0;line-height:0">&nbsp;</div>'
        case Button():
            return _buttons([block])


def _headline(block: Headline) -> str:
    dot = ""
    if block.severity in DOTS:
        dot = (
            f'<span class="dot-{block.severity}" title="{block.severity}" style="display:inline-block;width:9px;'
            f'height:9px;border-radius:50%;background:{DOTS[block.severity]};margin-right:9px;vertical-align:middle">'
            "</span>"
        )
    return (
        '<h1 style="margin:0;font-size:20px;line-height:1.3;font-weight:600;letter-spacing:-.01em">'
        f"{dot}{escape(block.text)}</h1>"
    )


def _facts(block: Facts) -> str:
    rows = "".join(
        f'<tr><td class="soft line" valign="top" style="padding:5px 16px 5px 0;color:{SOFT};font-size:13px;'
        f'line-height:1.5;border-top:1px solid {LINE};width:1%;white-space:nowrap">{escape(label)}</td>'
        f'<td class="line" valign="top" style="padding:5px 0;font-size:14px;line-height:1.5;'
        f'border-top:1px solid {LINE}">{_lines(value)}</td></tr>'
        for label, value in block.rows
    )
    return _table(rows)


def _chart(block: Chart, tone: str, picture: Picture) -> str:
    said = escape(plain.in_words(block))
    parts = []
    if block.lower is not None and block.upper is not None:
        parts.append(f"shaded: usual, {number(block.lower)} to {number(block.upper)}")
    if block.bound is not None:
        parts.append(f"dashed: {number(block.bound)}")
    small = f"color:{SOFT};font:12px/1.5 {FONT}"
    first, last = (block.labels[0], block.labels[-1]) if block.labels else ("", "")
    ends = "".join(
        f'<td class="soft" align="{side}" style="{small}">{escape(words)}</td>'
        for side, words in (("left", first), ("center", " · ".join(parts)), ("right", last))
    )
    return (
        f'<div style="font-size:13px;font-weight:600;margin-bottom:6px">{escape(block.title)}</div>'
        f'<img src="{escape(picture(block, tone))}" width="536" alt="{escape(block.title)}: {said}" '
        'style="display:block;width:100%;max-width:536px;height:auto;border:0">'
        f"{_table(f'<tr>{ends}</tr>')}"
    )


def _buttons(buttons: list[Button]) -> str:
    cells = ""
    for button in buttons:
        first = button.style == "primary"
        dress = f"background:{ACCENT};border:1px solid {ACCENT}" if first else f"border:1px solid {LINE}"
        colour = "#ffffff" if first else INK
        cells += (
            f'<td class="{"primary" if first else "button"}" style="{dress};border-radius:6px">'
            f'<a href="{escape(button.url)}" style="display:inline-block;padding:8px 14px;color:{colour};'
            f'font:500 14px/1.2 {FONT};text-decoration:none">{escape(button.text)}</a></td><td width="8"></td>'
        )
    return f'<table role="presentation" cellpadding="0" cellspacing="0"><tr>{cells}</tr></table>'


def _foot(message: Message) -> str:
    said = [_lines(message.meta["footer"])] if message.meta.get("footer") else []
    if _safe(message.unsubscribe):
        said.append(_link("Unsubscribe", message.unsubscribe, quiet=True))
    if not said:
        return ""
    pad = "20px 0 0" if message.purpose == "customer" else "16px 32px 0"
    return f'<div class="soft" style="padding:{pad};color:{SOFT};font:12px/1.6 {FONT}">' + "<br>".join(said) + "</div>"


def _preheader(message: Message) -> str:
    """What a list of mails shows behind the subject; hidden in the mail itself."""
    first = next((block.text for block in message.blocks if isinstance(block, Words)), "")
    if not first:
        return ""
    hidden = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px"
    return f'<div style="{hidden}">{escape(" ".join(first.split())[:140])}</div>'


def _paragraph(text: str, *, last: bool) -> str:
    return f'<p style="margin:0 0 {0 if last else 12}px">{_lines(text)}</p>'


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.strip().splitlines())


def _link(text: str, url: str, *, quiet: bool = False) -> str:
    if not _safe(url):
        return escape(text)
    dress = f'class="soft" style="color:{SOFT}"' if quiet else f'class="link" style="color:{ACCENT}"'
    return f'<a href="{escape(url)}" {dress}>{escape(text)}</a>'


def _safe(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https", "mailto") if url else False


def _table(rows: str) -> str:
    return f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0">{rows}</table>'


def _row(inner: str) -> str:
    return f'<tr><td style="padding:0 0 16px">{inner}</td></tr>' if inner else ""
