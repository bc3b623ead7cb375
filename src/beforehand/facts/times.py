"""Times as files hold them, read by the engine into UTC microseconds."""

from __future__ import annotations

from beforehand.facts.quoting import text as quoted

NAIVE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE")
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
REAL = ("FLOAT", "DOUBLE")

# A time of day followed by Z, an offset or the name of a zone.
_ZONED = r"'[T ][0-9]{2}.*([A-Za-z]|[+-][0-9]{2}(:?[0-9]{2})?)$'"
_BASIC = r"'^([0-9]{4})-?([0-9]{2})-?([0-9]{2})T([0-9]{2}):?([0-9]{2}):?([0-9]{2})'"


def time_us(column: str, kind: str, zone: str) -> str:
    """SQL that reads a column of the DuckDB type `kind` as UTC microseconds; NULL where it is no time.

    Text may be ISO 8601 (extended or basic, `T` or a space, comma or point) or epoch digits; whole numbers are epoch
    seconds, milliseconds, microseconds or nanoseconds by their size. A time without zone is one of `zone` (the
    session's zone, for text); an hour that the clocks repeat is its second pass, one they skip is moved on by an hour.
    """
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"CASE WHEN isfinite({column}) THEN epoch_us({column}) END"
    if kind.startswith(NAIVE):
        local = f"CAST({column} AS TIMESTAMP)"
        there = local if zone == "UTC" else f"timezone({quoted(zone)}, {local})"
        return f"CASE WHEN isfinite({column}) THEN epoch_us({there}) END"
    if kind in WHOLE or kind in REAL or kind.startswith("DECIMAL"):
        return _epoch(f"CAST({column} AS DOUBLE)" if kind in REAL else f"CAST({column} AS HUGEINT)", kind in REAL)
    return (
        f"COALESCE(CASE WHEN {column} LIKE '____-%' THEN epoch_us(TRY_CAST({column} AS TIMESTAMPTZ)) END, "
        f"CASE WHEN regexp_full_match({column}, '-?[0-9]{{9,19}}([.][0-9]+)?') THEN "
        f"{_epoch(f'TRY_CAST({column} AS DOUBLE)', True)} "
        f"WHEN regexp_full_match({column}, '[0-9]{{8}}') THEN epoch_us(TRY_CAST("
        f"concat_ws('-', {column}[1:4], {column}[5:6], {column}[7:8]) AS TIMESTAMPTZ)) "
        f"ELSE epoch_us(TRY_CAST(regexp_replace(replace(upper({column}), ',', '.'), {_BASIC}, "
        "'\\1-\\2-\\3T\\4:\\5:\\6') AS TIMESTAMPTZ)) END)"
    )


def zoneless(column: str, kind: str) -> str:
    """SQL that says whether a readable time came without zone."""
    if kind.startswith(("TIMESTAMP WITH TIME ZONE", "DECIMAL")) or kind in WHOLE or kind in REAL:
        return "false"
    if kind.startswith(NAIVE):
        return f"{column} IS NOT NULL"
    return (
        f"CASE WHEN {column} IS NULL OR {column} LIKE '%Z' THEN false "
        f"WHEN {column} LIKE '%-%' OR {column} LIKE '%T%' OR length({column}) = 8 THEN NOT "
        f"regexp_matches({column}, {_ZONED}) "
        "ELSE false END"
    )


def _epoch(number: str, real: bool) -> str:
    """Epoch seconds, milliseconds, microseconds or nanoseconds, told apart by size."""
    finite = f"isfinite({number}) AND " if real else ""
    return (
        f"CASE WHEN {finite}abs({number}) < 1e11 THEN CAST(round({number} * 1000000) AS BIGINT) "
        f"WHEN {finite}abs({number}) < 1e14 THEN CAST(round({number} * 1000) AS BIGINT) "
        f"WHEN {finite}abs({number}) < 1e17 THEN CAST({number} AS BIGINT) "
        f"WHEN {finite}abs({number}) < 9e18 THEN CAST(round({number} / 1000) AS BIGINT) END"
    )
