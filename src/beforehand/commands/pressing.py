"""What a button does, in the caller's transaction: what the commands of that name do, by who pressed it.

Each looks at how things stand first, so that pressing twice, or two pressing at once, does it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from beforehand import store
from beforehand.alerts import Reason, State
from beforehand.commands.alerts import ack_in, named, resolve_in, snooze_in, standing_of
from beforehand.commands.edits import (
    ACKNOWLEDGE,
    APPROVE,
    NOT_USEFUL,
    REJECT,
    SNOOZE,
    START,
    edit_asked,
    edit_told,
)
from beforehand.errors import InputError
from beforehand.store import Alert, Run, runs
from beforehand.workspace.channel_spec import ChannelSpec

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.playbooks import Book
    from beforehand.workspace import Folder

MOST_DAYS = 90
SAME = timedelta(hours=1)
"""A snooze that would end less than so much later than the one there is, is that one."""


@dataclass(frozen=True)
class Outcome:
    """What came of something that came back: `reason` is one word, `said` what the person who did it is told."""

    state: Literal["done", "already", "refused"]
    reason: str
    said: str

    def as_json(self) -> dict[str, str]:
        """As it is kept beside what came back."""
        return {"outcome": self.state, "reason": self.reason, "said": self.said}


@dataclass(frozen=True)
class Pressed:
    """A button, by whom, and what is needed to do it; `folder` only where a playbook is to begin."""

    actor: str
    action: str
    value: str
    at: datetime
    channels: Mapping[str, ChannelSpec] = field(default_factory=dict)
    folder: Folder | None = None


def press(session: Session, pressed: Pressed) -> Outcome:
    """Does what a button is for; nothing where it is done already, or cannot be."""
    do = DOES.get(pressed.action)
    if do is None:
        return Outcome("refused", "unknown-action", "This button is of another version, and does nothing any more.")
    try:
        return do(session, pressed)
    except InputError as error:
        return Outcome("refused", error.code or "wrong", error.message)


def _acknowledge(session: Session, pressed: Pressed) -> Outcome:
    alert = named(session, pressed.value)
    if standing_of(alert, pressed.at).state is State.ACKNOWLEDGED:
        return Outcome("already", "acknowledged", f"{alert.name} is acknowledged already{_by(session, alert)}.")
    _told(session, pressed, alert, ack_in(session, alert, pressed.at, pressed.actor))
    return Outcome("done", "acknowledged", f"{alert.name} is acknowledged: it is with you now.")


def _snooze(session: Session, pressed: Pressed) -> Outcome:
    name, _, written = pressed.value.partition("|")
    if not (written.isascii() and written.isdigit() and 0 < int(written[:4]) <= MOST_DAYS):
        return Outcome("refused", "not-understood", "This button does not say for how long.")
    alert = named(session, name)
    ends = pressed.at + timedelta(days=int(written))
    now = standing_of(alert, pressed.at)
    if now.state is State.SNOOZED and now.snoozed_until_at is not None and ends - now.snoozed_until_at < SAME:
        said = f"{alert.name} sleeps already, until {now.snoozed_until_at:%Y-%m-%d %H:%M} UTC."
        return Outcome("already", "snoozed", said)
    _told(session, pressed, alert, snooze_in(session, alert, pressed.at, pressed.actor, ends))
    return Outcome("done", "snoozed", f"{alert.name} sleeps until {ends:%Y-%m-%d %H:%M} UTC.")


def _not_useful(session: Session, pressed: Pressed) -> Outcome:
    alert = named(session, pressed.value)
    if alert.close_reason == Reason.NOT_USEFUL:
        return Outcome("already", "closed", f"{alert.name} is closed as not useful already{_by(session, alert)}.")
    said = resolve_in(session, alert, pressed.at, pressed.actor, Reason.NOT_USEFUL)
    _told(session, pressed, alert, said)
    return Outcome("done", "closed", f"{alert.name} is closed as not useful. What its signal is worth counts that.")


def _start(session: Session, pressed: Pressed) -> Outcome:
    from beforehand.commands.playing import start

    alert, folder = named(session, pressed.value), pressed.folder
    book = None if folder is None else _book(folder, alert)
    if folder is None or book is None:
        return Outcome("refused", "no-playbook", f"No playbook of the workspace answers {alert.signal}.")
    owner = alert.owner or pressed.actor
    run = start(session, folder, book, alert.account, pressed.at, alert, owner)
    if run is None:
        return Outcome("already", "run-lives", f"{book.name} is at work at {alert.account} already.")
    store.log(session, alert.number, pressed.at, pressed.actor, "playbook", {"playbook": book.name, "run": run.number})
    _told(session, pressed, alert, f"{book.name} begun by {pressed.actor}", START)
    return Outcome("done", "begun", f"{book.name} begins at {alert.account} with the next run.")


def _answer(session: Session, pressed: Pressed) -> Outcome:
    from beforehand.commands.playbooks import answer_in, asked_of, blank_in

    number, _, step = pressed.value.partition("|")
    run = session.get(Run, int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
    if run is None:
        return Outcome("refused", "unknown-run", "There is no such run.")
    asked = asked_of(session, run)
    if asked is None or asked["step"] != step:
        lines = [line for line in runs.lines_of(session, run.number) if line.step == step]
        answered = next((line for line in reversed(lines) if line.kind in ("approved", "rejected")), None)
        if answered is not None:
            said = f"It was {answered.kind} already by {answered.details.get('by', 'somebody')}."
            return Outcome("already", answered.kind, said)
        return Outcome("refused", "not-asked", f"Run {run.number} does not wait for this answer any more.")
    yes = pressed.action == APPROVE
    if yes and (blank := blank_in(asked)) is not None:
        said = (
            f"The draft has a place that nobody has filled in: {blank} `beforehand approve {run.number} --edit FILE`."
        )
        return Outcome("refused", "not-filled-in", said)
    answer_in(session, run, asked, pressed.at, pressed.actor, yes=yes)
    word = "approved" if yes else "rejected"
    said = f"{word.capitalize()} by {pressed.actor}"
    edit_asked(session, pressed.channels, run.number, step, said, pressed.at)
    then = "It goes on with the next run." if yes else "It is not sent."
    return Outcome("done", word, f"{word.capitalize()}: {run.playbook} at {run.account}. {then}")


DOES: Mapping[str, Callable[[Session, Pressed], Outcome]] = {
    ACKNOWLEDGE: _acknowledge, SNOOZE: _snooze, NOT_USEFUL: _not_useful, START: _start, APPROVE: _answer,
    REJECT: _answer,
}  # fmt: skip


def _told(session: Session, pressed: Pressed, alert: Alert, said: str, *gone: str) -> None:
    edit_told(session, pressed.channels, alert, said, pressed.at, gone)


def _by(session: Session, alert: Alert) -> str:
    """By whom the last thing was done to an alert that a person did."""
    last = next((line for line in reversed(store.log_of(session, alert.number)) if line.act in BY_HAND), None)
    return "" if last is None else f" by {last.actor}"


BY_HAND = ("acknowledged", "closed")


def _book(folder: Folder, alert: Alert) -> Book | None:
    """The playbook that a signal names, else the first that names the signal."""
    books, spec = folder.shelf.books, folder.specs.get(alert.signal)
    if spec is not None and spec.playbook in books:
        return books[spec.playbook]
    return next((book for book in books.values() if alert.signal in book.spec.when.signals), None)
