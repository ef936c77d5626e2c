"""The calendars of Microsoft 365: mailboxes of people, rooms or all, read through Microsoft Graph."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from iodcal.calendars import CalendarContext, SourceHint
from iodcal.calendars.graph.client import GraphClient
from iodcal.calendars.graph.mailbox import Mailbox, MailboxReader
from iodcal.calendars.login import Login, LoginSettings
from iodcal.config.fields import Text
from iodcal.config.forms import Section
from iodcal.config.microsoft365 import Mailbox as Address
from iodcal.config.microsoft365 import Mailboxes
from iodcal.domain.events import Source
from iodcal.errors import ConfigurationError, Fault


class GraphOptions(Section, frozen=True):
    """Which mailboxes, by user principal name or object ID, and which calendar in them if not the default: by
    name, or by ID where two have one name."""

    mailbox: Address | None = None
    mailboxes: Mailboxes | None = None
    calendar: Text | None = None
    calendar_id: Text | None = None

    def __post_init__(self) -> None:
        if (self.mailbox is None) == (self.mailboxes is None):
            raise ValueError("give either mailbox or mailboxes")
        folded = [address.casefold() for address in self.addresses]
        if len(set(folded)) < len(folded):
            raise ValueError("a mailbox stands twice in mailboxes")
        if self.calendar_id is not None and len(self.addresses) > 1:
            raise ValueError("a calendar_id is of one mailbox: give mailbox, not mailboxes")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The mailboxes, however they were given."""
        return (self.mailboxes or ()) + ((self.mailbox,) if self.mailbox else ())


class GraphSettings(LoginSettings, Protocol):
    """What this module needs of the section `microsoft365`."""

    @property
    def graph_url(self) -> str: ...


class Graph:
    """What all calendars of one `microsoft365` section share: one login and one client, made when needed."""

    def __init__(self, settings: GraphSettings, directory: Path) -> None:
        self.settings = settings
        self.login = Login(settings, directory)
        self._lock = threading.Lock()
        self._client: GraphClient | None = None

    @property
    def application(self) -> str:
        """Names whom Graph throttles as a whole, in errors and in the state."""
        return f"{self.settings.tenant_id or 'own'}/{self.settings.client_id or 'managed'}".casefold()

    def client(self) -> GraphClient:
        from iodcal.http import ReadingSession

        with self._lock:
            if self._client is None:
                url, session = self.settings.graph_url, ReadingSession()
                self._client = GraphClient(url, self.login, session, self.application)
            return self._client


class GraphPlugin:
    """The CalendarPlugin of Microsoft Graph. `CalendarContext.shared` must be the `microsoft365` section."""

    Options = GraphOptions

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: Graph | None = None
        self._used: WeakValueDictionary[int, Graph] = WeakValueDictionary()  # by the identity of its settings

    def sources(self, name: str, options: GraphOptions, context: CalendarContext) -> Sequence[Source]:
        return tuple(source for source, _ in _sources(name, options, _settings(context)))

    def readers(self, name: str, options: GraphOptions, context: CalendarContext) -> Sequence[MailboxReader]:
        graph = self.shared(context)
        return tuple(
            MailboxReader(
                Mailbox(
                    source,
                    address,
                    calendar=options.calendar,
                    known_id=context.calendar_ids.get(source.key) if options.calendar else None,
                    attendees=context.attendees,
                    calendar_id=options.calendar_id,
                    hint=context.hints.get(source.key, SourceHint()),
                ),
                graph.client,
                graph.application,
            )
            for source, address in _sources(name, options, graph.settings)
        )

    def shared(self, context: CalendarContext) -> Graph:
        """One for all calendars of a run: they come one by one, between those of other runs of a fleet, but
        with the very same section."""
        settings = _settings(context)
        with self._lock:
            graph = self._used.get(id(settings))
            if graph is None or graph.settings is not settings:
                graph = self._used[id(settings)] = Graph(settings, context.directory)
            self._latest = graph
            return graph


def _settings(context: CalendarContext) -> GraphSettings:
    if context.shared is None:
        fault = Fault("microsoft365", "is missing: a calendar with a mailbox needs to know how to log in")
        raise ConfigurationError((fault,))
    settings: GraphSettings = context.shared
    return settings


def _sources(name: str, options: GraphOptions, settings: GraphSettings) -> Iterator[tuple[Source, str]]:
    """Each mailbox with its source; the key is the place itself, whatever the configuration calls it."""
    by_id = options.calendar_id
    calendar = f"id:{by_id}" if by_id is not None else (options.calendar or "").strip().casefold()
    tenant = (settings.tenant_id or "").casefold()
    several = len(options.addresses) > 1
    for address in options.addresses:
        key = f"graph:{tenant}/{address.casefold()}/{calendar}"
        yield Source(key, name, f"{name}/{address}" if several else name), address


plugin = GraphPlugin()
