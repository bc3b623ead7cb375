"""The story of a playbook on SQLite and on PostgreSQL: told to the end, one live run an account, killed in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playbook_world import DAY, MONDAY, SETTINGS, Told, logins
from sqlalchemy import insert, select

from beforehand.errors import EngineError
from beforehand.store import Act, Entry, Run, Store, runs

sys.path.insert(0, str(Path(__file__).parents[1] / "channels"))
from mail_server import serving

RUN = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from beforehand.commands import Workspace, moving, playing
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[3] == "before it is written":
    moving.telling.put_shared = die  # the last thing before the transaction ends
if sys.argv[3] == "after it is written":
    playing.runs.put_closed_seen = die
print(Workspace(Path(sys.argv[1])).run(datetime.fromisoformat(sys.argv[2]))["runs"])
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest) -> Iterator[tuple[str, object]]:
    """Settings that name the state, and a mail server to send to."""
    state = "" if request.param == "sqlite" else f"state: '{request.getfixturevalue('postgres')()}'\n"
    with serving() as (box, port):
        yield SETTINGS.replace("2525", str(port)) + state, box


@pytest.fixture
def told(tmp_path: Path, settings: tuple[str, object]) -> Told:
    return Told(tmp_path / "w", settings=settings[0])


def ran(told: Told, dies: str = "never") -> subprocess.Popen[str]:
    """A `run` of Tuesday in a process of its own."""
    command = [sys.executable, "-c", RUN, str(told.root), (MONDAY + DAY).isoformat(), dies]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def written(told: Told) -> tuple[list[str], int]:
    """The lines of the run, and how many mails to a customer were written."""
    return told.kinds(), len(told.acts(outward=True))


def test_begun_approved_sent_and_recovered(told: Told, settings: tuple[str, object]) -> None:
    box = settings[1]
    assert told.ws.run(MONDAY)["runs"] == {"began": 1, "moved": 1, "ended": 0}
    told.ws.approve(1, now=MONDAY + DAY, text="Dear Ada, is all well?")
    told.ws.run(MONDAY + DAY)
    assert told.ws.work(once=True)["came"] == {"sent": 2}
    assert sorted(str(mail["To"]) for mail in box.mails) == ["ada@globex.example", "ann@vendor.example"]  # type: ignore[attr-defined]
    assert told.ws.run(MONDAY + 2 * DAY)["runs"] == {"began": 0, "moved": 0, "ended": 0}
    told.load("events", logins("globex", MONDAY, 4))
    assert told.ws.run(MONDAY + 7 * DAY)["runs"] == {"began": 0, "moved": 1, "ended": 1}
    assert told.run_row()["outcome"] == "recovered"
    assert told.kinds() == ["began", "did offer-resource-1", "did letter", "waits approve-3", "approved approve-3",
                            "went approve-3", "did mail", "waits wait-for-5", "ended"]  # fmt: skip
    assert told.ws.work(once=True)["handed"] == 0


@pytest.mark.parametrize("dies", ["before it is written", "after it is written"])
def test_killed_in_between_it_does_the_rest_and_nothing_twice(told: Told, dies: str) -> None:
    told.ws.run(MONDAY)
    told.ws.approve(1, now=MONDAY + DAY)
    before = written(told)
    killed = ran(told, dies)
    said = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, said
    after = ([*before[0], "went approve-3", "did mail", "waits wait-for-5"], 1)
    assert written(told) == (before if dies == "before it is written" else after)
    told.ws.run(MONDAY + DAY)
    assert written(told) == after
    told.ws.run(MONDAY + DAY)
    assert written(told) == after


def test_two_runs_at_once_move_it_once(told: Told) -> None:
    told.ws.run(MONDAY)
    told.ws.approve(1, now=MONDAY + DAY)
    both = [ran(told), ran(told)]
    said = [process.communicate(timeout=240) for process in both]
    # One of them may have had to wait too long for the facts, and says so.
    assert any(process.returncode == 0 for process in both), said
    assert written(told)[1] == 1
    assert told.kinds()[-3:] == ["went approve-3", "did mail", "waits wait-for-5"]


def test_one_live_run_of_a_playbook_at_an_account(anywhere: Path | str) -> None:
    ready = threading.Barrier(4)
    began: list[bool] = []

    def begin() -> None:
        with Store.open(anywhere, wait_s=60) as state:
            ready.wait()
            with state.write() as session:
                new = runs.begin_run(session, playbook="p", digest="d", text="", account="acme", now=MONDAY)
                began.append(new is not None)

    Store.open(anywhere).close()
    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(began) == [False, False, False, True]
    plain = {"playbook": "p", "digest": "d", "text": "", "account": "acme", "scope": "", "began_at": MONDAY}
    with Store.open(anywhere) as state:
        # Also for whoever does not ask first.
        with pytest.raises(EngineError, match=r"(?i)unique"), state.write() as session:
            session.execute(insert(Run), [plain | {"state": "live", "entries": 0}])
        with state.write() as session:
            session.execute(insert(Run), [plain | {"state": "ended", "entries": 0}])
        with state.read() as session:
            assert sorted(session.scalars(select(Run.state))) == ["ended", "live"]
            assert not list(session.scalars(select(Act))) and not list(session.scalars(select(Entry)))
