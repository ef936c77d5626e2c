"""What may stand at a key of the configuration: forms, made from the annotations of a section.

`reading` goes by them to read a file, `json_schema` to describe it to an editor.
"""

from __future__ import annotations

from collections import abc
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import fields

from iodcal.config.secrets import Secret

Json: TypeAlias = dict[str, Any]


class Section(Struct, frozen=True, kw_only=True):
    """A mapping with known keys only: the fields of a subclass, by their encoded names.

    What holds between its keys a subclass checks in `__post_init__`, which raises ValueError.
    """

    _given: frozenset[str] = frozenset()
    _place: tuple[str | int, ...] = ()

    @property
    def place(self) -> tuple[str | int, ...]:
        """Its key path in the file."""
        return self._place

    @property
    def given(self) -> frozenset[str]:
        """The fields that stand in the file; the others have their defaults."""
        return self._given


class Scalar(Struct, frozen=True, eq=False):
    """One value. `parse` makes it from what stands in the file, or raises ValueError with what is wrong;
    `shape` is its JSON Schema; `written` says how a value would stand in a file."""

    parse: Callable[[object], Any]
    shape: Json
    written: Callable[[Any], object] = str


class ListForm(Struct, frozen=True):
    """A list of `entry`; where `alone`, a single entry may stand for it; of no fewer entries than `least`."""

    entry: Form
    alone: bool = False
    least: int = 0


class MappingForm(Struct, frozen=True):
    """A mapping from names to values."""

    name: Form
    value: Form


class SectionForm(Struct, frozen=True):
    """A section within a section."""

    section: type[Section]


class SectionOrForm(Struct, frozen=True):
    """A mapping is read as the section, everything else as the other form."""

    nested: SectionForm
    other: Form


class OptionalForm(Struct, frozen=True):
    """A value, or nothing."""

    form: Form


Form: TypeAlias = Scalar | ListForm | MappingForm | SectionForm | SectionOrForm | OptionalForm

ONE_OR_MORE = "one or more"
"""Marks the annotation of a tuple whose single entry may stand for it, and which is never empty."""
ANY_NUMBER = "any number"
"""Marks the annotation of a tuple whose single entry may stand for it, and which may be empty."""


class Key(Struct, frozen=True):
    """What a section knows of a key: the field that holds its value, the form of it, whether it must be given
    (or what it is when it is not), and what it means, where its annotation says so (`msgspec.Meta`)."""

    field: str
    form: Form
    required: bool
    default: Any
    description: str | None


@cache
def keys_of(section: type[Section]) -> Mapping[str, Key]:
    """The keys of a section as they stand in a file, in the order of its fields.

    Raises TypeError for what is no section, and for an annotation that is no form.
    """
    if not (isinstance(section, type) and issubclass(section, Section)):
        raise TypeError(f"{section} is no iodcal.config.forms.Section")
    return {
        field.encode_name: Key(
            field.name,
            form_of(field.type),
            required=field.required,
            default=None if field.default is NODEFAULT else field.default,
            description=_description(field.type),
        )
        for field in fields(section)
        if not field.name.startswith("_")
    }


def secrets_in(value: object) -> Iterator[tuple[tuple[str | int, ...], Secret]]:
    """The secrets in a section's value, however deep, each with its key path."""
    if isinstance(value, Secret):
        yield (), value
    for key, inner in _parts(value):
        for path, secret in secrets_in(inner):
            yield (key, *path), secret


def _parts(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, Section):
        return ((name, getattr(value, key.field)) for name, key in keys_of(type(value)).items())
    if isinstance(value, abc.Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, tuple) else ()


def form_of(annotation: Any) -> Form:
    """The form that an annotation asks for. Raises TypeError where there is none."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _marked(*arguments)
    if origin in (Union, UnionType):
        return _one_of(arguments)
    if origin is tuple:
        return ListForm(form_of(arguments[0]))
    if origin is abc.Mapping:
        return MappingForm(form_of(arguments[0]), form_of(arguments[1]))
    if annotation is Secret:
        return Scalar(Secret.parse, Secret.SHAPE)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return SectionForm(annotation)
    raise TypeError(f"{annotation} is no form of a value: iodcal.config.fields has those that are")


def _marked(annotation: Any, *marks: object) -> Form:
    given = next((mark for mark in marks if isinstance(mark, (Scalar, SectionForm))), None)
    if given is not None:
        return given
    form = form_of(annotation)
    if isinstance(form, ListForm) and (ONE_OR_MORE in marks or ANY_NUMBER in marks):
        return ListForm(form.entry, alone=True, least=1 if ONE_OR_MORE in marks else 0)
    return form


def _one_of(annotations: tuple[Any, ...]) -> Form:
    forms = [form_of(one) for one in annotations if one is not NoneType]
    nested = next((form for form in forms if isinstance(form, SectionForm)), None)
    if len(forms) > 2 or (len(forms) == 2 and nested is None):
        raise TypeError(f"{annotations} are too many forms for one value: a section and another one can be")
    if nested is not None and len(forms) == 2:
        forms = [SectionOrForm(nested, next(form for form in forms if form is not nested))]
    return OptionalForm(forms[0]) if NoneType in annotations else forms[0]


def _description(annotation: Any) -> str | None:
    marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((mark.description for mark in marks if isinstance(mark, Meta)), None)
