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
    "AND": ("and", ("and", "while")),
    "OR": ("or", ("or",)),
    "RENEWAL": ("renewal", ("renewal", "renews")),
    "DATED": ("renewal, signup or contract start", ("signup", "contract start", "renewal", "sign-up")),
    "ANY_ALERT": (
        "any high alert open",
        ("any high alert open", "any alert open", "any critical alert open", "any medium alert open", "any open alert"),
    ),
    "MANY": ("3 times", ("twice", "three times")),
    "CUSTOMER": ("customer", ("customer", "the customer", "customers")),
    "MENTION": ("mentions", ("mentions", "mention", "talks about")),
    "OR_WORD": ("or", ("or",)),
    "WITHOUT": ("without", ("without", "not followed by")),
    "REPEATED": ("repeated", ("repeated", "repeats", "retried")),
    "BACK_AND_FORTH": ("back and forth between", ("back and forth between",)),
    "OPEN": ("open", ("open", "waiting", "unsolved", "unanswered")),
    "OVERDUE": ("overdue", ("overdue", "past due")),
    "REOPENED": ("reopened", ("reopened",)),
    "REASSIGNED": ("reassigned", ("reassigned",)),
    "SHIFT": (
        "tone shifts to terse",
        ("tone shifts from warm to terse", "tone shifts to terse", "tone turns cold", "tone shifts from terse to warm"),
    ),
    "LAST_MESSAGES": ("the last 5 messages", ("last 5 messages", "past 5 mails", "last five messages")),
    "NEW_VOICE": ("from a new voice", ("from a new voice", "by a new person")),
    "SEEN": ("seen", ("seen", "visited", "viewed", "happened")),
    "MINUTE": ("minutes", ("minutes", "minute", "seconds")),
    "BUSINESS": ("business days", ("business days", "business day", "working days")),
    "SAME": ("on the same issue", ("on the same issue", "about the same issue", "in the same category")),
    "FROM": ("from a", ("from a", "from the", "from any")),
    "BY_ANY": ("by any", ("by any", "by the", "of any")),
    "NOBODY": ("nobody", ("nobody", "no one")),
    "HAS_NOT": ("has not", ("has not", "have not", "hasn't")),
    "HAS": ("has", ("has", "have")),
    "GONE": ("has left", ("gone", "has left", "is gone", "left")),
    "WITHIN_USUAL": ("within usual", ("within usual", "back to usual", "back to normal")),
    "RECOVER": ("recover", ("recover", "recovers", "come back")),
    "LOWEST": ("among the lowest", ("among the lowest", "in the lowest", "among the bottom")),
    "HIGHEST": ("among the highest", ("among the highest", "in the highest", "among the top")),
    "PART": ("third", ("third", "half", "fifth", "tenth")),
    "PEERS": ("peers", ("peers", "accounts like it", "its peers", "similar accounts")),
    "AND_TRAIT": ("and", ("and",)),
    "FIRST": ("first", ("first",)),
    "LATER": ("later than", ("later than",)),
    "SLOWEST": ("slowest", ("slowest",)),
    "AVERAGE": ("average of", ("average of", "average", "mean of")),
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
    "FOR_TICKET": ("for each ticket", ("for each ticket",)),
    "FOR_ISSUE": ("for each issue", ("for each issue",)),
    "FOR_FEATURE": ("for each feature", ("for each feature",)),
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
    "WORDS": "words",
    "ROLE_SAYS": "a role",
    "ROLE_HAS": "a role",
    "NO_ROLE": "no and a role",
    "ROLE_GONE": "a role",
    "$END": "the end",
}
# Where both may stand, only the plain one is told.
SILENT = frozenset({"EQ", "NE", "YEAR", "STRING", "IN_A_ROW", "TIMES", "ROLE_SAYS", "ROLE_HAS", "NO_ROLE"})
SILENT |= {"ROLE_GONE", "CUSTOMER", "AVERAGE", "OR_WORD", "AND_TRAIT", "LATER", "BACK_AND_FORTH", "FIRST", "NOBODY"}

# Terminals whose words do not end an unknown metric in the vocabulary that takes any words; those of the others do.
OPEN_WORDS = frozenset({"OF", "A", "WHERE", "SIGNAL", "UNIT", "YEAR", "OR_MORE", "OR_LESS"})
OPEN_WORDS |= {"ANY_ALERT", "RENEWAL", "DATED", "CUSTOMER", "OPEN", "GONE", "MINUTE", "BUSINESS", "SAME", "FROM"}
OPEN_WORDS |= {"LOWEST", "HIGHEST", "PART", "PEERS", "FIRST", "AVERAGE", "SLOWEST", "BACK_AND_FORTH", "SEEN", "HAS"}
OPEN_WORDS |= {"SHIFT", "LAST_MESSAGES", "NEW_VOICE", "BY_ANY"}
OPEN_WORDS |= {"RECOVER", "LATER", "WITHIN_USUAL", "NOBODY", "REASSIGNED", "REOPENED", "MENTION", "OVERDUE"}
# fmt: off
INFLECTED = ["lower", "fewer", "not", "at", "dipped", "declined", "decreased", "rose", "grew", "increased", "climbed",
             "jumped", "among", "back", "recover", "recovers", "recovered", "mention", "mentions", "mentioned",
             "reopened", "reassigned", "overdue", "later", "while"]
