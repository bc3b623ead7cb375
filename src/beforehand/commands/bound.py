"""A command as a method of `Workspace`, imported when it is first called."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace


class Command:
    """Binds `beforehand.commands.MODULE.NAME(ws, ...)` as a method: a caller loads only the command it asks for."""

    def __init__(self, module: str, name: str | None = None) -> None:
        self.module = f"beforehand.commands.{module}"
        self.function = name

    def __set_name__(self, owner: type, name: str) -> None:
        self.function = self.function or name

    @property
    def target(self) -> Callable[..., dict[str, Any]]:
        """The function itself, whose docstring says what goes in and out."""
        found: Callable[..., dict[str, Any]] = getattr(import_module(self.module), str(self.function))
        return found

    @overload
    def __get__(self, workspace: None, owner: type) -> Command: ...
    @overload
    def __get__(self, workspace: Workspace, owner: type) -> Callable[..., dict[str, Any]]: ...
    def __get__(self, workspace: Workspace | None, owner: type) -> Command | Callable[..., dict[str, Any]]:
        return self if workspace is None else partial(self.target, workspace)
