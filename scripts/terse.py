"""Of the demo: somebody who was warm and is terse now, in their own words, beside what the company's truth says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from walk import Walk

SIGNAL = "turned-terse"


def show_terse(walk: Walk, alerts: Sequence[Mapping[str, Any]]) -> None:
    """The open alert about a turn of tone that has stood longest, with its quotes, and since when it was planted."""
    walk.title("A person who turned terse")
    own = [alert for alert in alerts if alert["signal"] == SIGNAL]
    if not own:
        walk.say(
            "Nobody's tone has turned in the last weeks; `beforehand backtest turned-terse` has those of before.\n"
        )
        return
    walk.say(
        "Every message was read once, on this machine. Nobody is compared with others: what somebody writes now is\n"
        "held against how they wrote before, and each quote is a receipt.\n"
    )
    alert = min(own, key=lambda each: str(each["opened_at"]))
    walk.show("show", str(alert["alert"]))
    walk.say(f"\n{planted(json.loads((walk.folder / 'truth.json').read_text()), str(alert['account']))}\n")


def planted(truth: Mapping[str, Any], account: str) -> str:
    """What the truth says of turns of tone at an account."""
    for row in truth["accounts"]:
        for moment in row["moments"]:
            if row["account"] == account and moment["kind"] == "turned terse":
                return f"The truth: {moment['person']} writes tersely from {moment['from']} on."
    return "The truth has no turn of tone here: this is a false alarm, or a whole account that is in trouble."
