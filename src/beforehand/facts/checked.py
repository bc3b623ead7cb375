"""The rows of a file as one SQL relation: read, typed, and each with the reason why it cannot be loaded, or none."""

from __future__ import annotations

from dataclasses import dataclass

from beforehand.facts.files import InputFile
from beforehand.facts.mapping import Columns
from beforehand.facts.quoting import name, text
from beforehand.facts.schema import ID_LIMIT, SHAPES
from beforehand.facts.times import REAL, time_us, zoneless

DAY_US = 86_400_000_000
_ISO = "write ISO 8601, for example 2026-06-10T09:30:00Z, or epoch seconds"


@dataclass(frozen=True)
class Terms:
    """What rows are checked against: the zone of zone-less times, the first and last readable moment, and when it is now.

    `earliest` is how a person wrote the first moment. `arrival` is what stands in for a missing time of arrival:
    "occurred" or "now".
    """

    zone: str
    earliest: str
    earliest_us: int
    now_us: int
    arrival: str


@dataclass(frozen=True)
class Cell:
    """SQL for one column of the file, its type, and its text form."""

    sql: str
    kind: str

    @property
    def text(self) -> str:
        """Trimmed text, NULL where blank; a whole number that a file holds as 12.0 reads as 12."""
        if self.kind == "JSON":
            return f"nullif(trim({self.sql} ->> '$'), '')"
        if self.kind in REAL:
            whole = f"CAST(CAST({self.sql} AS BIGINT) AS VARCHAR)"
            return f"CASE WHEN {self.sql} = trunc({self.sql}) AND abs({self.sql}) < 1e15 THEN {whole} ELSE CAST({self.sql} AS VARCHAR) END"
        return f"nullif(trim(CAST({self.sql} AS VARCHAR)), '')"

    @property
    def typed(self) -> tuple[str, str]:
        """SQL and type for reading a time or number: text where the file has text."""
        if (
            self.kind in ("VARCHAR", "JSON")
            or self.kind.startswith(("STRUCT", "MAP", "ENUM"))
            or self.kind.endswith("[]")
        ):
            return self.text, "VARCHAR"
        return self.sql, self.kind


def cell(file: InputFile, column: str) -> Cell:
    """The SQL of a mapped column: a constant (`=text`), a key or dotted path of a JSON object, or a column."""
    if column.startswith("="):
        return Cell(text(column[1:]), "VARCHAR")
    if file.form == "jsonl":
        keys = [column] if column in file.kinds else column.split(".")
        path = "$" + "".join('."' + key.replace('"', "") + '"' for key in keys)
        return Cell(f"json_extract(doc, {text(path)})", "JSON")
    return Cell(name(column), file.kinds[column])


def checked_sql(table: str, file: InputFile, columns: Columns, terms: Terms) -> str:
    """`SELECT` with: id, account, person (text or NULL), occurred_us, learned_us (NULL: none given), without_zone, reason,
    the table's own columns with their types, and properties. A blank line of JSON lines has the reason ''."""
    shape = SHAPES[table]
    reasons = json_reasons(file)
    given = {role: cell(file, column) for role, column in columns.roles.items()}
    selected: dict[str, str] = {}
    for role in ("account", "person", "id"):
        selected[role] = given[role].text if role in given else "CAST(NULL AS VARCHAR)"
        if role in given:
            reasons.append(length_reason(role, selected[role]))
    reasons.append(
        (
            f"{selected['account']} IS NULL AND coalesce({selected['person']} NOT LIKE '%_@_%', true)",
            "'account is missing'",
        )
    )
    at = next((given[role] for role in ("at", *shape.at_names) if role in given), None)
    assert at is not None, "fit() asks for it"
    at_sql, at_kind = at.typed
    selected["occurred_us"] = time_us(at_sql, at_kind, terms.zone)
    selected["without_zone"] = zoneless(at_sql, at_kind)
    reasons += time_reasons("at", at.text, selected["occurred_us"], terms, required=True)
    selected["learned_us"] = "CAST(NULL AS BIGINT)"
    if "learned" in given:
        sql, kind = given["learned"].typed
        selected["learned_us"] = time_us(sql, kind, terms.zone)
        reasons += time_reasons("learned", given["learned"].text, selected["learned_us"], terms, required=False)
    for column, kind in shape.columns.items():
        selected[column], more = _own(column, kind, given.get(column), terms, column in shape.needs)
        reasons += more
    if shape.properties:
        selected["properties"], more = _properties(file, columns, given.get("properties"))
        reasons += more
    when = " ".join(f"WHEN {test} THEN {say}" for test, say in reasons)
    selected["reason"] = f"CASE {when} END"
    return ", ".join(f"{sql} AS {name(alias)}" for alias, sql in selected.items())


