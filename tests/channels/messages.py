"""Messages that tests of several channels render."""

from __future__ import annotations

from beforehand.channels import (
    Button,
    Chart,
    Divider,
    Facts,
    Headline,
    Link,
    Listing,
    Message,
    Quote,
    Words,
)

ALERT = Message(
    "Globex: logins fell from 14 a week to 1",
    (
        Headline("Globex: logins fell from 14 a week to 1", "critical"),
        Words("Logins fell below 2 a week three weeks in a row. Exports began failing the week before.\n\n"
              "Twelve errors, none answered."),
        Chart("Logins a week", (14, 12, 15, 13, 16, 14, None, 15, 12, 4, 1, 1, 0),
              ("24 Aug", *[""] * 11, "16 Nov"), 11, 16, 2, (10, 11, 12)),
        Quote("Exports <b>fail</b> & nobody answers.\nWe look elsewhere.", "Priya Nair, admin, 4 November"),
        Facts((("Why you", "you own Globex"), ("Worth", "£84k, renews in 47 days"),
               ("Closes", "when logins are at least 3 a week for 2 weeks"))),
        Listing(("Umbrella Corp", "Initech")),
        Link("The whole story", "https://cx.example/alerts/A-1042"),
        Divider(),
        Button("Acknowledge", "acknowledge", "A-1042", "primary", "https://cx.example/a/A-1042"),
        Button("Snooze 7 days", "snooze", "A-1042|7", url="https://cx.example/s/A-1042"),
        Button("Not useful", "not-useful", "A-1042"),
    ),
    thread="A-1042",
    meta={"footer": "You get this because you own Globex.", "alert": "A-1042"},
)  # fmt: skip
LETTER = Message(
    "Your CSV exports work again",
    (Words("Hi Priya,\n\nthe export error you met on 4 November is mended. If it comes back, answer this mail.\n\n"
           "Ana\nAcme Care"), Link("How exports work", "https://help.vendor.example/exports")),
    purpose="customer",
    thread="run-7",
    sender="Ana <ana@vendor.example>",
    reply_to="ana@vendor.example",
    unsubscribe="https://cx.vendor.example/u/opaque-token-" + "x" * 120,
    meta={"in_reply_to": "<orig-9@globex.example>", "references": "<root-1@globex.example> <orig-9@globex.example>"},
)  # fmt: skip
