"""Words for the problems of a run: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from iodcal.domain.structs import Fact
from iodcal.messages import Words, fill
from iodcal.problems.kinds import Kind, Problem

_AT_RISK = {
    "exactly": (
        "an `exactly` rule keeps it lower",
        "Move the maintenance or the event, or change the priorities",
    ),
    "hold": (
        "somebody holds it lower",
        "If the event matters more: iodcal release {circuit}",
    ),
    "pause": (
        "orders are paused",
        "If the event matters more: iodcal resume {circuit} (or --all)",
    ),
    "freeze": (
        "a change freeze allows no order",
        "Move one of the two, or raise it in the carrier's portal before the freeze begins",
    ),
    "parked": (
        "everything is parked",
        "iodcal resume --all ends that; or raise it in the carrier's portal",
    ),
    "open_order": (
        "an order is under way",
        "Ask the carrier how far it is; iodcal orders as soon as it is settled",
    ),
    "lost_answer": (
        "nobody knows yet whether its order was taken",
        "Look into the carrier's portal; iodcal asks again with every run",
    ),
    "order_refused": (
        "its order was refused or could not be sent, and the next try comes too late",
        "Read what the carrier says, and raise it in the carrier's portal by hand",
    ),
    "order_failed": (
        "its orders were accepted and not carried out",
        "Ask the carrier why, or raise it in the carrier's portal by hand; iodcal tries again",
    ),
    "other_bandwidth": (
        "the carrier twice carried its order out at another bandwidth, and nothing more is ordered for it",
        "Ask the carrier; once that is mended: iodcal hold {circuit} BANDWIDTH --until TIME",
    ),
    "given_up": (
        "its order was lost three times and is given up: nothing more is ordered for it",
        "If the carrier's portal shows no order: iodcal hold {circuit} BANDWIDTH --until TIME orders anew",
    ),
    "quota": ("the carrier's changes of the day are used up", "Raise it in the carrier's portal by hand"),
    "not_now": (
        "the carrier allows no change of the circuit before then",
        "Raise it in the carrier's portal by hand, or give the rule a longer lead",
    ),
    "approval": (
        "its order waits for somebody's approval",
        "Ask whoever has to approve; the carrier's portal names them",
    ),
    "refused": (
        "the carrier refused its order for good",
        "Read what the carrier says (iodcal history), and mend what it names",
    ),
    "price": (
        "it costs more than max_price_per_hour allows",
        "Raise the limit, or raise the circuit in the carrier's portal by hand",
    ),
    "person": ("somebody lowered it again by hand", "Raise it in the carrier's portal if it is needed"),
    "status_unknown": (
        "the carrier shows a status that is not understood",
        "Ask the carrier what it means, and say so under status_words of the carrier",
    ),
    "contradicted": (
        "the carrier shows less again, though it had shown the change carried out",
        "Look into the carrier's portal: its copies may lag, or somebody lowered it",
    ),
    "carrier_unreadable": (
        "the circuit cannot be read at its carrier",
        "iodcal status says why; look into the carrier's portal",
    ),
    "late_run": (
        "an order cannot be carried out by then",
        "Give the rule a longer lead, or let the timer run more often",
    ),
}


_NAMES_OTHERS = Words(
    "{subject} in {calendar} names {named}, which the rule {rule} does not allow ({circuits}): it asks for "
    "nothing",
    "Mend the event, or add to what the rule allows under circuits",
)
_REFUSED_HIDDEN = Words(
    "{subject} in {calendar} does not count: its organizer is not among `organizers`",
    "If it is to count, add the organizer or the domain to settings.organizers",
)
_OVERRULED_BY_HOLD = Words(
    "{circuit}: a hold by {who} keeps it below the {needs} that {subject} asks for",
    "If the event matters more: iodcal release {circuit}",
)


_OWN_ORDER = Words(
    "its order was accepted at {accepted_clock} and is expected by {expected_clock}",
    "iodcal looks again with every run; where that is too late, a longer lead helps the next time",
)
_OWN_ORDER_OVERDUE = Words(
    "its order was accepted at {accepted_clock} and is not done yet",
    "Ask the carrier how far it is, or raise it in the carrier's portal by hand",
)
_FAILED_OFTEN = Words(
    "{circuit}: orders {direction} to {to} failed {count} times since {failing_since_local}: accepted, and "
    "not carried out (the last is {external_id})",
    "Ask the carrier why; iodcal tries again while it is needed, less and less often",
)
_OTHER_BANDWIDTH = Words(
    "{circuit}: the order {direction} from {from} to {to} left it at {shown} ({external_id})",
    "Ask the carrier what it sells there, and correct the circuit's tiers; iodcal tries once more",
)
_OTHER_BANDWIDTH_TWICE = Words(
    "{circuit}: two orders {direction} to {to} left it at {shown}, the last is {external_id}; nothing more "
    "is ordered for this",
    "Ask the carrier what it sells there, and correct the circuit's tiers; "
    "once that is mended: iodcal hold {circuit} {to} --until TIME",
)
_GIVEN_UP = Words(
    "{circuit}: the order {direction} from {from} to {to} was lost three times and is given up: nothing more "
    "is ordered for this ({external_id})",
    "If the carrier's portal shows no order: iodcal hold {circuit} {to} --until TIME orders anew",
)
_LONG_PRICED = Words(
    "{circuit}: {subject} ({rule}, {start_local}) asks for {needs} for {length}, {cost} beyond the baseline",
    "If it is meant, give the rule a `longest` that covers it; else a shorter one, or all_day: false",
)


def describe(problem: Problem) -> Words:
    """What to tell of `problem`. A missing fact leaves a gap, never an error."""
    facts = _readable(problem.facts)
    match problem.kind:
        case Kind.CALENDAR_UNREADABLE | Kind.CARRIER_UNREADABLE | Kind.CIRCUIT_UNKNOWN | Kind.ORDER_REFUSED:
            return _of_edge(problem)
        case Kind.EVENT_UNREADABLE:
            return _of_spoiled(problem)
        case Kind.EVENT_AT_RISK | Kind.EVENT_LATE:
            return _of_event(problem, facts)
        case Kind.LEFT_UP:
            return of_left_up(facts)
        case Kind.DRIFT:
            return _of_drift(facts)
        case Kind.OVERRULED if facts.get("who"):
            return fill(_OVERRULED_BY_HOLD, facts)
        case Kind.EVENT_REFUSED if not facts.get("organizer"):
            return fill(_REFUSED_HIDDEN, facts)
        case Kind.ORDER_LOST if facts.get("given_up") == "yes":
            return fill(_GIVEN_UP, facts)
        case Kind.ORDER_FAILED if facts.get("shown"):
            return fill(_OTHER_BANDWIDTH_TWICE if facts.get("given_up") == "yes" else _OTHER_BANDWIDTH, facts)
        case Kind.ORDER_FAILED if (problem.facts.get("count") or 1) != 1 and facts.get("failing_since"):
            return fill(_FAILED_OFTEN, facts)
        case Kind.WINDOW_LONG if facts.get("cost"):
            return fill(_LONG_PRICED, facts)
        case Kind.NO_CIRCUIT if facts.get("named"):
            return fill(_NAMES_OTHERS, facts)
        case _:
            return fill(Words(*problem.template), facts)


def cause_in_words(cause: str | None) -> str:
    """Why an event's tier is not there, by the `cause` that `event_late` names."""
    return _AT_RISK.get(str(cause), ("its tier was not there", ""))[0]


