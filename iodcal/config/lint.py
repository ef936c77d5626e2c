"""What `iodcal check` warns of: a configuration that is right by the letter, and will hurt.

`CHECKS` lists the checks: each takes what was built, and yields the place and the words of each doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

from iodcal.config.build import Builder
from iodcal.config.document import Document, KeyPath
from iodcal.config.fields import suggest_nearest
from iodcal.config.forms import secrets_in
from iodcal.config.microsoft365 import MOST_ATTENDEES
from iodcal.config.schema import BaselineSection
from iodcal.config.slips import (
    check_dollars,
    check_everything,
    check_forbidden,
    check_keywords,
    check_plugins,
    check_tenant,
    check_zones,
)
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.conditions import Conditions
from iodcal.domain.durations import format_duration
from iodcal.domain.events import SENSITIVITIES, SHOWN_AS
from iodcal.domain.rules import FromEvent, Highest, Mode, Rule
from iodcal.domain.text_match import Keyword, normalise_text
from iodcal.errors import Fault

Doubt: TypeAlias = tuple[KeyPath, str]
Rules: TypeAlias = tuple[Rule, ...]

_WEEKEND = frozenset({5, 6})
_SHORTEST = 2
_LONGEST_NUMBER = 4  # a year, a time, a room
# What stands in many titles, and might be a circuit's or a site's name as well.
_COMMON = frozenset({
    "all", "backup", "board", "call", "circuit", "company", "event", "home", "hq", "internet", "lab", "link",
    "live", "main", "meeting", "network", "office", "primary", "prod", "production", "review", "room",
    "secondary", "site", "stream", "sync", "team", "test", "training", "update", "wan",
})  # fmt: skip


def find_doubts(
    builder: Builder, rules: Rules, document: Document, *, readable: bool, trusted: bool
) -> tuple[Fault, ...]:
    """Every doubt about a configuration without faults, in the order of its lines. `readable` says that
    others can read the file, `trusted` that none of them can write it."""
    found = [doubt for check in CHECKS for doubt in check(builder, rules)]
    found += check_dollars(document.value)
    faults = [document.fault(path, message) for path, message in found]
    faults += [document.fault(path, message) for path, message in _check_secrets(builder, readable=readable)]
    if not trusted:
        message = "its group or others can write this file, and whoever does orders bandwidth: chmod go-w"
        faults.append(Fault("", message, document.file))
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (fault.line or 0, fault.path)))


def _each_rule(builder: Builder, rules: Rules) -> Iterator[tuple[Rule, list[Circuit], KeyPath]]:
    """Each rule with the circuits that it names, and its place."""
    for number, rule in enumerate(rules):
        circuits = [builder.circuits[name] for names in rule.circuits.values() for name in names]
        yield rule, list(dict.fromkeys(circuits)), ("rules", number)


def _check_organizers(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    if builder.file.settings.organizers is None:
        message = "no organizers: anybody, outsiders too, can invite a mailbox to an event that a rule takes"
        yield ("settings",), message
    for rule, _, path in _each_rule(builder, rules):
        strong = rule.mode is not Mode.AT_LEAST or rule.bandwidth is FromEvent.FROM_EVENT
        if strong and not rule.conditions.organizer:
            what = "from_event" if rule.mode is Mode.AT_LEAST else str(rule.mode)
            yield (
                (*path, "match"),
                f"{what} without an organizer condition: whoever invites the mailbox decides",
            )


def _check_freezes(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    for rule, section in zip(rules, builder.file.rules, strict=True):
        if rule.mode is Mode.FREEZE and "priority" in section.given:
            message = "a freeze has no priority: it holds back whatever any rule asks for"
            yield (*section.place, "priority"), message


def _check_leads(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    settings = builder.file.settings
    for number, (rule, circuits, path) in enumerate(_each_rule(builder, rules)):
        exact = rule.mode is Mode.EXACTLY and builder.file.rules[number].lead is None
        slowest = max((circuit.provisioning for circuit in circuits), default=timedelta())
        sets_values = bool(circuits) and all(circuit.idempotent for circuit in circuits)
        again = settings.every if sets_values else settings.lost_answer_grace  # when it is sent again
        wanted = settings.every + again + slowest
        if not exact and rule.mode is not Mode.FREEZE and rule.lead < wanted:
            parts = f"every + {'every' if sets_values else 'lost_answer_grace'} + provisioning"
            yield (
                (*path, "lead"),
                f"a lead of {format_duration(rule.lead)} is shorter than {format_duration(wanted)} "
                f"({parts}): an order whose answer is lost comes too late",
            )


def _check_targets(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    for rule, circuits, path in _each_rule(builder, rules):
        wanted = rule.bandwidth
        if not isinstance(wanted, Bandwidth):
            continue
        for circuit in circuits:
            sold = circuit.sold(wanted)
            if sold < wanted:
                ceiling = circuit.ceiling is not None and circuit.ceiling < wanted
                why = "its ceiling ends there" if ceiling else "its tiers end there"
                message = f"{circuit.name} can only reach {sold} of {wanted}: {why}"
                yield (*path, "bandwidth"), message


def _check_conditions(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    for rule, circuits, path in _each_rule(builder, rules):
        if not circuits:
            yield (*path, "circuits"), "this rule can never do anything: it names no circuit"
        yield from (((*path, "match"), message) for message in _contradictions(rule.conditions))
        if rule.conditions.min_attendees is not None:
            message = "a distribution list counts as one attendee, however many people it holds"
            yield (*path, "match", "min_attendees"), message
            yield from _attendee_doubts(builder, rule, rule.conditions.min_attendees, path)


def _attendee_doubts(builder: Builder, rule: Rule, count: int, path: KeyPath) -> Iterator[Doubt]:
    """What Microsoft Graph shows of an event's attendees need not be all."""
    if any({"mailbox", "mailboxes"} & set(builder.file.calendars[name]) for name in rule.circuits):
        message = "hidden attendees, and most in a room's copy, are not seen: such events are told, not taken"
        if count > MOST_ATTENDEES:
            message = (
                f"Microsoft Graph shows {MOST_ATTENDEES} attendees at most: such events are told, not taken"
            )
        yield (*path, "match", "min_attendees"), message


