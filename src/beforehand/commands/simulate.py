"""`simulate`: a made-up company in a folder of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from beforehand.errors import EngineError


def simulate(
    folder: Path, *, end: datetime, accounts: int = 300, days: int = 540, seed: int = 7, incidents: bool = False
) -> dict[str, Any]:
    """Writes the company whose history ends where the day of `end` (aware) begins, UTC.

    Returns `{"workspace", "first_on", "end_on", "rows", "next"}`; `next` are the commands that load it and run it.
    Raises InputError where the folder is not empty or a number is out of range, EngineError where it cannot be written.
    """
    from beforehand.simulate import simulate as make

    try:
        made = make(
            folder.absolute(),
            end_on=end.astimezone(UTC).date(),
            accounts=accounts,
            days=days,
            seed=seed,
            incidents=incidents,
        )
    except OSError as error:
        raise EngineError(
            f"{error.filename or folder} cannot be written: {error.strerror}.",
            "Look at the rights and the free space.",
            "disk",
        ) from error
    return {
        "workspace": made.folder, "first_on": made.first_on, "end_on": made.end_on, "rows": made.rows,
        "next": [*(" ".join(words) for words in made.loads()), f"run --now {made.end_on}", "alerts", "backtest"],
    }  # fmt: skip
