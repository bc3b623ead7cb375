"""Numbers per subject and period, as they were known at each close; counted in one scan, kept, brought up to date.

The names of this door are imported when first asked for: `panel.where`, which checks what people write, is pure, and
reading a workspace must not load an engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beforehand.panel.panel import Panel as Panel
    from beforehand.panel.sheet import Block as Block
    from beforehand.panel.sheet import Sheet as Sheet
    from beforehand.panel.subjects import Subjects as Subjects

_ROOMS = {"Panel": "panel", "Block": "sheet", "Sheet": "sheet", "Subjects": "subjects"}
__all__ = ["Block", "Panel", "Sheet", "Subjects"]


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        from importlib import import_module

        return getattr(import_module(f"beforehand.panel.{_ROOMS[name]}"), name)
    raise AttributeError(name)
