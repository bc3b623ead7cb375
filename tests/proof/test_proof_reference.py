"""The fast proof against one written as slowly and plainly as the contract's words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.proof import Outcomes, Trial, prove, row
from beforehand.proof.outcomes import NONE, fates, happened, leads
from beforehand.proof.rivals import SEED, at_random, recency

DAY = 86_400_000_000


@dataclass
class World:
    """A small history as plain lists; times are whole days."""

    opened: list[int]
    reach: list[list[bool]]
    last: list[list[int]]
    episodes: list[tuple[int, int]]
    outcomes: list[tuple[int, int, int | None, int | None]]
    horizon: int
    until: int

    def trial(self) -> Trial:
        def us(day: int | None) -> int | None:
            return None if day is None else day * DAY

        n, q = len(self.reach), len(self.opened)
        return Trial(
            opened_us=np.array(self.opened, dtype=np.int64) * DAY,
            weeks=np.full(q, 1.0),
            reach=np.array(self.reach, dtype=bool).reshape(n, q),
            last_us=np.array(self.last, dtype=np.int64).reshape(n, q) * DAY,
            row=np.array([a for a, _ in self.episodes], dtype=np.int64),
            close=np.array([c for _, c in self.episodes], dtype=np.int64),
            outcomes=Outcomes.of([(a, o * DAY, us(n_), us(b)) for a, o, n_, b in self.outcomes]),
            horizon_us=self.horizon * DAY,
            until_us=self.until * DAY,
        )

    # -- the plain reference -------------------------------------------------------------------------------------

    def known(self) -> list[tuple[int, int, int | None, int | None]]:
        return sorted((o for o in set(self.outcomes) if o[1] <= self.until), key=lambda o: (o[0], o[1]))

    def state(self, account: int, close: int) -> tuple[str, int | None, int | None]:
        """What an alert there was, and its leads in days to the deadline and to the beginning."""
        opened = self.opened[close]
        if opened + self.horizon > self.until:
            return "unfinished", None, None
        late = False
        ahead = [o for o in self.known() if o[0] == account and opened <= o[1] <= opened + self.horizon]
        ahead.sort(key=lambda o: (o[1], NONE if o[2] is None else o[2], NONE if o[3] is None else o[3]))
        for _, at, notice, began in ahead:
            deadline = at if notice is None else min(at, notice)
            if deadline >= opened:
                return "right", deadline - opened, None if began is None else began - opened
            late = True
        return ("too late" if late else "wrong"), None, None

    def is_eligible(self, account: int, close: int) -> bool:
        if not self.reach[account][close]:
            return False
        before = [o[1] for o in self.known() if o[0] == account and o[1] < self.opened[close]]
        return not before or self.last[account][close] > max(before)

    def quiet_rival(self) -> list[tuple[int, int]]:
        lot = np.random.default_rng(SEED).permutation(len(self.reach))
        named: dict[int, int] = {}
        out = []
        for close, opened in enumerate(self.opened):
            wanted = sum(c == close for _, c in self.episodes)
            if not wanted:
                continue
            free = []
            for account in range(len(self.reach)):
                since = named.get(account)
                active_again = since is not None and self.last[account][close] >= since
                over = since is not None and opened >= since + self.horizon
                if self.is_eligible(account, close) and (since is None or active_again or over):
                    free.append(account)
            free.sort(key=lambda a: (self.last[a][close], lot[a]))
            for account in free[:wanted]:
                named[account] = opened
                out.append((account, close))
        return out

    def count(self, namings: list[tuple[int, int]], closes: range) -> dict[str, object]:
        namings = [x for x in namings if x[1] in closes]
        states = [self.state(*x) for x in namings]
        tally = {s: sum(x[0] == s for x in states) for s in ("right", "too late", "unfinished")}
        done = len(namings) - tally["unfinished"]
        leads_ = sorted(x[1] for x in states if x[1] is not None)
        return {
            "episodes": len(namings),
            "right": tally["right"],
            "too_late": tally["too late"],
            "unfinished": tally["unfinished"],
            "precision": tally["right"] / done if done and self.outcomes else None,
            "caught": len({x[0] for x, s in zip(namings, states, strict=True) if s[0] == "right"}),
            "p50": float(np.median(leads_)) if leads_ else None,
            "episodes_per_week": len(namings) / len(closes) if len(closes) else None,
        }

    def base_rate(self, closes: range) -> float | None:
        rates = []
        for _, close in self.episodes:
            if close in closes and self.opened[close] + self.horizon <= self.until:
                pool = [a for a in range(len(self.reach)) if self.is_eligible(a, close)]
                if pool:
                    rates.append(sum(self.state(a, close)[0] == "right" for a in pool) / len(pool))
        return sum(rates) / len(rates) if rates and self.outcomes else None

    def could_be_caught(self, closes: range) -> set[int]:
        found = {a for a, c in self.episodes if c in closes and self.state(a, c)[0] == "right"}
        for account in range(len(self.reach)):
            if any(self.is_eligible(account, c) and self.state(account, c)[0] == "right" for c in closes):
                found.add(account)
        return found


@st.composite
def worlds(draw: st.DrawFn) -> World:
    n, q = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    step = draw(st.sampled_from([1, 7]))
    opened = [step * (k + 1) for k in range(q)]
    end = opened[-1] + draw(st.integers(0, 30))
    day = st.integers(-5, end + 10)
    reach = draw(st.lists(st.lists(st.booleans(), min_size=q, max_size=q), min_size=n, max_size=n))
    last = []
    for _ in range(n):
        value, line = draw(st.integers(-20, 0)), []
        for at in opened:
            value = max(value, draw(st.sampled_from([value, at - 1, at - 3])))
            line.append(value)
        last.append(line)
    occurrence = st.tuples(st.integers(0, n - 1), day, st.none() | day, st.none() | day)
    return World(
        opened=opened,
        reach=reach,
        last=last,
        episodes=draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, q - 1)), max_size=12)),
        outcomes=draw(st.lists(occurrence, max_size=8)),
        horizon=draw(st.integers(1, 25)),
        until=draw(st.integers(0, end)),
    )


def near(got: float | None, want: float | None) -> bool:
    return (got is None) == (want is None) and (got is None or want is None or math.isclose(got, want, abs_tol=1e-9))


@given(worlds())
@settings(max_examples=300, deadline=None)
def test_figures_and_recency_rival_are_those_of_the_plain_reference(world: World) -> None:
    proven = row(prove(world.trial()))
    q = len(world.opened)
    cut = int(q * 0.75)
    quiet = world.quiet_rival()
    parts = ((proven, range(q)), (proven["earlier"], range(cut)), (proven["untouched"], range(cut, q)))
    for got, closes in parts:
        for namings, fields in ((world.episodes, got), (quiet, got["rivals"]["recency"])):
            want = world.count(namings, closes)
            for key in ("episodes", "right", "too_late", "unfinished", "caught"):
                assert fields[key] == want[key], key
            assert near(fields["precision"][0], want["precision"])
            assert near(fields["lead_days"]["p50"], want["p50"])
            assert near(fields["episodes_per_week"], want["episodes_per_week"])
            people = world.could_be_caught(closes)
            assert fields["could_be_caught"] == len(people)
            assert near(fields["recall"][0], want["caught"] / len(people) if people and world.outcomes else None)
        assert near(got["base_rate"], world.base_rate(closes))
        precision, base = got["precision"][0], got["base_rate"]
        assert near(got["lift"], precision / base if precision is not None and base else None)


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_fates_leads_and_eligibility_are_those_of_the_plain_reference(world: World) -> None:
    trial = world.trial()
    n, q = trial.reach.shape
    seen = trial.outcomes.until(trial.until_us)
    found = fates(seen, trial.opened_us, trial.horizon_us, n)
    gone = happened(seen, trial.opened_us, trial.last_us)
    account, close = (grid.ravel() for grid in np.meshgrid(np.arange(n), np.arange(q), indexing="ij"))
    lead, began = leads(seen, account, trial.opened_us[close], trial.horizon_us)
    for k, (a, c) in enumerate(zip(account, close, strict=True)):
        assert (trial.reach[a, c] and not gone[a, c]) == world.is_eligible(a, c)
        state, to_deadline, to_began = world.state(a, c)
        if state == "unfinished":
            continue
        assert found.right[a, c] == (state == "right")
        assert found.late[a, c] == (state == "too late")
        assert lead[k] == (NONE if to_deadline is None else to_deadline * DAY)
        assert began[k] == (NONE if to_began is None else to_began * DAY)


@given(worlds())
@settings(max_examples=100, deadline=None)
def test_rivals_name_as_many_as_wanted_and_only_the_eligible(world: World) -> None:
    trial = world.trial()
    wanted = np.bincount(trial.close, minlength=trial.opened_us.size)
    quiet = recency(wanted, trial.eligible, trial.last_us, trial.opened_us, trial.horizon_us)
    assert trial.eligible[quiet.row, quiet.close].all()
    assert (np.bincount(quiet.close, minlength=wanted.size) <= wanted).all()
    chance = at_random(wanted, trial.eligible, draws=30)
    assert trial.eligible[chance.row, chance.close].all()
    for draw in range(chance.draws):
        mine = chance.draw == draw
        pairs = set(zip(chance.row[mine], chance.close[mine], strict=True))
        assert len(pairs) == mine.sum(), "an account named twice at one close"
        each = np.bincount(chance.close[mine], minlength=wanted.size)
        assert (each == np.minimum(wanted, trial.eligible.sum(axis=0))).all()
