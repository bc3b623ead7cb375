"""A message as words: lower case, with links, names, code and numbers masked, and the place of each in the text.

The model must not learn that a certain link or product is bad news, so what is particular to a message is masked.
Everything here is linear in the length of the text: no pattern can backtrack over more than one word.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Words past this many are not read: a message has said how it sounds by then, and time stays bounded.
LONGEST = 600
LONGEST_WORD = 32

URL, MAIL, NAME, NUMBER, CODE = "<url>", "<mail>", "<name>", "<num>", "<code>"
EMOJI = "\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55"

_TOKEN = re.compile(
    r"(?P<url>\bhttps?://\S{1,200}|\bwww\.\S{1,200})"
    r"|(?P<mail>\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+)"
    r"|(?P<name>(?<!\w)@\w{1,64})"
    r"|(?P<face>[:;=][-'^]?[)(\]\[dDpP/\\|*oO](?![\w/])|[)(][-']?[:;=](?!\w)|<3|\^\^|-_+-)"
    r"|(?P<word>[^\W\d_]{1,64}(?:['’`][^\W\d_]{1,16}){0,2})(?P<tail>[\w.(\[/\\:-]{0,64})"
    r"|(?P<number>\d[\d.,:%/-]{0,40}\w{0,8})"
    r"|(?P<marks>[!?]{1,64}|\.{2,64}|…)"
    rf"|(?P<emoji>[{EMOJI}])"
)
# A word goes on as code: foo_bar, Foo.bar, foo(), a/b/c, ns::name, camelCase. A stop or dash at its end is none.
_CODE_TAIL = re.compile(
    r"\w*(?:_\w|\.\w+[.(_]|\(\)|::\w|\\\w|\[\w*\]|/\w+/)|\d|.*\.(?:java|py|js|ts|xml|html|php|cs|cpp|jar)\b"
)
_CAMEL = re.compile(r"[a-z]+[A-Z][a-z]|[A-Z][a-z]+[A-Z][a-z]+[A-Z]?")
_STRETCHED = re.compile(r"(.)\1{2,}")
_NEGATORS = frozenset(
    ("not", "no", "never", "nobody", "nothing", "none", "cannot", "without", "hardly", "neither", "nor", "barely",
     "cant", "dont", "doesnt", "didnt", "wont", "isnt", "wasnt", "arent", "havent", "couldnt", "wouldnt", "shouldnt",
     "aint")
)  # fmt: skip
NEGATES_NEXT = 3


class Word(NamedTuple):
    """One word as the model reads it, and where it stands: `text[start:end]`."""

    form: str
    start: int
    end: int
    negated: bool


def read_words(text: str) -> list[Word]:
    """The words of a text in order, at most LONGEST; marks like `!`, `...` and each emoji are words too.

    `negated` is true for up to three words after a word like "not", as far as the next mark.
    """
    words: list[Word] = []
    left = 0
    at, end = 0, len(text)
    match = _TOKEN.search
    stretched = _STRETCHED.search(text) is not None
    while at < end and len(words) < LONGEST:
        found = match(text, at)
        if found is None:
            break
        kind = found.lastgroup
        start, at = found.span()
        if kind == "tail":  # the last group of a word, which may be empty
            raw, tail = found["word"], found["tail"]
            if (tail and _CODE_TAIL.match(tail)) or (len(raw) > 4 and _CAMEL.match(raw)):
                form = CODE
            else:
                form = raw.lower()
                if "’" in form or "`" in form:
                    form = form.replace("’", "'").replace("`", "'")
                if stretched and len(form) > 2:
                    form = _STRETCHED.sub(r"\1\1", form)
                if len(form) > LONGEST_WORD:
                    form = form[:LONGEST_WORD]
                if tail:
                    at = found.end("word")
            words.append(Word(form, start, at, left > 0))
            left = NEGATES_NEXT if form in _NEGATORS or form.endswith("n't") else left - 1
            continue
        if kind == "marks":
            raw = found.group()
            form = "..." if raw[0] in ".…" else "?!" if "!" in raw and "?" in raw else raw[:2]
            left = 0
        elif kind in ("emoji", "face"):
            form = found.group().replace("-", "") if kind == "face" else found.group()
        else:
            form = {"url": URL, "mail": MAIL, "name": NAME, "number": NUMBER}[kind or "number"]
        words.append(Word(form, start, at, False))
    return words
