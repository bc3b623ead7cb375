"""Metrics over how messages sound: counted like any other, and by those who hold a role."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from beforehand.calendar import DAY_US, Grain, to_us
from beforehand.commands.workspace import Workspace
from beforehand.panel import Panel
from beforehand.signals.tree import Quantity, Shifted

BEGIN = datetime(2025, 1, 6, tzinfo=UTC)
WARM = "Hi, thank you very much for the great help, everything works wonderfully now!"
COLD = "This is still broken and nobody answers. Terrible."
METRICS = """
sentiment:
  mean: tones
  of: sentiment
negative messages:
  share: tones
  of: negative > 0.5
frustrated messages:
  count: tones
  where: frustration > 0.5 or negative > 0.7
thanks:
  count: tones
  where: thanks is true
read messages:
  count: tones
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "beforehand.yaml").write_text("zone: UTC\n")
    (tmp_path / "metrics.yaml").write_text(METRICS)
    roles = {"a@acme.com": "admin", "b@acme.com": "user"}
    people = [{"id": who, "account": "acme", "role": role} for who, role in roles.items()]
    rows = []
    for day in range(28):
        for who in roles:
            text = COLD if who.startswith("a") and day >= 14 else WARM
            rows.append({"id": f"{who}{day}", "person": who, "direction": "in", "text": text, "day": day})
    rows.append({"id": "out", "direction": "out", "text": COLD, "day": 0})
    rows.append({"id": "odd", "person": "b@acme.com", "direction": "in", "text": "?!", "day": 0})
    for row in rows:
        row |= {"account": "acme", "at": (BEGIN + timedelta(days=int(str(row.pop("day"))), hours=9)).isoformat()}
    for name, lines in (("people", people), ("messages", rows)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "accounts.csv").write_text("id,started_at\nacme,2024-12-01\n")
    found = Workspace(tmp_path)
    found.load([tmp_path / "accounts.csv"], table="accounts")
    found.load([tmp_path / "people.jsonl"], table="people")
    found.load([tmp_path / "messages.jsonl"], table="messages", learned="occurred")
    return found


def test_what_sounds_how_is_counted_by_account_and_by_role(workspace: Workspace) -> None:
    names = ("sentiment", "negative messages", "frustrated messages", "thanks")
    whole = [Quantity(name) for name in names]
    admins = [Quantity(name, role="admin") for name in names]
    now = to_us(BEGIN) + 28 * DAY_US
    with workspace.facts() as facts:
        assert facts.connection.execute("SELECT count(*) FROM tones").fetchall() == [(56,)]  # load has read them
        sheet = Panel(facts, workspace.folder).sheet(
            "account", {(q, Grain.WEEK) for q in (*whole, *admins)}, now_us=now, last=4
        )
        numbers = sheet.numbers()
        found = {q: numbers.windows(q, Grain.WEEK, 1)[0, :, 0] for q in (*whole, *admins)}
        plain = facts.connection.execute(
            "SELECT date_trunc('week', occurred_at) AS week, avg(sentiment), count_if(negative > 0.5) / count(*), "
            "count_if(frustration > 0.5 OR negative > 0.7), count_if(thanks) FROM tones GROUP BY 1 ORDER BY 1"
        ).fetchall()
    for place, quantity in enumerate(whole):
        np.testing.assert_allclose(found[quantity], [row[place + 1] for row in plain])
    assert found[admins[1]].tolist() == [0, 0, 1, 1]
    assert found[admins[3]].tolist() == [7, 7, 0, 0]
    assert found[admins[0]][0] > 0 > found[admins[0]][3]


def test_a_shift_is_not_known_of_who_wrote_too_little(workspace: Workspace, tmp_path: Path) -> None:
    """By day 12 `a@acme.com` has twelve messages before the newest; at the other accounts nobody has."""
    rows = [
        {"id": f"{who}{day}", "account": account, "person": who, "direction": "in", "text": WARM,
         "at": (BEGIN + timedelta(days=day, hours=9)).isoformat(),
         "known": (BEGIN + timedelta(days=late, hours=10)).isoformat()}
        for account, who, days in (("few", "c@few.com", 12), ("two", "d@two.com", 9), ("two", "e@two.com", 9),
                                   ("late", "f@late.com", 13))
        for day in range(days) for late in [20 if who[0] == "f" and day == 3 else day]
    ]  # fmt: skip
    (tmp_path / "few.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "starts.csv").write_text("id,started_at\nfew,2024-12-01\ntwo,2024-12-01\nlate,2024-12-01\n")
    workspace.load([tmp_path / "starts.csv"], table="accounts")
    workspace.load([tmp_path / "few.jsonl"], table="messages", learned="known")
    shift = Quantity("read messages", rolling_days=14, made=Shifted())
    by_admin = Quantity("read messages", rolling_days=14, made=Shifted(), role="admin")
    with workspace.facts() as facts:
        panel, now = Panel(facts, workspace.folder), to_us(BEGIN) + 28 * DAY_US
        sheet = panel.sheet("account", {(shift, Grain.DAY), (by_admin, Grain.DAY)}, now_us=now, last=28)
        rowed = {facts.label(int(a)): row for row, a in enumerate(sheet.subjects.account)}
        found = {q: sheet.numbers().windows(q, Grain.DAY, 1)[:, :, 0] for q in (shift, by_admin)}
        known = {name: np.flatnonzero(~np.isnan(found[shift][row])).tolist() for name, row in rowed.items()}
        assert known == {"acme": list(range(12, 28)), "few": [], "two": [], "late": list(range(20, 28))}
        assert np.flatnonzero(~np.isnan(found[by_admin][rowed["acme"]])).tolist() == list(range(12, 28))
        assert found[shift][rowed["acme"], 12] == 0 < found[shift][rowed["acme"], 27]
        people = panel.sheet("person", {(shift, Grain.DAY)}, now_us=now, last=1)
        judged = ~np.isnan(people.numbers().windows(shift, Grain.DAY, 1)[:, 0, 0])
        assert [people.subjects.label(int(row)) for row in np.flatnonzero(judged)] == [
            "a@acme.com", "b@acme.com", "f@late.com"
        ]  # fmt: skip


def test_receipts_of_tones_can_be_taken_and_verified(workspace: Workspace) -> None:
    from beforehand.facts import receipts
    from beforehand.story import Query

    now = to_us(BEGIN) + 28 * DAY_US
    edges = tuple(to_us(BEGIN) + week * 7 * DAY_US for week in range(5))
    with workspace.facts() as facts:
        query = Query("tones", "share", edges, (facts.account_named("acme"),), of="negative > 0.5")
        receipt = receipts.take(facts, query, now)
        assert receipt.values == (0, 0, 0.5, 0.5)
        assert receipt.count == 56
        assert receipts.verify(facts, receipt)
