"""Zendesk exports: pages of the incremental export, lines of the full export, what its webhooks post.

Tickets come as they are in the end: what they were before is only there where `audits` come along. So the first version
of a ticket says what was so from its beginning (it was open, its subject, who asked), and the end is a second version,
as of its last update, whose property `undated` names what has no history.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from beforehand.sources.json_objects import Found, objects
from beforehand.sources.row import IN, INTERNAL, OUT, Row, all_held, held, name_of, of, refused, words

LISTS = ("tickets", "users", "organizations", "satisfaction_ratings", "results")
_PAGE = {"after_url", "after_cursor", "before_url", "before_cursor", "end_of_stream", "count", "next_page", "meta",
         "links", "previous_page", "end_time", "facets"}  # fmt: skip
_UNDATED = ("status", "priority", "type", "tags", "assignee_id", "group_id")
_OURS = ("agent", "admin")
_KEPT = 2_000_000


def looks_so(document: dict[str, Any]) -> bool:
    """Whether a document is one of Zendesk's: by what a ticket, a user or a page of them has and others do not."""
    for key in LISTS:
        for first in all_held(document.get(key))[:1]:
            return looks_so(first) or (key in ("users", "organizations") and "zendesk" in str(first.get("url")))
    if "ticket" in document and isinstance(document["ticket"], dict):
        return looks_so(document["ticket"])
    return (
        ("requester_id" in document and ("submitter_id" in document or "organization_id" in document))
        or str(document.get("type", "")).startswith("zen:event-type:")
        or ("/api/v2/" in str(document.get("url")) and "zendesk" in str(document.get("url")))
        or ("ticket_id" in document and "score" in document and "requester_id" in document)
        or ("after_cursor" in document and "end_of_stream" in document)
    )


def read(stream: IO[bytes]) -> Iterator[Row]:
    """The rows of an export: organizations as accounts, end users as people, tickets, comments as messages, ratings."""
    reader = _Reader()
    # Who is an agent decides the direction of comments, and users mostly come after the tickets.
    for found in objects(stream, LISTS):
        if found.broken is None and isinstance(found.value, dict):
            reader.note(found)
    stream.seek(0)
    for found in objects(stream, LISTS):
        yield from reader.rows(found)


class _Reader:
    def __init__(self) -> None:
        self.agents: dict[str, str] = {}
        self.customers: set[str] = set()

    def note(self, found: Found) -> None:
        """Keeps which users are agents."""
        one = _unwrapped(found)
        if "role" in one and "id" in one and "requester_id" not in one:
            if one["role"] in _OURS:
                self.agents[str(one["id"])] = str(one.get("email") or one.get("name") or one["id"])
            elif len(self.customers) < _KEPT:
                self.customers.add(str(one["id"]))

    def rows(self, found: Found) -> Iterator[Row]:
        if found.broken is not None:
            yield refused("tickets", found.line, found.broken, str(found.value))
            return
        if not isinstance(found.value, dict):
            yield refused("tickets", found.line, "this is not an object", repr(found.value))
            return
        one, line = _unwrapped(found), found.line
        if "zendesk_event_version" in one or str(one.get("type", "")).startswith("zen:"):
            yield from self._event(one, line)
        elif "ticket_id" in one and "score" in one:
            yield from _rating(one, line)
        elif "requester_id" in one or ("subject" in one and "description" in one):
            yield from self._ticket(one, line)
        elif "domain_names" in one or found.under == "organizations":
            domains = one["domain_names"] if isinstance(one.get("domain_names"), list) else []
            yield Row("accounts", line, of(
                account=name_of(one.get("id")), name=one.get("name"), domain=", ".join(map(str, domains)),
                external_id=name_of(one.get("external_id")),
            ))  # fmt: skip
        elif "role" in one or found.under == "users":
            if one.get("role") not in _OURS:
                yield Row("people", line, of(
                    person=name_of(one.get("id")), email=_email(one), name=one.get("name"),
                    account=name_of(one.get("organization_id")),
                ))  # fmt: skip
        elif not one.keys() <= _PAGE | {"users", "organizations"}:
            if one.keys() & {"comments", "audits"} and "id" not in one:
                said = "these comments do not say which ticket they belong to; export tickets with their comments"
            else:
                said = "this is no ticket, user, organization or rating of Zendesk"
            yield refused("tickets", line, said, repr(one))

    def _ticket(self, one: dict[str, Any], line: int) -> Iterator[Row]:
        ticket = name_of(one.get("id"))
        who = {"person": name_of(one.get("requester_id")), "account": name_of(one.get("organization_id"))}
        body, cut = words(one.get("description"))
        channel = name_of(held(one.get("via")).get("channel"))
        first = of(id=ticket, at=one.get("created_at"), subject=one.get("subject"), body=body, **who)
        fixed = of(channel=channel, cut=cut or None)
        versions = list(_versions(one))
        for at, said, undated in versions:
            yield Row("tickets", line, first | of(
                learned=at, status=said.get("status"), priority=said.get("priority"), category=said.get("type"),
                properties=fixed | of(
                    assignee_id=self._name(said.get("assignee_id")), group_id=name_of(said.get("group_id")),
                    tags=", ".join(map(str, said["tags"])) if isinstance(said.get("tags"), list) else None,
                    undated=", ".join(undated),
                ),
            ))  # fmt: skip
        rating = one.get("satisfaction_rating")
        if isinstance(rating, dict) and rating.get("id") is not None:
            yield from _rating(rating | {"ticket_id": ticket} | {k: one.get(k) for k in ("requester_id",)}, line, who)
        comments = all_held(one.get("comments"))
        if not comments and body is not None:
            # The description is the first comment; where comments come later, it is known already.
            comments = [{"author_id": one.get("requester_id"), "created_at": one.get("created_at"),
                         "body": one.get("description"), "via": one.get("via")}]  # fmt: skip
        comments.sort(key=lambda c: str(c.get("created_at")))
        for nth, comment in enumerate(comments):
            yield self._comment(comment, one, who, line, first=nth == 0)

    def _comment(
        self, comment: dict[str, Any], ticket: dict[str, Any], who: dict[str, Any], line: int, first: bool
    ) -> Row:
        author = name_of(comment.get("author_id"))
        body = comment.get("plain_body") or comment.get("body")
        text, cut = words(body) if body else words(comment.get("html_body"), html=True)
        theirs = author is not None and author not in self.agents and (
            author == who["person"] or author in self.customers or _address(comment) is not None
        )  # fmt: skip
        direction = INTERNAL if comment.get("public") is False else IN if theirs else OUT
        number = name_of(ticket.get("id"))
        return Row("messages", line, of(
            id=f"ticket-{number}" if first else name_of(comment.get("id")), conversation=number, account=who["account"],
            person=None if direction == INTERNAL else author if direction == IN else who["person"],
            at=comment.get("created_at"), direction=direction, subject=ticket.get("subject"), text=text,
            channel=name_of(held(comment.get("via")).get("channel")) or "zendesk",
            properties=of(teammate=None if direction == IN else self._name(author), cut=cut or None),
        ))  # fmt: skip

    def _event(self, one: dict[str, Any], line: int) -> Iterator[Row]:
        """What a webhook posted: the ticket as it was at that moment."""
        detail = one.get("detail")
        if not isinstance(detail, dict) or "requester_id" not in detail:
            yield refused("tickets", line, "this event is about no ticket", repr(one))
            return
        body, cut = words(detail.get("description"))
        yield Row("tickets", line, of(
            id=name_of(detail.get("id")), at=detail.get("created_at"), learned=one.get("time"),
            subject=detail.get("subject"), body=body,
            person=name_of(detail.get("requester_id")), account=name_of(detail.get("organization_id")),
            status=_low(detail.get("status")), priority=_low(detail.get("priority")), category=_low(detail.get("type")),
            properties=of(
                channel=name_of(held(detail.get("via")).get("channel")), cut=cut or None,
                assignee_id=self._name(detail.get("assignee_id")),
                group_id=name_of(detail.get("group_id")),
                tags=", ".join(map(str, detail["tags"])) if isinstance(detail.get("tags"), list) else None,
            ),
        ))  # fmt: skip

    def _name(self, user: Any) -> str | None:
        """An agent by address or name where the export says it, else by id."""
        found = name_of(user)
        return None if found is None else self.agents.get(found, found)


