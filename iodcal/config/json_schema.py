"""The JSON Schema of `rules.yaml`, for editors: made from the models that the loader itself uses.

It says what a key takes and means. What holds between keys (a name that must exist, a tier that must be
sold) only the loader knows, so `iodcal check` has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from iodcal.config.plugins import CALENDARS, CARRIERS, KIND_BY_KEY, known_kinds, load_plugin
from iodcal.config.schema import CalendarSection, CarrierSection, File
from iodcal.domain.durations import format_duration
from iodcal.words.keys import KEYS

Json: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS = "#/$defs/{model}"
_FILLED_IN = {"type": "string", "pattern": r"\$\{"}  # any text may be filled in from the environment


def configuration_schema(kinds: Mapping[str, Iterable[str]] | None = None) -> Json:
    """The schema of the whole file, with the kinds of calendars and carriers that are installed here, or
    with `kinds` by the group of their entry points."""
    given = kinds or {group: known_kinds(group) for group in (CALENDARS, CARRIERS)}
    here = {group: sorted(of_group) for group, of_group in given.items()}
    definitions: Json = {}
    file = _of_model(File, definitions)
    properties = file["properties"]
    properties["calendars"]["additionalProperties"] = {
        "anyOf": [*_calendars(here[CALENDARS], definitions), _foreign(here[CALENDARS])]
    }
    properties["carriers"]["additionalProperties"] = {
        "anyOf": [*_carriers(here[CARRIERS], definitions), _foreign(here[CARRIERS])]
    }
    return {
        "$schema": DIALECT,
        "title": "The configuration of iodcal",
        **file,
        "patternProperties": {"^x-": {"description": "Yours: iodcal does not look at it."}},
        "$defs": dict(sorted(definitions.items())),
    }


def _calendars(kinds: Iterable[str], definitions: Json) -> Iterator[Json]:
    """One schema for each way to say what a calendar is."""
    for kind in kinds:
        plugin = load_plugin(CALENDARS, kind)
        made = _merged(_of_model(CalendarSection, definitions), _of_model(plugin.Options, definitions))
        made["properties"]["type"] = {"const": kind, "description": KEYS["Kind"]["calendar"]}
        named = [key for key, named_kind in KIND_BY_KEY.items() if named_kind == kind]
        if named:
            made.pop("required", None)
            made["anyOf"] = [{"required": [key]} for key in named]
        else:
            made["required"] = ["type", *made.get("required", [])]
        yield made


def _carriers(kinds: Iterable[str], definitions: Json) -> Iterator[Json]:
    for kind in kinds:
        plugin = load_plugin(CARRIERS, kind)
        made = _merged(_of_model(CarrierSection, definitions), _of_model(plugin.Options, definitions))
        made["properties"]["type"] = {"const": kind, "description": KEYS["Kind"]["carrier"]}
        made["required"] = ["type", *made.get("required", [])]
        yield made


def _foreign(kinds: Iterable[str]) -> Json:
    """A kind that is not installed where the schema was made: anything may stand there."""
    other = {"type": "string", "not": {"enum": sorted(kinds)}}
    return {"type": "object", "properties": {"type": other}, "required": ["type"]}


def _merged(common: Json, own: Json) -> Json:
    required = [*common.get("required", []), *own.get("required", [])]
    properties = {**common["properties"], **own["properties"]}
    return {**own, "properties": properties, **({"required": required} if required else {})}


def _of_model(model: type[BaseModel], definitions: Json) -> Json:
    """The schema of `model`; those that it refers to go to `definitions`."""
    made = model.model_json_schema(by_alias=True, ref_template=_DEFINITIONS, schema_generator=_Generator)
    for name, inner in made.pop("$defs", {}).items():
        definitions[name] = _polished(inner, name)
    return _polished(made, model.__name__)


class _Generator(GenerateJsonSchema):
    """pydantic's own, with defaults as people write them."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return format_duration(dft)
        if isinstance(dft, (bool, int, str)):
            return str(dft) if isinstance(dft, str) else dft
        return str(dft) if type(dft).__name__ == "Bandwidth" else None


def _polished(schema: Json, model: str) -> Json:
    """`schema` of a model, each key with its description, without what only says the same again."""
    described = KEYS.get(model, {})
    for key, value in schema.get("properties", {}).items():
        text = described.get(key) or value.get("description")
        schema["properties"][key] = {**_plain(value), **({"description": text} if text else {})}
    schema.pop("description", None)  # for those who read the code
    return _plain(schema)


def _plain(schema: Json) -> Json:
    """Without titles, and without null: a key that is not given is left out."""
    made = {key: value for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    if made.get("default", ...) is None:
        del made["default"]
    if made.get("enum") == ["show", "hide"] and "default" in made:
        made["default"] = "hide" if made["default"] else "show"
    if "enum" in made and "type" in made:
        made["anyOf"] = [{"enum": made.pop("enum")}, _FILLED_IN]
        del made["type"]
    if "anyOf" in made:
        ways = [_plain(way) for way in made["anyOf"] if way != {"type": "null"}]
        made = {**made, "anyOf": ways} if len(ways) > 1 else {**made, **ways[0]}
        if len(ways) == 1:
            del made["anyOf"]
    if isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = _plain(made["additionalProperties"])
    return made
