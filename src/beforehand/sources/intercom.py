"""Intercom (Fin) exports: conversations with their parts, contacts, companies, and what its webhooks post.

A conversation is messages, and a ticket from its first word to its close: the parts say when it was closed, opened
again and given to somebody else. Its priority and tags come as they are in the end (`undated`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any

from beforehand.sources.json_objects import objects
from beforehand.sources.row import IN, INTERNAL, OUT, Row, all_held, held, name_of, of, refused, words

LISTS = ("conversations", "data", "contacts", "companies")
_CUSTOMER = ("user", "lead", "contact", "visitor")
_STATES = {"close": "closed", "open": "open", "snoozed": "snoozed", "unsnoozed": "open", "timer_unsnooze": "open",
           "close_and_assign": "closed"}  # fmt: skip
_KINDS = ("conversation", "contact", "user", "lead", "company")


def looks_so(document: dict[str, Any]) -> bool:
    """Whether a document is one of Intercom's."""
    for key in LISTS:
        if any(looks_so(first) for first in all_held(document.get(key))[:1]):
            return True
    kind = str(document.get("type", ""))
    return (
        "conversation_parts" in document
        or kind == "notification_event"
        or kind in ("conversation.list", "conversation_list", "contact.list", "company.list")
        or (kind == "conversation" and ("source" in document or "contacts" in document))
        or (kind in ("contact", "user", "lead") and ("workspace_id" in document or "external_id" in document))
        or (kind == "company" and "company_id" in document)
    )


def read(stream: IO[bytes]) -> Iterator[Row]:
    """The rows of an export: companies as accounts, contacts as people, conversations as tickets and messages."""
    for found in objects(stream, LISTS):
        if found.broken is not None:
            yield refused("tickets", found.line, found.broken, str(found.value))
        elif not isinstance(found.value, dict):
            yield refused("tickets", found.line, "this is not an object", repr(found.value))
        else:
            yield from _rows(found.value, found.line)


def _rows(one: dict[str, Any], line: int) -> Iterator[Row]:
    if one.get("type") == "notification_event":
        one = held(held(one.get("data")).get("item"))
    if "conversation_parts" in one or one.get("type") == "conversation":
        yield from _conversation(one, line)
    elif one.get("type") == "company":
        website = str(one.get("website") or "").lower().split("//")[-1].split("/")[0].removeprefix("www.")
        yield Row("accounts", line, of(
            account=name_of(one.get("company_id") or one.get("id")), name=one.get("name"), domain=website or None,
        ))  # fmt: skip
    elif one.get("type") in ("contact", "user", "lead"):
        listed = held(one.get("companies"))
        companies = all_held(listed.get("data")) or all_held(listed.get("companies"))
        yield Row("people", line, _person(one, next(iter(companies), {})))
    elif not (one.keys() <= {"type", "pages", "total_count", "has_more", "page", "count"} or "pages" in one):
        yield refused("tickets", line, "this is no conversation, contact or company of Intercom", repr(one))


def _person(one: dict[str, Any], company: dict[str, Any]) -> dict[str, Any]:
    email = one.get("email")
    return of(
        person=name_of(one.get("external_id")) or email or name_of(one.get("id")), email=email, name=one.get("name"),
        account=name_of(company.get("company_id") or company.get("id")),
    )  # fmt: skip


def _conversation(one: dict[str, Any], line: int) -> Iterator[Row]:
    number, source = name_of(one.get("id")), held(one.get("source"))
    parts = all_held(held(one.get("conversation_parts")).get("conversation_parts"))
    parts = sorted(parts, key=lambda p: _seconds(p.get("created_at")))
    account = name_of(held(one.get("company")).get("company_id") or held(one.get("company")).get("id"))
    spoken = [(source | {"created_at": one.get("created_at"), "part_type": "comment"}), *parts]
    person = _customer(one, spoken)
    known = _contact(one, spoken)
    if known:
        yield Row("people", line, known | of(account=account))
    subject = words(one.get("title") or source.get("subject"), html=True)[0]
    theirs = False
    for nth, part in enumerate(spoken):
        message = _message(part, number, person, account, line, first=nth == 0)
        if message is not None:
            theirs = theirs or message.cells.get("direction") == IN
            yield Row("messages", line, message.cells | of(subject=subject))
    if theirs:  # what we sent round and nobody answered is no ticket
        yield from _ticket(one, spoken, person, account, subject, line)
    rating = held(one.get("conversation_rating"))
    if rating.get("rating") is not None:
        yield Row("surveys", line, of(
            id=f"rating-{number}", kind="csat", score=rating["rating"], comment=words(rating.get("remark"))[0],
            at=_moment(rating.get("created_at") or one.get("updated_at")), person=person, account=account,
            properties=of(conversation=number),
        ))  # fmt: skip


