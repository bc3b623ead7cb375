"""Served over HTTP as `beforehand callbacks` does: the main ways, two servers at once, killed at any moment."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from beforehand.channels.slack_signed import signature
from beforehand.channels.webhook import signature as webhook_signature
from beforehand.cli import app
from beforehand.store import Act, Run, Suppression

SECRETS = {
    "S": "0123456789abcdef0123456789abcdef", "SLACK": "8f742231b10e8888abcd99yyyzzz85a5",
    "REPLIES": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "TOKEN": "xoxb-1",
}  # fmt: skip
MAIN = "from beforehand.cli import main; main()"
KILLED_WITHIN = """
import os, sys
from pathlib import Path
from beforehand.channels.slack_signed import Press
from beforehand.commands import Workspace
from beforehand.commands.coming_back import Office
from beforehand.store import callbacks
callbacks.keep = lambda *_: os._exit(9)
root = Path(sys.argv[1])
with Workspace(root, "x").state() as state:
    Office(root, state).press_in_slack(Press("slack:1", "U0ANA", True, sys.argv[2], sys.argv[3], ""))
"""


class Server:
    """One process of `beforehand callbacks` on a port of its own choice."""

    def __init__(self, root: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "callbacks", "--port", "0", "-w", str(root)],
            env={**os.environ, **SECRETS}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.startswith("Listening on http://127.0.0.1:"), said + str(self.process.stderr and "")
        self.said = said
        self.port = int(urlsplit(said.split()[2].rstrip(":")).port or 0)

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=20)


@contextmanager
def served(root: Path) -> Iterator[Server]:
    server = Server(root)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def slack_headers(front: Any, body: bytes) -> dict[str, str]:
    stamp = str(int(front.now.timestamp()))
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature(SECRETS["SLACK"], stamp, body),
            "Content-Type": "application/x-www-form-urlencoded"}  # fmt: skip


def reply_headers(front: Any, key: str, body: bytes) -> dict[str, str]:
    return {"webhook-id": key, "webhook-timestamp": str(int(front.now.timestamp())),
            "webhook-signature": webhook_signature(SECRETS["REPLIES"], key, front.now, body),
            "Content-Type": "application/json"}  # fmt: skip


def test_the_main_ways_over_http(front_anywhere: Any, posted: Callable[..., bytes]) -> None:
    front = front_anywhere
    name, run = front.add_alert(), front.begin()
    front.sent(run, "<m@vendor.example>")
    with served(front.root) as server:
        assert "buttons of Slack" in server.said
        body = posted("acknowledge", name)
        status, headers, _ = server.ask("POST", "/slack", body, slack_headers(front, body))
        assert status == 200
        assert "server" not in {key.lower() for key in headers}
        path = front.links.unsubscribe("ada@globex.example", run).removeprefix("https://care.vendor.example")
        assert server.ask("GET", path)[0] == 200
        assert server.ask("POST", path, b"List-Unsubscribe=One-Click")[0] == 200
        assert server.ask("POST", front.link("not-useful", name))[0] == 200
        reply = json.dumps(
            {"from": "ada@globex.example", "in_reply_to": "<m@vendor.example>", "text": "Well."}
        ).encode()
        assert (
            json.loads(server.ask("POST", "/replies", reply, reply_headers(front, "m1", reply))[2])["reason"] == "noted"
        )
        assert server.ask("GET", "/do/forged")[0] == 403
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        raw.sendall(b"POST /slack HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        assert b" 413 " in raw.recv(200)
        raw.close()
        assert server.stop() == 0  # and what was counted is written down
    assert front.log(name) == [("acknowledged", "Ana Ruiz"), ("closed", "Ben Ode")]
    assert len(front.rows(Suppression)) == 1
    assert front.lines(run) == ["reply"]
    assert front.refusals() == {("do", "forged"): 1, ("slack", "too-large"): 1}


def test_two_servers_over_one_state_do_it_once(front_anywhere: Any, posted: Callable[..., bytes]) -> None:
    front = front_anywhere
    name, run = front.add_alert(), front.begin("acme")
    front.sent(run, "<m@vendor.example>")
    go = threading.Barrier(4)
    statuses: list[int] = []

    def press(server: Server, nth: int) -> None:
        reply = json.dumps({"from": "ada@globex.example", "in_reply_to": "<m@vendor.example>"}).encode()
        go.wait()
        for n in range(2):
            for action in ("start-playbook", "acknowledge"):
                body = posted(action, name, "U0ANA", f"{nth}.{n}")
                statuses.append(server.ask("POST", "/slack", body, slack_headers(front, body))[0])
            statuses.append(server.ask("POST", "/replies", reply, reply_headers(front, "m1", reply))[0])

    with served(front.root) as one, served(front.root) as two:
        threads = [threading.Thread(target=press, args=((one, two)[nth % 2], nth)) for nth in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}
    assert [act for act, _ in front.log(name)].count("acknowledged") == 1
    assert len(front.rows(Run, Run.account == "globex")) == 1
    assert front.lines(run) == ["reply"]
    assert [c.details["outcome"] for c in front.came("button")].count("done") == 2


def test_killed_between_doing_and_keeping_it_is_done_once(front_anywhere: Any) -> None:
    front, action = front_anywhere, "start-playbook"
    name = front.add_alert()
    front.told_by_slack(name)
    script = [sys.executable, "-c", KILLED_WITHIN, str(front.root), action, name]
    assert subprocess.run(script, env={**os.environ, **SECRETS}, timeout=60).returncode == 9
    assert front.alert(name).state == "open"
    assert (front.log(name), front.rows(Run), front.came("button")) == ([], [], [])
    assert front.rows(Act, Act.key.like("edit:%")) == []
    front.press(action, name)  # whoever heard no answer asks again
    assert [c.details["outcome"] for c in front.came("button")] == ["done"]
    assert len(front.rows(Act, Act.key.like("edit:%"))) == 1


def test_killed_at_random_nothing_is_lost_and_nothing_done_twice(front: Any, posted: Callable[..., bytes]) -> None:
    """Whoever gets no answer asks again, as Slack and mail services do; the server is killed while they ask."""
    chance = random.Random(7)
    names = [front.add_alert(f"account-{n}") for n in range(8)]
    run = front.begin()
    front.sent(run, "<m@vendor.example>")
    todo = [("slack", name) for name in names] + [("reply", f"r{n}") for n in range(4)]
    server = Server(front.root)
    killed = 0
    try:
        for nth, (what, of) in enumerate(todo):
            body, headers, path = b"", {}, f"/{what}"
            if what == "slack":
                body = posted("acknowledge", of)
                headers = slack_headers(front, body)
            else:
                path = "/replies"
                body = json.dumps({"from": "ada@globex.example", "in_reply_to": "<m@vendor.example>",
                                   "message_id": f"<{of}@globex.example>"}).encode()  # fmt: skip
                headers = reply_headers(front, of, body)
            answered = False
            while not answered:
                doomed = nth % 4 == 1 and killed <= nth // 4
                if doomed:
                    killed += 1
                    threading.Timer(chance.uniform(0, 0.02), server.process.kill).start()
                with suppress(OSError, http.client.HTTPException):
                    answered = server.ask("POST", path, body, headers)[0] == 200
                if doomed:
                    server.process.communicate(timeout=20)
                    server = Server(front.root)
    finally:
        server.kill()
    assert killed == 3
    assert [front.log(name) for name in names] == [[("acknowledged", "Ana Ruiz")]] * len(names)
    assert front.lines(run) == ["reply"] * 4
    assert [c.details["outcome"] for c in front.came("button")] == ["done"] * len(names)


def test_what_came_back_is_listed_for_people(front: Any) -> None:
    name = front.add_alert()
    front.press("acknowledge", name)
    front.press("acknowledge", name, stamp="2")
    front.answer(**{"from": "ada@globex.example"}, subject="Hello?", text="Is anybody there?")
    front.ask("GET", "/do/forged")
    runner = CliRunner()
    said = runner.invoke(app, ["callbacks", "list", "-w", str(front.root)], env={"COLUMNS": "160"})
    assert said.exit_code == 0, said.output
    for words in (f"acknowledge {name}", "Ana Ruiz", "acknowledged already", "Hello?", "answers no message of a run",
                  "forged, 1 times that hour"):  # fmt: skip
        assert words in said.output
    found = json.loads(
        runner.invoke(app, ["callbacks", "list", "--json", "--kind", "reply", "-w", str(front.root)]).output
    )
    assert [row["reason"] for row in found["callbacks"]] == ["unknown"]
    wrong = runner.invoke(app, ["callbacks", "list", "--kind", "buton", "-w", str(front.root)])
    assert "button" in wrong.exception.hint  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("environment", "said"),
    [({"S": ""}, "environment variable S holds nothing"), ({"S": "short"}, "fewer than 16 characters"),
     ({"REPLIES": "not base64!"}, "base64"), ({"SLACK": ""}, "environment variable SLACK holds nothing")],
)  # fmt: skip
def test_a_missing_secret_is_told_at_the_start(
    front: Any, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str
) -> None:
    for name, value in (SECRETS | environment).items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["callbacks", "--port", "0", "-w", str(front.root)])
    assert said in str(result.exception)


def test_a_taken_address_is_told(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(app, ["callbacks", "--port", port, "-w", str(front.root)])
    assert f"Nothing can listen at 127.0.0.1:{port}" in str(result.exception)


def test_without_its_extra_the_line_that_installs_it_is_told(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = CliRunner().invoke(app, ["callbacks", "--port", "0", "-w", str(front.root)])
    assert "pip install 'beforehand[callbacks]'" in result.exception.hint  # type: ignore[union-attr]
