"""`preview`: what an alert would look like on its way out, before any account with Slack or a mail server is set up."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from beforehand.channels import Chart, Message, html, picture, plain, slack_blocks, slack_page, webhook
from beforehand.commands.alert_message import alert_message
from beforehand.errors import EngineError, InputError, among

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

KINDS = ("email", "slack", "webhook")


def preview(
    ws: Workspace, target: str, *, channel: str = "email", out: Path | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """Writes what an alert (`A-1042`) would look like by a kind of channel, or one of the settings' by its name.

    Returns `kind`, `subject`, `file` (a web page; JSON for a webhook; by default in `.beforehand/preview/`) and
    `payload`: what would be handed over. Raises InputError where there is no such alert or channel.
    """
    specs = ws.settings.channels
    kind = specs[channel].kind if channel in specs else channel
    if kind not in KINDS:
        if channel in specs:
            raise InputError(f"There is no preview of {kind}.", f"There is of {', '.join(KINDS)}.", "unknown-channel")
        hint = among(channel, [*KINDS, *specs])
        raise InputError(f"There is no channel {channel!r}.", hint, code="unknown-channel")
    shown = ws.show(target, now=now)
    if "account" in shown:
        numbers = [row["alert"] for row in shown["alerts"]]
        raise InputError(f"{target} is an account.", among("", numbers) if numbers else "", code="unknown-alert")
    (alert,) = shown["alerts"]
    at = shown["now"] or datetime.now(UTC)
    message = alert_message(alert, ZoneInfo(shown["zone"]), at)
    sender = ws.settings.name
    payload, text, ending = _made(kind, message, sender, at)
    name = re.sub(r"[^A-Za-z0-9-]", "", str(alert["alert"]))
    file = out or ws.data / "preview" / f"{name}-{kind}.{ending}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EngineError(f"{file} cannot be written: {error.strerror or error}.", code="unwritable") from error
    return {"alert": alert["alert"], "kind": kind, "subject": message.subject, "file": file, "payload": payload}


def _made(kind: str, message: Message, sender: str, at: datetime) -> tuple[dict[str, Any], str, str]:
    """What is handed over, the text of the file that shows it, and the file's ending."""
    match kind:
        case "slack":
            payload = slack_blocks.payload(message)
            return payload, slack_page.page(payload, sender), "html"
        case "webhook":
            payload = webhook.body_of(message, at)
            return payload, json.dumps(payload, ensure_ascii=False, indent=2) + "\n", "json"
        case _:
            payload = {"subject": message.subject, "text": plain.text(message)}
            return payload, _mail(message, sender), "html"


def _mail(message: Message, sender: str) -> str:
    """The mail as a page: who it is from and its subject above, its plain text below."""

    def inside(chart: Chart, tone: str) -> str:
        return "data:image/png;base64," + base64.b64encode(picture.png(chart, tone)).decode()

    page = html.page(replace(message, unsubscribe=""), inside)
    dress = "max-width:600px;margin:0 auto;padding:20px 12px 0;font:13px/1.6 sans-serif"
    head = f'<div class="soft" style="{dress}"><b>{escape(message.subject)}</b><br>{escape(sender)}</div>'
    foot = (
        f'<details class="soft" style="{dress}"><summary>As plain text</summary>'
        f'<pre style="white-space:pre-wrap">{escape(plain.text(message))}</pre></details>'
    )
    start = page.index(">", page.index("<body")) + 1
    return page[:start] + head + page[start:].replace("</body>", f"{foot}</body>")
