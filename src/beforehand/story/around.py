"""What stands around the change: what is at stake, who owns it, our last contact, why, what closes it, the record."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from beforehand.calendar import DAY_US, to_us
from beforehand.story import words
from beforehand.story.receipt import Value
from beforehand.story.scene import Closing, Occasion, Record, Sentence

# Below this many finished episodes a rate would say more than is known.
FEW = 5
RISK_WORD = {"churned": "the customer left", "contracted": "the customer cut back", "expanded": "the customer grew",
             "renewed": "the customer renewed", "escalated": "it escalated"}  # fmt: skip
STANDING = {
    "chance": "It was not shown to do better than drawing accounts by lot.",
    "recency": "It was not shown to do better than naming whoever has been quiet longest.",
}


def stake(occasion: Occasion) -> list[Sentence]:
    """What it is worth, when it renews and when notice ends: `£84k renews on 8 January, in 47 days`."""
    places, zone, now_us = occasion.stake, occasion.zone, occasion.now_us
    amount = _number(_value(occasion, places.value))
    renewal = moment(_value(occasion, places.renewal), occasion)
    currency = _value(occasion, places.currency)
    worth = None if amount is None else words.money(amount, str(currency) if currency else None)
    used = [p for p in (places.value, places.currency if worth else None) if p is not None]
    if renewal is None:
        return [] if worth is None else [_sentence(f"{occasion.account} is worth {worth}", "stake", used)]
    used.append(places.renewal)  # type: ignore[arg-type]
    ahead = words.days_between(now_us, renewal, zone) >= 0
    verb = "renews" if ahead else "was to renew"
    on, left_said = words.day(renewal, zone, now_us), words.ahead(renewal, zone, now_us)
    text = f"{worth or occasion.account} {verb} on {on}, {left_said}"
    days = notice_days(_value(occasion, places.notice))
    if days is not None and places.notice is not None:
        used.append(places.notice)
        ends = renewal - days * DAY_US
        left = words.days_between(now_us, ends, zone)
        verb = "ends" if left >= 0 else "ended"
        text += f"; notice {verb} on {words.day(ends, zone, now_us)}, {words.ahead(ends, zone, now_us)}"
    return [_sentence(text, "stake", used)]


def owner(occasion: Occasion) -> list[Sentence]:
    """Whose account it is; nothing where no owners are kept at all."""
    place = occasion.stake.owner
    name = _value(occasion, place)
    if place is None:
        return []
    if name in (None, ""):
        return [_sentence(f"nobody owns {occasion.account}", "owner", [place])]
    return [Sentence(words.stopped(f"{name} owns {occasion.account}"), "owner", (place,))]


def contact(occasion: Occasion) -> list[Sentence]:
    """Our last contact; that there was none is only said where touches are kept at all."""
    kept = occasion.stake
    if kept.contact is None:
        return []
    at = _number(_value(occasion, kept.contact))
    if at is None:
        if not kept.contacts_kept:
            return []
        return [_sentence(f"no contact from us with {occasion.account} is on record", "contact", [kept.contact])]
    zone, now_us = occasion.zone, occasion.now_us
    how = f"{words.article(kept.contact_kind)} " if kept.contact_kind else ""
    by = f"by {kept.contact_by}" if kept.contact_by else ""
    what = f"{how}{by}".strip()
    text = f"our last contact was {what + ', ' if what else ''}{words.ago(int(at), zone, now_us)}"
    if words.days_between(int(at), now_us, zone) > 1:
        text += f", on {words.day(int(at), zone, now_us)}"
    return [_sentence(text, "contact", [kept.contact])]


def why(occasion: Occasion) -> list[Sentence]:
    """The author's own sentence, word for word."""
    return [Sentence(words.opened(occasion.why), "why")] if occasion.why and occasion.why.strip() else []


