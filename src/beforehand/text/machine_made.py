"""Whether texts are what a machine wrote (log lines, error texts) or what people wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from beforehand.text.vectors import plain_words

# The commonest words of plain English; people cannot write without them, machines nearly can.
COMMONEST = 150
_ODD = re.compile(r"[\d=_/\\\[\]{}<>|]|\w[:(]\S|[a-z][A-Z]")
_EDGE = ".,;:!?()\"'"
# Characters of a text that are looked at.
LOOKED_AT = 2_000


def are_machine_made(texts: Iterable[str]) -> bool:
    """Whether most of what the texts are made of is names, numbers and marks rather than plain words."""
    plain = odd = 0.0
    common = _common()
    for text in texts:
        words = text[:LOOKED_AT].split()
        if words:
            plain += sum(word.strip(_EDGE).lower() in common for word in words) / len(words)
            odd += sum(_ODD.search(word) is not None for word in words) / len(words)
    return 2 * odd > plain


@cache
def _common() -> frozenset[str]:
    return frozenset([*plain_words()[:COMMONEST], "this", "was", "does", "has"])
