"""What a message says of a customer's words once it leaves the machine."""

from __future__ import annotations

from pathlib import Path

from beforehand.channels import Handed
from beforehand.channels.masking import masked
from beforehand.channels.message import Chart, Facts, Headline, Link, Listing, Message, Quote, Words
from beforehand.commands.handing import Ways
from beforehand.store import Act

CARD, KEY = "4111 1111 1111 1111", "sk_live_abcdefghijklmnop1234"
SAID = f"Call +49 30 1234567 or write bob@acme.test, card {CARD}, key {KEY}"


def test_quotes_are_masked_and_what_we_say_keeps_who_it_is_about() -> None:
    chart, link = (
        Chart("Logins of bob@acme.test", (1.0,), ("1",)),
        Link("bob@acme.test", "https://x.test/bob@acme.test"),
    )
    message = Message(
        f"bob@acme.test {CARD}",
        (Headline(f"bob@acme.test {KEY}"), Quote(SAID, "bob@acme.test"), Words(f"bob@acme.test {CARD}"),
         Facts((("who", "bob@acme.test"), ("card", CARD))), Listing((KEY, "2,450,000 rows")), chart, link),
    )  # fmt: skip
    found = masked(message)
    assert found.subject == "bob@acme.test [card]"
    assert found.blocks == (
        Headline("bob@acme.test [key]"),
        Quote("Call [phone] or write [mail], card [card], key [key]", "bob@acme.test"),
        Words("bob@acme.test [card]"),
        Facts((("who", "bob@acme.test"), ("card", "[card]"))),
        Listing(("[key]", "2,450,000 rows")),
        chart,
        link,
    )


def test_a_number_whose_check_digit_is_wrong_is_no_card() -> None:
    assert masked(Message("order 4111 1111 1111 1112", ())).subject == "order 4111 1111 1111 1112"


def test_what_goes_to_a_customer_stays_as_written() -> None:
    message = Message("Hello", (Words(SAID),), purpose="customer")
    assert masked(message) is message


class _Kept:
    def __init__(self) -> None:
        self.told: list[Message] = []

    def hand(self, message: Message, recipient: str, key: str, replaces: str | None) -> Handed:
        self.told.append(message)
        return Handed("sent", "kept")


def test_what_is_handed_over_is_masked_unless_the_settings_say_no() -> None:
    message = Message("x", (Quote("write bob@acme.test"),))
    act = Act(kind="mail", channel="mail", recipient="a@b.test", key="1", payload=message.as_json())
    for mask, said in ((True, "write [mail]"), (False, "write bob@acme.test")):
        kept = _Kept()
        ways = Ways(Path(), {}, mask=mask, opened={"mail": kept})  # type: ignore[dict-item]
        assert ways.hand(act, None).state == "sent"
        assert kept.told[0].blocks == (Quote(said),)
