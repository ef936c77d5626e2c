"""The first step of a run: every source read, side by side, or remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.calendars import CalendarReader
from iodcal.config import CalendarConfig, Configuration
from iodcal.domain.counting import Organizers, Veil
from iodcal.domain.events import CalendarReading, Event, MatchedEvent, Source
from iodcal.domain.freezes import open_freezes
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import Matching, match_events
from iodcal.domain.memory import Recalled, from_memory, from_reading
from iodcal.domain.rules import Rule
from iodcal.domain.values import replace
from iodcal.domain.windows import open_windows
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from iodcal.recent import Recent
from iodcal.store.state import State
from iodcal.threads import answers, side_by_side

Answers: TypeAlias = Mapping[str, CalendarReading | CalendarError]
ReadCalendars: TypeAlias = Callable[[Sequence[CalendarReader], Interval, Deadline], Answers]

_SIDE_BY_SIDE = 8
_NEVER = datetime.min.replace(tzinfo=UTC)
_UTC = ZoneInfo("UTC")


class Sight(Struct, frozen=True):
    """What this run sees of all calendars: `recalled` counts, `failures` say what could not be read, by
    source key; `matching` is what today's readings held. `past` are matched events that are over, lead
    and trail included: they ask for nothing, but say why a circuit was up."""

    recalled: tuple[Recalled, ...]
    readings: Mapping[str, CalendarReading]
    failures: Mapping[str, CalendarError]
    matching: Matching
    past: tuple[MatchedEvent, ...] = ()

    @property
    def events(self) -> tuple[MatchedEvent, ...]:
        """All matched events that are known, the past ones too."""
        return (*(event for recalled in self.recalled for event in recalled.events), *self.past)

    @property
    def read(self) -> tuple[Event, ...]:
        """Every event of this run's readings, taken by a rule or not: for a screen, never to be kept."""
        return tuple(event for reading in self.readings.values() for event in reading.events)

    @property
    def clock_error(self) -> float:
        """The worst difference between a server's clock and ours in this run's answers, in seconds."""
        errors = (reading.clock_error for reading in self.readings.values())
        return max((error for error in errors if error is not None), key=abs, default=0.0)

    def blind_after(self, rules: Iterable[Rule]) -> dict[str, datetime]:
        """For each circuit of a source that could not be read, the instant (UTC) up to which it is known. For
        a rule that is newer than the last good reading nothing is: nobody asked it."""
        blind: dict[str, datetime] = {}
        stale = [recalled for recalled in self.recalled if not recalled.fresh]
        for recalled, rule in product(stale, rules):
            known_until = recalled.known_until or _NEVER
            if recalled.remembered is not None and not recalled.remembered.knows(rule.name):
                known_until = _NEVER
            for name in rule.circuits.get(recalled.source.calendar, ()):
                blind[name] = min(known_until, blind.get(name, known_until))
        return blind


def span_to_read(configuration: Configuration, now: datetime, window: timedelta) -> Interval:
    """What events of a run at `now` (UTC) must overlap to matter."""
    settings, rules = configuration.settings, configuration.rules
    provisioning = max((c.provisioning for c in configuration.circuits.values()), default=timedelta())
    lead = max((rule.lead for rule in rules), default=timedelta())
    trail = max((rule.trail for rule in rules), default=timedelta())
    sight = max(settings.min_gap, settings.every + provisioning)
    return Interval(now - trail, now + window + lead + sight)


def look(
    configuration: Configuration,
    state: State,
    now: datetime,
    window: timedelta,
    deadline: Deadline,
    progress: Callable[[str], None],
    read: ReadCalendars | None = None,
    recent: Recent | None = None,
) -> Sight:
    """Reads every calendar that a rule names; what cannot be read is remembered."""
    recent = recent or Recent()
    used = calendars_in_use(configuration)
    readers = [reader for calendar in used for reader in readers_of(calendar, state)]
    progress(f"reading {len(readers)} calendars" if len(readers) != 1 else "reading 1 calendar")
    answers = (read or read_all)(readers, span_to_read(configuration, now, window), deadline)
    readings = {key: answer for key, answer in answers.items() if isinstance(answer, CalendarReading)}
    failures = {key: answer for key, answer in answers.items() if isinstance(answer, CalendarError)}
    events = [event for reading in readings.values() for event in reading.events]
    matching = recent.get("matching", (configuration, *events), lambda: match(configuration, events))
    over = [event for reading in readings.values() for event in _over(reading)]
    past = recent.get("past", (configuration, *over), lambda: match(configuration, over))
    sources = [reader.source for reader in readers]
    recalled = tuple(_recall(source, readings, matching, configuration, state, now) for source in sources)
    return Sight(recalled, readings, failures, matching, past.matched)