def own_words(problem: Problem) -> Words:
    """What the edge says of `problem`, without what it is about."""
    from iodcal.messages.errors import words_of

    code = str(problem.facts.get("code"))
    words = words_of(code, problem.kind)
    if code == "refused" and problem.facts.get("status") is None:
        words = Words("the carrier says no: {message}", words.remedy)  # no status comes from a plug-in
    own = fill(words, _readable(problem.facts))
    return Words(own.message, own.remedy[:1].upper() + own.remedy[1:])


def _of_edge(problem: Problem) -> Words:
    """The edge's own words, with what they are about before them."""
    own = own_words(problem)
    lead = {
        Kind.CALENDAR_UNREADABLE: f"The calendar {problem.where} cannot be read",
        Kind.CARRIER_UNREADABLE: f"{problem.where} cannot be read at its carrier",
        Kind.CIRCUIT_UNKNOWN: f"{problem.where} is not known to its carrier",
        Kind.ORDER_REFUSED: f"{problem.where}: nothing was ordered",
    }[problem.kind]
    return Words(f"{lead}: {own.message}", own.remedy)


def _of_spoiled(problem: Problem) -> Words:
    own, others = own_words(problem), problem.facts.get("others")
    more = f", and {others} more," if others else ""
    lead = f"The calendar {problem.where} holds an event{more} that cannot be understood"
    return Words(f"{lead}: {own.message}{whereabouts(problem.facts)}", own.remedy)


def whereabouts(facts: Mapping[str, Fact]) -> str:
    """Where in its calendar's text an event stands, as far as is known."""
    known = [
        f"{word} {str(facts[name])[:60]}"
        for name, word in (("line", "line"), ("property", "property"), ("uid", "UID"))
        if facts.get(name)
    ]
    return f" ({', '.join(known)})" if known else ""


