"""What `check` warns of: a configuration that is right by the letter, and will hurt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from iodcal.config.build import Builder
from iodcal.config.build_budgets import doubts_about_budgets
from iodcal.config.document import Document, KeyPath
from iodcal.config.forms import secrets_in
from iodcal.config.microsoft365 import MOST_ATTENDEES
from iodcal.config.warn_money import doubts_about_money
from iodcal.config.warn_names import doubts_about_names
from iodcal.config.warn_words import doubts_about_words
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.durations import format_duration
from iodcal.domain.rules import Conditions, FromEvent, Mode, Rule
from iodcal.errors import Fault


def warnings_of(
    builder: Builder, rules: tuple[Rule, ...], document: Document, *, readable: bool, trusted: bool
) -> tuple[Fault, ...]:
    """Every doubt about a configuration without faults, in the order of its lines. `readable` says that
    others can read the file, `trusted` that none of them can write it."""
    found = [
        *_of_rules(builder, rules),
        *_of_unused(builder, rules),
        *_of_bounds(builder),
        *_of_quota(builder, rules),
        *doubts_about_money(builder, rules),
        *doubts_about_names(builder, rules),
        *doubts_about_words(builder),
        *doubts_about_budgets(builder),
        *_of_secrets(builder, readable=readable),
        *_of_forbidden(builder),
    ]
    if builder.file.settings.organizers is None:
        message = "no organizers: anybody, outsiders too, can invite a mailbox to an event that a rule takes"
        found.append((("settings",), message))
    faults = [document.fault(path, message) for path, message in found]
    if not trusted:
        message = "its group or others can write this file, and whoever does orders bandwidth: chmod go-w"
        faults.append(Fault("", message, document.file))
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (fault.line or 0, fault.path)))


_Doubt = tuple[KeyPath, str]
_WEEKEND = frozenset({5, 6})


def _of_rules(builder: Builder, rules: tuple[Rule, ...]) -> Iterator[_Doubt]:
    for number, rule in enumerate(rules):
        path: KeyPath = ("rules", number)
        circuits = [builder.circuits[name] for names in rule.circuits.values() for name in names]
        yield from _of_lead(builder, rule, circuits, path)
        yield from _of_targets(rule, circuits, path)
        yield from _of_conditions(rule, path)
        yield from _of_holidays(rule, circuits, path)
        if rule.conditions.min_attendees is not None:
            message = "a distribution list counts as one attendee, however many people it holds"
            yield (*path, "match", "min_attendees"), message
            yield from _of_attendees(builder, rule, rule.conditions.min_attendees, path)
        yield from _of_freeze(builder, rule, path)
        strong = rule.mode is not Mode.AT_LEAST or rule.bandwidth is FromEvent.FROM_EVENT
        if strong and not rule.conditions.organizer:
            what = "from_event" if rule.mode is Mode.AT_LEAST else str(rule.mode)
            yield (
                (*path, "match"),
                f"{what} without an organizer condition: whoever invites the mailbox decides",
            )


def _of_attendees(builder: Builder, rule: Rule, count: int, path: KeyPath) -> Iterator[_Doubt]:
    """What Microsoft Graph shows of an event's attendees need not be all."""
    if any({"mailbox", "mailboxes"} & set(builder.file.calendars[name]) for name in rule.circuits):
        message = "hidden attendees, and most in a room's copy, are not seen: such events are told, not taken"
        if count > MOST_ATTENDEES:
            message = (
                f"Microsoft Graph shows {MOST_ATTENDEES} attendees at most: such events are told, not taken"
            )
        yield (*path, "match", "min_attendees"), message


def _of_freeze(builder: Builder, rule: Rule, path: KeyPath) -> Iterator[_Doubt]:
    section = builder.file.rules[int(path[1])]
    if rule.mode is Mode.FREEZE and "priority" in section.given:
        yield (*path, "priority"), "a freeze has no priority: it holds back whatever any rule asks for"


def _of_lead(builder: Builder, rule: Rule, circuits: list[Circuit], path: KeyPath) -> Iterator[_Doubt]:
    exact = rule.mode is Mode.EXACTLY and builder.file.rules[int(path[1])].lead is None
    if exact or rule.mode is Mode.FREEZE:
        return
    settings = builder.file.settings
    slowest = max((circuit.provisioning for circuit in circuits), default=timedelta())
    wanted = settings.every + settings.lost_answer_grace + slowest
    if rule.lead < wanted:
        parts = "every + lost_answer_grace + provisioning"
        yield (
            (*path, "lead"),
            f"a lead of {format_duration(rule.lead)} is shorter than {format_duration(wanted)} ({parts}): "
            "an order whose answer is lost comes too late",
        )


def _of_targets(rule: Rule, circuits: list[Circuit], path: KeyPath) -> Iterator[_Doubt]:
    if not isinstance(rule.bandwidth, Bandwidth):
        return
    for circuit in dict.fromkeys(circuits):
        sold = circuit.sold(rule.bandwidth)
        if sold < rule.bandwidth:
            ceiling = circuit.ceiling is not None and circuit.ceiling < rule.bandwidth
            why = "its ceiling ends there" if ceiling else "its tiers end there"
            message = f"{circuit.name} can only reach {sold} of {rule.bandwidth}: {why}"
            yield (*path, "bandwidth"), message


