"""Telling: what the stages decide becomes notifications and acts, in one transaction; what waits is written down too.

`run` calls it after alerts are written. What is new to whom follows from the state alone, so a run that was killed
before is made up for by the next one, and one that was killed after tells nothing twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from beforehand.commands.gathering import Gathered, concerned, gather, way_to
from beforehand.commands.route import traits_of
from beforehand.commands.show import story_of
from beforehand.commands.tell_writing import write_clocks, write_held, write_telling
from beforehand.routing.batch import FREE, Batch
from beforehand.routing.pipeline import decide
from beforehand.store import telling

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.facts import Facts
    from beforehand.store import Store
    from beforehand.workspace import Folder

__all__ = ["NOTHING", "tell", "way_to"]

NOTHING: dict[str, Any] = {"told": 0, "held_back": 0, "nobody": []}


def tell(facts: Facts, folder: Folder, state: Store, at: datetime) -> dict[str, Any]:
    """Tells what is new at a moment to whom routes.yaml says; nothing where there is none.

    Returns `{"told", "held_back", "nobody"}`: how many messages, how many alerts wait for somebody, and the reasons of
    those that nobody can hear of.
    """
    if folder.routes is None or folder.team is None:
        return dict(NOTHING)
    with state.read() as session:
        traits = traits_of(facts, {alert.account for alert in concerned(session)}, at)
        first = gather(session, folder, traits, at)
        stories = _stories(facts, folder, session, first, decide(first.batch), at)
    with state.write() as session:
        # Asked again now that nobody else writes: what was told meanwhile is not told twice.
        gathered = gather(session, folder, traits, at)
        after = decide(gathered.batch)
        held = [*gathered.nobody, *after.held]
        for one in after.tellings:
            write_telling(session, folder, gathered, one, stories, held, at)
        write_held(session, held, at)
        write_clocks(session, gathered, after, at)
        telling.put_traits(session, traits, at)
        telling.put_shared(session, gathered.holders.new, at)
        for number, heard in gathered.hearers.items():
            alert = gathered.alerts[number]
            if alert.closed_at is None and heard[0].person is not None:
                alert.owner = heard[0].person
    waits = {one.alert for one in held}
    return {
        "told": sum(not one.silent and one.kind != "since" for one in after.tellings),
        "held_back": len(waits),
        "nobody": sorted({one.why for one in gathered.nobody}),
    }


def _stories(
    facts: Facts, folder: Folder, session: Session, gathered: Gathered, after: Batch, at: datetime
) -> dict[int, dict[str, Any]]:
    """The story of the first alert of each message that is about one account; lists need none."""
    found: dict[int, dict[str, Any]] = {}
    for one in after.tellings:
        if one.account is not None and one.kind not in FREE:
            alert = gathered.alerts[one.news[0].item.number]
            if alert.number not in found:
                found[alert.number] = story_of(facts, folder, session, alert, at)
    return found
