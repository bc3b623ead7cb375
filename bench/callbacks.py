"""What comes back, a second: presses, pages and forged requests, beside an app that reads the body and answers 200.

    .venv/bin/python bench/callbacks.py [--requests 1000] [--clients 8]

Both are served by the same server with the same settings, one process each, one after the other; a press is one
transaction that is on disk before it is answered, so that the commits a second of the disk stand beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from beforehand.channels import Button
from beforehand.channels.slack_signed import signature
from beforehand.commands import Workspace
from beforehand.commands.linking import Links
from beforehand.store import Alert

SECRETS = {"S": "0123456789abcdef0123456789abcdef", "SLACK": "8f742231b10e8888abcd99yyyzzz85a5"}
SETTINGS = """name: Bench
channels: {care: {kind: slack, token: {env: S}}}
callbacks: {url: "http://localhost", secret: {env: S}, slack: {env: SLACK}}
"""
OURS = "from beforehand.cli import main; main()"
ECHO = """
import socket, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        event = await receive()
        body, more = body + event["body"], event.get("more_body")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
made = socket.create_server(("127.0.0.1", 0))
print(f"Listening on http://127.0.0.1:{made.getsockname()[1]}:", flush=True)
config = uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_level="error", access_log=False)
uvicorn.Server(config).run(sockets=[made])
"""
Ask = tuple[str, str, bytes, dict[str, str]]


def workspace(root: Path, alerts: int) -> list[str]:
    (root / "beforehand.yaml").write_text(SETTINGS)
    (root / "team.yaml").write_text("people: {Ana: {addresses: {care: U0ANA}}}\n")
    at = datetime.now(UTC) - timedelta(days=1)
    with Workspace(root, "bench").state() as state, state.write() as session:
        rows = [
            Alert(account=f"account-{n}", signal="login-drop", scope="", severity="high", state="open", opened_at=at,
                  since=at, raised_at=at, judged_at=at, headline="Logins fell", owner="Ana", signal_digest="d",
                  evidence={}, receipts=[])
            for n in range(alerts)
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        return [row.name for row in rows]


def presses(names: Sequence[str]) -> list[Ask]:
    stamp = str(int(time.time()))
    found: list[Ask] = []
    for n, name in enumerate(names):
        action = {"type": "button", "action_id": "acknowledge", "value": name, "action_ts": str(n)}
        told = {"type": "block_actions", "user": {"id": "U0ANA"}, "team": {"id": "T1"}, "actions": [action]}
        body = urlencode({"payload": json.dumps(told)}).encode()
        signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature(SECRETS["SLACK"], stamp, body)}
        found.append(("POST", "/slack", body, signed))
    return found


async def asked(port: int, asks: Sequence[Ask], clients: int) -> tuple[float, list[float], set[int]]:
    """Asks all, each client one after the other on a connection it keeps: requests a second, seconds each, statuses."""
    took: list[float] = []
    statuses: set[int] = set()
    waiting = list(reversed(asks))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            method, path, body, headers = waiting.pop()
            lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            began = time.perf_counter()
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            took.append(time.perf_counter() - began)
            statuses.add(int(head.split()[1]))
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return len(asks) / (time.perf_counter() - began), took, statuses


def commits_a_second(folder: Path, times: int) -> float:
    """Small transactions that are on disk, one after the other."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, said TEXT)")
    began = time.perf_counter()
    for n in range(times):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t VALUES (?, ?)", (n, "x" * 300))
        connection.execute("COMMIT")
    connection.close()
    return times / (time.perf_counter() - began)


def served(command: Sequence[str]) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(command, env={**os.environ, **SECRETS}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    return process, int(said.split()[2].rstrip(":").rpartition(":")[2])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = workspace(root, given.requests)
        links = Links("", (SECRETS["S"],))
        until = datetime.now(UTC) + timedelta(days=30)
        pages = [("GET", links.button(Button("x", "acknowledge", name), "Ana", until), b"", {}) for name in names]
        press = presses(names)
        forged = [("GET", "/do/" + "A" * 120, b"", {})] * given.requests
        found: dict[str, tuple[float, list[float], set[int]]] = {}
        ours = [sys.executable, "-c", OURS, "callbacks", "--port", "0", "-w", folder]
        for what, command in (("echo", [sys.executable, "-c", ECHO]), ("ours", ours)):
            process, port = served(command)
            try:
                asyncio.run(asked(port, press[:20] if what == "echo" else pages[:20], 2))  # warm
                kinds = {"bare app, the same posts": press} if what == "echo" else {
                    "a forged link refused": forged, "the page of a link": pages, "a press, on disk": press,
                    "the same presses again": press,
                }  # fmt: skip
                for kind, asks in kinds.items():
                    found[kind] = asyncio.run(asked(port, asks, given.clients))
            finally:
                process.terminate()
                process.wait()
        with Workspace(root, "bench").state() as state, state.read() as session:
            done = sum(alert.state == "acknowledged" for alert in session.query(Alert))
        bare = found["bare app, the same posts"][0]
        for kind, (rate, took, statuses) in found.items():
            worst = statistics.quantiles(took, n=100)[-1] * 1000
            shown = ", ".join(map(str, sorted(statuses)))
            print(f"{kind:<28} {rate:8,.0f} a second   {rate / bare:6.3f} of the bare app   99 of 100 within "
                  f"{worst:6.1f} ms   status {shown}")  # fmt: skip
        print(f"{'commits a second of the disk':<28} {commits_a_second(root, 300):8,.0f}")
        right = done == len(names)
        quick = statistics.quantiles(found["a press, on disk"][1], n=100)[-1] < 3.0
        print(f"{'ok  ' if right else 'MISS'} {done:,} of {len(names):,} presses are in the state, each once")
        print(f"{'ok  ' if quick else 'MISS'} 99 of 100 presses are answered within the 3 s that Slack waits")
        return 0 if right and quick else 1


if __name__ == "__main__":
    sys.exit(main())
