"""What is wrong with one file, told all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from iodcal.config.document import MOST_FAULTS, Document, KeyPath
from iodcal.config.forms import Section
from iodcal.config.reading import Reader
from iodcal.errors import ConfigurationError, Fault

_Section = TypeVar("_Section", bound=Section)


class Faults:
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
        """Raises ConfigurationError with all faults in the order of their lines."""
        if self._found:
            ordered = sorted(self._found, key=lambda fault: (fault.line or 0, fault.path))
            raise ConfigurationError(tuple(dict.fromkeys(ordered)))
