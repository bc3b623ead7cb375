"""The two sets of adapters in encoder.npz, averaged, and the first of them alone, which teaches the base reader.

What is averaged are the weights, not the answers (Wortsman et al. 2022, "Model soups"), so that two cost no more to
read by than one. Of each matrix the file holds the ranks of both sets beside each other, each at half its strength.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float32]
RANK = 16
MATRICES = 36


def averaged(first: Mapping[str, Any], second: Mapping[int, tuple[Table, Table]], head: Table) -> dict[str, Any]:
    """What is stored of both. `second` has the matrices it taught by their number; the others it left as they were."""
    stored: dict[str, Any] = {
        "head": ((first["head"].astype(np.float32) + head) / 2).astype(np.float16),
        "first_head": first["head"].astype(np.float16),
        "mixing": first["mixing"],
    }
    for at in range(MATRICES):
        a, b = [first[f"a{at}"].astype(np.float32)], [first[f"b{at}"].astype(np.float32)]
        if at in second:
            a.append(second[at][0])
            b.append(second[at][1])
        stored[f"a{at}"] = np.concatenate(a, 1).astype(np.float16)
        stored[f"b{at}"] = (np.concatenate(b, 0) / 2).astype(np.float16)
    return stored


def first_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The first set alone, as teach.py wrote it."""
    if "first_head" not in stored:
        return {name: np.asarray(stored[name]) for name in stored}
    alone: dict[str, Any] = {"head": np.asarray(stored["first_head"]), "mixing": np.asarray(stored["mixing"])}
    for at in range(MATRICES):
        alone[f"a{at}"], alone[f"b{at}"] = stored[f"a{at}"][:, :RANK], stored[f"b{at}"][:RANK] * np.float16(2)
    return alone
