"""Texts with places for what is known: Jinja in a sandbox, where a name that is not there is an error. Pure.

What a template may name is listed in `NAMES`. Nothing that begins with an underscore can be reached, nothing can be
changed, and no file can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from beforehand.errors import InputError, among

NAMES: Mapping[str, tuple[str, ...]] = {
    "account": ("id", "name", "traits", "value"),
    "person": ("name", "first_name", "email", "role"),
    "owner": ("name", "first_name", "email"),
    "story": ("headline", "clauses", "why"),
    "resource": ("name", "title", "link", "body", "language"),
    "alert": ("name", "signal", "severity", "opened_on", "scope"),
    "workspace": ("name",),
    "set": (),
}
"""What templates may name, each with its parts; those of `account.traits` and `set` are the team's own."""
OWN = {"traits", "set"}
LONGEST = 50_000
KEPT = 500
"""So many templates are kept understood: a playbook writes the same one at each of its accounts."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which nothing that begins with an underscore can be reached."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not str(attr).startswith("_") and super().is_safe_attribute(obj, attr, value)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) and argument.startswith("_"):
            return self.unsafe_undefined(obj, argument)
        return super().getitem(obj, argument)


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a template, and what to write."""

    message: str
    hint: str


@cache
def _sandbox() -> _Sandbox:
    found = _Sandbox(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)
    found.globals.clear()  # no `range` of a billion, no `cycler`
    return found


@lru_cache(maxsize=KEPT)
def _understood(template: str) -> Template:
    return _sandbox().from_string(template)


def render(template: str, context: Mapping[str, Any]) -> str:
    """The text with its places filled; InputError in words where something is not there."""
    try:
        text = _understood(template).render(context).strip()
    except TemplateError as error:
        said = f"A text cannot be written: {error.message or error}."
        raise InputError(said, "See what it names.", "bad-template") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        said = f"A text cannot be written: {type(error).__name__}: {error}."
        raise InputError(said, "See what it computes.", "bad-template") from None
    return text[:LONGEST]


def problems(template: str, own: frozenset[str] = frozenset()) -> list[Wrong]:
    """What is wrong with a template before it is ever rendered; `own` are the names that `set` steps give."""
    try:
        tree = _sandbox().parse(template)
        _sandbox().from_string(template)  # filters and tests that there are not are told when it is compiled
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f" (line {line} of the text)" if line else ""
        return [Wrong(f"The text is no template{where}: {error.message}.", "Write places as {{ account.name }}.")]
    found = list(_refused(tree))
    known = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    found += [
        Wrong(f"`{name.name}` is not known in a text.", among(name.name, NAMES))
        for name in tree.find_all(nodes.Name)
        if name.ctx == "load" and name.name not in NAMES and name.name not in known
    ]
    for part in tree.find_all(nodes.Getattr):
        if not isinstance(part.node, nodes.Name) or part.attr.startswith("_"):
            continue
        whose = part.node.name
        valid = own if whose == "set" else frozenset(NAMES.get(whose, ()))
        if whose in NAMES and whose not in known and part.attr not in valid:
            found.append(Wrong(f"`{whose}.{part.attr}` is not known in a text.", among(part.attr, valid)))
    return list(dict.fromkeys(found))


def named(template: str) -> frozenset[str]:
    """What a template names and does not ask for first (`is defined`): `resource`, `set.NAME`, ..."""
    tree = _sandbox().parse(template)
    asked = {_path(test.node) for test in tree.find_all(nodes.Test) if test.name == "defined"}
    found = {_path(part) for part in tree.find_all((nodes.Name, nodes.Getattr)) if getattr(part, "ctx", "") == "load"}
    return frozenset(path for path in found if path and path not in asked)


def _path(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return str(node.name)
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    return ""


def _refused(tree: nodes.Template) -> Iterator[Wrong]:
    reached = [part.attr for part in tree.find_all(nodes.Getattr)]
    reached += [
        part.arg.value
        for part in tree.find_all(nodes.Getitem)
        if isinstance(part.arg, nodes.Const) and isinstance(part.arg.value, str)
    ]
    for name in reached:
        if name.startswith("_"):
            yield Wrong(f"`{name}` begins with an underscore; no text may reach that.", "Leave it out.")
    if any(True for _ in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends))):
        yield Wrong("A text cannot take in another file.", "Write it out.")
