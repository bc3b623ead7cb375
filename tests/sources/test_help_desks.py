"""Exports of Zendesk and Intercom as rows, and JSON of any shape and size read object by object."""

from __future__ import annotations

import gzip
import io
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beforehand.sources import Row, intercom, recognise, zendesk
from beforehand.sources.json_objects import objects

SHARED = Path(os.environ.get("BEFOREHAND_DATA", "../shared/data")).parent / "research" / "examples"
TICKET = {
    "id": 7, "created_at": "2026-07-01T09:00:00Z", "updated_at": "2026-07-03T09:00:00Z", "subject": "Export fails",
    "description": "It says 500", "status": "solved", "priority": "high", "type": "incident", "requester_id": 99,
    "submitter_id": 99, "assignee_id": 77, "organization_id": 5, "tags": ["a", "b"],
}  # fmt: skip
USERS = [
    {"id": 99, "name": "Bob", "email": "Bob@acme.test", "role": "end-user", "organization_id": 5},
    {"id": 77, "name": "Ann", "email": "ann@vendor.test", "role": "agent"},
]


def read(reader: Any, *documents: Any, indent: int | None = None) -> list[Row]:
    raw = "\n".join(json.dumps(document, indent=indent) for document in documents).encode()
    return list(reader.read(io.BytesIO(raw)))


def of(rows: list[Row], table: str) -> list[dict[str, Any]]:
    return [row.cells for row in rows if row.table == table and row.refused is None]


def test_a_zendesk_ticket_is_known_open_first_and_its_end_has_no_history() -> None:
    first, last = of(read(zendesk, {"tickets": [TICKET]}), "tickets")
    assert first["status"] == "open" and "priority" not in first and first["learned"] == TICKET["created_at"]
    assert (last["status"], last["priority"], last["category"]) == ("solved", "high", "incident")
    assert last["learned"] == TICKET["updated_at"] and first["at"] == last["at"] == TICKET["created_at"]
    assert last["properties"]["undated"] == "status, priority, category, tags, assignee"
    assert last["properties"]["tags"] == "a, b" and last["account"] == "5" and last["person"] == "99"


def test_a_zendesk_ticket_never_changed_is_one_version() -> None:
    (only,) = of(read(zendesk, {"tickets": [TICKET | {"updated_at": TICKET["created_at"]}]}), "tickets")
    assert only["status"] == "solved" and "undated" not in only["properties"]


def test_zendesk_audits_are_the_history() -> None:
    audits = [
        {"created_at": "2026-07-02T09:00:00Z", "events": [
            {"type": "Change", "field_name": "status", "value": "solved"}, {"type": "Comment", "body": "x"}]},
        {"created_at": "2026-07-01T09:00:00Z", "events": [
            {"type": "Create", "field_name": "status", "value": "new"},
            {"type": "Create", "field_name": "priority", "value": "low"}]},
        {"created_at": "2026-07-03T09:00:00Z", "events": [{"type": "Change", "field_name": "status", "value": "open"}]},
    ]  # fmt: skip
    versions = of(read(zendesk, {"tickets": [TICKET | {"audits": audits}]}), "tickets")
    assert [v["status"] for v in versions] == ["new", "solved", "open"]
    assert all(v["priority"] == "low" and "undated" not in v.get("properties", {}) for v in versions)


def test_zendesk_comments_have_directions() -> None:
    comments = [
        {"id": 1, "author_id": 99, "created_at": "2026-07-01T09:00:00Z", "plain_body": "It says 500", "public": True},
        {"id": 3, "author_id": 77, "created_at": "2026-07-01T11:00:00Z", "html_body": "<p>Sorry</p>", "public": True},
        {"id": 2, "author_id": 77, "created_at": "2026-07-01T10:00:00Z", "body": "he is cross", "public": False},
        {"id": 4, "author_id": 88, "created_at": "2026-07-01T12:00:00Z", "body": "me too", "public": True,
         "via": {"channel": "email", "source": {"from": {"address": "cara@acme.test"}}}},
    ]  # fmt: skip
    rows = read(zendesk, {"tickets": [TICKET | {"comments": comments}], "users": USERS}, indent=1)
    said = {row["id"]: row for row in of(rows, "messages")}
    assert [row["direction"] for row in said.values()] == ["in", "internal", "out", "in"]
    assert said["ticket-7"]["person"] == "99" and "person" not in said["2"] and said["3"]["person"] == "99"
    assert said["3"]["text"] == "Sorry" and said["3"]["properties"]["teammate"] == "ann@vendor.test"
    assert {row["conversation"] for row in said.values()} == {"7"}
    (person,) = of(rows, "people")
    assert person == {"person": "99", "email": "bob@acme.test", "name": "Bob", "account": "5"}


