"""Processes that are killed, and several at once: nothing lost, nothing twice."""

from __future__ import annotations

import random
import time

from living import BELOW, MONDAY, World, at, iso, spread

WEEKLY = "when: logins below 3 per week\n"


def fill(world: World) -> None:
    dice = random.Random(3)
    world.signal("drop", BELOW)
    world.signal("few", WEEKLY + "delay_out: 2\n")
    rows = []
    for i in range(30):
        rows += spread(f"a{i}", MONDAY, [5, *(dice.choice((0, 1, 2, 4, 6)) for _ in range(15))])
    world.events(rows)


def test_killed_at_random_moments_a_run_ends_as_if_it_never_was(world: World, tmp_path_factory) -> None:
    fill(world)
    world.run(at(3))
    calm = World(tmp_path_factory.mktemp("calm") / "w")
    copy(world, calm)
    calm.run(at(4))
    calm.run(at(15))

    dice, killed = random.Random(1), 0
    began = time.monotonic()
    probe = world.start("run", "--now", iso(at(4)))
    probe.communicate()
    usual_s = time.monotonic() - began
    while killed < 4:
        process = world.start("run", "--now", iso(at(15)))
        time.sleep(usual_s * dice.uniform(0.3, 1.1))
        if process.poll() is not None:
            process.communicate()
            break
        process.kill()
        process.communicate()
        killed += 1
    world.run(at(15))
    assert killed
    assert [strip(a) for a in world.alerts()] == [strip(a) for a in calm.alerts()]
    assert len(world.alerts()) > 20


def strip(alert: dict) -> dict:
    return {k: v for k, v in alert.items() if k != "raised_at"}


def copy(world: World, into: World) -> None:
    import shutil

    shutil.copytree(world.root, into.root)


def test_two_runs_at_once(world: World) -> None:
    fill(world)
    world.run(at(3))
    both = [world.start("run", "--now", iso(at(12))) for _ in range(2)]
    ended = [(p.wait(60), *p.communicate()) for p in both]
    assert all(code == 0 for code, _, _ in ended), ended
    alerts = world.alerts()
    assert len({(a["account"], a["signal"], a["opened_at"]) for a in alerts}) == len(alerts)


def test_many_persons_at_once(world: World) -> None:
    world.signal("few", WEEKLY)
    world.events([row for i in range(4) for row in spread(f"a{i}", MONDAY, [5, 0, 0])])
    world.run(at(2))
    acts = [world.start("ack", f"A-{1001 + i}") for i in range(4)]
    for process in acts:
        assert process.wait(60) == 0, process.communicate()
        process.communicate()
    assert [a["state"] for a in world.alerts()] == ["acknowledged"] * 4
