"""What people may write in `where:` and `of:`: read with SQLGlot, rebuilt from an allow-list, typed by use.

The text is never passed on: a new expression is built node by node from what is allowed, so that what is not listed
here cannot reach an engine. Properties have no declared type; compared with a number they are read as numbers, with
text as text, with true and false as booleans. What cannot be read so is NULL, and a condition that is NULL is false.
Pure: imports no engine, so that `check` can call it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from beforehand.errors import InputError, among

Kind = Literal["number", "text", "boolean", "time", "null"]
Typed = tuple[exp.Expr, Kind]

_COMMON: dict[str, Kind] = {"source": "text", "id": "text", "occurred_at": "time"}
COLUMNS: dict[str, dict[str, Kind]] = {
    "events": {"event": "text"},
    "tickets": {"status": "text", "priority": "text", "category": "text", "subject": "text", "body": "text"},
    "messages": {"conversation": "text", "direction": "text", "channel": "text", "subject": "text", "text": "text"},
    "subscriptions": {
        "plan": "text", "seats": "number", "amount": "number", "currency": "text", "status": "text",
        "start_at": "time", "end_at": "time",
    },
    "invoices": {"amount": "number", "currency": "text", "status": "text", "due_at": "time", "paid_at": "time"},
    "surveys": {"kind": "text", "score": "number", "comment": "text"},
    "touches": {"teammate": "text", "kind": "text", "note": "text"},
    "outcomes": {"outcome": "text", "amount": "number", "reason": "text", "notice_at": "time", "end_at": "time"},
    "tensions": {"ticket": "text", "category": "text", "points": "number", "reasons": "text"},
    "moods": {"warmth": "number", "people": "number"},
    "tones": {
        "conversation": "text", "channel": "text", "language": "text", "negative": "number", "positive": "number",
        "sentiment": "number", "frustration": "number", "gratitude": "number", "urgency": "number",
        "warmth": "number", "words": "number", "greeting": "boolean", "thanks": "boolean", "please": "boolean",
        "exclamations": "number", "questions": "number", "hedges": "number", "shouting": "number",
    },
}  # fmt: skip
COLUMNS = {table: {**_COMMON, **own} for table, own in COLUMNS.items()}
WITH_PROPERTIES = frozenset(COLUMNS) - {"outcomes", "tones", "tensions", "moods"}
FUNCTIONS = ("abs", "coalesce", "length", "lower", "round", "upper")
LONGEST = 2_000
_SQL_TYPES = {"number": "DOUBLE", "text": "VARCHAR", "boolean": "BOOLEAN", "time": "TIMESTAMP"}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)


def condition(text: str, table: str) -> exp.Expr:
    """The condition a person wrote about rows of a fact table, as an expression of our own.

    Raises InputError with the offending piece, what is valid there and the nearest name.
    """
    return _guarded(text, lambda: _Reader(text, table).boolean(_parse(text)))


def value(text: str, table: str) -> exp.Expr:
    """The number a person wants summed, averaged or carried (`of:`), as an expression of type DOUBLE.

    Raises InputError as `condition` does.
    """
    return _guarded(text, lambda: _Reader(text, table).value(_parse(text)))


def text(text: str, table: str) -> exp.Expr:
    """What rows are told apart by (`of:` of a distinct count, a feature), as an expression of type VARCHAR.

    Raises InputError as `condition` does.
    """
    return _guarded(text, lambda: _Reader(text, table).apart(_parse(text)))


def _guarded(text: str, read: Callable[[], exp.Expr]) -> exp.Expr:
    try:
        return read()
    except RecursionError:
        raise InputError(f"{text[:60]!r}... is nested too deeply.", code="bad-condition") from None


def _parse(text: str) -> exp.Expr:
    if not text.strip():
        raise InputError("The condition is empty.", "Write one, for example event = 'login'.", code="bad-condition")
    if len(text) > LONGEST:
        raise InputError(f"The condition is {len(text)} characters long; the most is {LONGEST}.", code="bad-condition")
    try:
        tokens = sqlglot.tokenize(text, read="duckdb")
        if any(token.token_type is sqlglot.TokenType.SEMICOLON for token in tokens):
            raise InputError(f"{text!r} holds a semicolon.", "Write one condition, without `;`.", code="bad-condition")
        return sqlglot.parse_one(text, read="duckdb")
    except SqlglotError as error:
        found = getattr(error, "errors", None)
        where = f" near {found[0]['highlight']!r}" if found and found[0].get("highlight") else ""
        raise InputError(
            f"{text!r} is not a condition{where}.",
            "Write it as in SQL, for example event in ('login', 'export') and properties.seconds > 3.",
            code="bad-condition",
        ) from None


class _Reader:
    """Walks a parsed text and builds the allowed expression, with the kind of each piece."""

    def __init__(self, text: str, table: str) -> None:
        self.text = text
        if table not in COLUMNS:
            raise InputError(f"{table!r} is not a fact table.", among(table, COLUMNS), code="unknown-table")
        self.table = table

    # -- the two roots -------------------------------------------------------------------------------------------

    def boolean(self, node: exp.Expr) -> exp.Expr:
        """`node` where a true-or-false is needed."""
        if isinstance(node, exp.Paren):
            return exp.Paren(this=self.boolean(node.this))
        if isinstance(node, (exp.And, exp.Or)):
            return type(node)(this=self._grouped(node.this), expression=self._grouped(node.expression))
        if isinstance(node, exp.Not):
            return exp.Not(this=self._grouped(node.this))
        if self._is_property(node):
            return self._property(node, "boolean")
        built, kind = self.typed(node)
        if kind != "boolean":
            raise self._refused(
                node, f"is {_a(kind)}, not a condition", "Compare it, for example with `= 'text'` or `> 3`."
            )
        return built

    def value(self, node: exp.Expr) -> exp.Expr:
        """`node` where a number is needed; a text column is read as one."""
        if self._is_property(node):
            return self._property(node, "number")
        built, kind = self.typed(node)
        if kind == "text" and isinstance(built, exp.Column):
            return _cast(built, "number")
        if kind != "number":
            raise self._refused(node, f"is {_a(kind)}, not a number", "Name a numeric column, or properties.x.")
        return _cast(built, "number") if not isinstance(built, exp.TryCast) else built

    def apart(self, node: exp.Expr) -> exp.Expr:
        """`node` as text; true and false, numbers and times are written out."""
        built, kind = self.typed(node)
        if kind == "null":
            raise self._refused(node, "tells nothing apart", "Name a column, or properties.x.")
        return built if kind == "text" else _cast(built, "text")

    def _grouped(self, node: exp.Expr) -> exp.Expr:
        built = self.boolean(node)
        return exp.Paren(this=built) if isinstance(built, (exp.And, exp.Or, exp.Not)) else built

    # -- pieces --------------------------------------------------------------------------------------------------

    def typed(self, node: exp.Expr, wanted: Kind = "text") -> Typed:
        """`node` and its kind; a property takes the kind `wanted`."""
        if isinstance(node, exp.Paren):
            built, kind = self.typed(node.this, wanted)
            return exp.Paren(this=built), kind
        if self._is_property(node):
            return self._property(node, wanted), wanted
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Literal):
            return self._literal(node)
        if isinstance(node, exp.Boolean):
            return exp.Boolean(this=bool(node.this)), "boolean"
        if isinstance(node, exp.Null):
            return exp.Null(), "null"
        if isinstance(node, (exp.And, exp.Or, exp.Not)):
            return self.boolean(node), "boolean"
        if isinstance(node, _COMPARISONS):
            left, right, _ = self._alike(node, [node.this, node.expression])
            return type(node)(this=left, expression=right), "boolean"
        if isinstance(node, exp.Between):
            parts = self._alike(node, [node.this, node.args["low"], node.args["high"]])
            return exp.Between(this=parts[0], low=parts[1], high=parts[2]), "boolean"
        if isinstance(node, exp.In):
            return self._in(node), "boolean"
        if isinstance(node, exp.Is):
            return self._is(node), "boolean"
        if isinstance(node, (exp.Like, exp.ILike)):
            pattern = node.expression
            if not (isinstance(pattern, exp.Literal) and pattern.is_string):
                raise self._refused(node, "needs a pattern in quotes", "For example event like 'export%'.")
            return type(node)(this=self._need(node.this, "text"), expression=pattern.copy()), "boolean"
        return self._computed(node)

    def _computed(self, node: exp.Expr) -> Typed:
        if isinstance(node, exp.Neg):
            return exp.Neg(this=exp.Paren(this=self._need(node.this, "number"))), "number"
        if isinstance(node, _ARITHMETIC):
            left, right = self._need(node.this, "number"), self._need(node.expression, "number")
            if isinstance(node, (exp.Div, exp.Mod)):  # nothing divided by zero: unknown, in every engine
                right = exp.Nullif(this=right, expression=exp.Literal.number(0))
            build = type(node)(this=exp.Paren(this=left), expression=exp.Paren(this=right))
            return cast(exp.Expr, build), "number"
        if isinstance(node, (exp.Lower, exp.Upper)):
            return type(node)(this=self._need(node.this, "text")), "text"
        if isinstance(node, exp.Length):
            return exp.Length(this=self._need(node.this, "text")), "number"
        if isinstance(node, exp.Abs):
            return exp.Abs(this=self._need(node.this, "number")), "number"
        if isinstance(node, exp.Round):
            digits = node.args.get("decimals")
            if digits is not None and not (isinstance(digits, exp.Literal) and str(digits.this).isdigit()):
                raise self._refused(node, "rounds to a whole number of digits", "For example round(properties.x, 2).")
            return exp.Round(this=self._need(node.this, "number"), decimals=digits and digits.copy()), "number"
        if isinstance(node, exp.Coalesce):
            parts = self._alike(node, [node.this, *node.expressions])
            kind = self._kinds(node, [node.this, *node.expressions])
            return exp.Coalesce(this=parts[0], expressions=parts[1:-1]), kind
        raise self._refused_node(node)

    def _need(self, node: exp.Expr, kind: Kind) -> exp.Expr:
        built, found = self.typed(node, kind)
        if found == kind or found == "null":
            return built
        if kind == "number" and found == "text" and isinstance(built, exp.Column):
            return _cast(built, "number")
        raise self._refused(node, f"is {_a(found)} where {_a(kind)} is needed", "")

    def _kinds(self, whole: exp.Expr, nodes: list[exp.Expr]) -> Kind:
        """The one kind in which several pieces are compared: that of those which have one."""
        kinds: list[Kind] = []
        texts = False
        for node in nodes:
            bare = node.unnest()
            if self._is_property(bare):
                continue
            kind = self.typed(node)[1]
            if kind == "text" and isinstance(bare, exp.Column):
                texts = True  # a text column may be compared with numbers: it is then read as one
            elif kind == "text" and isinstance(bare, exp.Literal):
                kinds.append("text")
            elif kind != "null":
                kinds.append(kind)
        for strong in ("time", "number", "boolean"):
            if strong in kinds:
                return cast(Kind, strong)
        if texts or kinds:
            return "text"
        return "text" if isinstance(whole, (exp.EQ, exp.NEQ, exp.In, exp.Coalesce)) else "number"

    def _alike(self, whole: exp.Expr, nodes: list[exp.Expr]) -> list[Any]:
        """The pieces read as one kind, and after them that kind."""
        kind = self._kinds(whole, nodes)
        built: list[Any] = []
        for node in nodes:
            piece, found = self.typed(node, kind)
            if found in (kind, "null"):
                built.append(piece)
            elif kind == "time" and found == "text" and isinstance(piece, exp.Literal):
                built.append(self._moment(node))
            elif kind == "number" and found == "text" and isinstance(piece, exp.Column):
                built.append(_cast(piece, "number"))
            else:
                raise self._refused(
                    whole, f"compares {_a(kind)} with {_a(found)}", "Text stands in single quotes, numbers without."
                )
        return [*built, kind]

    def _in(self, node: exp.In) -> exp.Expr:
        listed = node.expressions
        if node.args.get("query") or node.args.get("unnest") or node.args.get("field") or not listed:
            raise self._refused(node, "needs a list of values", "For example event in ('login', 'export').")
        for item in listed:
            if not isinstance(item.unnest(), (exp.Literal, exp.Neg)):
                raise self._refused(item, "is not a plain value", "`in` takes a list of texts or numbers.")
        parts = self._alike(node, [node.this, *listed])
        return exp.In(this=parts[0], expressions=parts[1:-1])

    def _is(self, node: exp.Is) -> exp.Expr:
        right = node.expression
        if isinstance(right, exp.Null):
            return exp.Is(this=self.typed(node.this, "text")[0], expression=exp.Null())
        if isinstance(right, exp.Boolean):
            return exp.Is(this=self._need(node.this, "boolean"), expression=exp.Boolean(this=bool(right.this)))
        raise self._refused(node, "is neither `is null` nor `is true`", "To compare use `=`.")

    def _is_property(self, node: exp.Expr) -> bool:
        if isinstance(node, exp.Paren):
            return self._is_property(node.this)
        path = _path(node)
        return path is not None and len(path) > 1 and path[0].lower() == "properties"

    def _property(self, node: exp.Expr, kind: Kind) -> exp.Expr:
        path = _path(node.unnest())
        assert path is not None
        if self.table not in WITH_PROPERTIES:
            raise self._refused(
                node, f"does not exist: {self.table} have no properties", among(path[1], COLUMNS[self.table])
            )
        if len(path) > 4:
            raise self._refused(node, "is nested too deeply", "At most properties.a.b.c.")
        names = [exp.to_identifier(name, quoted=True) for name in ("properties", *path[1:])]
        column = exp.Column(**dict(zip(("this", "table", "db", "catalog"), reversed(names), strict=False)))
        return _cast(column, "text" if kind == "null" else kind)

    def _column(self, node: exp.Column) -> Typed:
        path = _path(node)
        name = path[-1] if path else node.name
        valid = COLUMNS[self.table]
        if path and len(path) == 1 and name.lower() in valid:
            return exp.column(exp.to_identifier(name.lower(), quoted=True)), valid[name.lower()]
        names = [*valid, *(["properties.x"] if self.table in WITH_PROPERTIES else [])]
        quoted = f"If it is text, write '{name}' in single quotes. " if node.this.args.get("quoted") else ""
        what = "is the whole of the properties" if name.lower() == "properties" else f"is not a column of {self.table}"
        raise self._refused(node, what, quoted + among(name, names), code="unknown-column")

    def _literal(self, node: exp.Literal) -> Typed:
        if node.is_string:
            return exp.Literal.string(str(node.this)), "text"
        if not math.isfinite(float(node.this)):
            raise self._refused(node, "is too large a number", "")
        return exp.Literal.number(str(node.this)), "number"

    def _moment(self, node: exp.Expr) -> exp.Expr:
        text = str(node.unnest().this)
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise self._refused(node, "is not a time", "Write ISO 8601, for example '2026-06-10' (UTC).") from None
        at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
        return exp.Cast(this=exp.Literal.string(at.isoformat(sep=" ")), to=exp.DataType.build("TIMESTAMP"))

    # -- refusals ------------------------------------------------------------------------------------------------

    def _refused(self, node: exp.Expr, why: str, hint: str, code: str = "bad-condition") -> InputError:
        piece = node.sql(dialect="duckdb", comments=False)
        whole = f" (in {self.text!r})" if piece != self.text else ""
        return InputError(f"`{piece}`{whole} {why}.", hint, code=code)

    def _refused_node(self, node: exp.Expr) -> InputError:
        if isinstance(node, exp.Func):
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name().lower()
            if isinstance(node, exp.Cast):
                return self._refused(
                    node, "converts a type", "Properties are read as what they are compared with; leave it out."
                )
            if isinstance(node, exp.AggFunc):
                return self._refused(
                    node, "is an aggregate", "A condition looks at one row; what is counted is said by the metric."
                )
            return self._refused(node, f"uses `{name}`, which is not allowed here", among(name, FUNCTIONS))
        names = {exp.Subquery: "a subquery", exp.Select: "a subquery", exp.Star: "a star", exp.Window: "a window"}
        what = next((name for kind, name in names.items() if isinstance(node, kind)), f"{node.key} ")
        return self._refused(
            node, f"is {what.strip()}, which is not allowed here",
            "Allowed: comparisons, and, or, not, in, like, between, is null, + - * / %, " + ", ".join(FUNCTIONS) + ".",
        )  # fmt: skip


def _path(node: exp.Expr) -> list[str] | None:
    """The dotted name a column or dot expression stands for; None for anything else."""
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
        return [part.name for part in node.parts]
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        left = _path(node.this)
        return [*left, node.expression.name] if left else None
    return None


def _cast(node: exp.Expr, kind: str) -> exp.Expr:
    return exp.TryCast(this=node, to=exp.DataType.build(_SQL_TYPES[kind]))


def _a(kind: str) -> str:
    return {"number": "a number", "text": "text", "boolean": "true or false", "time": "a time", "null": "null"}[kind]
