"""Averages the sets of adapters that teach.py kept, and writes them into weights/encoder.npz.

    .venv/bin/python scripts/tone/average.py

What is averaged are the weights, not the answers (Wortsman et al. 2022, "Model soups"), so that several sets cost no
more to read by than one: the mean of A1 B1 and A2 B2 is one product, of the matrices beside each other.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

KEPT = Path(os.environ.get("BEFOREHAND_TEACHING", Path(tempfile.gettempdir()) / "beforehand-teaching"))
WEIGHTS = Path(str(files("beforehand.text") / "weights" / "encoder.npz"))
# The sets that are averaged, and the seed each is taught with.
SEEDS = {"plain": 1, "told": 2}

Table = NDArray[np.float32]


def keep(what: str, adapters: Sequence[tuple[Table, Table]], head: Table) -> None:
    """Keeps one set."""
    KEPT.mkdir(parents=True, exist_ok=True)
    stored = {"head": head}
    for at, (a, b) in enumerate(adapters):
        stored[f"a{at}"], stored[f"b{at}"] = a, b
    np.savez(_place(what), **stored)


def _place(what: str) -> Path:
    return KEPT / f"adapters-{what}.npz"


def main() -> None:
    """Reads what is kept, averages, writes in float16."""
    missing = [what for what in SEEDS if not _place(what).is_file()]
    if missing:
        raise SystemExit(f"{KEPT} has no adapters of {' and '.join(missing)}: run teach.py {missing[0]} first.")
    parts = [dict(np.load(_place(what))) for what in SEEDS]
    # Until mix.py has weighed the encoder against the base reader, it speaks alone.
    stored = {"mixing": np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])}
    stored["head"] = np.mean([part["head"] for part in parts], axis=0).astype(np.float16)
    for name in (name for name in parts[0] if name != "head"):
        if name.startswith("a"):
            stored[name] = np.concatenate([part[name] for part in parts], axis=1).astype(np.float16)
        else:
            stored[name] = (np.concatenate([part[name] for part in parts]) / len(parts)).astype(np.float16)
    np.savez_compressed(WEIGHTS, **stored)
    print(f"{len(parts)} sets, {WEIGHTS.stat().st_size / 1e6:.2f} MB; now train.py --taught, then mix.py")


if __name__ == "__main__":
    main()
