"""Which column of a file means what: written with `--map` or in a mapping file, or by a column's own name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beforehand.errors import InputError, among
from beforehand.facts.schema import SHAPES

_PEOPLE = ("person", "account", "email", "at", "learned")
_ACCOUNTS = ("account", "at", "learned", "domain")
_SAME = {"at": ("at", "occurred_at"), "learned": ("learned", "learned_at")}


@dataclass(frozen=True)
class Columns:
    """A mapping that fits a file. Each value is a column, or a constant text written `=text`.

    `roles`: account, person, id, at, learned, email and the table's own columns. `properties`: name to column.
    `every`: unmapped columns are properties too. `traits` and `externals` (system to column) only for accounts and
    people.
    """

    roles: dict[str, str]
    properties: dict[str, str] = field(default_factory=dict)
    every: bool = False
    traits: dict[str, str] = field(default_factory=dict)
    externals: dict[str, str] = field(default_factory=dict)


def read_mapping(written: str | Path | Mapping[str, Any] | None) -> dict[str, str]:
    """What a person wrote, `account=company,at=ts` or a YAML file of the same pairs, as plain pairs.

    Nested keys of a file (`properties: {amount: total}`) become dotted ones. InputError where it is neither.
    """
    if written is None:
        return {}
    if (isinstance(written, str) and "=" not in written) or isinstance(written, Path):
        return _flat(_from_file(Path(written)))
    if isinstance(written, str):
        pairs: dict[str, str] = {}
        for part in filter(None, (p.strip() for p in written.split(","))):
            role, equals, column = part.partition("=")
            if not equals or not role.strip() or not column.strip():
                raise InputError(
                    f"--map: {part!r} is not a pair.",
                    "Write ours=COLUMN, for example account=company,at=ts.",
                    code="bad-map",
                )
            if role.strip() in pairs:
                raise InputError(f"--map: {role.strip()!r} is mapped twice.", code="bad-map")
            pairs[role.strip()] = column.strip()
        return pairs
    return _flat(written)


def _from_file(path: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        read = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(
            f"--map: {path} is neither a pair nor a file.", "Write ours=COLUMN,... or name a YAML file.", code="bad-map"
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"--map: {path} is not YAML: {str(error).splitlines()[0]}", code="bad-map") from None
    if not isinstance(read, dict):
        raise InputError(f"--map: {path} holds no pairs.", "Write one `ours: COLUMN` a line.", code="bad-map")
    return read


def _flat(read: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in read.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif value is None or isinstance(value, list):
            raise InputError(
                f"--map: {prefix}{key} names no column.", "Write one `ours: COLUMN` a line.", code="bad-map"
            )
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def recorded(written: Mapping[str, str]) -> str:
    """The pairs as text that is equal for equal mappings: what the ledger keeps."""
    return json.dumps(dict(sorted(written.items())), ensure_ascii=False)


def fit(table: str, written: Mapping[str, str], columns: Iterable[str], file: str, single: bool = False) -> Columns:
    """Fits what was written to the columns there are; names like ours need no mapping.

    InputError names every missing column with the columns there are and the nearest; `single` says that the file seems
    to have one column, which is mostly a delimiter we do not know.
    """
    there = list(columns)
    own = _own_roles(table)
    roles: dict[str, str] = {}
    properties: dict[str, str] = {}
    traits: dict[str, str] = {}
    externals: dict[str, str] = {}
    listing = table in ("accounts", "people")
    every = False
    for role, column in written.items():
        group, _, rest = role.partition(".")
        if role == "properties" and column == "*":
            every = True
        elif rest and group == "properties" and not listing and (table == "people" or SHAPES[table].properties):
            properties[rest] = column
        elif rest and group == "trait" and listing:
            traits[rest] = column
        elif rest and group == "external" and listing:
            externals[rest] = column
        elif role in own:
            roles[own[role]] = column
        elif listing and not rest:
            traits[role] = column
        else:
            valid = set(own) | ({"trait.NAME", "external.SYSTEM"} if listing else {"properties.NAME"})
            raise InputError(f"--map: {role!r} is nothing that {table} have.", among(role, valid), code="unknown-role")
    wanted = [*roles.values(), *properties.values(), *traits.values(), *externals.values()]
    missing = [c for c in wanted if not c.startswith("=") and not _has(there, c)]
    if missing:
        raise _missing(file, missing, there, single)
    taken = set(wanted)
    for column in there:
        role = own.get(column, "")
        if role and role not in roles and column not in taken:
            roles[role] = column
            taken.add(column)
    _required(table, roles, there, file, single)
    for column in there if listing or every else ():
        if column not in taken:
            (traits if listing else properties)[column] = column
    return Columns(roles, properties, every, traits, externals)


def _has(there: list[str], column: str) -> bool:
    # A dotted path into JSON is there when its first key is.
    return column in there or ("." in column and column.split(".", 1)[0] in there)


def _own_roles(table: str) -> dict[str, str]:
    """What may stand left of `=` (or be a column's own name), and the role it has."""
    if table == "accounts":
        own: dict[str, str] = {role: role for role in _ACCOUNTS} | {"id": "account"}
    elif table == "people":
        own = {role: role for role in _PEOPLE} | {"id": "person"}
    else:
        shape = SHAPES[table]
        own = {role: role for role in ("account", "person", *shape.columns)}
        own |= dict.fromkeys(shape.id_names, "id") | {
            name: "at" for name in shape.at_names if name not in shape.columns
        }
        own |= {"properties": "properties"} if shape.properties else {}
    return own | {name: role for role, names in _SAME.items() for name in names}


def _required(table: str, roles: dict[str, str], there: list[str], file: str, single: bool) -> None:
    if table == "accounts":
        needs = [] if "account" in roles else ["account"]
    elif table == "people":
        needs = [] if {"person", "email"} & set(roles) else ["person"]
    else:
        shape = SHAPES[table]
        needs = [] if {"account", "person"} & set(roles) else ["account"]
        has_at = "at" in roles or any(name in roles for name in shape.at_names)
        needs += [need for need in shape.needs if need not in roles] + ([] if has_at else ["at"])
    if needs:
        raise _missing(file, needs, there, single)


def _missing(file: str, missing: list[str], there: list[str], single: bool) -> InputError:
    hint = f"It has: {', '.join(there[:30])}{' ...' if len(there) > 30 else ''}. "
    if single:
        hint += "That is one column: the delimiter must be a comma, semicolon, tab or bar."
    else:
        from beforehand.errors import nearest

        near = {m: n for m in missing if (n := nearest(m, there))}
        hint += " ".join(f"Did you mean {n} for {m}?" for m, n in near.items())
        hint += " Say which column it is with --map, for example --map account=COLUMN,at=COLUMN."
    what = ", ".join(repr(m) for m in missing)
    return InputError(f"{file} has no column {what}.", hint.strip(), code="missing-column")
