"""Counts in how many of 1,000 plain English texts each common word stands, for the first idea of what is telling.

Reads goemotions-group (Apache-2.0) and clinc150 (CC BY 3.0) of BEFOREHAND_DATA, and writes
src/beforehand/text/weights/plain.txt: a word's stem and its count in 1,000 texts, the commonest first.
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from beforehand.text.vectors import read

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("BEFOREHAND_DATA", ROOT.parent / "shared" / "data"))
WRITTEN = ROOT / "src" / "beforehand" / "text" / "weights" / "plain.txt"
MOST = 2_000


def texts() -> Iterator[str]:
    """The texts counted."""
    for name in ("goemotions-group/goemotions.csv.gz", "clinc150/clinc150.csv.gz"):
        with gzip.open(DATA / name, "rt", encoding="utf-8", newline="") as file:
            yield from (row["text"] for row in csv.DictReader(file) if row["split"] == "train")


def main() -> None:
    """Counts and writes."""
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not there: set BEFOREHAND_DATA.")
    counts: Counter[str] = Counter()
    read_texts = 0
    for text in texts():
        read_texts += 1
        counts.update({word for word in read(text).words if word.isalpha() and word.isascii()})
    kept = counts.most_common(MOST)
    lines = [f"{word} {1000 * count / read_texts:.2f}" for word, count in kept]
    WRITTEN.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} words of {read_texts:,} texts, {WRITTEN.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
