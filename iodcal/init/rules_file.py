"""From answers to the sections of `rules.yaml`, as plain values."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iodcal.config.json_schema import configuration_schema
from iodcal.config.load import load_configuration_copy
from iodcal.domain.bandwidth import Bandwidth
from iodcal.errors import SetupError, UsageError
from iodcal.init import Answers
from iodcal.init.answers import chosen_carrier
from iodcal.store.files import umasked, write_new

Section = dict[str, Any]


def microsoft365_section(sheet: Answers) -> Section:
    """The section `microsoft365`."""
    ids = {"tenant_id": sheet.get("tenant"), "client_id": sheet.get("client")}
    section: Section = {key: value for key, value in ids.items() if value}
    kind = sheet.get("credential")
    if kind == "managed-identity":
        section["managed_identity"] = True
    else:
        section["certificate" if kind == "certificate" else "client_secret"] = sheet.get("secret")
    if sheet.get("cloud") != "global":
        section["cloud"] = sheet.get("cloud")
    servers = dict(sheet.get("server") or ())
    return {**section, **{key: servers[key] for key in ("authority", "graph") if key in servers}}


def carrier_section(sheet: Answers) -> tuple[str, Section]:
    """The carrier's name, and its entry."""
    chosen, servers = chosen_carrier(sheet), dict(sheet.get("server") or ())
    if chosen.type == "sandbox":
        return "lab", {"type": "sandbox", "file": "sandbox.json"}
    section: Section = {
        "type": chosen.type,
        "environment": chosen.environment,
        "customer_number": sheet.get("customer"),
        "client_id": sheet.get("carrier-id"),
        "client_secret": sheet.get("carrier-secret"),
        "contact": sheet.get("contact"),
        "base_url": servers.get("carrier"),
        "token_url": servers.get("login"),
    }
    return chosen.type, {key: value for key, value in section.items() if value}


def calendars_section(sheet: Answers) -> Section:
    """The calendars, by name: the rooms of one site are one calendar."""
    made: Section = {key: {"mailbox": sheet.get(key)} for key in ("company", "noc") if sheet.get(key)}
    for site, address in sheet.get("room") or ():
        rooms = made.setdefault(f"rooms-{site}", {"site": site, "mailboxes": [], "subjects": "hide"})
        rooms["mailboxes"].append(address)
    return made


def baseline_section(sheet: Answers) -> Section:
    """The ordinary week."""
    section: Section = {"off_peak": str(sheet.get("off-peak"))}
    peak = sheet.get("peak")
    if peak is not None:
        section["peaks"] = [{**peak, "bandwidth": str(peak["bandwidth"])}]
    return section


def circuits_section(sheet: Answers) -> Section:
    """The circuits, by name."""
    return {
        circuit.name: {**({"site": circuit.site} if circuit.site else {}), "service_id": circuit.service_id}
        for circuit in sheet.get("circuit")
    }


def sites_section(sheet: Answers) -> Section:
    """The sites; one without a zone of its own has the configuration's."""
    given = dict(sheet.get("site") or ())
    return {site: {"timezone": given.get(site, sheet.get("timezone"))} for site in sheet.sites}


def rules_section(sheet: Answers) -> list[Section]:
    """The three usual rules, as far as there are calendars for them."""
    made: list[Section] = []
    if sheet.get("company"):
        match = {"subject": ["All-Hands", "Town Hall", "Live Stream"], "longer_than": "30m"}
        made.append(
            _rule("Company-wide events", ["company"], match=match, circuit_names="all", bandwidth="highest")
        )
    if sheet.get("noc"):
        # A week's "On call" is no work, and a DR test names its circuit.
        rule = _rule(
            "Network operations",
            ["noc"],
            match={"all_day": False},
            circuit_names="named_in_event",
            bandwidth=str(_above(sheet)),
        )
        made.append({**rule, "longest": "12h"})
    rooms = [name for name in calendars_section(sheet) if name.startswith("rooms-")]
    if rooms:
        level = _above(sheet)
        made.append(
            _rule(
                "Conference rooms",
                rooms,
                match={"longer_than": "30m", "all_day": False},
                circuit_names="same_site",
                bandwidth=str(level),
            )
        )
    return made


def _rule(
    name: str, calendar_names: list[str], match: Section, circuit_names: str, bandwidth: str
) -> Section:
    rule: Section = {"name": name, "calendars": calendar_names}
    return {**rule, **({"match": match} if match else {}), "circuits": circuit_names, "bandwidth": bandwidth}


def _above(sheet: Answers) -> Bandwidth:
    """What rooms and network operations need: the peak's bandwidth, else the tier above the off-peak one."""
    if sheet.get("peak") is not None:
        level: Bandwidth = sheet.get("peak")["bandwidth"]
        return level
    tiers = sorted(sheet.get("tiers"))
    above: Bandwidth = next((tier for tier in tiers if tier > sheet.get("off-peak")), tiers[-1])
    return above


