"""Is it the data or the customers, told in time: a feed stops, alerts are held, somebody says what it was."""

from __future__ import annotations

import random
import time

import pytest
from living import DAY, MONDAY, World, copy, iso

ACCOUNTS = 14
FEW = "when: logins below 2 per day\nseverity: high\n"
GONE = "when: no logins for 2 days\n"


def day(number: float):
    """Days are counted from Monday 2025-01-06, the first being 1: day 1 begins then."""
    return MONDAY + (number - 1) * DAY


def logins(days, *, accounts=ACCOUNTS, late=0.0, seed=1, times=5, event="login") -> list[tuple]:
    """So many logins a day and account, at all hours; learned `late` days after they happened."""
    dice = random.Random(seed)
    return [
        (f"a{i}", at := day(number) + dice.random() * DAY, at + late * DAY, None, event)
        for number in days
        for i in range(accounts)
        for _ in range(times)
    ]


def before_the_stop(world: World, *, signals: tuple[tuple[str, str], ...] = (("few", FEW),)) -> None:
    """Thirty days of which the last ones come in, then nothing from day 31 on; judged every day until then."""
    for name, text in signals:
        world.signal(name, text)
    world.events(logins(range(1, 31)))
    world.run(day(30))
    world.run(day(31))


def held(world: World) -> list[tuple]:
    return [
        (row["incident"], row["kind"], row["state"], row["how"], row["held"]["open"], row["held"]["close"])
        for row in world.answer("incidents")["incidents"]
    ]


def test_a_feed_stops_and_it_was_the_customers(world: World) -> None:
    """Day 31 the feed stops, day 33 run: one incident, 0 alerts, 14 held; day 34 settled as real: 14 open."""
    before_the_stop(world)
    told = world.run(day(33))
    assert (told["opened"], told["held"], told["incidents"]) == (0, ACCOUNTS, [1])
    assert told["held_by"] == {"incidents": ACCOUNTS, "unsure": 0}
    assert held(world) == [(1, "feed", "open", None, ACCOUNTS, 0)]
    assert world.alerts() == []
    (row,) = world.answer("incidents", "--open")["incidents"]
    assert row["signals"] == ["few"]
    assert row["headline"].startswith("No events came from files since 5 February 2025, 00:00; about ")
    shown = world.answer("incidents", "show", 1)["incident"]
    assert {(a["act"], a["state"], a["at"]) for a in shown["alerts"]} == {("open", "held", iso(day(32)))}

    done = world.answer("incidents", "settle", 1, "--real", "--note", "a strike", "--now", iso(day(34)))
    assert len(done["opened"]) == ACCOUNTS
    alerts = world.alerts()
    assert {(a["opened_at"], a["raised_at"], a["state"]) for a in alerts} == {(iso(day(32)), iso(day(34)), "open")}
    assert {a["account"] for a in alerts} == {f"a{i}" for i in range(ACCOUNTS)}
    assert held(world) == [(1, "feed", "settled", "real", 0, 0)]
    # What was settled stays settled, however long it goes on.
    after = world.run(day(36))
    assert (after["opened"], after["updated"], after["held"], after["incidents"]) == (0, ACCOUNTS, 0, [])
    assert world.call("incidents", "settle", 1, "--data", code=2).startswith("Incident 1 is settled already (real)")


def test_an_event_is_missed_before_its_whole_feed_is(world: World) -> None:
    """Logins stop on day 31, everything on day 32: found on day 32 as the event, from day 34 on as the feed."""
    world.signal("few", FEW)
    world.events([*logins(range(1, 31)), *logins(range(1, 32), event="page", seed=2)])
    world.run(day(30))
    world.run(day(31))
    assert world.run(day(32))["incidents"] == [1]
    assert [row[:3] for row in held(world)] == [(1, "tracking", "open")]
    assert world.run(day(34))["incidents"] == [1], "the same incident"
    assert [row[:3] for row in held(world)] == [(1, "feed", "open")]
    (row,) = world.answer("incidents", "--open")["incidents"]
    assert row["headline"].startswith("No events came from files since ")
    world.answer("incidents", "settle", 1, "--data")
    assert world.alerts() == []


def tickets(world: World, days, *, seed=3) -> None:
    """Ten tickets a day."""
    dice = random.Random(seed)
    path = world.root / "tickets.csv"
    with path.open("w") as out:
        out.write("id,account,at,subject\n")
        for number in days:
            for i in range(10):
                out.write(f"t{number}-{i},a{i},{iso(day(number) + dice.random() * DAY)},help\n")
    world.answer("load", path, "--as", "tickets", "--learned", "occurred")


