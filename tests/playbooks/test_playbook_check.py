"""`check` over playbooks and resources: whatever is written there, every problem has its line and nothing breaks."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playbook_world import METRICS, PLAYBOOK, RESOURCE, SETTINGS, SIGNAL
from ruamel.yaml import YAML

from beforehand.errors import Problem
from beforehand.playbooks import Book
from beforehand.playbooks.ways import known_at
from beforehand.workspace.folder import examine
from beforehand.workspace.playbook_spec import STEPS, PlaybookSpec

TEAM = """people:
  Ana: {email: ana@vendor.example, roles: [csm], manager: Marta}
  Marta: {email: marta@vendor.example, roles: [head of cs]}
"""


def workspace(root: Path, team: str = "") -> Path:
    for name in ("signals", "playbooks", "resources"):
        (root / name).mkdir(parents=True)
    (root / "beforehand.yaml").write_text(SETTINGS)
    (root / "metrics.yaml").write_text(METRICS)
    (root / "signals" / "login-drop.yaml").write_text(SIGNAL)
    (root / "playbooks" / "check-in.yaml").write_text(PLAYBOOK)
    (root / "resources" / "first-steps.yaml").write_text(RESOURCE)
    if team:
        (root / "team.yaml").write_text(team)
    return root


def problems(root: Path) -> list[Problem]:
    return examine(root)[1]


def told(root: Path, name: str, text: str) -> list[tuple[str, int | None]]:
    (root / name).write_text(text)
    return [(p.code, p.line) for p in problems(root) if p.file == name]


@pytest.mark.parametrize(
    ("text", "code", "line", "says"),
    [
        ("playbook: check-in\nowner: csn\nsteps:\n  - task: x\n", "unknown-person", 2, "csm"),
        ("playbook: check-in\nsteps:\n  - {escalate: x, to: head of csm}\n", "unknown-person", 3, "head of cs"),
        ("playbook: check-in\nsteps:\n  - {task: x, to: [trainer]}\n", "unknown-person", 3, "Valid"),
        ("playbook: check-in\nwhen: {signals: [login-dorp]}\nsteps:\n  - task: x\n", "unknown-signal", 2, "login-drop"),
        ("playbook: check-in\nwhen: {accounts: plan si business}\nsteps:\n  - task: x\n", "bad-sentence", 2, ""),
        ("playbook: check-in\nwhen they reply: tlak\nsteps:\n  - {step: talk, task: x}\n", "unknown-step", 2, "talk"),
        ("playbook: check-in\ncap: {messages: 0}\nsteps:\n  - task: x\n", "bad-value", 2, "at least 1"),
        ("playbook: check-in\ncap: {within: 0 days}\nsteps:\n  - task: x\n", "bad-value", 2, "no time at all"),
        ("playbook: check-in\nquiet: 25:00-09:00\nsteps:\n  - task: x\n", "bad-name", 2, ""),
        ("playbook: check-in\ngoal: logins at least 3 for people\nsteps:\n  - task: x\n", None, 2, ""),
        ("playbook: check-in\ngoal: logns below 3 per week\nsteps:\n  - task: x\n", "bad-sentence", 2, "logins"),
        ("playbook: check-in\nsteps: []\n", "bad-value", 2, "at least 1"),
        ("playbook: check-in\nsteps: task\n", "bad-value", 2, "list"),
        ("steps:\n  - task: x\n", "missing-key", 1, "playbook"),
        ("", "missing-key", 1, "playbook"),
        ("- a\n", "not-a-mapping", 1, ""),
        ("playbook: check-in\nsteps:\n  - task: 'x\n", "bad-yaml", 3, "quote"),
    ],
)
def test_what_a_file_says_wrongly_is_told_on_its_line(
    tmp_path: Path, text: str, code: str | None, line: int, says: str
) -> None:
    root = workspace(tmp_path / "w", TEAM)
    (root / "playbooks" / "check-in.yaml").write_text(text)
    found = [p for p in problems(root) if p.file == "playbooks/check-in.yaml"]
    assert [p for p in found if p.line == line and code in (p.code, None) and says in f"{p.message} {p.hint}"], found


@pytest.mark.parametrize(
    ("steps", "code", "line"),
    [
        ("  - taks: x\n", "unknown-step", 3),
        ("  - {step: a, task: x}\n  - {task: y, then: a}\n", "playbook-loop", 4),
        ("  - task: '{{ acount.name }}'\n", "bad-template", 3),
        ("  - task: '{{ account.nmae }}'\n", "bad-template", 3),
        ('  - task: "{{ account.name.__class__ }}"\n', "bad-template", 3),
        ("  - task: \"{{ account['__class__'] }}\"\n", "bad-template", 3),
        ("  - task: '{% if %}'\n", "bad-template", 3),
        ("  - {task: x, then: end}\n  - task: y\n", "unreachable-step", 4),
        ("  - {branch: logins abve 3 per week, else: end}\n", "bad-sentence", 3),
        ("  - {step: d, draft: x, subject: y, to: their admin}\n  - send: d\n", "no-approval", 4),
        ("  - send: d\n", "unknown-step", 3),
        ("  - {task: x, to: their admin}\n", "bad-value", 3),
        ("  - {wait: 3 fortnights}\n", "bad-value", 3),
        ("  - {wait: 1 day, whta: 3}\n", "unknown-key", 3),
        ("  - {wait: 0 days}\n", "bad-value", 3),
        ("  - {wait: [1 day]}\n", "bad-value", 3),
        ("  - wait\n", "bad-value", 3),
        ("  - {}\n", "unknown-step", 3),
        ("  - task: x\n    wait: 1 day\n", "two-steps", 4),
        ("  - {step: a, branch: reply, else: a}\n", "playbook-loop", 3),
        ("  - {task: x, then: nowhere}\n", "unknown-step", 3),
        ("  - {step: a, wait: 1 day}\n  - {step: b, wait: 1 day, then: a}\n", "playbook-loop", 4),
        ("  - {end with: done, then: end}\n", "bad-value", 3),
        ("  - {offer resource: frist-steps}\n", "unknown-resource", 3),
        ("  - {task: '{{ account.name | uper }}'}\n", "bad-template", 3),
        ("  - {task: '{{ person.name }}'}\n", "bad-template", 3),
        ("  - {task: '{{ resource.link }}'}\n", "bad-template", 3),
        ("  - {offer resource: any}\n  - {task: '{{ resource.link }}'}\n", "bad-template", 4),
        ("  - {branch: reply, else: b}\n  - set: {x: '1'}\n  - {step: b, task: '{{ set.x }}'}\n", "bad-template", 5),
        (
            "  - {branch: reply, else: b}\n  - {step: d, draft: x, subject: y, to: owner}\n  - {step: b, send: d}\n",
            "no-draft",
            5,
        ),
        ("  - {step: d, draft: x, subject: y, to: owner}\n  - {send: d, else: end}\n", "bad-value", 4),
        ("  - {call: x}\n", "bad-value", 3),
        ("  - {call: x, channel: crm}\n", "unknown-channel", 3),
        ("  - {call: x, channel: mail}\n", "bad-value", 3),
    ],
)
def test_check_tells_what_is_wrong_with_a_playbook(tmp_path: Path, steps: str, code: str, line: int) -> None:
    root = workspace(tmp_path / "w")
    assert (code, line) in told(root, "playbooks/check-in.yaml", f"playbook: check-in\nsteps:\n{steps}")


def test_owner_manager_people_and_roles_are_known_and_one_of_several_is_enough(tmp_path: Path) -> None:
    root = workspace(tmp_path / "w", TEAM)
    for to in ("owner", "manager", "Marta", "head of cs", "[trainer, csm]"):
        assert told(root, "playbooks/check-in.yaml", f"playbook: check-in\nsteps:\n  - {{task: x, to: {to}}}\n") == []
    text = "playbook: check-in\nmode: off\nsteps:\n  - {task: x, to: trainer}\n"
    assert told(root, "playbooks/check-in.yaml", text) == []  # it is not at work


def test_a_resource_is_called_neither_as_a_kind_nor_unknown_signals(tmp_path: Path) -> None:
    root = workspace(tmp_path / "w")
    name = "resources/first-steps.yaml"
    assert told(root, name, "resource: error\ntitle: T\nfixes: {error: x}\nlink: https://h.example\n") == [
        ("bad-name", 1)
    ]
    text = "resource: first-steps\ntitle: T\nfixes: {signal: login-dorp}\nlink: https://h.example\n"
    assert told(root, name, text) == [("unknown-signal", 3)]
    assert told(root, name, "resource: first-steps\ntitle: T\nfixes: {}\n") == [("missing-key", 1), ("missing-key", 3)]


def test_what_is_known_on_every_way() -> None:
    """A value that one way sets is not known behind the step where the ways meet."""
    steps = [
        {"branch": "reply", "else": "b"},
        {"step": "a", "set": {"x": "1", "y": "1"}, "then": "c"},
        {"step": "b", "set": {"x": "2"}},
        {"step": "c", "offer resource": "any", "else": "end"},
        {"step": "d", "draft": "x", "subject": "y", "to": "owner"},
        {"step": "e", "send": "d"},
    ]
    known = known_at(Book.of(PlaybookSpec.model_validate({"playbook": "p", "when they reply": "e", "steps": steps})))
    assert known["c"].values == {"x"} and not known["c"].resource
    assert known["d"].resource and known["e"].drafts == {"d"}
    # A reply may come while it waits: only what was known there is known.
    steps.insert(0, {"step": "w", "wait": "1 day"})
    known = known_at(Book.of(PlaybookSpec.model_validate({"playbook": "p", "when they reply": "e", "steps": steps})))
    assert known["e"].drafts == frozenset() and known["e"].values == frozenset()


words = st.sampled_from([
    "reply", "event login", "logins below 3 per week", "logns", "owner", "their admin", "manager", "a", "b", "end",
    "any", "2 days", "0 days", "3 fortnights", "3 business hours", "{{ account.name }}", "{{ x.__class__ }}", "{% if",
    "{{ set.a }}", "{{ resource.link }}", "mail", "go on", "check-in", "{{ 1/0 }}", "", "*", "\u0000", "é",
    "99999999999999999999 days",
])  # fmt: skip
scalars = words | st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=5), inner, max_size=3)
)
step_keys = st.sampled_from(
    [*STEPS, "step", "then", "else", "within", "to", "subject", "by", "rejected", "channel", "x"]
)
top_keys = st.sampled_from([info.alias or name for name, info in PlaybookSpec.model_fields.items()] + ["goals", "step"])


@st.composite
def likely_steps(draw: st.DrawFn) -> dict[str, Any]:
    """A step that is right in form, of any kind, with any of its settings said or left out, and whatever they say."""
    model = STEPS[draw(st.sampled_from(list(STEPS)))]
    said: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if info.is_required() or draw(st.booleans()):
            said[info.alias or name] = draw(words)
    return said


steps = st.lists(likely_steps() | st.dictionaries(step_keys, values, max_size=4) | values, max_size=5)
files = st.builds(
    lambda more, steps: {"playbook": "check-in", "steps": steps, **more},
    st.dictionaries(top_keys, values, max_size=3),
    steps,
)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=files | values)
def test_nothing_that_is_written_breaks_check_and_every_problem_has_a_line(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    root = tmp_path_factory.getbasetemp() / "fuzzed"
    if not root.exists():
        workspace(root, TEAM)
    said = StringIO()
    try:
        YAML(typ="safe", pure=True).dump(data, said)
    except Exception:  # what YAML cannot hold, no file can say
        return
    (root / "playbooks" / "check-in.yaml").write_text(said.getvalue(), encoding="utf-8", errors="replace")
    folder, found = examine(root)
    ours = [p for p in found if p.file.startswith("playbooks/")]
    assert all(p.line is not None and p.message and p.code for p in ours)
    assert ours or "check-in" in folder.shelf.books


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.text(max_size=200) | st.lists(st.sampled_from(PLAYBOOK.splitlines())).map("\n".join))
def test_nor_does_any_text(tmp_path_factory: pytest.TempPathFactory, data: str) -> None:
    root = tmp_path_factory.getbasetemp() / "fuzzed-text"
    if not root.exists():
        workspace(root, TEAM)
    (root / "playbooks" / "check-in.yaml").write_text(data, encoding="utf-8", errors="replace")
    assert all(p.line is not None for p in problems(root) if p.file.startswith("playbooks/"))
