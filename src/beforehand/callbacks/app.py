"""The application: where each request goes, and that nobody outside ever sees what went wrong within."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from beforehand.callbacks import routes
from beforehand.callbacks.asking import Answer, Receive, RefusedError, Request, Scope, Send
from beforehand.callbacks.pages import page
from beforehand.commands import Workspace
from beforehand.commands.coming_back import Office
from beforehand.errors import BeforehandError, BusyError

FLUSH_S = 1.0
"""So long refused requests are counted before they are written down: a flood of them does not keep the disk busy."""
TITLES = {403: "This link does not work", 404: "There is nothing here", 410: "This link is too old"}
logger = logging.getLogger("beforehand.callbacks")


def application(
    root: Path, environment: Mapping[str, str] | None = None, clock: Callable[[], datetime] | None = None
) -> Callbacks:
    """The application for the workspace at `root`, for a server to mount; it opens the state when it is first asked."""
    return Callbacks(root, environment, clock)


class Callbacks:
    """An ASGI 3 application over the state of one workspace; see the package for what it takes."""

    def __init__(
        self, root: Path, environment: Mapping[str, str] | None = None, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.root = root
        self.environment = os.environ if environment is None else environment
        self.clock = clock or (lambda: datetime.now(UTC))
        self._open = ExitStack()
        self._office: Office | None = None
        self._opening = asyncio.Lock()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._flushing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._after: set[asyncio.Future[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or starts and stops with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def office(self) -> Office:
        """The open workspace; opened by whoever asks first. Raises BeforehandError where it cannot be."""
        async with self._opening:
            return self._office if self._office is not None else await asyncio.to_thread(self.open)

    def open(self) -> Office:
        """Opens the workspace before anybody asks, so that a mistake in its settings is told at once."""
        if self._office is None:
            state = self._open.enter_context(Workspace(self.root, "callbacks").state())
            office = Office(self.root, state, self.environment, self.clock)
            _ = office.files
            self._office = office
        return self._office

    async def close(self) -> None:
        """Writes down what was counted, waits for what is still being said, and lets go of the state."""
        self._closing.set()
        if self._flushing is not None:
            await self._flushing
        if self._after:
            await asyncio.wait(list(self._after), timeout=5)
        await self._flush()
        self._office = None
        await asyncio.to_thread(self._open.close)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                try:
                    office = await self.office()
                except Exception as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    raise
                await send({"type": "lifespan.startup.complete"})
                # Nobody waits for it; whoever is first finds it done.
                self._keep(asyncio.get_running_loop().run_in_executor(None, office.warm))
            else:
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request: Request | None = None
        try:
            office = await self.office()
            under = urlsplit(office.files.settings.callbacks.url or "").path.rstrip("/")
            request = Request.of(scope, receive, under)
            answer = await routes.answer(office, request)
        except RefusedError as refused:
            answer = self._no(request, refused)
        except BusyError:
            answer = Answer.json(503, _error("busy", "Try again in a moment.")).with_headers({"retry-after": "5"})
        except Exception as error:
            # What it was is for the log of whoever runs this; outside nobody learns anything from it.
            known = isinstance(error, BeforehandError)
            logger.error("%s: %s", type(error).__name__, error, exc_info=None if known else error)
            answer = Answer.json(500, _error("failed", "It failed here, and was written down."))
        head = request is not None and request.method == "HEAD"
        await answer.send(send, head=head)
        if answer.after is not None:
            self._keep(asyncio.get_running_loop().run_in_executor(None, answer.after))

    def _keep(self, task: asyncio.Future[None]) -> None:
        """Holds on to what goes on behind an answer until it is done."""
        self._after.add(task)
        task.add_done_callback(self._after.discard)

    def _no(self, request: Request | None, refused: RefusedError) -> Answer:
        """What a refused request is answered; it is counted, and written down within a second."""
        where = routes.place(request.path) if request is not None else "other"
        if not refused.kept:
            self._refused[where, refused.reason] += 1
            if self._flushing is None or self._flushing.done():
                self._flushing = asyncio.get_running_loop().create_task(self._flush_soon())
        if request is not None and where in routes.PAGES and not routes.wants_json(request):
            answer = page(TITLES.get(refused.status, "That did not work"), refused.said, status=refused.status)
        else:
            answer = Answer.json(refused.status, _error(refused.reason, refused.said))
        return answer.with_headers(refused.headers)

    async def _flush_soon(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), FLUSH_S)
        await self._flush()

    async def _flush(self) -> None:
        counts, self._refused = self._refused, Counter()
        if counts and self._office is not None:
            try:
                await asyncio.to_thread(self._office.refused, counts)
            except BeforehandError as error:
                logger.error("%s", error)
                self._refused += counts


def _error(code: str, said: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": said}}
