"""The rows of a file as SQL: read, typed, and each with the reason why it cannot be loaded, or none.

Three layers, so that the engine does each piece of work once: the cells as they stand in the file (trimmed text, or
typed), what they are read as, and what is wrong with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from beforehand.facts.files import REFUSED, InputFile
from beforehand.facts.mapping import Columns
from beforehand.facts.quoting import name, text
from beforehand.facts.schema import ID_LIMIT, SHAPES
from beforehand.facts.times import REAL, time_us, zoneless

DAY_US = 86_400_000_000
_ISO = "write ISO 8601, for example 2026-06-10T09:30:00Z, or epoch seconds"


@dataclass(frozen=True)
class Terms:
    """What rows are checked against: the zone of times without one, the first and last moment, and when it is now.

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
    """SQL for one column of the file, and its type."""

    sql: str
    kind: str

    @property
    def text(self) -> str:
        """Trimmed text, NULL where blank; a whole number that a file holds as 12.0 reads as 12."""
        if self.kind == "JSON":
            return f"nullif(trim({self.sql} ->> '$'), '')"
        if self.kind in REAL:
            whole = f"{self.sql} = trunc({self.sql}) AND abs({self.sql}) < 1e15"
            cast = f"CAST(CAST({self.sql} AS BIGINT) AS VARCHAR)"
            return f"CASE WHEN {whole} THEN {cast} ELSE CAST({self.sql} AS VARCHAR) END"
        if self.kind == "VARCHAR":
            return f"nullif(trim({self.sql}), '')"
        return f"CAST({self.sql} AS VARCHAR)"

    @property
    def typed(self) -> tuple[str, str]:
        """SQL and type for reading a time or number: text where the file has text."""
        textual = ("VARCHAR", "JSON", "STRUCT", "MAP", "ENUM")
        if self.kind.startswith(textual) or self.kind.endswith("[]"):
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


@dataclass
class Reading:
    """The three layers of a file being read. `cells` and `values` map names to SQL; `reasons` are (test, words)."""

    file: InputFile
    terms: Terms
    cells: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    reasons: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.file.form == "jsonl":
            # A blank line is nobody's fault: its reason is ''.
            self.cells["blank"] = "coalesce(trim(line), '') = ''"
            self.cells["broken"] = "coalesce(json_type(doc) <> 'OBJECT', true)"
            self.reasons += [("blank", "''"), ("broken", "'the line is not a JSON object'")]
        if REFUSED in self.file.kinds:
            self.cells["refusal"] = cell(self.file, REFUSED).text
            self.reasons.append(("refusal IS NOT NULL", "refusal"))

    def text(self, role: str, given: Cell | None) -> None:
        """A column that is read as text."""
        self.values[role] = "CAST(NULL AS VARCHAR)"
        if given is not None:
            self.cells[f"v_{role}"] = given.text
            self.values[role] = name(f"v_{role}")

    def identifier(self, role: str, given: Cell | None) -> None:
        """An id: text that is not too long to be one."""
        self.text(role, given)
        if given is not None:
            length = f"length({name(role)})"
            # strlen is free, and no text has more characters than bytes.
            too_long = f"strlen({name(role)}) > {ID_LIMIT} AND {length} > {ID_LIMIT}"
            self.reasons.append(
                (too_long, f"concat({text(role)}, ' is ', {length}, ' characters long; at most {ID_LIMIT}')")
            )

    def needed(self, role: str) -> None:
        """A text without which a row cannot be loaded."""
        self.reasons.append((f"{name(role)} IS NULL", text(f"{role} is missing")))

    def moment(self, role: str, given: Cell, alias: str) -> None:
        """A time, as UTC microseconds under `alias`; what cannot be read is a reason."""
        sql, kind = given.typed
        raw = name(f"v_{role}")
        self.cells[f"v_{role}"] = sql
        self.values[f"v_{role}"] = raw
        self.values[alias] = time_us(raw, kind, self.terms.zone)
        wrong = f"{raw} IS NOT NULL AND {name(alias)} IS NULL"
        self.reasons.append((wrong, f"concat('{role}: ', {_shown(raw)}, ' is not a time; {_ISO}')"))

    def within(self, role: str, alias: str) -> None:
        """A time that must not lie before the earliest or ahead of now."""
        shown = _shown(name(f"v_{role}"))
        early = f"concat('{role}: ', {shown}, ' is before {self.terms.earliest}, the earliest allowed')"
        ahead = f"concat('{role}: ', {shown}, ' is more than 24 hours ahead of now')"
        self.reasons.append((f"{name(alias)} < {self.terms.earliest_us}", early))
        self.reasons.append((f"{name(alias)} > {self.terms.now_us + DAY_US}", ahead))

    def number(self, role: str, given: Cell) -> None:
        """A finite number."""
        raw = name(f"v_{role}")
        self.cells[f"v_{role}"] = given.typed[0]
        self.values[f"v_{role}"] = raw
        self.values[role] = f"TRY_CAST({raw} AS DOUBLE)"
        wrong = f"{raw} IS NOT NULL AND {name(role)} IS NULL"
        self.reasons.append((wrong, f"concat('{role}: ', {_shown(raw)}, ' is not a number')"))
        self.reasons.append((f"NOT isfinite({name(role)})", f"concat('{role}: ', {raw}, ' is not a finite number')"))

    def arrival(self, given: dict[str, Cell], at_names: tuple[str, ...]) -> None:
        """`occurred_us`, `learned_us` (NULL: none given) and `without_zone`."""
        at = next((r for r in at_names if r in given), None)
        self.values |= {"occurred_us": "CAST(NULL AS BIGINT)", "without_zone": "false"}
        self.values["learned_us"] = "CAST(NULL AS BIGINT)"
        if at is not None:
            self.moment("at", given[at], "occurred_us")
            self.within("at", "occurred_us")
            self.values["without_zone"] = zoneless(name("v_at"), given[at].typed[1])
        if "learned" in given:
            self.moment("learned", given["learned"], "learned_us")
            self.within("learned", "learned_us")

    def sql(self) -> tuple[str, str, str]:
        """What each layer selects: of the file, of the cells, of the values."""
        when = " ".join(f"WHEN {test} THEN {say}" for test, say in self.reasons)
        kept = [alias for alias in ("blank", "broken", "refusal") if alias in self.cells]
        first = ", ".join(f"{sql} AS {name(alias)}" for alias, sql in self.cells.items()) or "1 AS nothing"
        second = ", ".join([*kept, *(f"{sql} AS {name(alias)}" for alias, sql in self.values.items())])
        shown = [alias for alias in self.values if not alias.startswith("v_")]
        third = ", ".join(
            [*map(name, shown), f"CASE {when} END AS refused" if when else "CAST(NULL AS VARCHAR) AS refused"]
        )
        return first, second, third


