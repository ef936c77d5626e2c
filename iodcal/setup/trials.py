"""Trying answers at once: the login, the mailboxes, the carrier. All of it reads only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from iodcal.calendars import CalendarReader, Probing
from iodcal.calendars.graph import Graph
from iodcal.calendars.graph.mailbox import Mailbox, MailboxReader
from iodcal.carriers import Carrier, CarrierContext, Listing, Offering
from iodcal.config.microsoft365 import Microsoft365
from iodcal.config.plugins import CARRIERS, load_plugin
from iodcal.config.reading import section_of
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.events import Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError, CarrierError
from iodcal.http import Deadline
from iodcal.pipeline.attempts import attempt_all
from iodcal.setup import Sheet, document

_SECONDS = 60.0


def login(sheet: Sheet) -> None:
    """Raises CalendarError where the login fails."""
    _graph(sheet).login.token(Deadline.after(_SECONDS))


def mailboxes(sheet: Sheet) -> Iterator[tuple[str, CalendarError | None]]:
    """Each mailbox, and why it cannot be read; None where it can."""
    graph, now, deadline = _graph(sheet), datetime.now(UTC), Deadline.after(_SECONDS)
    for address in sheet.mailboxes:
        reader = MailboxReader(Mailbox(Source(address, "init", address), address), graph.client)
        tried = attempt_all([reader], partial(_probe, Interval(now, now + timedelta(days=1))), deadline)
        answer = tried[address]
        yield address, answer if isinstance(answer, CalendarError) else None


def _probe(day: Interval, reader: CalendarReader, limit: Deadline) -> float | None:
    return reader.probe(day, limit) if isinstance(reader, Probing) else None


def inventory(sheet: Sheet) -> None:
    """Puts the carrier's circuits into `sheet`. Raises CarrierError."""
    made = _carrier(sheet)
    if isinstance(made, Listing):
        sheet.listed = made.circuits(Deadline.after(_SECONDS))


def offers(sheet: Sheet) -> None:
    """Reads each circuit that was picked, and puts what is sold on all of them into `sheet`.

    Raises CarrierError where one cannot be read; what is sold need not be known.
    """
    made, deadline = _carrier(sheet), Deadline.after(_SECONDS)
    common: frozenset[Bandwidth] | None = None
    for circuit in sheet.get("circuit"):
        made.read(circuit.service_id, deadline)
        try:
            sold = made.offered(circuit.service_id, deadline) if isinstance(made, Offering) else None
        except CarrierError:
            sold = None
        if sold is not None:
            common = sold if common is None else common & sold
    sheet.offered = tuple(sorted(common or ()))


def _graph(sheet: Sheet) -> Graph:
    settings = section_of(Microsoft365, document.microsoft365(sheet))
    return Graph(settings, sheet.directory)


def _carrier(sheet: Sheet) -> Carrier:
    _, section = document.carrier(sheet)
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
