"""`check` refuses sentences that ask of their subjects what facts do not say of them, each on its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from beforehand.commands.init import init
from beforehand.errors import Problem, Problems
from beforehand.panel.refusals import why_not
from beforehand.signals.tree import (
    AmongLast,
    BackAndForth,
    Mentions,
    NewVoice,
    Overdue,
    Quantity,
    Repeated,
    Shifted,
    SubjectKind,
    Turned,
    Waiting,
    Without,
)
from beforehand.workspace import read_folder
from beforehand.workspace.spec import TABLES, MetricSpec

HOUR = 3_600_000_000
METRICS = {table: MetricSpec.model_validate({"count": table}) for table in TABLES} | {
    "people": MetricSpec(people="events"),
    "paid": MetricSpec(sum="invoices", of="amount"),
    "spent": MetricSpec(sum="events", of="properties.amount"),
    "score": MetricSpec(last="surveys", of="score"),
    "used": MetricSpec(distinct="events", of="properties.feature"),
}
REFUSED: list[tuple[Quantity, SubjectKind, str]] = [
    (Quantity("invoices"), "person", "of accounts and not of people"),
    (Quantity("events"), "ticket", "reads tickets"),
    (Quantity("events", made=Repeated(3, HOUR)), "issue", "reads tickets"),
    (Quantity("tickets"), "feature", "reads events"),
    (Quantity("events", made=Repeated(3, HOUR)), "feature", "facts made from events"),
    (Quantity("tickets", per_active=True), "issue", "Who is active"),
    (Quantity("events", made=Waiting(2), standing=True), "account", "over events"),
    (Quantity("events", made=Turned("reopened")), "account", "over events"),
    (Quantity("messages", made=Shifted()), "account", "is found among tones"),
    (Quantity("events", made=AmongLast(3, 5)), "account", "is found among tones"),
    (Quantity("messages", made=NewVoice()), "person", "is found among tones"),
    (Quantity("tickets", made=Overdue(60), standing=True), "account", "among invoices"),
    (Quantity("touches", made=Mentions(("cancel",))), "account", "among messages or tickets or surveys"),
    (Quantity("paid", made=Overdue(60), standing=True), "account", "is a sum"),
    (Quantity("used", made=Repeated(2, HOUR)), "account", "is a distinct"),
    (Quantity("events", made=Without("tickets", HOUR)), "account", "cannot follow"),
    (Quantity("tickets", made=BackAndForth("events", HOUR)), "account", "cannot follow"),
    (Quantity("subscriptions", role="admin"), "account", "nobody of a role"),
    (Quantity("tickets", role="admin"), "ticket", "role"),
    (Quantity("score", role="admin"), "account", "last value"),
    (Quantity("used", role="admin"), "account", "distinct value"),
    (Quantity("score", standing=True), "account", "does not add up"),
    (Quantity("events", rolling_days=3, standing=True), "account", "number of days"),
]
COUNTED: list[tuple[Quantity, SubjectKind]] = [
    (Quantity("events", made=Without("people", HOUR)), "account"),
    (Quantity("people", made=Repeated(3, HOUR), role="admin"), "account"),
    (Quantity("tickets", made=Waiting(2, True), standing=True), "ticket"),
    (Quantity("tickets", made=Turned("reassigned")), "issue"),
    (Quantity("invoices", made=Overdue(60), standing=True), "account"),
    (Quantity("messages", made=Mentions(("cancel",))), "person"),
    (Quantity("used", standing=True), "person"),
    (Quantity("spent", per_active=True), "feature"),
    (Quantity("score"), "account"),
    (Quantity("nothing of that name"), "ticket"),
]


@pytest.mark.parametrize(("quantity", "kind", "said"), REFUSED, ids=str)
def test_what_cannot_be_counted_is_refused_with_a_reason(quantity: Quantity, kind: SubjectKind, said: str) -> None:
    refused = why_not(quantity, kind, METRICS)
    assert refused is not None
    assert said in refused.message
    assert refused.hint
    assert refused.code == "cannot-be-counted"


@pytest.mark.parametrize(("quantity", "kind"), COUNTED, ids=str)
def test_what_can_be_counted_is_not_refused(quantity: Quantity, kind: SubjectKind) -> None:
    assert why_not(quantity, kind, METRICS) is None


def problems(root: Path) -> list[Problem]:
    with pytest.raises(Problems) as raised:
        read_folder(root)
    return list(raised.value.problems)


def test_check_tells_it_on_the_line_of_the_sentence(tmp_path: Path) -> None:
    root = tmp_path / "w"
    init(root)
    metrics = root / "metrics.yaml"
    metrics.write_text(metrics.read_text() + "\nbills:\n  count: invoices\n  says: [bills]\n")
    for path in (root / "signals").iterdir():
        path.unlink()
    (root / "signals" / "one.yaml").write_text(
        "signal: one\nwhen:\n  all of:\n    - logins above 2 per week for each person\n    - bills above 2 per month\n"
        "clear: bills below 2 per month\n"
    )
    (root / "signals" / "two.yaml").write_text("signal: two\nwhen: bills above 2 per month\n")
    found = problems(root)
    assert [(p.file, p.line, p.code) for p in found] == [
        ("signals/one.yaml", 5, "cannot-be-counted"),
        ("signals/one.yaml", 6, "cannot-be-counted"),
    ]
    # A metric that is wrong itself is told where it is wrong, and nowhere else.
    metrics.write_text(metrics.read_text().replace("count: invoices", "count: invoices\n  where: nothing = 1"))
    assert "metrics.yaml" in {p.file for p in problems(root)}


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("used:\n  distinct: events\n", "bad-value"),
        ("used:\n  distinct: events\n  of: nothing\n", "unknown-column"),
        ("used:\n  distinct: events\n  of: null\n", None),
        ("used:\n  distinct: outcomes\n  of: properties.feature\n", "bad-condition"),
    ],
)
def test_what_is_told_apart_must_be_something(tmp_path: Path, entry: str, code: str | None) -> None:
    root = tmp_path / "w"
    init(root)
    for path in (root / "signals").iterdir():
        path.unlink()
    (root / "metrics.yaml").write_text(entry)
    found = [p for p in problems(root) if p.file == "metrics.yaml"]
    assert len(found) == 1
    assert code is None or found[0].code == code


def test_the_setting_that_names_features_is_read_like_any_value(tmp_path: Path) -> None:
    root = tmp_path / "w"
    init(root)
    settings = root / "beforehand.yaml"
    settings.write_text(settings.read_text() + "\nfeature: module\n")
    assert [(p.file, p.code) for p in problems(root)] == [("beforehand.yaml", "unknown-column")]
    settings.write_text(settings.read_text().replace("feature: module", "feature: lower(properties.module)"))
    assert read_folder(root).settings.feature == "lower(properties.module)"
