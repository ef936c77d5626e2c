"""Edits of a rules file as text: comments and layout stay as they are, only the value itself is another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml

from iodcal.analysis.advice import AddRule, Edit, KeyPath, SetKey

_MERGE = "<<"


class EditError(Exception):
    """The file is written in a way that this edit does not fit into."""


def edit_rules(text: str, edits: Iterable[Edit]) -> str:
    """`text` with `edits`. Raises EditError, which names what is in the way."""
    for edit in edits:
        text = _set_key(text, edit) if isinstance(edit, SetKey) else _add_rule(text, edit)
    return text


def baseline_places(text: str, circuits: Iterable[str]) -> dict[str, tuple[KeyPath, str]]:
    """Where the baseline of each of `circuits` stands, and what to call it. Circuits that share what stands
    there, by name or through an anchor, have the same place."""
    root = yaml.compose(text)
    found: dict[str, tuple[KeyPath, str]] = {}
    known: dict[int, tuple[KeyPath, str]] = {}
    for circuit in circuits:
        path: KeyPath = ("circuits", circuit, "baseline")
        name = f"the baseline of {circuit}"
        node = _walk(root, path)
        if node is None:
            path, name = ("defaults", "circuit", "baseline"), "the baseline of all circuits"
            node = _walk(root, path)
        if isinstance(node, yaml.ScalarNode):
            path, name = ("baselines", node.value), f"baseline {node.value}"
            node = _walk(root, path)
        mark = node.start_mark.index if node is not None else -1
        found[circuit] = known.setdefault(mark, (path, name))
    return found


def _walk(node: yaml.Node | None, path: Sequence[str | int]) -> yaml.Node | None:
    for key in path:
        node = _child(node, key)
    return node


def _child(node: yaml.Node | None, key: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
        return node.value[key] if key < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    own: dict[str | int, yaml.Node] = {name.value: value for name, value in node.value}
    if key in own:
        return own[key]
    merged = own.get(_MERGE)
    layers = merged.value if isinstance(merged, yaml.SequenceNode) else [merged]
    return next((found for layer in layers if (found := _child(layer, key)) is not None), None)


def _set_key(text: str, edit: SetKey) -> str:
    root = yaml.compose(text)
    node = _walk(root, edit.path)
    if node is None:
        return _insert_key(text, root, edit)
    if not isinstance(node, yaml.ScalarNode):
        raise EditError(f"{edit.path[-1]} is no single value")
    start, end = node.start_mark.index, node.end_mark.index
    if "${" in text[start:end]:
        raise EditError(f"{edit.path[-1]} is filled in from the environment")
    return text[:start] + edit.value + text[end:]


def _insert_key(text: str, root: yaml.Node | None, edit: SetKey) -> str:
    parent = _walk(root, edit.path[:-1])
    if not isinstance(parent, yaml.MappingNode) or not parent.value:
        raise EditError(f"there is no place for {edit.path[-1]}")
    line = f"{edit.path[-1]}: {edit.value}"
    last = max((value for _, value in parent.value), key=lambda value: value.end_mark.index)
    if parent.flow_style:
        at = last.end_mark.index
        return f"{text[:at]}, {line}{text[at:]}"
    column = parent.value[0][0].start_mark.column
    at = _end_of_line(text, _end_of(last))
    return f"{text[:at]}\n{' ' * column}{line}{text[at:]}"


def _add_rule(text: str, edit: AddRule) -> str:
    rules = _walk(yaml.compose(text), ("rules",))
    if not isinstance(rules, yaml.SequenceNode):
        raise EditError("there is no list of rules")
    if rules.flow_style:
        at = rules.end_mark.index - 1
        before = ", " if rules.value else ""
        return f"{text[:at]}{before}{{{', '.join(_flow_rule(edit))}}}{text[at:]}"
    at = _end_of_line(text, _end_of(rules.value[-1]))
    indent = " " * rules.start_mark.column
    first, *rest = _flow_rule(edit)
    lines = [f"{indent}- {first}", *(f"{indent}  {line}" for line in rest)]
    return "\n".join([text[:at], *lines]) + text[at:]


def _flow_rule(edit: AddRule) -> Iterator[str]:
    yield f"name: {_scalar(edit.name)}"
    yield f"calendars: [{_scalar(edit.calendar)}]"
    yield f"match: {{subject: {_scalar(edit.subject)}}}"
    yield f"circuits: [{', '.join(map(_scalar, edit.circuits))}]"
    yield f"bandwidth: {edit.bandwidth}"


def _scalar(text: str) -> str:
    """`text` as one value of YAML, on one line, in quotes where it needs some."""
    dumped: Any = yaml.safe_dump([text], default_flow_style=True, allow_unicode=True, width=10_000)
    return str(dumped).strip()[1:-1]


def _end_of(node: yaml.Node) -> int:
    """Where a value ends; a block's mark stands at the beginning of what comes behind it."""
    while isinstance(node, (yaml.MappingNode, yaml.SequenceNode)) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)


def _end_of_line(text: str, at: int) -> int:
    """The end of the line, behind a comment that stands there."""
    found = text.find("\n", at)
    return found if found >= 0 else len(text)
