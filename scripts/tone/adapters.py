"""The two sets of adapters in encoder.npz, averaged, and the first of them alone, which teaches the base reader.

What is averaged are the weights, not the answers (Wortsman et al. 2022, "Model soups"), so that two cost no more to
read by than one. Of each matrix the file holds the ranks of both sets beside each other, and `strength` how much each
rank counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float32]
RANK = 16
MATRICES = 36
# How much the second set counts: chosen on emobank and the held-out part of goemotions, see reading-tone.md.
SECOND = 0.35


def averaged(first: Mapping[str, Any], second: Mapping[int, tuple[Table, Table]], head: Table) -> dict[str, Any]:
    """What is stored of both. `second` has the matrices it taught by their number; the others it left as they were."""
    stored: dict[str, Any] = {
        "head": ((1 - SECOND) * first["head"].astype(np.float32) + SECOND * head).astype(np.float16),
        "first_head": first["head"].astype(np.float16),
        "mixing": first["mixing"],
        "strength": np.repeat(np.array([1 - SECOND, SECOND], np.float32), RANK),
    }
    for at in range(MATRICES):
        a, b = [first[f"a{at}"]], [first[f"b{at}"]]
        if at in second:
            a.append(second[at][0].astype(np.float16))
            b.append(second[at][1].astype(np.float16))
        stored[f"a{at}"], stored[f"b{at}"] = np.concatenate(a, 1), np.concatenate(b, 0)
    return stored


def first_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The first set alone, as teach.py wrote it."""
    alone = {"mixing": np.asarray(stored["mixing"]), "strength": np.ones(RANK, np.float32)}
    alone["head"] = np.asarray(stored["first_head" if "first_head" in stored else "head"])
    for at in range(MATRICES):
        alone[f"a{at}"], alone[f"b{at}"] = stored[f"a{at}"][:, :RANK], stored[f"b{at}"][:RANK]
    return alone
