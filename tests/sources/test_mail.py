"""Mailboxes as they come: threads, directions, broken heads and bodies."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.sources.letters import read_letter
from beforehand.sources.mail import Mailbox, Ours, letters_of_mbox, our_domain
from beforehand.sources.row import Row

OURS = Ours.of(["vendor.test"])


def letter(
    sender: str, to: str, subject: str = "Export", body: str = "Hello", message_id: str | None = "<m1@x>", **heads: str
) -> bytes:
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}"]
    lines += [f"Message-ID: {message_id}"] if message_id else []
    heads = {"Date": "Sat, 01 Aug 2026 11:00:00 +0000"} | {name.replace("_", "-"): v for name, v in heads.items()}
    lines += [f"{name}: {value}" for name, value in heads.items() if value]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8")


def rows(*letters: bytes, box: Mailbox | None = None) -> list[Row]:
    box = box or Mailbox(OURS)
    return [box.row(raw, 1) for raw in letters]


def test_mbox_is_cut_where_a_letter_begins_and_quoted_lines_are_unquoted() -> None:
    raw = (
        b"From MAILER-DAEMON Sun Nov 22 10:50:01 2026\nFrom: a@x.test\nSubject: one\n\nHello,\n"
        b">From the export page\n>>From deeper\n\nFrom here it is a sentence of 2026\nand goes on\n\n"
        b"From b@x.test Sun Nov 22 10:51:01 2026\nFrom: b@x.test\nSubject: two\n\nSecond\n"
    )
    found = list(letters_of_mbox(io.BytesIO(raw)))
    assert [line for line, _, _ in found] == [1, 12]
    assert b"\nFrom the export page\n>From deeper\n" in found[0][2]
    assert b"From here it is a sentence of 2026\nand goes on" in found[0][2]
    assert b"Second" in found[1][2] and b"From b@x.test Sun" not in found[1][2]


def test_what_stands_before_the_first_letter_is_not_lost() -> None:
    raw = b"\x00\x01 torn off\nrest of a letter\n\nFrom a@x Sun Nov 22 10:50:01 2026\nFrom: a@x.test\n\nHi\n"
    found = list(letters_of_mbox(io.BytesIO(raw)))
    assert len(found) == 2
    assert rows(found[0][2])[0].refused is not None and "rest of a letter" in str(rows(found[0][2])[0].cells)


def test_directions_by_our_domains() -> None:
    inward, outward, under, form, among = rows(
        letter("Bob <Bob@Acme.test>", "support@vendor.test"),
        letter("ann@vendor.test", "Bob <bob@acme.test>, eve@other.test", message_id="<m2@x>"),
        letter("robot@eu.vendor.test", "bob@acme.test", message_id="<m3@x>"),
        letter("form@vendor.test", "support@vendor.test", message_id="<m4@x>", Reply_To="cara@acme.test"),
        letter("ann@vendor.test", "ben@vendor.test", message_id="<m5@x>"),
    )
    assert (inward.cells["direction"], inward.cells["person"]) == ("in", "bob@acme.test")
    assert inward.cells["properties"] == {"teammate": "support@vendor.test", "name": "Bob"}
    assert (outward.cells["direction"], outward.cells["person"]) == ("out", "bob@acme.test")
    assert outward.cells["properties"]["teammate"] == "ann@vendor.test"
    assert under.cells["direction"] == "out"
    assert (form.cells["direction"], form.cells["person"]) == ("in", "cara@acme.test")
    assert among.refused is not None and "your own" in among.refused


def test_threads_by_references_then_answers_then_subject() -> None:
    found = rows(
        letter("bob@acme.test", "support@vendor.test", message_id="<root@a>"),
        letter("ann@vendor.test", "bob@acme.test", "Re: Export", message_id="<two@v>", In_Reply_To="<root@a>"),
        letter("bob@acme.test", "support@vendor.test", "AW: Export", message_id="<three@a>", In_Reply_To="<two@v>"),
        letter("bob@acme.test", "x@vendor.test", "else", message_id="<four@a>", References="<root@a>\r\n <two@v>"),
        letter("bob@acme.test", "support@vendor.test", "RE: Re: export ", message_id="<five@a>"),
        letter("eve@other.test", "support@vendor.test", "Re: Export", message_id="<six@o>"),
        letter(
            "bob@acme.test", "s@vendor.test", "Re: Export", message_id="<old@a>", Date="Sat, 01 Nov 2026 11:00:00 +0000"
        ),
    )
    assert [row.cells["conversation"] for row in found] == ["root@a"] * 5 + ["six@o", "old@a"]


def test_a_thread_goes_on_where_an_earlier_load_left_it() -> None:
    box = Mailbox(OURS, [("two@v", "root@a")])
    (row,) = rows(letter("b@acme.test", "s@vendor.test", message_id="<n@a>", In_Reply_To="<two@v>"), box=box)
    assert row.cells["conversation"] == "root@a"


def test_a_thread_of_5000_letters_is_one_conversation() -> None:
    box = Mailbox(OURS)
    found = [
        box.row(letter("bob@acme.test", "s@vendor.test", message_id=f"<{n}@a>", In_Reply_To=f"<{n - 1}@a>"), n)
        for n in range(1, 5001)
    ]
    assert {row.cells["conversation"] for row in found} == {"0@a"}


def test_machines_and_lists_are_marked() -> None:
    auto, listed, bounce, person = rows(
        letter("b@acme.test", "s@vendor.test", Auto_Submitted="auto-replied"),
        letter("b@acme.test", "s@vendor.test", message_id="<2@x>", List_Id="<users.acme.test>", Precedence="list"),
        letter("MAILER-DAEMON@acme.test", "s@vendor.test", message_id="<3@x>"),
        letter("b@acme.test", "s@vendor.test", message_id="<4@x>", Auto_Submitted="no"),
    )
    assert auto.cells["properties"]["automatic"] and bounce.cells["properties"]["automatic"]
    assert listed.cells["properties"]["mailing_list"] == "<users.acme.test>"
    assert "automatic" not in person.cells["properties"]


def test_broken_heads_and_charsets_are_read_around() -> None:
    raw = (
        b"From: =?utf-8?Q?J=C3=BCrgen?= <j@acme.test>\r\nTo: undisclosed, <s@vendor.test>\r\n"
        b"Subject: =?no-such-charset?B?RXhwb3J0?= f\xe4llt aus\r\nDate: Blursday, 99 Foo 20x6\r\n"
        b"Received: from a by b; Sat, 01 Aug 2026 11:00:00 +0200\r\nMessage-ID: no-brackets@x\r\n"
        b'Content-Type: text/plain; charset="klingon"\r\n\r\nGr\xfc\xdfe'
    )
    found = read_letter(raw)
    assert found is not None and found.sender == ("Jürgen", "j@acme.test")
    assert found.subject == "Export fällt aus" and found.text == "Grüße"
    assert found.at == datetime(2026, 8, 1, 9, tzinfo=UTC) and found.message_id == "no-brackets@x"


def test_a_clock_that_is_wrong_yields_to_the_time_it_was_received() -> None:
    said = "Sat, 01 Aug 2099 11:00:00 +0000"
    found = read_letter(letter("b@a.test", "s@v.test", Date=said, Received="by x; Sat, 01 Aug 2026 11:00:00 +0000"))
    assert found is not None and found.at is not None and found.at.year == 2026
    none = read_letter(letter("b@a.test", "s@v.test", Date=""), "From b@a.test Sun Nov 22 10:50:01 2026")
    assert none is not None and none.at == datetime(2026, 11, 22, 10, 50, 1, tzinfo=UTC)


def test_html_mail_keeps_pasted_errors_and_leaves_quotes_out() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "b@acme.test", "s@vendor.test", "<h@x>"
    message.set_content(
        "<div>It fails:<pre>ValueError: no row</pre></div><blockquote>older words</blockquote>", subtype="html"
    )
    message.add_attachment(b"x" * 1000, maintype="text", subtype="plain", filename="log.txt")
    found = read_letter(message.as_bytes())
    assert found is not None and found.text == "It fails:\n```\nValueError: no row\n```"


def test_a_letter_of_10_megabytes_is_cut_and_says_so() -> None:
    (row,) = rows(letter("b@acme.test", "s@vendor.test", body="why " * 2_600_000))
    assert row.refused is None and row.cells["properties"]["cut"] and len(row.cells["text"]) == 400_000


def test_without_an_id_the_same_letter_has_the_same_one() -> None:
    one, two, other = rows(
        letter("b@acme.test", "s@vendor.test", message_id=None),
        letter("b@acme.test", "s@vendor.test", message_id=None, X_Hop="2"),
        letter("b@acme.test", "s@vendor.test", body="Another", message_id=None),
    )
    assert one.cells["id"] == two.cells["id"] != other.cells["id"]


def test_our_domain_takes_part_in_nearly_all_letters() -> None:
    box = [letter(f"p@customer{n}.test", "ann@vendor.test") for n in range(5)]
    assert our_domain(box, (), ())[0] == "vendor.test"
    assert our_domain([letter("b@acme.test", "c@vendor.test")], (), ()) == (None, ["acme.test", "vendor.test"])
    assert our_domain([letter("b@acme.test", "c@vendor.test")], {"acme.test"}, ())[0] == "vendor.test"
    assert our_domain([letter("b@acme.test", "support@vendor.test")], (), ())[0] == "vendor.test"
    assert our_domain([letter("b@gmail.com", "c@vendor.test")], (), {"gmail.com"})[0] == "vendor.test"


def test_a_long_mbox_is_read_in_flat_memory() -> None:
    one = b"From a@x Sun Nov 22 10:50:01 2026\n" + letter("b@acme.test", "s@vendor.test", body="x" * 20_000) + b"\n\n"

    class Endless(io.RawIOBase):
        left = 3_000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            if not self.left:
                return 0
            self.left -= 1
            buffer[: len(one)] = one
            return len(one)

    def peak(letters: Iterator[tuple[int, str, bytes]]) -> int:
        tracemalloc.start()
        assert sum(1 for _ in letters) == 3_000
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(letters_of_mbox(io.BufferedReader(Endless(), 1 << 16))) < 2_000_000


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=600), st.lists(st.sampled_from([b"From: a@b.c\n", b"To: <\xff@x>\n", b"Date: 1\n", b"\n",
       b"Content-Type: multipart/mixed; boundary=b\n", b"--b\n", b"Subject: =?utf-8?q?=?=\n", b"References: <<>>\n",
       b"Content-Transfer-Encoding: base64\n", b"Content-Type: text/html; charset=\xe9\n"]), max_size=12))  # fmt: skip
def test_any_bytes_are_a_row_or_refused(tail: bytes, heads: list[bytes]) -> None:
    for _, envelope, raw in letters_of_mbox(io.BytesIO(b"".join(heads) + tail)):
        row = Mailbox(OURS).row(raw, 1, envelope)
        assert row.table == "messages" and (row.refused or row.cells.get("person"))


@pytest.mark.parametrize("listed", [["vendor.test"], ["@vendor.test"], ["ann@vendor.test"]])
def test_ours_are_domains_and_addresses(listed: list[str]) -> None:
    assert "ann@vendor.test" in Ours.of(listed)
    assert "ann@notvendor.test" not in Ours.of(listed)
