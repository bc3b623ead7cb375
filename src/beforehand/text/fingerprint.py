"""What stays the same of an error text or a log line: its template, with `<*>` in place of whatever varies.

One text at a time and without memory, so that a text has the same template today and in a year. Which words vary
besides numbers, names of machines and the like only shows when many texts are seen: `templates.py`.
"""

from __future__ import annotations

import re

from beforehand.text import marks

# Characters of a text that are looked at, and how many of a line make its template: no line tells more in more.
LONGEST = 100_000
LONGEST_LINE = 2_000
VARIES = "<*>"

_ANY = "\x00"
# Names with a digit in them that say what kind of thing is meant, not which one.
_KINDS = re.compile(
    r"(?:ipv[46]|http[123]?|sha-?\d{1,3}|md5|utf-?\d{1,2}|base64|x86(?:_64)?|socks[45]|oauth2?|s3|ec2|p2p|b2b|k8s|h26[45]"
    r"|mp[34]|log4j|i18n|l10n|x509|win(?:32|64))",
    re.IGNORECASE,
)
_VERB = r"(?:GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS)"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?"
_UNIT = (
    r"(?:[kKMGTP]i?[bB]|bytes?|B|ms|us|µs|ns|milliseconds?|m?secs?|seconds?|s|mins?|minutes?|hours?|hrs?|days?|%"
    r"|[MGk]?Hz|[KMG]|°?C)"
)
_EDGE = r"\s=:,;()\[\]{}<>\"'|*#\x00"

# In this order: what is longest and surest first, so that a path inside an address is not taken for a path.
_BEFORE_QUOTES = (
    (re.compile(rf"\b(?:{_DAY},?\s+)?{_MONTH}\s+\d{{1,2}}\b(?:,?\s+\d{{4}}\b)?"
                rf"(?:\s+{_CLOCK}(?:\s+[A-Z]{{3,4}}\b)?(?:\s+\d{{4}}\b)?)?"), _ANY),
    (re.compile(rf"\b(?:{_DAY},?\s+)?\d{{1,2}}[\s-]{_MONTH}[\s-]\d{{2,4}}\b(?:\s+{_CLOCK})?"
                r"(?:\s+(?:[A-Z]{3,4}\b|[+-]\d{4}))?"), _ANY),
    (re.compile(rf"\b({_VERB}) +[^\s\"']+(?: +HTTP/[\d.]+)?"), rf"\1 {_ANY}"),
)  # fmt: skip
_QUOTED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|`[^`]*`")
_QUOTED_VERB = re.compile(rf"[\"'`]{_VERB} ")
_AFTER_QUOTES = (
    (re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s\"'<>\])]*[^\s\"'<>\]).,:;]"), _ANY),
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"), _ANY),
    # What stands behind an equals sign; yes and no are kept, they tell what happened.
    (re.compile(r"(=\s*)(?!(?:true|false|yes|no)\b)[^\s,;&\"'()\[\]{}<>=]++(?!\s*=)", re.IGNORECASE),
     rf"\1{_ANY}"),
    # Addresses of network cards and of the sixth version, and clocks.
    (re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){2,}[0-9a-fA-F:]*[0-9a-fA-F]+(?:\.\d+)?(?!\w)"), _ANY),
    (re.compile(r"\b(?:[0-9a-fA-F]{2}[:-]){2,}[0-9a-fA-F]{2}\b"), _ANY),
    # Paths of both worlds.
    (re.compile(r"\b[A-Za-z]:\\[^\s\"']*|\\\\[\w?.][^\s\"',]*"), _ANY),
    (re.compile(r"(?<![\w/\x00>)*~.])[~.]{0,2}(?:/[\w.@%+~:$#-]+)+/?"), _ANY),
    # A machine and its port, and names of three parts and more.
    (re.compile(r"(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.[A-Za-z][\w-]*:\d+\b"), _ANY),
    # (an error's own name stays, without the package it is in).
    (re.compile(r"(?<![\w.$-])(?:[\w$]+\.)+([A-Z]\w*(?:Error|Exception|Fault))\b"), r"\1"),
    (re.compile(r"(?<![\w.$-])[\w$-]+(?:\.[\w$-]+){2,}(?![\w(])"), _ANY),
    (re.compile(r"\b([uU]ser(?:name)?(?:\s+|:\s*))(?!(?:is|has|was|not|name|for|from|to|in|on|by|with|and|or|does|did"
                r"|cannot|can|could|agent|input|data|space|mode|request|account|session|id|unknown|invalid|denied|error)\b)[\w.@-]+(?=\s|$|,)"),
     rf"\1{_ANY}"),
    # The states of a machine: `from NEW to RUNNING`.
    (re.compile(r"\b(from )[A-Z][A-Z_]{2,}( to )[A-Z][A-Z_]{2,}\b"), rf"\1{_ANY}\2{_ANY}"),
    (re.compile(r"\b(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}\b|\b(?=[0-9]*[a-fA-F])(?=[a-fA-F]*\d)[0-9a-fA-F]{6,}\b"), _ANY),
)  # fmt: skip
_WITH_DIGIT = re.compile(rf"[^{_EDGE}\d]*\d[^{_EDGE}]*")
_NAMED = re.compile(r"[^\w]*([A-Za-z][A-Za-z_.-]*[A-Za-z])[_.-]?\d+")
_LONE_LETTER = re.compile(r"[_.-][A-Za-z]$")
_DOTTED = re.compile(r"([A-Za-z][A-Za-z]*)(\.{2,})\d+")
_AFTER_NUMBERS = (
    (re.compile(rf"#\x00#|\x00\s*{_UNIT}(?!\w)"), _ANY),
    (re.compile(r"(?<=[A-Za-z])[_.-]+(?=\x00)|[<>~+-]\s*(?=\x00)"), ""),
    (re.compile(r"[\[({<]\s*\x00(?:\s*[,:;|/x\\-]?\s*\x00)*\s*[\])}>]"), _ANY),
    (re.compile(r"\x00[\s,:;./|+x#\\\x00-]*\x00"), _ANY),
    (re.compile(r"[\[({<]\s*\x00\s*[\])}>]"), _ANY),
    (re.compile(r"\x00[\s,:;./|+#\\\x00-]*\x00"), _ANY),
    # A list of names that differ in their number is as long as it happens to be.
    (re.compile(r"(?<!\S)(\S{1,60}\x00)(?:[\s,]+\1)+(?!\S)"), r"\1"),
)  # fmt: skip
_SPACE = re.compile(r"\s+")
# The line of a stack trace that names the error: `SomeError: what happened`, `com.example.SomeException: what`.
_ERROR_LINE = re.compile(r"\s*(?:Caused by: )?(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception|Fault|Failure|Panic)\b(?::|$|\s)")
_COPIED = re.compile(
    r".{0,80}?\b(?:says?|said|reads|shows|displays|error message(?: is)?|message is|error is)\s?:"
    r"\s{0,4}[\"'“]?(.{12,})",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    r"^\s*\[?\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?[\s:-]*"
    r"(?:\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL)\]?[\s:-]+)?"
)


