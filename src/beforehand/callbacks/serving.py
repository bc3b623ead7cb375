"""Serving the application by itself, until it is told to stop."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

from beforehand.callbacks.app import application
from beforehand.errors import EngineError

AT_ONCE = 64
"""Requests at a time; more are told to come back."""
IDLE_S = 5
STOPPING_S = 10


def serve(root: Path, host: str, port: int, told: Callable[[str, tuple[str, ...]], None]) -> None:
    """Serves the workspace at `root` until SIGINT or SIGTERM.

    `told` hears the address once it listens, and what is taken there. Raises EngineError where the extra is missing,
    the address is taken, or the state cannot be opened; InputError where the settings are wrong.
    """
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise EngineError(
            "What comes back is taken by a small web server, which is not installed.",
            "Install it: pip install 'beforehand[callbacks]'.",
            code="no-callbacks",
        ) from error
    app = application(root)
    takes = app.open().files.takes
    listening = _bound(host, port)
    where = listening.getsockname()
    shown = f"[{where[0]}]" if ":" in str(where[0]) else where[0]

    class Server(uvicorn.Server):
        """Says where it listens, once it does."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                told(f"http://{shown}:{where[1]}", takes)

    config = uvicorn.Config(
        app, http="h11", ws="none", lifespan="on", log_level="error", access_log=False, server_header=False,
        limit_concurrency=AT_ONCE, timeout_keep_alive=IDLE_S, timeout_graceful_shutdown=STOPPING_S,
    )  # fmt: skip
    # Once it has stopped, uvicorn raises the signal that stopped it again: to be told to stop is no failure.
    before = {sign: signal.signal(sign, lambda *_: None) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        Server(config).run(sockets=[listening])
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
        listening.close()


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is one that is free."""
    made: socket.socket | None = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Said to be TCP, asyncio sends what is small at once; else headers and body of a page wait for each other.
        made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except (OSError, UnicodeError) as error:
        if made is not None:
            made.close()
        raise EngineError(
            f"Nothing can listen at {host}:{port}: {getattr(error, 'strerror', None) or error}.",
            "Name another with --host and --port; --port 0 takes one that is free.",
            code="address-taken",
        ) from error
    return made
