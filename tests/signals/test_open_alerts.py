"""Sentences about alerts: words, verdicts, who is read, and that a live check and a backtest see the same alerts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain
from beforehand.commands.opened import STILL, OpenAlerts, read_by
from beforehand.signals import (
    SentenceError,
    SeriesNumbers,
    Signal,
    Vocabulary,
    build,
    echo,
    judge,
    only_truer,
    parse,
    reads_alerts,
    run_cases,
)
from beforehand.signals.numbers import Bool, Int
from beforehand.signals.tree import SEVERITIES, AlertOpen, All, Due, Level, Quantity, Unless
from beforehand.workspace.spec import SignalSpec


def signal(when: object, vocabulary: Vocabulary, name: str = "one", **more: object) -> Signal:
    return build(SignalSpec.model_validate({"signal": name, "when": when, **more}), vocabulary)


@dataclass
class Always:
    """An alert of every severity up to medium is open from the second close on."""

    def at(self, least: str, ends: Int) -> Bool:
        found = np.zeros((1, len(ends)), dtype=bool)
        found[:, 1:] = least in ("low", "medium")
        return found


def test_words_and_meaning(vocabulary: Vocabulary) -> None:
    logins = Level(Quantity("logins"), "<", 2)
    meant = {
        "renewal within 120 days and any high alert open": All((Due("renewal", 120), AlertOpen("high"))),
        "any open high alert and logins below 2": All((AlertOpen("high"), logins)),
        "any alert is open": AlertOpen("low"),
        "logins below 2 unless any critical alert open": Unless(logins, AlertOpen("critical")),
    }
    for text, condition in meant.items():
        assert parse(text, vocabulary).condition == condition
    said = echo(parse("any high alert open", vocabulary), vocabulary)
    assert said == "An alert of severity high or worse of another risk signal is open. Judged when each day closes."
    with pytest.raises(SentenceError) as caught:
        parse("renewal within 120 days and any high alrt open", vocabulary)
    assert caught.value.suggestion == "renewal within 120 days and any high alert open"


def test_verdicts_and_what_is_unsure(vocabulary: Vocabulary) -> None:
    numbers = SeriesNumbers({"logins": np.zeros((1, 3))}, Grain.DAY)
    for least, verdicts in (("medium", [0, 1, 1]), ("high", [0, 0, 0])):
        one = signal(f"any {least} alert open", vocabulary)
        assert judge(one, numbers, opened=Always()).verdicts[0].tolist() == verdicts
        assert judge(one, numbers).verdicts[0].tolist() == [2, 2, 2], "nobody knows of alerts here"
        assert not only_truer(one, {}, vocabulary)


def test_only_risk_signals_that_read_no_alerts_are_read(vocabulary: Vocabulary) -> None:
    signals = {
        s.name: s
        for s in (
            signal("any alert open", vocabulary, "quiet"),
            signal({"any of": ["quiet", "logins below 2"]}, vocabulary, "through"),
            signal("logins below 2", vocabulary, "fall", severity="high"),
            signal("logins above 2", vocabulary, "growth", polarity="growth"),
            signal("logins below 3", vocabulary, "shadow", mode="shadow"),
            signal("errors above 3", vocabulary, "error-spike"),
        )
    }
    assert [name for name, s in signals.items() if reads_alerts(s, signals)] == ["quiet", "through"]
    assert [s.name for s in read_by(signals["quiet"], signals)] == ["fall", "error-spike"]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_is_open_is_the_plain_reference(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 8))
    whole = st.lists(st.integers(0, 9), min_size=count, max_size=count)
    account, opened, length, rank = (np.array(data.draw(whole), dtype=np.int64) for _ in range(4))
    rank %= len(SEVERITIES)
    closed = np.where(length == 9, STILL, (opened + length) * DAY_US)
    alerts = OpenAlerts(account, rank, np.zeros(count, np.int64), opened * DAY_US, closed, ("fall",))
    rows = np.array(data.draw(st.lists(st.integers(0, 9), max_size=6)), dtype=np.int32)
    ends, grace = np.arange(12) * DAY_US, data.draw(st.integers(0, 2)) * DAY_US
    least = data.draw(st.sampled_from(SEVERITIES))
    got = alerts.of(rows, grace).at(least, ends)
    for n, node in enumerate(rows):
        for q, end in enumerate(ends):
            mine = [
                e
                for e in range(count)
                if account[e] == node
                and rank[e] >= SEVERITIES.index(least)
                and opened[e] * DAY_US <= end + grace < closed[e]
            ]
            assert got[n, q] == bool(mine)
            assert len(alerts.listed(int(node), least, int(end + grace))) == len(mine)


def test_cases_say_when_an_alert_is_open(vocabulary: Vocabulary) -> None:
    one = signal("renewal within 120 days and any high alert open", vocabulary)
    case = {"renewal": [121, 120, 119], "any high alert open": [1, 0, 1], "fires": ["no", "no", "yes"]}
    assert run_cases(one, [case], vocabulary) == []  # type: ignore[list-item]
    found = run_cases(one, [{"renewal": [1], "fires": ["no"]}], vocabulary)
    assert found[0].hint == "Add `any high alert open: [0, 1, ...]`."
