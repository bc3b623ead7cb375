"""`uplift`: what the arms of an experiment in a file came to, against its control. Needs no workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from beforehand.errors import InputError, Problem, Problems, among
from beforehand.facts.quoting import name as quoted
from beforehand.proof import arms_of, effect, ratio
from beforehand.signals.numbers import Float

YES, NO = ("true", "yes", "t", "y"), ("false", "no", "f", "n")
MOST_PROBLEMS = 50
MOST_ARMS = 50


def uplift(
    file: Path, *, arm: str, control: str, outcome: str, shares: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """The difference of each arm to the control, each with interval, p-value and what could have been seen.

    One row of the file (CSV, JSON lines or Parquet, also compressed) is one account or person; `outcome` is a number,
    or yes and no. `shares` are what the arms were drawn for, equal where left out. An arm without rows is told apart.
    Raises InputError for a file, column or control there is none of, Problems for outcomes that are no numbers.
    """
    outcomes = _read(file, arm, outcome)
    if control not in outcomes:
        raise InputError(
            f"No row of {file.name} has {arm} = {control!r}.", among(control, outcomes), code="unknown-arm"
        )
    unknown = next((name for name in shares or {} if name not in outcomes), None)
    if unknown is not None:
        raise InputError(f"No row of {file.name} has {arm} = {unknown!r}.", among(unknown, outcomes), "unknown-arm")
    missing = next((name for name in outcomes if shares and name not in shares), None)
    if missing is not None:
        raise InputError(
            f"The share of {missing!r} is not given.", "Give the share of every arm, or of none.", code="unknown-arm"
        )
    return compared(outcomes, control, outcome, shares)


def compared(
    outcomes: Mapping[str, Float], control: str, outcome: str, shares: Mapping[str, float] | None
) -> dict[str, Any]:
    """The arms, the difference of each to the control, and the check of their sizes, as plain data."""
    arms = arms_of(outcomes)
    base = next(a for a in arms if a.name == control)
    effects = [effect(a, base) for a in arms if a.name != control]
    found = ratio(arms, shares)
    seen = [e.detectable for e in effects if not np.isnan(e.detectable)]
    return {
        "outcome": outcome,
        "control": control,
        "shares": base.shares,
        "arms": [{"arm": a.name, "n": a.n, "mean": _number(a.mean)} for a in arms],
        "effects": [
            {
                "arm": e.arm, "effect": _number(e.effect), "lower": _number(e.lower), "upper": _number(e.upper),
                "p": _number(e.p), "detectable": _number(e.detectable), "standing": e.standing,
            }
            for e in effects
        ],
        "ratio_check": {"ok": found.ok, "p": found.p, "expected": found.expected},
        "detectable": max(seen) if seen else None,
    }  # fmt: skip


def read_shares(written: Sequence[str] | None) -> dict[str, float] | None:
    """`ARM=SHARE` as typed; InputError where one is not a number above 0, None where nothing is given."""
    found: dict[str, float] = {}
    for text in written or ():
        name, _, number = text.rpartition("=")
        try:
            found[name.strip()] = share = float(number)
        except ValueError:
            share = 0.0
        if not name.strip() or not 0 < share < float("inf"):
            raise InputError(f"{text!r} is no share of an arm.", "Write for example --share control=0.1.", "bad-share")
    return found or None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _read(file: Path, arm: str, outcome: str) -> dict[str, Float]:
    """The outcomes of each arm, in the order of their names."""
    if not file.is_file():
        raise InputError(
            f"{file} cannot be read: there is no such file.", "Give the file of the experiment.", "no-file"
        )
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        try:
            columns = _lay(connection, file, arm, outcome)
            bad = connection.execute(
                "SELECT line, arm, said FROM laid WHERE coalesce(arm, '') = '' OR value IS NULL OR NOT isfinite(value) "
                f"ORDER BY line LIMIT {MOST_PROBLEMS}"
            ).fetchall()
            names = [name for (name,) in connection.execute("SELECT DISTINCT arm FROM laid ORDER BY arm").fetchall()]
            if not bad and len(names) <= MOST_ARMS:
                found = {
                    name: connection.execute("SELECT value FROM laid WHERE arm = ?", [name]).fetchnumpy()["value"]
                    for name in names
                }
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
            raise InputError(
                f"{file.name} cannot be read: {said}", "Is it CSV, JSON lines or Parquet?", code="damaged"
            ) from None
    if bad:
        raise Problems([_problem(file, line, arm, name, outcome, said) for line, name, said in bad])
    if not names:
        raise InputError(f"{file.name} holds no rows.", "One row is one account or person.", code="empty-file")
    if len(names) > MOST_ARMS:
        raise InputError(
            f"{arm} has {len(names):,} values; an experiment has at most {MOST_ARMS} arms.",
            f"Columns of {file.name}: {', '.join(columns)}.",
            code="unknown-arm",
        )
    return {name: np.asarray(values, dtype=np.float64) for name, values in found.items()}


def _lay(connection: duckdb.DuckDBPyConnection, file: Path, arm: str, outcome: str) -> list[str]:
    """Reads the file into the table `laid`: line, arm, value (NULL: none), and what was said; returns the columns."""
    relation = connection.from_query(f"SELECT * FROM {_reader(file)}", params=[str(file)])
    columns = [str(column) for column in relation.columns]
    for column in (arm, outcome):
        if column not in columns:
            raise InputError(f"{file.name} has no column {column!r}.", among(column, columns), code="missing-column")
    text = f"CAST({quoted(outcome)} AS VARCHAR)"
    relation.project(
        f"row_number() OVER () + 1 AS line, trim(CAST({quoted(arm)} AS VARCHAR)) AS arm, {text} AS said, "
        f"CASE WHEN lower(trim({text})) IN {YES} THEN 1.0 WHEN lower(trim({text})) IN {NO} THEN 0.0 "
        f"ELSE TRY_CAST({text} AS DOUBLE) END AS value"
    ).create("laid")
    return columns


def _problem(file: Path, line: int, arm: str, name: str | None, outcome: str, said: str | None) -> Problem:
    if not name:
        return Problem(file.name, line, "bad-row", f"{arm} is empty: nobody can say which arm this is.")
    shown = "empty" if said is None else f"{said[:40]!r}, which is no number and neither yes nor no"
    return Problem(file.name, line, "bad-row", f"{outcome} is {shown}.")


def _reader(file: Path) -> str:
    """The engine's reader for a file, by its ending; the path is its parameter."""
    name = file.name.lower().removesuffix(".gz").removesuffix(".zst")
    if name.endswith((".parquet", ".pq")):
        return "read_parquet(?)"
    if name.endswith((".json", ".jsonl", ".ndjson")):
        return "read_json_auto(?)"
    return "read_csv(?, all_varchar = true, header = true)"
