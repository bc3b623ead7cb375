"""An account as playbooks know it at a moment: its traits and its people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from beforehand.calendar import BusinessTime
from beforehand.errors import InputError
from beforehand.workspace.working import business_time

if TYPE_CHECKING:
    from beforehand.workspace import Folder

ANYBODY = "person"
YES = ("yes", "true", "1")
"""Values of a person's trait that make its name a role of theirs."""


@dataclass(frozen=True)
class Person:
    """Somebody at an account; `marks` are traits that say yes of them, as `champion: yes` does."""

    id: str
    name: str = ""
    email: str = ""
    role: str = ""
    marks: tuple[str, ...] = ()
    language: str = ""

    @property
    def roles(self) -> frozenset[str]:
        """Their roles, one by one, in lower case and with blanks between words: of `role`, and of marks."""
        said = [*self.role.split(","), *self.marks]
        return frozenset(plainly for part in said if (plainly := _plainly(part)))


@dataclass(frozen=True)
class AtAccount:
    """An account as it was known at `at`."""

    name: str
    at: datetime
    nodes: tuple[int, ...] = ()
    traits: dict[str, str] = field(default_factory=dict)
    people: tuple[Person, ...] = ()

    @property
    def value(self) -> float | None:
        """What it is worth, None where nobody said."""
        try:
            return float(self.traits.get("value") or self.traits.get("amount") or "")
        except ValueError:
            return None

    def receiver(self, wanted: Sequence[str], scope: str = "") -> Person | None:
        """The first who is there of `their ROLE`, ...; those with an address before those without.

        `their person` is whom the alert is about, where it is about one.
        """
        for said in wanted:
            role = _plainly(said.split(None, 1)[1])
            found = [
                p for p in self.people if role in p.roles or (role == ANYBODY and scope and scope in (p.id, p.email))
            ]
            if found:
                return min(found, key=lambda p: (not p.email, p.id))
        return None


def _plainly(role: str) -> str:
    """A role as people compare it: `Decision_Maker` is a decision maker."""
    return " ".join(role.replace("_", " ").replace("-", " ").lower().split())


def person_of(label: str, said: Mapping[str, str]) -> Person:
    """Somebody by what the facts say of them; `label` is what they are called there."""
    marks = tuple(trait for trait, value in sorted(said.items()) if str(value).strip().lower() in YES)
    email = said.get("email") or (label if "@" in label else "")
    return Person(label, said.get("name") or "", email, said.get("role") or "", marks, said.get("language") or "")


def their_time(folder: Folder, here: AtAccount) -> BusinessTime:
    """Business time where the account is: its own zone, where it has one that exists."""
    zone = here.traits.get("zone")
    try:
        return business_time(folder.settings, zone=zone)
    except InputError:
        return business_time(folder.settings)
