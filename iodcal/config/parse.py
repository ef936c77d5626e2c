"""Reading sections: from plain values to structs, or to everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from iodcal.config.document import MOST_FAULTS, Document, KeyPath
from iodcal.config.fields import kind_of, suggest_nearest
from iodcal.config.forms import (
    Form,
    Key,
    ListForm,
    MappingForm,
    OptionalForm,
    Scalar,
    Section,
    SectionForm,
    SectionOrForm,
    keys_of,
)
from iodcal.config.secrets import Secret
from iodcal.domain.structs import replace
from iodcal.errors import ConfigurationError, Fault

_Section = TypeVar("_Section", bound=Section)


def section_of(kind: type[_Section], value: object) -> _Section:
    """`value` as a `kind`, as if it stood in a file that nobody but the caller can have written.

    Raises ValueError with all that is wrong.
    """
    wrong: list[str] = []
    made = Reader(lambda _, message: wrong.append(message), trusted=True).section(kind, value, ())
    if made is None:
        raise ValueError("; ".join(wrong))
    return made


class _FaultyError(Exception):
    """What is wrong has been told."""


class Reader:
    """Reads sections. What is wrong goes to `tell`, with its key path; `trusted` says that nobody but the
    caller can have written what is read, so that a secret's command may be run."""

    def __init__(self, tell: Callable[[KeyPath, str], None], *, trusted: bool) -> None:
        self._tell = tell
        self._trusted = trusted

    def section(
        self, kind: type[_Section], value: object, path: KeyPath, beside: Iterable[str] = ()
    ) -> _Section | None:
        """`value` as a `kind`; None once all that is wrong with it has been told.

        The keys `beside` are read by somebody else: they are only named where one is unknown.
        """
        try:
            return self._section(kind, value, path, beside)
        except _FaultyError:
            return None

    def what_is_right(
        self, kind: type[_Section], value: Mapping[str, object], otherwise: Mapping[str, object]
    ) -> _Section:
        """A file, `value` being all that stands in it; with `otherwise` for keys that it must have. What is
        wrong has been told, and is left out: of names and of a list only the entries that are."""
        keys = keys_of(kind)
        self._tell_keys(keys, value, ())
        made: dict[str, Any] = {}
        for name, key in keys.items():
            if name in value:
                with suppress(_FaultyError):
                    made[key.field] = self._right_part(key.form, value[name], (name,))
        return kind(**{**otherwise, **made}, _given=frozenset(made))

    def _right_part(self, form: Form, value: object, path: KeyPath) -> Any:
        if isinstance(form, MappingForm) and isinstance(value, dict):
            named: dict[Any, Any] = {}
            for key, entry in value.items():
                with suppress(_FaultyError):
                    named |= self._named(form, {key: entry}, path)
            return named
        if isinstance(form, ListForm) and isinstance(value, list) and value:
            listed = []
            for number, entry in enumerate(value):
                with suppress(_FaultyError):
                    listed.append(self._read(form.entry, entry, (*path, number)))
            return tuple(listed)
        return self._read(form, value, path)

    def _section(
        self, kind: type[_Section], value: object, path: KeyPath, beside: Iterable[str] = ()
    ) -> _Section:
        given = self._mapping(value, path)
        keys = keys_of(kind)
        right = self._tell_keys(keys, given, path, beside)
        made = self._each(
            (key.field, key.form, given[name], (*path, name)) for name, key in keys.items() if name in given
        )
        if not right:
            raise _FaultyError
        try:
            return kind(**made, _given=frozenset(made), _place=path)
        except ValueError as error:
            self._refuse(path, str(error))

    def _tell_keys(
        self, keys: Mapping[str, Key], given: Mapping[str, object], path: KeyPath, beside: Iterable[str] = ()
    ) -> bool:
        """True unless a key is unknown, or missing."""
        wrong = [(key, _unknown(key, {*keys, *beside})) for key in given if key not in keys]
        wrong += [(key, "this key is missing") for key in keys if keys[key].required and key not in given]
        for key, message in wrong:
            self._tell((*path, key), message)
        return not wrong

    def _read(self, form: Form, value: object, path: KeyPath) -> Any:
        match form:
            case Scalar():
                return self._scalar(form, value, path)
            case OptionalForm():
                return None if value is None else self._read(form.form, value, path)
            case ListForm():
                return tuple(self._each(self._entries(form, value, path)).values())
            case MappingForm():
                return self._named(form, value, path)
            case SectionForm():
                return self._section(form.section, value, path)
            case SectionOrForm():
                return self._read(form.nested if isinstance(value, dict) else form.other, value, path)

    def _scalar(self, form: Scalar, value: object, path: KeyPath) -> Any:
        try:
            made = form.parse(value)
        except ValueError as error:
            self._refuse(path, str(error))
        return replace(made, trusted=self._trusted) if isinstance(made, Secret) else made

    def _entries(self, form: ListForm, value: object, path: KeyPath) -> Iterator[_Part]:
        if form.alone and (value is None or (value == [] and form.least)):
            self._refuse(path, "an empty list says nothing")
        if not isinstance(value, list) and not form.alone:
            self._refuse(path, f"a list is wanted, not {kind_of(value)}")
        for number, entry in enumerate(value if isinstance(value, list) else [value]):
            yield number, form.entry, entry, (*path, number)

    def _named(self, form: MappingForm, value: object, path: KeyPath) -> dict[Any, Any]:
        given = self._mapping(value, path)
        faulty, names = False, {}
        try:
            names = self._each((key, form.name, key, (*path, key)) for key in given)
        except _FaultyError:
            faulty = True
        values = self._each((key, form.value, given[key], (*path, key)) for key in given)
        if faulty:
            raise _FaultyError
        first: dict[Any, str] = {}
        for key, name in names.items():
            if first.setdefault(name, key) != key:
                self._refuse(path, f"{key} and {first[name]} are the same")
        return {names[key]: values[key] for key in given}

    def _mapping(self, value: object, path: KeyPath) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._refuse(path, f"a mapping of keys is wanted, not {kind_of(value)}")
        return value

    def _each(self, parts: Iterable[_Part]) -> dict[Any, Any]:
        """The values of all parts, by their names; what is wrong with one hides nothing of the others."""
        made, faulty = {}, False
        for name, form, value, path in parts:
            try:
                made[name] = self._read(form, value, path)
            except _FaultyError:
                faulty = True
        if faulty:
            raise _FaultyError
        return made

    def _refuse(self, path: KeyPath, message: str) -> NoReturn:
        self._tell(path, message)
        raise _FaultyError from None


