"""Of the demo: an alert that reaches the right person, and a playbook that does something about it."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from listeners import Listener, listening
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text
from walk import ROOT, Walk

from beforehand.channels.webhook import verified

MONDAY = datetime(2026, 6, 1, 9, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
WEEKS = 16
SECRET = b64encode(b"only for this demonstration, 32+").decode()
DATA = Path(os.environ.get("BEFOREHAND_DATA") or ROOT.parent / "shared" / "data")
HILLSTROM = DATA / "hillstrom" / "hillstrom.csv.gz"
ERROR = "Export timed out after 30 s"
SHOWN = ("From", "To", "Subject")
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
CUT = 60
ACCOUNTS = """account,name,owner,region,value
globex,Globex,Ana,EMEA,84000
initech,Initech,Ben,AMER,12000
umbrella,Umbrella,Ana,EMEA,31000
"""
PEOPLE = """account,person,email,name,role
globex,ada@globex.example,ada@globex.example,Ada Byron,admin
initech,ian@initech.example,ian@initech.example,Ian Moss,admin
umbrella,uma@umbrella.example,uma@umbrella.example,Uma Reyes,admin
"""
PERSON = {"globex": "ada@globex.example", "initech": "ian@initech.example", "umbrella": "uma@umbrella.example"}
SETTINGS = """name: Outreach
incidents: off
channels:
  mail: {{kind: email, host: 127.0.0.1, port: {port}, security: none, sender: Care <care@vendor.example>,
         allow: 127.0.0.1}}
  crm: {{kind: webhook, url: '{url}', secret: {{file: crm.secret}}, allow: 127.0.0.1}}
"""
FILES = {
    "crm.secret": SECRET + "\n",
    "metrics.yaml": """exports:
  says: [exports]
  count: events
  event: export finished
errors:
  says: [errors]
  count: events
  event: error shown
""",
    "signals/exports-stop.yaml": """signal: exports-stop
when: exports below 2 per week
severity: high
why: Who cannot get their figures out looks for another way.
""",
    "signals/errors-in-the-way.yaml": """signal: errors-in-the-way
when: errors above 8 per week
severity: high
why: People meet errors far more often than they write about them.
playbook: send-the-fix
""",
    "team.yaml": """people:
  Ana: {email: ana@vendor.example, roles: [csm], manager: Marta}
  Ben: {email: ben@vendor.example, roles: [csm], manager: Marta}
  Marta: {email: marta@vendor.example, roles: [head of cs]}
owners:
  csm:
    trait: owner
    others: [Ben]
""",
    "routes.yaml": """to: csm
acknowledge within: 2 days
escalate to: [manager]
routes:
  - name: big accounts
    match: {severity: [critical, high], value at least: 50000}
    to: [csm, crm]
    acknowledge within: 4 hours
""",
    "playbooks/send-the-fix.yaml": """playbook: send-the-fix
about: Sends the fix before they write to us.
goal: exports at least 3 per week
steps:
  - offer resource: error
    else: no-fix-yet
  - step: letter
    draft: |
      Dear {{ person.first_name }},

      exports of {{ account.name }} have been timing out since last week. It is not you, and there is a way around it:

      {{ resource.title }}: {{ resource.link }}

      Does it work again? Just answer this mail.

      {{ owner.name }}
    subject: Your exports, {{ person.first_name }}
    to: their admin
  - approve: letter
    within: 2 business days
  - step: mail
    send: letter
  - wait: 14 days
  - end with: no answer
  - step: no-fix-yet
    task: No resource fits what {{ account.name }} met. Find a way around it, and tell them.
    within: 1 business day
""",
    "resources/export-timeout.yaml": """resource: export-timeout
title: When an export takes too long
fixes:
  error: [export timed out]
