"""From the sections `rules`, `notify` and `budget` to values: names resolved, defaults filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from iodcal.config import NotifyTarget
from iodcal.config.build import Builder
from iodcal.config.document import KeyPath, shown_path
from iodcal.config.schema import NamedInEvent, NotifySection, RuleSection
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.budgets import MoneyBudget
from iodcal.domain.circuits import Circuit, labels_of
from iodcal.domain.durations import format_duration
from iodcal.domain.rules import Allow, FromEvent, Mode, Rule

_ALL, _SAME_SITE, _NAMED = "all", "same_site", "named_in_event"


def build_rules(builder: Builder) -> tuple[Rule, ...]:
    """The rules, in the order of the file; what is wrong with them is added to the builder's faults."""
    names: dict[str, KeyPath] = {}
    rules = []
    for section in builder.file.rules:
        path = section.place
        if section.name in names:
            earlier = shown_path(names[section.name])
            builder.faults.add((*path, "name"), f"{section.name!r} is the name of {earlier} already")
        names.setdefault(section.name, path)
        circuits = _circuits(builder, section, path)
        _check_freeze(builder, section, path)
        _check_bandwidth(builder, section, circuits, path)
        rules.append(_rule(builder, section, circuits))
    return tuple(rules)


def _rule(builder: Builder, section: RuleSection, circuits: Mapping[str, tuple[str, ...]]) -> Rule:
    settings = builder.file.settings
    around = section.mode is Mode.AT_LEAST  # the others mean the event's own time
    lead = settings.lead if around else timedelta()
    trail = settings.trail if around else timedelta()
    longest = section.longest
    lead = lead if section.lead is None else section.lead
    if longest is not None and longest <= lead:
        message = (
            f"{format_duration(longest)} is over before the event begins: the lead is {format_duration(lead)}"
        )
        builder.faults.add((*section.place, "longest"), message)
    return Rule(
        name=section.name,
        circuits=circuits,
        bandwidth=section.bandwidth,
        conditions=section.match.conditions(),
        mode=section.mode,
        priority=section.priority,
        lead=lead,
        trail=trail if section.trail is None else section.trail,
        longest=longest,
        allow=section.allow or Allow.UPS,
        max_price_per_hour=section.max_price_per_hour,
        labels=labels_of(section.labels),
        named_in_event=_by_name(section),
    )


def _circuits(builder: Builder, section: RuleSection, path: KeyPath) -> dict[str, tuple[str, ...]]:
    """For each calendar of the rule the circuits that it asks for."""
    wanted = _wanted(builder, section, path)
    circuits = {}
    for number, calendar in enumerate(dict.fromkeys(section.calendars)):
        known = builder.known("calendars", calendar, (*path, "calendars", number))
        if known and calendar in builder.calendars:
            circuits[calendar] = tuple(_for_calendar(builder, wanted, calendar, path))
    return circuits


def _by_name(section: RuleSection) -> bool:
    return isinstance(section.circuits, NamedInEvent) or section.circuits == (_NAMED,)


def _wanted(builder: Builder, section: RuleSection, path: KeyPath) -> tuple[str, ...]:
    """What the rule allows, as it stands in the file: names, or a word for more of them."""
    words, place = [_ALL, _SAME_SITE], (*path, "circuits")
    given = section.circuits
    if isinstance(given, NamedInEvent):
        given, place = given.named_in_event, (*place, _NAMED)
    else:
        words.append(_NAMED)
    wanted = tuple(dict.fromkeys(given))
    for number, name in enumerate(wanted):
        if name in words and len(wanted) > 1:
            builder.faults.add(place, f"{name} stands alone, not in a list with others")
        builder.known("circuits", name, (*place, number), *words)
    return (_ALL,) if wanted == (_NAMED,) else wanted


def _for_calendar(builder: Builder, wanted: tuple[str, ...], calendar: str, path: KeyPath) -> Iterator[str]:
    if _SAME_SITE in wanted:
        site = builder.calendars[calendar].site
        if site is None:
            builder.faults.add((*path, "circuits"), f"same_site: the calendar {calendar} has no site")
            return
        yield from (name for name, circuit in builder.circuits.items() if circuit.site == site)
    elif _ALL in wanted:
        yield from builder.circuits
    else:
        yield from (name for name in wanted if name in builder.circuits)


