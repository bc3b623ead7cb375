"""What stands behind made facts and tickets, by name: which ticket waits, which invoice is overdue, what was written.

Each is told from a receipt of its own, which has the columns of the newest version of one row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from beforehand.signals.made import length
from beforehand.signals.tree import Level, Mentions, Overdue, Shifted, Turned, Waiting, Without
from beforehand.story import words
from beforehand.story.receipt import Value
from beforehand.story.scene import Detail, Sentence
from beforehand.story.view import Told, View
from beforehand.text import clean

MOST = 3
"""So many are told by name; how many more there are is counted."""
AROUND = 48
"""So many letters of what was written are quoted on either side."""
LONGEST_SUBJECT = 60
LONGEST_QUOTE = 140
SOMEBODY = "somebody there"


def with_details(view: View, told: Told) -> Told:
    """A clause told, with what stands behind it by name after its first sentence."""
    own = [d for d in view.occasion.details if d.of == view.clause.receipt]
    made = view.clause.quantity.made
    headline = told.headline
    first = told.sentences[:1]
    if isinstance(made, Waiting | Overdue) and isinstance(view.clause.leaf, Level) and not view.clause.down:
        stands = _stands(view, made)
        if stands is not None:
            headline = stands
            then = stands.replace(" has been ", " had been ").replace(" have been ", " had been ")
            then = then.replace(" is more than ", " was more than ").replace(" are more than ", " were more than ")
            first = (view.sentence(f"{then} {view.when(1)}{_usually(view)}", "change"),)
    if isinstance(made, Shifted) and isinstance(view.clause.leaf, Level) and not view.clause.down:
        names = tuple(dict.fromkeys(d.by or SOMEBODY for d in own if d.kind == "written")) or (SOMEBODY,)
        headline = f"the tone of {words.listed(names)} has turned {made.to}"
    if isinstance(made, Without) and isinstance(view.clause.leaf, Level) and not view.clause.down:
        wrote = [d for d in own if d.kind == "unanswered" and _values(view, d)]
        if wrote:
            headline = _fell_silent(view, made, wrote)
            first = (view.sentence(_over(view, made, wrote), "change"),)
            # Once is all it takes: that it was once is no news.
            told = replace(told, sentences=tuple(s for s in told.sentences if s.topic != "line"))
    now = [d for d in own if d.kind != "written before"]
    said = [sentence for detail in now[:MOST] if (sentence := _detail(view, detail)) is not None]
    total = int(view.last or 0)
    before = [sentence for d in own if d.kind == "written before" and (sentence := _detail(view, d)) is not None]
    if said and total > len(said) and len(now) >= MOST and view.clause.whole:
        more = words.number(total - len(said))
        said.append(view.sentence(f"there {'is' if total - len(said) == 1 else 'are'} {more} more", "detail"))
    return replace(told, headline=headline, sentences=(*first, *said, *before, *told.sentences[1:]))


def _usually(view: View) -> str:
    """`; 0 to 2 is usual for Globex`, of the account; of one ticket nothing is usual."""
    band = view.band
    if band is None or view.occasion.scope:
        return ""
    low, high = view.clause.said(band.low), view.clause.said(band.high)
    return f"; {low if low == high else f'{low} to {high}'} is usual for {view.occasion.who}"


def _fell_silent(view: View, made: Without, wrote: Sequence[Detail]) -> str:
    """`Dana Reyes sent an angry message on 12 November, and no other in the 14 days after`."""
    of, name = view.occasion, view.clause.name
    names = tuple(dict.fromkeys(d.by or SOMEBODY for d in wrote))
    one = name[:-1] if view.clause.plural and name.endswith("s") else ""
    if len(wrote) == 1:
        what = words.article(one) if one else f"a message ({name})"
    else:
        what = name if one else f"messages ({name})"
    times = sorted(int(at) for d in wrote if isinstance(at := _values(view, d)[0], int | float))
    days = tuple(dict.fromkeys(words.day(at, of.zone, of.now_us) for at in times))
    looked_for = json.loads(view.receipt.query.made).get("other") if view.receipt.query.made else None
    other = "no other" if looked_for is None else f"nothing of the kind of {view.clause.other or made.then}"
    return (
        f"{words.listed(names)} sent {what} on {words.listed(days)}, and {other} in the {length(made.within_us)} after"
    )


def _over(view: View, made: Without, wrote: Sequence[Detail]) -> str:
    """`14 days without another message were over on 26 November`."""
    of = view.occasion
    days = tuple(dict.fromkeys(words.day(at, of.zone, of.now_us) for at in sorted(d.at_us for d in wrote)))
    return f"{length(made.within_us)} without {view.clause.other or made.then} were over on {words.listed(days)}"


def _stands(view: View, made: Waiting | Overdue) -> str | None:
    """`3 urgent tickets have been open more than 2 business days`; None where none is, or a person is told of."""
    clause, scope = view.clause, view.occasion.scope
    count = int(view.last or 0)
    if not count or (scope and view.occasion.subject not in ("ticket", "issue")):
        return None
    if scope and view.occasion.subject == "ticket":
        who, one = f"ticket {scope}", True
    else:
        one = count == 1
        name = clause.name[:-1] if one and clause.plural else clause.name
        who = f"{words.number(count)} {name}" + (f" about {scope}" if scope else "")
    if isinstance(made, Overdue):
        return f"{who} {'is' if one else 'are'} more than {words.counted(made.days, 'day')} overdue"
    days = words.counted(made.days, "business day" if made.business else "day")
    return f"{who} {'has' if one else 'have'} been open more than {days}"


def _values(view: View, detail: Detail) -> tuple[Value, ...]:
    return view.occasion.receipts[detail.receipt].values


def _detail(view: View, detail: Detail) -> Sentence | None:
    values = _values(view, detail)
    if not values:
        return None
    text = {
        "ticket": _ticket,
        "invoice": _invoice,
        "written": _written,
        "written before": _before,
        "strained": _strained,
        "unanswered": _written,
        "pulled": _pulled,
    }[detail.kind](view, detail, values)
    return None if text is None else Sentence(words.opened(text), "detail", (detail.receipt, view.clause.receipt))


def _ticket(view: View, detail: Detail, values: tuple[Value, ...]) -> str | None:
    """`ticket T-12, “Export fails”, has been open since 3 November`; values: subject, when it was opened."""
    subject, opened = values[0], values[1]
    if not isinstance(opened, int | float):
        return None
    named = f", “{_cut(str(subject))}”," if subject else ""
    of = view.occasion
    on = words.day(int(opened), of.zone, of.now_us)
    match view.clause.quantity.made:
        case Waiting():
            return f"ticket {detail.id}{named} has been open since {on}"
        case Turned(turn=turn):
            at = words.day(detail.at_us, of.zone, of.now_us)
            return f"ticket {detail.id}{named} of {on} was {turn} on {at}"
        case _:
            return f"ticket {detail.id}{named} was opened on {on}"


def _invoice(view: View, detail: Detail, values: tuple[Value, ...]) -> str | None:
    """`invoice I-3 over €4,200 was due on 3 September`; values: amount, currency, when it was due."""
    amount, currency, due = values[0], values[1], values[2]
    if not isinstance(due, int | float):
        return None
    number = _number(amount)
    worth = "" if number is None else f" over {words.money(number, str(currency) if currency else None)}"
    of = view.occasion
    return f"invoice {detail.id}{worth} was due on {words.day(int(due), of.zone, of.now_us)}"


def _written(view: View, detail: Detail, values: tuple[Value, ...]) -> str | None:
    """`Dana Reyes wrote on 12 November: “... we may cancel ...”`; values: when, then what was written, column by
    column."""
    at, *columns = values
    made = view.clause.quantity.made
    query = view.receipt.query
    looked_for = json.loads(query.made).get("phrases", ()) if query.made else ()
    phrases = tuple(looked_for) or (made.words if isinstance(made, Mentions) else ())
    if query.table in (
        "tones",
        "moods",
    ):  # what sounded so is told from its beginning, and the subject is not what they typed
        text = str(columns[-1] or "").strip() or str(columns[0] or "")
        quotes = [found] if (found := opening(text)) else []
    else:
        quotes = [found for text in columns if text and (found := quote(str(text), phrases))]
    quoted = max(quotes, key=len, default=None)
    if quoted is None or not isinstance(at, int | float):
        return None
    of = view.occasion
    who = detail.by or SOMEBODY
    return f"{who} wrote on {words.day(int(at), of.zone, of.now_us)}: “{quoted}”"


def _strained(view: View, detail: Detail, values: tuple[Value, ...]) -> str | None:
    """`ticket 7 since 3 November: opened again (2), no answer for more than a day (1)`; values: ticket, points,
    reasons."""
    ticket, _, reasons = values
    if not reasons:
        return None
    of = view.occasion
    named = f"ticket {ticket}" if of.subject != "ticket" else "the points"
    return f"{named} since {words.day(detail.at_us, of.zone, of.now_us)}: {reasons}"


def _pulled(view: View, detail: Detail, values: tuple[Value, ...]) -> str | None:
    """`who pulled it down most is Dana Reyes (admin), who wrote on 12 November: “...”`."""
    said = _written(view, replace(detail, by="who"), values)
    if said is None:
        return None
    others = [d for d in view.occasion.details if d.of == detail.of and d.kind == "pulled"]
    most = "it was pulled down most by" if others[0] == detail else "and by"
    return f"{most} {detail.by or SOMEBODY}, {said}"


def _before(view: View, detail: Detail, values: tuple[Value, ...]) -> str | None:
    """`before that, on 3 March: “Hi, thank you so much ...”`."""
    said = _written(view, detail, values)
    return None if said is None else f"before that, {said}"


def opening(text: str) -> str | None:
    """What the writer of a message typed, its beginning, cut at words; None where there is nothing of their own."""
    plain = " ".join(clean(text).text.split())
    if not plain:
        return None
    if len(plain) <= LONGEST_QUOTE:
        return plain.rstrip(".")
    return plain[:LONGEST_QUOTE].rsplit(" ", 1)[0].rstrip(" ,;:-.") + " …"


def quote(text: str, phrases: tuple[str, ...]) -> str | None:
    """The words around the first phrase that a text has, cut at words; None where it has none."""
    plain = " ".join(text.split())
    spots = []
    for phrase in phrases:
        pattern = r"\s+".join(re.escape(word).replace("'", "['’ʼ]") for word in phrase.split())
        begin = r"(?<!\w)" if phrase[:1].isalnum() else ""
        found = re.search(begin + pattern, plain, re.IGNORECASE) if pattern else None
        if found:
            spots.append(found.span())
    if not spots:
        return None
    start, end = min(spots)
    low, high = max(0, start - AROUND), min(len(plain), end + AROUND)
    if low:
        low = plain.find(" ", low, start + 1) + 1 or start
    if high < len(plain):
        cut = plain.rfind(" ", end, high)
        high = cut if cut > 0 else high
    said = plain[low:high].strip(" ,;:-").rstrip(".")
    return f"{'… ' if low else ''}{said}{' …' if high < len(plain) else ''}"


def _cut(subject: str) -> str:
    plain = " ".join(subject.split())
    return plain if len(plain) <= LONGEST_SUBJECT else plain[:LONGEST_SUBJECT].rsplit(" ", 1)[0] + " …"


def _number(value: Value) -> float | None:
    try:
        return float(value or "")
    except ValueError:
        return None
