"""What is answered where. It holds no rule: it reads the request, asks the office, and says what came of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from beforehand.callbacks.asking import Answer, RefusedError, Request
from beforehand.callbacks.pages import page
from beforehand.channels import slack_signed
from beforehand.channels.posting import PostError, post
from beforehand.channels.webhook import verified
from beforehand.commands import replying
from beforehand.commands.coming_back import Office
from beforehand.commands.linking import DO, UNSUBSCRIBE
from beforehand.commands.pressing import Outcome
from beforehand.errors import InputError

SMALL = 1_000_000
"""Bytes: what Slack posts holds the whole message, a form of ours some words."""
MAIL = 10_000_000
ONE_CLICK = b"one-click"
STATUS = {"forged": 403, "stranger": 403, "stale": 410, "unknown-alert": 410, "alert-closed": 409}
BEFORE = ("forged", "stale", "stranger")
"""Why a link is refused before anything is asked of the state."""
VERBS = {
    "acknowledge": "Acknowledge", "snooze": "Snooze", "not-useful": "Not useful", "start-playbook": "Start playbook",
    "approve": "Approve", "reject": "Reject",
}  # fmt: skip
PAGES = (DO, UNSUBSCRIBE)


def place(path: str) -> str:
    """Which of our places a path is, without its token; `other` for none."""
    name = path.strip("/").partition("/")[0]
    return name if name in PLACES else "other"


def wants_json(request: Request) -> bool:
    """Whether a program asks, not a person."""
    return "application/json" in request.headers.get("accept", "")


async def answer(office: Office, request: Request) -> Answer:
    """The answer to a request; RefusedError where it is refused."""
    name, _, token = request.path.strip("/").partition("/")
    methods = PLACES.get(name)
    if methods is None or (bool(token) != (name in PAGES)) or "/" in token:
        raise RefusedError(404, "not-found", "There is nothing at this address.")
    do = methods.get("GET" if request.method == "HEAD" else request.method)
    if do is None:
        allowed = ", ".join(methods)
        raise RefusedError(405, "bad-method", f"Only {allowed} is taken here.", {"allow": allowed})
    return await do(office, request, token)


async def _slack(office: Office, request: Request, _: str) -> Answer:
    secrets = office.secrets("slack")
    if not secrets:
        raise RefusedError(404, "not-set-up", "`callbacks: slack` is not set.")
    body = await request.body(SMALL)
    why = slack_signed.refused(secrets, request.headers, body, office.clock())
    if why:
        raise RefusedError(401, why, "It is not signed as Slack signs, or not now.")
    try:
        told = slack_signed.press_of(body)
    except ValueError as error:
        raise RefusedError(400, "not-understood", f"It is nothing that Slack posts: {error}.") from None
    if told is None:
        return Answer(200)  # something else of Slack's, such as a link that was opened
    came = await asyncio.to_thread(office.press_in_slack, told)
    if came.state == "done":
        return Answer(200)  # the message itself says so
    return Answer(200, after=lambda: _whisper(office, told.answer_at, came.said))


def _whisper(office: Office, url: str, said: str) -> None:
    """Tells whoever pressed alone; a courtesy, which may be lost."""
    apps = office.files.people.apps()
    host = urlsplit(url).hostname or ""
    app = next((app for app in apps if host == urlsplit(app.api).hostname), apps[0] if apps else None)
    if app is None or not (host == "slack.com" or host.endswith(".slack.com") or host == urlsplit(app.api).hostname):
        return
    body = json.dumps({"response_type": "ephemeral", "replace_original": False, "text": said}).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    try:
        post(url, body, headers, timeout_s=app.timeout_s, allow=app.allow)
    except PostError:
        return


async def _ask_to_do(office: Office, request: Request, token: str) -> Answer:
    """Opening a link does nothing: programs open links to look whether they are good."""
    said = await asyncio.to_thread(office.link, DO, token)
    if isinstance(said, Outcome):
        raise _refusal(said)
    verb = VERBS.get(said["do"], said["do"])
    what, _, days = str(said["of"]).partition("|")
    if said["do"] == "snooze":
        verb = f"Snooze {days} days"
    about = await asyncio.to_thread(office.headline, what)
    named = what if what.startswith("A-") else f"run {what}"
    soft = f"You do it as {office.called(said['who'])}."
    return page(f"{verb}: {named}", about or "Press the button to go on.", button=verb, soft=soft)


async def _do(office: Office, request: Request, token: str) -> Answer:
    await request.body(SMALL)
    came = await asyncio.to_thread(office.press_link, token)
    if came.state == "refused":
        raise _refusal(came)
    if wants_json(request):
        return Answer.json(200, came.as_json())
    return page("Done" if came.state == "done" else "Done before", came.said)


async def _ask_to_unsubscribe(office: Office, request: Request, token: str) -> Answer:
    said = await asyncio.to_thread(office.link, UNSUBSCRIBE, token)
    if isinstance(said, Outcome):
        raise _refusal(said)
    name, address = office.files.settings.name, str(said["to"])
    return page(
        "Unsubscribe", f"Shall {name} stop writing to {address}?", strong=address, button="Unsubscribe",
        field=("List-Unsubscribe", "One-Click"), soft="Answers to what you ask us still reach you.",
    )  # fmt: skip


async def _unsubscribe(office: Office, request: Request, token: str) -> Answer:
    body = await request.body(SMALL)
    if ONE_CLICK not in body.lower():
        raise RefusedError(400, "not-asked", "It does not say List-Unsubscribe=One-Click.")
    came = await asyncio.to_thread(office.unsubscribe, token)
    if came.state == "refused":
        raise _refusal(came)
    if wants_json(request):
        return Answer.json(200, came.as_json())
    said = await asyncio.to_thread(office.link, UNSUBSCRIBE, token)
    address = "" if isinstance(said, Outcome) else str(said["to"])
    return page("You are unsubscribed", f"{office.files.settings.name} writes to {address} no more.", strong=address)


async def _reply(office: Office, request: Request, _: str) -> Answer:
    secrets = office.secrets("replies")
    if not secrets:
        raise RefusedError(404, "not-set-up", "`callbacks: replies` is not set.")
    body = await request.body(MAIL)
    if not verified(secrets, request.headers, body, office.clock()):
        raise RefusedError(401, "forged", "It is not signed as Standard Webhooks says, or not now.")
    came = await asyncio.to_thread(_taken, office, request, body)
    return Answer.json(200, came.as_json())


def _taken(office: Office, request: Request, body: bytes) -> Outcome:
    key = request.headers.get("webhook-id", "")
    try:
        if request.kind == "message/rfc822":
            reply = replying.from_mail(body, key)
        elif request.kind == "application/json":
            reply = replying.from_json(json.loads(body), key)
        else:
            raise RefusedError(415, "bad-kind", "Replies are application/json or message/rfc822.")
    except InputError as error:
        raise RefusedError(400, error.code or "not-a-mail", error.message) from None
    except (ValueError, RecursionError):
        raise RefusedError(400, "not-understood", "It is no JSON.") from None
    return office.reply(reply)


def _refusal(came: Outcome) -> RefusedError:
    kept = came.reason not in BEFORE
    return RefusedError(STATUS.get(came.reason, 409), came.reason, came.said, kept=kept)


Do = Callable[[Office, Request, str], Awaitable[Answer]]
PLACES: dict[str, dict[str, Do]] = {
    "slack": {"POST": _slack},
    DO: {"GET": _ask_to_do, "POST": _do},
    UNSUBSCRIBE: {"GET": _ask_to_unsubscribe, "POST": _unsubscribe},
    "replies": {"POST": _reply},
}
