"""Advice in words: what was seen, what follows, and why nothing is said of something."""

from __future__ import annotations

from iodcal.analysis.advice import Advice, AdviceKind, Undecided
from iodcal.messages import Words, fill

_HEADLINES = {
    AdviceKind.TIER_AT_LIMIT: "{where}: {old} was not enough",
    AdviceKind.RULE_MISSING: '"{where}": no rule takes it, and {circuits} was full',
    AdviceKind.BASELINE_TOO_LOW: "{where}: {old} was full on {measured} of {events} days",
    AdviceKind.PEAK_HOURS: "{where}: the peak of {old} is not when the traffic is",
    AdviceKind.TIER_NOT_NEEDED: "{where}: {old} was never needed",
    AdviceKind.BASELINE_TOO_HIGH: "{where}: {old} was never needed",
    AdviceKind.LEAD_TOO_LONG: "{where}: a lead of {old} is longer than the traffic before its events",
    AdviceKind.TRAIL_TOO_LONG: "{where}: a trail of {old} is longer than the traffic after its events",
}
_UNDECIDED = {
    "use_unknown": "nothing is known of the use of {circuits}, which it also concerns",
    "too_few_events": "{measured} of {events} events are measured; {least} are needed before less is advised",
    "too_few_events_around": "its tier was right. {measured} of {events} events are measured; {least} are "
    "needed before a shorter lead or trail is advised",
    "gaps": "only {measured} of {events} events are measured: a gap may hide the busiest",
    "gaps_of": "only {known} of the use of {circuit} is known: a gap may hide the busiest hour",
    "too_few_weeks": "{weeks} weeks are known; {least} are needed before less is advised",
}


def headline(advice: Advice) -> str:
    """What was seen, in one sentence without its full stop."""
    circuits = advice.circuits
    names = circuits[0] if len(circuits) == 1 else f"each of {', '.join(circuits)}"
    old = advice.old
    if old == "highest":
        old = f"highest ({max(one.asked for one in advice.evidence)})"
    return _HEADLINES[advice.kind].format(
        where=advice.where, old=old, circuits=names, events=advice.events, measured=advice.measured
    )


def undecided_words(one: Undecided) -> str:
    """Why nothing is said of it, in one line."""
    template = Words(_UNDECIDED.get(one.code, one.code), "")
    return f"{one.where}: {fill(template, one.facts).message}"


def grounds(advice: Advice, headroom: float) -> str:
    """How much there was to learn from, and what is left out of it."""
    what = _counted(advice)
    if advice.kind is AdviceKind.RULE_MISSING:
        full = "it" if advice.events == 1 else f"{advice.measured} of {advice.events} events of this title"
        return f"The circuit was full during {full}, with no rule asking for more."
    if advice.kind is AdviceKind.TIER_AT_LIMIT:
        return f"{what}. How much more was wanted no counter shows: this is one tier up."
    if advice.kind is AdviceKind.BASELINE_TOO_LOW:
        return "No event explains it. How much more was wanted no counter shows: this is one tier up."
    if advice.needed is not None:
        from iodcal.analysis.usage import rate_text

        return (
            f"{what}; that the next one tops them all has a chance of 1 in {advice.measured + 1}. "
            f"With {headroom:.0%} of headroom {rate_text(advice.needed)} are needed."
        )
    if "traffic" in advice.facts:
        told = advice.facts["traffic"]
        busy = "there was no traffic that needs it" if told == "0m" else f"traffic took {told} of it"
        return f"{what}: at most, {busy}."
    return f"{what}."


def _counted(advice: Advice) -> str:
    days = advice.kind in (AdviceKind.PEAK_HOURS, AdviceKind.BASELINE_TOO_HIGH)
    thing = "day" if days else "event"
    things = thing if advice.events == 1 else f"{thing}s"
    if advice.measured == advice.events:
        return f"{advice.events} {things}, all measured" if advice.events != 1 else f"1 {thing}, measured"
    return f"{advice.events} {things}, {advice.measured} measured"