@pytest.mark.parametrize("both", [False, True])
def test_one_feed_of_two_is_not_everything(world: World, both: bool) -> None:
    """Events stop on day 31. Where tickets go on that is the feed of events, where they stop as well it is all."""
    world.signal("few", FEW)
    world.events(logins(range(1, 31)))
    tickets(world, range(1, 31 if both else 34))
    world.run(day(30))
    world.run(day(31))
    world.run(day(33))
    assert [row[:3] for row in held(world)] == [(1, "feed", "open")]
    (row,) = world.answer("incidents", "--open")["incidents"]
    assert row["what"] == ("everything" if both else "events from files")


def test_it_was_the_data(world: World) -> None:
    """What it holds is dropped, its closes count as not judged, and nothing opens as long as it goes on."""
    before_the_stop(world)
    world.run(day(33))
    done = world.answer("incidents", "settle", 1, "--data")
    assert (done["dropped"], done["opened"]) == (ACCOUNTS, [])
    shown = world.answer("incidents", "show", 1)["incident"]
    assert shown["closes"] and not any(close["judged"] for close in shown["closes"])
    told = world.run(day(35))
    assert (told["opened"], told["held"], told["incidents"]) == (0, 0, [])
    world.events(logins(range(35, 38)))
    world.run(day(37))
    assert world.alerts() == []
    world.events([row for row in logins(range(38, 40)) if row[0] != "a3"])
    assert world.run(day(39))["opened"] == 1, "judged again like any other day"
    assert [a["account"] for a in world.alerts()] == ["a3"]


def test_what_came_late_settles_it_by_itself(world: World) -> None:
    """The days that were missing come in at last: what no longer holds is dropped, what still holds is released."""
    before_the_stop(world, signals=(("few", FEW), ("gone", GONE)))
    world.run(day(32))
    assert world.run(day(33))["held"] == 2 * ACCOUNTS
    world.events(
        [row for row in logins(range(31, 34), late=0) if row[0] != "a5"], "--learned", "now", "--now", iso(day(33.5))
    )
    world.events([(a, at, max(at, day(33.5)), p, e) for a, at, _, p, e in logins(range(31, 35)) if a != "a5"])
    told = world.run(day(35))
    assert told["incidents"] == []
    ((_, _, state, how, *_),) = held(world)
    assert (state, how) == ("settled", "by itself")
    assert {a["account"] for a in world.alerts("--open")} == {"a5"}
    (few,) = [a for a in world.alerts("--open") if a["signal"] == "few"]
    assert few["opened_at"] == iso(day(32)), "released with its own time"


def test_alerts_do_not_close_because_of_a_hole(world: World) -> None:
    """Many errors, then no data: an alert about errors stays open, and says so."""
    world.signal("errors", "when: errors at least 3 per day\n")
    world.events(logins(range(1, 31)) + logins(range(29, 31), accounts=3, event="error", seed=2))
    world.run(day(30))
    assert world.run(day(31))["updated"] == 3
    told = world.run(day(33))
    assert (told["closed"], told["held"]) == (0, 3)
    assert held(world) == [(1, "feed", "open", None, 0, 3)]
    done = world.answer("incidents", "settle", 1, "--real")
    assert len(done["closed"]) == 3
    assert {(a["state"], a["closed_at"]) for a in world.alerts()} == {("closed", iso(day(32)))}


def test_an_event_gets_another_name(world: World) -> None:
    world.signal("few", FEW)
    other = logins(range(1, 40), event="page", seed=3)
    world.events(logins(range(1, 31)) + other + logins(range(31, 40), event="user_login", seed=4))
    world.run(day(30))
    world.run(day(31))
    told = world.run(day(33))
    assert (told["opened"], told["held"]) == (0, ACCOUNTS)
    (row,) = world.answer("incidents")["incidents"]
    assert (row["kind"], row["what"], row["numbers"]["instead"]) == (
        "tracking",
        "event login from files",
        "user_login",
    )


def test_a_definition_changes(world: World) -> None:
    """What changed, since when, who reads it; put back, it settles by itself."""
    world.signal("few", "when: logins below 10 per week\n")
    world.events(logins(range(1, 60), times=2))
    world.run(day(29))
    metrics = world.root / "metrics.yaml"
    old = metrics.read_text()
    metrics.write_text(old.replace("'logged in'", "'signed in'") if "'logged in'" in old else old)
    assert metrics.read_text() != old
    told = world.run(day(30))
    assert told["incidents"] == [1]
    (row,) = world.answer("incidents")["incidents"]
    assert (row["kind"], row["what"], row["signals"]) == ("definition", "metric logins", ["few"])
    assert row["numbers"]["before"] != row["numbers"]["after"]
    metrics.write_text(old)
    assert world.run(day(31))["incidents"] == []
    assert held(world)[0][2:4] == ("settled", "by itself")
    assert len(held(world)) == 1


