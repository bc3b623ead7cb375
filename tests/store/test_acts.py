"""The table of acts: once by key, one worker at a time, and what a death in the middle leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from beforehand.store import Store
from beforehand.store.acting import Act
from beforehand.store.acts import (
    DUE,
    GIVE_UP,
    HANDING,
    IN_DOUBT,
    REFUSED,
    SENT,
    WAITS,
    Settled,
    begin,
    count_acts,
    find_acts,
    lease,
    put_act,
    recover,
    resolve_doubt,
    settle,
)

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def state(anywhere: Path | str) -> Iterator[Store]:
    with Store.open(anywhere) as store:
        yield store


def put(session: Session, key: str, at: datetime = NOW, *, keyed: bool = False) -> bool:
    payload = {"subject": key}
    return put_act(
        session, key=key, kind="mail", channel="mail", recipient="a@b.example", payload=payload, due_at=at, made_at=NOW,
        keyed=keyed,
    )  # fmt: skip


def test_a_key_is_written_once(state: Store) -> None:
    with state.write() as session:
        assert put(session, "1:hello:a:mail")
        assert not put(session, "1:hello:a:mail")
    with state.write() as session:
        assert not put(session, "1:hello:a:mail")
        assert count_acts(session) == {DUE: 1, HANDING: 0, SENT: 0, REFUSED: 0, IN_DOUBT: 0}


def test_two_workers_never_hold_one_act(state: Store) -> None:
    with state.write() as session:
        for n in range(5):
            put(session, f"k{n}", NOW + n * MINUTE)
    later = NOW + 10 * MINUTE
    with state.write() as session:
        first = [act.key for act in lease(session, "one", later, MINUTE, 3)]
    with state.write() as session:
        second = [act.key for act in lease(session, "two", later, MINUTE, 3)]
    assert (first, second) == (["k0", "k1", "k2"], ["k3", "k4"])
    with state.write() as session:
        assert lease(session, "two", later, MINUTE, 3) == []
        # What was leased and never begun is free again when the lease is over: it was not handed over.
        assert [act.key for act in lease(session, "two", later + MINUTE, MINUTE, 9)] == ["k0", "k1", "k2", "k3", "k4"]


def test_not_before_it_is_due(state: Store) -> None:
    with state.write() as session:
        put(session, "k", NOW + MINUTE)
        assert lease(session, "one", NOW, MINUTE, 1) == []
        assert len(lease(session, "one", NOW + MINUTE, MINUTE, 1)) == 1


@pytest.mark.parametrize(("keyed", "after"), [(True, DUE), (False, IN_DOUBT)])
def test_cut_off_while_handing(state: Store, keyed: bool, after: str) -> None:
    with state.write() as session:
        put(session, "k", keyed=keyed)
        (act,) = lease(session, "one", NOW, MINUTE, 1)
        assert begin(session, act, "one", NOW)
    with state.write() as session:
        assert recover(session, NOW + MINUTE / 2) == 0  # it may still be at it
        assert recover(session, NOW + MINUTE) == 1
        (act,) = find_acts(session)
        assert (act.state, act.lease_by) == (after, None)
    with state.write() as session:
        assert len(lease(session, "two", NOW + MINUTE, MINUTE, 1)) == (1 if keyed else 0)


def test_a_lease_that_ran_out_cannot_begin(state: Store) -> None:
    with state.write() as session:
        put(session, "k")
        (act,) = lease(session, "one", NOW, MINUTE, 1)
        assert not begin(session, act, "one", NOW + MINUTE)
        assert not begin(session, act, "two", NOW)
        assert begin(session, act, "one", NOW)
        assert not begin(session, act, "one", NOW)  # twice is once


def test_it_is_put_off_longer_each_time_and_given_up_after_a_day(state: Store) -> None:
    with state.write() as session:
        put(session, "k")
    now, waits = NOW, []
    for _ in range(20):
        with state.write() as session:
            (act,) = lease(session, "one", now, MINUTE, 1)
            assert begin(session, act, "one", now)
            settle(session, act, "one", now, Settled("retry", "busy"))
            (act,) = find_acts(session)
            if act.state != DUE:
                break
            waits.append(act.due_at - now)
            now = act.due_at
    assert tuple(waits[: len(WAITS)]) == WAITS[: len(waits)]
    assert (act.state, act.reason) == (REFUSED, "gave-up: busy")
    assert now - NOW <= GIVE_UP


def test_the_other_side_may_ask_for_more_time(state: Store) -> None:
    with state.write() as session:
        put(session, "k")
        (act,) = lease(session, "one", NOW, MINUTE, 1)
        begin(session, act, "one", NOW)
        settle(session, act, "one", NOW, Settled("retry", "rate-limited", after=timedelta(minutes=17)))
        assert find_acts(session)[0].due_at == NOW + timedelta(minutes=17)


def test_who_knows_that_it_was_sent_may_say_so_late(state: Store) -> None:
    with state.write() as session:
        put(session, "k")
        (act,) = lease(session, "one", NOW, MINUTE, 1)
        begin(session, act, "one", NOW)
        recover(session, NOW + MINUTE)
        assert find_acts(session)[0].state == IN_DOUBT
        settle(session, act, "one", NOW + 2 * MINUTE, Settled("retry", "busy"))
        assert find_acts(session)[0].state == IN_DOUBT
        settle(session, act, "one", NOW + 2 * MINUTE, Settled("sent", "accepted", ref="<1@x>"))
        assert (find_acts(session)[0].state, find_acts(session)[0].ref) == (SENT, "<1@x>")
        settle(session, act, "one", NOW + 3 * MINUTE, Settled("refused", "late"))
        assert find_acts(session)[0].state == SENT


@pytest.mark.parametrize(("sent", "after"), [(True, SENT), (False, DUE)])
def test_a_person_ends_the_doubt(state: Store, sent: bool, after: str) -> None:
    with state.write() as session:
        put(session, "k")
        (act,) = lease(session, "one", NOW, MINUTE, 1)
        begin(session, act, "one", NOW)
        settle(session, act, "one", NOW, Settled("in doubt", "cut-off"))
        resolve_doubt(session, find_acts(session, states=[IN_DOUBT])[0], NOW + MINUTE, sent)
        assert find_acts(session)[0].state == after


STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["lease", "begin", "sent", "retry", "die", "wait"])))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=STEPS)
def test_whatever_workers_do_nothing_unkeyed_is_handed_over_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    """Three workers in any order: an act whose handing was cut off is never begun again by itself."""
    with Store.open(tmp_path_factory.mktemp("acts") / "state.sqlite") as store:
        with store.write() as session:
            put(session, "k")
        now, begun, answered = NOW, 0, 0
        hands: dict[int, Act] = {}
        for worker, step in steps:
            name = f"w{worker}"
            with store.write() as session:
                match step:
                    case "lease":
                        hands.update((worker, act) for act in lease(session, name, now, MINUTE, 1))
                    case "begin" if worker in hands:
                        begun += begin(session, hands[worker], name, now)
                    case "sent" | "retry" if worker in hands:
                        before = find_acts(session)[0]
                        mine = before.state == HANDING and before.lease_by == name
                        settle(session, hands.pop(worker), name, now, Settled(step, "x"))  # type: ignore[arg-type]
                        answered += mine and step == "retry"
                    case "die":
                        hands.pop(worker, None)
                    case "wait":
                        now += timedelta(minutes=2)
        assert begun <= 1 + answered