def _check_freeze(builder: Builder, section: RuleSection, path: KeyPath) -> None:
    """A freeze asks for no bandwidth, everything else must; and only a freeze allows or forbids."""
    given = "bandwidth" in section.given
    if section.mode is Mode.FREEZE and given:
        message = "a freeze asks for no bandwidth: leave it out (allow says what may be ordered meanwhile)"
        builder.faults.add((*path, "bandwidth"), message)
    if section.mode is not Mode.FREEZE and not given:
        builder.faults.add((*path, "bandwidth"), "this key is missing")
    if section.mode is not Mode.FREEZE and section.allow is not None:
        builder.faults.add((*path, "allow"), "only a rule with mode: freeze allows or forbids orders")


def _check_bandwidth(
    builder: Builder, section: RuleSection, circuits: Mapping[str, tuple[str, ...]], path: KeyPath
) -> None:
    pattern = section.match.conditions().subject_regex
    if section.bandwidth is FromEvent.FROM_EVENT and (pattern is None or "bandwidth" not in pattern.groups):
        message = "from_event needs a match.subject_regex with a group named bandwidth"
        builder.faults.add((*path, "bandwidth"), message)
    if section.mode is Mode.EXACTLY and isinstance(section.bandwidth, Bandwidth):
        for name in dict.fromkeys(name for names in circuits.values() for name in names):
            tiers = builder.circuits[name].tiers
            if section.bandwidth not in tiers:
                sold = ", ".join(str(tier) for tier in tiers)
                message = f"exactly {section.bandwidth} is not one of the tiers of {name} ({sold})"
                builder.faults.add((*path, "bandwidth"), message)


def build_budgets(builder: Builder) -> tuple[MoneyBudget, ...]:
    """The budgets; two for the same circuits are one too many."""
    made: list[MoneyBudget] = []
    for section in builder.file.budget:
        budget = MoneyBudget(section.monthly, section.label, section.value, section.currency)
        same = [one for one in made if (one.label, one.value) == (budget.label, budget.value)]
        if any(None in (one.currency, budget.currency) or one.currency == budget.currency for one in same):
            builder.faults.add(section.place, "these circuits have a budget already")
        made.append(budget)
    return tuple(made)


def build_notify(builder: Builder) -> Mapping[str, NotifyTarget]:
    """The targets by name; what is wrong with them is added to the builder's faults."""
    return {name: _target(builder, name, section) for name, section in builder.file.notify.items()}


def _target(builder: Builder, name: str, section: NotifySection) -> NotifyTarget:
    path: KeyPath = ("notify", name)
    for key, names in (("circuits", section.circuits), ("sites", section.sites)):
        for number, name_ in enumerate(names or ()):
            builder.known(key, name_, (*path, key, number))
    return NotifyTarget(
        name,
        section.way,
        address=getattr(section, section.way),
        kinds=frozenset(section.kinds),
        circuits=_selected(builder, section, path),
        template=section.template,
        authorization=section.authorization,
        daily_at=section.daily_at,
    )


def _selected(builder: Builder, section: NotifySection, path: KeyPath) -> frozenset[str] | None:
    """The circuits that every given condition selects; None where none is given."""
    if section.circuits is None and section.sites is None and section.labels is None:
        return None
    names = frozenset(c.name for c in builder.circuits.values() if _selects(section, c))
    all_known = builder.circuits.keys() == set(builder.names_of("circuits") or ())
    if not names and section.labels is not None and builder.circuits and all_known:
        wanted = ", ".join(f"{key}: {value}" for key, value in section.labels.items())
        builder.faults.add((*path, "labels"), f"no circuit that this target selects has {wanted}")
    return names


def _selects(section: NotifySection, circuit: Circuit) -> bool:
    if section.circuits is not None and circuit.name not in section.circuits:
        return False
    if section.sites is not None and circuit.site not in section.sites:
        return False
    return all(label in circuit.labels for label in (section.labels or {}).items())
