"""Sentences as teams type them, for every kind of signal: each parses and means what it says."""

from __future__ import annotations

import pytest

from beforehand.calendar import DAY_US, HOUR_US, Grain
from beforehand.signals import SentenceError, Vocabulary, parse
from beforehand.signals.tree import (
    Absence,
    After,
    AlertOpen,
    All,
    Any,
    BackAndForth,
    Both,
    Change,
    Compare,
    Due,
    Level,
    Mentions,
    Milestone,
    Negation,
    Node,
    Overdue,
    Peers,
    Quantity,
    Repeated,
    Spike,
    Streak,
    Then,
    Turned,
    Usual,
    Waiting,
    Without,
)

DAY, WEEK, MONTH, HOUR = Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.HOUR
LOGINS, PEOPLE, TICKETS = Quantity("logins"), Quantity("active_people"), Quantity("tickets")
ABANDONED = Without("export_finished", HOUR_US)
WORDS = Mentions(("cancel", "competitor", "price"))
BACK = Quantity("settings_page", made=BackAndForth("report_page", HOUR_US // 6), rolling_days=7)


def made(metric: str, how: object, days: int | None = None, *, standing: bool = False) -> Quantity:
    return Quantity(metric, made=how, rolling_days=days, standing=standing)  # type: ignore[arg-type]


WAITING = made("urgent_tickets", Waiting(2, business=True), standing=True)
OVERDUE = made("all invoices", Overdue(60), standing=True)
SPIKE, LOW = Spike(Quantity("errors"), HOUR), Usual(LOGINS, "down")
FULL = Level(Quantity("seats_used"), ">", 0.9, WEEK, Streak(2, 2), "seats")

# What is said, what it is about (account, unless said), and the tree.
ACCOUNT: dict[str, Node] = {
    "errors spike per hour": SPIKE,
    "export started without export finished within 1 hour, 3 times in 7 days": Level(
        made("export_started", ABANDONED, 7), ">=", 3, DAY
    ),
    "export started without export finished within 1 hour": Level(made("export_started", ABANDONED), ">=", 1),
    "export started without an export finished within 60 minutes at least twice a week": Level(
        made("export_started", ABANDONED), ">=", 2
    ),
    "export started not followed by export finished within 1 day": Level(
        made("export_started", Without("export_finished", DAY_US)), ">=", 1
    ),
    "setup step repeated 3 times within 1 hour": Level(made("setup_steps", Repeated(3, HOUR_US)), ">=", 1),
    "setup step retried within 1 hour": Level(made("setup_steps", Repeated(2, HOUR_US)), ">=", 1),
    "back and forth between settings page and report page within 10 minutes, 2 times in 7 days": Level(
        BACK, ">=", 2, DAY
    ),
    "going back and forth between the settings page and the report page within 10 minutes twice in 7 days": Level(
        BACK, ">=", 2, DAY
    ),
    "urgent tickets open more than 2 business days at least 3": Level(WAITING, ">=", 3, DAY),
    "at least 3 urgent tickets open more than 2 business days": Level(WAITING, ">=", 3, DAY),
    "3 urgent tickets waiting for 2 business days": Level(WAITING, ">=", 3, DAY),
    "tickets reopened at least 3 in 30 days": Level(made("tickets", Turned("reopened"), 30), ">=", 3, DAY),
    "invoice more than 60 days overdue": Level(OVERDUE, ">=", 1, DAY),
    "invoice overdue by more than 60 days": Level(OVERDUE, ">=", 1, DAY),
    "invoices overdue for 60 days": Level(OVERDUE, ">=", 1, DAY),
    "at least 2 invoices more than 60 days overdue": Level(OVERDUE, ">=", 2, DAY),
    "invoices more than 60 days overdue at least 2 for 3 days": Level(OVERDUE, ">=", 2, DAY, Streak(3, 3)),
    "customer mentions cancel, competitor or price": Level(made("all messages", WORDS), ">=", 1),
    "customer mentions cancel, competitor, price": Level(made("all messages", WORDS), ">=", 1),
    "customers mention cancel or competitor or price in 30 days": Level(made("all messages", WORDS, 30), ">=", 1, DAY),
    "customer mentions cancel, competitor or price twice in 30 days": Level(
        made("all messages", WORDS, 30), ">=", 2, DAY
    ),
    "customer mentions moving away or 'not renewing'": Level(
        made("all messages", Mentions(("moving away", "not renewing"))), ">=", 1
    ),
    "tickets mention refund at least 2 in 14 days": Level(made("tickets", Mentions(("refund",)), 14), ">=", 2, DAY),
    "customer mentions cancel or errors spike per hour": Any(
        (Level(made("all messages", Mentions(("cancel",))), ">=", 1), SPIKE)
    ),
    "customer mentions cancel or no logins for 14 days": Any(
        (Level(made("all messages", Mentions(("cancel",))), ">=", 1), Absence(LOGINS, 14))
    ),
    "no admin has logged in for 30 days": Absence(Quantity("logins", role="admin"), 30),
    "no primary admin has logged in in the last 30 days": Absence(Quantity("logins", role="primary admin"), 30),
    "nobody has logged in for 14 days": Absence(LOGINS, 14),
    "the customer hasn't logged in for 14 days": Absence(LOGINS, 14),
    "champion gone": Absence(Quantity("events", role="champion"), 30),
    "the champion has left": Absence(Quantity("events", role="champion"), 30),
    "champion is gone for 45 days": Absence(Quantity("events", role="champion"), 45),
    "no contact from us for 45 days": Absence(Quantity("all touches"), 45),
    "no logins for 10 business days": Absence(LOGINS, 10, business=True),
    "CSAT bad twice in 30 days": Level(Quantity("bad_csat", rolling_days=30), ">=", 2, DAY),
    "upgrade page visited in 3 days": Level(Quantity("upgrade_page", rolling_days=3), ">=", 1, DAY),
    "upgrade page visited": Level(Quantity("upgrade_page"), ">=", 1),
    "errors happened in 2 days": Level(Quantity("errors", rolling_days=2), ">=", 1, DAY),
    "renewal within 120 days and any high alert open": All((Due("renewal", 120), AlertOpen("high"))),
    "active people down 40% vs the 8 weeks before, for 2 weeks": Change(PEOPLE, "down", 0.4, 8, WEEK, Streak(2, 2)),
    "people using reports below 3 in 3 of 4 weeks": Level(Quantity("people_using_reports"), "<", 3, WEEK, Streak(3, 4)),
    "seats used below 30% 90 days after contract start": After(
        Level(Quantity("seats_used"), "<", 0.3, of="seats"), 90, "contract start"
    ),
    "seats used above 90% of seats for 2 weeks": FULL,
    "active people up 60% in a quarter and seats used above 90%": All(
        (Change(PEOPLE, "up", 0.6, 4, ago=13), Level(Quantity("seats_used"), ">", 0.9, of="seats"))
    ),
    "logins not below usual": Negation(LOW),
    "logins is not below its usual for 3 weeks": Negation(Usual(LOGINS, "down", streak=Streak(1, 3))),
    "logins not below usual in 3 of 4 weeks": Negation(Usual(LOGINS, "down", streak=Streak(2, 4))),
    "logins not below usual while monthly amount down 20% vs the 3 months before": All(
        (Negation(LOW), Change(Quantity("amount"), "down", 0.2, 3, MONTH))
    ),
    "logins below usual while monthly amount not below usual": All((LOW, Negation(Usual(Quantity("amount"), "down")))),
    "logins within usual": Usual(LOGINS, "within"),
    "logins back to normal for 2 weeks": Usual(LOGINS, "within", streak=Streak(2, 2)),
    "logins recover within 28 days": Then(LOW, Usual(LOGINS, "within"), 28),
    "logins recovered": Then(LOW, Usual(LOGINS, "within"), 28),
    "logins not below 2": Level(LOGINS, ">=", 2),
    "not (logins below 2 or errors spike per hour)": Negation(Any((Level(LOGINS, "<", 2), SPIKE))),
    "no first report within 14 days of signup": Milestone(Quantity("reports"), 14),
    "no first report within 2 weeks of contract start": Milestone(Quantity("reports"), 14, "contract start"),
    "no first report 14 days after signup": Milestone(Quantity("reports"), 14),
    'no report within 30 days of "go live"': Milestone(Quantity("reports"), 30, "go live"),
    "first report later than the slowest quarter of accounts like it": Milestone(Quantity("reports"), None),
    "first report later than the slowest 10% of accounts like it by plan": Milestone(
        Quantity("reports"), None, share=0.1, like=("plan",)
    ),
    "logins among the lowest quarter of accounts like it for 3 weeks": Peers(LOGINS, "down", streak=Streak(3, 3)),
    "logins among the lowest quarter of accounts like it by plan and back and forth between settings page and report "
    "page within 10 minutes, 2 times in 7 days": All(
        (Peers(LOGINS, "down", like=("plan",)), Level(BACK, ">=", 2, DAY)),
    ),
    "logins below 20% of peers": Peers(LOGINS, "down", 0.2),
    "logins above 80% of peers": Peers(LOGINS, "up", 0.2),
    "logins above peers": Peers(LOGINS, "up"),
    "logins far below peers": Peers(LOGINS, "down", 0.125),
    "features used below peers": Peers(Quantity("features"), "down"),
    "failed setup steps above peers": Peers(Quantity("failed_setup_steps"), "up"),
    "failed setup steps above peers in 30 days": Peers(
        Quantity("failed_setup_steps", rolling_days=30), "up", grain=DAY
    ),
    "logins in the top third of similar accounts by plan, region and size per month": Peers(
        LOGINS, "up", round(1 / 3, 12), ("plan", "region", "size"), MONTH
    ),
    "logins below peers by plan and errors spike per hour": All((Peers(LOGINS, "down", like=("plan",)), SPIKE)),
    "urgent ticket open more than 2 business days and renewal within 120 days": All(
        (Level(WAITING, ">=", 1, DAY), Due("renewal", 120))
    ),
    "primary admin has not logged in for 30 days and renewal within 120 days": All(
        (Absence(Quantity("logins", role="primary admin"), 30), Due("renewal", 120))
    ),
    # Of the catalogue of other products, as far as their data are facts we have.
    "logins down 20% vs last month": Change(LOGINS, "down", 0.2, 1, MONTH),
    "logins 25% below the running average of the 8 weeks before": Change(LOGINS, "down", 0.25, 8),
    "logins down 40% vs the month before": Change(LOGINS, "down", 0.4, 1, MONTH),
    "active people below 50% of seats": Level(PEOPLE, "<", 0.5, of="seats"),
    "more than 2 urgent tickets in 60 days": Level(Quantity("urgent_tickets", rolling_days=60), ">", 2, DAY),
    "at least 5 tickets in 90 days": Level(Quantity("tickets", rolling_days=90), ">=", 5, DAY),
    "no login for 15 days": Absence(LOGINS, 15),
    "seats used down 50% in a month": Change(Quantity("seats_used"), "down", 0.5, 4, ago=4),
    "fewer than 5 logins per week": Level(LOGINS, "<", 5),
    "reports below 1 30 days after signup": After(Level(Quantity("reports"), "<", 1), 30, "signup"),
}
ADMIN = Compare("role", "is", "primary admin")
LEADER = Compare("role", "is", "decision maker")
RESTED = Level(WAITING, ">=", 1, DAY)
ENTERPRISE = Compare("plan", "is", "enterprise")
SUBJECTS = {
    "urgent ticket open more than 2 business days": ("ticket", None, RESTED),
    "urgent tickets still open for 2 working days": ("ticket", None, RESTED),
    "urgent ticket open more than 2 business days for accounts where plan is enterprise": (
        "ticket", ENTERPRISE, RESTED
    ),
    "urgent ticket open more than 2 business days for each account": ("account", None, RESTED),
    "ticket reopened twice in 30 days": (
        "ticket", None, Level(made("tickets", Turned("reopened"), 30), ">=", 2, DAY)
    ),
    "ticket reassigned more than 3 times in 14 days": (
        "ticket", None, Level(made("tickets", Turned("reassigned"), 14), ">", 3, DAY)
    ),
    "at least 3 tickets on the same issue in 30 days": (
        "issue", None, Level(Quantity("tickets", rolling_days=30), ">=", 3, DAY)
    ),
    "3 tickets about the same issue in 30 days": (
        "issue", None, Level(Quantity("tickets", rolling_days=30), ">=", 3, DAY)
    ),
    "tickets in the same category at least 3 in 30 days for accounts where plan is enterprise": (
        "issue", ENTERPRISE, Level(Quantity("tickets", rolling_days=30), ">=", 3, DAY)
    ),
    "tickets above usual for each issue": ("issue", None, Usual(TICKETS, "up")),
    "events below 5 with the same feature": ("feature", None, Level(Quantity("events"), "<", 5)),
    "events below usual for each feature where plan is enterprise": (
        "feature", ENTERPRISE, Usual(Quantity("events"), "down")
    ),
    "primary admin has not logged in for 30 days": ("person", ADMIN, Absence(LOGINS, 30)),
    "the primary admin hasn't logged in for 30 days for accounts where plan is enterprise": (
        "person", Both((ADMIN, ENTERPRISE)), Absence(LOGINS, 30)
    ),
    "NPS 6 or lower from a decision maker": ("person", LEADER, Level(Quantity("nps"), "<=", 6)),
    "the champion mentions price": (
        "person", Compare("role", "is", "champion"), Level(made("all messages", Mentions(("price",))), ">=", 1)
    ),
    "a user has not logged in for 30 days": ("person", None, Absence(LOGINS, 30)),
}  # fmt: skip


@pytest.mark.parametrize("text", ACCOUNT)
def test_a_sentence_about_accounts_means_its_tree(text: str, vocabulary: Vocabulary) -> None:
    read = parse(text, vocabulary)
    assert read.condition == ACCOUNT[text]
    assert (read.subject, read.population) == ("account", None)


@pytest.mark.parametrize("text", SUBJECTS)
def test_a_sentence_about_others_means_its_tree(text: str, vocabulary: Vocabulary) -> None:
    read = parse(text, vocabulary)
    assert (read.subject, read.population, read.condition) == SUBJECTS[text]


# What is wrong, a word of the reason, and what would be right (None: nothing is near).
WRONG = {
    "export started without export finished": ("how soon", "export started without export finished within 1 hour"),
    "export started without tickets within 1 hour": ("same facts", None),
    "export started without export started within 1 hour": ("same", None),
    "setup step repeated 1 times within 1 hour": ("not repeated", "setup step repeated twice within 1 hour"),
    "setup step repeated 3 times within 2 months": ("write days", "setup step repeated 3 times within 60 days"),
    "logins open more than 2 days": ("said of tickets", None),
    "tickets more than 60 days overdue": ("said of invoices", None),
    "logins mention price": ("said of messages or surveys or tickets", None),
    "error rate repeated 3 times within 1 hour": ("no count", None),
    "invoice less than 60 days overdue": ("more than", "invoice more than 60 days overdue"),
    "urgent tickets open more than 2 days in 30 days": ("stands until", "urgent tickets open more than 2 days"),
    "urgent tickets open more than 4 hours": ("write days", "urgent tickets open more than 1 days"),
    "logins below 2 in 10 business days": ("business days", "logins below 2 in 10 days"),
    "logins below 20 of peers": ("percent", "logins below 20% of peers"),
    "logins below 70% of peers": ("More than half", "logins below 30% of peers"),
    "logins among the lowest week of peers": ("no share", "logins among the lowest quarter of peers"),
    "logins": ("Nothing is said", None),
    "error rate seen": ("not counted", None),
    "no error rate within 14 days of signup": ("not counted", None),
    "logins below 2 for each ticket": ("no ticket", None),
    "at least 3 tickets on the same issue in 30 days and logins below 2": ("no issue", None),
    "at least 3 tickets on the same issue in 30 days for each person": ("about issues already", None),
    "tickets on the same issue above 3 and tickets with the same ticket above 3": ("another about", None),
    "events per active person below 2 for each feature": ("no meaning for features", None),
    "export started without export finished within 1 hour for each feature": ("not known by feature", None),
    "NPS 6 or lower from a decision maker and logins below 2": ("one subject", None),
    "logins recover within 3 days": ("cannot recover", "logins recover within 7 days"),
    "primary admin has not exported for 30 days": ("not something that is counted", None),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_does_not_fit_is_told(text: str, vocabulary: Vocabulary) -> None:
    reason, near = WRONG[text]
    with pytest.raises(SentenceError) as caught:
        parse(text, vocabulary)
    assert reason in caught.value.reason
    if near is not None:
        assert caught.value.suggestion == near
    if caught.value.suggestion is not None:
        parse(caught.value.suggestion, vocabulary)


def test_a_workspace_that_counts_nothing_has_the_rows_of_tables_that_sentences_name() -> None:
    bare = Vocabulary.of({})
    assert parse("no contact from us for 45 days", bare).condition == Absence(Quantity("all touches"), 45)
    assert parse("at least 3 tickets on the same issue in 30 days", bare).subject == "issue"
    assert parse("champion gone", bare).condition == Absence(Quantity("all events", role="champion"), 30)
