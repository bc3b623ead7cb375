"""`text tone`: how each message of a file sounds, so that a team can try the reader on its own texts first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from beforehand.commands.text_lines import Message, Progress, batches_of
from beforehand.errors import InputError, among
from beforehand.text import Reader, Tone, read_messages
from beforehand.workspace.spec import SettingsSpec, TextSpec

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

SHOWN_WORDS = 5
READERS = ("base", "encoder", "endpoint")


def tone(
    ws: Workspace | None,
    file: str,
    *,
    reader: str | None = None,
    progress: Progress | None = None,
    standard_input: IO[bytes] | None = None,
) -> Iterator[dict[str, Any]]:
    """How each message of a file of JSON lines sounds, one at a time; no workspace is needed.

    Returns one object a line and in order: `{"id","negative","positive","sentiment","frustration","gratitude",
    "urgency","words","weights","rest","language","unsure","reason","cut","manner"}`, with `account`, `person` and `at`
    as they came. `negative` and its
    fellows are chances from 0 to 1, `sentiment` goes from -1 to 1; all are null where `unsure`, and `reason` says why.
    `words` are the at most five that weighed most and `weights` what each added to the log-odds of `negative`; with
    `rest` (all other words and the model's own base) they sum to it. `reader` overrides `text: reader:` of
    beforehand.yaml. Raises, after all good lines, Problems with the number of each line that cannot be read (at most
    50), and InputError where the file or the reader is not there.
    """
    chosen = reader_of(ws.folder.settings.text if ws else TextSpec(), reader)
    for part in batches_of(file, progress, standard_input):
        tones = read_messages([message.text for message in part], chosen)
        for message, found in zip(part, tones, strict=True):
            yield _row(message, found)


def reader(settings: SettingsSpec) -> Callable[[], Reader]:
    """What gives the reader of a workspace, made when it is first asked for."""
    return lambda: reader_of(settings.text)


def reader_of(settings: TextSpec, name: str | None = None) -> Reader:
    """The reader a workspace asks for, or the one named; InputError or EngineError where it cannot be had."""
    name = name or settings.reader
    if name not in READERS:
        raise InputError(f"There is no reader {name!r}.", among(name, READERS), code="unknown-reader")
    if name == "encoder":
        from beforehand.text.encoder import encoder

        return encoder()
    if name == "endpoint":
        from beforehand.commands.text_endpoint import Endpoint

        return Endpoint.of(settings)
    from beforehand.text import base_model

    return base_model()


def _row(message: Message, found: Tone) -> dict[str, Any]:
    shown = found.words[:SHOWN_WORDS]
    rest = found.rest
    if rest is not None:
        rest = round(rest + math.fsum(word.weight for word in found.words[SHOWN_WORDS:]), 6)
    return {
        **message.columns,
        "negative": _short(found.negative),
        "positive": _short(found.positive),
        "sentiment": _short(found.sentiment),
        "frustration": _short(found.frustration),
        "gratitude": _short(found.gratitude),
        "urgency": _short(found.urgency),
        "words": [word.text for word in shown],
        "weights": [None if math.isnan(word.weight) else round(word.weight, 6) for word in shown],
        "rest": rest,
        "language": found.language,
        "unsure": found.unsure,
        "reason": found.reason or None,
        "cut": sorted(found.cut),
        "manner": {
            "words": found.manner.words,
            "greeting": found.manner.greeting,
            "thanks": found.manner.thanks,
            "please": found.manner.please,
            "exclamations": found.manner.exclamations,
            "questions": found.manner.questions,
            "hedges": found.manner.hedges,
            "shouting": round(found.manner.shouting, 3),
        },
        "_read": found.text,
        "_places": [(word.start, word.end, word.weight) for word in shown],
    }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
