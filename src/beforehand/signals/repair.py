"""The nearest right sentence: a search over the parser's own table.

States are (what is left of the words, what is put aside, the parser's stack). From each, the next words may be read as
a terminal they resemble (Damerau-Levenshtein), dropped, put aside to be read later (order), or a missing terminal may
be put in. The cheapest path to an accepted sentence is the suggestion; A* with a small estimate per word left keeps it
to some thousand states, a fraction of a second. Method: least-cost LR repair (Corchuelo et al., "Repairing syntax
errors in LR parsers", 2002), with words instead of tokens because the words are what is misspelled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from lark import Lark
from lark.lexer import PatternRE
from lark.parsers.lalr_analysis import Shift
from rapidfuzz.distance import OSA

from beforehand.signals.grammar import FORMS, grammar_for
from beforehand.signals.vocabulary import Vocabulary

WORD = re.compile(
    r"\"[^\"]*\"|'[^']*'|[-+]?[$€£]?\d[\d,]*(?:\.\d+)?[km]?(?![a-zA-Z\d])|\d+(?:\.\d+)?|[^\W\d][\w.'-]*|[<>=!]=|\S"
)
LONGEST_FORM = 4
DROP, PUT_IN, ASIDE, AGAIN = 1.0, 1.1, 0.7, 0.25
AHEAD = 0.3  # the estimate of what each word left will cost
MOST_STATES = 6000
MOST_COST = 6.0
# Words that carry little: cheap to drop and to put in.
SMALL = {
    "THE",
    "FOR",
    "PER",
    "IN",
    "OF",
    "BE",
    "A",
    "CONSECUTIVE",
    "BY",
    "VS",
    "BEFORE",
    "WHERE",
    "PERCENT",
    "LPAR",
    "RPAR",
}
# Never put in: they would say something the person did not.
NEVER = {
    "METRIC",
    "NUMBER",
    "NAME",
    "TRAIT",
    "VALUE",
    "STRING",
    "DATE",
    "NUMBER_WORD",
    "NO",
    "NOT",
    "OR",
    "EVERY",
    "SIGNAL",
}
NEVER |= {"FAR", "OR_MORE", "OR_LESS", "EQ", "NE", "WITHIN", "TIMES", "YEAR", "FOR_PEOPLE"}
# Where a whole clause is missing, it is put in as one.
CLAUSES = (("VS", "vs"), ("THE", "the"), ("NUMBER", "8"), ("UNIT", "weeks"), ("BEFORE", "before"))
FREE = {
    "NUMBER": r"[-+]?[$€£]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?[km]?",
    "STRING": r"\"[^\"]*\"|'[^']*'",
    "DATE": r"\d{4}-\d{2}-\d{2}",
    "NAME": r"[a-z0-9][a-z0-9-]*",
    "TRAIT": r"[^\W\d][\w.-]*",
    "VALUE": r"[^\W\d_][\w.&'/+-]*( [^\W_][\w.&'/+-]*)*",
}
LOOSE = {"NAME", "TRAIT", "VALUE"}
KEYWORDS = {word for _, forms in FORMS.values() for form in forms for word in form.split()}

Stack = tuple[object, ...]
Rest = tuple[int, ...]


@dataclass(frozen=True)
class Reading:
    """Some words read as a terminal, written `form`, at a cost (0: as they stand)."""

    terminal: str
    form: str
    cost: float


def nearest_sentence(text: str, vocabulary: Vocabulary, reads: Callable[[str], bool]) -> str | None:
    """The cheapest repair of `text` that `reads` accepts, or None where nothing is near."""
    words = WORD.findall(text)
    if not words or len(words) > 60:
        return None
    for tries, candidate in enumerate(_Search(words, vocabulary).found()):
        if reads(candidate):
            return candidate
        if tries >= 20:
            break
    return None


class _Table:
    """The parser's table, walked with stacks of states alone."""

    def __init__(self, lark: Lark) -> None:
        conf = lark.parse_interactive("").parser_state.parse_conf
        self.states = conf.parse_table.states
        self.start: Stack = (conf.start_state,)
        self.seen: dict[tuple[Stack, str], Stack | None] = {}

    def next_terminals(self, stack: Stack) -> Iterator[str]:
        for name in self.states[stack[-1]]:
            if name.isupper() and name != "$END":
                yield name

    def feed(self, stack: Stack, terminal: str) -> Stack | None:
        """The stack after a terminal; None where it cannot stand. `$END` gives an empty stack when accepted."""
        key = (stack, terminal)
        if key not in self.seen:
            self.seen[key] = self._feed(stack, terminal)
        return self.seen[key]

    def _feed(self, stack: Stack, terminal: str) -> Stack | None:
        while True:
            step = self.states[stack[-1]].get(terminal)
            if step is None:
                return None
            action, to = step
            if action is Shift:
                return () if terminal == "$END" else (*stack, to)
            size = len(to.expansion)
            stack = stack[: len(stack) - size] if size else stack
            _, after = self.states[stack[-1]][to.origin.name]
            stack = (*stack, after)
            if terminal == "$END" and self.states[after] == {}:
                return ()


