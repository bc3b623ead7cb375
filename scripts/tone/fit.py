"""From texts with soft labels to the tables of the base reader: sparse regressions on top of a word-vector model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

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


def soft_rows(labels: Floats, weights: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Soft labels as rows taken twice: which row, which class, how heavy."""
    row = np.concatenate([np.arange(len(labels))] * 2)
    kind = np.concatenate([np.ones(len(labels), np.int64), np.zeros(len(labels), np.int64)])
    heavy = np.concatenate([labels * weights, (1 - labels) * weights])
    keep = heavy > 1e-3
    return row[keep], kind[keep], heavy[keep]


def fit_vectors(summed: NDArray[np.float32], labels: Floats, weights: Floats, strength: float) -> Floats:
    """The direction of a tone among the word vectors (logistic regression on their sums)."""
    row, kind, heavy = soft_rows(labels, weights)
    model = LogisticRegression(C=strength, solver="lbfgs", max_iter=60, tol=1e-3)
    model.fit(summed[row], kind, sample_weight=heavy)
    return np.asarray(model.coef_[0], dtype=np.float64)


def fit_sparse(matrix: sp.csr_matrix, labels: Floats, weights: Floats, strength: float) -> tuple[Floats, float]:
    """The weight of each column and the bias (L2-penalised logistic regression)."""
    row, kind, heavy = soft_rows(labels, weights)
    model = LogisticRegression(C=strength, solver="liblinear", tol=0.02)
    model.fit(matrix[row], kind, sample_weight=heavy)
    return np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0])
