"""The team's folder of files as one validated object.

`read_folder` needs the language and the panel, which themselves need the models of this room; so it is imported when
first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beforehand.workspace.folder import Folder as Folder
    from beforehand.workspace.folder import read_folder as read_folder

__all__ = ["Folder", "read_folder"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from beforehand.workspace import folder

        return getattr(folder, name)
    raise AttributeError(name)
