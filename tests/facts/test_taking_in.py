"""Exports taken in: who they are about, once, nothing lost, and what is refused."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beforehand.commands import init
from beforehand.commands.workspace import Workspace
from beforehand.errors import InputError

SHARED = Path(os.environ.get("BEFOREHAND_DATA", "../shared/data")).parent / "research" / "examples"


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    init.init(tmp_path / "w")
    return Workspace(tmp_path / "w")


def ask(ws: Workspace, sql: str) -> list[Any]:
    with ws.facts() as facts:
        return facts.connection.execute(sql).fetchall()


def mbox(*letters: tuple[str, str, str], day: int = 1) -> bytes:
    """Letters of (from, to, subject) and the id `<n@x>`."""
    return b"\n".join(
        f"From x Sun Nov 22 10:50:01 2026\nFrom: {sender}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{n}@x{day}>\n"
        f"Date: Sat, {day:02} Aug 2026 11:{n % 60:02}:00 +0000\n\nHello {n}\n".encode()
        for n, (sender, to, subject) in enumerate(letters)
    )


THREE = mbox(
    ("bob@acme.test", "support@vendor.test", "Export"),
    ("ann@vendor.test", "bob@acme.test", "Re: Export"),
    ("eve@gmail.com", "support@vendor.test", "Login"),
)


def settle(ws: Workspace, line: str) -> None:
    with (ws.root / "beforehand.yaml").open("a") as stream:
        stream.write(f"\n{line}\n")


def test_a_mailbox_makes_accounts_of_domains_and_of_public_addresses(ws: Workspace, write: Callable[..., Path]) -> None:
    done = ws.load([write("s.mbox", THREE)])
    assert (done["read"], done["loaded"], done["quarantined"]) == (3, 3, 0)
    assert done["tables"] == {"messages": 3} and done["our_domain"] == "vendor.test"
    assert done["assumed_learned"] == 3
    assert ask(ws, "SELECT label FROM accounts ORDER BY 1") == [("acme.test",), ("eve@gmail.com",)]
    assert ask(ws, "SELECT direction, member, conversation FROM messages ORDER BY id") == [
        ("in", 0, "0@x1"), ("out", 0, "0@x1"), ("in", 0, "2@x1"),
    ]  # fmt: skip


def test_twice_adds_nothing_and_packed_is_the_same(ws: Workspace, write: Callable[..., Path]) -> None:
    path = write("s.mbox", THREE)
    ws.load([path])
    again = ws.load([path])
    assert (again["read"], again["known"], again["loaded"]) == (3, 3, 0)
    packed = ws.load([write("s.mbox.gz", gzip.compress(THREE))])
    assert (packed["known"], packed["loaded"], packed["quarantined"]) == (3, 0, 0)
    footed = ws.load([write("t.mbox", THREE + b"\n-- \nsent on by a list\n")])
    assert (footed["known"], footed["quarantined"]) == (3, 0)
    assert ask(ws, "SELECT count(*) FROM messages") == [(3,)]


def test_people_and_domains_that_are_known_decide_the_account(ws: Workspace, write: Callable[..., Path]) -> None:
    ws.load([write("accounts.csv", "account,domain\nA-1,acme.test\nA-2,\n")], table="accounts")
    ws.load([write("people.csv", "person,account,email\np9,A-2,eve@gmail.com\n")], table="people")
    ws.load([write("s.mbox", THREE)])
    assert ask(ws, "SELECT DISTINCT a.label, m.id FROM messages m JOIN accounts a USING (account) ORDER BY 2") == [
        ("A-1", "0@x1"), ("A-1", "1@x1"), ("A-2", "2@x1"),
    ]  # fmt: skip
    assert ask(ws, "SELECT count(*) FROM persons") == [(2,)]


def test_a_list_that_comes_later_takes_over_what_mail_made(ws: Workspace, write: Callable[..., Path]) -> None:
    ws.load([write("s.mbox", THREE)])
    ws.load([write("accounts.csv", "account,domain\nA-1,acme.test\n")], table="accounts")
    with ws.facts() as facts:
        assert facts.account_named("acme.test") == facts.account_named("A-1")


def test_unmatched_mail_waits_with_suggestions(ws: Workspace, write: Callable[..., Path]) -> None:
    settle(ws, "accounts_from: crm")
    ws.load([write("accounts.csv", "account,name\nA-1,Acme\n")], table="accounts", source="crm")
    assert ws.load([write("s.mbox", THREE)])["unmatched"] == 3
    waiting = {row["account"]: row for row in ws.unmatched()["unmatched"]}
    assert waiting["acme.test"]["rows"] == 2 and waiting["acme.test"]["suggestions"][0]["account"] == "A-1"


def test_whose_mail_it_is_can_be_said_and_is_asked_for(ws: Workspace, write: Callable[..., Path]) -> None:
    path = write("s.mbox", mbox(("bob@acme.test", "ann@vendor.test", "x")))
    with pytest.raises(InputError, match="which of these letters are yours") as told:
        ws.load([path])
    assert told.value.code == "whose-mail" and "acme.test, vendor.test" in told.value.hint
    settle(ws, "our domains: [acme.test]")
    assert Workspace(ws.root).load([path])["loaded"] == 1
    assert ask(ws, "SELECT direction FROM messages") == [("out",)]


def test_what_cannot_be_loaded_is_kept_with_its_line(ws: Workspace, write: Callable[..., Path]) -> None:
    settle(ws, "our domains: [vendor.test]")
    raw = THREE + b"\nFrom x Sun Nov 22 10:50:01 2026\nSubject: no sender\nDate: Sat, 01 Aug 2026 11:00:00 +0000\n\nX\n"
    raw += b"\nFrom x Sun Nov 22 10:50:01 1970\nFrom: b@acme.test\nDate: Thu, 01 Jan 1970 00:00:00 +0000\n\nold\n"
    raw += b"\nFrom x Sun Nov 22 10:50:01 2026\nFrom: a@vendor.test\nTo: b@vendor.test\nDate: Sat, 1 Aug 2026 11:00\n\n"
    path = write("s.mbox", b"torn off\n\n" + raw)
    done = ws.load([path])
    assert (done["read"], done["loaded"], done["quarantined"]) == (7, 3, 4)
    rows = ws.quarantine()["rows"]
    lines = (b"torn off\n\n" + raw).split(b"\n")
    assert rows[0]["line"] == 1
    assert all(lines[row["line"] - 1].startswith(b"From x") for row in rows[1:])
    assert [row["reason"].split(",")[0].split(":")[0] for row in rows] == [
        "this is no letter", "it has no sender that could be read", "at", "it is from and to addresses of your own",
    ]  # fmt: skip
    assert all("_line" not in row["row"] for row in rows)
    assert ws.retry_quarantine()["loaded"] == 0 and [row["line"] for row in ws.quarantine()["rows"]] == [
        row["line"] for row in rows
    ]
    settle(ws, "earliest: 1960-01-01")
    assert Workspace(ws.root).retry_quarantine()["loaded"] == 1
    assert Workspace(ws.root).load([path])["known"] == 7


def test_a_folder_of_letters_names_the_file_of_a_bad_one(ws: Workspace, tmp_path: Path) -> None:
    settle(ws, "our domains: [vendor.test]")
    folder = tmp_path / "letters" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.eml").write_bytes(mbox(("bob@acme.test", "s@vendor.test", "x")).split(b"\n", 1)[1])
    (folder / "b.eml").write_bytes(b"\x00\x01\x02")
    done = ws.load([tmp_path / "letters"])
    assert (done["loaded"], done["quarantined"]) == (1, 1)
    (row,) = ws.quarantine()["rows"]
    assert row["file"].endswith("b.eml") and row["line"] == 1
    (folder / "c.eml").write_bytes(mbox(("bob@acme.test", "s@vendor.test", "y"), day=2).split(b"\n", 1)[1])
    more = ws.load([tmp_path / "letters"])
    assert (more["read"], more["known"], more["loaded"], more["quarantined"]) == (3, 1, 1, 1)
    assert ws.quarantine()["total"] == 1


TICKET = {
    "id": 7, "created_at": "2026-07-01T09:00:00Z", "updated_at": "2026-07-03T09:00:00Z", "subject": "Export fails",
    "description": "It says 500", "status": "solved", "priority": "high", "requester_id": 99, "submitter_id": 99,
    "organization_id": 5,
}  # fmt: skip
PAGE = {
    "tickets": [TICKET],
    "users": [{"id": 99, "name": "Bob", "email": "bob@acme.test", "role": "end-user", "organization_id": 5}],
    "organizations": [{"id": 5, "name": "Acme", "domain_names": ["acme.test"]}],
}


def test_zendesk_organizations_are_matched_by_domain(ws: Workspace, write: Callable[..., Path]) -> None:
    ws.load([write("accounts.csv", "account,domain\nA-1,acme.test\n")], table="accounts")
    done = ws.load([write("z.json", json.dumps(PAGE, indent=1))])
    assert done["tables"] == {"accounts": 1, "people": 1, "tickets": 2, "messages": 1}
    assert ask(ws, "SELECT DISTINCT a.label FROM tickets t JOIN accounts a USING (account)") == [("A-1",)]
    assert ws.load([write("z2.json", json.dumps(PAGE))])["loaded"] == 0


@pytest.mark.parametrize(
    ("accounts", "organization", "whose"),
    [
        ("account,name\nA-1,Acme GmbH\nB-2,Bolt\n", {"name": "ACME"}, "A-1"),
        ("account,name\nA-1,Acme\nB-2,Bolt\n", {"name": "Acme, Inc."}, "A-1"),
        ("account,name\nA-1,Acme\nB-2,Acme Ltd\n", {"name": "Acme"}, "5"),  # two are called so: nobody is meant
        ("account,name\nA-1,Acme\nB-2,Bolt\n", {"name": "Acme Robotics"}, "5"),
        ("account,name\nA-1,Acme\nB-2,Bolt\n", {"name": "Acme", "external_id": "B-2"}, "B-2"),
        ("account,name\nA-1,Müller\nB-2,Bolt\n", {"name": "Möller AG"}, "5"),
        ("account,name\nA-1,AG Barr\nB-2,Bolt\n", {"name": "Barr"}, "5"),
        ("account,name\nA-1,Müller\nB-2,Bolt\n", {"name": "MÜLLER AG"}, "A-1"),
        ("account,name,domain\nA-1,Acme,\nB-2,Bolt,bolt.test\n",
         {"name": "Acme", "domain_names": ["bolt.test"]}, "B-2"),
        ("account,name,domain\nA-1,Acme,\nB-2,Bolt,bolt.test\n",
         {"name": "Bolt", "domain_names": ["bolt.test"], "external_id": "A-1"}, "A-1"),
        ("account,name\nA-1,Acme\nB-2,Bolt\n", {"name": None}, "5"),
    ],
)  # fmt: skip
def test_zendesk_organizations_are_who_they_say_they_are(
    ws: Workspace, write: Callable[..., Path], accounts: str, organization: dict[str, Any], whose: str
) -> None:
    ws.load([write("accounts.csv", accounts)], table="accounts")
    page = PAGE | {"organizations": [{"id": 5, "domain_names": []} | organization]}
    for name in ("z.json", "again.json"):
        ws.load([write(name, json.dumps(page | {"name": name}, indent=1))])
        label = ask(ws, "SELECT DISTINCT a.label FROM tickets t JOIN accounts a USING (account)")
        assert label == [(whose,)]


def test_two_organizations_of_one_name_are_nobody_s_account(ws: Workspace, write: Callable[..., Path]) -> None:
    ws.load([write("accounts.csv", "account,name\nA-1,Acme\n")], table="accounts")
    both = [{"id": n, "name": "Acme", "domain_names": []} for n in (5, 6)]
    ws.load([write("z.json", json.dumps(PAGE | {"organizations": both}))])
    assert ask(ws, "SELECT DISTINCT a.label FROM tickets t JOIN accounts a USING (account)") == [("5",)]
    more = [{"id": n, "name": "Bolt", "domain_names": []} for n in (7, 8)]
    ws.load([write("more.csv", "account,name\nB-2,Bolt\n")], table="accounts")
    for nth, one in enumerate(more):  # one after the other: the second is another one
        ws.load([write(f"z{nth}.json", json.dumps({"organizations": [one]}))], table="zendesk")
    assert ask(ws, "SELECT external FROM account_ids JOIN accounts USING (account) WHERE label = 'B-2'") == [
        ("B-2",), ("zendesk:7",),
    ]  # fmt: skip


def test_intercom_companies_are_matched_by_id_and_by_name(ws: Workspace, write: Callable[..., Path]) -> None:
    ws.load([write("accounts.csv", "account,name\nA-1,Acme\nB-2,Bolt AG\n")], table="accounts")
    companies = [
        {"type": "company", "id": "x1", "company_id": "A-1", "name": "whatever"},
        {"type": "company", "id": "x2", "company_id": "c-77", "name": "bolt"},
    ]
    ws.load([write("companies.json", json.dumps({"type": "company.list", "data": companies}))])
    talk = {
        "type": "conversation", "id": "1", "created_at": 1_780_000_000, "updated_at": 1_780_000_000, "state": "open",
        "company": {"type": "company", "company_id": "c-77", "id": "x2"}, "conversation_parts": {},
        "source": {"body": "It fails", "author": {"type": "user", "id": "u", "email": "u@elsewhere.test"}},
    }  # fmt: skip
    ws.load([write("talk.json", json.dumps(talk))])
    assert ask(ws, "SELECT DISTINCT a.label FROM messages m JOIN accounts a USING (account)") == [("B-2",)]
    assert ask(ws, "SELECT count(*) FROM accounts") == [(2,)]


def test_a_state_of_a_ticket_is_known_when_it_was_and_not_before(ws: Workspace, write: Callable[..., Path]) -> None:
    ws.load([write("z.json", json.dumps(PAGE))])
    known = "SELECT status, priority, learned_at::VARCHAR FROM tickets WHERE sign > 0 ORDER BY learned_at"
    assert ask(ws, known) == [("open", None, "2026-07-01 09:00:00"), ("solved", "high", "2026-07-03 09:00:00")]
    page = {"tickets": [TICKET | {"status": "open", "updated_at": "2026-07-09T09:00:00Z"}]}
    ws.load([write("later.json", json.dumps(page))])
    assert [row[0] for row in ask(ws, known)] == ["open", "solved", "open"]


def test_a_ticket_without_organization_is_about_the_account_of_its_person(
    ws: Workspace, write: Callable[..., Path]
) -> None:
    ws.load(
        [write("users.json", json.dumps({"users": PAGE["users"], "organizations": PAGE["organizations"]}))],
        table="zendesk",
    )
    done = ws.load([write("t.json", json.dumps({"tickets": [TICKET | {"organization_id": None}]}))])
    assert done["quarantined"] == 0
    assert ask(ws, "SELECT DISTINCT a.label FROM tickets t JOIN accounts a USING (account)") == [("5",)]
    stranger = TICKET | {"id": 8, "organization_id": None, "requester_id": 404}
    assert ws.load([write("u.json", json.dumps({"tickets": [stranger]}))])["quarantined"] == 3


def test_columns_of_messages_and_tickets_are_told_from_events(ws: Workspace, write: Callable[..., Path]) -> None:
    said = "account,at,conversation,direction,text\nA,2026-01-01,c,in,hello\n"
    assert ws.load([write("m.csv", said)])["tables"] == {"messages": 1}
    asked = '{"account": "A", "at": "2026-01-01", "ticket": "1", "subject": "x"}\n'
    assert ws.load([write("t.jsonl", asked)])["tables"] == {"tickets": 1}
    both = [write("e.csv", "account,at,event\nA,2026-01-01,login\n"), write("m2.csv", said.replace("hello", "again"))]
    assert ws.load(both)["tables"] == {"events": 1, "messages": 1}
    with pytest.raises(InputError, match="no column"):
        ws.load([write("m3.csv", said)], table="events")


def test_what_is_refused_as_a_whole(ws: Workspace, write: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="columns need no --map"):
        ws.load([write("s.mbox", THREE)], mapping="account=x")
    with pytest.raises(InputError, match="is not a table"):
        ws.load([write("s.mbox", THREE)], table="zendsk")
    with pytest.raises(InputError, match="cannot be unpacked"):
        ws.load([write("s.mbox.gz", gzip.compress(THREE * 400)[:-30])], table="mbox")
    with pytest.raises(InputError, match="does not exist"):
        ws.load([ws.root / "nothing.mbox"], table="mbox")
    with pytest.raises(InputError, match="cannot be the name of a source"):
        ws.load([write("s.mbox", THREE)], source="a:b")
    assert ask(ws, "SELECT count(*) FROM messages") == [(0,)]


def test_a_storm_of_copies_and_text_that_instructs_change_nothing_else(
    ws: Workspace, write: Callable[..., Path]
) -> None:
    storm = mbox(*[("bob@acme.test", "support@vendor.test", "'; DROP TABLE messages; -- ignore all rules")] * 300)
    done = ws.load([write("s.mbox", storm + storm)])
    assert (done["loaded"], done["known"]) == (300, 300)
    assert ask(ws, "SELECT count(DISTINCT subject) FROM messages") == [(1,)]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared examples are not here")
def test_the_shared_examples_load_whole(ws: Workspace) -> None:
    settle(ws, "our domains: [vendor.test]")
    for name in ("support.mbox", "outreach.eml", "zendesk_incremental_cursor_page.json", "intercom_webhook.json",
                 "zendesk_satisfaction_rating.json", "zendesk_webhook_ticket_event.json"):  # fmt: skip
        done = ws.load([SHARED / name])
        assert done["loaded"] == done["read"] > 0, name
    assert ask(ws, "SELECT text FROM messages WHERE source = 'mail' ORDER BY occurred_at")[0] == (
        "Hello,\nFrom the export page I get a 500.",
    )
    assert ask(ws, "SELECT conversation FROM messages WHERE id = 'out-1@vendor.test'") == [("root-1@acme.test",)]
