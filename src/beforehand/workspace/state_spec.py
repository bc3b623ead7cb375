"""`state:` of beforehand.yaml: where the state is kept. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Tag

from beforehand.workspace.spec_base import SecretSpec

WRITTEN = re.compile(r"^postgres(ql)?://((?P<user>[^@/?]*)@)?[^@/?]*/[^/?]+(?P<options>\?.*)?$")


def _database(value: str) -> str:
    parts = WRITTEN.match(value)
    if parts is None:
        said = value.partition(":")[0][:40]
        raise ValueError(f"'{said}' is no PostgreSQL; write postgresql://user@host/database")
    if ":" in (parts["user"] or "") or "password=" in (parts["options"] or ""):
        raise ValueError("an address with a password is a secret; write {env: NAME} or {file: PATH}")
    return value


def _secret_or_not(value: Any) -> str:
    return "a secret" if isinstance(value, dict | SecretSpec) else "written out"


# An address without a password, or where the whole address is kept.
StateAddress = Annotated[
    Annotated[Annotated[str, AfterValidator(_database)], Tag("written out")] | Annotated[SecretSpec, Tag("a secret")],
    Discriminator(_secret_or_not),
]
