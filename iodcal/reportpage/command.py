"""`iodcal report --html` as a plain function: what was asked goes in, the page comes out."""

from __future__ import annotations

from pathlib import Path

from iodcal.asked import Preview
from iodcal.commands import plan
from iodcal.config import Configuration
from iodcal.history_command import past_of
from iodcal.reportpage import Page
from iodcal.reportpage.asked import PageAsked, check_page
from iodcal.reportpage.gather import page_of
from iodcal.store.conceal import hidden_by
from iodcal.store.files import Access
from iodcal.store.store import StateStore


def report_page(configuration: Configuration, state_path: Path, asked: PageAsked) -> Page:
    """The page, from the last run's readings and the history: nothing is asked of anybody.

    Raises UsageError, StateError.
    """
    check_page(configuration, asked)
    preview = Preview(now=asked.now, window=asked.window, circuit=asked.circuit, cached=True)
    report = plan(configuration, state_path, preview, lambda _: None)
    store = StateStore(state_path, access=Access(configuration.settings.group))
    past = past_of(configuration, state_path, report.now - asked.far_back)
    return page_of(report, past, store.load(read_only=True), hidden_by(configuration), asked.far_back)
