"""Foreign JSON, read property by property with its type checked: nothing of it is taken on trust."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from iodcal.errors import CalendarError

_Kind = TypeVar("_Kind")

_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}


def wrong(path: str, wanted: str, found: object) -> CalendarError:
    """The error for a property that is not what it must be. Says what kind of thing was found, never what."""
    return CalendarError("answer_wrong", property=path, wanted=wanted, found=_KINDS[type(found)])


class JsonObject:
    """A JSON object; `path` names it in errors. A property that is absent and one that is null are the same.

    Every method raises CalendarError (`answer_wrong`) where a property is of another kind.
    """

    __slots__ = ("_path", "_values")

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise wrong(path or "the answer", _KINDS[dict], value)
        self._values: dict[str, object] = value
        self._path = path

    def path(self, name: str) -> str:
        """The full name of the property `name`, for errors."""
        return f"{self._path}.{name}" if self._path else name

    def text(self, name: str) -> str:
        """The text, or an empty one. Half of a surrogate pair, which no file could hold, becomes `?`."""
        return _clean(self._get(name, str) or "")

    def flag(self, name: str) -> bool:
        return self._get(name, bool) or False

    def object(self, name: str) -> JsonObject:
        """The object, or an empty one."""
        return JsonObject(self._get(name, dict) or {}, self.path(name))

    def has(self, name: str) -> bool:
        """True if the property is there and not null."""
        return self._values.get(name) is not None

    def spelt(self, names: Collection[str]) -> tuple[str, ...]:
        """The properties that are there, not null, and case-folded one of `names`."""
        return tuple(name for name in self._values if name.casefold() in names and self.has(name))

    def objects(self, name: str) -> tuple[JsonObject, ...]:
        """The list's objects; an absent list is empty."""
        items = self._get(name, list) or []
        return tuple(JsonObject(item, f"{self.path(name)}[{index}]") for index, item in enumerate(items))

    def texts(self, name: str) -> tuple[str, ...]:
        """The list's texts; an absent list is empty."""
        items = self._get(name, list) or []
        for index, item in enumerate(items):
            if not isinstance(item, str):
                raise wrong(f"{self.path(name)}[{index}]", _KINDS[str], item)
        return tuple(_clean(item) for item in items)

    def _get(self, name: str, kind: type[_Kind]) -> _Kind | None:
        value = self._values.get(name)
        if value is None:
            return None
        # By `type`, not by `isinstance`: to Python, but not to JSON, true is a number.
        if type(value) is not kind:
            raise wrong(self.path(name), _KINDS[kind], value)
        return value


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
