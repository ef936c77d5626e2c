"""State files of earlier versions: each version has one step to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from iodcal.domain.circuits import split_key
from iodcal.errors import StateError
from iodcal.store.codec import VERSION, DamagedError, Json, version_of

Step = Callable[[Json], Json]


def _to_2(document: Json) -> Json:
    """Version 2 has circuits under their accounts. It also leaves out what the rest says; what version 1
    wrote in full means the same there."""
    circuits: dict[str, Json] = {}
    for key, circuit in document["circuits"].items():
        account, service_id = split_key(key)
        circuits.setdefault(account, {})[service_id] = circuit
    return {**document, "circuits": circuits}


def _to_3(document: Json) -> Json:
    """Version 3 has quotas under their accounts, a calendar's span as one object, floating times under the
    same names as others, and pairs as lists."""
    circuits = {
        account: {service_id: _circuit_to_3(circuit) for service_id, circuit in of_account.items()}
        for account, of_account in document["circuits"].items()
    }
    quotas: dict[str, Json] = {}
    for quota in document["quotas"]:
        quotas.setdefault(quota["base_url"], {})[quota["account"]] = quota
    problems = {
        key: {**told, "stable_facts": sorted(told["stable_facts"].items())}
        for key, told in document["problems"].items()
    }
    calendars = {key: _calendar_to_3(calendar) for key, calendar in document["calendars"].items()}
    changed = {"circuits": circuits, "quotas": quotas, "problems": problems, "calendars": calendars}
    return {**document, "calendar_ids": document["calendar_ids"], **changed}


def _circuit_to_3(circuit: Json) -> Json:
    """The level is said where it may be null, since only what is absent is the confirmed bandwidth."""
    done = circuit.get("curtain_ups", [])
    level = circuit.get("level_mbps", circuit["confirmed_mbps"])
    changed = {
        "level_mbps": level,
        "recent": circuit.get("recent_orders", []),
        "curtain_ups": [[event["event"], event["until"]] for event in done],
    }
    return _without_nulls(circuit) | changed


def _calendar_to_3(calendar: Json) -> Json:
    covers = {"start": calendar["from"], "end": calendar["until"]}
    return {**calendar, "covers": covers, "events": [*map(_event_to_3, calendar.get("events", []))]}


def _event_to_3(event: Json) -> Json:
    event = _without_nulls(event)
    if "local_start" in event:
        return {**event, "start": event["local_start"], "end": event["local_end"]}
    return event


def _without_nulls(values: Json) -> Json:
    """Version 1 said of much that there is none of it, where a null is no value."""
    return {name: value for name, value in values.items() if value is not None}


# By the version that a step starts from.
STEPS: Mapping[int, Step] = {1: _to_2, 2: _to_3}


def migrate(document: Json, path: str, *, steps: Mapping[int, Step] = STEPS, target: int = VERSION) -> Json:
    """`document` in the shape of `target`, the present version.

    Raises StateError (too_new) for one that a newer iodcal wrote, DamagedError for one that nobody wrote.
    """
    version = version_of(document)
    if version > target:
        writer = document.get("writer")
        raise StateError("too_new", path=path, writer=writer if isinstance(writer, str) else None)
    for number in range(version, target):
        if number not in steps:
            raise DamagedError(f"Version {number} was never released - at `$.version`")
        try:
            document = {**steps[number](document), "version": number + 1}
        except (AttributeError, KeyError, TypeError, ValueError):
            raise DamagedError(f"Expected a state of version {number} - at `$`") from None
    return document
