"""From answers to the sections of `rules.yaml`, as plain values."""

from __future__ import annotations

from typing import Any

from iodcal.domain.bandwidth import Bandwidth
from iodcal.setup import Sheet

Section = dict[str, Any]


def microsoft365(sheet: Sheet) -> Section:
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


def carrier(sheet: Sheet) -> tuple[str, Section]:
    """The carrier's name, and its entry."""
    if sheet.get("carrier") == "sandbox":
        return "lab", {"type": "sandbox", "file": "sandbox.json"}
    section: Section = {
        "type": "lumen",
        "environment": "test" if sheet.get("carrier") == "lumen-test" else "production",
        "customer_number": sheet.get("customer"),
        "client_id": sheet.get("carrier-id"),
        "client_secret": sheet.get("carrier-secret"),
        "contact": sheet.get("contact"),
    }
    base_url = dict(sheet.get("server") or ()).get("carrier")
    return "lumen", {**section, **({"base_url": base_url} if base_url else {})}


def calendars(sheet: Sheet) -> Section:
    """The calendars, by name: the rooms of one site are one calendar."""
    made: Section = {key: {"mailbox": sheet.get(key)} for key in ("company", "noc") if sheet.get(key)}
    for site, address in sheet.get("room") or ():
        rooms = made.setdefault(f"rooms-{site}", {"site": site, "mailboxes": [], "subjects": "hide"})
        rooms["mailboxes"].append(address)
    return made


def baseline(sheet: Sheet) -> Section:
    """The ordinary week."""
    section: Section = {"off_peak": str(sheet.get("off-peak"))}
    peak = sheet.get("peak")
    if peak is not None:
        section["peaks"] = [{**peak, "bandwidth": str(peak["bandwidth"])}]
    return section


def circuits(sheet: Sheet) -> Section:
    """The circuits, by name."""
    return {
        circuit.name: {**({"site": circuit.site} if circuit.site else {}), "service_id": circuit.service_id}
        for circuit in sheet.get("circuit")
    }


def sites(sheet: Sheet) -> Section:
    """The sites; one without a zone of its own has the configuration's."""
    given = dict(sheet.get("site") or ())
    return {site: {"timezone": given.get(site, sheet.get("timezone"))} for site in sheet.sites}


def rules(sheet: Sheet) -> list[Section]:
    """The three usual rules, as far as there are calendars for them."""
    made: list[Section] = []
    if sheet.get("company"):
        match = {"subject": ["All-Hands", "Town Hall", "Live Stream"], "longer_than": "30m"}
        made.append(_rule("Company-wide events", ["company"], match, "all", "highest"))
    if sheet.get("noc"):
        made.append(_rule("Network operations", ["noc"], {}, "all", "highest"))
    rooms = [name for name in calendars(sheet) if name.startswith("rooms-")]
    if rooms:
        level = _above(sheet)
        made.append(_rule("Conference rooms", rooms, {"longer_than": "30m"}, "same_site", str(level)))
    return made


def _rule(
    name: str, calendar_names: list[str], match: Section, circuit_names: str, bandwidth: str
) -> Section:
    rule: Section = {"name": name, "calendars": calendar_names}
    return {**rule, **({"match": match} if match else {}), "circuits": circuit_names, "bandwidth": bandwidth}


def _above(sheet: Sheet) -> Bandwidth:
    """What a meeting in a room needs: the peak's bandwidth, else the next tier above the off-peak one."""
    if sheet.get("peak") is not None:
        level: Bandwidth = sheet.get("peak")["bandwidth"]
        return level
    tiers = sorted(sheet.get("tiers"))
    above: Bandwidth = next((tier for tier in tiers if tier > sheet.get("off-peak")), tiers[-1])
    return above
