"""All results as one contract: their JSON Schema, and the tables of the page that describes them.

Both are made from the view structs. A command with a new result adds its view to `RESULTS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin

from msgspec import inspect
from msgspec import json as msgspec_json

from iodcal.messages.errors import edge_words, failure_words
from iodcal.output.advice_view import AdviceReportView
from iodcal.output.costs_view import LookbackView
from iodcal.output.diff_view import DiffView
from iodcal.output.explain_view import ExplainedCircuitsView, ExplainedEventsView
from iodcal.output.fleet_view import TenantView
from iodcal.output.history_view import HistoryView
from iodcal.output.json import VERSION, CheckView, FailedView, PageView
from iodcal.output.operations_view import ActView, DoctorView, InitView
from iodcal.output.plan_view import PlanView
from iodcal.output.simulation_view import SimulationsView

RESULTS: Mapping[str, tuple[Any, ...]] = {
    "sync": (PlanView,),
    "plan": (PlanView, DiffView),
    "status": (PlanView,),
    "check": (CheckView,),
    "explain": (ExplainedCircuitsView, ExplainedEventsView),
    "history": (HistoryView,),
    "report": (LookbackView, PageView),
    "simulate": (SimulationsView,),
    "advise": (AdviceReportView,),
    **dict.fromkeys(("hold", "release", "pause", "resume", "park", "skip", "forget", "adopt"), (ActView,)),
    "init": (InitView,),
    "doctor": (DoctorView,),
    "fleet": (TenantView,),
}
"""The views of each command that prints an object; each may print a `FailedView` in their place."""


def results_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of every object that a command prints with `-o json`: `command` says which
    of them it is. Keys that are not named are allowed, since later versions add some."""
    kinds = [FailedView, *dict.fromkeys(kind for kinds in RESULTS.values() for kind in kinds)]
    found, parts = msgspec_json.schema_components(kinds, ref_template="#/$defs/{name}")
    by_kind = dict(zip(kinds, found, strict=True))
    failed = by_kind[FailedView]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Results of iodcal, version {VERSION}",
        "type": "object",
        "required": ["version", "command", "exit"],
        "properties": {"command": {"enum": [*RESULTS, "iodcal", "schema", "help"]}},
        "allOf": [
            {
                "if": {"properties": {"command": {"const": command}}},
                "then": {"anyOf": [*(by_kind[kind] for kind in kinds), failed]},
            }
            for command, kinds in RESULTS.items()
        ],
        "$defs": parts,
    }


def results_tables() -> str:
    """In Markdown: for each result and each object in it, what it is, and its keys with their types."""
    commands = _commands_by_kind()
    lines: list[str] = []
    for kind in _objects([*commands, FailedView]):
        printed = f"Printed by {', '.join(commands[kind.cls])}. " if kind.cls in commands else ""
        about = _flat((get_origin(kind.cls) or kind.cls).__doc__)
        lines += [f"### {_name(kind)}", "", *filter(None, [f"{printed}{about}".strip()])]
        lines += ["", "| key | type |", "|---|---|"]
        if kind.tag_field:
            lines.append(f"| `{kind.tag_field}` | number, {kind.tag} |")
        for field in kind.fields:
            absent = "" if field.required else "; may be absent"
            lines.append(f"| `{field.encode_name}` | {_type(field.type)}{absent} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def codes_table() -> str:
    """In Markdown: each code of an `error`, with its exit status and words; then those of edges."""
    lines = ["| code | exit status | message, with facts in braces | remedy |", "|---|---|---|---|"]
    for code, (status, words) in failure_words().items():
        lines.append(f"| `{code}` | {int(status)} | {_cell(words.message)} | {_cell(words.remedy)} |")
    lines += ["", "| code of an edge | message | remedy |", "|---|---|---|"]
    for code, words in edge_words().items():
        lines.append(f"| `{code}` | {_cell(words.message)} | {_cell(words.remedy)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _commands_by_kind() -> dict[Any, tuple[str, ...]]:
    pairs = [(kind, command) for command, kinds in RESULTS.items() for kind in kinds]
    return {kind: tuple(f"`{name}`" for one, name in pairs if one == kind) for kind, _ in pairs}


def _objects(kinds: Iterable[Any]) -> list[inspect.StructType]:
    """Each of `kinds`, then each object that one of them holds, by name."""
    seen: dict[Any, inspect.StructType] = {}

    def visit(found: object) -> None:
        if isinstance(found, inspect.StructType) and found.cls not in seen:
            seen[found.cls] = found
            for field in found.fields:
                visit(field.type)
        for part in _parts(found):
            visit(part)

    roots = [inspect.type_info(kind) for kind in kinds]
    for root in roots:
        visit(root)
    inner = [found for found in seen.values() if found not in roots]
    return [root for root in roots if isinstance(root, inspect.StructType)] + sorted(inner, key=_name)


def _parts(found: object) -> Iterator[inspect.Type]:
    match found:
        case inspect.UnionType(types=types):
            yield from types
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            yield item
        case inspect.DictType(value_type=value):
            yield value


def _name(kind: inspect.StructType) -> str:
    """`Cause` of `CauseView`; `Report of Circuit` of `ReportView[CircuitView]`."""
    names = (kind.cls, *get_args(kind.cls))
    return " of ".join(str(one.__name__).removesuffix("View") for one in names)


_TYPES: Mapping[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.BoolType: "true or false",
    inspect.DateTimeType: "time",
    inspect.DateType: "day",
    inspect.DecimalType: "decimal as text",
    inspect.NoneType: "null",
    inspect.AnyType: "any",
}


def _type(found: inspect.Type) -> str:
    match found:
        case inspect.UnionType(types=types):
            return " or ".join(sorted(map(_type, types), key="null".__eq__))
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return f"list of {_type(item)}"
        case inspect.DictType(value_type=value):
            return f"object, each value {_type(value)}"
        case inspect.StructType():
            return f"[{_name(found)}](#{_name(found).lower().replace(' ', '-')})"
        case inspect.EnumType(cls=values):
            return "one of " + ", ".join(f"`{one.value}`" for one in values)
        case _:
            return _TYPES[type(found)]


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())
