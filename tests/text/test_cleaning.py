"""What a person typed is kept, what was quoted, pasted or added by machines is not; time is bounded for any input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.text.cleaning import LONGEST_READ, clean

CUT = [
    ("Not working.\n\nOn Wed, Dec 20, 2023 at 13:37, Jo <a@b.c> wrote:\n> hi\n> there\n", "Not working.", {"quote"}),
    ("Not working.\n\nOn Wed, Dec 20, 2023 at 13:37,\nJo Long Name <a@b.c> wrote:\n> hi", "Not working.", {"quote"}),
    ("Geht nicht.\n\nAm 3. Mai 2024 um 10:00 schrieb Jo:\n> x", "Geht nicht.", {"quote"}),
    ("Bonjour.\n\nLe lun. 3 mai 2024 à 10:00, Jo <a@b.c> a écrit :\n> x", "Bonjour.", {"quote"}),
    ("No.\n\nFrom: Jo <a@b.c>\nSent: Monday\nTo: x\nSubject: y\n\nolder", "No.", {"quote"}),
    ("No.\n\n-----Original Message-----\nolder text", "No.", {"quote"}),
    ("> their words\n\nMine.\n> theirs\nMine too.", "Mine.\nMine too.", {"quote"}),
    ("It broke.\n-- \nJo Long\nCEO", "It broke.", {"signature"}),
    ("It broke.\n\nBest regards,\nJo Long\n+1 555 0100", "It broke.", {"signature"}),
    ("It broke.\nThanks,\nJo", "It broke.\nThanks,", {"signature"}),
    ("It broke.\n\nSent from my iPhone", "It broke.", {"signature"}),
    ("It broke.\n\nThis e-mail is confidential and intended solely for the addressee.", "It broke.", {"disclaimer"}),
    ("Look:\n```\nx = 1\nprint(x)\n```\nWrong.", "Look:\nWrong.", {"code"}),
    ("Look:\nint a = 3;\nfoo(a);\n}\nWrong.", "Look:\nWrong.", {"code"}),
    (
        'Look:\nTraceback (most recent call last):\n  File "a.py", line 3, in f\n    foo()\nValueError: bad\nHelp!',
        "Look:\nHelp!",
        {"log"},
    ),
    ("Look:\n\tat com.foo.Bar.baz(Bar.java:12)\n\tat com.foo.Bar.main(Bar.java:2)\nHelp!", "Look:\nHelp!", {"log"}),
    ("2024-01-02 10:00:00 ERROR boom\nWhy?", "Why?", {"log"}),
]


@pytest.mark.parametrize(("raw", "kept", "cut"), CUT, ids=[kept + "/" + "".join(sorted(cut)) for _, kept, cut in CUT])
def test_what_was_typed_is_kept(raw: str, kept: str, cut: set[str]) -> None:
    found = clean(raw)
    assert found.text == kept
    assert cut <= found.cut


@pytest.mark.parametrize(
    "raw",
    [
        "On Monday the export broke and Jo wrote: please wait.\nIt still fails.",
        "From: the list I chose the second one; it does not open.",
        "I tried it; it fails.",
        "if it fails again we will leave",
        "a < b and b > c in the report",
    ],
)
def test_sentences_that_look_like_marks_are_kept_whole(raw: str) -> None:
    assert clean(raw).text == raw


def test_html_mail_is_read_as_text_without_quote_and_signature() -> None:
    raw = (
        "<html><head><style>p{color:red}</style><script>alert('x')</script></head><body><p>It&nbsp;broke &amp; "
        "nobody<br>helps</p><!-- hidden --><div class='gmail_quote'>old <div>older</div></div>"
        "<div class='gmail_signature'>Jo</div></body></html>"
    )
    found = clean(raw)
    assert found.text == "It broke & nobody\nhelps"
    assert {"quote", "signature", "markup"} <= found.cut


@pytest.mark.parametrize(
    "raw",
    [
        "I am currently out of office until Monday.",
        "Automatic reply: your request",
        "Delivery Status Notification (Failure)",
        "Ich bin nicht im Büro.\nViele Grüße",
    ],
)
def test_a_machine_is_told_from_a_person(raw: str) -> None:
    assert clean(raw).automatic


def test_being_away_from_something_is_no_automatic_reply() -> None:
    assert not clean("Everything went away and my report is gone").automatic


@pytest.mark.parametrize("raw", ["", " ", "\n\n", "> only\n> quoted", "Sent from my iPhone", "\x00\x01", "```\nx\n```"])
def test_nothing_typed_is_nothing_read(raw: str) -> None:
    assert clean(raw).text == ""


HOSTILE = [
    "On ", ">", "\n", " ", "From: a\n", "> a\n", "_", "<a ", "<!--", "<div>", "<blockquote>", "&", "`", "a=b\n",
    "at a(b)\n", "On x <a@b.c\n", "best\n", "this email ", "if you ", "{", "\u202e", "x <", "a@b ", '"a":', "<p ",
    "On a b wrote ", "regards\n", "<", "a", "😀", "م", "```\n",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_ten_megabytes_of_anything_are_bounded(piece: str) -> None:
    # Quadratic time would take hours here; what is read stays short.
    assert len(clean(piece * (10_000_000 // len(piece))).text) <= LONGEST_READ


@given(st.text(max_size=400))
def test_cleaning_adds_nothing_and_cleans_once(raw: str) -> None:
    once = clean(raw).text
    assert len(once) <= len(raw) + raw.count("`") * 10
    assert all(sign.isprintable() or sign in "\n\t" or sign.isspace() or ord(sign) > 127 for sign in once)