SCHEMA_NAME = "rules.schema.json"
# What YAML takes for a text without quotes: a word, an address, a UUID, a rate, a length of time.
_PLAIN = re.compile(
    r"[A-Za-z_]([A-Za-z0-9_./@ -]*[A-Za-z0-9_./@-])?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[0-9]+ [MG]bps|[0-9]+[mh]"
)
_NOT_PLAIN = frozenset({"true", "false", "null"})


def rules_text(sheet: Answers) -> str:
    """The whole file. No secret is in it: the answers hold references only."""
    return "\n".join(_lines(sheet)) + "\n"


def _lines(sheet: Answers) -> Iterator[str]:
    name, carrier = carrier_section(sheet)
    yield f"# yaml-language-server: $schema={SCHEMA_NAME}"
    yield "# Which calendars to read, which circuits to raise, by which rules. No secret stands here."
    yield "version: 1"
    yield f"timezone: {_flow(sheet.get('timezone'))}"
    yield ""
    yield "settings:"
    yield "  orders: none                    # observe only; after some weeks `ups`, then `all`"
    yield "  every: 5m                       # the longest time between two runs of the timer"
    yield "  lead: 45m                       # circuits are at tier so long before an event begins"
    yield f"  organizers: {_flow(list(sheet.get('organizer')))}   # only their events count"
    yield from _block("microsoft365", microsoft365_section(sheet))
    yield from _block("sites", sites_section(sheet))
    yield from _block("calendars", calendars_section(sheet))
    yield ""
    yield "carriers:"
    yield f"  {name}:"
    yield from (f"    {_flow(key)}: {_flow(value)}" for key, value in carrier.items())
    yield from _baseline(sheet)
    tiers = [str(tier) for tier in sorted(set(sheet.get("tiers")))]
    defaults = {"circuit": {"carrier": name, "tiers": tiers, "baseline": "office"}}
    yield from _block("defaults", defaults)
    yield from _block("circuits", circuits_section(sheet))
    yield ""
    yield "rules:"
    for rule in rules_section(sheet):
        if rule["circuits"] == "same_site":
            yield "  # a room shows its organizer's name as the subject: match no keyword"
        first, *others = rule.items()
        yield f"  - {first[0]}: {_flow(first[1])}"
        yield from (f"    {key}: {_flow(value)}" for key, value in others)


def _baseline(sheet: Answers) -> Iterator[str]:
    section = baseline_section(sheet)
    yield ""
    yield "baselines:"
    yield "  office:                         # the ordinary week needs no calendar"
    yield f"    off_peak: {_flow(section['off_peak'])}"
    if "peaks" in section:
        yield "    peaks:"
        yield from (f"      - {_flow(peak)}" for peak in section["peaks"])


def _block(key: str, section: dict[str, Any]) -> Iterator[str]:
    if section:
        yield ""
        yield f"{key}:"
        yield from (f"  {_flow(name)}: {_flow(value)}" for name, value in section.items())


def _flow(value: Any) -> str:
    """`value` in one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.casefold() not in _NOT_PLAIN:
        return text
    # JSON's texts are YAML's; `${` would be filled in from the environment.
    return json.dumps(text.replace("${", "$${"), ensure_ascii=False)


def refuse_existing(path: Path) -> None:
    """Raises UsageError where there is something at `path` already, SetupError where one may not look."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise SetupError("init_unwritable", path=str(path), reason=error.strerror) from None
    raise UsageError("init_exists", path=str(path))


def checked_text(sheet: Answers, path: Path) -> str:
    """The text of the rules file. Raises ConfigurationError where it would not load."""
    text = rules_text(sheet)
    load_configuration_copy(text.encode(), path, trusted=True)
    return text


def write_files(path: Path, text: str) -> tuple[Path, ...]:
    """Writes the rules file and, unless there is one, the schema beside it; what was written.

    Raises UsageError where the rules file has appeared meanwhile, SetupError where it cannot be written.
    """
    schema = path.with_name(SCHEMA_NAME)
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        _write_rules(path, text)
    except OSError as error:
        raise SetupError("init_unwritable", path=str(path), reason=error.strerror) from None
    written = [path]
    with contextlib.suppress(OSError):  # a convenience: an editor does without
        _write_new(schema, json.dumps(configuration_schema(), indent=2) + "\n")
        written.append(schema)
    return tuple(written)


def _write_rules(path: Path, text: str) -> None:
    try:
        _write_new(path, text)
    except FileExistsError:
        raise UsageError("init_exists", path=str(path)) from None


def _write_new(path: Path, text: str) -> None:
    """Whoever runs the timer must read it, and only the caller may change it. Raises OSError."""
    write_new(path, text.encode("utf-8"), mode=umasked(0o644))
