"""One HTTP request to an address that was checked, without following where it is sent on to.

Standard library only: a worker hands over one message after the other, and what matters is to know how far a request
came before it failed.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from beforehand import __version__
from beforehand.channels.addresses import AddressError, Network, connect
from beforehand.channels.seam import Handed

LARGEST_ANSWER = 65_536
LONGEST_WAIT_S = 24 * 3600.0


@dataclass(frozen=True)
class Answer:
    """What the other side said: its status, the first of its body, and how long it asks to be left alone."""

    status: int
    body: bytes
    after_s: float | None


class PostError(Exception):
    """No answer came. `asked`: the whole request had gone out, so it may have been carried out."""

    def __init__(self, reason: str, detail: str, *, asked: bool) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.asked = asked


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    allow: tuple[Network, ...] = (),
    now: datetime | None = None,
) -> Answer:
    """Posts `body` to `url` (http or https); raises PostError where no answer came.

    `now` (default: the clock) is what a Retry-After that names a day is counted from.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    asked = False
    connection: http.client.HTTPConnection | None = None
    if parts.scheme not in ("http", "https") or not host:
        raise PostError("bad-address", "Its address does not begin with https:// or http://.", asked=False)
    try:
        port = parts.port or (443 if secure else 80)
        socket = connect(host, port, timeout_s, allow)
        if secure:
            context = ssl.create_default_context()
            try:
                socket = context.wrap_socket(socket, server_hostname=host)
            except BaseException:
                socket.close()
                raise
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
        connection.sock = socket
        sent = {"User-Agent": f"beforehand/{__version__}", "Connection": "close", **headers}
        connection.request("POST", target, body=body, headers=sent)
        asked = True
        answer = connection.getresponse()
        said = answer.read(LARGEST_ANSWER)
        after = retry_after(answer.headers.get("Retry-After"), now or datetime.now(UTC))
        return Answer(answer.status, said, after)
    except AddressError as error:
        raise PostError(error.reason, error.detail, asked=False) from error
    except TimeoutError as error:
        raise PostError("timeout", f"{host} did not answer within {timeout_s:g} s.", asked=asked) from error
    except ssl.SSLError as error:
        raise PostError(
            "tls", f"{host} cannot be spoken to in private: {error.reason or error}.", asked=asked
        ) from error
    except (http.client.HTTPException, OSError, ValueError) as error:
        # A server that hangs up says so with one of these; where the request was out, it may have read it.
        raise PostError("cut-off", f"{host} broke off: {type(error).__name__}.", asked=asked) from error
    finally:
        if connection is not None:
            connection.close()


def retry_after(written: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header (seconds, or a day) asks for, at most a day; None where it asks nothing."""
    if written is None:
        return None
    written = written.strip()
    if written.isascii() and written.isdigit():
        return min(float(written[:9]), LONGEST_WAIT_S)
    try:
        at = parsedate_to_datetime(written)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max(0.0, (at - now).total_seconds()), LONGEST_WAIT_S)


def handed(answer: Answer, ref: str | None = None) -> Handed:
    """What an answer means by its status alone."""
    status = answer.status
    said = f"It answered {status}"
    words = " ".join(answer.body[:300].decode("utf-8", "replace").split())
    said += f": {words[:200]}" if words else "."
    if 200 <= status < 300:
        return Handed("sent", "accepted", ref=ref)
    if 300 <= status < 400:
        return Handed("refused", "redirected", f"It answered {status}; where it sends on to is not followed.")
    if status == 429:
        return Handed("retry", "rate-limited", said, after_s=answer.after_s)
    if status in (408, 425) or status >= 500:
        return Handed("retry", "server-error" if status >= 500 else "put-off", said, after_s=answer.after_s)
    if status in (401, 403):
        return Handed("retry", "login-refused", said, after_s=answer.after_s)
    return Handed("refused", "gone" if status == 410 else "rejected", said)


def unanswered(error: PostError, *, keyed: bool) -> Handed:
    """What it means that no answer came: to an unkeyed channel, once it was asked, nobody can say."""
    if error.asked and not keyed:
        return Handed("in doubt", error.reason, error.detail)
    return Handed("refused" if error.reason == "private-address" else "retry", error.reason, error.detail)
