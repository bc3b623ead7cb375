"""`region is EMEA`: the accounts a condition on traits is true of, written without a sentence around it."""

from __future__ import annotations

from functools import lru_cache

from beforehand.errors import InputError
from beforehand.signals.language import parse
from beforehand.signals.sentence_error import SentenceError
from beforehand.signals.tree import Population
from beforehand.signals.vocabulary import Vocabulary

BEFORE = "counted above 0 for accounts where "
_PLAIN = Vocabulary(
    phrases={"counted": "counted"}, aggregates={"counted": "count"}, names={"counted": "counted"},
    says={"counted": "counted"}, tables={"counted": "events"},
)  # fmt: skip
ADVICE = "Write it as in a sentence after `where`: `plan is business`, `seats >= 50 and region is EMEA`."


@lru_cache(maxsize=1024)
def population_of(text: str) -> Population:
    """The population of a condition such as `plan is business and seats >= 50`; InputError where it is none."""
    condition = " ".join(text.split())
    try:
        found = parse(BEFORE + condition, _PLAIN).population
    except SentenceError as error:
        raise InputError(f"'{condition}' is not understood: {error.reason}", ADVICE, code="bad-sentence") from None
    if found is None:
        raise InputError("It says nothing of accounts.", ADVICE, code="bad-sentence")
    return found
