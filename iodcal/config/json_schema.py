"""The JSON Schema of `rules.yaml`, for editors: made from the sections that the loader itself reads.

It says what a key takes and means. What holds between keys (a name that must exist, a tier that must be
sold) only the loader knows, so `iodcal check` has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from iodcal.config.fields import FILLED_IN, one_or_list
from iodcal.config.forms import (
    Either,
    Form,
    Json,
    Key,
    Listed,
    Maybe,
    Named,
    Nested,
    Scalar,
    Section,
    keys_of,
)
from iodcal.config.plugins import CALENDARS, CARRIERS, KIND_BY_KEY, known_kinds, load_plugin
from iodcal.config.schema import CalendarSection, CarrierSection, File
from iodcal.errors import ConfigurationError, Fault
from iodcal.words.keys import KEYS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OR_FILLED_IN = f"|{FILLED_IN['pattern']}"  # a value may be; a key never is


def configuration_schema(kinds: Mapping[str, Iterable[str]] | None = None) -> Json:
    """The schema of the whole file, with the kinds of calendars and carriers that are installed here, or
    with `kinds` by the group of their entry points. Raises ConfigurationError for one that does not load."""
    given = kinds or {group: known_kinds(group) for group in (CALENDARS, CARRIERS)}
    here = {group: sorted(of_group) for group, of_group in given.items()}
    definitions: Json = {}
    file = _of_section(File, definitions)
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
        plugin = _plugin(CALENDARS, kind)
        made = _merged(_of_section(CalendarSection, definitions), _of_section(plugin.Options, definitions))
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
        plugin = _plugin(CARRIERS, kind)
        made = _merged(_of_section(CarrierSection, definitions), _of_section(plugin.Options, definitions))
        made["properties"]["type"] = {"const": kind, "description": KEYS["Kind"]["carrier"]}
        made["required"] = ["type", *made.get("required", [])]
        yield made


def _plugin(group: str, kind: str) -> Any:
    try:
        return load_plugin(group, kind)
    except ValueError as error:
        raise ConfigurationError((Fault(f"{group}.{kind}", str(error)),)) from None


def _foreign(kinds: Iterable[str]) -> Json:
    """A kind that is not installed where the schema was made: anything may stand there."""
    other = {"type": "string", "not": {"enum": sorted(kinds)}}
    return {"type": "object", "properties": {"type": other}, "required": ["type"]}


def _merged(common: Json, own: Json) -> Json:
    required = [*common.get("required", []), *own.get("required", [])]
    properties = {**common["properties"], **own["properties"]}
    return {**own, "properties": properties, **({"required": required} if required else {})}


def _of_section(section: type[Section], definitions: Json) -> Json:
    """The schema of `section`; those of the sections within it go to `definitions`."""
    described = KEYS.get(section.__name__, {})
    keys = keys_of(section)
    made = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: _of_key(key, described.get(name) or key.description, definitions)
            for name, key in keys.items()
        },
    }
    required = [name for name, key in keys.items() if key.required]
    return {**made, "required": required} if required else made


def _of_key(key: Key, description: str | None, definitions: Json) -> Json:
    made = dict(_of_form(key.form, definitions))
    if isinstance(key.form, Scalar) and key.default not in (None, frozenset()):
        made["default"] = key.form.written(key.default)
    return {**made, "description": description} if description else made


def _of_form(form: Form, definitions: Json) -> Json:
    match form:
        case Scalar():
            return form.shape
        case Maybe():  # a key that is not given is left out
            return _of_form(form.form, definitions)
        case Listed():
            entry = _of_form(form.entry, definitions)
            return one_or_list(entry, least=form.least) if form.alone else {"type": "array", "items": entry}
        case Named():
            pattern = _of_form(form.name, definitions).get("pattern", "").removesuffix(_OR_FILLED_IN)
            patterns = {"propertyNames": {"pattern": pattern}} if pattern else {}
            return {
                "type": "object",
                "additionalProperties": _of_form(form.value, definitions),
                **patterns,
            }
        case Nested():
            name = form.section.__name__
            definitions[name] = _of_section(form.section, definitions)
            return {"$ref": f"#/$defs/{name}"}
        case Either():
            return {"anyOf": [_of_form(form.other, definitions), _of_form(form.nested, definitions)]}