def _of_conditions(rule: Rule, path: KeyPath) -> Iterator[_Doubt]:
    match = rule.conditions
    if not any(rule.circuits.values()):
        yield (*path, "circuits"), "this rule can never do anything: it names no circuit"
    longer, shorter = match.longer_than, match.shorter_than
    if longer is not None and shorter is not None and shorter <= longer + timedelta(microseconds=1):
        yield (*path, "match"), "this rule can never match: nothing is longer and shorter at once"
    if match.business_days and match.days and match.days <= _WEEKEND:
        yield (*path, "match"), "this rule can never match: no business day is a Saturday or a Sunday"
    if match.start_from is not None and match.start_from == match.start_to:
        yield (*path, "match"), "from and to are the same time, which means any time of the day"
    if match.subject and all(_excluded(keyword.normal, match) for keyword in match.subject):
        yield (*path, "match"), "this rule can never match: not_subject excludes every keyword of subject"
    if match.all_day and match.shorter_than is not None and match.shorter_than <= timedelta(hours=23):
        yield (*path, "match"), "this rule can never match: an all-day event is not that short"


def _of_holidays(rule: Rule, circuits: list[Circuit], path: KeyPath) -> Iterator[_Doubt]:
    match = rule.conditions
    if not match.business_days and not match.holidays_as_sunday:
        return
    without = [circuit.name for circuit in dict.fromkeys(circuits) if circuit.holidays == frozenset()]
    if without:
        message = f"no holidays are kept for {', '.join(without)}: every weekday counts as an ordinary one"
        yield (*path, "match"), message


def _excluded(normal: str, match: Conditions) -> bool:
    return any(keyword.is_in(normal) for keyword in match.not_subject)


def _of_unused(builder: Builder, rules: tuple[Rule, ...]) -> Iterator[_Doubt]:
    for calendar in builder.calendars:
        if not any(calendar in rule.circuits for rule in rules):
            yield ("calendars", calendar), "no rule uses this calendar: it is not read"
    asking = [rule for rule in rules if rule.mode is not Mode.FREEZE]
    used = {name for rule in asking for names in rule.circuits.values() for name in names}
    for circuit in builder.circuits:
        if circuit not in used:
            yield ("circuits", circuit), "no rule uses this circuit: it follows its baseline only"


def _of_bounds(builder: Builder) -> Iterator[_Doubt]:
    """What is asked for is brought within floor and ceiling first, and only then rounded to a tier."""
    for name, circuit in builder.circuits.items():
        if circuit.floor is not None and circuit.floor > circuit.tiers[-1]:
            always = f"it stands at {circuit.highest} all the time"
            yield (
                ("circuits", name, "floor"),
                f"{circuit.floor} is above the highest tier of {name}: {always}",
            )
        if circuit.ceiling is not None and circuit.highest > circuit.ceiling:
            above = f"what is asked for goes up to {circuit.highest}"
            yield ("circuits", name, "ceiling"), f"{circuit.ceiling} is no tier of {name}: {above}"


def _of_quota(builder: Builder, rules: tuple[Rule, ...]) -> Iterator[_Doubt]:
    """Each peak costs a day two changes, and so does each rule's event if there is but one."""
    for name, carrier in builder.carriers.items():
        limit = carrier.changes_per_day
        if limit is None:
            continue
        circuits = [circuit for circuit in builder.circuits.values() if circuit.carrier == name]
        peaks = max(sum(2 * _peaks_on(circuit, day) for circuit in circuits) for day in range(7))
        events = sum(2 for circuit in circuits if any(_names(rule, circuit) for rule in rules))
        reserve = builder.file.settings.quota_reserve
        if peaks + events > limit - reserve:
            yield (
                ("carriers", name),
                f"on a day with one event the baselines ({peaks}) and rules ({events}) need "
                f"{peaks + events} changes; changes_per_day is {limit}, of which lowerings leave {reserve}: "
                "those that save least are left out",
            )


def _peaks_on(circuit: Circuit, day: int) -> int:
    return sum(day in peak.days for peak in circuit.baseline.peaks)


def _names(rule: Rule, circuit: Circuit) -> bool:
    asks = rule.mode is not Mode.FREEZE
    return asks and any(circuit.name in names for names in rule.circuits.values())


def _of_secrets(builder: Builder, *, readable: bool) -> Iterator[_Doubt]:
    holders: list[tuple[KeyPath, object]] = [(("microsoft365",), builder.file.microsoft365)]
    holders += [(("carriers", name), config.options) for name, config in builder.carriers.items()]
    holders += [(("calendars", name), config.options) for name, config in builder.calendars.items()]
    holders += [(("notify", name), section) for name, section in builder.file.notify.items()]
    for path, holder in holders:
        for place, secret in secrets_in(holder):
            if secret.literal and place != ("ics",):
                others = ", and others can read this file" if readable else ""
                message = f"a secret stands here itself{others}: write {{env: NAME}} or {{file: path}}"
                yield (*path, *place), message


def _of_forbidden(builder: Builder) -> Iterator[_Doubt]:
    """A mailbox cannot be one to read and one that must not be readable."""
    settings = builder.file.microsoft365
    forbidden = {address.casefold() for address in settings.must_not_read} if settings is not None else set()
    for name, calendar in builder.calendars.items():
        for address in getattr(calendar.options, "addresses", ()):
            if address.casefold() in forbidden:
                message = f"the calendar {name} reads {address}, which stands here, too"
                yield ("microsoft365", "must_not_read"), message
