"""Of the demo: a mail server and a listener for webhooks, on this machine only, which keep what they took."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HERE = "127.0.0.1"


class Mailbox(socketserver.ThreadingTCPServer):
    """Takes mail by SMTP; `mails` as they came, the oldest first."""

    daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        super().__init__((HERE, 0), _Talk)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Talk(socketserver.StreamRequestHandler):
    """One client, until it goes."""

    server: Mailbox

    def handle(self) -> None:
        with suppress(OSError):
            self._say("220 ready")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self._say("354 go on")
                    if not self._take():
                        return
                self._say("221 bye" if verb == b"QUIT" else "250 ok")

    def _take(self) -> bool:
        """A mail up to its lone dot; one that breaks off before is not taken."""
        lines: list[bytes] = []
        while line := self.rfile.readline():
            if line == b".\r\n":
                mail = message_from_bytes(b"".join(lines), policy=policy.default)
                assert isinstance(mail, EmailMessage)
                self.server.mails.append(mail)
                return True
            lines.append(line[1:] if line.startswith(b"..") else line)
        return False

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class Listener(ThreadingHTTPServer):
    """Takes what is posted; `posts` as headers and body, the oldest first."""

    daemon_threads = True

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        super().__init__((HERE, 0), _Post)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HERE}:{self.server_address[1]}/alerts"


class _Post(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((dict(self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: what came is shown by the demo."""


@contextmanager
def listening() -> Iterator[tuple[Mailbox, Listener]]:
    """Both, for as long as they are needed."""
    with Mailbox() as mailbox, Listener() as listener:
        servers = (mailbox, listener)
        for server in servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield servers
        finally:
            for server in servers:
                server.shutdown()
