"""The first step of a run: every source read, side by side, or remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.calendars import CalendarReader, SourceHint
from iodcal.config import CalendarConfig, Configuration
from iodcal.domain.billing import longest_wait
from iodcal.domain.events import CalendarReading, Event, MatchedEvent, Source
from iodcal.domain.holds import Skip
from iodcal.domain.last_known_good import LastKnownGood, memory_of, recall_events, remember_reading
from iodcal.domain.localtime import Interval, widened
from iodcal.domain.matching import Matching, Organizers, Visibility, match_events
from iodcal.domain.rules import Rule
from iodcal.domain.structs import replace
from iodcal.errors import CalendarError, PassingError
from iodcal.http import Deadline
from iodcal.memo import Memo
from iodcal.pipeline.attempts import Earlier, read_all
from iodcal.redaction import redact_name, redact_text
from iodcal.store.state import State

Answers: TypeAlias = Mapping[Source, CalendarReading | CalendarError]
ReadCalendars: TypeAlias = Callable[[Sequence[CalendarReader], Interval, Deadline, Earlier], Answers]

_DAY = timedelta(days=1)
_LATELY = timedelta(hours=1)
_LONGEST_REST = timedelta(minutes=15)  # for which a server is believed that it must not be asked
_NEVER = datetime.min.replace(tzinfo=UTC)
_FOREVER = datetime.max.replace(tzinfo=UTC)
_UTC = ZoneInfo("UTC")


class EventSnapshot(Struct, frozen=True):
    """What this run sees of all calendars: `recalled` counts, `failures` say what could not be read;
    `matching` is what today's readings held. `past` are matched events that are over, lead
    and trail included: they ask for nothing, but say why a circuit was up. `skips` are those that a person
    said do not count."""

    recalled: tuple[LastKnownGood, ...]
    readings: Mapping[Source, CalendarReading]
    failures: Mapping[Source, CalendarError]
    matching: Matching
    past: tuple[MatchedEvent, ...] = ()
    skips: tuple[Skip, ...] = ()

    @property
    def events(self) -> tuple[MatchedEvent, ...]:
        """All matched events that are known and that nobody skipped, the past ones too."""
        known = (*(event for recalled in self.recalled for event in recalled.events), *self.past)
        skipped = {skip.event for skip in self.skips}
        return tuple(event for event in known if event.copy_key not in skipped) if skipped else known

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

    def doubtful(self, rules: Sequence[Rule]) -> dict[str, tuple[Interval, ...]]:
        """For each circuit of a calendar that holds an event which cannot be understood, the times (UTC) that
        its windows could touch by `rules`."""
        doubts: defaultdict[str, list[Interval]] = defaultdict(list)
        for reading, rule in product(self.readings.values(), rules):
            for spoiled in reading.spoiled:
                span = spoiled.span or Interval(_NEVER, _FOREVER)
                doubt = widened(span, rule.lead, rule.trail)
                for name in rule.circuits.get(reading.source.calendar, ()):
                    doubts[name].append(doubt)
        return {name: tuple(found) for name, found in doubts.items()}


def span_to_read(configuration: Configuration, now: datetime, window: timedelta) -> Interval:
    """What events of a run at `now` (UTC) must overlap to matter."""
    settings, rules = configuration.settings, configuration.rules
    provisioning = max((c.provisioning for c in configuration.circuits.values()), default=timedelta())
    lead = max((rule.lead for rule in rules), default=timedelta())
    trail = max((rule.trail for rule in rules), default=timedelta())
    billings = {circuit.tariff.billing for circuit in configuration.circuits.values()}
    ahead = max(settings.min_gap, settings.every + provisioning, *map(longest_wait, billings))
    return Interval(now - trail, now + window + lead + ahead)


def fetch_events(
    configuration: Configuration,
    state: State,
    *,
    now: datetime,
    window: timedelta,
    deadline: Deadline,
    progress: Callable[[str], None],
    read: ReadCalendars | None = None,
    memo: Memo | None = None,
) -> EventSnapshot:
    """Reads every calendar that a rule names; what cannot be read is remembered."""
    memo = memo or Memo()
    used = calendars_in_use(configuration)
    readers = [reader for calendar in used for reader in readers_of(calendar, state, now)]
    progress(f"reading {len(readers)} calendars" if len(readers) != 1 else "reading 1 calendar")
    earlier = Earlier(state.failed_sources, waits_of(state.throttled_until, now))
    answers = (read or read_all)(readers, span_to_read(configuration, now, window), deadline, earlier)
    readings = {
        source: _without_secrets(answer)
        for source, answer in answers.items()
        if isinstance(answer, CalendarReading)
    }
    failures = {source: answer for source, answer in answers.items() if isinstance(answer, CalendarError)}
    events = [event for reading in readings.values() for event in reading.events]
    matching = memo.get("matching", (configuration, *events), lambda: match(configuration, events))
    over = [event for reading in readings.values() for event in _over(reading)]
    past = memo.get("past", (configuration, *over), lambda: match(configuration, over))
    of_source: defaultdict[Source, list[MatchedEvent]] = defaultdict(list)
    for event in matching.matched:
        of_source[event.source].append(event)
    recalled = tuple(
        _recall(
            reader.source,
            readings.get(reader.source),
            of_source[reader.source],
            configuration=configuration,
            state=state,
        )
        for reader in readers
    )
    return EventSnapshot(
        recalled, readings, failures=failures, matching=matching, past=past.matched, skips=state.skips
    )


def remember(configuration: Configuration, state: State) -> EventSnapshot:
    """The last run's readings in place of today's: nothing is opened, no secret is resolved."""
    sources = [
        source
        for calendar in calendars_in_use(configuration)
        for source in calendar.plugin.sources(calendar.name, calendar.options, calendar.context)
    ]
    recalled = (_recall(source, None, (), configuration=configuration, state=state) for source in sources)
    as_read = tuple(
        replace(
            known,
            events=tuple(replace(event, remembered_since=None) for event in known.events),
            fresh=known.remembered is not None,
        )
        for known in recalled
    )
    return EventSnapshot(as_read, {}, {}, Matching(()), skips=state.skips)


def calendars_in_use(configuration: Configuration) -> list[CalendarConfig]:
    """The calendars that some rule names: no other is read."""
    used = {name for rule in configuration.rules for name in rule.circuits}
    return [calendar for name, calendar in configuration.calendars.items() if name in used]


def readers_of(calendar: CalendarConfig, state: State, now: datetime) -> Sequence[CalendarReader]:
    """One reader per source of `calendar`; it knows the ids that were found in earlier runs, and what else
    was learnt then."""
    hints = {
        source.key: _hint(source, state, now)
        for source in calendar.plugin.sources(calendar.name, calendar.options, calendar.context)
    }
    context = replace(calendar.context, calendar_ids=state.calendar_ids, hints=hints)
    return calendar.plugin.readers(calendar.name, calendar.options, context)


def _hint(source: Source, state: State, now: datetime) -> SourceHint:
    remembered = memory_of(source, state.remembered)
    looked_up = state.looked_up_at.get(source.key)
    page_size = state.page_sizes.get(source.key)
    if page_size is not None and remembered is not None and remembered.read_at.date() < now.date():
        page_size *= 2  # once a day: what was too much for the server then need not be for ever
    return SourceHint(
        page_size=page_size,
        read_lately=remembered is not None and now - remembered.read_at < _LATELY,
        id_due=looked_up is None or now - looked_up >= _DAY,
    )


def waits_of(until: Mapping[str, datetime], now: datetime) -> dict[str, float]:
    """The seconds for which each throttled application is to be left alone still."""
    return {application: (at - now).total_seconds() for application, at in _resting(until, now).items()}


def _resting(until: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """Those applications whose rest lasts. One that is longer than any was written when the clock was
    ahead."""
    return {name: at for name, at in until.items() if now < at <= now + _LONGEST_REST}


def learn(state: State, snapshot: EventSnapshot, now: datetime) -> State:
    """`state` with what this run's readings taught about how to read."""
    keys = {recalled.source.key for recalled in snapshot.recalled}
    readings = [(source.key, reading) for source, reading in snapshot.readings.items()]
    sizes = {key: reading.page_size for key, reading in readings if reading.page_size is not None}
    ids = {key: reading.calendar_id for key, reading in readings if reading.calendar_id}
    looked_up = {key: reading.read_at for key, reading in readings if reading.looked_up}
    kept_ids = {key: id_ for key, id_ in state.calendar_ids.items() if key in keys}
    refusals = [error for error in snapshot.failures.values() if isinstance(error, PassingError)]
    throttled = {
        error.shared: now + timedelta(seconds=min(error.wait, _LONGEST_REST.total_seconds()))
        for error in refusals
        if error.shared is not None and error.wait is not None and _concerns_all(error, refusals, readings)
    }
    still = _resting(state.throttled_until, now)
    unread = keys - {key for key, _ in readings}
    kept_sizes = {key: size for key, size in state.page_sizes.items() if key in unread}
    kept_times = {key: at for key, at in state.looked_up_at.items() if key in keys}
    return replace(
        state,
        calendar_ids=kept_ids | ids,
        looked_up_at=kept_times | looked_up,
        failed_sources=frozenset(source.key for source in snapshot.failures),
        page_sizes=kept_sizes | sizes,
        throttled_until=still | throttled,
    )


