"""`iodcal report --html` as a plain function: what was asked goes in, the page comes out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from iodcal.commands import Preview, plan
from iodcal.config import Configuration
from iodcal.errors import UsageError
from iodcal.history.command import past_of
from iodcal.history.conceal import hidden_by
from iodcal.reportpage import Page
from iodcal.reportpage.gather import page_of
from iodcal.state.files import Access
from iodcal.state.store import StateStore

BACK = timedelta(days=3)
_FARTHEST = timedelta(days=62)


class PageAsked(Struct, frozen=True):
    """What the page is to show: so far `back` (three days if None), so far ahead (`window`; as each run looks
    if None)."""

    circuit: str | None = None
    back: timedelta | None = None
    window: timedelta | None = None
    now: str | None = None


def report_page(configuration: Configuration, state_path: Path, asked: PageAsked) -> Page:
    """The page, from the last run's readings and the history: nothing is asked of anybody.

    Raises UsageError, StateError.
    """
    if not configuration.circuits:
        raise UsageError("no_circuits")
    back = asked.back or BACK
    if max(back, asked.window or timedelta()) > _FARTHEST:
        raise UsageError("too_far", days=_FARTHEST.days)
    preview = Preview(now=asked.now, window=asked.window, circuit=asked.circuit, cached=True)
    report = plan(configuration, state_path, preview, lambda _: None)
    store = StateStore(state_path, access=Access(configuration.settings.group))
    past = past_of(configuration, state_path, report.now - back)
    return page_of(report, past, store.load(read_only=True), hidden_by(configuration), back)
