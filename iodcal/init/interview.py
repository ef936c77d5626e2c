"""Trying answers at once: the login, the mailboxes, the carrier. All of it reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct

from iodcal.calendars import CalendarReader, Probing
from iodcal.calendars.graph import Graph
from iodcal.calendars.graph.mailbox import Mailbox, MailboxReader
from iodcal.carriers import Carrier, CarrierContext, Listing, Offering
from iodcal.config.microsoft365 import Microsoft365
from iodcal.config.parse import section_of
from iodcal.config.plugins import CARRIERS, load_plugin
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.events import Source
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.errors import CalendarError, CarrierError, SetupError, UsageError
from iodcal.http import Deadline
from iodcal.init import Answers, Choice, InitQuestion, Prompter
from iodcal.init.answers import (
    CARRIER,
    CIRCUITS,
    EVERY,
    LEVELS,
    MAILBOXES,
    TENANT,
    parse_circuit,
    parse_server,
    parse_text_answer,
)
from iodcal.init.rules_file import carrier_section, microsoft365_section
from iodcal.pipeline.attempts import attempt_all

_SECONDS = 60.0


def try_login(sheet: Answers) -> None:
    """Raises CalendarError where the login fails."""
    _graph(sheet).login.token(Deadline.after(_SECONDS))


def try_mailboxes(sheet: Answers) -> Iterator[tuple[str, CalendarError | None]]:
    """Each mailbox, and why it cannot be read; None where it can."""
    graph, now, deadline = _graph(sheet), datetime.now(UTC), Deadline.after(_SECONDS)
    for address in sheet.mailboxes:
        reader = MailboxReader(Mailbox(Source(address, "init", address), address), graph.client)
        tried = attempt_all([reader], partial(_probe, Interval(now, now + timedelta(days=1))), deadline)
        answer = tried[reader.source]
        yield address, answer if isinstance(answer, CalendarError) else None


def _probe(day: Interval, reader: CalendarReader, limit: Deadline) -> float | None:
    return reader.probe(day, limit) if isinstance(reader, Probing) else None


def list_circuits(sheet: Answers) -> None:
    """Puts the carrier's circuits into `sheet`. Raises CarrierError."""
    made = _carrier(sheet)
    if isinstance(made, Listing):
        sheet.listed = made.circuits(Deadline.after(_SECONDS))


def read_offers(sheet: Answers) -> None:
    """Reads each circuit that was picked, and puts what they run at, and what is sold on all of them, into
    `sheet`.

    Raises CarrierError where one cannot be read; what is sold need not be known.
    """
    made, deadline = _carrier(sheet), Deadline.after(_SECONDS)
    common: frozenset[Bandwidth] | None = None
    running = set()
    for circuit in sheet.get("circuit"):
        reading = made.read(circuit.service_id, deadline)
        if reading.bandwidth is not None:
            running.add(reading.bandwidth)
        try:
            sold = made.offered(circuit.service_id, deadline) if isinstance(made, Offering) else None
        except CarrierError:
            sold = None
        if sold is not None:
            common = sold if common is None else common & sold
    sheet.offered, sheet.running = tuple(sorted(common or ())), tuple(sorted(running))


def _graph(sheet: Answers) -> Graph:
    settings = section_of(Microsoft365, microsoft365_section(sheet))
    return Graph(settings, sheet.directory)


def _carrier(sheet: Answers) -> Carrier:
    _, section = carrier_section(sheet)
    plugin: Any = load_plugin(CARRIERS, section["type"])
    own = {key: value for key, value in section.items() if key != "type"}
    context = CarrierContext(
        sheet.directory,
        lambda: datetime.now(UTC),
        plugin.default_provisioning,
        plugin.default_changes_per_day,
    )
    made: Carrier = plugin.create(section_of(plugin.Options, own), context)
    return made


Given = Mapping[str, Sequence[str]]
_EDGES = (CalendarError, CarrierError)


