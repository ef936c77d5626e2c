"""`skip`: one occurrence of an event does not count, by what the last run knew of it. Prints nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from iodcal.commands.overrides import Act, OverrideRequest, open_act, reason_of
from iodcal.commands.requests import moment_of
from iodcal.config import Configuration
from iodcal.domain.events import MatchedEvent, occurrence_id
from iodcal.domain.holds import Skip
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.domain.text_match import Keyword, normalise_text
from iodcal.domain.unmatched import resembles
from iodcal.errors import UsageError
from iodcal.pipeline.fetch import remember
from iodcal.pipeline.journal import Journal
from iodcal.store.address import StateAddress
from iodcal.store.codec import to_json

_MOST_NAMED = 5


def skip(
    configuration: Configuration, state_path: StateAddress, event: str, at: str | None, asked: OverrideRequest
) -> Act:
    """Skips the one occurrence that `event` names, by its id or its title, and that runs or begins `at` a
    time. Raises UsageError where none or several are meant, LockHeldError, StateError."""
    with open_act(configuration, state_path, asked, "skip") as (journal, now):
        found = _meant(
            _occurrences(configuration, journal, now), event, at, configuration=configuration, now=now
        )
        known = next((one for one in journal.state.skips if one.event == found.copy_key), None)
        wish = known or _skip_of(found, asked, now=now, zone=configuration.zone)
        if known is None:
            _note(journal, asked, wish)
            journal.state = replace(journal.state, skips=(*journal.state.skips, wish))
        return _act(wish, asked, configuration.zone, now=now, changed=known is None)


def unskip(
    configuration: Configuration, state_path: StateAddress, event: str, at: str | None, asked: OverrideRequest
) -> Act:
    """Lets an event count again that was skipped. Raises as `skip` does."""
    with open_act(configuration, state_path, asked, "unskip") as (journal, now):
        skips = {one.event: one for one in journal.state.skips if now < one.until}
        known = _occurrences(configuration, journal, now)
        events = {key: known[key] for key in skips if key in known}
        gone = next((one for one in skips.values() if one.id == event), None)
        wish = gone or skips[_meant(events, event, at, configuration=configuration, now=now).copy_key]
        _note(journal, asked, wish, command="unskip")
        journal.state = replace(
            journal.state, skips=tuple(one for one in journal.state.skips if one.event != wish.event)
        )
        return _act(wish, asked, configuration.zone, now=now, over=True)


def _act(
    wish: Skip,
    asked: OverrideRequest,
    zone: ZoneInfo,
    *,
    now: datetime,
    over: bool = False,
    changed: bool = True,
) -> Act:
    return Act("skip", now, asked.person.name, zone, skip=wish, over=over, changed=changed)


def _note(journal: Journal, asked: OverrideRequest, wish: Skip, command: str = "skip") -> None:
    facts = to_json(wish) | (reason_of(asked) if command == "unskip" else {})
    journal.note(command, circuit=None, account=asked.person.account, **facts)


def _skip_of(event: MatchedEvent, asked: OverrideRequest, *, now: datetime, zone: ZoneInfo) -> Skip:
    span = event.span.within(zone)
    return Skip(
        event.copy_key,
        now,
        start=span.start,
        until=span.end,
        who=asked.person.name,
        calendar=event.source.calendar,
        subject=event.subject,
        note=asked.note,
    )


def _occurrences(
    configuration: Configuration, journal: Journal, now: datetime
) -> dict[tuple[str, str, str], MatchedEvent]:
    """What the last run knew of events that rules take and that are not over, one copy of each: one that
    shows its subject, unless some copy must not."""
    known = remember(configuration, replace(journal.state, skips=())).events
    ahead = [event for event in known if event.span.within(configuration.zone).end > now]
    found = {event.copy_key: event for event in sorted(ahead, key=lambda event: event.subject is not None)}
    hidden = {event.copy_key for event in ahead if event.subject is None}
    return {key: replace(one, subject=None) if key in hidden else one for key, one in found.items()}


def _meant(
    known: Mapping[tuple[str, str, str], MatchedEvent],
    text: str,
    at: str | None,
    *,
    configuration: Configuration,
    now: datetime,
) -> MatchedEvent:
    by_id = [event for key, event in known.items() if occurrence_id(key) == text.strip().casefold()]
    if by_id:
        return by_id[0]
    titled = [event for event in known.values() if event.subject is not None]
    wanted = normalise_text(text)
    found = [event for event in titled if normalise_text(event.subject or "") == wanted]
    found = found or [event for event in titled if _stands_in(wanted, event)]
    if at is not None:
        moment = moment_of(configuration, at, now)
        found = [event for event in found if moment in event.span.within(configuration.zone)]
    if len(found) == 1:
        return found[0]
    code = "skip_ambiguous" if found else "skip_unknown"
    raise UsageError(code, event=text, known=_listed(found or known.values(), text, configuration.zone))


def _stands_in(wanted: str, event: MatchedEvent) -> bool:
    """True if the normalised text `wanted` is in the title of `event` as whole words."""
    return bool(wanted) and Keyword(wanted).is_in(normalise_text(event.subject or ""))


def _listed(events: Iterable[MatchedEvent], text: str, zone: ZoneInfo) -> str:
    """Names some of `events`, first those whose titles resemble `text`: they are never taken for what is
    meant, which may be over."""

    def place(event: MatchedEvent) -> tuple[bool, Interval, str]:
        return not resembles(text, event.subject or ""), event.span.within(zone), event.id

    found = sorted(events, key=place)
    told = [
        f"{_title(event)} {event.span.within(zone).start.astimezone(zone):%a %d %b %H:%M} "
        f"({occurrence_id(event.copy_key)})"
        for event in found[:_MOST_NAMED]
    ]
    more = f", and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f"{', '.join(told)}{more}" if told else "none"


def _title(event: MatchedEvent) -> str:
    return f'"{event.subject}"' if event.subject is not None else f"event on {event.source.calendar}"
