"""`plan --diff`: the plan by another rules file beside today's, from the same readings; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct, field

from iodcal.calendars import CalendarReader
from iodcal.commands.requests import PreviewRequest, check_diff, clock_of, select_circuits
from iodcal.commands.sync import preview_request, surroundings
from iodcal.config import Configuration
from iodcal.domain.diff import CircuitDifference, circuit_differences
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval
from iodcal.domain.rules import Rule
from iodcal.domain.structs import replace
from iodcal.errors import CalendarError
from iodcal.exits import Exit
from iodcal.http import Deadline
from iodcal.pipeline.attempts import Earlier, heard, read_all, what_is_read
from iodcal.pipeline.context import Request, RunContext
from iodcal.pipeline.fetch import span_to_read
from iodcal.pipeline.poll import Carriers
from iodcal.pipeline.run import run
from iodcal.problems.kinds import Problem
from iodcal.result import Report
from iodcal.store.address import StateAddress
from iodcal.store.state import State
from iodcal.store.store import store_of


class RuleDifferences(Struct, frozen=True):
    """The names of rules that only one file has, or both have otherwise. `untried` are those whose matching
    could not be tried, since only events that today's rules took are remembered."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()


class RulesComparison(Struct, frozen=True):
    """Two plans from the same readings: `before` by today's rules, `after` by those of the file `path`."""

    path: Path
    before: Report
    after: Report
    circuits: tuple[CircuitDifference, ...]
    rules: RuleDifferences
    detailed_exitcode: bool = False

    @property
    def new_problems(self) -> tuple[Problem, ...]:
        """The problems that the other rules would bring."""
        return _without(self.after.problems, self.before.problems)

    @property
    def gone_problems(self) -> tuple[Problem, ...]:
        """The problems that the other rules would end."""
        return _without(self.before.problems, self.after.problems)

    @property
    def same(self) -> bool:
        """True if both plans come to the same."""
        changed = self.new_problems or self.gone_problems
        return not changed and all(circuit.same for circuit in self.circuits)

    @property
    def exit(self) -> Exit:
        """That of the other rules' plan; else, with `--detailed-exitcode`, 4 if the plans differ."""
        if self.after.exit is not Exit.OK:
            return self.after.exit
        return Exit.CHANGES_DUE if self.detailed_exitcode and not self.same else Exit.OK


def compare(
    configuration: Configuration,
    other: Configuration,
    state_path: StateAddress,
    asked: PreviewRequest,
    progress: Callable[[str], None],
) -> RulesComparison:
    """Plans by both configurations, from the same state and readings. Raises UsageError, StateError."""
    check_diff(configuration, other, asked)
    known = {**configuration.circuits, **other.circuits}
    asked = replace(asked, circuits=select_circuits(known, asked.circuits))
    configuration, other = _alike(configuration, other)
    clock, now = clock_of(configuration, asked.now)
    # Both look as far, and the exit status is the comparison's own.
    request = replace(preview_request(configuration, asked, now), detailed_exitcode=False)
    state = store_of(configuration, state_path, clock).load(read_only=True)
    context = surroundings(configuration, clock, progress, virtual=asked.now is not None)
    shared = SharedReading(_span(configuration, other, request))
    context = replace(context, read_calendars=shared)
    before, after = _plan_both(configuration, other, state=state, request=request, context=context)
    within = Interval(now, now + request.window)
    rules = _compare_rules(configuration.rules, other.rules, after)
    found = circuit_differences(before.plans, after.plans, within)
    return RulesComparison(
        other.path,
        before,
        after=after,
        circuits=found,
        rules=rules,
        detailed_exitcode=asked.detailed_exitcode,
    )


def _plan_both(
    configuration: Configuration, other: Configuration, state: State, request: Request, context: RunContext
) -> tuple[Report, Report]:
    carriers = Carriers(configuration, context.clock)
    before = run(configuration, state, request=request, context=context, carriers=carriers)
    read = set(carriers.readings)
    after = run(other, state, request=request, context=context, carriers=carriers.alike(other))
    if set(carriers.readings) != read:
        # The other rules had to look at more circuits: today's plan must know as much.
        before = run(configuration, state, request=request, context=context, carriers=carriers)
    return before, after


def _span(configuration: Configuration, other: Configuration, request: Request) -> Interval:
    """What both need to read."""
    spans = [span_to_read(one, request.now, request.window) for one in (configuration, other)]
    return Interval(min(span.start for span in spans), max(span.end for span in spans))


def _alike(configuration: Configuration, other: Configuration) -> tuple[Configuration, Configuration]:
    """Both, so that they read the same of an event: its attendees if either of them counts them."""
    both = (configuration, other)
    counts = any(calendar.context.attendees for one in both for calendar in one.calendars.values())
    first, second = (
        replace(
            one,
            calendars={
                name: replace(calendar, context=replace(calendar.context, attendees=counts))
                for name, calendar in one.calendars.items()
            },
        )
        for one in both
    )
    return first, second


class SharedReading(Struct):
    """Reads each source once, over one `span`, whoever asks for it and under whatever name."""

    span: Interval
    _answers: dict[Hashable, CalendarReading | CalendarError] = field(default_factory=dict)

    def __call__(
        self, readers: Sequence[CalendarReader], _span: Interval, deadline: Deadline, earlier: Earlier
    ) -> dict[Source, CalendarReading | CalendarError]:
        """See `read_all`."""
        unread = [reader for reader in readers if what_is_read(reader) not in self._answers]
        answers = read_all(unread, self.span, deadline, earlier)
        self._answers |= {what_is_read(reader): answers[reader.source] for reader in unread}
        return {
            reader.source: heard(self._answers[what_is_read(reader)], reader.source) for reader in readers
        }


def _compare_rules(before: Sequence[Rule], after: Sequence[Rule], report: Report) -> RuleDifferences:
    ours, theirs = ({rule.name: rule for rule in rules} for rules in (before, after))
    remembered = {source.source.calendar for source in report.sources if report.cached or source.remembered}
    return RuleDifferences(
        added=tuple(name for name in theirs if name not in ours),
        removed=tuple(name for name in ours if name not in theirs),
        changed=tuple(name for name, rule in theirs.items() if name in ours and rule != ours[name]),
        untried=tuple(
            name
            for name, rule in theirs.items()
            if not remembered.isdisjoint(rule.circuits) and _matches_otherwise(rule, ours.get(name))
        ),
    )


def _matches_otherwise(rule: Rule, known: Rule | None) -> bool:
    return (
        known is None
        or known.conditions != rule.conditions
        or (rule.named_in_event and not known.named_in_event)
        or not rule.circuits.keys() <= known.circuits.keys()
    )


def _without(problems: Iterable[Problem], others: Iterable[Problem]) -> tuple[Problem, ...]:
    known = {problem.id for problem in others}
    return tuple(problem for problem in problems if problem.id not in known)