class Stage(Struct, frozen=True):
    """Questions that belong together. `trial` gives a line for each thing that went well; it raises
    CalendarError or CarrierError where a server says no, ValueError where answers do not fit together."""

    name: str
    questions: tuple[InitQuestion, ...]
    trial: Callable[[Answers], Iterator[str]]


def run_interview(sheet: Answers, given: Given, asker: Prompter | None) -> None:
    """Fills `sheet` from the options that were `given`, and from `asker` where there is one.

    Raises UsageError, where nobody can be asked for what is missing, and SetupError where a trial fails.
    """
    _take_options(sheet, given)
    if asker is None:
        _refuse_gaps(sheet)
    for stage in STAGES:
        _go_through(stage, sheet, asker)


def _take_options(sheet: Answers, given: Given) -> None:
    for question in (*EVERY, SERVER):
        typed = ",".join(given.get(question.key, ()))
        if typed.strip():
            try:
                sheet.typed[question.key] = typed
                sheet.values[question.key] = _parsed(question, typed)
            except ValueError as error:
                raise UsageError("init_answer", option=question.option, message=str(error)) from None


def _refuse_gaps(sheet: Answers) -> None:
    """Names all that is missing at once, but for what only a server can tell."""
    trial = replace(sheet, values=dict(sheet.values))
    missing = []
    for stage in STAGES[:-1]:
        for question in stage.questions:
            if question.key in trial.values or not question.needed(trial):
                continue
            default = question.default(trial)
            if default is None and not (question.key == "organizer" and not trial.mailboxes):
                missing.append(question.option)
            trial.values[question.key] = _parsed(question, default) if default else None
    if not trial.mailboxes:
        missing.append("--company, --noc or --room")
    if missing:
        raise UsageError("init_missing", options=", ".join(missing))


def _go_through(stage: Stage, sheet: Answers, asker: Prompter | None) -> None:
    if asker is not None:
        asker.say(f"stage_{stage.name}")
    while True:
        for question in stage.questions:
            _answer(question, sheet, asker)
        try:
            for well in stage.trial(sheet):
                if asker is not None:
                    asker.say("tried", what=well)
        except ValueError as error:
            if asker is None:
                option = stage.questions[-1].option
                raise UsageError("init_answer", option=option, message=str(error)) from None
            asker.say("wrong", message=str(error))
            _forget(stage, sheet)
        except _EDGES as error:
            if asker is None:
                raise SetupError.of(error) from None
            asker.trouble(error)
            choice = _choice(asker)
            if choice == "on":
                return
            if choice == "change":
                _forget(stage, sheet)
        else:
            return


def _choice(asker: Prompter) -> str:
    while True:
        typed = asker.ask("after_trouble", "again").strip().casefold()
        for word in ("again", "change", "on"):
            if typed and word.startswith(typed):
                return word


def _forget(stage: Stage, sheet: Answers) -> None:
    for question in stage.questions:
        sheet.values.pop(question.key, None)


def _answer(question: InitQuestion, sheet: Answers, asker: Prompter | None) -> None:
    if question.key in sheet.values:
        return
    if not question.needed(sheet):
        sheet.values[question.key] = () if question.many else None
        return
    default = question.default(sheet)
    if asker is None:
        if default is None:
            raise UsageError("init_missing", options=question.option)
        sheet.values[question.key] = _parsed(question, default)
    elif question.key == "circuit" and sheet.listed:
        sheet.values[question.key] = _picked(sheet, asker)
    else:
        typed, sheet.values[question.key] = _asked(question, sheet.typed.get(question.key, default), asker)
        sheet.typed[question.key] = typed


def _asked(question: InitQuestion, default: str | None, asker: Prompter, **facts: str) -> tuple[str, Any]:
    """What was typed, and the answer that it is."""
    while True:
        try:
            typed = asker.ask(question.key, default, **facts)
            return typed, _parsed(question, typed)
        except ValueError as error:
            asker.say("wrong", message=str(error))


