"""`text group`: which messages of a file are about the same issue, so that a team can try it on its own texts first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from beforehand.commands.text_lines import Message, Progress, batches_of
from beforehand.errors import InputError, among
from beforehand.text.grouping import Groups, Text
from beforehand.text.machine_made import are_machine_made

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

KINDS = ("auto", "tickets", "errors")
_DIGITS = re.compile(r"\d{1,18}(?:\.\d+)?")
# Seconds since 1970 below this, milliseconds from it on.
_MILLISECONDS = 10**11


def group(
    ws: Workspace | None,
    file: str,
    *,
    kind: str = "auto",
    progress: Progress | None = None,
    standard_input: IO[bytes] | None = None,
) -> Iterator[dict[str, Any]]:
    """Which messages of a file of JSON lines are about the same issue, one at a time; no workspace is needed.

    Returns one object a line and in order: `{"id","group","name"}`; `group` is a number from 1, null where there is
    nothing to read, and `name` the group's most telling phrase. Lines are taken as they come: a later line changes
    nothing that was said of an earlier one. `kind` says whether the texts are `tickets` or `errors` (log
    lines and error texts, which are grouped by their template); `auto` looks at the first 2,000. Raises, after all
    good lines, Problems with the number of each line that cannot be read (at most 50), and InputError where the file is
    not there or the kind is unknown.
    """
    if kind not in KINDS:
        raise InputError(f"There is no kind {kind!r}.", among(kind, KINDS), code="unknown-kind")
    groups = Groups()
    errors = kind == "errors" if kind != "auto" else None
    for part in batches_of(file, progress, standard_input):
        if errors is None:
            errors = are_machine_made(message.text for message in part)
        texts = [_text(message, errors) for message in part]
        for message, number in zip(part, groups.assign(texts), strict=True):
            name = groups.names[number] if number else None
            yield {"id": message.columns["id"], "group": number or None, "name": name, "_text": message.text}
        groups.kept.clear()


def _text(message: Message, error: bool) -> Text:
    columns = message.columns
    return Text(
        message.text,
        _at_us(columns.get("at")),
        _name(columns.get("person")),
        _name(columns.get("account")),
        None,
        error,
    )


def _name(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _at_us(value: Any) -> int | None:
    """A time as microseconds in UTC, from ISO 8601 (no zone: UTC), seconds or milliseconds; None if neither."""
    said = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if _DIGITS.fullmatch(said):
        seconds = float(said) / (1000 if float(said) >= _MILLISECONDS else 1)
        return int(seconds * 1_000_000) if seconds < _MILLISECONDS else None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000)