class _Search:
    def __init__(self, words: list[str], vocabulary: Vocabulary) -> None:
        self.words = words
        lark = grammar_for(vocabulary)
        self.table = _Table(lark)
        self.forms = [(t, form) for t, (_, forms) in FORMS.items() for form in forms]
        self.forms += [("METRIC", phrase) for phrase in vocabulary.phrases]
        self.forms += [("NAME", name) for name in vocabulary.signals]
        self.free = {t: re.compile(p, re.IGNORECASE) for t, p in FREE.items() if t != "NAME" or not vocabulary.signals}
        if vocabulary.open_words:
            metric = lark.get_terminal("METRIC").pattern
            assert isinstance(metric, PatternRE)
            self.free["METRIC"] = re.compile(metric.value, re.IGNORECASE)
        self.readings: dict[Rest, list[Reading]] = {}

    def read(self, indices: Rest) -> list[Reading]:
        """Every way to read these words as one terminal, cheapest first per terminal."""
        if indices in self.readings:
            return self.readings[indices]
        said = " ".join(self.words[i] for i in indices)
        low = said.lower()
        best: dict[str, Reading] = {}
        for terminal, form in self.forms:
            if abs(len(form) - len(low)) > max(2, len(form) // 2):
                continue
            if form == low:
                best[terminal] = Reading(terminal, said, 0.0)
                continue
            most = max(1, (len(form) + 1) // 3)
            off: float = OSA.distance(low, form, score_cutoff=most)
            if low.replace(" ", "") == form.replace(" ", ""):
                off = 0.5
            if off <= most and len(form) > 1 and not (len(form) <= 3 and off >= len(form) - 1 and low[:1] != form[:1]):
                cost = 0.3 + 0.9 * off / max(3, len(form)) + (0.15 if low in KEYWORDS else 0.0) + 0.01 * off
                if terminal not in best or cost < best[terminal].cost:
                    best[terminal] = Reading(terminal, form, cost)
        for terminal, pattern in self.free.items():
            if pattern.fullmatch(said):
                loose = terminal in LOOSE or terminal == "METRIC"
                cost = (0.1 * (len(indices) - 1) + (0.9 if low in KEYWORDS else 0.02)) if loose else 0.0
                best.setdefault(terminal, Reading(terminal, said, cost))
        self.readings[indices] = list(best.values())
        return self.readings[indices]

    def found(self) -> Iterator[str]:
        """Sentences that parse, the cheapest first."""
        order = count()
        first: Rest = tuple(range(len(self.words)))
        heap: list[tuple[float, int, float, Rest, Rest, Stack, tuple[Reading, ...], int]] = []
        best: dict[tuple[Rest, Rest, Stack], float] = {}

        def push(cost: float, rest: Rest, aside: Rest, stack: Stack, path: tuple[Reading, ...], put_in: int) -> None:
            key = (rest, aside, stack)
            if cost > MOST_COST or best.get(key, MOST_COST + 1) <= cost:
                return
            best[key] = cost
            ahead = AHEAD * (len(rest) + len(aside)) if put_in >= 0 else 0.0
            heappush(heap, (cost + ahead, next(order), cost, rest, aside, stack, path, put_in))

        push(0.0, first, (), self.table.start, (), 0)
        for _ in range(MOST_STATES):
            if not heap:
                return
            _, _, cost, rest, aside, stack, path, put_in = heappop(heap)
            if best.get((rest, aside, stack), cost) < cost:
                continue
            if not rest and not aside and self.table.feed(stack, "$END") is not None:
                yield written(path)
            if aside:
                push(cost, aside + rest, (), stack, path, 0)
            for length in range(1, min(LONGEST_FORM, len(rest)) + 1):
                for reading in self.read(rest[:length]):
                    after = self.table.feed(stack, reading.terminal)
                    if after is not None:
                        push(cost + reading.cost, rest[length:], aside, after, (*path, reading), 0)
            if rest:
                small = self.words[rest[0]].lower() in ("the", "of", "a", "for", "in", "is", "to", "by", "x")
                push(cost + (0.6 if small else DROP), rest[1:], aside, stack, path, 0)
                if not aside:
                    for length in range(1, min(6, len(rest) - 1) + 1):
                        push(cost + ASIDE + 0.02 * length, rest[length:], rest[:length], stack, path, 0)
            if put_in < 2:
                for terminal in self.table.next_terminals(stack):
                    if terminal in NEVER or terminal not in FORMS:
                        continue
                    after = self.table.feed(stack, terminal)
                    if after is not None:
                        form = FORMS[terminal][1][0]
                        price = PUT_IN - (0.35 if terminal in SMALL else 0.0) + AGAIN * put_in
                        push(cost + price, rest, aside, after, (*path, Reading(terminal, form, price)), put_in + 1)
                whole = self._clause(stack)
                if whole is not None:
                    put = tuple(Reading(terminal, form, 0.0) for terminal, form in CLAUSES)
                    push(cost + 1.6, rest, aside, whole, (*path, *put), 2)

    def _clause(self, stack: Stack) -> Stack | None:
        now: Stack | None = stack
        for terminal, _ in CLAUSES:
            now = self.table.feed(now, terminal) if now is not None else None
        return now


def written(path: tuple[Reading, ...]) -> str:
    """The sentence of a path of readings, spaced as people write it."""
    text = ""
    for reading in path:
        tight = reading.terminal in ("PERCENT", "RPAR") or (reading.terminal == "TIMES" and reading.form == "x")
        text += ("" if not text or tight or text.endswith("(") else " ") + reading.form
    return text
