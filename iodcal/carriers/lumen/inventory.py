"""Lumen's inventory: what it says of one service, whatever the names it says it by.

A value may come under another name, never with another meaning: two names that disagree make the answer
wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from iodcal.carriers import ListedCircuit
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Reading, Status, fold_status
from iodcal.errors import CarrierError
from iodcal.redaction import redact_credentials

_STATUSES = {"active": Status.ACTIVE, "change pending": Status.PENDING}
_NEEDED = frozenset({"bandwidth", "uni service id"})
_UNITS = {"mbps": "Mbps", "gbps": "Gbps"}
NO_SPEED_TEXT: Mapping[str, str] = MappingProxyType({})


class Service(Struct, frozen=True):
    """One circuit as the inventory has it. What it does not tell is None."""

    service_id: str
    status_text: str
    bandwidth: Bandwidth | None
    master_site_id: str | None
    data_center: bool
    partner_id: str | None
    uni_service_id: str | None
    billing_account_id: str | None
    billing_account_name: str | None

    def reading(self, at: datetime) -> Reading:
        """What this says of the circuit; a status that nobody has seen before is UNKNOWN."""
        status = _STATUSES.get(fold_status(self.status_text), Status.UNKNOWN)
        return Reading(at, status, self.bandwidth, redact_credentials(self.status_text))


def find_service(
    document: Any, service_id: str, speed_text: Mapping[str, str] = NO_SPEED_TEXT
) -> Service | None:
    """The service of that very ID in an inventory answer, or None. Raises CarrierError."""
    found = [entry for entry in entries(document) if _text(entry, "serviceId", "id") == service_id]
    if not found:
        return None
    services = {_service(entry, service_id, speed_text) for entry in found}
    if len(services) > 1:
        raise _wrong(f"the service {service_id} stands twice, and differently")
    return services.pop()


def listed(document: Any, speed_text: Mapping[str, str] = NO_SPEED_TEXT) -> Iterator[ListedCircuit]:
    """Every service of an inventory answer; one that makes no sense without what it should say."""
    for entry in entries(document):
        service_id = _text(entry, "serviceId", "id")
        if service_id is None:
            continue
        try:
            service = _service(entry, service_id, speed_text)
        except CarrierError:
            yield ListedCircuit(service_id, None, "unclear")
        else:
            yield ListedCircuit(service_id, service.bandwidth, service.status_text, service.master_site_id)


def service_ids(document: Any) -> set[str]:
    """The IDs of the services in an inventory answer. Raises CarrierError."""
    return {service_id for entry in entries(document) if (service_id := _text(entry, "serviceId", "id"))}


def entries(document: Any) -> list[Mapping[str, Any]]:
    """The inventory's entries. Raises CarrierError where there is no list of them."""
    wrapper = document if isinstance(document, dict) else {}
    told = [wrapper[name] for name in ("serviceInventory", "services") if wrapper.get(name) is not None]
    if len(told) > 1 and told[0] != told[1]:
        raise _wrong("two lists of services that differ")
    listed = told[0] if told else None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise _wrong("no list serviceInventory")
    return listed


def _service(entry: Mapping[str, Any], service_id: str, speed_text: Mapping[str, str]) -> Service:
    product = _mapping(entry, "product")
    location, profile = _mapping(entry, "location"), _mapping(entry, "locationProfile")
    account = _mapping(entry, "billingAccount")
    traits, others = _characteristics(product), _characteristics(entry)
    return Service(
        service_id=service_id,
        status_text=_status(product, entry),
        bandwidth=_bandwidth((traits.get("bandwidth"), others.get("bandwidth")), entry, speed_text),
        master_site_id=_one(
            "the site", _text(location, "masterSiteid", "masterSiteId"), _text(entry, "masterSiteId")
        ),
        data_center=_flag(profile.get("dataCenter")),
        partner_id=_text(_mapping(profile, "relatedParty"), "id"),
        uni_service_id=_one(
            "the UNI",
            traits.get("uni service id"),
            others.get("uni service id"),
            _text(entry, "mUniServiceId"),
        ),
        billing_account_id=_one("the account", _text(account, "id"), _text(entry, "billingAccountId")),
        billing_account_name=_text(account, "name"),
    )


def _status(product: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """The status as it is written. The product's own counts, whatever the entry around it is said to be; but
    a change that either says is pending is waited for. Raises CarrierError where there is none."""
    told = [text for holder in (product, entry) if (text := _text(holder, "status")) is not None]
    if not told:
        raise _wrong("no status")
    return next((text for text in told if _STATUSES.get(fold_status(text)) is Status.PENDING), told[0])


def _characteristics(holder: Mapping[str, Any]) -> dict[str, str]:
    """The values of a holder's characteristics that are needed. Raises CarrierError where one has two."""
    found: dict[str, str] = {}
    for name, value in _named_values(holder):
        if name in _NEEDED and found.setdefault(name, value) != value:
            raise _wrong(f"two values for {name} that differ")
    return found


def _named_values(holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    listed = holder.get("productCharacteristic")
    for trait in listed if isinstance(listed, list) else ():
        if isinstance(trait, dict) and isinstance(trait.get("name"), str):
            value = trait.get("value")
            if isinstance(value, (str, int, float)) and not isinstance(value, bool):
                yield trait["name"].strip().casefold(), str(value).strip()


def _bandwidth(
    told: Iterable[str | None], entry: Mapping[str, Any], speed_text: Mapping[str, str]
) -> Bandwidth | None:
    flat = entry.get("bandwidth")
    if flat is not None:
        unit = _UNITS.get(str(entry.get("bandwidthUnit", "Mbps")).casefold())
        flat_text = str(flat) if isinstance(flat, str) and not flat.isdecimal() else f"{flat} {unit}"
    texts = (*told, flat_text if flat is not None else None)
    readings = {_parse(one, speed_text) for one in texts if one is not None}
    if len(readings) > 1:
        raise _wrong("two bandwidths that differ")
    return readings.pop() if readings else None


def parse_speed(text: str, speed_text: Mapping[str, str]) -> Bandwidth:
    """The bandwidth that a text of Lumen's means, by `speed_text` (tier to text) where that has it. Raises
    ValueError."""
    meant = (tier for tier, known in speed_text.items() if fold_status(known) == fold_status(text))
    return Bandwidth.parse(next(meant, text))


def _parse(text: str, speed_text: Mapping[str, str]) -> Bandwidth:
    try:
        return parse_speed(text, speed_text)
    except ValueError:
        raise _wrong(f"bandwidth: {_shown(text)!r} is none (speed_text can say which it means)") from None


def _mapping(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _text(holder: Mapping[str, Any], *names: str) -> str | None:
    """The value under any of `names`. Raises CarrierError where two of them disagree."""
    return _one(names[0], *(_as_text(holder.get(name)) for name in names))


def _as_text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value).strip() or None


def _flag(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")


def _one(what: str, *values: str | None) -> str | None:
    told = {value for value in values if value is not None}
    if len(told) > 1:
        raise _wrong(f"two values for {what} that differ")
    return told.pop() if told else None


def _wrong(what: str) -> CarrierError:
    return CarrierError("answer_wrong", what=f"the inventory: {what}")


def _shown(text: str) -> str:
    return "".join(character for character in text[:40] if character.isprintable())
