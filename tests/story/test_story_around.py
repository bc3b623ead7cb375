"""From facts to what else happened, what is normal for accounts like it, and the rows behind made facts, by name."""

from __future__ import annotations

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from beforehand.commands.alerts import alerts
from beforehand.commands.run import run
from beforehand.facts import receipts as asking
from beforehand.story import Receipt
from beforehand.story.meanwhile import OPENING

if "story_worlds" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("story_worlds", Path(__file__).with_name("test_story_show.py"))
    assert _spec is not None and _spec.loader is not None
    sys.modules["story_worlds"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["story_worlds"])
worlds: Any = sys.modules["story_worlds"]
END, MONDAY, World, facts_of, said = worlds.END, worlds.MONDAY, worlds.World, worlds.facts_of, worlds.said
SETTINGS = worlds.SETTINGS

METRICS = """
logins: {says: [logins], count: events, where: event = 'login'}
exports: {says: [exports], count: events, where: event = 'export'}
done: {name: finished exports, says: [finished exports], count: events, where: event = 'export done'}
errors: {says: [errors], count: events, where: event = 'error'}
tickets: {says: [tickets], count: tickets}
urgent: {name: urgent tickets, says: [urgent tickets, urgent ticket], count: tickets, where: priority = 'urgent'}
letters: {says: [letters], count: messages}
invoices: {says: [invoices, invoice], count: invoices}
"""
STEADY = [6, 5, 7, 6, 5, 6, 7, 5, 6, 6, 5, 7, 6, 5]
FALL = [9, 11, 10, 12, 9, 10, 11, 10, 9, 12, 10, 1, 1, 0]
OTHERS = [f"steady-{n}" for n in range(14)]
DAY = timedelta(days=1)


def built(root: Path) -> Any:
    """Globex falls while much else happens there; fourteen others of its plan go on."""
    made = World(root)
    (root / "metrics.yaml").write_text(METRICS)
    (root / "beforehand.yaml").write_text(SETTINGS)
    made.signal("fall", "when: logins below 2 per week for 3 consecutive weeks\nseverity: high\n")
    for name, when in {
        "few": "logins among the lowest quarter of accounts like it",
        "waits": "urgent tickets open more than 2 business days",
        "waits-all": "at least 1 urgent ticket open more than 2 business days for accounts",
        "late": "invoices more than 20 days overdue",
        "mentions": "customer mentions cancel or price",
        "abandoned": "exports without finished exports within 1 hour, 2 times in 7 days",
        "admin-gone": "no admin has logged in for 14 days",
        "issue": "at least 2 tickets on the same issue in 30 days",
        "first": "no first finished exports within 14 days of signup",
    }.items():
        made.signal(name, f"when: {when}\n")
    rows = [(a, MONDAY, "team", "Ben Ito", "40") for a in ("globex", *OTHERS)]
    changed = ("globex", END - 16 * DAY, "team", "Dana Reyes", "25")
    made.load([*rows, changed], "account,at,plan,owner,seats", "accounts")
    people = [("globex-0", "globex", MONDAY, "Mia Lind", "admin"), ("globex-1", "globex", MONDAY, "Tom Ash", "viewer")]
    made.load(people, "person,account,at,name,role", "people")
    made.events(
        facts_of("globex", FALL[:11], person="globex-0"),
        facts_of("globex", [0] * 11 + [1, 1, 0], person="globex-1"),
        facts_of("globex", [3] * 14, "view", "globex-1"),
        facts_of("globex", [0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 9, 14, 11], "error", "globex-1"),
        facts_of("globex", [0] * 13 + [3], "export", "globex-1"),
        *(facts_of(a, STEADY) for a in OTHERS),
        facts_of("newcomer", [0] * 6 + STEADY[:8]),
        *(facts_of(a, [1] * 14, "export done") for a in OTHERS[:7]),
    )
    opened = END - 6 * DAY
    tickets = [
        ("T-1", "globex", opened, opened, "open", "urgent", "exports", "Export fails"),
        ("T-2", "globex", opened - 9 * DAY, opened - 9 * DAY, "open", "normal", "exports", "No CSV"),
        ("T-3", "steady-1", opened, opened, "open", "urgent", "login", "Locked out"),
        ("T-3", "steady-1", opened, opened + DAY, "solved", "urgent", "login", "Locked out"),
    ]
    made.load(tickets, "id,account,at,learned,status,priority,category,subject", "tickets")
    letter = ("m-1", "globex", "globex-1", END - timedelta(hours=20), "in", "If exports stay broken we will cancel.")
    made.load([letter], "id,account,person,at,direction,text", "messages")
    billed = [("I-1", "globex", MONDAY, "4200", "EUR", "open", END - 30 * DAY, "")]
    billed += [(f"I-{a}", a, MONDAY, "90", "EUR", "paid", END - 30 * DAY, END - 35 * DAY) for a in OTHERS]
    made.load(billed, "id,account,at,amount,currency,status,due_at,paid_at", "invoices")
    answers = [(f"S-{a}", a, "nps", "9", END - 20 * DAY) for a in OTHERS] + [
        ("S-g", "globex", "nps", "2", END - 5 * DAY)
    ]
    made.load(answers, "id,account,kind,score,at", "surveys")
    run(made.ws, END + timedelta(hours=3))
    return made


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return built(tmp_path_factory.mktemp("around") / "w")


def story(world: Any, signal: str, account: str = "globex") -> dict:
    rows = [a for a in alerts(world.ws)["alerts"] if a["signal"] == signal and a["account"] == account]
    assert len(rows) == 1, (signal, [(a["account"], a["scope"]) for a in rows])
    return world.story(rows[0]["alert"])