link: https://help.vendor.example/exports
""",
}


def show_outreach(walk: Walk, base: Path) -> None:
    """From an alert to the right person and on to the customer, in a workspace of its own; then an experiment."""
    home, walk.folder = walk.folder, base / "outreach"
    with listening() as (mailbox, listener):
        make(walk.folder, mailbox.port, listener.url)
        walk.title("To the right person")
        walk.say(
            "Three customers of another made-up company. At Globex exports began to time out last week. Two signals\n"
            "see it; Ana, whose account it is, is told once, and so is the CRM, as Globex is a big one.\n"
        )
        for table in ("accounts", "people", "events"):
            walk.show("load", f"data/{table}.{'jsonl' if table == 'events' else 'csv'}", "--as", table, quiet=True)
        walk.show("run", "--now", stamp(MONDAY - WEEK), quiet=True)
        walk.show("run", "--now", stamp(MONDAY))
        alerts = walk.ask("alerts", "--open")["alerts"]
        walk.show("route", "explain", str(alerts[0]["alert"]))
        walk.show("told")
        walk.show("work", "--once")
        walk.say("A mail server and a listener on this machine took what was handed over. Ana's mail, as plain text:\n")
        show_mail(walk, mailbox.mails[0])
        show_post(walk, listener)
        walk.say("Ana takes it on. Had nobody done so by 13:00, Marta would have heard.\n")
        walk.show("ack", *(str(alert["alert"]) for alert in alerts))

        walk.title("And something done about it")
        walk.say(
            "The signal names a playbook. It has found the fix for this error and drafted a letter to the customer,\n"
            "which is not sent before Ana says yes; the second mail to her asks for it.\n"
        )
        walk.show("approvals")
        walk.show("approve", "1", "--note", "sounds like me")
        walk.show("run", "--now", stamp(MONDAY + DAY))
        walk.show("work", "--once")
        show_mail(walk, mailbox.mails[-1])
        walk.say("They export again. That was the goal, so the playbook ends there, and its journal says so.\n")
        later = [row for account in PERSON for row in finished(account, MONDAY + DAY + timedelta(hours=3), 5)]
        write_events(walk.folder / "data" / "later.jsonl", later)
        walk.show("load", "data/later.jsonl", "--as", "events", "--learned", "occurred", quiet=True)
        walk.show("run", "--now", stamp(MONDAY + WEEK))
        walk.show("runs", "show", "1")
    walk.folder = home
    show_uplift(walk)


def show_uplift(walk: Walk) -> None:
    """An experiment that is known from elsewhere, where its file is there."""
    walk.title("Did it help?")
    if not HILLSTROM.exists():
        walk.say(
            "`beforehand uplift` compares accounts that were written to with those held out. The public mail\n"
            "experiment that shows it here is not on this machine, so this part is left out.\n"
        )
        return
    walk.say(
        "A playbook may hold accounts out, and so may you. A public experiment: 64,000 people, two mails or none.\n"
    )
    walk.show("uplift", "--from", str(HILLSTROM), "--arm", "segment", "--control", "No E-Mail", "--outcome", "visit")


def make(folder: Path, port: int, url: str) -> None:
    """The workspace and the files to load, its channels on these addresses."""
    files = FILES | {"beforehand.yaml": SETTINGS.format(port=port, url=url)}
    for name, text in (files | {"data/accounts.csv": ACCOUNTS, "data/people.csv": PEOPLE}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_events(folder / "data" / "events.jsonl", history())


def history() -> Iterator[dict[str, Any]]:
    """Each exports five times a week and meets an error now and then; Globex only errors in the last week."""
    for account in PERSON:
        for back in range(WEEKS, 0, -1):
            start = MONDAY - back * WEEK
            if account == "globex" and back == 1:
                yield from (event(account, "error shown", start + n * 0.4 * DAY, message=ERROR) for n in range(12))
            else:
                yield from finished(account, start, 5)
                yield event(account, "error shown", start + DAY, message="Connection lost")


def finished(account: str, start: datetime, count: int) -> Iterator[dict[str, Any]]:
    """Exports that came through, one every four hours."""
    return (event(account, "export finished", start + n * timedelta(hours=4)) for n in range(count))


def event(account: str, name: str, at: datetime, **properties: str) -> dict[str, Any]:
    """A line to load."""
    return {
        "account": account,
        "person": PERSON[account],
        "event": name,
        "at": at.isoformat(),
        "properties": properties,
    }


def write_events(path: Path, events: Iterable[dict[str, Any]]) -> None:
    """JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in events), encoding="utf-8")


def stamp(at: datetime) -> str:
    """A time as one types it."""
    return at.strftime("%Y-%m-%dT%H:%MZ")


def show_mail(walk: Walk, mail: EmailMessage) -> None:
    """The head and the plain text of a mail, as it arrived."""
    part = mail.get_body(("plain",))
    body = "" if part is None else str(part.get_content()).strip()
    head = Text("\n").join(Text.assemble((f"{name:<9}", "dim"), str(mail[name])) for name in SHOWN)
    frame(walk, Text.assemble(head, "\n\n", body), "mail")


def show_post(walk: Walk, listener: Listener) -> None:
    """What the listener took, its long parts cut, and whether its signature is right."""
    headers, body = listener.posts[0]
    told = json.loads(body)
    data = {key: told["data"][key] for key in ("recipient", "subject", "text", "meta")}
    data["text"] = data["text"][:CUT] + "..."
    data["meta"] = {"alert": data["meta"]["alert"], "account": data["meta"]["account"]}
    data["blocks"] = [f"{block['block']} ..." for block in told["data"]["blocks"][:3]] + ["..."]
    said = json.dumps(told | {"data": data}, indent=2, ensure_ascii=False)
    head = Text("\n").join(Text.assemble((f"{name:<19}", "dim"), headers[name]) for name in SIGNED)
    frame(walk, Text.assemble(head, "\n\n", said), "webhook")
    right = verified([SECRET], headers, body, datetime.now(UTC))
    walk.say("Its long parts are cut here. " + (
        "Counted again from the whole body and the secret that both know, the signature is the same: it is ours."
        if right else "The signature is not the one that body and secret give: it is not ours.") + "\n")  # fmt: skip


def frame(walk: Walk, inside: Text, title: str) -> None:
    """Something that arrived elsewhere, set apart from what commands print."""
    walk.out.print(Padding(Panel(inside, title=title, title_align="left", border_style="dim"), (0, 0, 1, 2)))
