"""All that past weeks teach, in the order in which it matters: what was too little, then the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from iodcal.analysis.advice import Advice, AdviceKind, CircuitWeeks, Finding, KeyPath, LooseEvent, Undecided
from iodcal.analysis.baseline_advice import advise_baseline
from iodcal.analysis.missing_rules import advise_missing_rules
from iodcal.analysis.rule_advice import advise_rule
from iodcal.domain.rules import Rule

_ORDER = tuple(AdviceKind)


def advise(
    rules: Sequence[Rule],
    circuits: Sequence[CircuitWeeks],
    events: Iterable[LooseEvent],
    *,
    names: Mapping[KeyPath, str],
    headroom: float,
    every: timedelta,
) -> tuple[tuple[Advice, ...], tuple[Undecided, ...]]:
    """Advice on `rules` and on the baselines of `circuits`, and what could not be decided.

    `events` are those that no rule took, `names` what the baselines at these places are called; `headroom` is
    a share of what was used, `every` the time between two runs."""
    missing, explained = advise_missing_rules(circuits, events)
    findings: list[Finding] = [*missing]
    for number, rule in enumerate(rules):
        findings += advise_rule(number, rule, circuits, headroom=headroom, every=every)
    of_place: dict[KeyPath, list[CircuitWeeks]] = {}
    for one in circuits:
        of_place.setdefault(one.place, []).append(one)
    for place, sharing in of_place.items():
        findings += advise_baseline(names[place], sharing, explained, headroom=headroom)
    advice = [one for one in findings if isinstance(one, Advice)]
    advice.sort(key=lambda one: (not one.raises, _ORDER.index(one.kind), one.where))
    return tuple(advice), tuple(one for one in findings if isinstance(one, Undecided))
