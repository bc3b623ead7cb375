"""`init`: a workspace to start from, with commented files and signals that work."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from beforehand.errors import EngineError, InputError
from beforehand.library import PACK
from beforehand.workspace import schemas

STARTER = Path(schemas.__file__).parent.parent / "starter"
SETTINGS = "beforehand.yaml"


def init(folder: Path, *, pack: bool = False) -> dict[str, Any]:
    """Writes the starter, or with `pack` the whole library, into a folder, made where it is missing.

    Returns `{"workspace", "files", "problems"}`. Raises InputError where the folder is a workspace already or holds
    other files of the same names; nothing is overwritten. `beforehand.yaml` is written last: a folder that was left
    half done is no workspace yet, and the command can be given again.
    """
    folder = folder.absolute()
    if (folder / SETTINGS).exists():
        raise InputError(
            f"{folder} is a workspace already.",
            "Choose another folder, or go on with `beforehand check`.",
            "workspace-exists",
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file.", "Name a folder that is empty or not there yet.", "not-a-folder")
    texts = _texts(PACK if pack else STARTER, folder.name or "Beforehand")
    taken = [name for name, text in texts.items() if (folder / name).exists() and not _holds(folder / name, text)]
    if taken:
        raise InputError(
            f"{folder} holds other files of these names: {', '.join(sorted(taken))}.",
            "Nothing was written. Choose an empty folder, or move them away.",
            "files-exist",
        )
    try:
        schemas.lay(folder / ".beforehand" / "schemas")
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise EngineError(
            f"{error.filename or folder} cannot be written: {error.strerror}.",
            "Look at the rights and the free space.",
            "disk",
        ) from error
    return {"workspace": folder, "files": sorted(texts), "problems": []}


def _texts(source: Path, name: str) -> dict[str, str]:
    """The files of a folder to start from by relative name, `beforehand.yaml` last."""
    texts = {
        str(path.relative_to(source)): path.read_text(encoding="utf-8")
        for path in sorted(source.rglob("*"))
        if path.is_file()
    }
    texts[".gitignore"] = texts.pop("gitignore")
    # JSON's quotes are YAML's too, so that any folder name is a valid text.
    named = f"name: {json.dumps(name, ensure_ascii=False)}"
    texts[SETTINGS] = re.sub(r"^name: .*$", lambda _: named, texts.pop(SETTINGS), count=1, flags=re.MULTILINE)
    return texts


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        return False
