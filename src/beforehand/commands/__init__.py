"""What a person can ask for: one module per command, over a `Workspace`."""

from beforehand.commands.workspace import Workspace

__all__ = ["Workspace"]
