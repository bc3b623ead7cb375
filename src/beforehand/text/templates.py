"""Which templates are one: words that vary though no number tells it, learned as lines arrive.

In the manner of Drain (He et al., ICWS 2017) and Brain (Yu et al., TSC 2023), made stable: what was assigned stays
assigned, whatever comes after it. A slot is a template without one of its words; where enough different words were
seen in a slot, it is open, and whatever falls into an open slot later belongs to the slot's group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from beforehand.text.fingerprint import VARIES, template_of

# Words of a template that are looked at for slots; what is longer differs by more than a word.
MOST_WORDS = 60
# How many different names open a slot, by how many words stay around it: much the same around, few are enough. Words
# that are no names count half: `started`, `paused` and `stopped` are three messages.
OPENS = {1: 8, 2: 6}
OPENS_MORE = 4
_WORDS = re.compile(r"<\*>|[^\s=:,;()\[\]{}<>\"'|]+(?:<\*>[^\s=:,;()\[\]{}<>\"'|]*)?|[^\w\s]")
_LETTER = re.compile(r"[^\W\d_]")
# What looks like a name of something rather than a word of a language.
_NAME = re.compile(r"<\*>|[_@$/\\.-]|[a-z][A-Z]|^[A-Z]{2,}$|\d")


@dataclass
class _Slot:
    """A template without one of its words: the words seen in it, the group it opened, and its oldest group."""

    words: set[str]
    oldest: int
    group: int | None = None


class Templates:
    """Numbers lines by their template; a number once given never changes.

    `known` gives back what was learned before, template and group in order of arrival, and makes the same state as
    learning it did. `fresh` numbers new groups, from the number after the largest known one.
    """

    def __init__(self, known: Iterable[tuple[str, int]] = ()) -> None:
        self._groups: dict[str, int] = {}
        self._slots: dict[bytes, _Slot] = {}
        self._names: dict[int, str] = {}
        self._next = 1
        for template, group in known:
            self._learn(template)
            self._settle(template, group)

    def __len__(self) -> int:
        return len(self._groups)

    def name_of(self, group: int) -> str:
        """The template of a group, with `<*>` for what was seen to vary when it came."""
        return self._names[group]

    def assign(self, lines: Sequence[str]) -> list[int]:
        """The group of each line (0: nothing to go by); lines that arrive together are looked at together."""
        return self.assign_templates([template_of(line) for line in lines])

    def assign_templates(self, templates: Sequence[str]) -> list[int]:
        """The group of each template; see `assign`."""
        new = [template for template in dict.fromkeys(templates) if template and template not in self._groups]
        for template in new:
            self._learn(template)
        for template in new:
            self._settle(template, None)
        return [self._groups.get(template, 0) for template in templates]

    def known(self, template: str) -> int:
        """The group of a template that was assigned before; 0 for others."""
        return self._groups.get(template, 0)

    def restore(self, template: str, group: int) -> None:
        """Puts back what an earlier run assigned, in the order in which it did."""
        if template not in self._groups:
            self._learn(template)
            self._settle(template, group)

    def templates(self) -> list[tuple[str, int]]:
        """Every template and its group in order of arrival."""
        return list(self._groups.items())

    def _learn(self, template: str) -> None:
        words = _words(template)
        for at, key in _keys(words):
            slot = self._slots.get(key)
            if slot is None:
                self._slots[key] = _Slot({words[at]}, 0)
            elif len(slot.words) < 64:
                slot.words.add(words[at])

    def _settle(self, template: str, group: int | None) -> None:
        """Gives a learned template its group: that told, that of the widest open slot it falls into, or a new one."""
        words = _words(template)
        around = sum(1 for word in words if _LETTER.search(word) and word != VARIES)
        widest: _Slot | None = None
        mine: list[_Slot] = []
        for at, key in _keys(words):
            slot = self._slots[key]
            mine.append(slot)
            stay = around - (words[at] != VARIES)
            if _opens(slot, words[at], stay) and (widest is None or len(slot.words) > len(widest.words)):
                widest = slot
        if group is None:
            group = (widest.group or widest.oldest or self._next) if widest else self._next
        self._next = max(self._next, group + 1)
        self._groups[template] = group
        self._names.setdefault(group, template)
        for slot in mine:
            slot.oldest = slot.oldest or group
        if widest is not None and widest.group is None:
            widest.group = group


def _opens(slot: _Slot, word: str, stay: int) -> bool:
    """Whether the words of a slot vary: many were seen, or some name stands where a bare variable stood."""
    if stay < 1:
        return False
    names = sum(1 for seen in slot.words if _NAME.search(seen))
    if names + (len(slot.words) - names) / 2 >= OPENS.get(stay, OPENS_MORE):
        return True
    bare = VARIES in slot.words
    return bare and len(slot.words) > 1 and stay >= 2 and (word == VARIES or _NAME.search(word) is not None)


def _words(template: str) -> list[str]:
    return _WORDS.findall(template)


def _keys(words: list[str]) -> Iterable[tuple[int, bytes]]:
    if len(words) > MOST_WORDS:
        return
    for at, word in enumerate(words):
        if word == VARIES or _LETTER.search(word):
            rest = "\x1f".join([*words[:at], "\x1e", *words[at + 1 :]])
            yield at, blake2b(rest.encode("utf-8", "replace"), digest_size=8).digest()
