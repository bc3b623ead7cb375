"""What else happened around that time, each told from its receipt; ranked by how unusual it is, never as a cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from beforehand.calendar import Grain, to_us
from beforehand.story import words
from beforehand.story.clause import Clause
from beforehand.story.receipt import Receipt, Value
from beforehand.story.scene import Happening, Occasion, Sentence

OPENING = "Around the same time: "
ENDS_OPEN = (" on", " at", " since", " until", " by")
"""A trait whose name ends so reads like half a sentence; it is set apart."""


def meanwhile(occasion: Occasion) -> list[Sentence]:
    """The sentences of what else happened, the most unusual first; nothing where nothing was."""
    said: list[Sentence] = []
    for one in occasion.meanwhile:
        text = TELLERS[one.kind](occasion, one)
        if text is not None:
            first = text if said else f"{OPENING}{text}"
            said.append(Sentence(words.opened(first), "meanwhile", one.receipts))
    return said


def _series(of: Occasion, one: Happening) -> str | None:
    """A number that moved: `errors rose from 2 a week to 14 in the three weeks up to 15 November`."""
    clause, receipt = one.clause, of.receipts[one.receipts[0]]
    if clause is None:
        return None
    before, after = _parts(receipt, one.weeks)
    when = _when(of, receipt, one.weeks)
    if clause.measure in ("count", "sum", "people", "distinct") and clause.whole:
        total = sum(after)
        if not sum(before):
            return f"{clause.said(total)} {_few(clause, total)} {when}, none in the {_weeks(len(before))} before"
        if not total:
            were = "were" if clause.plural else "was"
            return f"there {were} no {clause.called} {when}, after {_mean(clause, before)} a week before"
    if not before or not after:
        return None
    old, new = _mean(clause, before), _mean(clause, after)
    rate = clause.rate
    if old == new:
        return None
    moved = "rose" if sum(after) / len(after) > sum(before) / len(before) else "fell"
    return f"{clause.called} {moved} from {old}{rate} to {new} {when}"


def _person_stopped(of: Occasion, one: Happening) -> str | None:
    """`Dana Reyes (admin) was not seen in the three weeks up to 15 November, after 24 of the 26 weeks before`."""
    receipt = of.receipts[one.receipts[0]]
    before, _ = _parts(receipt, one.weeks)
    first = next((at for at, value in enumerate(before) if value), None)
    if first is None:
        return None
    known = before[first:]
    seen = sum(1 for value in known if value)
    often = f"each of the {_weeks(len(known))}" if seen == len(known) else f"{seen} of the {_weeks(len(known))}"
    return f"{one.name}{_aside(one.about)} was not seen {_when(of, receipt, one.weeks)}, after {often} before"


def _person_came(of: Occasion, one: Happening) -> str | None:
    """`Dana Reyes was seen for the first time on 3 November`; several by name, with how many more."""
    days = [value for place in one.receipts if isinstance(value := of.receipts[place].value, int | float)]
    names = [name for name in one.name.split("\n") if name]
    if not days:
        return None
    if len(days) == 1:
        return f"{names[0]} was seen for the first time on {_day(of, int(days[0]))}"
    said = names[:2] + ([f"{words.in_words(len(days) - 2)} more"] if len(days) > 2 else [])
    first, last = _day(of, int(min(days))), _day(of, int(max(days)))
    span = f"on {first}" if first == last else f"between {first} and {last}"
    return f"{words.listed(said)} were seen for the first time {span}"


def _trait(of: Occasion, one: Happening) -> str | None:
    """`the owner changed from Ben Ito to Dana Reyes on 27 October`; numbers rise and fall."""
    receipt = of.receipts[one.receipts[0]]
    if len(receipt.values) != 2:
        return None
    old, new = receipt.values
    on = f"on {_day(of, receipt.query.edges_us[1])}"
    name = (receipt.query.of or "").replace("_", " ")
    if name.endswith(ENDS_OPEN):
        name = f"`{name}`"
    old, new = _dated(of, old), _dated(of, new)
    what = f"the {name} of {one.name}" if one.name else f"the {name}"
    if new in (None, ""):
        return f"{what} is no longer known since {on[3:]}, it was {_said(old)}"
    if old in (None, ""):
        return f"{what} was set to {_said(new)} {on}"
    low, high = _number(old), _number(new)
    if low is not None and high is not None:
        return f"{what} {'fell' if high < low else 'rose'} from {words.short(low)} to {words.short(high)} {on}"
    return f"{what} changed from {_said(old)} to {_said(new)} {on}"


def _renewal(of: Occasion, one: Happening) -> str | None:
    """`the renewal was 40 days ahead, on 8 January`, as of the close."""
    from beforehand.story.around import moment

    receipt = of.receipts[one.receipts[0]]
    day = moment(receipt.value, of)
    if day is None:
        return None
    left = words.days_between(receipt.query.edges_us[-1], day, of.zone)
    staked = of.stake.renewal
    if left < 0 or (staked is not None and moment(of.receipts[staked].value, of) == day):
        return None  # what is at stake says it
    return f"the renewal was {words.counted(left, 'day')} ahead, on {_day(of, day)}"


def _invoice(of: Occasion, one: Happening) -> str | None:
    """`invoice I-3 over €4,200, due on 3 September, was not paid`; values: amount, currency, due."""
    values = of.receipts[one.receipts[0]].values
    if len(values) < 3 or not isinstance(values[2], int | float):
        return None
    amount = _number(values[0])
    worth = f" over {words.money(amount, str(values[1]) if values[1] else None)}" if amount is not None else ""
    return f"invoice {one.name}{worth}, due on {_day(of, int(values[2]))}, was not paid"


def _survey(of: Occasion, one: Happening) -> str | None:
    """`NPS 3 from Dana Reyes on 12 November`; values: kind, score, when."""
    values = of.receipts[one.receipts[0]].values
    score = _number(values[1]) if len(values) > 2 else None
    if score is None or not isinstance(values[2], int | float):
        return None
    kind = str(values[0] or "a survey")
    shown = kind.upper() if kind.lower() in ("nps", "csat", "ces") else kind
    return f"{shown} {words.number(score)}{f' from {one.name}' if one.name else ''} on {_day(of, int(values[2]))}"


def _alert(of: Occasion, one: Happening) -> str | None:
    """An alert of another signal; its own story has its receipts."""
    return f"the alert {one.name} ({one.about}) opened on {_day(of, one.at_us - 1)}"


TELLERS: Mapping[str, Callable[[Occasion, Happening], str | None]] = {
    "metric": _series,
    "event": _series,
    "tickets": _series,
    "touches": _series,
    "person stopped": _person_stopped,
    "person came": _person_came,
    "trait": _trait,
    "renewal": _renewal,
    "invoice": _invoice,
    "survey": _survey,
    "alert": _alert,
}


def _parts(receipt: Receipt, weeks: int) -> tuple[list[float], list[float]]:
    """The known values before the window, and those in it."""
    values = receipt.numbers
    before = [v for v in values[: len(values) - weeks] if v is not None]
    return before, [v for v in values[len(values) - weeks :] if v is not None]


def _mean(clause: Clause, values: list[float]) -> str:
    mean = sum(values) / len(values)
    if clause.measure == "share":
        return words.percent(mean)
    if not mean and clause.whole:
        return "none"
    return clause.said(round(mean) if abs(mean) >= 10 else round(mean, 1) or mean)


def _few(clause: Clause, total: float) -> str:
    """The name with a number before it: one ticket, two tickets."""
    return clause.called[:-1] if total == 1 and clause.plural and clause.called.endswith("s") else clause.called


def _weeks(count: int) -> str:
    return words.counted(count, Grain.WEEK.value)


def _when(of: Occasion, receipt: Receipt, weeks: int) -> str:
    end = _day(of, receipt.query.edges_us[-1] - 1)
    return f"in the week up to {end}" if weeks == 1 else f"in the {words.in_words(weeks)} weeks up to {end}"


def _day(of: Occasion, at_us: int) -> str:
    return words.day(at_us, of.zone, of.now_us)


def _aside(said: str) -> str:
    return f" ({said})" if said else ""


def _dated(of: Occasion, value: Value) -> Value:
    """A day as people write it; anything else as it is."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    return value if day is None else _day(of, to_us(datetime(day.year, day.month, day.day, tzinfo=of.zone)))


def _said(value: Value) -> str:
    return " ".join(str(value).split())[:60]


def _number(value: Value) -> float | None:
    try:
        return float(value or "")
    except ValueError:
        return None
