"""The next move of a run: told in time, and as properties over any playbook and any journal."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import BusinessTime
from beforehand.playbooks import Act, Ask, Book, End, Go, Line, Move, Seen, Stuck, Wait, WaitFor, next_move
from beforehand.playbooks.moves import MOST_LINES
from beforehand.workspace.playbook_spec import PlaybookSpec

BERLIN = BusinessTime(ZoneInfo("Europe/Berlin"))
MONDAY = datetime(2026, 5, 4, 8, tzinfo=UTC)
DAY = timedelta(days=1)
STEPS: list[dict[str, Any]] = [
    {"step": "write", "draft": "Hello", "subject": "Hi", "to": "their admin"},
    {"step": "ask", "approve": "write", "within": "2 business days"},
    {"step": "mail", "send": "write"},
    {"step": "answer", "wait for": "reply", "within": "5 days", "else": "call-them"},
    {"step": "thanks", "end with": "answered"},
    {"step": "call-them", "call": "Ask", "to": "their admin"},
    {"step": "quiet", "wait": "3 business days"},
]


def book(steps: list[dict[str, Any]] | None = None, **more: Any) -> Book:
    return Book.of(PlaybookSpec.model_validate({"playbook": "p", "steps": steps or STEPS, **more}))


def seen(**more: Any) -> Seen:
    return Seen(BERLIN, **more)


class Journal(list[Line]):
    def add(self, at: datetime, kind: str, step: str = "", **details: Any) -> None:
        self.append(Line(len(self) + 1, at, kind, step, details))


def follow(found: Book, journal: Journal, move: Move, at: datetime) -> None:
    """Writes down what the glue would: an act is done, a wait begun, a step left."""
    match move:
        case Act(step):
            journal.add(at, "did", step, to=found.next(step))
        case Go(step, to, why):
            journal.add(at, "went", step, to=to, why=why)
        case Wait(step, until, True):
            journal.add(at, "waits", step, until=until.isoformat())
        case End(outcome, reason):
            journal.add(at, "ended", outcome=outcome, reason=reason)
        case _:
            pass


def settle(found: Book, journal: Journal, at: datetime, known: Seen) -> tuple[list[str], Move]:
    """Moves until the run waits or is over: the steps that acted, and the last move."""
    acted = []
    for _ in range(300):
        move = next_move(found, journal, at, known)
        if isinstance(move, Act):
            acted.append(move.step)
        if (
            isinstance(move, Stuck)
            or (isinstance(move, Wait) and not move.begins)
            or (isinstance(move, End) and journal and journal[-1].kind == "ended")
        ):
            return acted, move
        follow(found, journal, move, at)
    raise AssertionError("it goes round in a circle")


def test_a_run_told_in_time() -> None:
    """Monday it drafts and asks; Tuesday yes, and it is sent; nobody answers; after five days somebody calls."""
    found, journal = book(), Journal()
    acted, move = settle(found, journal, MONDAY, seen())
    assert acted == ["write"]
    assert isinstance(move, Ask) and move.until == datetime(2026, 5, 6, 8, tzinfo=UTC)
    journal.add(MONDAY + DAY, "approved", "ask", by="ann")
    acted, move = settle(found, journal, MONDAY + DAY, seen())
    assert acted == ["mail"]
    assert isinstance(move, WaitFor) and move.until == MONDAY + 6 * DAY
    assert settle(found, journal, MONDAY + 5 * DAY, seen())[0] == []
    acted, move = settle(found, journal, MONDAY + 6 * DAY, seen())
    assert acted == ["call-them"]
    # From Sunday 10:00 in Berlin: counted from the start of Monday.
    assert isinstance(move, Wait) and move.until == datetime(2026, 5, 13, 22, tzinfo=UTC)
    assert settle(found, journal, MONDAY + 10 * DAY, seen())[1] == End("done", "The last step is done.")


def test_a_reply_ends_the_waiting() -> None:
    found, journal = book(), Journal()
    settle(found, journal, MONDAY, seen())
    journal.add(MONDAY, "approved", "ask", by="ann")
    settle(found, journal, MONDAY, seen())
    journal.add(MONDAY + DAY, "reply")
    assert settle(found, journal, MONDAY + DAY, seen())[1] == End("answered", "")


def test_a_reply_while_it_waits_for_something_else() -> None:
    steps = [{"wait": "9 days"}, {"task": "x"}, {"step": "talk", "task": "y"}]
    for said, outcome in ((None, "replied"), ("go on", None), ("talk", "done")):
        more = {} if said is None else {"when they reply": said}
        found, journal = book(steps, **more), Journal()
        settle(found, journal, MONDAY, seen())
        journal.add(MONDAY + DAY, "reply")
        acted, move = settle(found, journal, MONDAY + DAY, seen())
        assert (move.outcome if isinstance(move, End) else None) == outcome
        assert acted == (["talk"] if said == "talk" else [])


def test_nobody_answers_and_no_is_an_answer() -> None:
    for kind, outcome in (("", "done"), ("rejected", "done")):
        found, journal = book(), Journal()
        settle(found, journal, MONDAY, seen())
        if kind:
            journal.add(MONDAY, kind, "ask", by="ann")
        acted, move = settle(found, journal, MONDAY + 9 * DAY, seen())
        assert (acted, isinstance(move, End) and move.outcome) == ([], outcome)


def test_goal_close_and_removal_end_it() -> None:
    found = book(goal="logins at least 3 per week")
    assert next_move(found, [], MONDAY, seen(holds={"logins at least 3 per week": True})) == End(
        "recovered", "The goal is met: logins at least 3 per week."
    )
    assert isinstance(next_move(found, [], MONDAY, seen(holds={"logins at least 3 per week": False})), Act)
    assert next_move(found, [], MONDAY, seen(cleared="cleared")) == End("recovered", "Its alert was closed: cleared.")
    assert next_move(found, [], MONDAY, seen(cleared="left")) == End("left", "Its alert was closed: left.")
    assert isinstance(next_move(book(**{"when cleared": "go on"}), [], MONDAY, seen(cleared="cleared")), Act)
    assert isinstance(next_move(found, [], MONDAY, seen(deleted=True)), Act)
    assert isinstance(next_move(book(**{"when deleted": "end"}), [], MONDAY, seen(deleted=True)), End)


def test_branches_and_events() -> None:
    steps = [
        {"branch": "errors above 3", "then": "bad", "else": "good"},
        {"step": "good", "end with": "fine"},
        {"step": "bad", "wait for": "event login", "within": "2 days", "else": "end"},
        {"end with": "came"},
    ]
    found = book(steps)
    assert settle(found, Journal(), MONDAY, seen())[1] == End("fine", "")
    journal = Journal()
    assert isinstance(settle(found, journal, MONDAY, seen(holds={"errors above 3": True}))[1], WaitFor)
    assert settle(found, Journal(journal), MONDAY, seen(events=frozenset({"login"})))[1] == End("came", "")
    assert settle(found, journal, MONDAY + 2 * DAY, seen())[1] == End("done", "The last step is done.")


def test_a_clock_set_back_changes_nothing() -> None:
    found, journal = book([{"wait": "2 days"}, {"task": "x"}]), Journal()
    settle(found, journal, MONDAY, seen())
    assert settle(found, journal, MONDAY + 2 * DAY, seen())[0] == ["task-2"]
    assert settle(found, journal, MONDAY - 9 * DAY, seen())[0] == []


def test_clocks_change_inside_a_wait() -> None:
    """Two business days over the night in which Berlin's clocks go forward end at the same wall clock."""
    friday = datetime(2026, 3, 27, 9, tzinfo=UTC)  # 10:00
    move = next_move(book([{"wait": "2 business days"}]), [], friday, seen())
    assert isinstance(move, Wait) and move.until == datetime(2026, 3, 31, 8, tzinfo=UTC)