def _shown(raw: str) -> str:
    return f"left(CAST({raw} AS VARCHAR), 60)"


def checked(table: str, file: InputFile, columns: Columns, terms: Terms) -> Reading:
    """The rows of a fact table: id, account, person, occurred_us, learned_us, without_zone, refused,
        its own columns with
    their types, and properties."""
    shape, reading = SHAPES[table], Reading(file, terms)
    given = {role: cell(file, column) for role, column in columns.roles.items()}
    for role in ("account", "person", "id"):
        reading.identifier(role, given.get(role))
    reading.reasons.append(("account IS NULL AND person IS NULL", "'account is missing'"))
    reading.arrival(given, ("at", *shape.at_names))
    reading.reasons.append(("v_at IS NULL", "'at is missing'"))
    for column, kind in shape.columns.items():
        if column not in given:
            reading.values[column] = f"CAST(NULL AS {kind})"
        elif kind == "VARCHAR":
            reading.text(column, given[column])
            if column in shape.needs:
                reading.needed(column)
        elif kind == "TIMESTAMP":
            reading.moment(column, given[column], f"v_{column}_us")
            reading.values[column] = f"make_timestamp({reading.values[f'v_{column}_us']})"
        else:
            reading.number(column, given[column])
    if shape.properties:
        _properties(reading, columns, given.get("properties"))
    return reading


def _properties(reading: Reading, columns: Columns, base: Cell | None) -> None:
    """The free properties as VARIANT: a column of JSON objects, single columns, or both (single ones win)."""
    singles = {key: cell(reading.file, column) for key, column in columns.properties.items()}
    for key, c in singles.items():
        if c.kind in REAL:
            raw = name(f"v_properties.{key}")
            reading.cells[f"v_properties.{key}"] = c.sql
            reading.values[f"v_properties.{key}"] = raw
            words = f"concat({text('properties.' + key)}, ': ', {raw}, ' is not a finite number')"
            reading.reasons.append((f"NOT isfinite({raw})", words))
    as_json = ", ".join(f"{text(k)}, {c.sql if c.kind == 'JSON' else _plain(c)}" for k, c in singles.items())
    reading.values["properties"] = name("v_properties")
    if base is None:
        reading.cells["v_properties"] = "CAST(NULL AS VARIANT)"
        if any(c.kind == "JSON" for c in singles.values()):
            reading.cells["v_properties"] = f"CAST(CAST(json_object({as_json}) AS JSON) AS VARIANT)"
        elif singles:
            packed = ", ".join(f"{name(k)} := {_plain(c)}" for k, c in singles.items())
            reading.cells["v_properties"] = f"CAST(struct_pack({packed}) AS VARIANT)"
        return
    if base.kind.startswith("STRUCT") and not singles:
        reading.cells["v_properties"] = f"CAST({base.sql} AS VARIANT)"
        return
    document = base.sql if base.kind == "JSON" else base.text if base.kind == "VARCHAR" else f"to_json({base.sql})"
    read = f"TRY_CAST({document} AS JSON)"
    whole = f"json_merge_patch(coalesce({read}, '{{}}'::JSON), json_object({as_json}))" if singles else read
    reading.cells["v_odd"] = f"{base.text} IS NOT NULL AND coalesce(json_type({read}), '') NOT IN ('OBJECT', 'NULL')"
    reading.cells["v_properties"] = (
        f"CAST(CASE WHEN json_type({read}) = 'OBJECT' OR {read} IS NULL THEN {whole} END AS VARIANT)"
    )
    reading.values["v_odd"] = "v_odd"
    reading.reasons.append(("v_odd", "'properties: not a JSON object'"))


def _plain(c: Cell) -> str:
    return c.text if c.kind == "VARCHAR" else c.sql
