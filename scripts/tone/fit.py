"""From texts with soft labels to the tables of the base reader: sparse regressions on top of a word-vector model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize

from beforehand.text.features import GRAM_BITS, PAIR_BITS, grams, pairs, scale
from beforehand.text.words import read_words

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """`vocabulary` are the words with columns of their own, the most frequent first; so many texts hold each."""

    vocabulary: list[str]
    counts: list[int]

    @classmethod
    def of(cls, texts: Sequence[str], at_least: int) -> Design:
        """The words that at least so many of the texts hold."""
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update({word.form for word in read_words(text)})
        common = sorted(
            ((count, form) for form, count in seen.items() if count >= at_least), key=lambda p: (-p[0], p[1])
        )
        return cls([form for _, form in common], [count for count, _ in common])

    def matrix(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Columns: the words, the buckets of pairs, the buckets of letters; scaled as the reader scales them."""
        place = {form: at for at, form in enumerate(self.vocabulary)}
        offset_pairs, offset_grams = len(place), len(place) + (1 << PAIR_BITS)
        cached: dict[str, list[int]] = {}
        columns: list[int] = []
        values: list[float] = []
        ends = [0]
        for text in texts:
            words = read_words(text)
            size = scale(len(words))
            for word in words:
                at = place.get(word.form)
                if at is not None:
                    columns.append(at)
                    values.append(size)
                buckets = cached.get(word.form)
                if buckets is None:
                    buckets = cached[word.form] = grams(word.form)
                if buckets:
                    columns.extend(offset_grams + bucket for bucket in buckets)
                    values.extend([size / len(buckets) ** 0.5] * len(buckets))
            for bucket in pairs(words):
                if bucket >= 0:
                    columns.append(offset_pairs + bucket)
                    values.append(size)
            ends.append(len(columns))
        width = offset_grams + (1 << GRAM_BITS)
        matrix = sp.csr_matrix(
            (np.array(values, np.float32), np.array(columns, np.int32), np.array(ends, np.int64)), (len(texts), width)
        )
        matrix.sum_duplicates()
        return matrix


def dense(texts: Sequence[str], vectors: dict[str, NDArray[np.float32]], size: int) -> NDArray[np.float32]:
    """The scaled sum of the word vectors of each text."""
    out = np.zeros((len(texts), size), np.float32)
    for at, text in enumerate(texts):
        words = read_words(text)
        for word in words:
            vector = vectors.get(word.form)
            if vector is not None:
                out[at] += vector
        out[at] *= scale(len(words))
    return out


def telling(matrix: sp.csr_matrix) -> NDArray[np.float32]:
    """How much each column tells: the log of how rare it is, 1 on average over all that the texts hold.

    Columns are scaled by it while their weights are fitted, so that the penalty falls on the words of every day and
    not on the rare one that says it all (the `idf` of Sparck Jones 1972). The scale folds into the weights.
    """
    holding = np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float64)
    rare = np.log((1 + matrix.shape[0]) / (1 + holding))
    return np.asarray(rare / np.average(rare, weights=holding), dtype=np.float32)


def fit_vectors(summed: NDArray[np.float32], labels: Floats, weights: Floats, strength: float) -> Floats:
    """The direction of a tone among the word vectors (logistic regression on their sums)."""
    return _descend(
        lambda direction: summed @ direction, lambda slope: slope @ summed, summed.shape[1], labels, weights, strength
    )[0]


def fit_sparse(matrix: sp.csr_matrix, labels: Floats, weights: Floats, strength: float) -> tuple[Floats, float]:
    """The weight of each column and the bias (L2-penalised logistic regression)."""
    turned = matrix.T.tocsr()
    return _descend(
        lambda columns: matrix @ columns, lambda slope: turned @ slope, matrix.shape[1], labels, weights, strength
    )


# Steps of the descent. It stops before the bottom, which is a penalty of its own: so it was measured and chosen.
STEPS = 60


def _descend(
    forward: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    backward: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    size: int,
    labels: Floats,
    weights: Floats,
    strength: float,
) -> tuple[Floats, float]:
    """Logistic regression on soft labels by L-BFGS: the weights and the bias, which is not penalised."""

    def loss(point: Floats) -> tuple[float, Floats]:
        odds = (forward(point[:-1].astype(np.float32)) + np.float32(point[-1])).astype(np.float64)
        missed = (1 / (1 + np.exp(-odds)) - labels) * weights
        value = (weights * (np.logaddexp(0, odds) - labels * odds)).sum() + point[:-1] @ point[:-1] / (2 * strength)
        slope = np.append(backward(missed.astype(np.float32)).astype(np.float64), missed.sum())
        slope[:-1] += point[:-1] / strength
        return float(value), slope

    found = minimize(loss, np.zeros(size + 1), jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "maxcor": 8})
    return np.asarray(found.x[:-1]), float(found.x[-1])