def test_a_description_is_the_first_comment_wherever_it_comes_from() -> None:
    without = of(read(zendesk, {"tickets": [TICKET]}), "messages")
    comment = {"id": 1, "author_id": 99, "created_at": TICKET["created_at"], "body": "It says 500"}
    with_comments = of(read(zendesk, TICKET | {"comments": [comment]}), "messages")
    assert [row["id"] for row in without] == [row["id"] for row in with_comments] == ["ticket-7"]


def test_zendesk_shapes_pages_lines_and_damage() -> None:
    page = {"tickets": [TICKET], "after_cursor": "x", "end_of_stream": True}
    one, lines, pages = (
        read(zendesk, page, indent=2),
        read(zendesk, TICKET, TICKET | {"id": 8}),
        read(zendesk, page, page),
    )
    assert len(of(one, "tickets")) == 2 and len(of(lines, "tickets")) == 4 and len(of(pages, "tickets")) == 4
    broken = json.dumps(TICKET) + '\n{"id": 8, "requester_id"\n' + json.dumps(TICKET | {"id": 9}) + "\n[1]\n"
    rows = list(zendesk.read(io.BytesIO(broken.encode())))
    assert {row["id"] for row in of(rows, "tickets")} == {"7", "9"}
    assert [(row.line, bool(row.refused)) for row in rows if row.refused] == [(2, True), (4, True)]
    torn = json.dumps({"tickets": [TICKET, TICKET]}, indent=1)[:-150]
    rows = list(zendesk.read(io.BytesIO(torn.encode())))
    assert len(of(rows, "tickets")) == 2 and sum(bool(row.refused) for row in rows) == 1
    (alone,) = read(zendesk, {"comments": [{"id": 1, "body": "x"}], "count": 1}, indent=1)
    assert alone.refused is not None and "which ticket" in alone.refused


def test_zendesk_ratings() -> None:
    ratings = [{"id": 1, "score": said, "ticket_id": 7, "requester_id": 99, "created_at": "2026-07-05T00:00:00Z",
                "comment": "slow"} for said in ("good", "bad", "offered")]  # fmt: skip
    rows = of(read(zendesk, {"satisfaction_ratings": ratings}), "surveys")
    assert [(row["kind"], row["score"]) for row in rows] == [("satisfaction", 1), ("satisfaction", 0)]


def conversation(**more: Any) -> dict[str, Any]:
    bob = {"type": "user", "id": "c1", "name": "Bob", "email": "bob@acme.test"}
    ann = {"type": "admin", "id": "a1", "email": "ann@vendor.test"}

    def part(number: int, kind: str, author: dict[str, Any], body: str | None = None, **rest: Any) -> dict[str, Any]:
        at = 1_785_580_000 + 3600 * number
        return {"id": str(number), "part_type": kind, "author": author, "body": body, "created_at": at} | rest

    parts = [
        part(2, "note", ann, "<p>he is cross</p>"), part(1, "assignment", ann, None, assigned_to={"type": "admin",
        "id": "a1"}), part(3, "comment", ann, "<p>Sorry</p>"), part(4, "close", ann),
        part(5, "comment", bob, "Still broken"),
    ]  # fmt: skip
    source = {
        "type": "conversation",
        "id": "s1",
        "delivered_as": "customer_initiated",
        "body": "<p>Export <b>fails</b></p>",
    }
    return {
        "type": "conversation", "id": "12", "created_at": 1_785_580_000, "updated_at": 1_785_600_000, "state": "open",
        "priority": "priority", "title": "Export", "source": source | {"author": bob},
        "contacts": {"contacts": [{"type": "contact", "id": "c1", "external_id": "u_1"}]},
        "tags": {"tags": [{"name": "bug"}]}, "conversation_parts": {"conversation_parts": parts},
        "conversation_rating": {"rating": 2, "remark": "slow", "created_at": 1_785_600_000},
    } | more  # fmt: skip


def test_an_intercom_conversation_is_messages_and_a_ticket_with_its_history() -> None:
    rows = read(intercom, {"type": "conversation.list", "conversations": [conversation()]}, indent=1)
    assert [(m["id"], m["direction"], m["text"]) for m in of(rows, "messages")] == [
        ("12-first", "in", "Export fails"), ("2", "internal", "he is cross"), ("3", "out", "Sorry"),
        ("5", "in", "Still broken"),
    ]  # fmt: skip
    tickets = of(rows, "tickets")
    assert [t["status"] for t in tickets] == ["open", "open", "closed", "open", "open"]
    assert tickets[1]["properties"]["assignee_id"] == "a1"
    assert tickets[-1]["priority"] == "high" and tickets[-1]["properties"]["undated"] == "priority, tags"
    assert of(rows, "people") == [{"person": "u_1", "email": "bob@acme.test", "name": "Bob"}]
    (rating,) = of(rows, "surveys")
    assert (rating["kind"], rating["score"], rating["comment"]) == ("csat", 2, "slow")