def _message(
    part: dict[str, Any], number: str | None, person: str | None, account: str | None, line: int, first: bool
) -> Row | None:
    """A part that says something; None for one that only changes a state."""
    text, cut = words(part.get("body"))
    if text is None:
        return None
    author = held(part.get("author"))
    kind = str(author.get("type") or "")
    direction = INTERNAL if "note" in str(part.get("part_type")) else IN if kind in _CUSTOMER else OUT
    if part.get("delivered_as") in ("admin_initiated", "automated", "operator_initiated", "campaigns_initiated"):
        direction = OUT
    own = author.get("email") or name_of(author.get("id"))
    whose = own if direction == IN else None if direction == INTERNAL else person
    return Row("messages", line, of(
        id=f"{number}-first" if first else name_of(part.get("id")), conversation=number, account=account,
        person=whose, at=_moment(part.get("created_at")), direction=direction, channel="intercom", text=text,
        properties=of(
            teammate=None if direction == IN else own, cut=cut or None,
            automatic=(kind == "bot" or part.get("delivered_as") == "automated") or None,
        ),
    ))  # fmt: skip


def _ticket(
    one: dict[str, Any], spoken: list[dict[str, Any]], person: str | None, account: str | None, subject: str | None,
    line: int,
) -> Iterator[Row]:  # fmt: skip
    body, cut = words(held(one.get("source")).get("body"))
    first = of(
        id=name_of(one.get("id")), at=_moment(one.get("created_at")), person=person, account=account,
        subject=subject, body=body,
    )  # fmt: skip
    state: dict[str, Any] = {"status": "open"}
    assignee: str | None = None
    last = _moment(one.get("created_at"))
    yield Row("tickets", line, first | state | of(learned=last, properties=of(channel="intercom", cut=cut or None)))
    for part in spoken[1:]:
        kind = str(part.get("part_type") or "")
        status = _STATES.get(kind) or ("open" if kind == "comment" and _reopens(part, state) else None)
        given = held(part.get("assigned_to"))
        to = (given.get("email") or name_of(given.get("id"))) if given and "assign" in kind else None
        if (status in (None, state["status"])) and (to is None or to == assignee):
            continue
        state["status"], assignee, last = status or state["status"], to or assignee, _moment(part.get("created_at"))
        properties = of(channel="intercom", assignee_id=assignee, cut=cut or None)
        yield Row("tickets", line, first | state | of(learned=last, properties=properties))
    end = _in_the_end(one, state)
    tags = ", ".join(str(tag.get("name")) for tag in held(one.get("tags")).get("tags") or () if isinstance(tag, dict))
    urgent = one.get("priority") == "priority"
    if end != state["status"] or tags or urgent:
        undated = ["status"] * (end != state["status"]) + ["priority"] * urgent + ["tags"] * bool(tags)
        updated = _moment(one.get("updated_at"))
        properties = of(
            channel="intercom", assignee_id=assignee, cut=cut or None, tags=tags, undated=", ".join(undated)
        )
        end_of_it = of(learned=updated or last, status=end, priority="high" if urgent else None, properties=properties)
        yield Row("tickets", line, first | end_of_it)


def _reopens(part: dict[str, Any], state: dict[str, Any]) -> bool:
    """A customer who writes in a closed conversation opens it again."""
    return state["status"] == "closed" and held(part.get("author")).get("type") in _CUSTOMER


def _in_the_end(one: dict[str, Any], state: dict[str, Any]) -> str:
    said = one.get("state")
    if isinstance(said, str) and said:
        return said.lower()
    return state["status"] if one.get("open") is None else "open" if one["open"] else "closed"


def _customer(one: dict[str, Any], spoken: list[dict[str, Any]]) -> str | None:
    """Who the conversation is with: the address of its first customer, else an id."""
    for part in spoken:
        author = held(part.get("author"))
        if author.get("type") in _CUSTOMER:
            return author.get("email") or name_of(author.get("id"))
    contact = next(iter(all_held(held(one.get("contacts")).get("contacts"))), {})
    return contact.get("email") or name_of(contact.get("external_id")) or name_of(contact.get("id"))


def _contact(one: dict[str, Any], spoken: list[dict[str, Any]]) -> dict[str, Any]:
    """Who the customer is in our own product, where the conversation says both: their id there and their address."""
    contacts = all_held(held(one.get("contacts")).get("contacts"))
    own = {name_of(c.get("id")): name_of(c.get("external_id")) for c in contacts if c.get("external_id")}
    for part in spoken:
        author = held(part.get("author"))
        email, external = author.get("email"), own.get(name_of(author.get("id")))
        if author.get("type") in _CUSTOMER and isinstance(email, str) and "@" in email and external:
            return of(person=external, email=email.lower(), name=author.get("name"))
    return {}


def _moment(value: Any) -> str | None:
    """A time in seconds as ISO 8601; what is no number as it stands."""
    try:
        return datetime.fromtimestamp(float(value), UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return str(value) if value not in (None, "") else None


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
