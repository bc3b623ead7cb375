"""`text tone`: how each message of a file sounds, so that a team can try the reader on its own texts first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any

from beforehand.commands.text_lines import Message, read_messages_file
from beforehand.errors import InputError, Problem, Problems, among
from beforehand.text import Reader, Tone, read_messages
from beforehand.workspace.spec import SettingsSpec, TextSpec

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

# Messages read at once: as many as make a batch worth while, few enough (and short enough) that memory stays flat.
TOGETHER = 2_000
CHARACTERS_TOGETHER = 8_000_000
SHOWN_WORDS = 5
MOST_PROBLEMS = 50
READERS = ("base", "encoder", "endpoint")

Progress = Callable[[str, int, int], None]


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
    problems: list[Problem] = []
    left_out = 0

    def bad(problem: Problem) -> None:
        nonlocal left_out
        left_out += 1
        if len(problems) < MOST_PROBLEMS:
            problems.append(problem)

    def done(read: int, size: int) -> None:
        if progress and size:
            progress("reading", read, size)

    messages = read_messages_file(file, bad, done, standard_input)
    for part in _parts(messages):
        tones = read_messages([message.text for message in part], chosen)
        for message, found in zip(part, tones, strict=True):
            yield _row(message, found)
    if problems:
        if left_out > len(problems):
            more = f"{left_out - len(problems):,} more lines cannot be read."
            problems.append(Problem(problems[-1].file, None, "bad-row", more))
        raise Problems(problems)


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


def _parts(messages: Iterable[Message]) -> Iterator[list[Message]]:
    part: list[Message] = []
    held = 0
    for message in messages:
        part.append(message)
        held += len(message.text)
        if len(part) == TOGETHER or held > CHARACTERS_TOGETHER:
            yield part
            part, held = [], 0
    if part:
        yield part


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
