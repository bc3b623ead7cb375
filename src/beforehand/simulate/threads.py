"""The letters of tickets, in threads with the tickets' ids; tickets that go wrong; and who falls silent in anger."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from beforehand.simulate import words
from beforehand.simulate.planted_words import SUPPORT, of_itself
from beforehand.simulate.plants import planted
from beforehand.simulate.vocabulary import DAY, HOUR

if TYPE_CHECKING:
    from beforehand.simulate.relations import Days, Relations, Row

BY_MAIL = 0.5  # of the tickets; the others come by a form, and nobody writes
SAYS_THANKS = 0.4
ANGRY, TENSE = -0.9, -0.2
SILENT = 14  # days after an angry letter in which its writer sends no other


def write(here: Days, made: Relations) -> None:
    """Adds the letters of tickets and what is planted of them; draws only from `here.more`."""
    _threads(here, made)
    for number, moment in enumerate(planted(here.it, "ticket goes wrong")):
        _goes_wrong(here, made, number, moment.first, moment.last)
    for number, moment in enumerate(planted(here.it, "silent after anger")):
        _falls_silent(here, made, number, moment.about["person"], moment.first, moment.last)


def happened(here: Days, made: Relations) -> None:
    """Adds to the life who fell silent after an angry letter without being planted."""
    theirs = [row for row in made.messages if row["direction"] == "in"]
    for _, letters in groupby(sorted(theirs, key=_by_writer), key=lambda row: str(row["person"])):
        own = list(letters)
        for one, other in pairwise([*own, None]):
            until = here.last * DAY if other is None else int(other["at"])
            if one is not None and until - int(one["at"]) > SILENT * DAY and (mood := _mood(str(one["text"]))):
                of_itself(here, f"silent after {mood}", int(one["at"]), int(one["at"]) + SILENT * DAY)


def _by_writer(row: Row) -> tuple[str, int]:
    return str(row["person"]), int(row["at"])


def _mood(text: str) -> str | None:
    """`anger` or `sharp words`, by what the letter was made of; None where it was neither."""
    if any(text.startswith(opening) for opening in words.OPENINGS["angry"]) or text in words.COMPLAINTS:
        return "anger"
    sharp = any(text.startswith(opening) for opening in words.OPENINGS["tense"])
    return "sharp words" if sharp or text in (*words.CHASING, *words.TERSE) else None


def _threads(here: Days, made: Relations) -> None:
    """The first letter of every second ticket, our answer, and now and then a word of thanks."""
    for ticket, rows in groupby(list(made.tickets), key=lambda row: str(row["ticket"])):
        versions = list(rows)
        said = words.pick(here.more, words.ANSWERS)
        mails, thanks = here.more.random(2).tolist()
        if mails >= BY_MAIL:
            continue
        first = versions[0]
        _say(here, made, ticket, int(first["at"]), first, str(first["body"]), str(first["person"]))
        by_status = {str(row["status"]): int(row["learned"]) for row in versions}
        if "pending" in by_status:
            _say(here, made, ticket, by_status["pending"], first, said)
        pleased = float(here.it.tone[int(first["at"]) // DAY]) > 0 and thanks < SAYS_THANKS
        if pleased and "pending" in by_status and "solved" in by_status:
            said = words.SOLVED[int(thanks / SAYS_THANKS * len(words.SOLVED))]
            _say(here, made, ticket, by_status["solved"] + 2 * HOUR, first, said, str(first["person"]))


def _goes_wrong(here: Days, made: Relations, number: int, first: int, last: int) -> None:
    """A ticket with a promise that is not kept, handed on, complained of, solved too early and opened again."""
    topic = words.TOPICS[int(here.more.integers(0, 5))]
    opened, ends = here.instant(first, here.more), (last + 1) * DAY - 4 * HOUR
    own = int(here.more.integers(0, len(SUPPORT)))
    row: Row = {
        "ticket": f"T-{here.who.index:05d}-W{number}", "person": here.somebody(first, here.more), "at": opened,
        "priority": "high", "category": topic, "assignee": SUPPORT[own],
        "subject": words.pick(here.more, words.SUBJECTS[topic]), "body": words.letter(here.more, topic, TENSE),
    }  # fmt: skip
    handed_on = {"assignee": SUPPORT[(own + 1) % len(SUPPORT)]}
    steps = [(0, {"status": "open"}), (72, handed_on), (108, {"status": "solved"}), (132, {"status": "open"})]
    now = row
    for hours, change in [*steps, ((ends - opened) // HOUR, {"status": "solved"})]:
        now = {**now, **change, "learned": opened + hours * HOUR}
        if now["learned"] < min(here.end, here.days * DAY):
            made.tickets.append(now)
    angry = words.letter(here.more, topic, ANGRY)
    for hours, text, theirs in (
        (0, str(row["body"]), True), (5, words.pick(here.more, words.PROMISES), False),
        (54, words.pick(here.more, words.CHASING), True), (84, words.pick(here.more, words.COMPLAINTS), True),
        (107, words.pick(here.more, words.ANSWERS), False), (132, angry, True),
        ((ends - opened) // HOUR - 1, words.pick(here.more, words.SORRY), False),
    ):  # fmt: skip
        _say(here, made, str(row["ticket"]), opened + hours * HOUR, row, text, str(row["person"]) if theirs else None)


def _falls_silent(here: Days, made: Relations, number: int, person: str, first: int, last: int) -> None:
    """An angry letter, our answer, and nothing more of its writer: what they would have sent, others do."""
    topic = words.TOPICS[int(here.more.integers(0, 5))]
    at, until = here.instant(first, here.more), (last + 1) * DAY
    others = [here.folk.emails[int(k)] for k in here.folk.present(min(last, here.days - 1))]
    apart = {person, *(terse.about["person"] for terse in planted(here.it, "turned terse"))}
    others = [email for email in others if email not in apart]
    for rows in (made.messages, made.tickets):
        for row in [r for r in rows if r["person"] == person and first * DAY <= int(r["at"]) < until]:
            if others:
                row["person"] = others[int(row["at"]) // HOUR % len(others)]
            else:
                rows.remove(row)
    conversation = f"C-{here.who.index:05d}-{8500 + number}"
    subject: Row = {"subject": f"About {topic}"}
    _say(here, made, conversation, at, subject, words.letter(here.more, topic, ANGRY), person)
    _say(here, made, conversation, at + 7 * HOUR, subject, words.pick(here.more, words.SORRY))


def _say(
    here: Days, made: Relations, conversation: str, at: int, of: Row, text: str, person: str | None = None
) -> None:
    if at >= min(here.end, here.days * DAY):
        return
    nth = sum(row["conversation"] == conversation for row in made.messages)
    made.messages.append({
        "message": f"{conversation}-{nth}{'o' if person is None else 'i'}", "conversation": conversation,
        "person": person, "at": at, "direction": "out" if person is None else "in", "channel": "email",
        "subject": of["subject"], "text": text,
    })  # fmt: skip
