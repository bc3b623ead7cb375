"""Tickets and error texts that are about the same issue, grouped as they arrive; what was grouped stays so.

A text joins the group of the nearest earlier text of the last WINDOW_DAYS where that is near enough, else it begins a
group. Nearness is the cosine of two vectors (`vectors.py`), with a little more for texts close in time, of the same
person, account or category. A group never splits or merges by itself; people's merges and splits come in through
`merge` and `move` and hold for what arrives later. Plain objects: no clock, no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from beforehand.text.fingerprint import VARIES, template_of
from beforehand.text.naming import phrase_of
from beforehand.text.neighbours import Neighbours
from beforehand.text.templates import Templates
from beforehand.text.vectors import Seen, Vector, Words, read, vector

DAY_US = 86_400_000_000
WINDOW_DAYS = 180
# Near enough to be the same issue, all told; and whatever else agrees, the words alone must come this far.
NEAR, WORDS_NEAR = 0.45, 0.28
# What is added to the cosine: for closeness in time (halved every HALF_DAYS), the same person, account, category.
CLOSE, HALF_DAYS, SAME_PERSON, SAME_ACCOUNT, SAME_CATEGORY = 0.12, 10.0, 0.08, 0.02, 0.04
# Of how many of a group's nearest texts the mean is taken, and what share of NEAR it must come to.
AGREEING, AGREE = 3, 0.8
# A text this near to an earlier one of its group adds nothing to the index.
SAME = 0.97
# An error text of fewer different words says too little to be compared by its words.
ERROR_WORDS = 3
NO_GROUP = 0
AN_ERROR = (-1, -1, -1)


@dataclass(frozen=True)
class Text:
    """A ticket or message (`error` false) or an error text; `at_us` is UTC microseconds, None where nobody knows."""

    text: str
    at_us: int | None = None
    person: str | None = None
    account: str | None = None
    category: str | None = None
    error: bool = False


@dataclass(frozen=True)
class Kept:
    """What a text left in the index: enough to make the index again without reading the text."""

    vector: Vector
    digest: bytes
    at_us: int
    context: tuple[int, int, int]
    group: int


class Groups:
    """Numbers texts by issue, from 1; NO_GROUP for texts nobody can read anything of.

    Tickets and error texts share the numbers: an error text belongs to the group of its template, and a ticket that
    quotes an error of a known template joins that group. Where they are `joined`, a template that is seen first also
    joins the group of a ticket in words near enough to its own, and tickets may join it by their words; two templates
    are never one for their words' sake.
    """

    def __init__(self, seen: Seen | None = None, *, following: int = 1, joined: bool = False) -> None:
        self.seen = seen or Seen()
        self.joined = joined
        self.following = following
        self.names: dict[int, str] = {}
        self.templates = Templates()
        self._of_template: dict[int, int] = {}
        self._merged: dict[int, int] = {}
        self._texts = Neighbours()
        self._group: list[int] = []
        self._at: list[int] = []
        self._context: list[tuple[int, int, int]] = []
        self._digests: dict[bytes, int] = {}
        self._size: dict[int, int] = {}
        self._newest_us = 0
        self.kept: list[Kept] = []

    def __len__(self) -> int:
        return len(self._texts)

    def assign(self, texts: Sequence[Text]) -> list[int]:
        """The group of each text, in order of arrival; what was assigned before is never touched."""
        errors = [at for at, text in enumerate(texts) if text.error]
        templates = [template_of(texts[at].text) for at in errors]
        numbered = self.templates.assign_templates(templates)
        of_error = {at: (number, template) for at, number, template in zip(errors, numbered, templates, strict=True)}
        return [
            self._assign_error(text, *of_error[at]) if text.error else self._assign_text(text)
            for at, text in enumerate(texts)
        ]

    def find(self, group: int) -> int:
        """The group a group was merged into, or itself."""
        while group in self._merged:
            group = self._merged[group]
        return group

    def merge(self, kept: int, gone: int) -> None:
        """What would join the second group from now on joins the first."""
        kept, gone = self.find(kept), self.find(gone)
        if kept != gone:
            self._merged[gone] = kept

    def move(self, text: str, group: int) -> bytes:
        """A text that people put into another group: texts like it follow from now on.

        Returns the digest by which the index knows it; empty where nobody can read anything of it.
        """
        found = read(text)
        number = self._digests.get(_digest(found)) if found else None
        self.following = max(self.following, group + 1)
        if number is not None and number >= self._texts.first:
            self._group[number] = group
        elif found:
            self._keep(vector(found, self.seen), _digest(found), group, self._newest_us, (0, 0, 0), record=True)
        for error in found.errors:
            known = self.templates.assign_templates([error])[0]
            if known:
                self._of_template[known] = group
        return _digest(found) if found else b""

    def restore(self, kept: Kept) -> None:
        """Puts back what an earlier run left in the index, in the order in which it was left."""
        self._keep(kept.vector, kept.digest, kept.group, kept.at_us, kept.context, record=False)
        self.following = max(self.following, kept.group + 1)

    def restore_template(self, template: str, number: int, group: int) -> None:
        """Puts back a template of error texts, its number among templates and its group."""
        self.templates.restore(template, number)
        if group:
            self._of_template.setdefault(number, group)
        self.following = max(self.following, group + 1)

    def groups_of_templates(self) -> list[tuple[str, int, int]]:
        """Every template of error texts in order of arrival: itself, its number among templates, its group."""
        return [
            (template, number, self._of_template.get(number, NO_GROUP))
            for template, number in self.templates.templates()
        ]

    def nearest(self, text: Text, most: int = 5) -> list[tuple[int, float]]:
        """The nearest texts (numbers in order of arrival in the index) and how near, the nearest first."""
        found = read(text.text)
        numbers, near, _ = self._near(vector(found, self.seen), text)
        best = np.argsort(-near, kind="stable")[:most]
        return [(int(numbers[at]), float(near[at])) for at in best]

    def _assign_error(self, text: Text, number: int, template: str) -> int:
        if not number:
            return NO_GROUP
        if number not in self._of_template:
            self._of_template[number] = (self._joined(text, template) if self.joined else NO_GROUP) or self._new(
                self.templates.name_of(number)
            )
        return self.find(self._of_template[number])

    def _joined(self, text: Text, template: str) -> int:
        """The group of the tickets that speak of a new template, which tickets may join by its words from now on."""
        found = read(template.replace(VARIES, " "))
        if len(set(found.plain)) < ERROR_WORDS:
            return NO_GROUP
        made = vector(found, self.seen)
        numbers, near, cosines = self._near(made, Text(template, text.at_us))
        tickets = np.array([self._context[int(number)] != AN_ERROR for number in numbers], bool)
        near = np.where((cosines >= WORDS_NEAR) & tickets, near, 0) if len(numbers) else near
        group = self._agreed(numbers, near)
        if not group:
            group = self._new(template)
        at_us = self._newest_us if text.at_us is None else text.at_us
        self._keep(made, _digest(found), group, at_us, AN_ERROR, record=True)
        return group

    def _assign_text(self, text: Text) -> int:
        found = read(text.text)
        if not found:
            return NO_GROUP
        at_us = self._newest_us if text.at_us is None else text.at_us
        self._newest_us = max(self._newest_us, at_us)
        self._forget()
        digest = _digest(found)
        number = self._digests.get(digest)
        if number is not None and number >= self._texts.first:
            self._at[number] = max(self._at[number], at_us)
            self.seen.add(found)
            return self.find(self._group[number])
        made = vector(found, self.seen)
        group, nearest = self._of_errors(found), 0.0
        if not group:
            numbers, near, cosines = self._near(made, text)
            near = np.where(cosines >= WORDS_NEAR, near, 0)
            if len(near):
                nearest = float(cosines.max())
                group = self._agreed(numbers, near)
        if not group:
            group = self._new(phrase_of(text.text, self.seen))
        self.seen.add(found)
        if nearest < SAME:
            self._keep(made, digest, group, at_us, _context(text), record=True)
        for error in found.errors:
            known = self.templates.assign_templates([error])[0]
            if known:
                self._of_template.setdefault(known, group)
        return self.find(group)

    def _of_errors(self, found: Words) -> int:
        """The group of the first error text a ticket quotes that is known; telling ones only."""
        for error in found.errors:
            if sum(letter.isalpha() for letter in error.replace("<*>", "")) >= 12:
                group = self._of_template.get(self.templates.known(error), NO_GROUP)
                if group:
                    return group
        return NO_GROUP

    def _agreed(self, numbers: np.ndarray, near: np.ndarray) -> int:
        """The group of the nearest text, where the group's other near texts agree; else the next, NO_GROUP at last.

        One text between two matters would otherwise chain them: of a group of several, the mean of the AGREEING
        nearest has to come near too. What people merged counts as it was: two matters they call one stay unlike.
        """
        tried: set[int] = set()
        for at in np.argsort(-near, kind="stable"):
            if near[at] < NEAR:
                break
            group = self._group[int(numbers[at])]
            if group in tried:
                continue
            tried.add(group)
            members = np.array([self._group[int(number)] == group for number in numbers])
            size = min(AGREEING, self._size.get(group, 1))
            best = np.sort(near[members])[::-1][:size]
            if float(best.sum()) / size >= NEAR * AGREE:
                return group
        return NO_GROUP

    def _near(self, made: Vector, text: Text) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        numbers, cosines = self._texts.near(made)
        if not len(numbers):
            return numbers, cosines, cosines
        at_us = self._newest_us if text.at_us is None else text.at_us
        then = np.array([self._at[number] for number in numbers], np.float64)
        contexts = np.array([self._context[number] for number in numbers], np.int64)
        days = np.abs(at_us - then) / DAY_US
        near = cosines.astype(np.float64)
        if text.at_us is not None:
            near += CLOSE * np.exp2(-days / HALF_DAYS)
        for column, mine, more in zip(
            contexts.T, _context(text), (SAME_PERSON, SAME_ACCOUNT, SAME_CATEGORY), strict=True
        ):
            if mine:
                near += more * (column == mine)
        return numbers, near, cosines

    def _keep(
        self, made: Vector, digest: bytes, group: int, at_us: int, context: tuple[int, int, int], *, record: bool
    ) -> None:
        number = self._texts.add(made)
        self._group.append(group)
        self._at.append(at_us)
        self._context.append(context)
        self._size[group] = self._size.get(group, 0) + 1
        self._digests[digest] = number
        self._newest_us = max(self._newest_us, at_us)
        if record:
            self.kept.append(Kept(made, digest, at_us, context, group))

    def _forget(self) -> None:
        """Lets go of what is older than the window, when that is a quarter of all."""
        first, newest = self._texts.first, self._newest_us
        old = first
        while old < len(self._at) and newest - self._at[old] > WINDOW_DAYS * DAY_US:
            old += 1
        if (old - first) * 4 >= max(len(self._texts), 1_000):
            self._texts.forget(old)
            self._digests = {digest: number for digest, number in self._digests.items() if number >= old}

    def _new(self, name: str) -> int:
        group = self.following
        self.following += 1
        self.names[group] = name
        return group


def _digest(found: Words) -> bytes:
    said = "\x1f".join((" ".join(found.plain), *found.errors))
    return blake2b(said.encode("utf-8", "replace"), digest_size=12).digest()


def _context(text: Text) -> tuple[int, int, int]:
    return (_number(text.person), _number(text.account), _number(text.category))


def _number(name: str | None) -> int:
    if not name:
        return 0
    return int.from_bytes(blake2b(name.encode("utf-8", "replace"), digest_size=7).digest(), "little") or 1