def _contradictions(match: Conditions) -> Iterator[str]:
    longer, shorter = match.longer_than, match.shorter_than
    if longer is not None and shorter is not None and shorter <= longer + timedelta(microseconds=1):
        yield "this rule can never match: nothing is longer and shorter at once"
    if match.business_days and match.days and match.days <= _WEEKEND:
        yield "this rule can never match: no business day is a Saturday or a Sunday"
    if match.start_from is not None and match.start_from == match.start_to:
        yield "from and to are the same time, which means any time of the day"
    if match.subject and all(_excluded(keyword.normal, match) for keyword in match.subject):
        yield "this rule can never match: not_subject excludes every keyword of subject"
    if match.all_day and match.shorter_than is not None and match.shorter_than <= timedelta(hours=23):
        yield "this rule can never match: an all-day event is not that short"


def _check_holidays(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    for rule, circuits, path in _each_rule(builder, rules):
        without = [circuit.name for circuit in circuits if circuit.holidays == frozenset()]
        if without and (rule.conditions.business_days or rule.conditions.holidays_as_sunday):
            message = (
                f"no holidays are kept for {', '.join(without)}: every weekday counts as an ordinary one"
            )
            yield (*path, "match"), message


def _excluded(normal: str, match: Conditions) -> bool:
    return any(keyword.is_in(normal) for keyword in match.not_subject)


def _check_unused(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    for calendar in builder.calendars:
        if not any(calendar in rule.circuits for rule in rules):
            yield ("calendars", calendar), "no rule uses this calendar: it is not read"
    asking = [rule for rule in rules if rule.mode is not Mode.FREEZE]
    used = {name for rule in asking for names in rule.circuits.values() for name in names}
    for circuit in builder.circuits:
        if circuit not in used:
            yield ("circuits", circuit), "no rule uses this circuit: it follows its baseline only"


def _check_bounds(builder: Builder, _rules: Rules) -> Iterator[Doubt]:
    """What is asked for beyond the ceiling comes to the highest tier that it allows."""
    for name, circuit in builder.circuits.items():
        if circuit.ceiling is None or circuit.ceiling >= circuit.tiers[-1]:
            continue
        if circuit.ceiling not in circuit.tiers:
            above = f"what is asked for goes up to {circuit.highest}"
            yield ("circuits", name, "ceiling"), f"{circuit.ceiling} is no tier of {name}: {above}"
        baseline = circuit.baseline
        for level in dict.fromkeys((baseline.off_peak, *(peak.bandwidth for peak in baseline.peaks))):
            if level > circuit.highest:
                message = f"the baseline's {level} come to {circuit.highest}: its ceiling ends there"
                yield ("circuits", name, "baseline"), message


def _check_peaks(builder: Builder, _rules: Rules) -> Iterator[Doubt]:
    """A peak that is lower than the rest of the day."""
    circuits = (builder.file.defaults.circuit, *builder.file.circuits.values())
    inline = (one.baseline for one in circuits if isinstance(one.baseline, BaselineSection))
    for baseline in (*builder.file.baselines.values(), *inline):
        for number, peak in enumerate(baseline.peaks):
            if peak.bandwidth < baseline.off_peak:
                path: KeyPath = (*baseline.place, "peaks", number, "bandwidth")
                yield path, f"{peak.bandwidth} is below off_peak, {baseline.off_peak}: is that right?"


def _check_quota(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    """Each peak costs a day two changes, and so does each rule's event if there is but one."""
    for name, carrier in builder.carriers.items():
        limit = carrier.changes_per_day
        if limit is None:
            continue
        circuits = [circuit for circuit in builder.circuits.values() if circuit.carrier == name]
        peaks = max(sum(2 * _peaks_on(circuit, day) for circuit in circuits) for day in range(7))
        events = sum(2 for circuit in circuits if any(_asks_for(rule, circuit) for rule in rules))
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


def _asks_for(rule: Rule, circuit: Circuit) -> bool:
    asks = rule.mode is not Mode.FREEZE
    return asks and any(circuit.name in names for names in rule.circuits.values())


def _check_words(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    """Words of `show_as` and `sensitivity` that no calendar is known to use."""
    for rule, _, path in _each_rule(builder, rules):
        yield from _unknown(rule.conditions.show_as, SHOWN_AS, (*path, "match", "show_as"))
        yield from _unknown(rule.conditions.sensitivity, SENSITIVITIES, (*path, "match", "sensitivity"))


def _unknown(words: Iterable[str], known: Iterable[str], path: KeyPath) -> Iterator[Doubt]:
    spelt = {word.casefold(): word for word in known}
    for word in words:
        if word.casefold() not in spelt:
            near = suggest_nearest(word.casefold(), spelt.values())
            yield (
                path,
                f"{word!r} is not among {', '.join(spelt.values())}: no calendar is known to use it{near}",
            )


def _check_money(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    """Rates that are missing or strange, and limits that no raise can keep."""
    for name, circuit in builder.circuits.items():
        path: KeyPath = ("circuits", name)
        used = sorted(set(_levels(circuit, rules)))
        yield from _rate_doubts(circuit, used, (*path, "rates"))
        yield from _limit_doubts(circuit, circuit.max_price_per_hour, used, (*path, "max_price_per_hour"))
    for number, rule in enumerate(rules):
        for name in dict.fromkeys(name for names in rule.circuits.values() for name in names):
            circuit = builder.circuits[name]
            used = sorted(set(_asked_by([rule], circuit)))
            yield from _limit_doubts(
                circuit, rule.max_price_per_hour, used, ("rules", number, "max_price_per_hour")
            )


def _rate_doubts(circuit: Circuit, used: list[Bandwidth], path: KeyPath) -> Iterator[Doubt]:
    rates = circuit.tariff.rates
    missing = ", ".join(str(level) for level in used if circuit.tariff.rate(level) is None)
    if rates and missing:
        yield path, f"no rate for {missing}: what is shown as cost is incomplete"
    for (low, lower), (high, higher) in pairwise(rates):
        if higher.per_hour < lower.per_hour:
            yield path, f"{high} costs less than {low}: is that right?"


def _levels(circuit: Circuit, rules: Iterable[Rule]) -> Iterator[Bandwidth]:
    """The tiers that the baseline and the rules ask for on `circuit`, as far as the configuration tells."""
    yield circuit.sold(circuit.baseline.off_peak)
    yield from (circuit.sold(peak.bandwidth) for peak in circuit.baseline.peaks)
    yield from _asked_by(rules, circuit)


def _asked_by(rules: Iterable[Rule], circuit: Circuit) -> Iterator[Bandwidth]:
    for rule in rules:
        if any(circuit.name in names for names in rule.circuits.values()):
            if isinstance(rule.bandwidth, Bandwidth):
                yield circuit.sold(rule.bandwidth)
            elif rule.bandwidth is Highest.HIGHEST:
                yield circuit.highest


def _limit_doubts(
    circuit: Circuit, limit: Decimal | None, levels: Iterable[Bandwidth], path: KeyPath
) -> Iterator[Doubt]:
    for level in levels:
        price = circuit.tariff.per_hour(level)
        if limit is not None and price is not None and price > limit:
            known = f"{level} on {circuit.name} costs {price} {circuit.tariff.currency} as far as is known"
            yield path, f"{known}: it would not be ordered"


def _check_circuit_names(builder: Builder, rules: Rules) -> Iterator[Doubt]:
    """The names of circuits and sites that an event would name by chance."""
    for number, rule in enumerate(rules):
        if not rule.named_in_event:
            continue
        allowed = dict.fromkeys(name for names in rule.circuits.values() for name in names)
        named = {
            name: path for circuit in allowed for name, path in _names_of(builder.circuits[circuit]).items()
        }
        for name, path in named.items():
            why = _by_chance(name, rule)
            if why is not None:
                yield path, f"{why}: rules[{number}] takes it for a circuit that the event names"


def _names_of(circuit: Circuit) -> dict[str, KeyPath]:
    path: KeyPath = ("circuits", circuit.name)
    names = {circuit.name: path, circuit.service_id: (*path, "service_id")}
    return names | ({circuit.site: ("sites", circuit.site)} if circuit.site is not None else {})


def _by_chance(name: str, rule: Rule) -> str | None:
    normal = normalise_text(name)
    if not normal:
        return None  # nothing to be looked for, so no event names it
    for keyword in rule.conditions.subject:
        if Keyword(name).is_in(keyword.normal):
            return f"every event with {keyword.text!r} in its title has {name!r} in it"
    if len(normal) < _SHORTEST or normal in _COMMON:
        return f"{name!r} stands in many titles"
    if normal.isdecimal() and len(normal) <= _LONGEST_NUMBER:
        return f"{name!r} is a number that stands in many titles, as a year or a room does"
    return None


def _check_budgets(builder: Builder, _rules: Rules) -> Iterator[Doubt]:
    """Budgets that nothing counts against."""
    labels = {pair for circuit in builder.circuits.values() for pair in circuit.labels}
    for number, budget in enumerate(builder.file.budget):
        missing = budget.label is not None and all(name != budget.label for name, _ in labels)
        if missing or (budget.value is not None and (budget.label, budget.value) not in labels):
            what = budget.label if budget.value is None else f"{budget.label}: {budget.value}"
            yield ("budget", number), f"no circuit has the label {what}: nothing counts against this budget"


def _check_secrets(builder: Builder, *, readable: bool) -> Iterator[Doubt]:
    holders: list[tuple[KeyPath, object]] = [
        (("microsoft365",), builder.file.microsoft365),
        (("settings", "state_store"), builder.file.settings.state_store),
    ]
    holders += [(("carriers", name), config.options) for name, config in builder.carriers.items()]
    holders += [(("calendars", name), config.options) for name, config in builder.calendars.items()]
    holders += [(("notify", name), section) for name, section in builder.file.notify.items()]
    holders += [(("usage",), builder.file.usage)]
    holders += [(("carriers", name, "usage"), one) for name, one in builder.carrier_usage.items()]
    holders += [(("circuits", name), section) for name, section in builder.file.circuits.items()]
    holders += [(("defaults", "circuit"), builder.file.defaults.circuit)]
    for path, holder in holders:
        for place, secret in secrets_in(holder):
            if secret.literal and place != ("ics",):
                others = ", and others can read this file" if readable else ""
                message = f"a secret stands here itself{others}: write {{env: NAME}} or {{file: path}}"
                yield (*path, *place), message


CHECKS: tuple[Callable[[Builder, Rules], Iterable[Doubt]], ...] = (
    _check_organizers,
    _check_freezes,
    _check_leads,
    _check_targets,
    _check_conditions,
    _check_holidays,
    _check_unused,
    _check_bounds,
    _check_peaks,
    _check_quota,
    _check_money,
    _check_circuit_names,
    _check_words,
    _check_budgets,
    check_forbidden,
    check_keywords,
    check_everything,
    check_zones,
    check_tenant,
    check_plugins,
)