def closes(closing: Closing | None) -> list[Sentence]:
    """What ends the episode."""
    if closing is None:
        return []
    grain, times = closing.grain.value, closing.delay_out
    if closing.clear:
        text = f"it closes when {closing.clear}"
        text += f", {words.in_words(times)} {grain}s in a row" if times > 1 else ""
    elif times > 1:
        text = f"it closes after {words.in_words(times)} {grain}s in a row in which this no longer holds"
    else:
        text = f"it closes with the first {grain} in which this no longer holds"
    return [Sentence(words.opened(text), "close")]


def record(occasion: Occasion) -> list[Sentence]:
    """How often the signal was right before, and how early; few cases are said in words, none is said plainly."""
    kept = occasion.record
    if kept is None:
        said = "no outcome is known" if occasion.tested else "it has not been tested on history"
        return [Sentence(f"No record yet: {said}.", "record")]
    if kept.finished == 0:
        return [Sentence("No record yet: none of its episodes is old enough to tell.", "record")]
    happened = RISK_WORD.get(kept.outcome, f"`{kept.outcome}` followed")
    if kept.finished < FEW:
        return [Sentence(words.opened(_few(kept, happened)), "record")]
    text = (
        f"when this signal spoke before, it was right {words.number(kept.right)} of {words.number(kept.finished)} times"
    )
    if kept.low is not None and kept.high is not None:
        text += f" ({words.percent(kept.low)[:-1]} to {words.percent(kept.high)})"
    if kept.right and kept.lead_days is not None:
        text += f", {_lead(kept.lead_days)} before {happened}"
    if kept.rival is not None and kept.rival_of:
        text += f"; days since the last event alone: {words.number(kept.rival)} of {words.number(kept.rival_of)}"
    sentences = [Sentence(words.opened(text), "record")]
    if kept.standing in STANDING:
        sentences.append(Sentence(STANDING[kept.standing], "record"))
    if kept.assumed_arrival:
        sentences.append(Sentence("That record assumes that facts arrived when they happened.", "record"))
    return sentences


def _few(kept: Record, happened: str) -> str:
    times = {1: "once", 2: "twice"}.get(kept.finished, f"{words.in_words(kept.finished)} times")
    if kept.right == 0:
        said = "and was not right" if kept.finished == 1 else "and was never right"
    elif kept.right == kept.finished:
        said = "and was right" if kept.finished == 1 else "and was right each time"
    else:
        said = f"and was right {'once' if kept.right == 1 else words.in_words(kept.right) + ' times'}"
    lead = f", {_lead(kept.lead_days)} before {happened}" if kept.right and kept.lead_days is not None else ""
    return f"this signal has spoken only {times} before {said}{lead}: too few to rely on"


def _lead(days: float) -> str:
    return words.counted(round(days), "day") if days >= 0.5 else "less than a day"


def moment(value: Value, occasion: Occasion) -> int | None:
    """A day or time from a trait as UTC microseconds; a day means its first instant in the workspace's zone.

    A number is microseconds already, as the day of a first fact is.
    """
    if isinstance(value, float):
        return int(value)
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if len(value.strip()) <= 10:
        at = datetime.combine(date(at.year, at.month, at.day), time())
    return to_us(at if at.tzinfo else at.replace(tzinfo=occasion.zone))


def notice_days(value: Value) -> int | None:
    """A notice period in days: `30`, `30 days`, `2 weeks`, `3 months` (of 30 days)."""
    if value is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,4})(?:\.0+)?\s*(day|week|month)?s?\s*", str(value), re.IGNORECASE)
    if not found:
        return None
    return int(found[1]) * {"day": 1, "week": 7, "month": 30}[(found[2] or "day").lower()]


def _value(occasion: Occasion, place: int | None) -> Value:
    return None if place is None else occasion.receipts[place].value


def _number(value: Value) -> float | None:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None if value is None else float(value)


def _sentence(text: str, topic: str, places: list[int]) -> Sentence:
    return Sentence(words.opened(text), topic, tuple(dict.fromkeys(places)))  # type: ignore[arg-type]
