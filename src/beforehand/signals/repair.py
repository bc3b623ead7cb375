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
from itertools import count, pairwise

from lark import Lark
from lark.lexer import PatternRE
from lark.parsers.lalr_analysis import Shift
from rapidfuzz import process
from rapidfuzz.distance import OSA

from beforehand.signals.grammar import FORMS, NUMBER_WORDS, ROLE, WORDS, grammar_for
from beforehand.signals.vocabulary import Vocabulary

WORD = re.compile(
    r"\"[^\"]*\"|'[^']*'|[-+]?[$€£]?\d[\d,]*(?:\.\d+)?[km]?(?![a-zA-Z\d])|\d+(?:\.\d+)?|[^\W\d][\w.'-]*|[<>=!]=|\S"
)
LONGEST_FORM, LONGEST_PHRASE = 4, 7  # words read as one: of the language, and of a metric
FURTHEST = 8  # words put aside at once
PUT_IN, ASIDE, SWAP, AGAIN = 1.1, 0.7, 0.75, 0.25
AHEAD = 0.2  # the estimate of what each word left will cost
MOST_STATES = 10_000
FURTHER = 400  # how many states are looked at after the first sentence, which need not be the cheapest
MOST_COST = 6.0
# Words that carry little: cheap to put in. (`in` is dearer than `for`, so that of the two `for` is put in.)
SMALL = {"FOR", "PER", "OF", "BE", "A", "CONSECUTIVE", "BY", "VS", "BEFORE", "WHERE", "PERCENT"}
SMALL |= {"LPAR", "RPAR"}
# Never put in: they would say something the person did not.
NEVER = {"NUMBER_WORD", "NO", "NOT", "OR", "EVERY", "SIGNAL", "FAR", "OR_MORE", "OR_LESS", "EQ", "NE", "WITHIN"}
NEVER |= {"CUSTOMER", "MENTION", "OR_WORD", "WITHOUT", "REPEATED", "BACK_AND_FORTH", "OPEN", "OVERDUE", "REOPENED"}
NEVER |= {"REASSIGNED", "SEEN", "MINUTE", "BUSINESS", "SAME", "BY_ANY", "NOBODY", "HAS_NOT", "GONE", "WITHIN_USUAL"}
NEVER |= {"RECOVER", "LOWEST", "HIGHEST", "PART", "PEERS", "AND_TRAIT", "FIRST", "LATER", "SLOWEST", "AVERAGE"}
NEVER |= {"FOR_TICKET", "FOR_ISSUE", "FOR_FEATURE", "UNLESS"}
NEVER |= {"SHIFT", "LAST_MESSAGES", "NEW_VOICE"}
NEVER |= {"MANY", "ANY_ALERT", "RENEWAL", "DATED", "AFTER", "THEN", "UNLESS", "TIMES", "YEAR", "FOR_PEOPLE"}
# In one order always, so that of two repairs at one price the same is told each time.
PUT = tuple(terminal for terminal in FORMS if terminal not in NEVER)
# Where a whole clause is missing, it is put in as one.
CLAUSES = (("VS", "vs the"), ("NUMBER", "8"), ("UNIT", "weeks"), ("BEFORE", "before"))
FREE = {
    "NUMBER": r"[-+]?[$€£]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?[km]?",
    "STRING": r"\"[^\"]*\"|'[^']*'",
    "DATE": r"\d{4}-\d{2}-\d{2}",
    "NAME": r"[a-z0-9][a-z0-9-]*",
    "TRAIT": r"[^\W\d][\w.-]*",
    "VALUE": r"[^\W\d_][\w.&'/+-]*( [^\W_][\w.&'/+-]*)*",
    "MANY": r"\d+ ?x|(\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) times",
    "WORDS": WORDS,
    "ROLE_SAYS": ROLE,
    "ROLE_HAS": ROLE,
    "NO_ROLE": f"no {ROLE}",
    "ROLE_GONE": ROLE,
}
LOOSE = {"NAME", "TRAIT", "VALUE", "WORDS", "ROLE_SAYS", "ROLE_HAS", "NO_ROLE", "ROLE_GONE"}
NEGATIVE = {"no", "not", "or", "without", "unless", "never", "nobody"}
LITTLE = {"the", "of", "a", "for", "in", "is", "to", "by", "x"}
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
    words: list[str] = []
    breaks: set[int] = set()
    articles: set[int] = set()
    for word in WORD.findall(text):
        if word == ",":
            breaks.add(len(words))  # a comma stands before the next word
        elif word.lower() == "the":
            articles.add(len(words))  # it means nothing, but is written where it stood
        else:
            words.append(word)
    if not words or len(words) > 60:
        return None
    for tries, candidate in enumerate(_Search(words, vocabulary, breaks, articles).found()):
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
    def __init__(self, words: list[str], vocabulary: Vocabulary, breaks: set[int], articles: set[int]) -> None:
        self.words, self.breaks, self.articles = words, breaks, articles
        self.said = len(words)  # the words behind these are halves
        self.split: dict[int, tuple[tuple[int, int, float], ...]] = {}
        self.metric_words = {word for phrase in vocabulary.phrases for word in phrase.split()}
        self.known = KEYWORDS | self.metric_words
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
        self.texts = [form for _, form in self.forms]
        self.same_words: dict[str, list[int]] = {}
        for place, form in enumerate(self.texts):
            self.same_words.setdefault(" ".join(sorted(form.split())), []).append(place)
        self.near: dict[str, list[int]] = {}
        self.readings: dict[Rest, list[Reading]] = {}
        longest = max((len(phrase.split()) for phrase in vocabulary.phrases), default=1)
        self.longest = max(LONGEST_FORM, min(LONGEST_PHRASE, longest))

    def read(self, indices: Rest) -> list[Reading]:
        """Every way to read these words as one terminal, the cheapest of each terminal."""
        if indices not in self.readings:
            said = " ".join(self.words[i] for i in indices)
            best: dict[str, Reading] = {}
            for place in self._near(said.lower()):
                terminal, form = self.forms[place]
                cost = self._unlike(said.lower(), form)
                if cost is not None and (terminal not in best or cost < best[terminal].cost):
                    best[terminal] = Reading(terminal, form if cost else said, cost)
            in_order = all(a < b <= a + 2 and b not in self.breaks for a, b in pairwise(indices))
            for terminal, pattern in self.free.items():
                if pattern.fullmatch(said) and (in_order or terminal not in LOOSE):
                    best.setdefault(terminal, Reading(terminal, said, self._freely(terminal, said.lower())))
            if len(indices) == 2 and (times := self._times(said.lower())) is not None:
                best.setdefault("MANY", times)
            the = "the " if indices[0] in self.articles else ""
            self.readings[indices] = [Reading(one.terminal, the + one.form, one.cost) for one in best.values()]
        return self.readings[indices]

    def _times(self, low: str) -> Reading | None:
        """`3 tmies` as `3 times`."""
        number, word = low.split(" ", 1)
        off = OSA.distance(word, "times", score_cutoff=2)
        return Reading("MANY", f"{number} times", 0.3 + 0.18 * off) if number.isdigit() and off <= 2 else None

    def _near(self, low: str) -> list[int]:
        """The places of the forms that `_unlike` could accept; the quick look that spares the slow one."""
        if low not in self.near:
            found = process.extract(low, self.texts, scorer=OSA.distance, score_cutoff=len(low) // 2 + 1, limit=None)
            same = self.same_words.get(" ".join(sorted(low.split())), [])
            self.near[low] = sorted({place for _, _, place in found} | set(same))
        return self.near[low]

    def _unlike(self, low: str, form: str) -> float | None:
        """What it costs to take these words for that form; None where they are not alike."""
        if form == low:
            return 0.0
        if abs(len(form) - len(low)) > max(2, len(form) // 2) or any(c.isdigit() for c in low) > any(
            map(str.isdigit, form)
        ):
            return None  # numbers are never taken for words
        if " " in form and sorted(form.split()) == sorted(low.split()):
            return 0.35  # the right words in another order
        if low.replace(" ", "") == form.replace(" ", ""):
            off = 0.5
        else:
            most = max(1, (len(form) + 1) // 3)
            off = OSA.distance(low, form, score_cutoff=most)
            short = len(form) == 1 or (len(form) <= 3 and off >= len(form) - 1 and low[:1] != form[:1])
            if off > most or short:
                return None
        if any(word in NEGATIVE and word not in form.split() for word in low.split()):
            return None  # what is not so is never taken for what is
        if set(low.split()) < set(form.split()):
            return 0.85  # words that are right, but not all of them
        # A word that is right somewhere else is seldom a misspelling of another.
        taken = any(word in self.known and word not in form.split() for word in low.split())
        return 0.3 + 0.9 * off / max(3, len(form)) + (0.4 if taken else 0.0) + 0.01 * off

    def _freely(self, terminal: str, low: str) -> float:
        """What it costs to take words for a number, a trait, a value: the looser the pattern the more."""
        if terminal not in LOOSE and terminal != "METRIC":
            return 0.0
        words = low.split()
        if terminal == "VALUE" and any(word[0].isdigit() for word in words):
            return 1.3  # a number is a bound before it is part of a text
        return 0.1 * (len(words) - 1) + (0.9 if any(word in self.known for word in words) else 0.02)

    def found(self) -> Iterator[str]:
        """Sentences that parse, the cheapest first."""
        complete = sorted(self._complete(), key=lambda found: found[0])
        yield from dict.fromkeys(written(path) for _, path in complete)

    def _complete(self) -> Iterator[tuple[float, tuple[Reading, ...]]]:
        order = count()
        heap: list[tuple[float, int, float, Rest, Rest, Stack, tuple[Reading, ...], int]] = []
        best: dict[tuple[Rest, Rest, Stack], float] = {}
        last = MOST_STATES

        def push(
            cost: float, rest: Rest, aside: Rest, stack: Stack, path: tuple[Reading, ...], put_in: int = 0
        ) -> None:
            key = (rest, aside, stack)
            if cost > MOST_COST or best.get(key, MOST_COST + 1) <= cost:
                return
            best[key] = cost
            ahead = AHEAD * (len(rest) + len(aside))
            heappush(heap, (cost + ahead, next(order), cost, rest, aside, stack, path, put_in))

        push(0.0, tuple(range(len(self.words))), (), self.table.start, ())
        states = 0
        while heap and states < last:
            states += 1
            _, _, cost, rest, aside, stack, path, put_in = heappop(heap)
            if best[rest, aside, stack] < cost:
                continue
            if not rest and not aside and self.table.feed(stack, "$END") is not None:
                yield cost, path
                last = min(last, states + FURTHER)
            if aside:
                push(cost, aside + rest, (), stack, path)
            for length in range(1, min(self.longest, len(rest)) + 1):
                for reading in self.read(rest[:length]):
                    after = self.table.feed(stack, reading.terminal)
                    if after is not None:
                        push(cost + reading.cost, rest[length:], aside, after, (*path, reading))
            if rest:
                push(cost + self._dropping(rest[0]), rest[1:], aside, stack, path)
                for at, index in enumerate(rest[:3]):
                    for first, second, price in self._halves(index):
                        push(cost + price, (*rest[:at], first, second, *rest[at + 1 :]), aside, stack, path)
            if len(rest) > 2 and rest[1] < rest[2]:
                push(cost + SWAP, (rest[0], rest[2], rest[1], *rest[3:]), aside, stack, path)
            if rest and not aside:
                for length in range(1, min(FURTHEST, len(rest) - 1) + 1):
                    push(cost + ASIDE + 0.02 * length, rest[length:], rest[:length], stack, path)
            if put_in < 2:
                for terminal in PUT:
                    after = self.table.feed(stack, terminal)
                    if after is not None:
                        small = terminal in SMALL or (terminal == "IN" and self._counts_up(path))
                        price = PUT_IN - (0.35 if small else 0.0) + AGAIN * put_in
                        price += 0.1 if terminal == "FOR" and self._counts_up(path) else 0.0
                        reading = Reading(terminal, _plainest(terminal, path), price)
                        push(cost + price, rest, aside, after, (*path, reading), put_in + 1)
                whole = self._clause(stack)
                if whole is not None:
                    put = tuple(Reading(terminal, form, 0.0) for terminal, form in CLAUSES)
                    push(cost + 1.6, rest, aside, whole, (*path, *put), 2)

    @staticmethod
    def _counts_up(path: tuple[Reading, ...]) -> bool:
        """Whether what was read last is `at least 3` or `twice`: said of a span of days, not of a streak."""
        last = [reading.terminal for reading in path[-3:]]
        return "MANY" in last[-1:] or "AT_LEAST" in last or "SAME" in last[-1:]

    def _dropping(self, index: int) -> float:
        """What it costs to leave a word out: little for a small or a repeated one, much for a number or a metric."""
        word = self.words[index].lower()
        if 0 < index < self.said and word == self.words[index - 1].lower():
            return 0.3
        if word in NEGATIVE:
            return 4.0  # it would turn the meaning round
        if word[:1].isdigit() or word in NUMBER_WORDS or word in self.metric_words:
            return 1.8
        return 0.6 if word in LITTLE else 1.0 if word not in KEYWORDS else 1.2

    def _halves(self, index: int) -> tuple[tuple[int, int, float], ...]:
        """Ways to take a word for two that were written together, one of them known."""
        if index not in self.split:
            word, found = self.words[index], []
            if word.isalpha() and index < self.said and word.lower() not in self.known:
                for at in range(2, len(word) - 1):
                    first, second = word[:at], word[at:]
                    known = (first.lower() in self.known) + (second.lower() in self.known)
                    if known:
                        self.words += [first, second]
                        found.append((len(self.words) - 2, len(self.words) - 1, 0.9 - 0.3 * known))
            self.split[index] = tuple(found)
        return self.split[index]

    def _clause(self, stack: Stack) -> Stack | None:
        now: Stack | None = stack
        for terminal, _ in CLAUSES:
            now = self.table.feed(now, terminal) if now is not None else None
        return now


def _plainest(terminal: str, path: tuple[Reading, ...]) -> str:
    """The form that is put in; after a large number the unit is days."""
    if terminal == "UNIT" and path and path[-1].form.isdigit() and int(path[-1].form) >= 10:
        return "days"
    return FORMS[terminal][1][0]


def written(path: tuple[Reading, ...]) -> str:
    """The sentence of a path of readings, spaced as people write it."""
    text = before = ""
    for reading in path:
        tight = reading.terminal in ("PERCENT", "RPAR") or (reading.terminal == "TIMES" and reading.form == "x")
        listed = before == reading.terminal == "WORDS"  # a comma keeps two of them apart
        text += ("" if not text or tight or text.endswith("(") else ", " if listed else " ") + reading.form
        before = reading.terminal
    return text