def headline(result: dict) -> str:
    return str(result["alerts"][0]["headline"])


def test_what_else_happened_is_ranked_and_proven(world: Any) -> None:
    result = story(world, "fall")
    told = [s["text"] for s in said(result, "meanwhile")]
    assert 3 <= len(told) <= 5
    assert told[0].startswith(OPENING)
    every = " ".join(told)
    assert "rrors rose from " in every
    assert "The owner changed from Ben Ito to Dana Reyes on " in every or "the owner changed" in every
    assert "because" not in every
    assert result["alerts"][0]["story"]["looked_at"] > len(told)
    with world.ws.facts() as facts:
        places = [p for s in said(result, "meanwhile") for p in s["receipts"]]
        kept = [result["receipts"][p] for p in places]
        assert kept
        for one in kept:
            receipt = Receipt.from_json(
                {**one, "known_us": int(one["known_at"].timestamp()) * 1_000_000, "samples": one["samples"]}
            )
            again = asking.take(facts, receipt.query, receipt.known_us)
            assert again.values == receipt.values and again.digest == receipt.digest


def test_a_quiet_account_has_little_to_tell(world: Any) -> None:
    with world.ws.facts() as facts:
        from beforehand.calendar import to_us
        from beforehand.commands import stories
        from beforehand.commands.meanwhile import Window, found_around
        from beforehand.commands.questions import Whose

        told = 0
        window = Window.of(to_us(END) - 3 * 7 * 86_400_000_000, to_us(END), to_us(END))
        for account in OTHERS:
            node = facts.account_named(account)
            whose = Whose(account, stories.nodes_of(facts, node), born_us=to_us(MONDAY))
            found, _, looked_at = found_around(facts, world.ws.folder, whose, window, (), (), 0)
            assert looked_at
            told += len(found)
    assert told <= len(OTHERS) * 0.3


def test_what_came_late_does_not_change_what_is_told(world: Any) -> None:
    before = [s["text"] for s in said(story(world, "fall"), "meanwhile")]
    late = [("globex", "globex-0", "login", END - timedelta(days=3, minutes=n), END + 4 * DAY) for n in range(9)]
    world.events(late)
    rows = [a for a in alerts(world.ws)["alerts"] if a["signal"] == "fall"]
    after = world.story(rows[0]["alert"], now=END + 5 * DAY)
    assert [s["text"] for s in said(after, "meanwhile")] == before
    assert said(after, "late")


def test_what_is_normal_for_accounts_like_it(world: Any) -> None:
    text = said(story(world, "fall"), "peers")[0]["text"]
    assert text == (
        "Of 14 accounts like globex (plan team, size 30 to 100, 90 days to a year), at least half had 5 logins in the "
        "same week; all had more than globex."
    ) or (text.startswith("Of 14 accounts like globex (plan team") and text.endswith("; all had more than globex."))


def test_among_the_lowest_of_peers(world: Any) -> None:
    result = story(world, "few")
    assert headline(result) == "Logins were 0 last week, among the lowest quarter of 14 accounts like it"
    assert said(result, "peers") and said(result, "line")[0]["text"].startswith(
        "The line is the lowest quarter of them"
    )
    assert {s["status"] for s in result["alerts"][0]["story"]["sentences"]} == {"true"}


def test_waiting_tickets_are_told_by_name(world: Any) -> None:
    result = story(world, "waits")
    assert headline(result) == "Ticket T-1 has been open more than 2 business days"
    assert said(result, "detail")[0]["text"] == "Ticket T-1, “Export fails”, has been open since 8 April."
    counted = story(world, "waits-all")
    assert headline(counted) == "1 urgent ticket has been open more than 2 business days"


def test_overdue_invoices_are_told_with_amount_and_day(world: Any) -> None:
    result = story(world, "late")
    assert headline(result) == "1 invoice is more than 20 days overdue"
    assert said(result, "detail")[0]["text"] == "Invoice I-1 over €4,200 was due on 15 March."


def test_mentions_quote_what_was_written(world: Any) -> None:
    text = said(story(world, "mentions"), "detail")[0]["text"]
    assert text == "Tom Ash wrote on 13 April: “If exports stay broken we will cancel”"


def test_issues_workflows_roles_and_milestones(world: Any) -> None:
    issue = story(world, "issue")
    assert "about exports" in headline(issue)
    assert {s["text"].split(",")[0] for s in said(issue, "detail")} == {"Ticket T-1", "Ticket T-2"}
    assert headline(story(world, "abandoned")).startswith("Exports without finished exports within 1 hour in 7 days ")
    gone = story(world, "admin-gone")
    assert headline(gone).startswith("No logins by whoever is admin for ")
    assert "Admin there: Mia Lind." in [s["text"] for s in said(gone, "detail")]
    first = story(world, "first", "newcomer")
    assert headline(first) == "No finished exports 56 days after the signup"
    assert said(first, "change")[0]["text"].endswith(" in the 56 days since the signup on 17 February.")


def test_receipts_of_the_new_kinds_hold_what_was_judged(world: Any) -> None:
    from beforehand import store

    with world.ws.state() as state, state.read() as session:
        kept = [Receipt.from_json(r) for a in store.find_alerts(session) for r in a.receipts]
    own = [receipt for receipt in kept if not receipt.query.like]
    with world.ws.facts() as facts:
        assert all(asking.verify_all(facts, own))