def test_most_accounts_fall_in_one_week(world: World) -> None:
    world.signal("down", "when: logins down 60% vs the 4 weeks before\n")
    rows = logins(range(1, 71), times=3)
    rows += [row for row in logins(range(71, 78), times=3, seed=5) if random.Random(str(row[1])).random() < 0.1]
    rows += logins(range(78, 99), times=3, seed=6)
    world.events(rows)
    world.run(day(64))
    world.run(day(71))
    told = world.run(day(78))
    assert told["opened"] == 0 and told["held"] == ACCOUNTS
    (row,) = world.answer("incidents")["incidents"]
    assert row["kind"] == "drop" and row["numbers"]["accounts"] == ACCOUNTS
    told = world.run(day(85))
    assert told["incidents"] == [], "back to what it was"
    assert world.alerts() == []


def test_a_few_accounts_cannot_tell_data_from_customers(world: World) -> None:
    world.signal("few", FEW)
    world.events(logins(range(1, 31), accounts=5))
    world.run(day(30))
    assert world.run(day(33))["opened"] == 5
    assert held(world) == []


def test_switched_off(world: World) -> None:
    settings = world.root / "beforehand.yaml"
    settings.write_text(settings.read_text() + "\nincidents: off\n")
    before_the_stop(world)
    assert world.run(day(33))["opened"] == ACCOUNTS
    assert held(world) == []
    settings.write_text(settings.read_text().replace("incidents: off", "incidents: [fed]"))
    assert "feed" in world.call("check", code=2)


def test_growth_is_not_held_by_silence(world: World) -> None:
    """A silent feed holds falls and absences, not a third ticket."""
    before_the_stop(world, signals=(("few", FEW), ("errors", "when: errors at least 3 per day\n")))
    world.events(logins([31], accounts=1, event="error", times=4, seed=8))
    told = world.run(day(33))
    assert told["opened"] == 1
    assert {a["signal"] for a in world.alerts()} == {"errors"}


def strip(alert: dict) -> dict:
    return {k: v for k, v in alert.items() if k != "raised_at"}


def test_killed_at_random_moments_nothing_is_lost_or_doubled(world: World, tmp_path_factory) -> None:
    before_the_stop(world)
    calm = World(tmp_path_factory.mktemp("calm") / "w")
    copy(world, calm)
    dice = random.Random(5)
    acts = (("run", "--now", iso(day(33.5))), ("incidents", "settle", 1, "--real"), ("run", "--now", iso(day(35))))
    for act in acts:
        began = time.monotonic()
        done = calm.start(*act)
        assert done.wait(60) == 0, done.communicate()
        done.communicate()
        usual_s = time.monotonic() - began
        for _ in range(2 if act is not acts[-1] else 0):
            process = world.start(*act)
            time.sleep(usual_s * dice.uniform(0.4, 1.0))
            process.kill()
            process.communicate()
        last = world.start(*act)  # where a settling had got through, it says that it is settled already
        assert last.wait(60) in (0, 2), last.communicate()
        last.communicate()
    assert held(world) == held(calm)
    assert [strip(a) for a in world.alerts()] == [strip(a) for a in calm.alerts()]
    one, other = (w.answer("incidents", "show", 1)["incident"]["alerts"] for w in (world, calm))
    assert one == other
    assert len(one) == ACCOUNTS


@pytest.mark.parametrize("how", ["real", "data"])
def test_cut_off_before_the_end_settling_has_not_happened(world: World, how: str, monkeypatch) -> None:
    from beforehand.commands import incidents
    from beforehand.commands.workspace import Workspace

    before_the_stop(world)
    world.run(day(33))
    whole, left = incidents.store.forget_would, [3]

    def cut_off(session, **given):
        left[0] -= 1
        if left[0]:
            raise KeyboardInterrupt
        whole(session, **given)

    monkeypatch.setattr(incidents.store, "forget_would", cut_off)
    ws = Workspace(world.root)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            ws.settle(1, how)
        assert held(world) == [(1, "feed", "open", None, ACCOUNTS, 0)]
        assert world.alerts() == []
    done = ws.settle(1, how)
    assert (len(done["opened"]), done["dropped"]) == ((ACCOUNTS, 0) if how == "real" else (0, ACCOUNTS))