def template_of(text: str) -> str:
    """The template of an error text or log line, `<*>` for what varies; empty for a text without letters or digits.

    Of a text of many lines the line that names the error is taken, else the first. Time is linear in the first
    LONGEST characters.
    """
    line = headline_of(text)
    for pattern, instead in _BEFORE_QUOTES:
        line = pattern.sub(instead, line)
    line = _QUOTED.sub(_quoted, line)
    for pattern, instead in _AFTER_QUOTES:
        line = pattern.sub(instead, line)
    line = _WITH_DIGIT.sub(_numbered, line)
    for pattern, instead in _AFTER_NUMBERS:
        line = pattern.sub(instead, line)
    line = _SPACE.sub(" ", line).strip()
    if not any(letter.isalnum() or letter == _ANY for letter in line):
        return ""
    return line.replace(_ANY, VARIES)


def headline_of(text: str) -> str:
    """The line of a text that names the error: that of a stack trace, else the first with something on it."""
    text = text[:LONGEST].replace(_ANY, " ").strip()
    if "\n" not in text:
        return _PREFIX.sub("", text[: 2 * LONGEST_LINE], count=1)[:LONGEST_LINE]
    lines = [line for line in text.splitlines() if line.strip()]
    named = [line for line in lines if _ERROR_LINE.match(line[:300])] if _is_trace(lines) else []
    # Python names the error last, Java first and its causes after: without indent both are the outermost.
    chosen = named[-1] if named and lines[0].startswith("Traceback") else named[0] if named else lines[0]
    return _PREFIX.sub("", chosen[: 2 * LONGEST_LINE], count=1)[:LONGEST_LINE].strip()


def error_lines(text: str, most: int = 20) -> list[str]:
    """What a machine wrote in a ticket: log lines, lines that name an error, and what somebody copied ("it says: ...").

    At most `most`, in their order.
    """
    found: list[str] = []
    for line in text[:LONGEST].splitlines():
        short = line.strip()[:LONGEST_LINE]
        if short and (_ERROR_LINE.match(short) or marks.LOG.match(short[:200])):
            found.append(short)
        elif copied := _COPIED.match(short):
            found.append(copied.group(1).rstrip("\"'”"))
        if len(found) == most:
            break
    return found


def _is_trace(lines: list[str]) -> bool:
    return any(marks.TRACE.match(line[:700]) for line in lines[:400])


def _quoted(match: re.Match[str]) -> str:
    return match.group() if _QUOTED_VERB.match(match.group()) else _ANY


def _numbered(match: re.Match[str]) -> str:
    """A word with a digit: its number goes, the name before it stays (`node-12` and `node-96` are both `node<*>`)."""
    word = match.group()
    if _KINDS.fullmatch(word) or match.string.startswith("()", match.end()):
        return word
    if named := _NAMED.fullmatch(word):
        # One letter before a number is part of the number: `rack_A8` and `rack_B2` are both `rack<*>`.
        return _LONE_LETTER.sub("", named.group(1)) + _ANY
    if dotted := _DOTTED.fullmatch(word):
        return f"{dotted.group(1)} {_ANY}"
    return _ANY