# fmt: on
STOPS = sorted(
    {
        word
        for terminal, (_, forms) in FORMS.items()
        if terminal not in OPEN_WORDS
        for form in forms
        for word in form.split()[:1]
        if word.isalpha() and len(word) > 1
    }
    | set(INFLECTED)
)
OPEN_FOR = r"(?:still\s+)?open(?:\s+for)?\s+(?:more|longer|over|at|\d)|(?:on|about|with|over)\s+(?:the|a)\s+same\b"
ANY_METRIC = (
    r"(?!(?:{stops})\b)[^\W\d_][^\s,()<>=]*(?:\s+(?!(?:{stops})\b|{open})[^\s\d,()<>=$€£%][^\s,()<>=]*)*".format(
        stops="|".join(STOPS), open=OPEN_FOR
    )
)
# Words a person chose (roles, and what is mentioned) end at words of the language.
_COUNT = r"\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
WORD_STOPS = (
    "and or for in then unless except while once twice thrice at above over below more less fewer per each every"
)
WORD_STOPS = "|".join(rf"{word}\b" for word in f"{WORD_STOPS} within where not is has have by from vs".split())
WORD_STOPS += rf"|(?:{_COUNT})\s+times\b"
ONE_WORD = rf"(?!{WORD_STOPS})\w[\w'&./-]*"
WORDS = rf"{ONE_WORD}(?:[ ]+{ONE_WORD})*"
ROLE_WORD = rf"(?!{WORD_STOPS}|(?:no|signal|any|mentions?|{'|'.join(STOPS)})\b)[^\W\d_][\w-]*"
ROLE = rf"(?:(?:the|our|an?|any)\s+)?{ROLE_WORD}(?:\s+{ROLE_WORD}){{0,3}}"
_THEN = "or|and|then|unless|while|in|for|per|each|once|twice|thrice|at|above|over|from|by"
_AFTER_WORDS = rf"\s*(?:,|\)|$|(?:{_THEN})\b|(?:{_COUNT})\s)"


SPEAKING = r"mentions?|says|talks?\s+about|writes?\s+about"


def _positional(metrics: str) -> dict[str, str]:
    """The patterns of words that are known by what stands around them; `metrics` is the pattern of all phrases."""
    told = rf"(?!(?:no|not|any|signal|renewal)\b|{metrics}\s+\w)(?:\"[^\"]*\"|'[^']*'|{WORDS}(?!\w)){_AFTER_WORDS}"
    going_on = r"in|for|per|each|every|an?|daily|weekly|monthly|within|and|or|then|unless|while"
    word = r"[^\W\d][\w.-]*(?![\w.-])"
    other = rf"renew|back\s+and\s+forth\b|{metrics}\s+(?:in|for|per|each|every|an?)\b"
    trait = rf"(?!{other}){word}\s*(?:,|\)|$|(?:{going_on})\b|\d)"
    return {
        "WORDS": WORDS,
        "AND_TRAIT": rf"and\b(?=\s+{trait}|$)",
        "OR_WORD": rf"or\b(?=\s+{told}|$)",
        "ROLE_SAYS": rf"(?!{metrics}\s+(?:{SPEAKING})\b){ROLE}(?=\s+(?:{SPEAKING})\b)",
        "ROLE_HAS": rf"{ROLE}(?=\s+(?:has|have|did|does)(?:\s+not|n['’]?t)\b)",
        "NO_ROLE": rf"(?:no|zero)\s+{ROLE_WORD}(?:\s+{ROLE_WORD}){{0,3}}(?=\s+(?:has|have)\b)",
        "ROLE_GONE": rf"(?!{metrics}){ROLE}(?=\s+(?:(?:has|have|is|are)\s+)?(?:gone|left|departed|disappeared)\b"
        r"\s*(?:$|[,)]|(?:for|in|and|or|then|unless|while|within)\b))",
    }


def grammar_for(vocabulary: Vocabulary) -> Lark:
    """The parser for sentences over a vocabulary; made once for each set of phrases."""
    return _parser(None if vocabulary.open_words else tuple(sorted(vocabulary.phrases)))


@lru_cache(maxsize=16)
def _parser(phrases: tuple[str, ...] | None) -> Lark:
    pattern = ANY_METRIC if phrases is None else phrase_pattern(phrases)

    positional = _positional(r"(?!)x" if phrases is None else pattern)

    def set_pattern(terminal: TerminalDef) -> None:
        if terminal.name in positional:
            terminal.pattern = PatternRE(positional[terminal.name], ("i",))
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