def test_what_we_sent_round_and_nobody_answered_is_no_ticket() -> None:
    source = {"delivered_as": "automated", "body": "Hello", "author": {"type": "bot", "id": "b"}}
    sent = conversation(source=source, conversation_parts={"conversation_parts": []})
    rows = read(intercom, sent)
    assert not of(rows, "tickets")
    (message,) = of(rows, "messages")
    assert message["direction"] == "out" and message["properties"]["automatic"]


@pytest.mark.parametrize(
    "said", [None, 3, [], "x", {"conversation_parts": {"conversation_parts": [3, {"author": 4, "body": ["x"]}]}}]
)
def test_odd_values_in_intercom_are_survived(said: Any) -> None:
    one = conversation()
    for key in one:
        read(intercom, one | {key: said if not isinstance(said, dict) else said.get(key)})
    read(intercom, {"type": "notification_event", "data": said})


@pytest.mark.parametrize("said", [None, 3, [], "x", {}, [None], [3]])
def test_odd_values_in_zendesk_are_survived(said: Any) -> None:
    one = TICKET | {"comments": [{"id": 1}], "audits": [{"events": [{"type": "Change"}]}], "via": {}, "url": "x"}
    for key in one:
        read(zendesk, {"tickets": [one | {key: said}], "users": USERS})
    for key in ("via", "author_id", "created_at", "body", "public"):
        read(zendesk, one | {"comments": [{key: said}]})


@pytest.mark.parametrize("chunk", [1, 7, 1 << 18])
def test_documents_are_read_the_same_in_any_pieces(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beforehand.sources.json_objects._CHUNK", chunk)
    document = {"tickets": [{"id": n, "text": 'ä\\"}]\n' * n} for n in range(5)], "n": [1.5, -2e3, 12], "ok": True}
    raw = b"\xef\xbb\xbf" + json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n[" + b'{"a": 1}]'
    found = [(f.under, f.value) for f in objects(io.BytesIO(raw), ("tickets",))]
    assert found[:5] == [("tickets", one) for one in document["tickets"]]
    assert found[5:] == [("", {"n": [1.5, -2e3, 12], "ok": True}), ("", {"a": 1})]


def test_a_document_of_many_objects_is_read_in_flat_memory() -> None:
    one = (json.dumps({"id": 1, "text": "x" * 2_000}, indent=1) + ",\n").encode()
    raw = b'{"tickets": [\n' + one * 10_000 + b'{"id": 2}\n]}'
    tracemalloc.start()
    assert sum(1 for _ in objects(io.BytesIO(raw), ("tickets",))) == 10_002
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


Write = Callable[[str, bytes], Path]


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.mbox", b"From a@x Sun Nov 22 10:50:01 2026\nFrom: a@x\n\nHi", "mbox"),
        ("a.eml", b"From: a@x\nSubject: x\n\nHi", "eml"),
        ("a.txt", b"From: a@x\nSubject: x\nDate: y\n\nHi", "eml"),
        ("a.json", json.dumps({"tickets": [TICKET]}, indent=2).encode(), "zendesk"),
        ("a.json", json.dumps([TICKET]).encode(), "zendesk"),
        ("a.jsonl", json.dumps(TICKET).encode() + b"\n", "zendesk"),
        ("a.json", json.dumps({"conversations": [conversation()]}).encode(), "intercom"),
        ("a.json", json.dumps(conversation(), indent=2).encode(), "intercom"),
        ("a.csv", b"account,event,at\nA,login,2026-01-01\n", None),
        ("a.csv", b"From,Date,Subject\na,b,c\n", None),
        ("a.jsonl", b'{"account": "A", "event": "x", "at": "2026-01-01"}\n', None),
        ("a.json", b"[1, 2]", None),
        ("a.json", b"{", None),
        ("a.bin", bytes(range(256)), None),
        ("empty", b"", None),
    ],
)
def test_files_are_recognised_by_what_they_hold(tmp_path: Path, name: str, content: bytes, kind: str | None) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert recognise(path) == kind
    path.write_bytes(gzip.compress(content))
    assert recognise(path) == kind


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared examples are not here")
@pytest.mark.parametrize(
    ("name", "kind"),
    [("support.mbox", "mbox"), ("outreach.eml", "eml"), ("zendesk_incremental_cursor_page.json", "zendesk"),
     ("zendesk_satisfaction_rating.json", "zendesk"), ("zendesk_webhook_ticket_event.json", "zendesk"),
     ("intercom_webhook.json", "intercom"), ("freshdesk_ticket.json", None), ("segment_batch.json", None),
     ("front_webhook.json", None), ("stripe_subscription_updated.json", None),
     ("jira_webhook_issue_created.json", None),
     ("helpscout_webhook_convo.json", None)],
)  # fmt: skip
def test_the_shared_examples_are_recognised(name: str, kind: str | None) -> None:
    assert recognise(SHARED / name) == kind