def _without_secrets(reading: CalendarReading) -> CalendarReading:
    """`reading` without secrets in what names its events; their texts are judged as they are, and redacted
    before anything is kept of them."""
    events = (*reading.events, *reading.elsewhere)
    named = [name for event in events for name in (event.id, event.uid)]
    named += [name for one in reading.spoiled for name in (one.uid, one.found or "")]
    if redact_text(told := "\0".join(named)) == told:
        return reading

    def redacted(event: Event) -> Event:
        return replace(event, id=redact_name(event.id), uid=redact_name(event.uid))

    return replace(
        reading,
        events=tuple(map(redacted, reading.events)),
        elsewhere=tuple(map(redacted, reading.elsewhere)),
        spoiled=tuple(
            replace(one, uid=redact_name(one.uid), found=one.found and redact_text(one.found))
            for one in reading.spoiled
        ),
    )


def _concerns_all(
    error: PassingError, refusals: Iterable[PassingError], readings: Collection[object]
) -> bool:
    """True if `error` certainly refuses an application: it is sure, or others were refused as well, or
    nothing was read at all."""
    alike = [one for one in refusals if one.shared == error.shared]
    return error.sure or len(alike) > 1 or not readings


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
        show=redact_text,
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


def visibility_of(configuration: Configuration, snapshot: EventSnapshot) -> Visibility:
    """Which of the events that were read must not be seen; what is remembered of copies has a say too."""
    visibility = Visibility.over(snapshot.read, hidden_calendars(configuration))
    stale = (event for recalled in snapshot.recalled if not recalled.fresh for event in recalled.events)
    hidden = (
        event.copy_key
        for event in stale
        if event.subject is None and event.source.calendar not in visibility.calendars
    )
    return replace(visibility, private=visibility.private.union(hidden))