_Part = tuple[Any, Form, object, KeyPath]


def _unknown(key: str, known: Iterable[str]) -> str:
    names = sorted(known)
    return f"unknown key{suggest_nearest(key, names)} (known here: {', '.join(names)})"


class FaultList:
    """Collects what is wrong with one document. `trusted` says that nobody but the caller can have written
    it."""

    def __init__(self, document: Document, *, trusted: bool) -> None:
        self._document = document
        self._found: list[Fault] = []
        self._reader = Reader(self.add, trusted=trusted)

    def add(self, path: KeyPath, message: str) -> None:
        self._found.append(self._document.fault(path, message))
        if len(self._found) == MOST_FAULTS:
            self.raise_if_any()

    def read(
        self, section: type[_Section], value: object, path: KeyPath, beside: Iterable[str] = ()
    ) -> _Section | None:
        """`value` as a `section`, or None once its faults have been added; see `Reader.section`."""
        return self._reader.section(section, value, path, beside)

    def read_file(self, kind: type[_Section], value: Mapping[str, object], **otherwise: object) -> _Section:
        """All of a file that can be read; the faults of what cannot have been added. `otherwise` stands in
        for keys that it must have."""
        return self._reader.what_is_right(kind, value, otherwise)

    def raise_if_any(self) -> None:
        """Raises ConfigurationError with all faults in the order of their lines, those of a file that this
        one extends last."""
        if self._found:
            own = self._document.file
            ordered = sorted(self._found, key=lambda one: (one.file != own, one.line or 0, one.path))
            raise ConfigurationError(tuple(dict.fromkeys(ordered)))
