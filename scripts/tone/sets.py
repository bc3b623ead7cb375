"""The labelled sets the tone is trained on, and those it is only measured on.

Trained on: goemotions (Apache-2.0), the ratings that come with vaderSentiment (MIT), and the texts of wording.py. Their
held-out parts are the test split of goemotions and every tenth text of the ratings by the hash of its id. clinc150
(CC BY 3.0) is read without its labels. Everything else is for measuring only.
"""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

DATA = Path(os.environ.get("BEFOREHAND_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
Floats = NDArray[np.float64]

# How the mean of twenty raters, -4 to 4, becomes the chance that one calls a text negative: even at -0.6.
EVEN, STEEP = -0.6, 2.5


@dataclass(frozen=True)
class Labelled:
    """Texts with the chance that a person calls each negative or positive (NaN: not labelled)."""

    name: str
    texts: list[str]
    negative: Floats
    positive: Floats

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, keep: NDArray[np.bool_]) -> Labelled:
        """The rows that are kept."""
        texts = [text for text, kept in zip(self.texts, keep, strict=True) if kept]
        return Labelled(self.name, texts, self.negative[keep], self.positive[keep])


def _rows(path: str) -> list[dict[str, str]]:
    with gzip.open(DATA / path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def goemotions(held_out: bool) -> Labelled:
    """Comments with the groups that at least two of three to five raters chose; several groups are several opinions."""
    rows = [row for row in _rows("goemotions-group/goemotions.csv.gz") if (row["split"] == "test") == held_out]
    negative, positive = [], []
    for row in rows:
        groups = set(row["labels"].split(","))
        bad, fine = "negative" in groups, "positive" in groups
        # Ambiguous (surprise, confusion) is at times the beginning of a complaint; neutral is not always.
        negative.append(
            0.6 if bad and fine else 0.97 if bad else 0.02 if fine else 0.2 if "ambiguous" in groups else 0.06
        )
        positive.append(
            0.6 if bad and fine else 0.97 if fine else 0.02 if bad else 0.1 if "ambiguous" in groups else 0.08
        )
    return Labelled("goemotions", [row["text"] for row in rows], np.array(negative), np.array(positive))


def ratings(held_out: bool) -> Labelled:
    """Tweets, product and film reviews and news by the mean rating of twenty people."""
    rows = [
        row for row in _rows("hutto-vader-gt/ground_truth.csv.gz") if (crc32(row["id"].encode()) % 10 == 0) == held_out
    ]
    mean = np.array([float(row["mean_rating"]) for row in rows])
    return Labelled(
        "ratings",
        [row["text"] for row in rows],
        1 / (1 + np.exp((mean - EVEN) * STEEP)),
        1 / (1 + np.exp(-(mean + EVEN) * STEEP)),
    )


def requests() -> list[str]:
    """What people ask an assistant for (clinc150), without labels."""
    return [row["text"] for row in _rows("clinc150/clinc150.csv.gz")]


def measured() -> dict[str, tuple[list[str], NDArray[np.int64]]]:
    """The sets that are only measured on: texts, and 1 for a negative one."""
    sets: dict[str, tuple[list[str], NDArray[np.int64]]] = {}
    rows = _rows("se-sentiment/texts.csv.gz")
    for source in ("StackOverflow", "Jira"):
        chosen = [row for row in rows if row["source"] == source]
        sets[source] = _binary([row["text"] for row in chosen], [row["label"] == "negative" for row in chosen])
    turns = pq.read_table(DATA / "uss/turns.parquet").to_pylist()
    for source in ("SGD", "ReDial"):
        chosen = [
            turn for turn in turns
            if turn["source"] == source and turn["speaker"] == "USER" and turn["text"] != "OVERALL"
            and turn["satisfaction"] is not None
        ]  # fmt: skip
        sets[f"uss {source}"] = _binary(
            [turn["text"] for turn in chosen], [turn["satisfaction"] < 2.75 for turn in chosen]
        )
    rows = _rows("emobank/emobank.csv.gz")
    sets["emobank"] = _binary([row["text"] for row in rows], [float(row["V"]) < 2.75 for row in rows])
    return sets


def _binary(texts: list[str], negative: list[bool]) -> tuple[list[str], NDArray[np.int64]]:
    return texts, np.array(negative, dtype=np.int64)
