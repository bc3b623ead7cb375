"""What people may write in `where:` and `of:`, and what they may not."""

from __future__ import annotations

import duckdb
import pytest

from beforehand.errors import InputError
from beforehand.panel.where import COLUMNS, condition, value

ROWS = """
CREATE TABLE events AS SELECT * FROM (VALUES
  ('login', {'n': 5, 's': 'Gold', 'b': true}::VARIANT),
  ('export', {'n': '7', 's': '12', 'b': false}::VARIANT),
  ('Logout', {'s': 'gold', 'deep': {'x': 3}}::VARIANT),
  ('error', NULL::VARIANT)
) t(event, properties)
"""


@pytest.fixture(scope="module")
def events() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(ROWS)
    return connection


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("event = 'login'", ["login"]),
        ("event in ('login', 'export')", ["login", "export"]),
        ("event not in ('login', 'export')", ["Logout", "error"]),
        ("event like 'lo%'", ["login"]),
        ("event ilike 'lo%'", ["login", "Logout"]),
        ("lower(event) = 'logout' or event = 'error'", ["Logout", "error"]),
        ("properties.n > 4", ["login", "export"]),
        ("properties.n between 6 and 8", ["export"]),
        ("properties.n / 0 > 1", []),
        ("properties.n % 0 = 1", []),
        ("properties.s = 'Gold'", ["login"]),
        ("properties.s > 10", ["export"]),
        ("lower(properties.s) = 'gold'", ["login", "Logout"]),
        ("properties.b", ["login"]),
        ("properties.b = false", ["export"]),
        ("properties.b is true", ["login"]),
        ("not properties.b", ["export"]),
        ("properties.n is null", ["Logout", "error"]),
        ("properties.n is not null", ["login", "export"]),
        ("properties.deep.x = 3", ["Logout"]),
        ("coalesce(properties.n, 0) = 0", ["Logout", "error"]),
        ("length(event) between 5 and 5", ["login", "error"]),
        ("(event = 'login' or event = 'error') and not event = 'error'", ["login"]),
        ("abs(-properties.n) = 5 and round(properties.n * 1.04, 1) = 5.2", ["login"]),
        ("event = 'login' -- a note", ["login"]),
    ],
)
def test_conditions_choose_rows(events: duckdb.DuckDBPyConnection, text: str, names: list[str]) -> None:
    sql = condition(text, "events").sql(dialect="duckdb")
    found = events.execute(f"SELECT event FROM events WHERE {sql}").fetchall()
    assert [row[0] for row in found] == names


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("event = 'a'; drop table events", "semicolon"),
        ("event = 'a';", "semicolon"),
        ("event = (select 1)", "a subquery"),
        ("event in (select event from events)", "list of values"),
        ("exists (select 1)", "exists"),
        ("count(*) > 1", "an aggregate"),
        ("sum(properties.n) over () > 1", "a window"),
        ("read_text('/etc/passwd') = 'x'", "read_text"),
        ("getenv('HOME') = 'x'", "getenv"),
        ("event = getenv('HOME')", "getenv"),
        ("current_date > occurred_at", "current_date"),
        ("*", "a star"),
        ("properties.* = 1", "not a column"),
        ("event::int = 3", "converts a type"),
        ("case when true then true end", "case"),
        ("list_transform(event, x -> x) = 1", "transform"),
        ("$1 = 2", "not allowed"),
        ("properties['n'] = 3", "not allowed"),
        ("event ~ 'x'", "not allowed"),
        ("event", "is text, not a condition"),
        ("1", "is a number, not a condition"),
        ("", "empty"),
        ("event = 'a' and", "not a condition"),
        ("event = 1e400", "too large"),
        ("occurred_at > 'soon'", "not a time"),
        ("event = true", "compares"),
        ("x.event = 'a'", "not a column"),
        ("(" * 600 + "event = 'a'" + ")" * 600, "nested too deeply"),
        ("event = '" + "x" * 3000 + "'", "characters long"),
    ],
)
def test_what_is_not_allowed_is_said(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        condition(text, "events")
    assert says in caught.value.message


def test_an_unknown_column_gets_the_nearest_and_all_valid_ones() -> None:
    with pytest.raises(InputError) as caught:
        condition("statsu = 'open'", "tickets")
    assert "Did you mean status?" in caught.value.hint
    assert "priority" in caught.value.hint


def test_text_in_double_quotes_gets_a_hint() -> None:
    with pytest.raises(InputError) as caught:
        condition('event = "login"', "events")
    assert "'login' in single quotes" in caught.value.hint


def test_outcomes_have_no_properties() -> None:
    with pytest.raises(InputError, match="no properties"):
        condition("properties.x = 1", "outcomes")


def test_values_are_numbers(events: duckdb.DuckDBPyConnection) -> None:
    sql = value("properties.n * 2 + 1", "events").sql(dialect="duckdb")
    assert events.execute(f"SELECT {sql} FROM events").fetchall() == [(11.0,), (15.0,), (None,), (None,)]
    for text in ("occurred_at", "properties.x > 1", "true", "count(amount)"):
        with pytest.raises(InputError):
            value(text, "invoices")


def test_columns_are_those_of_the_facts() -> None:
    from beforehand.facts.schema import SHAPES

    for table, shape in SHAPES.items():
        own = {name for name in COLUMNS[table] if name not in ("source", "id", "occurred_at")}
        assert own == set(shape.columns), table