def _recall(
    source: Source,
    reading: CalendarReading | None,
    matched: Iterable[MatchedEvent],
    *,
    configuration: Configuration,
    state: State,
) -> LastKnownGood:
    known = _known(source, reading, matched, configuration=configuration, state=state)
    return _without_subjects(known) if source.calendar in hidden_calendars(configuration) else known


def _known(
    source: Source,
    reading: CalendarReading | None,
    matched: Iterable[MatchedEvent],
    *,
    configuration: Configuration,
    state: State,
) -> LastKnownGood:
    remembered = memory_of(source, state.remembered)
    if reading is not None:
        asked = frozenset(rule.name for rule in configuration.rules if source.calendar in rule.circuits)
        return remember_reading(reading, matched, remembered=remembered, asked=asked)
    return recall_events(source, remembered)


def _without_subjects(known: LastKnownGood) -> LastKnownGood:
    """What another calendar remembers of the place may have been shown there."""
    kept = known.remembered
    kept = replace(kept, events=_untitled(kept.events)) if kept is not None else None
    return replace(known, events=_untitled(known.events), remembered=kept)


def _untitled(events: Iterable[MatchedEvent]) -> tuple[MatchedEvent, ...]:
    return tuple(event if event.subject is None else replace(event, subject=None) for event in events)
