"""How numbers, dates, amounts and lists are said: the one place that decides it.

Everything is said in a zone (the workspace's) and against a `now_us`, which is passed in: a date of this year goes
without its year.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from beforehand.calendar import DAY_US, Grain, to_datetime

SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "UAH": "₴"}
SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
ORDINALS = ("first", "second", "third", "fourth")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def number(value: float) -> str:
    """A number in full: 1,204; 14; 2.5; 0.04; three figures for what is not whole. Never scientific, never -0."""
    if value == round(value):
        return f"{round(value):,d}"
    size = abs(value)
    if size < 1e-6:
        return "0"
    places = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 0.1 else 1 - math.floor(math.log10(size))
    text = f"{value:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def short(value: float) -> str:
    """A large number with three figures: 84k, 1.25M; below 10,000 it is said in full."""
    size = abs(value)
    for unit, sign in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        # 999,950 is a million in three figures, and said as one.
        if size >= 10_000 if sign == "k" else float(f"{size:.3g}") >= unit:
            scaled = float(f"{value / unit:.3g}")
            return f"{scaled:.0f}{sign}" if scaled == round(scaled) else f"{scaled:g}{sign}"
    return number(value)


def percent(fraction: float) -> str:
    """A fraction as a whole percentage; below 1% in two figures, and what is not all is never said as 100%."""
    hundredth = fraction * 100
    if abs(hundredth) < 1:
        return f"{number(hundredth) if abs(hundredth) >= 0.001 else 0}%"
    if 99 < abs(hundredth) < 100:
        return f"{math.trunc(hundredth * 10) / 10:g}%"
    return f"{round(hundredth):,d}%"


def money(amount: float, currency: str | None) -> str:
    """An amount as people say it: £84k, CHF 1.2M; without a currency the bare number."""
    symbol = SYMBOLS.get((currency or "").upper(), f"{currency} " if currency else "")
    return f"-{symbol}{short(-amount)}" if amount < 0 else f"{symbol}{short(amount)}"


def in_words(count: int) -> str:
    """A small count as a word, a larger one in figures."""
    return SMALL[count] if 0 <= count < len(SMALL) else number(count)


def counted(count: float, one: str, many: str | None = None) -> str:
    """A count with its noun: 1 day, 3 days, 1,204 events."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def article(noun: str) -> str:
    """A meeting, an email: by the first letter, which is right for what people call their contacts."""
    return f"{'an' if noun[:1].lower() in tuple('aeiou') else 'a'} {noun}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """1, 1 and 0."""
    return "" if not items else items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def opened(sentence: str) -> str:
    """A sentence with its first letter raised and a stop at its end."""
    text = sentence.strip()
    return text and stopped(text[0].upper() + text[1:])


def stopped(sentence: str) -> str:
    """A sentence with a stop at its end, and never two: `Acme Inc.` has its own."""
    return sentence if sentence[-1:] in (".", "!", "?", "”") else f"{sentence}."


def local(at_us: int, zone: ZoneInfo) -> datetime:
    """The wall clock in the zone."""
    return to_datetime(at_us).astimezone(zone)


def day(at_us: int, zone: ZoneInfo, now_us: int) -> str:
    """26 October; with its year where that is not the year of `now_us`."""
    at = local(at_us, zone)
    year = "" if at.year == local(now_us, zone).year else f" {at.year}"
    return f"{at.day} {MONTHS[at.month - 1]}{year}"


def short_day(at_us: int, zone: ZoneInfo, now_us: int) -> str:
    """26 Oct; with its year where that is not this one."""
    at = local(at_us, zone)
    year = "" if at.year == local(now_us, zone).year else f" {at.year}"
    return f"{at.day} {MONTHS[at.month - 1][:3]}{year}"


def period(start_us: int, grain: Grain, zone: ZoneInfo, now_us: int) -> str:
    """The period that starts then: 14:00 on 26 October, 26 October, the week of 26 October, the fourth quarter 2025."""
    if grain in (Grain.MONTH, Grain.QUARTER):
        at = local(start_us, zone)
        name = MONTHS[at.month - 1] if grain is Grain.MONTH else f"the {ORDINALS[at.month // 3]} quarter"
        return name + ("" if at.year == local(now_us, zone).year else f" {at.year}")
    if grain is Grain.HOUR:
        return f"{local(start_us, zone):%H:%M} on {day(start_us, zone, now_us)}"
    said = day(start_us, zone, now_us)
    return f"the week of {said}" if grain is Grain.WEEK else said


def placed(grain: Grain) -> str:
    """The word before a period: at 14:00, on 26 October, in the week of 26 October."""
    return {Grain.HOUR: "at", Grain.DAY: "on"}.get(grain, "in")


def periods(count: int, grain: Grain) -> str:
    """The last week; the last three weeks: without the article."""
    return f"last {grain.value}" if count == 1 else f"last {in_words(count)} {grain.value}s"


def per(grain: Grain) -> str:
    """A week, a day, an hour: what follows a rate."""
    return f"{'an' if grain is Grain.HOUR else 'a'} {grain.value}"


def days_between(from_us: int, to_us: int, zone: ZoneInfo) -> int:
    """Whole local days from one instant to another; negative where the second is earlier."""
    return (local(to_us, zone).date() - local(from_us, zone).date()).days


def ago(at_us: int, zone: ZoneInfo, now_us: int) -> str:
    """Today, yesterday, 34 days ago."""
    days = days_between(at_us, now_us, zone)
    return "today" if days <= 0 else "yesterday" if days == 1 else f"{number(days)} days ago"


def ahead(at_us: int, zone: ZoneInfo, now_us: int) -> str:
    """Today, tomorrow, in 47 days; for what is over, yesterday or 3 days ago."""
    days = days_between(now_us, at_us, zone)
    if days < 0:
        return ago(at_us, zone, now_us)
    return "today" if days == 0 else "tomorrow" if days == 1 else f"in {number(days)} days"


def spell(span_us: int) -> str:
    """A length of time in the unit people would take: 40 minutes, 6 hours, 31 days."""
    minutes = round(span_us / (DAY_US / 1440))
    if minutes < 120:
        return counted(minutes, "minute")
    if minutes < 2880:
        return counted(round(minutes / 60), "hour")
    return counted(round(minutes / 1440), "day")
