"""From pydantic's errors to faults: what was found, what is allowed, the nearest known word."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from iodcal.config.document import Document, KeyPath
from iodcal.config.fields import kind_of, nearest
from iodcal.errors import ConfigurationError, Fault

_Model = TypeVar("_Model", bound=BaseModel)

_WANTED = {
    "model_type": "a mapping of keys is wanted",
    "model_attributes_type": "a mapping of keys is wanted",
    "dict_type": "a mapping of keys is wanted",
    "mapping_type": "a mapping of keys is wanted",
    "list_type": "a list is wanted",
    "tuple_type": "a list is wanted",
    "bool_type": "true or false is wanted",
    "bool_parsing": "true or false is wanted",
    "int_type": "a whole number is wanted",
    "int_parsing": "a whole number is wanted",
    "string_type": "a text is wanted",
}


# What pydantic puts into a path though it is no key of the file.
_NOT_KEYS = ("[key]", "[list]", "[named]")


class Faults:
    """Collects what is wrong with one document; `checked` raises it all at once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: list[Fault] = []

    def add(self, path: KeyPath, message: str) -> None:
        self._found.append(self._document.fault(path, message))

    def validate(
        self, model: type[_Model], value: object, path: KeyPath, context: Mapping[str, object]
    ) -> _Model | None:
        """`value` as a `model`, or None once its faults have been added."""
        try:
            return model.model_validate(value, context=dict(context))
        except ValidationError as error:
            for details in error.errors(include_url=False):
                self.add(*_told(model, details, path))
            return None

    def raise_if_any(self) -> None:
        """Raises ConfigurationError with all faults in the order of their lines."""
        if self._found:
            ordered = sorted(self._found, key=lambda fault: (fault.line or 0, fault.path))
            raise ConfigurationError(tuple(dict.fromkeys(ordered)))


def _told(model: type[BaseModel], details: ErrorDetails, path: KeyPath) -> tuple[KeyPath, str]:
    place = tuple(part for part in details["loc"] if part not in _NOT_KEYS)
    kind = details["type"]
    if kind == "extra_forbidden":
        known = sorted(_keys_at(model, place[:-1]))
        return (
            *path,
            *place,
        ), f"unknown key{nearest(str(place[-1]), known)} (known here: {', '.join(known)})"
    if kind == "missing":
        return (*path, *place), "this key is missing"
    if kind == "value_error":
        return (*path, *place), str(details.get("ctx", {}).get("error", details["msg"]))
    if kind in _WANTED:
        return (*path, *place), f"{_WANTED[kind]}, not {kind_of(details['input'])}"
    message = details["msg"][:1].lower() + details["msg"][1:]
    return (*path, *place), f"{message}, found {kind_of(details['input'])}"


def _keys_at(model: type[BaseModel], place: tuple[str | int, ...]) -> Iterator[str]:
    """The keys that the model at `place` inside `model` knows."""
    here: Any = model
    for part in place:
        if isinstance(part, str) and _is_model(here) and _field(here, part) is not None:
            here = _field(here, part)
        elif not _is_model(here):
            continue  # the key or number of an entry, whose type is already at hand
        here = _inner(here)
    if _is_model(here):
        yield from (field.alias or name for name, field in here.model_fields.items())


def _field(model: Any, key: str) -> Any:
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return field.annotation
    return None


def _inner(annotation: Any) -> Any:
    """The model within `annotation`, or within the entries of its list or mapping."""
    if _is_model(annotation):
        return annotation
    if get_origin(annotation) is Annotated:
        return _inner(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType, tuple, list, dict, Mapping) or get_args(annotation):
        found = [_inner(part) for part in get_args(annotation)]
        return next((part for part in found if _is_model(part)), annotation)
    return annotation


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