def json_reasons(file: InputFile) -> list[tuple[str, str]]:
    """What can be wrong with a line of JSON lines as a whole; a blank one has the reason ''."""
    if file.form != "jsonl":
        return []
    return [
        ("line IS NULL OR trim(line) = ''", "''"),
        ("doc IS NULL OR json_type(doc) <> 'OBJECT'", "'the line is not a JSON object'"),
    ]


def length_reason(role: str, sql: str) -> tuple[str, str]:
    """An id that is too long to be one."""
    length = f"length({sql})"
    return f"{length} > {ID_LIMIT}", f"concat({text(role)}, ' is ', {length}, ' characters long; at most {ID_LIMIT}')"


def time_reasons(role: str, written: str, us: str, terms: Terms, *, required: bool) -> list[tuple[str, str]]:
    """What can be wrong with a time: missing, unreadable, too early, too far ahead."""
    shown = f"left({written}, 60)"
    reasons = [(f"{written} IS NULL", f"'{role} is missing'")] if required else []
    return [
        *reasons,
        (f"{written} IS NOT NULL AND ({us}) IS NULL", f"concat('{role}: ', {shown}, ' is not a time; {_ISO}')"),
        (
            f"({us}) < {terms.earliest_us}",
            f"concat('{role}: ', {shown}, ' is before {terms.earliest}, the earliest allowed')",
        ),
        (f"({us}) > {terms.now_us + DAY_US}", f"concat('{role}: ', {shown}, ' is more than 24 hours ahead of now')"),
    ]


def _own(column: str, kind: str, given: Cell | None, terms: Terms, needed: bool) -> tuple[str, list[tuple[str, str]]]:
    """One of the table's own columns: its SQL in the table's type, and what can be wrong with it."""
    if given is None:
        return f"CAST(NULL AS {kind})", []
    written = given.text
    if kind == "VARCHAR":
        return written, [(f"{written} IS NULL", f"'{column} is missing'")] if needed else []
    sql, found = given.typed
    if kind == "TIMESTAMP":
        us = time_us(sql, found, terms.zone)
        problem = f"{written} IS NOT NULL AND ({us}) IS NULL"
        return f"make_timestamp({us})", [
            (problem, f"concat('{column}: ', left({written}, 60), ' is not a time; {_ISO}')")
        ]
    number = f"TRY_CAST({sql} AS DOUBLE)"
    return number, [
        (
            f"{written} IS NOT NULL AND {number} IS NULL",
            f"concat('{column}: ', left({written}, 60), ' is not a number')",
        ),
        (f"NOT isfinite({number})", f"concat('{column}: ', {written}, ' is not a finite number')"),
    ]


def _properties(file: InputFile, columns: Columns, base: Cell | None) -> tuple[str, list[tuple[str, str]]]:
    """The free properties as VARIANT: a column of JSON objects, single columns, or both (single ones win)."""
    singles = {key: cell(file, column) for key, column in columns.properties.items()}
    reasons = [
        (f"NOT isfinite({c.sql})", f"concat({text('properties.' + key)}, ': ', {c.sql}, ' is not a finite number')")
        for key, c in singles.items()
        if c.kind in REAL
    ]
    as_json = ", ".join(f"{text(k)}, {c.sql if c.kind == 'JSON' else _plain(c)}" for k, c in singles.items())
    if base is None:
        if not singles:
            return "CAST(NULL AS VARIANT)", reasons
        if any(c.kind == "JSON" for c in singles.values()):
            return f"CAST(CAST(json_object({as_json}) AS JSON) AS VARIANT)", reasons
        packed = ", ".join(f"{name(k)} := {_plain(c)}" for k, c in singles.items())
        return f"CAST(struct_pack({packed}) AS VARIANT)", reasons
    if base.kind.startswith("STRUCT") and not singles:
        return f"CAST({base.sql} AS VARIANT)", reasons
    document = base.sql if base.kind == "JSON" else base.text if base.kind == "VARCHAR" else f"to_json({base.sql})"
    read = f"TRY_CAST({document} AS JSON)"
    reasons.append(
        (
            f"{base.text} IS NOT NULL AND coalesce(json_type({read}), '') NOT IN ('OBJECT', 'NULL')",
            "'properties: not a JSON object'",
        )
    )
    whole = f"json_merge_patch(coalesce({read}, '{{}}'::JSON), json_object({as_json}))" if singles else read
    return f"CAST(CASE WHEN json_type({read}) = 'OBJECT' OR {read} IS NULL THEN {whole} END AS VARIANT)", reasons


def _plain(c: Cell) -> str:
    return c.text if c.kind == "VARCHAR" else c.sql
