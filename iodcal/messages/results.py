"""What is said of conditions, costs and notices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from iodcal.analysis.figures import CircuitCosts, CostReason, Lookback
from iodcal.domain.explain import Role
from iodcal.domain.judges import Finding
from iodcal.domain.matching import Obstacle
from iodcal.domain.money import RateSource
from iodcal.errors import IodcalError
from iodcal.messages import Words, counted, fill
from iodcal.messages.calendars import CONNECTION
from iodcal.messages.files import FILES

# What a condition looks at, and how what it wants is put; {} is the value.
_CONDITIONS = {
    "calendars": ("calendar", "{}"),
    "subject": ("title", "{}"),
    "not_subject": ("title", "none of {}"),
    "subject_regex": ("title", "the pattern {}"),
    "location": ("location", "{}"),
    "categories": ("category", "{}"),
    "organizer": ("organizer", "{}"),
    "show_as": ("shown as", "{}"),
    "sensitivity": ("sensitivity", "{}"),
    "online_meeting": ("online meeting", "{}"),
    "min_attendees": ("attendees", "at least {}"),
    "all_day": ("all day", "{}"),
    "longer_than": ("duration", "longer than {}"),
    "shorter_than": ("duration", "shorter than {}"),
    "days": ("on", "{}"),
    "business_days": ("", "{}"),  # the value says it all
    "from": ("begins at", "{}"),
    "to": ("begins at", "{}"),
    "from, to": ("begins at", "{}"),
}

OBSTACLES = {
    Obstacle.CANCELLED: "it is cancelled",
    Obstacle.DECLINED: "the mailbox has declined it",
    Obstacle.NO_LENGTH: "it ends when it starts",
    Obstacle.ENDS_BEFORE_START: "it ends before it starts: mend it in the calendar",
    Obstacle.ORGANIZER: "its organizer is not among settings.organizers",
    Obstacle.OWN_CHANGE: "it is a planned change, from iodcal's own feed",
    Obstacle.SKIPPED: "somebody skipped it: iodcal status says who",
}

ROLES = {
    Role.GOVERNS: "governs",
    Role.DECIDES: "asks for it",
    Role.EXCEEDED: "asks for less",
    Role.OVERRULED: "overruled",
}


def condition_words(finding: Finding) -> str:
    """`duration 30m, rule wants longer than 30m`."""
    if finding.key == "circuits":
        return f"names only {finding.found}"
    looks_at, wants = _CONDITIONS[finding.key]
    found = "hidden" if finding.found is None else finding.found or "none"
    if looks_at == "title" and finding.found:
        found = f'"{found}"'
    looked = f"{looks_at} {found}" if looks_at else found
    return f"{looked}, rule wants {wants.format(finding.wanted)}"


_SPENT_ON = {
    "baseline": "the baseline, early or late",
    "by_hand": "changed by hand",
    "hold": "holds",
    "unknown": "no reason on record",
}


def prices(found: Lookback) -> str | None:
    """By which prices it was reckoned; None where there is none."""
    if not found.priced_by:
        return None
    if RateSource.ESTIMATED in found.priced_by:
        return "At estimates: the carrier names prices by the day or month, which its hours divide."
    if RateSource.QUOTED not in found.priced_by:
        return "At today's rates: no quote of that time is on record."
    if len(found.priced_by) == 1:
        return "At the rates quoted at that time."
    return "At the rates quoted at that time; what was not quoted by then, at today's."


def doubts(found: Lookback) -> Iterator[Words]:
    """Why figures are not complete, and what to do about it."""
    if found.nothing_beside is not None:
        yield Words(
            f"There is no history beside {found.nothing_beside} to look back on",
            "Name the state that iodcal sync keeps, with --state; or wait for its first runs",
        )
    if found.unreadable:
        yield Words(
            f"{counted(found.unreadable, 'line')} of the history could not be read, "
            "so something may be missing",
            "Restore the history from a backup, if there is one",
        )
    if found.nothing_beside is not None:
        return  # so nothing is known of any circuit
    for one in found.circuits:
        yield from _of_circuit(one, found)
    if found.usage is not None:
        from iodcal.messages.usage import trouble_words

        yield from map(trouble_words, found.usage.troubles)
    if found.priced_at is not None:
        yield Words(
            f"Where nothing better is known, prices are the carrier's public list of {found.priced_at}",
            "Give your own under rates",
        )


def _of_circuit(one: CircuitCosts, found: Lookback) -> Iterator[Words]:
    if one.left:
        yield Words(
            f"{one.name} has left the configuration: of its prices only the quotes of its orders are known, "
            "and no baseline",
            "Put it back under circuits to see them",
        )
    elif one.unpriced:
        tiers = ", ".join(str(tier) for tier in one.unpriced)
        yield Words(f"{one.name}: no rate for {tiers}", "Give one under rates of the circuit or its carrier")
    for currency in one.uncounted:
        yield Words(
            f"{one.name}: quotes in {currency} were left out, for its rates are in another currency",
            f"Give currency: {currency} and rates in it, of the circuit or its carrier",
        )
    if one.figures.unknown:
        hours = one.figures.unknown.total_seconds() / 3600
        yield Words(
            f"{one.name}: nothing is known of {hours:.1f} h",
            "They lie before its first reading, or their history is gone (settings.history_keep)",
        )
    for gap in one.gaps:
        start, end = max(gap.start, found.asked.start), min(gap.end, found.asked.end)
        yield Words(
            f"{one.name}: the history lacks a change between {_shown(start, found)} and {_shown(end, found)}",
            f"iodcal history --all --circuit {one.name} shows what is left",
        )


def spent_on(because: CostReason) -> str:
    """A reason as the name of a row: a rule, or what stands in its place."""
    return because.rule or _SPENT_ON.get(because.kind, because.kind)


def event_name(because: CostReason) -> str:
    """An event by its subject, or without it by its rule."""
    if because.kind == "hold":
        return "a hold"
    return because.subject or f"an event of {because.rule}"


def _shown(at: datetime, found: Lookback) -> str:
    return at.astimezone(found.zone).strftime("%d %b %H:%M")


_WORDS = {
    "http_status": Words("it answers with status {status}", "check the address, and what it expects"),
    "deadline": Words("it did not answer in time", "see with -v what is slow; settings.notify_within"),
    "insecure_url": Words("its address is not an https one", "use an https address"),
    "apprise": Words("Apprise could not deliver it", "try the address with the command apprise -vv"),
    "apprise_address": Words("Apprise does not know its address", "see Apprise's list of services"),
}


def describe(error: IodcalError) -> str:
    """Why a notice was not delivered, and the remedy, in one line."""
    for table in (_WORDS, CONNECTION, FILES):
        if error.code in table:
            words = fill(table[error.code], error.facts)
            return f"{words.message}; {words.remedy}"
    return f"something went wrong ({error.code})"
