"""Any tree, written in its canonical form, reads back as itself; so does its echo stay what it was."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import Grain
from beforehand.signals import Vocabulary, echo, parse, say
from beforehand.signals.clauses import COURSE_BASELINE
from beforehand.signals.tree import (
    SEVERITIES,
    USUAL_BASELINE,
    Absence,
    After,
    AlertOpen,
    All,
    Among,
    AmongLast,
    Any,
    BackAndForth,
    Both,
    Change,
    Compare,
    Direction,
    Due,
    Either,
    Level,
    Mentions,
    Milestone,
    Named,
    Negation,
    NewVoice,
    Node,
    Not,
    Overdue,
    Peers,
    Population,
    Quantity,
    Repeated,
    Sentence,
    Shifted,
    Streak,
    Then,
    Turned,
    Unless,
    Usual,
    Waiting,
    Without,
)

COUNTED = ("logins", "active_people", "events", "errors", "tickets")
ROLLED = (*COUNTED, "error_rate", "load_time", "paid")
grains = st.sampled_from(Grain)
bounds = st.floats(0, 1e12, allow_nan=False).filter(lambda x: x == 0 or x > 1e-9)
text = st.text(
    st.characters(codec="utf-8", exclude_characters="\"'", exclude_categories=("C", "Z")), min_size=1, max_size=9
)
words = (
    st.sampled_from(["business", "free trial", "EU", "in", "not", "and", "10", "2026-01-31", "R&D", "below 5"]) | text
)


@st.composite
def streaks(draw: st.DrawFn) -> Streak:
    of = draw(st.integers(1, 30))
    return Streak(draw(st.integers(1, of)), of)


spans = st.integers(1, 10**6).map(lambda seconds: seconds * 1_000_000) | st.sampled_from([3_600_000_000])
mentioned = st.lists(
    text.map(lambda word: word.lower()).filter(lambda word: word == word.lower()), min_size=1, max_size=3, unique=True
).map(tuple)
MADE = (
    st.builds(Quantity, st.just("export_started"), made=st.builds(Without, st.just("export_finished"), spans))
    | st.builds(Quantity, st.just("setup_steps"), made=st.builds(Repeated, st.integers(2, 40), spans))
    | st.builds(Quantity, st.just("settings_page"), made=st.builds(BackAndForth, st.just("report_page"), spans))
    | st.builds(Quantity, st.sampled_from(("all messages", "tickets")), made=st.builds(Mentions, mentioned))
    | st.builds(Quantity, st.just("all tones"), made=st.builds(Shifted, st.sampled_from(("terse", "warm"))))
    | st.builds(Quantity, st.just("frustration"), made=st.integers(1, 100).map(lambda of: AmongLast((of + 1) // 2, of)))
    | st.builds(Quantity, st.just("angry_messages"), made=st.builds(NewVoice))
    | st.builds(Quantity, st.just("tickets"), made=st.builds(Turned, st.sampled_from(("reopened", "reassigned"))))
)
STANDING = st.builds(
    Quantity,
    st.sampled_from(("tickets", "urgent_tickets")),
    made=st.builds(Waiting, st.integers(1, 400), st.booleans()),
    standing=st.just(True),
) | st.builds(
    Quantity, st.just("all invoices"), made=st.builds(Overdue, st.integers(1, 400)), standing=st.just(True)
)  # fmt: skip
roles = st.sampled_from(("admin", "primary admin", "decision maker", "or else", "2nd"))
likes = st.just(()) | st.lists(st.sampled_from(("plan", "region", "size", "age")), min_size=1, unique=True).map(tuple)
shares = st.integers(1, 50).map(lambda percent: percent / 100)


@st.composite
def readings(draw: st.DrawFn) -> tuple[Quantity, Grain]:
    match draw(st.integers(0, 5)):
        case 0:
            made = draw(MADE)
            return (made, draw(grains)) if draw(st.booleans()) else (replace(made, rolling_days=7), Grain.DAY)
        case 1:
            return draw(STANDING), draw(grains)
        case 2:
            return Quantity(draw(st.sampled_from(COUNTED)), role=draw(roles)), draw(grains)
    per_active = draw(st.booleans())
    if draw(st.booleans()):
        return Quantity(draw(st.sampled_from(ROLLED)), per_active, draw(st.integers(1, 400))), Grain.DAY
    return Quantity(draw(st.sampled_from((*ROLLED, "seats"))), per_active), draw(grains)


@st.composite
def leaves(draw: st.DrawFn) -> Node:
    quantity, grain = draw(readings())
    streak = draw(streaks())
    match draw(st.integers(0, 10)):
        case 0:
            bound = draw(st.floats(0, 1)) if quantity.metric == "error_rate" else draw(bounds)
            return Level(quantity, draw(st.sampled_from(("<", "<=", ">", ">="))), bound, grain, streak)
        case 1:
            direction: Direction = draw(st.sampled_from(("down", "up")))
            fraction = draw(st.floats(1e-6, 1 if direction == "down" else 50))
            ago = draw(st.just(0) | st.integers(streak.of, 100))
            baseline = COURSE_BASELINE[grain] if ago else draw(st.integers(1, 100))
            return Change(quantity, direction, fraction, baseline, grain, streak, ago)
        case 2:
            baseline = draw(st.sampled_from((USUAL_BASELINE[grain], 8, 40)))
            side = draw(st.sampled_from(("down", "up", "within")))
            far = side != "within" and draw(st.booleans())
            return Usual(quantity, side, baseline, grain, streak, far)  # type: ignore[arg-type]
        case 3:
            business = draw(st.booleans())
            role = draw(st.none() | roles)
            return Absence(Quantity(draw(st.sampled_from(COUNTED)), role=role), draw(st.integers(1, 200)), business)
        case 8:
            return Peers(quantity, draw(st.sampled_from(("down", "up"))), draw(shares), draw(likes), grain, streak)
        case 9:
            return Milestone(Quantity(draw(st.sampled_from(COUNTED))), draw(st.integers(1, 400)), draw(past))
        case 10:
            counted = Quantity(draw(st.sampled_from(COUNTED)))
            return Milestone(counted, None, "signup", draw(shares), draw(likes))
        case 5:
            return Due(draw(dates), draw(st.integers(1, 400)))
        case 6:
            bound = draw(st.floats(0, 50))
            if quantity.metric == "error_rate":
                return Level(quantity, "<", 0.5, grain, streak)
            return Level(quantity, ">", bound, grain, streak, draw(st.sampled_from(("seats", "Bought seats", "for"))))
        case 7:
            return AlertOpen(draw(st.sampled_from(SEVERITIES)))
        case _:
            return Named(draw(st.sampled_from(("error-spike", "quiet"))))


dates = st.sampled_from(("renewal", "go live", "trial_ends_on"))
past = st.sampled_from(("renewal", "signup", "contract start", "go live"))


def compounds(parts: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    within = st.none() | st.integers(1, 60)
    pairs = st.builds(Then, parts, parts, st.integers(90, 400)) | st.builds(Unless, parts, parts)
    pairs |= st.builds(After, parts, st.integers(1, 400), past) | st.builds(Negation, parts)
    return st.builds(Any, several) | st.builds(All, several, within) | pairs


nodes = st.recursive(leaves(), compounds, max_leaves=6)
traits = st.sampled_from(["plan", "age", "seats", "renewal.at", "Account Type", "where", "in"])
claims = st.one_of(
    st.builds(Compare, traits, st.sampled_from(("is", "is not")), words | bounds),
    st.builds(Compare, traits, st.sampled_from(("<", "<=", ">", ">=")), bounds | st.just("2026-01-31")),
    st.builds(Among, traits, st.lists(words | bounds, min_size=1, max_size=3).map(tuple)),
)


def joined(parts: st.SearchStrategy[Population]) -> st.SearchStrategy[Population]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(Both, several) | st.builds(Either, several) | st.builds(Not, parts)


populations = st.none() | st.recursive(claims, joined, max_leaves=4)


@settings(max_examples=250, deadline=None)
@given(nodes, populations, st.sampled_from(("account", "person")))
def test_the_canonical_form_reads_back_as_the_same_tree(
    vocabulary: Vocabulary, condition: Node, population: Population | None, subject: str
) -> None:
    sentence = Sentence("", condition, subject, population)  # type: ignore[arg-type]
    written = say(sentence, vocabulary)
    if len(written) > 1000 or written.count("(") > 20:
        return
    read = parse(written, vocabulary)
    assert (read.condition, read.subject, read.population) == (condition, subject, population), written
    assert say(read, vocabulary) == written
    assert echo(read, vocabulary) == echo(sentence, vocabulary)


OVER_TICKETS = st.builds(
    Level,
    st.builds(Quantity, st.just("tickets"), made=st.none() | st.builds(Turned, st.just("reopened"))) | STANDING,
    st.sampled_from(("<", ">=")),
    bounds,
    grains,
    streaks(),
).filter(lambda leaf: leaf.quantity.metric != "all invoices")


@settings(max_examples=50, deadline=None)
@given(st.recursive(OVER_TICKETS, compounds, max_leaves=3), populations, st.sampled_from(("ticket", "issue")))
def test_sentences_about_tickets_and_issues_read_back(
    vocabulary: Vocabulary, condition: Node, population: Population | None, subject: str
) -> None:
    written = say(Sentence("", condition, subject, population), vocabulary)  # type: ignore[arg-type]
    if len(written) > 1000 or written.count("(") > 20:
        return
    read = parse(written, vocabulary)
    assert (read.condition, read.subject, read.population) == (condition, subject, population), written


def test_the_echo_says_every_default_in_plain_words(vocabulary: Vocabulary) -> None:
    said = {
        "login frequency drops below 2x per week for 3 consecutive weeks for accounts where plan is business": (
            "Logins, counted by week: below 2 in each of the last 3 closed weeks, for accounts where plan is business. "
            "Judged when each week (Mon-Sun) closes."
        ),
        "errors at least 20 per day": (
            "Errors, counted by day: at least 20 in the last closed day. Judged when each day closes."
        ),
        "tickets at least 3 in 30 days": (
            "Tickets, counted over the last 30 days: at least 3 at the close of the day. Judged when each day closes."
        ),
        "active people down 40% vs the 8 weeks before, for 2 weeks": (
            "Active people, each counted once by week: at least 40% below the mean of the 8 weeks before, in each of "
            "the last 2 closed weeks. Judged when each week (Mon-Sun) closes."
        ),
        "logins far below usual per month": (
            "Logins, counted by month: below the subject's own usual band of the 12 months before (twice as wide), in "
            "the last closed month. Judged when each calendar month closes."
        ),
        "error rate above 10% in 3 of 4 weeks for people where role is admin": (
            "Error rate, as a share by week: above 10% in at least 3 of the last 4 closed weeks, for each person where "
            "role is admin. Judged when each week (Mon-Sun) closes."
        ),
        "no logins for 14 days for each person": (
            "No logins at all in the last 14 days, for each person. Judged when each day closes."
        ),
        "logins below 2 and (errors above 5 per day or signal quiet) within 14 days": (
            "All of these, each within 14 days up to the close: (1) logins, counted by week: below 2 in the last "
            "closed week; (2) [at least one of these: (1) errors, counted by day: above 5 in the last closed day; (2) "
            "the signal quiet holds]. Judged when each day closes."
        ),
        "errors above 5 per day then logins below 2 within 14 days unless signal quiet": (
            "[Errors, counted by day: above 5 in the last closed day; then, at a later close at most 14 days after "
            "that, logins, counted by week: below 2 in the last closed week]; unless the signal quiet holds. Judged "
            "when each week (Mon-Sun) closes."
        ),
        "events below 5 per active person for 2 weeks": (
            "Events per active person, counted by week: below 5 in each of the last 2 closed weeks. Judged when each "
            "week (Mon-Sun) closes."
        ),
    }
    for text, words in said.items():
        assert echo(parse(text, vocabulary), vocabulary) == words
