"""What every model of a file stands on, and secrets, which are never written into a file of the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Spec(BaseModel):
    """The base: unknown keys are refused, so that nothing written is silently ignored."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class SecretSpec(Spec):
    """Where a secret is found when it is needed: `{env: NAME}` or `{file: PATH}`; exactly one of them."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["env"]}, {"required": ["file"]}]})

    env: str | None = Field(default=None, pattern=r"^[A-Za-z_]\w*$", description="The environment variable it is in.")
    file: str | None = Field(
        default=None, min_length=1, description="The file it is in, from the workspace; white space around it is cut."
    )

    @model_validator(mode="after")
    def _one_place(self) -> SecretSpec:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is in exactly one place, {env: NAME} or {file: PATH}")
        return self

    @property
    def place(self) -> str:
        """Where it is looked for, in words; never what it is."""
        return f"the environment variable {self.env}" if self.env else f"the file {self.file}"

    def value(self, root: Path, environment: Mapping[str, str]) -> str | None:
        """The secret, or None where there is none (or an empty one)."""
        if self.env is not None:
            return environment.get(self.env, "").strip() or None
        try:
            return (root / str(self.file)).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            return None


def _not_written_out(value: Any) -> Any:
    if not isinstance(value, dict | SecretSpec):
        # What it is must not be repeated on a screen or in a log.
        raise ValueError("a secret is never written into this file; write {env: NAME} or {file: PATH}")
    return value


Secret = Annotated[SecretSpec, BeforeValidator(_not_written_out)]