def remember(configuration: Configuration, state: State) -> Sight:
    """The last run's readings in place of today's: nothing is opened, no secret is resolved."""
    sources = [
        source
        for calendar in calendars_in_use(configuration)
        for source in calendar.plugin.sources(calendar.name, calendar.options, calendar.context)
    ]
    recalled = (from_memory(source, state.remembered.get(source.key)) for source in sources)
    as_read = tuple(
        replace(
            known,
            events=tuple(replace(event, remembered_since=None) for event in known.events),
            fresh=known.remembered is not None,
        )
        for known in recalled
    )
    return Sight(as_read, {}, {}, Matching(()))


def read_all(
    readers: Sequence[CalendarReader], span: Interval, deadline: Deadline
) -> dict[str, CalendarReading | CalendarError]:
    """Reads side by side what may be; the answers by source key, in the order of the readers."""
    groups: defaultdict[str, list[CalendarReader]] = defaultdict(list)
    for reader in readers:
        groups[reader.group].append(reader)

    def read_group(group: Iterable[CalendarReader]) -> list[tuple[str, CalendarReading | CalendarError]]:
        return [(reader.source.key, _read(reader, span, deadline)) for reader in group]

    if len(groups) <= 1:
        answered = dict(read_group(readers))
    else:
        with side_by_side(min(_SIDE_BY_SIDE, len(groups))) as pool:
            said = answers(pool, read_group, groups.values())
            answered = dict(answer for group in said for answer in group)
    return {reader.source.key: answered[reader.source.key] for reader in readers}


def _read(reader: CalendarReader, span: Interval, deadline: Deadline) -> CalendarReading | CalendarError:
    try:
        return reader.read(span, deadline)
    except CalendarError as error:
        return error


def calendars_in_use(configuration: Configuration) -> list[CalendarConfig]:
    """The calendars that some rule names: no other is read."""
    used = {name for rule in configuration.rules for name in rule.circuits}
    return [calendar for name, calendar in configuration.calendars.items() if name in used]


def readers_of(calendar: CalendarConfig, state: State) -> Sequence[CalendarReader]:
    """One reader per source of `calendar`; it knows the ids that were found in earlier runs."""
    context = replace(calendar.context, calendar_ids=state.calendar_ids)
    return calendar.plugin.readers(calendar.name, calendar.options, context)


def _over(reading: CalendarReading) -> Iterable[Event]:
    """The events that were over before the stretch that was asked for; servers send some of them along."""
    return (event for event in reading.elsewhere if not event.span.within(_UTC).start >= reading.covers.end)


def match(configuration: Configuration, events: Iterable[Event]) -> Matching:
    """Which of `events` the rules take, by all that the configuration says of whose events count."""
    return match_events(
        events,
        configuration.rules,
        organizers=organizers_of(configuration),
        hidden_calendars=hidden_calendars(configuration),
        circuits=configuration.circuits.values(),
    )


def organizers_of(configuration: Configuration) -> Organizers:
    """Whose events count."""
    entries = configuration.settings.organizers
    return Organizers(None if entries is None else frozenset(entries))


def hidden_calendars(configuration: Configuration) -> frozenset[str]:
    """The calendars whose subjects must not be seen."""
    everywhere = configuration.settings.hide_subjects
    calendars = configuration.calendars.values()
    return frozenset(calendar.name for calendar in calendars if calendar.hide_subjects or everywhere)


def veil_of(configuration: Configuration, sight: Sight) -> Veil:
    """Which of the events that were read must not be seen; what is remembered of copies has a say too."""
    veil = Veil.over(sight.read, hidden_calendars(configuration))
    stale = (event for recalled in sight.recalled if not recalled.fresh for event in recalled.events)
    hidden = (
        event.copy_key
        for event in stale
        if event.subject is None and event.source.calendar not in veil.calendars
    )
    return replace(veil, private=veil.private.union(hidden))


def _recall(
    source: Source,
    readings: Mapping[str, CalendarReading],
    matching: Matching,
    configuration: Configuration,
    state: State,
    now: datetime,
) -> Recalled:
    remembered = state.remembered.get(source.key)
    reading = readings.get(source.key)
    if reading is None:
        return from_memory(source, remembered)

    def covers_now(event: MatchedEvent) -> bool:
        rules, circuits = configuration.rules, configuration.circuits.values()
        windows = [window for found in open_windows([event], rules, circuits).values() for window in found]
        freezes = [freeze for found in open_freezes([event], rules, circuits).values() for freeze in found]
        spans = [*(window.demand.span for window in windows), *(freeze.span for freeze in freezes)]
        return any(now in span for span in spans)

    matched = (event for event in matching.matched if event.source == source)
    asked = frozenset(rule.name for rule in configuration.rules if source.calendar in rule.circuits)
    return from_reading(reading, matched, remembered, covers_now, asked)
