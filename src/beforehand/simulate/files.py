"""Writes the simulated company as files, block by block, so that 20,000 accounts need no more memory than 500."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beforehand.calendar import to_us
from beforehand.simulate import faults
from beforehand.simulate.company import Account, truth
from beforehand.simulate.plants import DECIDES
from beforehand.simulate.relations import Row
from beforehand.simulate.vocabulary import DAY, DETAILS, EVENTS

TIMES = {"at", "learned", "started_at", "ended_at", "start_at", "end_at", "notice_at", "due_at", "paid_at"}
COLUMNS: dict[str, tuple[str, ...]] = {
    "accounts": (
        "account", "at", "name", "domain", "started_at", "ended_at", "plan", "seats", "value", "currency", "owner",
        "segment", "industry", "country", "renewal_on", "customer_since",
    ),
    "people": ("person", "account", "at", "name", "email", "role", "champion", "left_on"),
    "tickets": (
        "ticket", "account", "person", "at", "learned", "status", "priority", "category",
        "assignee", "subject", "body",
    ),
    "subscriptions": (
        "subscription", "account", "at", "learned", "plan", "seats", "amount", "currency", "status", "start_at",
        "end_at",
    ),
    "invoices": ("invoice", "account", "at", "learned", "amount", "currency", "status", "due_at", "paid_at"),
    "surveys": ("survey", "account", "person", "at", "kind", "score", "comment"),
    "touches": ("touch", "account", "person", "at", "teammate", "kind", "note"),
    "outcomes": ("account", "outcome", "at", "amount", "reason", "notice_at", "end_at"),
}  # fmt: skip
STAMP = pa.timestamp("us", tz="UTC")
WORD = pa.dictionary(pa.int32(), pa.string())
EVENT_SCHEMA = pa.schema([
    ("id", pa.int64()), ("account", WORD), ("person", WORD), ("event", WORD), ("at", STAMP), ("learned", STAMP),
    ("detail", WORD), ("workflow", pa.int64()), ("platform", WORD), ("message", pa.string()),
])  # fmt: skip
PER_ACCOUNT = 10_000_000  # event ids of one account start here times its number


class Files:
    """The open files of one simulation; `learned` and the other times are counted from `first_on`."""

    def __init__(self, folder: Path, first_on: date, head: dict[str, Any]) -> None:
        self.first_on = first_on
        self.start_us = to_us(datetime(first_on.year, first_on.month, first_on.day, tzinfo=UTC))
        self.counts: dict[str, int] = dict.fromkeys(("accounts", "people", "events", "messages", *COLUMNS), 0)
        self._open = ExitStack()
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        self._events = self._open.enter_context(
            pq.ParquetWriter(data / "events.parquet", EVENT_SCHEMA, compression="zstd")
        )
        self._messages = self._text(data / "messages.jsonl")
        self._tables = {name: csv.writer(self._text(data / f"{name}.csv"), lineterminator="\n") for name in COLUMNS}
        for name, columns in COLUMNS.items():
            self._tables[name].writerow(columns)
        self._truth = self._text(folder / "truth.json")
        self._truth.write(json.dumps(head, ensure_ascii=False, default=str)[:-1] + ',\n "accounts": [')
        self._first = True

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *error: object) -> None:
        self._truth.write("\n ]}\n")
        self._open.close()

    def write(self, block: Sequence[Account]) -> None:
        """Adds one block of accounts; rows of each table in the order of their accounts, events by time of arrival."""
        self._write_events(block)
        for it in block:
            slug = it.who.company.slug
            self._rows("accounts", slug, it.money.accounts)
            self._rows("people", slug, self._people(it))
            for name in ("tickets", "surveys", "touches"):
                self._rows(name, slug, map(_quoting, sorted(getattr(it.relations, name), key=_by_time)))
            for name in ("subscriptions", "invoices", "outcomes"):
                self._rows(name, slug, sorted(getattr(it.money, name), key=_by_time))
            for row in sorted(it.relations.messages, key=_by_time):
                self._messages.write(
                    json.dumps({"account": slug, **{k: self._say(k, v) for k, v in row.items()}}, ensure_ascii=False)
                    + "\n"
                )
                self.counts["messages"] += 1
            self._truth.write(
                ("" if self._first else ",") + "\n  " + json.dumps(truth(it, self.first_on), ensure_ascii=False)
            )
            self._first = False

    def _text(self, path: Path) -> TextIOWrapper:
        return self._open.enter_context(path.open("w", encoding="utf-8", newline=""))

    def _say(self, column: str, value: Any) -> Any:
        if column in TIMES and value is not None:
            at = datetime.fromtimestamp(self.start_us // 1_000_000, UTC) + timedelta(microseconds=value)
            return at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return value

    def _rows(self, table: str, account: str, rows: Iterable[Row]) -> None:
        for row in rows:
            full = {"account": account, **row}
            self._tables[table].writerow(
                ["" if (v := self._say(c, full.get(c))) is None else v for c in COLUMNS[table]]
            )
            self.counts[table] += 1

    def _people(self, it: Account) -> list[Row]:
        """One row when somebody joins, and one more when they leave; nobody who joins after the data ends."""
        folk, days = it.folk, len(it.life.health)
        last = min(days, it.life.ends if it.life.ends is not None else days)
        rows: list[Row] = []
        for k in range(folk.size):
            joins, leaves = max(0, int(folk.joins[k])), int(folk.leaves[k])
            if joins >= last:
                continue
            row: Row = {
                "person": folk.emails[k], "at": joins * DAY, "name": folk.names[k], "email": folk.emails[k],
                "role": "decision maker" if folk.roles[k] in DECIDES else folk.roles[k],
                "champion": "yes" if k in (folk.champion, folk.follower) else "no",
                "left_on": None,
            }  # fmt: skip
            rows.append(row)
            if leaves < last:
                rows.append(
                    {
                        **row,
                        "at": leaves * DAY,
                        "left_on": (self.first_on + timedelta(days=leaves)).isoformat(),
                    }
                )
        return rows

    def _write_events(self, block: Sequence[Account]) -> None:
        sizes = [len(it.events.at) for it in block]
        if not sum(sizes):
            return
        offsets = np.cumsum([0, *(it.folk.size for it in block[:-1])])

        def joined(name: str) -> np.ndarray[Any, Any]:
            return np.concatenate([getattr(it.events, name) for it in block])

        learned = joined("learned")
        order = np.argsort(learned, kind="stable")
        number = np.concatenate([it.who.index * PER_ACCOUNT + np.arange(n) for it, n in zip(block, sizes, strict=True)])
        account = np.repeat(np.arange(len(block)), sizes)
        person = np.concatenate([it.events.person + base for it, base in zip(block, offsets, strict=True)])
        workflow, detail = joined("workflow"), joined("detail")
        named = {
            "account": (account, [it.who.company.slug for it in block]),
            "person": (person, [email for it in block for email in it.folk.emails]),
            "event": (joined("code"), list(EVENTS)),
            "detail": (detail, list(DETAILS)),
            "platform": (joined("mobile").astype(np.int64), ["web", "mobile"]),
        }
        columns: dict[str, pa.Array] = {
            name: pa.DictionaryArray.from_arrays(
                pa.array(codes[order].astype(np.int32), mask=codes[order] < 0), pa.array(words)
            )
            for name, (codes, words) in named.items()
        }
        columns["message"] = faults.said(joined("code")[order], detail[order], number[order])
        columns["id"] = pa.array(number[order])
        columns["at"] = pa.array(joined("at")[order] + self.start_us).cast(STAMP)
        columns["learned"] = pa.array(learned[order] + self.start_us).cast(STAMP)
        columns["workflow"] = pa.array(
            workflow[order] + number[order] // PER_ACCOUNT * PER_ACCOUNT, mask=workflow[order] < 0
        )
        self._events.write_table(pa.table([columns[f.name] for f in EVENT_SCHEMA], schema=EVENT_SCHEMA))
        self.counts["events"] += len(order)


def _quoting(row: Row) -> Row:
    """A ticket with what it quotes of the screen."""
    if row.get("subject") is None or not row.get("body"):
        return row
    return {**row, "body": faults.quoted(row["ticket"], row["subject"], row["body"])}


def _by_time(row: Row) -> int:
    return int(row["learned"] if "learned" in row else row["at"])