Version = tuple[Any, dict[str, Any], tuple[str, ...]]


def _versions(one: dict[str, Any]) -> Iterator[Version]:
    """When each state of a ticket was known, the state, and which of its fields have no history."""
    created, updated = one.get("created_at"), one.get("updated_at") or one.get("created_at")
    end = {key: _low(one.get(key)) if key in ("status", "priority", "type") else one.get(key) for key in _UNDATED}
    audits = all_held(one.get("audits"))
    if audits:
        state: dict[str, Any] = {}
        for audit in sorted(audits, key=lambda a: str(a.get("created_at"))):
            changes = [
                e for e in all_held(audit.get("events"))
                if e.get("type") in ("Create", "Change") and e.get("field_name") in _UNDATED
            ]  # fmt: skip
            for change in changes:
                key, value = change["field_name"], change.get("value")
                state[key] = _low(value) if key in ("status", "priority", "type") else value
            if changes:
                yield audit.get("created_at"), dict(state), ()
        return
    if updated == created:
        yield created, end, ()
        return
    yield created, {"status": "open"}, ()
    undated = tuple(
        {"type": "category", "assignee_id": "assignee", "group_id": "group"}.get(key, key)
        for key in _UNDATED
        if end[key] not in (None, "", [])
    )
    yield updated, end, undated


def _rating(one: dict[str, Any], line: int, who: dict[str, Any] | None = None) -> Iterator[Row]:
    said = str(one.get("score") or "").lower()
    if said not in ("good", "bad", "good_with_comment", "bad_with_comment"):
        return  # offered, and not answered
    comment, _ = words(one.get("comment"))
    yield Row("surveys", line, of(
        id=f"rating-{one['id']}" if one.get("id") is not None else None, kind="satisfaction",
        score=1 if said.startswith("good") else 0, comment=comment, at=one.get("created_at") or one.get("updated_at"),
        person=name_of(one.get("requester_id")), account=(who or {}).get("account"),
        properties=of(reason=one.get("reason"), ticket=name_of(one.get("ticket_id"))),
    ))  # fmt: skip


def _unwrapped(found: Found) -> dict[str, Any]:
    """The object itself, out of the envelope of a single one."""
    value: dict[str, Any] = found.value
    for key in ("ticket", "user", "organization"):
        if len(value) <= 4 and isinstance(value.get(key), dict):
            return dict(value[key])
    return value


def _low(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _email(one: dict[str, Any]) -> str | None:
    email = one.get("email")
    return email.lower() if isinstance(email, str) and "@" in email else None


def _address(comment: dict[str, Any]) -> str | None:
    """The address a comment came from, where it came by mail."""
    found = held(held(held(comment.get("via")).get("source")).get("from")).get("address")
    return found if isinstance(found, str) and "@" in found else None
