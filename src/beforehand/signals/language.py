"""`parse`: from what a person wrote to the typed tree, or to an error that helps."""

from __future__ import annotations

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from beforehand.calendar import Grain
from beforehand.errors import among
from beforehand.signals.grammar import grammar_for, told
from beforehand.signals.repair import nearest_sentence
from beforehand.signals.sentence_error import SentenceError
from beforehand.signals.spoken import Misfit
from beforehand.signals.transform import Meaning
from beforehand.signals.tree import Sentence
from beforehand.signals.vocabulary import Vocabulary

LONGEST_TEXT = 1000
DEEPEST = 20


def parse(text: str, vocabulary: Vocabulary, default: Grain = Grain.WEEK) -> Sentence:
    """What a sentence means; SentenceError with column, reason, what could stand there, and the nearest right one.

    `default` is the grain where the sentence names no unit.
    """
    try:
        return _read(text, vocabulary, default)
    except SentenceError as error:
        if error.suggestion is not None or len(text) > LONGEST_TEXT:
            raise
        near = nearest_sentence(error.text, vocabulary, lambda candidate: _reads(candidate, vocabulary, default))
        raise SentenceError(
            error.reason,
            error.text,
            error.column,
            error.width,
            advice=error.advice,
            expected=error.expected,
            suggestion=near,
        ) from None


def _reads(text: str, vocabulary: Vocabulary, default: Grain) -> bool:
    try:
        _read(text, vocabulary, default)
    except SentenceError:
        return False
    return True


def _read(text: str, vocabulary: Vocabulary, default: Grain) -> Sentence:
    line = " ".join(text.split())
    if not line:
        raise SentenceError("There is no sentence.", line, advice="For example: logins below 2 per week for 3 weeks")
    if len(line) > LONGEST_TEXT:
        raise SentenceError(
            f"A sentence of {len(line)} characters; at most {LONGEST_TEXT}.",
            line[:60] + " ...",
            advice="Split it: `all of:` and `any of:` take a list of sentences.",
        )
    if line.count("(") > DEEPEST:
        raise SentenceError(f"More than {DEEPEST} parentheses.", line, line.index("(") + 1)
    try:
        found = grammar_for(vocabulary).parse(line)
    except UnexpectedInput as error:
        raise _misread(line, error, vocabulary) from None
    try:
        condition, subject, population = Meaning(vocabulary, default).transform(found)
    except VisitError as error:
        if isinstance(error.orig_exc, Misfit):
            raise _misfit(line, error.orig_exc, vocabulary, default) from None
        raise
    return Sentence(line, condition, subject, population)


def _misfit(line: str, error: Misfit, vocabulary: Vocabulary, default: Grain) -> SentenceError:
    suggestion = None
    if error.repair is not None:
        mended = " ".join((line[: error.start] + error.repair + line[error.end :]).split())
        suggestion = mended if _reads(mended, vocabulary, default) else None
    return SentenceError(
        error.reason, line, error.start + 1, error.end - error.start, advice=error.advice, suggestion=suggestion
    )


def _misread(line: str, error: UnexpectedInput, vocabulary: Vocabulary) -> SentenceError:
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position = len(line) if at_end or error.pos_in_stream is None else error.pos_in_stream
    while position < len(line) and line[position] in " ,":
        position += 1
    word = line[position:].split(" ")[0].rstrip(",") if position < len(line) else ""
    allowed: set[str] = set()
    if isinstance(error, UnexpectedCharacters):
        allowed = set(error.allowed or ())
    elif isinstance(error, UnexpectedToken):
        allowed = set(error.accepts or error.expected or ())
    allowed.discard("BLANK")
    if not word:
        reason = "The sentence stops too early."
    elif "METRIC" in allowed and not vocabulary.open_words:
        reason = f"{word!r} is not something that is counted here."
    else:
        reason = f"{word!r} is not understood here."
    advice = ""
    if "METRIC" in allowed and not vocabulary.open_words:
        advice = "Metrics: " + among(word, vocabulary.says.values())
    return SentenceError(reason, line, position + 1, len(word), advice=advice, expected=told(allowed))
