"""The command line: a face over `Workspace` that holds no rule of its own.

Each module of this package registers a group of commands. Modules import only Typer at the top: `--help` must not pay
for the engines.
"""

from __future__ import annotations

import sys

import typer

from beforehand.cli import (
    alerts,
    callbacks,
    data,
    incidents,
    issues,
    library,
    playbooks,
    proof,
    routing,
    setup,
    text,
    work,
)
from beforehand.cli.common import report
from beforehand.errors import BeforehandError

app = typer.Typer(
    name="beforehand",
    help="Find the trouble before the customer tells you: signals, alerts with their story, and the proof.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (setup, library, data, alerts, incidents, issues, proof, text, work, routing, playbooks, callbacks):
    group.register(app)


def main() -> None:
    """Runs the command line and exits with the codes of the contract: 0, 1, 2 or 3."""
    try:
        app()
    except BeforehandError as error:
        sys.exit(report(error))
    except BrokenPipeError:
        sys.exit(0)
    except KeyboardInterrupt:
        print("Stopped; nothing is half done.", file=sys.stderr)
        sys.exit(130)
