"""The grammar of the language, made ready for a vocabulary, and what its terminals are called among people."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from lark import Lark
from lark.lexer import PatternRE, TerminalDef

from beforehand.signals.vocabulary import Vocabulary

GRAMMAR_FILE = Path(__file__).with_name("sentence.lark")

NUMBER_WORDS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("once", "twice", "thrice", "zero"),
)

# Each terminal: what people are told may stand there, then the ways to write it, the plainest first. The repair
# search writes with them, so every form must be one that the terminal's own pattern takes (a test walks the table).
FORMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "SIGNAL": ("signal", ("signal",)),
    "NO": ("no", ("no", "zero")),
    "AND": ("and", ("and",)),
    "OR": ("or", ("or",)),
    "RENEWAL": ("renewal", ("renewal", "renews")),
    "DATED": ("renewal, signup or contract start", ("signup", "contract start", "renewal", "sign-up")),
    "ANY_ALERT": (
        "any high alert open",
        ("any high alert open", "any alert open", "any critical alert open", "any medium alert open", "any open alert"),
    ),
    "MANY": ("3 times", ("twice", "three times")),
    "AFTER": ("after", ("after",)),
    "THEN": ("then", ("then", "and then", "followed by")),
    "UNLESS": ("unless", ("unless", "except when", "except if")),
    "NOT": ("not", ("not",)),
    "BE": ("is", ("is", "are", "was", "were", "stays", "remains", "goes")),
    "DROP": ("drops", ("drops", "falls", "drop", "fall", "dropped", "fell", "dips", "declines", "decreases")),
    "RISE": ("rises", ("rises", "rise", "grows", "grow", "increases", "increase", "climbs", "jumps")),
    "SPIKE": ("spike", ("spike", "spikes", "surge", "surges", "spiked", "surged")),
    "DOWN": ("down", ("down",)),
    "UP": ("up", ("up",)),
    "BY": ("by", ("by",)),
    "BELOW": ("below", ("below", "under", "less than", "fewer than", "lower than", "<")),
    "ABOVE": ("above", ("above", "over", "more than", "greater than", "higher than", "exceeds", ">")),
    "AT_LEAST": ("at least", ("at least", "no less than", "no fewer than", ">=")),
    "AT_MOST": ("at most", ("at most", "no more than", "not more than", "<=")),
    "OR_MORE": ("or more", ("or more", "or higher", "or above")),
    "OR_LESS": ("or lower", ("or lower", "or less", "or fewer", "or below")),
    "EQ": ("is", ("=",)),
    "NE": ("is not", ("!=",)),
    "VS": ("vs", ("vs", "versus", "against", "compared with", "compared to", "than")),
    "BEFORE": ("before", ("before", "earlier", "prior")),
    "PREVIOUS": ("last", ("last", "previous", "past", "prior")),
    "OF": ("of", ("of", "out of")),
    "FAR": ("far", ("far", "well", "way", "much")),
    "USUAL": ("usual", ("usual", "normal", "its usual", "their usual")),
    "THE": ("the", ("the",)),
    "A": ("a", ("a", "an")),
    "IN": ("in", ("in",)),
    "FOR": ("for", ("for",)),
    "WITHIN": ("within", ("within",)),
    "PER": ("per", ("per", "each", "every", "/")),
    "PER_ACTIVE": ("per active person", ("per active person", "per active user")),
    "EVERY": ("weekly", ("weekly", "daily", "monthly", "hourly", "quarterly")),
    "CONSECUTIVE": ("consecutive", ("consecutive", "straight", "full")),
    "IN_A_ROW": ("in a row", ("in a row", "running")),
    "UNIT": (
        "hours, days, weeks, months or quarters",
        ("weeks", "days", "months", "hours", "quarters", "week", "day", "month", "hour", "quarter"),
    ),
    "YEAR": ("years", ("years", "year")),
    "TIMES": ("x", ("x", "times")),
    "PERCENT": ("%", ("%", "percent")),
    "FOR_ACCOUNTS": ("for accounts", ("for accounts", "for customers", "for all accounts", "for companies")),
    "FOR_PEOPLE": ("for people", ("for people", "for each person")),
    "WHERE": ("where", ("where", "whose", "with")),
    "LPAR": ("(", ("(",)),
    "RPAR": (")", (")",)),
    "NUMBER_WORD": ("a number", NUMBER_WORDS),
}
OPEN_NAMES = {
    "METRIC": "a metric",
    "NAME": "the name of a signal",
    "NUMBER": "a number",
    "STRING": 'a "quoted text"',
    "DATE": "a day such as 2026-01-31",
    "TRAIT": "a trait such as plan",
    "VALUE": "a value",
    "$END": "the end",
}
# Where both may stand, only the plain one is told.
SILENT = frozenset({"EQ", "NE", "YEAR", "THE", "STRING", "IN_A_ROW", "TIMES"})

# Words that do not end an unknown metric in the vocabulary that takes any words; those of all other terminals do.
OPEN_WORDS = frozenset({"OF", "A", "THE", "WHERE", "SIGNAL", "UNIT", "YEAR", "OR_MORE", "OR_LESS"})
OPEN_WORDS |= {"ANY_ALERT", "RENEWAL", "DATED"}
STOPS = sorted(
    {
        word
        for terminal, (_, forms) in FORMS.items()
        if terminal not in OPEN_WORDS
        for form in forms
        for word in form.split()[:1]
        if word.isalpha() and len(word) > 1
    }
    | {
        "lower",
        "fewer",
        "not",
        "at",
        "dipped",
        "declined",
        "decreased",
        "rose",
        "grew",
        "increased",
        "climbed",
        "jumped",
    }
)
ANY_METRIC = r"(?!(?:{stops})\b)[^\W\d_][^\s,()<>=]*(?:\s+(?!(?:{stops})\b)[^\s\d,()<>=$€£%][^\s,()<>=]*)*".format(
    stops="|".join(STOPS)
)


def grammar_for(vocabulary: Vocabulary) -> Lark:
    """The parser for sentences over a vocabulary; made once for each set of phrases."""
    return _parser(None if vocabulary.open_words else tuple(sorted(vocabulary.phrases)))


@lru_cache(maxsize=16)
def _parser(phrases: tuple[str, ...] | None) -> Lark:
    pattern = ANY_METRIC if phrases is None else phrase_pattern(phrases)

    def set_pattern(terminal: TerminalDef) -> None:
        if terminal.name == "METRIC":
            terminal.pattern = PatternRE(pattern, ("i",))
            if phrases is None:
                terminal.priority = 0  # any words: only where no keyword stands

    return Lark(
        GRAMMAR_FILE.read_text(encoding="utf-8"),
        parser="lalr",
        lexer="contextual",
        edit_terminals=set_pattern,
        propagate_positions=True,
    )


def phrase_pattern(phrases: tuple[str, ...]) -> str:
    """A pattern that takes any of the phrases at word boundaries, the longest first."""
    if not phrases:
        return r"(?!)x"  # no metric is defined: nothing matches
    ordered = sorted(phrases, key=len, reverse=True)
    return r"(?<!\w)(?:" + "|".join(r"\s+".join(map(re.escape, p.split())) for p in ordered) + r")(?!\w)"


def told(terminals: set[str]) -> tuple[str, ...]:
    """The words people are told may stand at a place, each once, in the order of the table."""
    order = [*OPEN_NAMES, *FORMS]
    shown = sorted(terminals - SILENT or terminals, key=lambda t: order.index(t) if t in order else len(order))
    return tuple(dict.fromkeys(OPEN_NAMES.get(t) or FORMS.get(t, (t,))[0] for t in shown))
