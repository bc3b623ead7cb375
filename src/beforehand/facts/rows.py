"""Single rows for receipts: the columns of the newest version of a ticket, an invoice, an answer, as it was known."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from beforehand.facts.answering import Ask
from beforehand.facts.quoting import text
from beforehand.facts.schema import COUNTABLE, TIME
from beforehand.story.receipt import Query, Receipt, Value

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

BEGAN = "began"
"""In the place of a column: when the first version of the row occurred."""


def rows(facts: Facts, asks: Sequence[Ask]) -> list[Receipt]:
    """Receipts of questions about one row each, in their order; one look at each table for all of them."""
    found: dict[Ask, Receipt] = {}
    for table in dict.fromkeys(query.table for query, _ in asks):
        own = [ask for ask in asks if ask[0].table == table]
        ids = ", ".join(sorted({text(query.key[1]) for query, _ in own}))
        nodes = ", ".join(str(n) for n in sorted({int(a) for query, _ in own for a in query.accounts})) or "NULL"
        shape = COUNTABLE[table]
        columns = ", ".join(f"epoch_us({name})" if kind == TIME else name for name, kind in shape.columns.items())
        versions = facts.connection.execute(
            f"SELECT id, account, stored_seq, epoch_us(occurred_at), epoch_us(occurred_at) + delay, source, {columns} "
            f"FROM {table} WHERE account IN ({nodes}) AND id IN ({ids}){' AND sign > 0' if shape.versioned else ''} "
            "ORDER BY stored_seq"
        ).fetchall()
        for ask in own:
            found[ask] = _receipt(*ask, [v for v in versions if v[0] == ask[0].key[1] and v[1] in ask[0].accounts])
    return [found[ask] for ask in asks]


def _receipt(query: Query, known_us: int, versions: Sequence[tuple[Any, ...]]) -> Receipt:
    known = [v for v in versions if v[4] < known_us]
    names = [name.strip() for name in (query.of or "").split(",")]
    if not known:
        return Receipt(query, known_us, (), 0, sha256(b"").hexdigest())
    newest = known[-1]
    columns = dict(zip(COUNTABLE[query.table].columns, newest[6:], strict=True))
    columns |= {"occurred_at": newest[3], BEGAN: min(v[3] for v in known)}
    values: tuple[Value, ...] = tuple(_plain(columns[name]) for name in names)
    digest = sha256(repr([(v[0], v[3], v[4], v[5], *v[6:]) for v in known]).encode()).hexdigest()
    return Receipt(query, known_us, values, 1, digest, (str(newest[0]),))


def _plain(value: Any) -> Value:
    return value if value is None or isinstance(value, str) else float(value)
