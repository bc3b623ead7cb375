"""Every command of the command line is one method of `Workspace`, with a docstring of its own."""

from __future__ import annotations

import inspect

import pytest
import typer.main

from beforehand.cli import app
from beforehand.commands.bound import Command
from beforehand.commands.workspace import Workspace

WITHOUT_WORKSPACE = {"init", "library", "simulate", "judge", "text", "uplift"}
GROUPS = {"playbook", "route"}
WITHIN_A_COMMAND = {"retry_quarantine", "drop_quarantine", "incident", "settle", "act", "resolve_act",
                    "start_playbook", "simulate_playbook", "show_run", "uplift_playbook", "explain",
                    "issue", "merge_issues", "rename_issue", "split_issue"}  # fmt: skip
METHODS = {name: bound for name, bound in vars(Workspace).items() if isinstance(bound, Command)}


def test_every_command_is_a_method() -> None:
    shown = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = {name.replace("-", "_") for name in shown}
    assert named - WITHOUT_WORKSPACE - GROUPS == METHODS.keys() - WITHIN_A_COMMAND


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_leads_to_its_function(name: str) -> None:
    function = METHODS[name].target
    first, *_ = inspect.signature(function).parameters
    assert first == "ws"
    assert inspect.getdoc(function)


def test_it_is_bound_to_the_workspace_asked(tmp_path: object) -> None:
    one = Workspace(tmp_path, actor="ada")  # type: ignore[arg-type]
    assert one.risk.args == (one,)  # type: ignore[attr-defined]