def _parsed(question: InitQuestion, typed: str) -> Any:
    """The answer; None, or no entries, where nothing was typed."""
    if question.many:
        entries = tuple(question.parse(part) for part in typed.split(",") if part.strip())
        if typed.strip() and not entries:
            raise ValueError("commas alone are no answer")
        return entries
    return question.parse(typed) if typed.strip() else None


def _picked(sheet: Answers, asker: Prompter) -> tuple[Choice, ...]:
    """Circuits of the carrier's own list, by number or ID, each with a name."""
    asker.show(sheet.listed)
    _, groups = _asked(replace(PICK, parse=lambda typed: _of_list(typed, sheet)), "all", asker)
    site = next(iter(sheet.sites), "")
    picked = []
    for number, service_id in enumerate(dict.fromkeys(one for group in groups for one in group), start=1):
        default = f"circuit-{number}" + (f"@{site}" if site else "")
        name = replace(NAME, parse=partial(_named, service_id))
        picked.append(_asked(name, default, asker, service_id=service_id)[1])
    return tuple(picked)


def _named(service_id: str, typed: str) -> Choice:
    return parse_circuit(f"{service_id}={typed}")


def _of_list(typed: str, sheet: Answers) -> tuple[str, ...]:
    ids = [one.service_id for one in sheet.listed]
    word = typed.strip()
    if word.casefold() == "all":
        return tuple(ids)
    if word in ids:
        return (word,)
    if word.isdecimal() and 1 <= int(word) <= len(ids):
        return (ids[int(word) - 1],)
    raise ValueError(f"{word!r} is neither a number of this list nor a service ID in it")


def _try_login(sheet: Answers) -> Iterator[str]:
    try_login(sheet)
    yield "the Microsoft login"


def _try_mailboxes(sheet: Answers) -> Iterator[str]:
    if not sheet.mailboxes:
        raise ValueError("at least one mailbox is wanted: company, noc or a room")
    if not sheet.get("organizer"):
        raise ValueError("say whose events count: addresses or @domain entries")
    for address, error in try_mailboxes(sheet):
        if error is not None:
            raise error
        yield address


def _try_carrier(sheet: Answers) -> Iterator[str]:
    list_circuits(sheet)
    yield "the carrier's login and inventory"


def _try_circuits(sheet: Answers) -> Iterator[str]:
    picked = sheet.get("circuit")
    if not picked:
        raise ValueError("at least one circuit is wanted")
    for what in ("service_id", "name"):
        values = [getattr(one, what) for one in picked]
        if len(set(values)) < len(values):
            raise ValueError("every circuit is named once, by a name of its own")
    read_offers(sheet)
    yield from (one.name for one in picked)


def _try_levels(sheet: Answers) -> Iterator[str]:
    tiers, peak = sheet.get("tiers"), sheet.get("peak")
    levels = [sheet.get("off-peak"), *([peak["bandwidth"]] if peak is not None else [])]
    for level in levels:
        if level not in tiers:
            raise ValueError(f"{level} is not one of the tiers ({', '.join(map(str, tiers))})")
    yield from ()


PICK = InitQuestion("pick", parse_text_answer, lambda _sheet: None, lambda _sheet: True, many=True)
NAME = InitQuestion("circuit_name", parse_circuit, lambda _sheet: None, lambda _sheet: True)
SERVER = InitQuestion("server", parse_server, lambda _sheet: "", lambda _sheet: True, many=True)
STAGES = (
    Stage("tenant", TENANT, _try_login),
    Stage("mailboxes", MAILBOXES, _try_mailboxes),
    Stage("carrier", CARRIER, _try_carrier),
    Stage("circuits", CIRCUITS, _try_circuits),
    Stage("levels", LEVELS, _try_levels),
)