def _of_event(problem: Problem, facts: Mapping[str, Fact]) -> Words:
    why, remedy = _AT_RISK.get(str(facts.get("cause")), ("its tier is not there", "Look at iodcal plan"))
    if facts.get("cause") == "open_order" and facts.get("accepted"):
        own = _OWN_ORDER_OVERDUE if facts.get("overdue") == "yes" else _OWN_ORDER
        why, remedy = own.message, own.remedy
    late = problem.kind is Kind.EVENT_LATE
    text = "{circuit} {state} {needs} for {subject} ({start_local}): " + why
    state = "is not at" if late else "will not be at"
    return fill(Words(text, remedy), {**facts, "state": state})


def late_words(cause: str | None, circuit: str) -> Words:
    """Why an event on `circuit` is late, and what to do about it; `cause` is None where nothing says it."""
    known = _AT_RISK.get(cause or "late_run", _AT_RISK["late_run"])
    return fill(Words(*known), {"circuit": circuit})


def why_late(cause: str) -> str:
    """The cause of an event at risk, or late, in words; one that is not known here stands as it is."""
    known = _AT_RISK.get(cause)
    return known[0] if known is not None else "nothing on record says why" if cause == "unknown" else cause


_KEEP = "; to keep it until another time: iodcal hold {circuit} {observed} --until TIME"


def _of_drift(facts: Mapping[str, Fact]) -> Words:
    message = "{circuit} runs at {observed}, and no order of iodcal's explains it (ordered: {ordered})"
    if facts.get("direction") == "down":
        raising = facts.get("raising") == "yes"
        remedy = "It is raised now" if raising else "It is raised when an event or the baseline asks for more"
    elif facts.get("parked") == "yes":
        remedy = "Everything is parked, so it is left as it is; lower it in the carrier's portal"
    elif facts.get("lowers_at"):
        remedy = "It is lowered at {lowers_at_local}" + _KEEP
    else:
        remedy = "It is lowered when the demand next falls" + _KEEP
    return fill(Words(message, remedy), facts)


def _readable(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts, with a hidden subject in words, and times in the circuit's zone beside them."""
    readable = dict(facts)
    if "subject" in facts and not facts["subject"]:
        readable["subject"] = "an event" if not facts.get("rule") else f"an event of the rule {facts['rule']}"
    elif "subject" in facts:
        readable["subject"] = f'"{facts["subject"]}"'
    if isinstance(minutes := facts.get("minutes"), int):
        readable["ago"] = _rough(minutes)
    for name in ("start", "ends", "lowers_at", "failing_since", "accepted", "expected"):
        if isinstance(facts.get(name), str):
            readable[f"{name}_local"] = _local(str(facts[name]), facts.get("zone"))
            readable[f"{name}_clock"] = _local(str(facts[name]), facts.get("zone"), "%H:%M")
    return readable


def _rough(minutes: int) -> str:
    """A length of time in the unit that fits it."""
    hours = minutes // 60
    if hours < 2:
        return f"{minutes} minutes"
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"


def _local(text: str, zone: Fact, form: str = "%a %d %b %H:%M %Z") -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if isinstance(zone, str) and at.tzinfo is not None:
        at = at.astimezone(ZoneInfo(zone))
    return at.strftime(form).strip()


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


def describe_recorded(id_: str, facts: Mapping[str, Fact]) -> Words:
    """What to tell of a problem by its id and facts; of a kind that is not known its id alone."""
    kind, _, place = id_.partition(":")
    try:
        return describe(Problem(Kind(kind), place, facts))
    except ValueError:
        return Words(f"{kind} {place}".rstrip(), "")


_NAMED = 3  # calendars in one line; one more is no longer than "1 more"


def describe_together(problems: Iterable[Problem]) -> Iterator[tuple[Problem, Words]]:
    """`problems` in their order, with their words. Calendars that cannot be read for the very same reason, as
    where one login serves many mailboxes, are told as one: it comes with the first of them."""
    alike: dict[str | Words, list[Problem]] = {}
    for problem in problems:
        unreadable = problem.kind is Kind.CALENDAR_UNREADABLE
        alike.setdefault(own_words(problem) if unreadable else problem.id, []).append(problem)
    for same in alike.values():
        yield same[0], describe(same[0]) if len(same) == 1 else _of_calendars(same)


def _of_calendars(problems: Sequence[Problem]) -> Words:
    own = own_words(problems[0])
    places = _named([problem.where for problem in problems])
    return Words(f"The calendars {places} cannot be read: {own.message}", own.remedy)


def _named(places: Sequence[str]) -> str:
    if len(places) <= _NAMED + 1:
        return f"{', '.join(places[:-1])} and {places[-1]}"
    return f"{', '.join(places[:_NAMED])} and {len(places) - _NAMED} more"
