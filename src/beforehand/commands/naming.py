"""What the texts of a playbook may name: the account, the reader, whose run it is, the story, the resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beforehand.commands.at_account import Person
    from beforehand.commands.doing import Stage
    from beforehand.playbooks import Line
    from beforehand.store import Alert

EVERYBODYS = frozenset(
    ("info", "hello", "office", "contact", "support", "help", "admin", "team", "billing", "accounts", "mail", "post")
)
"""Addresses that belong to nobody in particular: such a letter greets no one by name."""
SOMEBODY = "there"


def names_for(
    stage: Stage, lines: Sequence[Line], person: Person | None = None, else_called: str = ""
) -> dict[str, Any]:
    """What templates may name; see `playbooks.templates.NAMES`.

    `person` is absent where the text is for one of us; `else_called` is what they are called where nobody is there.
    """
    here, alert, folder = stage.here, stage.alert, stage.folder
    found: dict[str, Any] = {
        "account": {
            "id": here.name, "name": here.traits.get("name") or here.name, "traits": here.traits, "value": here.value,
        },
        "owner": _owner(stage),
        "story": {
            "headline": alert.headline if alert else "", "clauses": _clauses(alert),
            "why": (spec.why or "") if alert and (spec := folder.specs.get(alert.signal)) else "",
        },
        # A run that was begun by hand has no alert: what is said of one is blank, and stops nothing.
        "alert": {
            "name": alert.name if alert else "", "signal": alert.signal if alert else "",
            "severity": alert.severity if alert else "", "scope": alert.scope if alert else "",
            "opened_on": (alert.opened_at if alert else stage.at).date(),
        },
        "workspace": {"name": folder.settings.name},
        "set": {k: v for line in lines for k, v in line.details.get("set", {}).items()},
    }  # fmt: skip
    if person is not None:
        name = person.name or called(person.email or person.id)
        found["person"] = {
            "name": name, "first_name": first_name(person.name or person.email or person.id), "email": person.email,
            "role": person.role,
        }  # fmt: skip
    elif else_called:
        found["person"] = {"name": else_called, "first_name": else_called, "email": "", "role": ""}
    resource = next((line.details["resource"] for line in reversed(lines) if "resource" in line.details), None)
    if resource is not None:
        found["resource"] = resource
    return found


def called(name: str) -> str:
    """A name as one writes it: of an address what stands before the @, `ada.byron@acme.com` is Ada Byron."""
    local, at, _ = name.strip().partition("@")
    if not at:
        return name.strip()
    words = local.partition("+")[0].replace(".", " ").replace("_", " ").split()
    return " ".join(word[:1].upper() + word[1:] for word in words) or name


def first_name(name: str) -> str:
    """How somebody is greeted; `there` where the address is everybody's and no name is known."""
    if "@" in name and name.partition("@")[0].strip().lower() in EVERYBODYS:
        return SOMEBODY
    last, comma, first = called(name).partition(",")
    words = (first if comma and first.strip() else last).split()
    return words[0] if words else SOMEBODY


def _owner(stage: Stage) -> dict[str, str]:
    """Whose run it is; where it is nobody's, letters are signed by the workspace."""
    owner = stage.run.owner
    if not owner:
        return {"name": stage.folder.settings.name, "first_name": stage.folder.settings.name, "email": ""}
    team = stage.holders.team
    name = owner if owner in team.people else team.named(owner) or owner
    known = team.people.get(name)
    email = (known.email if known else None) or (owner if "@" in owner else "")
    return {"name": called(name), "first_name": first_name(name), "email": email}


def _clauses(alert: Alert | None) -> list[str]:
    if alert is None:
        return []
    return [str(c.get("text") or c.get("said") or "") for c in alert.evidence.get("clauses", ()) if isinstance(c, dict)]
