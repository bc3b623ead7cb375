"""HTML mail as the text its writer typed: quotes, styles, scripts and preformatted code are left out.

A scanner of our own in one pass: what counts is bounded time on any input, and the parser of the standard library
takes minutes for 100 kB of `<a <a <a` (docs/decisions/0010).
"""

from __future__ import annotations

import html
import re

# A tag has a name and at most so many characters of attributes; `<` never stands inside one, so a scan cannot go back.
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})((?:\s[^<>]{0,4000})?)/?>")
_LOOKS = re.compile(
    r"</?(?:html|body|div|p|br|span|table|td|blockquote|font|head|style|pre|ul|li|b|strong|em|a)"
    r"(?:\s[^<>]{0,4000})?/?>",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"gmail_quote|yahoo_quoted|moz-cite-prefix|gmail_attr|divRplyFwdMsg|appendonsend|protonmail_quote|type=[\"']?cite",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"gmail_signature|moz-signature|protonmail_signature|ms-outlook-mobile-signature|id=[\"']?Signature", re.IGNORECASE
)
_UNREAD = frozenset({"style", "script", "head", "title", "template"})
_LINE = frozenset(
    ("p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "section", "article",
     "header", "footer", "blockquote", "pre")
)  # fmt: skip
_EMPTY = frozenset(("br", "hr", "img", "input", "meta", "link", "col", "wbr", "area", "base", "embed", "source"))
_SPACES = re.compile(r"[ \t\r\f\v\xa0]{1,64}")


def looks_like_html(text: str) -> bool:
    """Whether a text has tags of a mail's body in its first 20,000 characters."""
    return "<" in text and _LOOKS.search(text, 0, 20_000) is not None


def html_to_text(source: str) -> tuple[str, frozenset[str]]:
    """The text of an HTML body, a line for each block, and what was left out: `quote`, `signature`, `code`."""
    source = _without_comments(source)
    out: list[str] = []
    cut: set[str] = set()
    # The element whose content is left out, and how deep we are in elements of its name.
    skipping, depth, at = "", 0, 0
    for tag in _TAG.finditer(source):
        closing, name, attributes = tag[1], tag[2].lower(), tag[3]
        if not skipping:
            out.append(source[at : tag.start()])
        at = tag.end()
        if skipping:
            if name == skipping:
                depth += -1 if closing else 1
                skipping = skipping if depth else ""
            continue
        if name in _LINE:
            out.append("\n")
        if closing or name in _EMPTY:
            continue
        left_out = _left_out(name, attributes)
        if left_out is not None:
            skipping, depth = name, 1
            if left_out:
                cut.add(left_out)
    if not skipping:
        out.append(source[at:])
    text = html.unescape("".join(out))
    return "\n".join(_SPACES.sub(" ", line).strip() for line in text.split("\n")), frozenset(cut)


def _left_out(name: str, attributes: str) -> str | None:
    """What an element is left out as; empty for what nobody typed, None for what is read."""
    if name in _UNREAD:
        return ""
    if name == "blockquote" or (attributes and _QUOTED.search(attributes)):
        return "quote"
    if attributes and _SIGNED.search(attributes):
        return "signature"
    return "code" if name in ("pre", "code") else None


def _without_comments(source: str) -> str:
    out, at = [], 0
    while (begins := source.find("<!--", at)) >= 0:
        out.append(source[at:begins])
        ends = source.find("-->", begins + 4)
        if ends < 0:
            return "".join(out)
        at = ends + 3
    return "".join([*out, source[at:]])
