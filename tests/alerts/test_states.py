"""What persons may do with an alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beforehand.alerts import Reason, Standing, State, acknowledge, resolve, snooze
from beforehand.errors import InputError

NOW = datetime(2025, 3, 1, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def test_a_snooze_ends_by_time() -> None:
    asleep = snooze(Standing(State.OPEN), "A-1", NOW, NOW + WEEK)
    assert asleep == Standing(State.SNOOZED, NOW + WEEK)
    assert asleep.at(NOW + WEEK - timedelta(seconds=1)) is asleep
    assert asleep.at(NOW + WEEK) == Standing(State.OPEN)


def test_acknowledging_ends_a_snooze_and_may_be_done_twice() -> None:
    known = acknowledge(snooze(Standing(State.OPEN), "A-1", NOW, NOW + WEEK), "A-1")
    assert known == Standing(State.ACKNOWLEDGED) == acknowledge(known, "A-1")
    assert known.at(NOW + 9 * WEEK) is known


@pytest.mark.parametrize("written", ["not useful", "not-useful", "Not  Useful", "not_useful"])
def test_resolving_says_why(written: str) -> None:
    assert resolve(Standing(State.OPEN), "A-1", written) == Standing(State.CLOSED, None, Reason.NOT_USEFUL)


def test_wrong_reasons_name_the_right_ones() -> None:
    with pytest.raises(InputError, match="not a reason") as told:
        resolve(Standing(State.OPEN), "A-1", "usefull")
    assert "not useful" in told.value.hint
    assert "resolved" in told.value.hint
    with pytest.raises(InputError, match="not a reason"):
        resolve(Standing(State.OPEN), "A-1", "cleared")  # only judging clears


def test_a_snooze_looks_ahead() -> None:
    with pytest.raises(InputError, match="already"):
        snooze(Standing(State.OPEN), "A-1", NOW, NOW)


def test_closed_is_closed() -> None:
    closed = resolve(Standing(State.OPEN), "A-1", "resolved")
    for act in (
        lambda: acknowledge(closed, "A-1"),
        lambda: snooze(closed, "A-1", NOW, NOW + WEEK),
        lambda: resolve(closed, "A-1", "resolved"),
    ):
        with pytest.raises(InputError, match=r"closed already \(resolved\)"):
            act()
