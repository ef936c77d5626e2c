"""A YAML file as plain values, with the line of every key and value.

Scalars resolve as in YAML 1.2's core schema: `18:30`, `on` and `no` are texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from msgspec import Struct, field

from iodcal.errors import ConfigurationError, Fault

KeyPath: TypeAlias = tuple[str | int, ...]

_MOST_BYTES = 4 * 1024 * 1024
_MOST_NODES = 100_000
MOST_FAULTS = 100  # nobody reads more, and each looks for the nearest known key
_MOST_DEPTH = 64
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INTERPOLATED = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-((?:[^}$]|\$(?!\{))*))?\}")
_NODE_MARKS = b":-,[{?"  # before each node stands one of them, and a key may stand before that
_RESOLVER = yaml.SafeLoader("")
_STANDARD_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class WholeNumber(int):
    """A number that remembers how it was written, for where a text was meant."""

    source: str

    def __new__(cls, value: int, source: str) -> WholeNumber:
        number = super().__new__(cls, value)
        number.source = source
        return number


class DecimalNumber(float):
    """See `WholeNumber`."""

    source: str

    def __new__(cls, value: float, source: str) -> DecimalNumber:
        number = super().__new__(cls, value)
        number.source = source
        return number


class Document(Struct):
    """`value` is the top-level mapping; `lines` tells, by key path, the line of a key or list entry, and
    `elsewhere` the file of those that do not stand in `file`."""

    file: Path
    value: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    elsewhere: dict[KeyPath, Path] = field(default_factory=dict)

    def fault(self, path: KeyPath, message: str) -> Fault:
        """A fault at `path`, on its line or that of the nearest key above it that has one."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        file = self.elsewhere.get(known, self.file)
        return Fault(shown_path(path), message, file, self.lines.get(known, 1))


def shown_path(path: KeyPath) -> str:
    """A key path as people write it: `rules[2].match.longer_than`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def parse_document(file: Path, content: bytes, environment: Mapping[str, str]) -> Document:
    """Parses `content`. `${NAME}` in a text is filled in from `environment`.

    Raises ConfigurationError with every fault found: bad YAML, duplicate keys, unset variables.
    """
    if len(content) > _MOST_BYTES:
        raise ConfigurationError((Fault("", "larger than 4 MiB: that is no rules file", file),))
    _refuse_too_many_nodes(file, content)
    node = _compose(file, content)
    if not isinstance(node, yaml.MappingNode):
        raise ConfigurationError((Fault("", "not a mapping of keys such as `version: 1`", file, 1),))
    builder = _Builder(Document(file, {}), environment)
    builder.document.value = builder.build(node, ())
    if builder.faults:
        raise ConfigurationError(tuple(sorted(builder.faults, key=lambda fault: fault.line or 0)))
    return builder.document


def _refuse_too_many_nodes(file: Path, content: bytes) -> None:
    """Raises ConfigurationError before anything is built. A usual file is not even parsed for that."""
    if 2 * sum(content.count(mark) for mark in _NODE_MARKS) < _MOST_NODES:
        return
    number = depth = 0
    try:
        for event in yaml.parse(content, Loader=_LOADER):
            number += isinstance(event, yaml.NodeEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if number > _MOST_NODES:
                raise ConfigurationError((Fault("", f"more than {_MOST_NODES} values", file),))
            if depth > _MOST_DEPTH:  # the parser's own time grows with the square of it
                raise ConfigurationError((Fault("", "nested too deeply", file),))
    except (yaml.YAMLError, RecursionError):
        return  # told by whoever composes it


def _compose(file: Path, content: bytes) -> yaml.Node | None:
    try:
        return yaml.compose(content.decode("utf-8-sig"), Loader=_LOADER)
    except UnicodeDecodeError:
        raise ConfigurationError((Fault("", "not UTF-8 text", file),)) from None
    except RecursionError:
        raise ConfigurationError((Fault("", "nested too deeply", file),)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not YAML"
        line = mark.line + 1 if mark is not None else None
        raise ConfigurationError((Fault("", f"not valid YAML: {problem}", file, line),)) from None


class _Builder:
    """Turns nodes into values, keeping lines and collecting faults."""

    def __init__(self, document: Document, environment: Mapping[str, str]) -> None:
        self.document = document
        self.faults: list[Fault] = []
        self._environment = environment
        self._left = _MOST_NODES
        self._merging = 0  # how many << lie within each other: their paths do not grow

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        self._left -= 1
        if self._left < 0 or len(path) > _MOST_DEPTH or self._merging > _MOST_DEPTH:
            message = "too many values, or nested too deeply: anchors that repeat each other?"
            raise ConfigurationError((Fault(shown_path(path[:8]), message, self.document.file),))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._entry(child, (*path, number)) for number, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _entry(self, node: yaml.Node, path: KeyPath) -> Any:
        self.document.lines[path] = node.start_mark.line + 1
        return self.build(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, path, "a key is a plain text")
                continue
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key == _MERGE and not key_node.style:
                merged = {**self._merge(value_node, path), **merged}
                continue
            if key in own:
                self._fault(key_node, (*path, key), "this key stands twice")
            self.document.lines[*path, key] = line
            own[key] = self.build(value_node, (*path, key))
        return {**merged, **own}

    def _merge(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in nodes:
            if isinstance(part, yaml.MappingNode):
                self._merging += 1
                merged = {**self.build(part, path), **merged}
                self._merging -= 1
            else:
                self._fault(part, path, "<< takes a mapping, or a list of mappings")
        return merged

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        text = str(node.value)
        if not node.tag.startswith(_STANDARD_TAG):
            self._fault(node, path, f"the tag {node.tag} means nothing here")
            return text
        if isinstance(node, yaml.ScalarNode) and not node.style and not _said_to_be_text(node, text):
            value = _resolve(text)
            if not isinstance(value, str):
                return value
        return self._interpolated(node, text, path)

    def _interpolated(self, node: yaml.Node, text: str, path: KeyPath) -> str:
        def fill(found: re.Match[str]) -> str:
            if found[1] is None:
                return "${"
            value = self._environment.get(found[1])
            if value or (value is not None and found[2] is None):
                return value
            if found[2] is not None:
                return str(found[3])
            self._fault(node, path, f"${{{found[1]}}}: this environment variable is not set")
            return ""

        return _INTERPOLATED.sub(fill, text) if "$" in text else text

    def _fault(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        line = node.start_mark.line + 1
        self.faults.append(Fault(shown_path(path), message, self.document.file, line))
        if len(self.faults) == MOST_FAULTS:
            raise ConfigurationError(tuple(self.faults))


def _said_to_be_text(node: yaml.ScalarNode, text: str) -> bool:
    """True if somebody wrote `!!str`: the parser would not have taken a plain `text` for a text."""
    resolve: Callable[..., str] = _RESOLVER.resolve
    is_text = _STANDARD_TAG + "str"
    return node.tag == is_text and resolve(yaml.ScalarNode, text, (True, False)) != is_text


def _resolve(text: str) -> Any:
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text) and len(text) <= 40:
        return WholeNumber(int(text), text)
    if _OCTAL.fullmatch(text) and len(text) <= 40:
        return WholeNumber(int(text[2:], 8), text)
    if _HEX.fullmatch(text) and len(text) <= 40:
        return WholeNumber(int(text[2:], 16), text)
    if _FLOAT.fullmatch(text) and len(text) <= 40:
        return DecimalNumber(float(text), text)
    return text
