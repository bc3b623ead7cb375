"""One process at a time on the facts of a workspace."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from beforehand.errors import BusyError, EngineError

_POLL_S = 0.05


@contextmanager
def locked(data_dir: Path, wait_s: float = 10) -> Iterator[None]:
    """Holds the lock of a workspace's data folder, made where absent.

    The lock is the kernel's (`flock`), so that of a process that died is gone with it; the file names the holder only
    to be able to say who it is. Waits `wait_s` seconds, then raises BusyError with pid and command. The same process
    may not take it twice.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        handle = (data_dir / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise EngineError(f"{data_dir} cannot be written: {error.strerror or error}.", code="unwritable") from None
    with handle:
        _take(handle, data_dir, wait_s)
        try:
            _sign(handle, json.dumps({"pid": os.getpid(), "command": _command()}))
            yield
        finally:
            _sign(handle, "")
            fcntl.flock(handle, fcntl.LOCK_UN)


def _sign(handle: TextIO, text: str) -> None:
    """Writes who holds the lock; on a full disk it is held without a name."""
    with suppress(OSError):
        handle.seek(0)
        handle.truncate()
        handle.write(text)
        handle.flush()


def _take(handle: TextIO, data_dir: Path, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise BusyError(
                    f"Another process works on {data_dir.parent}: {_holder(handle)}.",
                    f"Waited {wait_s:g} s. Wait until it is done, or stop it, and try again.",
                    code="busy",
                ) from None
            time.sleep(_POLL_S)


def _holder(handle: TextIO) -> str:
    handle.seek(0)
    try:
        held = json.loads(handle.read())
        return f"pid {held['pid']}, `{held['command']}`"
    except (ValueError, KeyError, TypeError):
        return "one that has not said its name"


def _command() -> str:
    return shlex.join([Path(sys.argv[0]).name or "python", *sys.argv[1:]])
