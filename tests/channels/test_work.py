"""Workers: what is due is handed over once, side by side, killed at any moment, on SQLite and PostgreSQL."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from beforehand.channels import Message, Words
from beforehand.cli import app
from beforehand.commands import Workspace
from beforehand.commands.handing import put_kept, put_message
from beforehand.errors import InputError
from beforehand.store.acts import DUE, HANDING, IN_DOUBT, REFUSED, SENT, begin, find_acts, lease


def _beside(name: str) -> Any:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mail_server = _beside("mail_server")
Mailbox, serving = mail_server.Mailbox, mail_server.serving
WORKER = """
import sys
from datetime import timedelta
from pathlib import Path
from beforehand.commands import Workspace
print("ready", flush=True)
sys.stdin.readline()
Workspace(Path(sys.argv[1])).work(once=True, lease_for=timedelta(seconds=float(sys.argv[2])))
"""


def made(root: Path, port: int, state: str = "") -> Workspace:
    """A workspace whose mail goes to a port of this machine."""
    root.mkdir(exist_ok=True)
    lines = ["name: Acme", "channels:", "  mail:", "    kind: email", "    host: 127.0.0.1", f"    port: {port}",
             "    security: none", "    sender: Care <care@vendor.example>", "    allow: 127.0.0.1",
             "    timeout_seconds: 2", "  crm:", "    kind: webhook", "    url: {env: CRM_URL}"]  # fmt: skip
    (root / "beforehand.yaml").write_text("\n".join([*lines, f"state: {state}" if state else ""]))
    return Workspace(root, "ann")


def put(ws: Workspace, keys: list[str], **given: Any) -> None:
    now = datetime.now(UTC)
    with ws.state() as state, state.write() as session:
        for key in keys:
            plain = {"channel": "mail", "recipient": "ana@vendor.example", "now": now, "key": key}
            put_message(session, ws.settings.channels, Message(key, (Words("hello"),)), **(plain | given))


def states(ws: Workspace) -> dict[str, int]:
    return {state: n for state, n in ws.acts()["counts"].items() if n}


@pytest.fixture
def mailbox() -> Iterator[tuple[Any, int]]:
    with serving() as (box, port):
        yield box, port


def test_what_is_due_is_handed_over_and_told(tmp_path: Path, mailbox: tuple[Any, int]) -> None:
    box, port = mailbox
    ws = made(tmp_path, port)
    put(ws, [f"k{n}" for n in range(45)])
    put(ws, ["later"], due_at=datetime.now(UTC) + timedelta(hours=1))
    with ws.state() as state, state.write() as session:
        assert put_kept(session, key="t", kind="task", recipient="ana", payload={"subject": "Call"},
                        now=datetime.now(UTC))  # fmt: skip
    told: list[str] = []
    result = ws.work(once=True, told=lambda act, what: told.append(f"{act.key} {what.state}"))
    assert result["handed"] == 46
    assert result["came"] == {"sent": 46}
    assert result["reasons"] == {"accepted": 45, "kept": 1}
    assert (result["left"][DUE], result["left"][SENT]) == (1, 46)
    assert told[0] == "k0 sent"
    assert [mail["Subject"] for mail in box.mails] == [f"k{n}" for n in range(45)]
    assert ws.work(once=True)["handed"] == 0


def test_a_limit_and_a_stop_leave_the_rest_for_others(tmp_path: Path, mailbox: tuple[Any, int]) -> None:
    box, port = mailbox
    ws = made(tmp_path, port)
    put(ws, [f"k{n}" for n in range(30)])
    assert ws.work(once=True, limit=7)["handed"] == 7
    stop = threading.Event()
    result = ws.work(stop=stop, told=lambda act, _: stop.set() if act.key == "k9" else None)
    assert result["handed"] == 3
    assert states(ws) == {SENT: 10, DUE: 20}
    with ws.state() as state, state.read() as session:
        assert {act.lease_by for act in find_acts(session, states=[DUE])} == {None}
    assert ws.work(span=timedelta(0))["handed"] == 0
    assert ws.work(span=timedelta(hours=1), limit=20)["handed"] == 20
    assert max(box.counted().values()) == 1


def test_a_missing_channel_or_secret_is_put_off_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = made(tmp_path, 1)
    put(ws, ["k"], channel="crm", recipient="crm")
    monkeypatch.delenv("CRM_URL", raising=False)
    result = ws.work(once=True)
    assert (result["came"], result["reasons"]) == ({"retry": 1}, {"no-secret": 1})
    (row,) = ws.acts()["acts"]
    assert row["state"] == DUE
    assert row["reason"].startswith("no-secret: The environment variable CRM_URL")
    with pytest.raises(InputError, match="no channel"):
        put(ws, ["x"], channel="fax")


def test_in_doubt_is_for_a_person_to_say(tmp_path: Path) -> None:
    with serving(Mailbox(cut_after_data=True)) as (box, port):
        ws = made(tmp_path, port)
        put(ws, ["a", "b"])
        result = ws.work(once=True)
        assert result["came"] == {"in doubt": 2}
        assert ws.work(once=True)["handed"] == 0  # never by itself
        one, two = (row["act"] for row in ws.acts(states=[IN_DOUBT])["acts"])
        assert ws.resolve_act(one, True)["act"]["state"] == SENT
        box.cut_after_data = False
        assert ws.resolve_act(two, False)["act"]["state"] == DUE
        assert ws.work(once=True)["came"] == {"sent": 1}
        with pytest.raises(InputError, match="not in doubt"):
            ws.resolve_act(two, True)
        with pytest.raises(InputError, match="no act 99"):
            ws.resolve_act(99, True)
        assert ws.act(two)["act"]["text"] == "hello\n"


def test_a_server_that_says_not_now_is_asked_again_later(tmp_path: Path) -> None:
    with serving(Mailbox(at_rcpt="451 4.7.1 greylisted")) as (box, port):
        ws = made(tmp_path, port)
        put(ws, ["a"])
        assert ws.work(once=True)["reasons"] == {"policy": 1}
        with ws.state() as state, state.write() as session:
            (act,) = find_acts(session)
            assert (act.state, act.tries) == (DUE, 1)
            assert timedelta(seconds=50) < act.due_at - datetime.now(UTC) <= timedelta(minutes=1)
            act.due_at = datetime.now(UTC)
        box.at_rcpt = "550 5.1.1 nobody"
        assert ws.work(once=True)["came"] == {"refused": 1}
        assert states(ws) == {REFUSED: 1}


def test_what_a_dead_worker_held_comes_back_or_is_in_doubt(tmp_path: Path, mailbox: tuple[Any, int]) -> None:
    ws = made(tmp_path, mailbox[1])
    put(ws, ["a", "b"])
    past = datetime.now(UTC) - timedelta(seconds=1)
    with ws.state() as state, state.write() as session:
        for act in lease(session, "dead", datetime.now(UTC), timedelta(seconds=-1), 2):
            act.lease_until = past + timedelta(hours=1)
            if act.key == "a":
                assert begin(session, act, "dead", past)
            act.lease_until = past
    assert ws.work(once=True)["came"] == {"sent": 1}
    assert states(ws) == {SENT: 1, IN_DOUBT: 1}


@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
def test_killed_at_random_moments(tmp_path: Path, place: str, request: pytest.FixtureRequest) -> None:
    """Nothing is at the mail server twice, nothing is lost without being listed in doubt, nothing is stuck."""
    state = "" if place == "sqlite" else f"'{_new_database(request)()}'"
    dice = random.Random(7)
    with serving() as (box, port):
        ws = made(tmp_path / "ws", port, state)
        put(ws, [f"k{n}" for n in range(150)])
        box.pause_s = 0.005
        for _ in range(3):
            workers = [_worker(ws, 0.5) for _ in range(2)]
            for worker in workers:
                assert worker.stdout is not None
                worker.stdout.readline()
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write(b"go\n")
                worker.stdin.flush()
            for worker in workers:
                time.sleep(dice.uniform(0.05, 0.3))
                worker.send_signal(signal.SIGKILL)
                worker.communicate()
        time.sleep(0.6)
        ws.work(once=True, lease_for=timedelta(seconds=30))
        taken = box.counted()
        left = states(ws)
        with ws.state() as store, store.read() as session:
            sent = {act.ref for act in find_acts(session, states=[SENT])}
    assert max(taken.values()) == 1
    assert set(left) <= {SENT, IN_DOUBT}
    assert left[SENT] + left.get(IN_DOUBT, 0) == 150
    assert left.get(IN_DOUBT, 0) <= 6  # one for each worker that was killed
    assert sent <= set(taken)
    assert HANDING not in left


def _new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    return request.getfixturevalue("postgres")  # type: ignore[no-any-return]


def _worker(ws: Workspace, lease_s: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WORKER, str(ws.root), str(lease_s)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def test_the_commands(tmp_path: Path, mailbox: tuple[Any, int]) -> None:
    ws = made(tmp_path, mailbox[1])
    put(ws, ["a", "b"])
    run = CliRunner()
    said = run.invoke(app, ["work", "--once", "--limit", "1", "-w", str(tmp_path)])
    assert said.exit_code == 0, said.output
    assert "mail to ana@vendor.example" in said.output
    assert "1 sent" in said.output
    assert "1 still to come" in said.output
    said = run.invoke(app, ["work", "--for", "soon", "-w", str(tmp_path)])
    assert isinstance(said.exception, InputError)
    listed = json.loads(run.invoke(app, ["acts", "--json", "-w", str(tmp_path)]).output)
    assert [row["state"] for row in listed["acts"]] == [DUE, SENT]
    assert "2 acts" in run.invoke(app, ["acts", "-w", str(tmp_path)]).output
    assert run.invoke(app, ["acts", "--in-doubt", "-w", str(tmp_path)]).exit_code == 0
    shown = run.invoke(app, ["acts", "show", "1", "-w", str(tmp_path)])
    assert "hello" in shown.output
    assert isinstance(run.invoke(app, ["acts", "resolve", "1", "-w", str(tmp_path)]).exception, InputError)
    assert isinstance(run.invoke(app, ["acts", "--state", "gone", "-w", str(tmp_path)]).exception, InputError)


def test_stopped_by_a_signal_it_finishes_what_it_holds(tmp_path: Path, mailbox: tuple[Any, int]) -> None:
    ws = made(tmp_path, mailbox[1])
    put(ws, [f"k{n}" for n in range(5)])
    main = "from beforehand.cli import main; main()"
    command = [sys.executable, "-c", main, "work", "--json", "-w", str(ws.root)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE)
    while ws.acts()["counts"][SENT] < 5:
        time.sleep(0.05)
    worker.terminate()
    out, _ = worker.communicate()
    assert worker.returncode == 0
    assert json.loads(out)["came"] == {"sent": 5}
