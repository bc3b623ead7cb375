"""The mood of an account: each person's newest letter by seniority and age, against a slow plain reckoning."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain, to_us
from beforehand.commands.workspace import Workspace
from beforehand.errors import InputError
from beforehand.facts import Facts, moods
from beforehand.facts.derived.voices import Letter, Said, path, pulled, seniority_of
from beforehand.panel import Panel
from beforehand.signals.tree import Quantity
from beforehand.text import Readings
from beforehand.workspace.spec import SENIORITY, SettingsSpec

Open = Callable[..., Facts]
Write = Callable[..., Path]
BEGIN = datetime(2025, 3, 1, 10, tzinfo=UTC)
QUANTITY = Quantity("account warmth")
WARM, COLD = "warm words here", "cold words here"


class Heard:
    """A reader to whom `warm` is positive and `cold` negative, and nothing else says anything."""

    name, version = "heard", "1"
    languages = frozenset({"en"})

    def knows(self, text: str) -> float:
        return 1.0

    def read(self, texts: Sequence[str]) -> Readings:
        rows = [[0.9 if "cold" in text else 0.1, 0.9 if "warm" in text else 0.1, 0, 0, 0] for text in texts]
        chances = np.array(rows, np.float64).reshape(-1, 5)
        return Readings(chances, words=[()] * len(texts), rest=np.zeros(len(texts)))


def plainly(letters: Sequence[Letter], roles: dict[int, float]) -> list[tuple[int, float, int]]:
    """At each moment all over again: the newest letter of each that was known, weighed as of that moment."""
    found: list[tuple[int, float, int]] = []
    for known in sorted({letter.known_us for letter in letters}):
        newest: dict[int, Letter] = {}
        for letter in letters:
            if letter.known_us <= known and (letter.voice not in newest or letter.at_us >= newest[letter.voice].at_us):
                newest[letter.voice] = letter
        weights = {v: roles[v] * 2 ** ((letter.at_us - known) / (30 * DAY_US)) for v, letter in newest.items()}
        heard = [v for v in newest if weights[v] > 0]
        if heard:
            mean = math.fsum(weights[v] * newest[v].warmth for v in heard) / math.fsum(weights[v] for v in heard)
            found.append((known, mean, len(heard)))
    return found


LETTERS = st.lists(
    st.builds(
        lambda voice, at, late, warmth: Letter(voice, at, at + late, warmth),
        st.integers(0, 3), st.integers(0, 400).map(lambda n: n * DAY_US // 2),
        st.sampled_from([0, 0, 0, DAY_US, 40 * DAY_US]), st.integers(-20, 30).map(lambda n: n / 10),
    ),
    max_size=25,
)  # fmt: skip


@given(LETTERS, st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=4, max_size=4))
@settings(max_examples=150, deadline=None)
def test_the_path_is_what_each_moment_says_by_itself(letters: list[Letter], weights: list[float]) -> None:
    ordered = sorted(letters, key=lambda letter: (letter.known_us, letter.at_us))
    roles = dict(enumerate(weights))
    told = {letter.known_us: mood for letter, mood in path(ordered, lambda voice, at: roles[voice])}
    assert all(len(list(own)) == 1 for _, own in groupby(sorted(told)))
    stands = None
    for known, warmth, people in plainly(ordered, roles):
        stands = told.get(known, stands)  # where nothing is said, what was said before stands
        assert stands is not None
        assert stands.warmth == pytest.approx(warmth, abs=1e-9)
        assert stands.people == people


@given(LETTERS, st.integers(0, 400).map(lambda n: n * DAY_US // 2))
@settings(max_examples=150, deadline=None)
def test_who_pulled_it_down_is_by_how_much_it_would_be_higher(letters: list[Letter], since: int) -> None:
    ordered = sorted(letters, key=lambda letter: (letter.known_us, letter.at_us))
    weights = {0: 1.0, 1: 3.0, 2: 1.0, 3: 0.5}
    by = pulled(ordered, lambda voice, at: weights[voice], since)
    assert [down for _, down in by] == sorted((down for _, down in by), reverse=True)
    whole = [mood.warmth for _, mood in path(ordered, lambda voice, at: weights[voice])]
    for letter, down in by:
        left = [one for one in ordered if one.voice != letter.voice or one.at_us < since]
        without = [mood.warmth for _, mood in path(left, lambda voice, at: weights[voice])]
        assert letter.at_us >= since and down > 0
        assert down == pytest.approx((without[-1] if without else 0.0) - whole[-1], abs=1e-9)


def test_seniority_is_what_was_known_at_the_moment() -> None:
    said = [Said(None, None, "user"), Said(100, 50, "Champion, admin"), Said(300, 200, None)]
    assert [seniority_of(said, at, SENIORITY) for at in (0, 99, 100, 299, 300)] == [1.0, 1.0, 2.0, 2.0, 1.0]
    assert seniority_of([], 0, SENIORITY) == seniority_of([Said(None, None, "viewer")], 0, SENIORITY) == 1.0


@pytest.mark.parametrize("weight", [-1, 101, float("nan"), "much"])
def test_a_weight_is_a_number_from_0_to_100(weight: Any) -> None:
    with pytest.raises(ValueError, match="seniority"):
        SettingsSpec(seniority={"boss": weight})
    assert SettingsSpec(seniority={" Boss ": 4, "ADMIN": 0}).weights == SENIORITY | {"boss": 4, "admin": 0}


# -- in the facts ------------------------------------------------------------------------------------------------------


def message(number: int, day: int, said: str, person: str, late: int = 0, account: str = "acme") -> dict[str, Any]:
    at = BEGIN + timedelta(days=day)
    return {
        "id": f"m{number}", "account": account, "person": person, "at": at.isoformat(), "direction": "in",
        "learned_at": (at + timedelta(days=late)).isoformat(), "conversation": f"c{number}", "text": said,
    }  # fmt: skip


def load(facts: Facts, write: Write, rows: Sequence[dict[str, Any]], table: str = "messages") -> None:
    name = f"{table}-{abs(hash(json.dumps(rows)))}.jsonl"
    facts.load([write(name, "\n".join(json.dumps(row) for row in rows))], table=table, learned="occurred")


def held(facts: Facts) -> list[tuple[Any, ...]]:
    moods.ensure(facts)
    return facts.connection.execute(
        "SELECT account, id, occurred_at, warmth, people FROM moods GROUP BY ALL HAVING sum(sign) > 0 ORDER BY ALL"
    ).fetchall()


def newest(facts: Facts) -> float:
    return float(sorted(held(facts), key=lambda row: row[2])[-1][3])


def test_seniors_weigh_more_and_old_letters_less(opened: Open, write: Write) -> None:
    facts = opened(seniority={"Boss": 4})
    facts.reader = Heard
    load(facts, write, [{"account": "acme", "person": p, "role": r} for p, r in (("a", "boss"), ("b", "viewer"))],
         "people")  # fmt: skip
    load(facts, write, [message(1, 0, COLD, "a"), message(2, 0, WARM, "b"), message(3, 30, WARM, "c")])
    rows = held(facts)
    warm, cold = rows[-1][3], rows[0][3]
    one = {row[1]: row[3] for row in rows}
    points = {"warm": 0.64, "cold": -0.64 - 0.5 * 9 / 11}
    assert warm > cold
    assert one["m2"] == pytest.approx((4 * points["cold"] + points["warm"]) / 5, abs=1e-5)
    assert one["m3"] == pytest.approx((2 * points["cold"] + 0.5 * points["warm"] + points["warm"]) / 3.5, abs=1e-5)
    assert [row[4] for row in sorted(rows, key=lambda row: row[2])] == [2.0, 3.0]


def test_in_parts_as_at_once(opened: Open, write: Write, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = [
        message(n, int(rng.integers(0, 200)), (WARM, COLD)[int(rng.integers(0, 2))], f"p{rng.integers(0, 5)}",
                int(rng.choice([0, 0, 20])), f"a{rng.integers(0, 3)}")
        for n in range(60)
    ]  # fmt: skip
    people = [{"account": f"a{a}", "person": f"p{p}", "role": ("admin", "champion", "x")[p % 3]} for a in range(3)
              for p in range(5)]  # fmt: skip
    facts = opened()
    facts.reader = Heard
    load(facts, write, people, "people")
    for low in range(0, 60, 15):
        load(facts, write, rows[low : low + 15])
        parts = held(facts)
    again = facts.connection.execute("SELECT count(*) FROM moods").fetchall()
    assert held(facts) == parts
    assert facts.connection.execute("SELECT count(*) FROM moods").fetchall() == again
    facts.connection.execute("DELETE FROM moods")
    facts.connection.execute("DELETE FROM moods_made")
    assert held(facts) == parts
    wrote, roles = moods.letters(facts, "SELECT DISTINCT account FROM accounts")
    for root, own in wrote.items():
        weights = {letter.voice: moods.seniorities(facts, roles, root)(letter.voice, letter.known_us) for letter in own}
        plain = {known: (warmth, people) for known, warmth, people in plainly(own, weights)}
        for account, _, at, warmth, count in parts:
            if account == root:
                told = plain[int(at.replace(tzinfo=UTC).timestamp() * 1e6)]
                assert (warmth, count) == (pytest.approx(told[0], abs=2e-6), told[1])


def test_a_role_that_is_told_later_holds_from_the_beginning_or_from_then(opened: Open, write: Write) -> None:
    facts = opened()
    facts.reader = Heard
    load(facts, write, [message(1, 0, COLD, "a"), message(2, 0, WARM, "b")])
    even = newest(facts)
    load(facts, write, [{"account": "acme", "person": "a", "role": "champion"}], "people")
    low = newest(facts)
    assert low < even
    at = (BEGIN + timedelta(days=10)).isoformat()
    load(facts, write, [{"account": "acme", "person": "a", "role": "user", "at": at}], "people")
    assert newest(facts) == low  # what was written before counts as it did
    load(facts, write, [message(3, 20, COLD, "a"), message(4, 20, WARM, "b")])
    assert newest(facts) == pytest.approx(even, abs=1e-5)


def test_settings_and_merges_make_it_anew(opened: Open, write: Write) -> None:
    facts = opened()
    facts.reader = Heard
    load(facts, write, [message(1, 0, COLD, "a@acme.com"), message(2, 0, WARM, "b@acme.com")])
    load(facts, write, [message(3, 1, COLD, "c@other.com", account="other")])
    assert len(held(facts)) == 2
    facts = opened(exclude={"people": ["a@acme.com"]})
    facts.reader = Heard
    assert {row[1] for row in held(facts)} == {"m2", "m3"}
    facts = opened(seniority={"user": 2})
    facts.reader = Heard
    first = held(facts)
    kept, gone = facts.account_named("acme"), facts.account_named("other")
    from beforehand.facts.merging import merge, undo

    merge(facts.connection, "account", gone, kept, BEGIN, "me")
    rows = sorted(held(facts), key=lambda row: row[2])
    assert {row[0] for row in rows} == {kept}
    assert [row[4] for row in rows] == [2.0, 3.0]
    undo(facts.connection, "account", gone, BEGIN, "me")
    assert held(facts) == first
    signs = facts.connection.execute("SELECT account, id, warmth, sum(sign) FROM moods GROUP BY ALL").fetchall()
    assert {row[-1] for row in signs} <= {0, 1}


def test_nobody_wrote_nobody_has_a_mood(opened: Open, write: Write) -> None:
    facts = opened()
    facts.reader = Heard
    load(facts, write, [{"account": "acme", "person": "a", "role": "champion"}], "people")
    assert held(facts) == []
    load(facts, write, [message(1, 0, "", "a")])
    assert held(facts) == []


def test_it_is_counted_by_week_and_a_replay_sees_what_the_backtest_does(tmp_path: Path, write: Write) -> None:
    (tmp_path / "beforehand.yaml").write_text("zone: UTC\n")
    (tmp_path / "metrics.yaml").write_text("account warmth:\n  last: moods\n  of: warmth\n")
    (tmp_path / "signals").mkdir()
    (tmp_path / "signals" / "cold.yaml").write_text("signal: cold\nwhen: account warmth below 0.5 for 2 weeks\n")
    ws = Workspace(tmp_path)
    people = [{"account": "acme", "person": "a", "role": "decision maker"}]
    kind = "Hi, thank you very much for the great help, everything works wonderfully now!"
    rude = "This is still broken and nobody answers. Terrible."
    rows = [message(n, 3 * n, kind if n < 10 or n % 2 else rude, "ab"[n % 2], 12 if n == 14 else 0) for n in range(24)]
    for table, lines in (("people", people), ("messages", rows)):
        file = write(f"{table}.jsonl", "\n".join(map(json.dumps, lines)))
        ws.load([file], table=table, learned="learned_at" if table == "messages" else None)
    now = BEGIN + timedelta(days=80)
    with ws.facts() as facts:
        sheet = Panel(facts, ws.folder).sheet("account", {(QUANTITY, Grain.WEEK)}, now_us=to_us(now), last=11)
        values = sheet.numbers().windows(QUANTITY, Grain.WEEK, 1)[0, :, 0]
    assert values[2] > 1 and values[-1] < 0.2
    found = ws.replay(until=now)
    assert found["equal"] and found["signals"][0]["episodes"] == 1
    with pytest.raises(InputError, match="of accounts"), ws.facts() as facts:
        Panel(facts, ws.folder).sheet("person", {(QUANTITY, Grain.WEEK)}, now_us=to_us(now), last=1)
