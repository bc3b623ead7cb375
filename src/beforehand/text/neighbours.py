"""The texts nearest to a new one, among as many as a window of time holds: vectors in flat arrays, words in an index.

Two steps: the telling words of the new text point to those that share some, and of these the best are compared
exactly. Cost follows how often its words were seen lately; memory follows the window.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from beforehand.text.vectors import Vector

# Words of a text that point to it, and how many of those it points to are compared exactly.
POINTING = 40
COMPARED = 96
# A word in more texts than this tells little: only its newest texts are looked at.
LONGEST_LIST = 4_000
_RECENT = 2_048

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float32]


class Neighbours:
    """Texts by number (their order of arrival, from 0), with those before `first` forgotten."""

    def __init__(self) -> None:
        self.first = 0
        self._starts = np.zeros(1025, np.int64)
        self._count = 0
        self._ids = np.zeros(1 << 16, np.uint32)
        self._weights = np.zeros(1 << 16, np.float16)
        self._terms = np.zeros(0, np.uint32)
        self._texts = np.zeros(0, np.int32)
        self._shares = np.zeros(0, np.float16)
        self._newest: dict[int, list[tuple[int, float]]] = {}
        self._unsorted = 0

    def __len__(self) -> int:
        return self._count - self.first

    def add(self, vector: Vector) -> int:
        """Keeps a text; returns its number."""
        size = len(vector.ids)
        if self._count + 2 > len(self._starts):
            self._starts = np.concatenate([self._starts, np.zeros_like(self._starts)])
        start = int(self._starts[self._count])
        while start + size > len(self._ids):
            more = len(self._ids) // 4
            self._ids = np.concatenate([self._ids, np.zeros(more, np.uint32)])
            self._weights = np.concatenate([self._weights, np.zeros(more, np.float16)])
        self._ids[start : start + size] = vector.ids
        self._weights[start : start + size] = vector.weights
        number = self._count
        self._starts[number + 1] = start + size
        self._count += 1
        for term, weight in self._pointers(vector):
            self._newest.setdefault(term, []).append((number, weight))
        self._unsorted += 1
        if self._unsorted >= max(_RECENT, len(self) // 16):
            self._sort_in()
        return number

    def near(self, vector: Vector) -> tuple[Ints, Reals]:
        """Numbers of the texts that may be nearest, and the cosine of each, in no order; at most COMPARED."""
        found: list[npt.NDArray[np.int32]] = []
        shares: list[Reals] = []
        leading = vector.leading[:POINTING]
        # Of the same type as what is searched: a wider one would copy the whole array, for each search.
        lows = np.searchsorted(self._terms, leading, side="left").tolist()
        highs = np.searchsorted(self._terms, leading, side="right").tolist()
        for (term, weight), low, high in zip(self._pointers(vector), lows, highs, strict=True):
            low = max(low, high - LONGEST_LIST)
            if high > low:
                found.append(self._texts[low:high])
                shares.append(self._shares[low:high].astype(np.float32) * np.float32(weight))
            if newest := self._newest.get(term):
                newest = newest[-LONGEST_LIST:]
                found.append(np.array([text for text, _ in newest], np.int32))
                shares.append(np.array([share for _, share in newest], np.float32) * np.float32(weight))
        if not found:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        texts = np.concatenate(found)
        together = np.concatenate(shares)
        sums = np.bincount(texts - self.first, weights=together)
        candidates = np.flatnonzero(sums)
        if len(candidates) > COMPARED:
            best = np.argpartition(-sums[candidates], COMPARED)[:COMPARED]
            candidates = np.sort(candidates[best])
        numbers = candidates + self.first
        return numbers, self.cosines(vector, numbers)

    def cosines(self, vector: Vector, numbers: Ints | Sequence[int]) -> Reals:
        """How near each of some texts is to a vector, exactly; 1 for the same features, 0 for none shared."""
        numbers = np.asarray(numbers, np.int64)
        if not len(numbers) or not len(vector.ids):
            return np.zeros(len(numbers), np.float32)
        starts, ends = self._starts[numbers], self._starts[numbers + 1]
        sizes = ends - starts
        at = np.repeat(starts - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) + np.arange(int(sizes.sum()))
        ids = self._ids[at]
        place = np.minimum(np.searchsorted(vector.ids, ids), len(vector.ids) - 1)
        products = np.where(vector.ids[place] == ids, vector.weights[place], 0) * self._weights[at].astype(np.float32)
        owner = np.repeat(np.arange(len(numbers)), sizes)
        return np.bincount(owner, weights=products, minlength=len(numbers)).astype(np.float32)

    def forget(self, first: int) -> None:
        """Forgets the texts before a number; space is given back when a quarter of it is free."""
        first = min(max(first, self.first), self._count)
        if (first - self.first) * 4 < self._count - self.first or first == self.first:
            return
        self._sort_in()
        begin = int(self._starts[first])
        end = int(self._starts[self._count])
        self._ids = self._ids[begin:end].copy() if end > begin else np.zeros(1 << 16, np.uint32)
        self._weights = self._weights[begin:end].copy() if end > begin else np.zeros(1 << 16, np.float16)
        # Numbers stay; only the places they point to move.
        self._starts[first : self._count + 1] -= begin
        keep = self._texts >= first
        self._terms, self._texts, self._shares = self._terms[keep], self._texts[keep], self._shares[keep]
        self.first = first

    def _pointers(self, vector: Vector) -> list[tuple[int, float]]:
        leading = vector.leading[:POINTING]
        place = np.searchsorted(vector.ids, leading)
        return list(zip(leading.tolist(), vector.weights[place].tolist(), strict=True))

    def _sort_in(self) -> None:
        """Moves the newest words into the sorted arrays; a word's texts stay in order of arrival."""
        if self._newest:
            terms = np.array(sorted(self._newest), np.uint32)
            lists = [self._newest[int(term)] for term in terms]
            sizes = np.array([len(one) for one in lists])
            texts = np.array([text for one in lists for text, _ in one], np.int32)
            shares = np.array([share for one in lists for _, share in one], np.float16)
            where = np.searchsorted(self._terms, np.repeat(terms, sizes), side="right")
            self._terms = np.insert(self._terms, where, np.repeat(terms, sizes))
            self._texts = np.insert(self._texts, where, texts)
            self._shares = np.insert(self._shares, where, shares)
        self._newest = {}
        self._unsorted = 0
