"""Words for a circuit that costs on, though the configuration names it no more, or otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.domain.problems import Fact
from iodcal.words import Words
from iodcal.words.facts import fill

_WAYS = {
    "service_id": "service ID",
    "carrier_type": "carrier's type",
    "address": "carrier's address",
    "account": "carrier's account",
}
_LOWER = "or lower {old} in the carrier's portal, then: iodcal forget {name}"
_GONE = Words(
    "{name} is no longer in the configuration, and {stands}", f"Put it back until it is lowered; {_LOWER}"
)
_RENUMBERED = Words(
    "{both}: its {ways} {were} changed from {was} to {is} in the configuration; under the old {ones} it "
    "still {stands}",
    f"Set it back until it is lowered; {_LOWER}",
)
_MOVED = Words(
    _RENUMBERED.message,
    "Set it back until it is lowered; "
    "if the old and the new are one and the same circuit: iodcal forget {name}",
)


def of_left_up(facts: Mapping[str, Fact]) -> Words:
    """What to tell of it. Its key says who it is: one that was only changed there stands in the file still,
    and "no longer in the configuration" would send its reader the wrong way."""
    order = facts.get("order") == "yes"
    stands = "has an open order to {bandwidth}" if order else "stands at {bandwidth}"
    told: dict[str, Fact] = {
        **facts,
        "stands": fill(Words(stands + " (off-peak {off_peak})", ""), facts).message,
    }
    changed = [way for way in str(facts.get("changed") or "").split(", ") if way]
    if not changed:
        return fill(_GONE, told | {"old": "it"})
    name, now = facts.get("name"), facts.get("now")
    told["both"] = name if name == now else f"{name} (now {now})"
    told["ways"] = " and ".join(_WAYS.get(way, way) for way in changed)
    told |= {"were": "was", "ones": "one"} if len(changed) == 1 else {"were": "were", "ones": "ones"}
    return fill(_RENUMBERED if "service_id" in changed else _MOVED, told | {"old": "the old one"})
