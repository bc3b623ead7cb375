"""From what a file says to a validated model: pydantic's errors as problems with file, line and plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from beforehand.errors import among, nearest
from beforehand.workspace.channel_spec import BY_KIND
from beforehand.workspace.spec import COMPOUND, SENTENCE
from beforehand.workspace.yaml_file import At, Written

Model = TypeVar("Model", bound=BaseModel)

KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "yes or no (true or false)",
    "bool_parsing": "yes or no (true or false)",
    "tuple_type": "a list, as `[a, b]`",
    "list_type": "a list, as `[a, b]`",
    "dict_type": "a mapping of `key: value` lines",
    "model_type": "a mapping of `key: value` lines",
    "model_attributes_type": "a mapping of `key: value` lines",
    "date_type": "a day, as 1990-01-31",
    "date_parsing": "a day, as 1990-01-31",
    "date_from_datetime_parsing": "a day, as 1990-01-31",
    "date_from_datetime_inexact": "a day, as 1990-01-31",
}
CASE_VALUES = ("float_type", "float_parsing", "bool_type", "string_type")
BOUNDS = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}


def read_model(model: type[Model], written: Written, at: At = ()) -> Model | None:
    """The model of the value that stands at `at`, after recording every problem in `written`.

    Where some keys are wrong it is the model of the others, so that what they mean can be checked too; None where
    there is none.
    """
    data: Any = written.data
    for key in at:
        data = data[key]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        places = [_place(found, data) for found in error.errors()]
        seen: set[At] = set()
        for found, place in zip(error.errors(), places, strict=True):
            if place not in seen:  # a union tells the same value wrong once for each of its members
                seen.add(place)
                _tell(found, model, written, at, place)
        return _of_the_rest(model, data, {place[0] for place in places if place})


def _of_the_rest(model: type[Model], data: Any, wrong: set[str | int]) -> Model | None:
    if not isinstance(data, dict) or not wrong:
        return None
    try:
        return model.model_validate({key: value for key, value in data.items() if key not in wrong})
    except ValidationError:
        return None


def keys_of(model: type[BaseModel]) -> dict[str, str]:
    """The keys a person may write for a model, each with its description."""
    return {(info.alias or name): info.description or "" for name, info in model.model_fields.items()}


def _place(found: ErrorDetails, data: Any) -> At:
    """Pydantic's location without the names of union members, which nobody wrote."""
    place: list[str | int] = []
    for step in found["loc"]:
        inside = step in data if isinstance(data, Mapping) else isinstance(data, list) and isinstance(step, int)
        if inside:
            data = data[step]
        if inside or (found["type"] == "missing" and step == found["loc"][-1]):
            place.append(step)
    return tuple(place)


def _tell(found: ErrorDetails, model: type[BaseModel], written: Written, at: At, place: At) -> None:
    """Records one of pydantic's errors in plain words."""
    kind, value, ctx = found["type"], found["input"], found.get("ctx", {})
    what = f"`{_named(at + place)}`" if place else (f"`{_named(at)}`" if at else "The file")
    whole = at + place
    if kind == "extra_forbidden":
        valid = keys_of(_model_at(model, found["loc"][:-1]))
        key = str(place[-1])
        near = nearest(key, valid)
        means = f" {near}: {valid[near]}" if near else ""
        written.problem(whole, "unknown-key", f"`{key}` is not known here.", among(key, valid) + means)
    elif kind == "missing":
        description = keys_of(_model_at(model, found["loc"][:-1])).get(str(place[-1]), "")
        around = whole[:-1] if len(whole) > 1 else ()
        written.problem(around, "missing-key", f"`{place[-1]}:` is missing.", description)
    elif kind == "literal_error":
        valid = ctx["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        written.problem(whole, "bad-value", f"{what} is {_shown(value)}.", among(str(value), valid))
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        key = ctx["discriminator"].strip("'")
        tags = [tag.strip("'") for tag in ctx.get("expected_tags", "'" + "', '".join(BY_KIND) + "'").split(", ")]
        if kind == "union_tag_invalid":
            said = f"`{_named((*whole, key))}` is {_shown(ctx['tag'])}."
            written.problem((*whole, key), "bad-value", said, among(str(ctx["tag"]), tags))
        else:
            written.problem(whole, "missing-key", f"{what} has no `{key}:`.", f"Valid: {', '.join(tags)}.")
    elif kind == "string_pattern_mismatch":
        said = "lower-case letters, digits and dashes, at most 80, beginning with a letter or digit"
        written.problem(whole, "bad-name", f"{what} is {_shown(value)}, which is no name.", f"A name has {said}.")
    elif kind in BOUNDS:
        key, words = BOUNDS[kind]
        written.problem(
            whole, "bad-value", f"{what} is {_shown(value)}; it must be {words} {ctx[key]}.", "Mend the number."
        )
    elif kind in KINDS:
        wanted = KINDS[kind]
        if "cases" in whole and kind in CASE_VALUES:
            wanted = "a number, yes or no, or ~ for not known"
        quote = kind == "string_type" and not isinstance(value, dict | list) and value is not None
        hint = "Put it in quotes." if quote else f"Write {wanted}."
        written.problem(whole, "bad-value", f"{what} is {_shown(value)}, where {wanted} belongs.", hint)
    elif kind in ("too_short", "too_long", "string_too_long"):
        limit = ctx.get("min_length") or ctx.get("max_length")
        words = "at least" if kind == "too_short" else "at most"
        unit = "characters" if kind == "string_too_long" else "entries"
        written.problem(whole, "bad-value", f"{what} must have {words} {limit} {unit}.", "Mend its length.")
    else:
        said = str(ctx["error"]) if "error" in ctx else found["msg"]
        written.problem(whole, "bad-value", f"{what}: {said}.", "")


def _named(place: At) -> str:
    """A place as people say it: `cases 2 logins 3`, counted from 1."""
    return " ".join(str(step + 1) if isinstance(step, int) else step for step in place)


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    text = str(value)
    return f"'{text[:60]}...'" if len(text) > 60 else f"'{text}'"


def _model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    """The model whose keys stand at a location of pydantic's; its steps are keys, positions and union tags."""
    from beforehand.workspace.spec import CompoundSpec

    for step in loc:
        if step == COMPOUND:
            model = CompoundSpec
        elif model in BY_KIND.values() and step in BY_KIND:  # the tag of a channel, once `channels` was entered
            model = BY_KIND[str(step)]
        elif step != SENTENCE and isinstance(step, str):
            info = {(i.alias or name): i for name, i in model.model_fields.items()}.get(step)
            inner = _inner(info.annotation) if info else None
            model = inner or model
    return model


def _inner(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner(part))), None)
