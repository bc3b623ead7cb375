"""Two processes on one workspace, a process killed while it loads, a disk that fills."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beforehand.errors import BusyError, EngineError
from beforehand.facts import Facts
from beforehand.facts.lock import locked
from beforehand.workspace.spec import SettingsSpec

HOLD = "import sys,time,pathlib;from beforehand.facts.lock import locked\n"
HOLD += "with locked(pathlib.Path(sys.argv[1])): print('held',flush=True); time.sleep(60)"
LOAD = """
import json, sys
from pathlib import Path
from beforehand.facts import Facts
from beforehand.facts.lock import locked
from beforehand.workspace.spec import SettingsSpec
data, files = Path(sys.argv[1]), [Path(f) for f in sys.argv[2:]]
print("begun", flush=True)
with locked(data), Facts.open(data / "facts.duckdb", SettingsSpec()) as facts:
    print(json.dumps(vars(facts.load(files))), flush=True)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline()
    return process


def test_who_holds_the_lock_is_named_and_a_dead_one_holds_none(tmp_path):
    holder = start(HOLD, tmp_path)
    try:
        began = time.monotonic()
        with pytest.raises(BusyError, match=f"pid {holder.pid}") as told, locked(tmp_path, wait_s=0.3):
            pass
        assert told.value.exit_code == 3
        assert time.monotonic() - began < 5
    finally:
        holder.kill()
        holder.communicate()
    assert json.loads((tmp_path / "lock").read_text())["pid"] == holder.pid  # the name is still there, the lock is not
    with locked(tmp_path, wait_s=0.3):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()
    assert (tmp_path / "lock").read_text() == ""


def test_the_lock_is_waited_for(tmp_path):
    holder = start(HOLD.replace("60", "0.5"), tmp_path)
    with locked(tmp_path, wait_s=10):
        assert holder.wait(5) == 0
    holder.communicate()


def test_killed_at_random_moments_nothing_is_lost_or_half_there(tmp_path):
    files = []
    for nth in range(3):
        file = tmp_path / f"{nth}.csv"
        rows = "".join(f"{nth}-{i},a{i % 50},p{i % 500},login,2026-01-{1 + i % 28:02d}\n" for i in range(20_000))
        file.write_text("id,account,person,event,at\n" + rows)
        files.append(file)
    random.seed(11)
    data = tmp_path / "data"
    sizes = {0}
    for _ in range(4):
        process = start(LOAD, data, *files)
        time.sleep(random.uniform(0.05, 1.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with locked(data), Facts.open(data / "facts.duckdb", SettingsSpec()) as facts:
            events, batches, seq = (
                facts.connection.execute(f"SELECT count(*) FROM {what}").fetchall()[0][0]
                for what in ("events", "batches", "(SELECT DISTINCT stored_seq FROM events)")
            )
            assert events == seq == 20_000 * batches
            sizes.add(events)
    with locked(data), Facts.open(data / "facts.duckdb", SettingsSpec()) as facts:
        done = facts.load(files)
        assert done.loaded + done.known == 60_000
        assert facts.connection.execute("SELECT count(*), count(DISTINCT id) FROM events").fetchall() == [
            (60_000, 60_000)
        ]
        assert facts.connection.execute(
            "SELECT count(*), count(DISTINCT (account, member)) FROM members"
        ).fetchall() == [(500, 500)]


def test_a_disk_that_fills_leaves_what_was_there(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", small], capture_output=True).returncode
    ):
        pytest.skip("no small file system can be mounted here")
    try:
        first, big = tmp_path / "first.csv", tmp_path / "big.csv"
        first.write_text("account,event,at\na,login,2026-01-01\n")
        rows = "".join(
            f"{random.random()},a{i % 50},x{random.random()},2026-01-{1 + i % 28:02d}\n" for i in range(450_000)
        )
        big.write_text("id,account,event,at\n" + rows)
        (small / "ballast").write_bytes(bytes(4_000_000))
        with Facts.open(small / "facts.duckdb", SettingsSpec()) as facts:
            facts.load([first])
        with pytest.raises(EngineError) as told, Facts.open(small / "facts.duckdb", SettingsSpec()) as facts:
            facts.load([big])
        assert told.value.hint
        (small / "ballast").unlink()  # room is made, as the hint says
        with Facts.open(small / "facts.duckdb", SettingsSpec()) as facts:
            assert facts.connection.execute("SELECT count(*) FROM events").fetchall() == [(1,)]
            assert facts.connection.execute("SELECT count(*) FROM batches").fetchall() == [(1,)]
            again = tmp_path / "again.csv"
            again.write_text("account,event,at\nb,login,2026-01-01\n")
            assert facts.load([again]).loaded == 1
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_files_of_another_version_and_damaged_ones_are_told(tmp_path):
    path = tmp_path / "facts.duckdb"
    with Facts.open(path, SettingsSpec()) as facts:
        facts.connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(EngineError, match="version 99"):
        Facts.open(path, SettingsSpec())
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(EngineError, match="cannot be opened"):
        Facts.open(path, SettingsSpec())
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="cannot be written"):
        Facts.open(Path(tmp_path / "file" / "facts.duckdb"), SettingsSpec())
