"""Every playbook of the library played ahead on the simulated company: its letters are whole, short and kind."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from beforehand.commands import Workspace
from beforehand.commands.library import pack
from beforehand.playbooks.book import to_customer
from beforehand.simulate import simulate
from beforehand.workspace.playbook_spec import DraftStep

NOW = datetime(2026, 6, 29, 10, tzinfo=UTC)
BOOKS = pack().shelf.books
INTERNAL = re.compile(
    r"\b(alert|signal|risk|churn|score|health|metric|usage|log ?ins?|activity|inactive|noticed|segment|playbook|none|"
    r"undefined|threshold)\b|[{}%]",
    re.IGNORECASE,
)
"""What no customer is told: words of ours, what we count of them, and what a template left over."""
NEED_A_FIX = ("fix-and-tell", "onboarding-session", "unblock-the-workflow")
"""These write where something is wrong and a resource helps with it: test_pack_at_work tells them."""


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder: Path = tmp_path_factory.mktemp("letters") / "w"
    made = simulate(folder, end_on=date(2026, 6, 29), accounts=12, days=200, seed=5)
    found = Workspace(folder)
    for words in made.loads():
        table = words[words.index("--as") + 1]
        mapping = folder / words[words.index("--map") + 1] if "--map" in words else None
        found.load([folder / words[1]], table=table, mapping=mapping, now=datetime(2026, 6, 29, tzinfo=UTC))
    return found


@pytest.fixture(scope="module")
def account(ws: Workspace) -> str:
    with ws.facts() as facts:
        (label,) = facts.connection.execute(
            "SELECT label FROM accounts JOIN members USING (account) GROUP BY label ORDER BY count(*) DESC LIMIT 1"
        ).fetchall()[0]
    return str(label)


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_every_way_comes_to_an_end_and_every_letter_may_go_as_it_is(ws: Workspace, account: str, name: str) -> None:
    ways = ws.simulate_playbook(name, account, at=NOW)["ways"]
    assert ways and all(way["outcome"] != "stuck" for way in ways), [way["lines"][-1]["what"] for way in ways]
    outward = {step for step, draft in BOOKS[name].of_kind(DraftStep) if any(to_customer(to) for to in draft.to)}
    letters = {line["text"] for way in ways for line in way["lines"] if line["step"] in outward and line.get("text")}
    if name not in NEED_A_FIX:
        assert bool(letters) == bool(outward)
    for text in letters:
        assert re.match(r"Hello [A-Z]\w*,\n\n[a-zI]", text), text
        assert not INTERNAL.search(text.replace("[fill in", "")), (INTERNAL.search(text), text)
        assert len(text.split()) < 130 and "\n\n\n" not in text