def test_a_journal_without_end_is_cut_off() -> None:
    journal = [Line(n + 1, MONDAY, "reply") for n in range(MOST_LINES)]
    assert isinstance(next_move(book(), journal, MONDAY, seen()), Stuck)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Any playbook of a few steps, which go anywhere forward."""
    count = draw(st.integers(1, 8))
    steps: list[dict[str, Any]] = []
    for place in range(count):
        later = st.sampled_from([*(f"s{n}" for n in range(place + 1, count)), "end"])
        step: dict[str, Any] = {"step": f"s{place}", "then": draw(later)}
        drafts = [s["step"] for s in steps if "draft" in s]
        kinds = ["task", "draft", "wait", "wait for", "branch", "escalate", "set", "end with"]
        kind = draw(st.sampled_from([*kinds, "send", "approve"] if drafts else kinds))
        if kind in ("send", "approve"):
            step[kind] = draw(st.sampled_from(drafts))
        elif kind == "draft":
            step |= {"draft": "x", "subject": "y", "to": "their admin"}
        elif kind == "wait":
            step["wait"] = f"{draw(st.integers(1, 9))} days"
        elif kind == "wait for":
            step |= {"wait for": draw(st.sampled_from(["reply", "event login", "errors above 3"])), "within": "2 days"}
        elif kind == "branch":
            step |= {"branch": draw(st.sampled_from(["reply", "errors above 3"])), "else": draw(later)}
        elif kind == "set":
            step["set"] = {"a": "b"}
        elif kind == "escalate":
            step |= {"escalate": "x", "to": "lead"}
        else:
            step[kind] = "x"
            if kind == "end with":
                del step["then"]
        steps.append(step)
    answer = draw(st.sampled_from(["end", "go on", *(s["step"] for s in steps)]))
    return book(steps, goal="logins at least 3", **{"when they reply": answer})


knowledge = st.builds(
    seen,
    holds=st.dictionaries(st.sampled_from(["errors above 3"]), st.booleans()),
    events=st.sets(st.just("login")).map(frozenset),
)
happenings = st.lists(
    st.tuples(st.integers(-3, 5), knowledge, st.sampled_from(["", "reply", "approved", "rejected"])), max_size=12
)


@settings(max_examples=150, deadline=None)
@given(found=books(), happened=happenings)
def test_any_run_acts_once_a_step_goes_forward_and_ends(found: Book, happened: list[tuple[int, Seen, str]]) -> None:
    journal, acted, at = Journal(), Counter[str](), MONDAY
    moves: list[tuple[int, datetime, Seen, Move]] = []
    for days, known, came in [*happened, (400, seen(), ""), (400, seen(), ""), (400, seen(), "")]:
        at += days * DAY
        if came and journal and journal[-1].kind != "ended":
            journal.add(at, came, journal[-1].step, by="ann")
        for _ in range(300):
            move = next_move(found, journal, at, known)
            moves.append((len(journal), at, known, move))
            if isinstance(move, Act):
                acted[move.step] += 1
            before = len(journal)
            if not (journal and journal[-1].kind == "ended"):
                follow(found, journal, move, max([at, *(line.at for line in journal)]))
            if len(journal) == before:
                break
        else:
            raise AssertionError("it goes round in a circle")
    assert all(times == 1 for times in acted.values())
    assert len(journal) <= MOST_LINES
    # A wait that follows a wait takes one look more; after the longest of them all are over.
    for _ in range(12):
        at += 400 * DAY
        settle(found, journal, at, seen())
    assert journal[-1].kind == "ended"
    for length, when, known, move in moves:  # what was decided then is decided again
        assert next_move(found, journal[:length], when, known) == move
