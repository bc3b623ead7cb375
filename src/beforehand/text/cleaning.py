"""What a person wrote themselves: a message without quotes, signatures, disclaimers, code, logs and markup.

Line by line and in one pass, in time linear in the text: the libraries for this take minutes on a few kilobytes of
hostile text (docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from beforehand.text import marks
from beforehand.text.markup import html_to_text, looks_like_html

# Characters that are looked at: what a person types stands at the head of a message, what follows is quoted or pasted.
LONGEST = 100_000
# Characters of it that are read.
LONGEST_READ = 6_000
# Signatures stand in the last lines of a message.
_LAST_LINES = 40

QUOTE, SIGNATURE, DISCLAIMER, CODE, LOG, MARKUP, LENGTH = (
    "quote", "signature", "disclaimer", "code", "log", "markup", "length",
)  # fmt: skip


@dataclass(frozen=True)
class Cleaned:
    """What is left to read, the kinds of things cut off it, and whether a machine wrote it."""

    text: str
    cut: frozenset[str] = frozenset()
    automatic: bool = False


def clean(raw: str) -> Cleaned:
    """What the writer of a message typed themselves; empty where nothing is.

    Reads the first LONGEST characters and keeps LONGEST_READ. Whatever the text says, this only ever takes parts away.
    """
    if len(raw) <= 400 and raw.isprintable() and not any(mark in raw for mark in marks.NEEDS_CARE):
        return Cleaned(raw.strip(), frozenset(), _is_automatic(raw))
    cut: set[str] = set()
    if len(raw) > LONGEST:
        raw = raw[:LONGEST]
        cut.add(LENGTH)
    text = raw.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = marks.BROKEN.sub("", text)
    if looks_like_html(text):
        text, left_out = html_to_text(text)
        cut |= {MARKUP, *left_out}
    lines = [line.rstrip()[:4000] for line in text.split("\n")]
    automatic = _is_automatic("\n".join(lines[:12])[:1500])
    lines = _without_code(_without_quotes(lines, cut), cut)
    lines = _without_signature(lines, cut)
    text = "\n".join(_paragraphs(lines)).strip()
    if len(text) > LONGEST_READ:
        text = text[:LONGEST_READ].rsplit(" ", 1)[0]
        cut.add(LENGTH)
    return Cleaned(marks.SPACE.sub(" ", text), frozenset(cut), automatic)


def _is_automatic(head: str) -> bool:
    return marks.AUTOMATIC.search(head[:1500]) is not None


def _without_quotes(lines: list[str], cut: set[str]) -> list[str]:
    """Without quoted lines and what stands under the head of an older message; answers between quotes stay."""
    kept: list[str] = []
    said, headed = False, 0
    for at, line in enumerate(lines):
        if headed > 1:
            headed -= 1  # the second line of a head
            continue
        if marks.QUOTED_LINE.match(line):
            cut.add(QUOTE)
            continue
        if line and (headed := _head_lines(lines, at)):
            cut.add(QUOTE)
            # Quotes marked line by line may have an answer under them; an unmarked older message goes on to the end.
            if said and not _marked_below(lines, at + headed):
                break
            continue
        if marks.DISCLAIMER.search(line[:600]):
            cut.add(DISCLAIMER)
            continue
        kept.append(line)
        said = said or any(letter.isalpha() for letter in line[:200])
    return kept


def _head_lines(lines: list[str], at: int) -> int:
    """How many lines the head of an older message takes here (`On ... wrote:`, a block of mail headers); 0: none."""
    line = lines[at][:500]
    if marks.ORIGINAL.match(line):
        return 1
    if marks.HEADER.match(line):
        following = [other for other in lines[at + 1 : at + 5] if other]
        return int(sum(1 for other in following if marks.HEADER.match(other[:500])) >= 2)
    if marks.WROTE.match(line):
        return 1
    # Over two lines only where the second is short: a paragraph that happens to say "on" is none.
    below = lines[at + 1] if at + 1 < len(lines) else ""
    begins = line[:3].lower() in marks.WROTE_BEGINS and len(below) < 120
    return 2 if begins and marks.WROTE.match(f"{line} {below}") else 0


def _marked_below(lines: list[str], at: int) -> bool:
    return any(marks.QUOTED_LINE.match(line) for line in lines[at : at + 3])


def _without_code(lines: Iterable[str], cut: set[str]) -> list[str]:
    """Without fenced blocks, stack traces, log lines, and two or more lines of code that follow each other."""
    kept: list[str] = []
    held: list[str] = []
    fenced, traced = "", False

    def settle() -> None:
        # One line that looks like code may be a sentence with a semicolon; two in a row are code.
        if len(held) == 1 and not held[0].startswith(("    ", "\t")):
            kept.extend(held)
        elif held:
            cut.add(CODE)
        held.clear()

    for line in lines:
        mark = line.lstrip()[:3]
        if fenced:
            fenced = "" if mark == fenced else fenced
            continue
        # What is indented under a line of a stack trace belongs to it.
        begins = marks.TRACE.match(line[:700]) or marks.LOG.match(line[:200])
        traced = begins is not None or (traced and line.startswith(("  ", "\t")))
        if mark in ("```", "~~~"):
            settle()
            cut.add(CODE)
            fenced = "" if line.count(mark) > 1 else mark
        elif traced:
            settle()
            cut.add(LOG)
        elif line and marks.CODE.match(line[:700]):
            held.append(line)
        elif line or not held:
            settle()
            kept.append(line)
    settle()
    return [_without_ticks(line, cut) for line in kept]


def _without_ticks(line: str, cut: set[str]) -> str:
    if line.count("`") < 2:
        return line
    parts = line.split("`")
    cut.add(CODE)
    # Between ticks stands code; a name in place of it keeps the sentence whole.
    return "".join(part if at % 2 == 0 or at == len(parts) - 1 else " code_() " for at, part in enumerate(parts))


def _without_signature(lines: list[str], cut: set[str]) -> list[str]:
    """Up to the mark of a signature, or to a closing formula that only short lines follow."""
    for at in range(max(0, len(lines) - _LAST_LINES), len(lines)):
        line = lines[at]
        short = line.strip()[:200]
        if marks.SIGNED.match(short):
            cut.add(SIGNATURE)
            return lines[:at]
        if at and marks.LIST_FOOT.match(short) and at >= len(lines) - 12:
            cut.add(SIGNATURE)
            return lines[:at]
        if short and marks.CLOSING.match(short):
            after = [other.strip() for other in lines[at + 1 :] if other.strip()]
            if len(after) <= 8 and all(len(other) <= 70 for other in after):
                if after:
                    cut.add(SIGNATURE)
                # Thanks at the end are courtesy that was typed; a name and a telephone number are not.
                return [*lines[:at], line] if marks.COURTESY.match(short) else lines[:at] or [line]
    return lines


def _paragraphs(lines: Iterable[str]) -> list[str]:
    """Without empty lines in a row."""
    out: list[str] = []
    for line in lines:
        if line.strip() or (out and out[-1]):
            out.append(line.strip())
    return out
