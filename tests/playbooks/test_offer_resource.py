"""`offer resource` on facts that were loaded: by each thing it is chosen by, the closest first, in their language."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playbook_world import DAY, MONDAY, Told

OFFERS = """playbook: check-in
without approval: true
steps:
  - {offer resource: %s, else: none-fits}
  - {step: said, task: '{{ resource.name }} {{ resource.language }}'}
  - end with: offered
  - {step: none-fits, task: Nothing fits.}
  - {step: letter, draft: x, subject: y, to: their admin}
  - end with: nothing
"""
READER = OFFERS.replace(
    "  - {step: said", "  - {step: to-them, draft: x, subject: y, to: their admin}\n  - {step: said"
)
RESOURCES = {
    "by-error": "fixes: {error: [export timed out]}",
    "by-print": "fixes: {error: [e5f1c0de]}",
    "by-step": "fixes: {onboarding step: [invite team]}",
    "by-other-step": "fixes: {onboarding step: [connect data]}",
    "by-feature": "fixes: {feature: [dashboards]}",
    "by-issue": "fixes: {issue: [billing]}",
    "by-group": "fixes: {issue: [invoice twice]}",
    "by-signal": "fixes: {signal: [login-drop]}",
}


def world(root: Path, by: str, playbook: str = OFFERS, settings: str = "") -> Told:
    told = Told(root, playbook % by)
    if settings:
        path = told.root / "beforehand.yaml"
        path.write_text(path.read_text() + settings)
    for name, fixes in RESOURCES.items():
        text = f"resource: {name}\ntitle: {name}\n{fixes}\nlink: https://help.vendor.example/{name}\n"
        (told.root / "resources" / f"{name}.yaml").write_text(text)
    return told


def event(days: float, name: str, **properties: Any) -> dict[str, Any]:
    return {"account": "globex", "person": "p", "event": name, "at": (MONDAY - days * DAY).isoformat(),
            "properties": properties}  # fmt: skip


def ticket(days: float, number: str, **more: Any) -> dict[str, Any]:
    at = (MONDAY - days * DAY).isoformat()
    return {"account": "globex", "ticket": number, "at": at, "status": "open", **more}


def offered(told: Told) -> str:
    told.ws.start_playbook("check-in", "globex", now=MONDAY)
    (act,) = told.acts(run=1, kind="task")
    return str(act.payload["text"])


ERROR = event(1, "error shown", message="Export timed out after 30 s")
PRINT = event(1, "error shown", message="Boom", fingerprint="e5f1c0de")


@pytest.mark.parametrize(
    ("by", "events", "tickets", "found"),
    [
        ("error", [ERROR], [], "by-error en"),
        ("error", [PRINT], [], "by-print en"),
        ("error", [event(15, "error shown", message="export timed out")], [], "Nothing fits."),
        ("error", [event(1, "note saved", message="export timed out")], [], "Nothing fits."),
        # What is met most often, and only then the longest text that matches.
        ("error", [ERROR, PRINT, PRINT | {"at": (MONDAY - 2 * DAY).isoformat()}], [], "by-print en"),
        ("onboarding step", [event(3, "onboarding step failed", step="invite team")], [], "by-step en"),
        ("onboarding step", [event(20, "Setup: connect data failed")], [], "by-other-step en"),
        # The step they are stuck at is the one that fails, not the one that they have finished since.
        ("onboarding step",
         [*(event(day, "onboarding step failed", step="connect data") for day in (5, 4)),
          event(3, "onboarding step finished", step="connect data"),
          event(2, "onboarding step started", step="invite team")],
         [], "by-step en"),
        ("onboarding step", [event(3, "onboarding step finished", step="invite team")], [], "Nothing fits."),
        ("feature", [event(1, "error shown", feature="dashboards")], [], "by-feature en"),
        ("feature", [event(1, "feature used", feature="dashboards")], [], "Nothing fits."),
        ("issue", [], [ticket(2, "T1", category="billing")], "by-issue en"),
        ("signal", [], [], "Nothing fits."),  # it was begun by hand: there is no alert
        # The closest beats the widest, whatever happens more often.
        ("any", [ERROR], [ticket(2, f"T{n}", category="billing") for n in range(5)], "by-error en"),
        ("any", [event(1, "error shown", feature="dashboards", message="?")], [ticket(2, "T1", category="billing")],
         "by-feature en"),
        ("first-steps", [], [], "first-steps en"),
    ],
)  # fmt: skip
def test_by_what_it_is_chosen(
    tmp_path: Path, by: str, events: list[dict[str, Any]], tickets: list[dict[str, Any]], found: str
) -> None:
    told = world(tmp_path / "w", by)
    if events:
        told.load("events", events)
    if tickets:
        told.load("tickets", tickets, now=MONDAY - DAY / 2)
    assert offered(told) == found


def test_the_signal_of_the_alert_that_began_it(tmp_path: Path) -> None:
    told = world(tmp_path / "w", "signal")
    (told.root / "resources" / "first-steps.yaml").unlink()
    told.ws.run(MONDAY)
    assert [act.payload["text"] for act in told.acts(kind="task", run=1)] == ["by-signal en"]


def test_issues_as_they_are_grouped_and_renamed(tmp_path: Path) -> None:
    """Tickets of no category are grouped by their words; what people call the group is what a resource fixes."""
    told = world(tmp_path / "w", "issue")
    said = "The invoice of this month came two times, please correct the invoice."
    rows = [ticket(2 + n / 10, f"T{n}", subject="Invoice came two times", body=said) for n in range(4)]
    told.load("tickets", rows, now=MONDAY - DAY)
    (issue,) = told.ws.issues()["issues"]
    told.ws.rename_issue(issue["issue"], "Invoice twice")
    assert offered(told) == "by-group en"


def test_own_names_of_standard_events(tmp_path: Path) -> None:
    told = world(tmp_path / "w", "error")
    (told.root / "events.yaml").write_text("error shown: [Oops]\n")
    told.load("events", [event(1, "Oops", message="export timed out")])
    assert offered(told) == "by-error en"


def test_another_property_names_features(tmp_path: Path) -> None:
    told = world(tmp_path / "w", "feature", settings="feature: properties.module\n")
    told.load("events", [event(1, "error shown", module="dashboards")])
    assert offered(told) == "by-feature en"


@pytest.mark.parametrize(
    ("person", "account", "found"),
    [("de-AT", "fr", "in-german de"), ("", "de", "in-german de"), ("fr", "de", "by-error en"), ("", "", "by-error en")],
)
def test_in_the_language_of_whoever_reads_it(tmp_path: Path, person: str, account: str, found: str) -> None:
    """That of the person the letter goes to, else of the account; where there is none in it, another one will do."""
    told = world(tmp_path / "w", "error", READER)
    text = (
        "resource: in-german\ntitle: G\nlanguage: de\nfixes: {error: timed out}\nlink: https://help.vendor.example/g\n"
    )
    (told.root / "resources" / "in-german.yaml").write_text(text)
    told.load("events", [ERROR])
    if person:
        told.load("people", [{"account": "globex", "person": "ada@globex.example", "language": person}])
    if account:
        told.load("accounts", [{"account": "globex", "name": "Globex", "language": account}])
    assert offered(told) == found


def test_what_is_learned_later_is_not_known_yet(tmp_path: Path) -> None:
    told = world(tmp_path / "w", "error")
    told.load("tickets", [ticket(2, "T1", category="billing")], now=MONDAY + DAY)
    (told.root / "playbooks" / "check-in.yaml").write_text(OFFERS % "issue")
    assert offered(told) == "Nothing fits."
    told.ws.run(MONDAY + timedelta(hours=1))
    assert told.run_row()["outcome"] == "nothing"
