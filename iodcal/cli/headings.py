"""Writing the first line at once, so that whoever looks on sees that something is done.

Each of these raises UsageError where the command was asked for what makes no sense: that is told without a
heading. What only state, history or calendars can tell comes behind it.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from iodcal.cli.session import CommandSession
    from iodcal.commands.requests import ExplainRequest, PreviewRequest, SyncRequest
    from iodcal.commands.spans import LookbackRequest, PageRequest
    from iodcal.config import Configuration
    from iodcal.domain.localtime import Interval
    from iodcal.simulation.advise import AdviceRequest
    from iodcal.simulation.scenario import SimulationRequest


def of_plan(session: CommandSession, configuration: Configuration, asked: PreviewRequest) -> None:
    """Of `plan`."""
    from iodcal.commands.requests import check_preview

    check_preview(configuration, asked)
    _write_preview(session, configuration, asked)


def of_diff(
    session: CommandSession, configuration: Configuration, other: Configuration, asked: PreviewRequest
) -> None:
    """Of `plan --diff`."""
    from iodcal.commands.requests import check_diff
    from iodcal.domain.structs import replace

    check_diff(configuration, other, asked)
    known = {**other.circuits, **configuration.circuits}
    _write_preview(session, replace(configuration, circuits=known), asked)


def of_status(session: CommandSession, configuration: Configuration, asked: PreviewRequest) -> None:
    """Of `status`."""
    from iodcal.domain.structs import replace

    of_plan(session, configuration, replace(asked, cached=True))


def of_sync(session: CommandSession, configuration: Configuration, asked: SyncRequest) -> None:
    """Of `sync`, for a terminal: in a pipe it says what it did, and nothing else."""
    from iodcal.commands.requests import check_sync, clock_of

    check_sync(configuration, asked)
    _, now = clock_of(configuration, asked.now)
    _write_plan(session, configuration, now=now, ahead=configuration.settings.window, circuits=asked.circuits)


def of_question(session: CommandSession, configuration: Configuration, asked: ExplainRequest) -> None:
    """Of `explain`."""
    from iodcal.commands.requests import check_question, horizon_of, moments_of, select_circuits
    from iodcal.output.heading import trial_heading

    check_question(configuration, asked)
    select_circuits(configuration.circuits, asked.circuits)
    if asked.subject is not None:
        moments_of(configuration, asked)
        _write(session, trial_heading(plain=session.plain))
        return
    horizon = horizon_of(configuration, asked)
    # Events are shown in the configuration's zone, whatever the circuits' are.
    zone = configuration.zone if asked.event is not None or asked.calendar is not None else None
    _write_plan(
        session,
        configuration,
        now=horizon.start,
        ahead=horizon.length,
        circuits=asked.circuits,
        cached=asked.cached,
        zone=zone,
    )


def of_report(session: CommandSession, configuration: Configuration, asked: LookbackRequest) -> None:
    """Of `report`."""
    from iodcal.commands.requests import clock_of
    from iodcal.commands.spans import span_of

    _, now = clock_of(configuration, asked.now)
    _write_span(session, configuration, span_of(configuration, asked, now))


def of_page(session: CommandSession, configuration: Configuration, asked: PageRequest) -> None:
    """Of `report --html`, for a terminal: the page goes elsewhere."""
    from iodcal.commands.spans import span_of_page

    _write_span(session, configuration, span_of_page(configuration, asked))


def of_history(session: CommandSession, configuration: Configuration) -> None:
    """Of `history`."""
    from iodcal.output.heading import history_heading

    _write(session, history_heading(configuration.zone, plain=session.plain))


def of_simulation(
    session: CommandSession, configurations: Sequence[Configuration], asked: SimulationRequest
) -> None:
    """Of `simulate`."""
    from iodcal.output.heading import simulation_heading
    from iodcal.simulation.scenario import prepare

    over, (first, *_) = prepare(configurations, asked)
    _write(session, simulation_heading(over.start, over.end, first.zone, plain=session.plain))


def of_advice(session: CommandSession, configuration: Configuration, asked: AdviceRequest) -> None:
    """Of `advise`."""
    from iodcal.simulation.advise import span_of_advice

    _write_span(session, configuration, span_of_advice(configuration, asked))


def of_doctor(session: CommandSession, configuration: Configuration) -> None:
    """Of `doctor`, unless only what is not well is to be seen."""
    from iodcal.output.heading import doctor_heading

    if not session.quiet:
        now, path = datetime.now(UTC), session.config_path
        _write(session, doctor_heading(now, configuration.zone, path, plain=session.plain))


def _write_preview(session: CommandSession, configuration: Configuration, asked: PreviewRequest) -> None:
    from iodcal.commands.requests import clock_of

    _, now = clock_of(configuration, asked.now)
    ahead = asked.window or configuration.settings.window
    _write_plan(session, configuration, now=now, ahead=ahead, circuits=asked.circuits, cached=asked.cached)


def _write_plan(
    session: CommandSession,
    configuration: Configuration,
    now: datetime,
    ahead: timedelta,
    circuits: Sequence[str],
    *,
    cached: bool = False,
    zone: ZoneInfo | None = None,
) -> None:
    """In `zone`, or in that of the first circuit."""
    from iodcal.commands.requests import select_circuits
    from iodcal.output.heading import plan_heading

    chosen = select_circuits(configuration.circuits, circuits) or configuration.circuits
    zones = [configuration.circuits[name].zone for name in chosen]
    zone, test = zone or next(iter(zones), None), configuration.is_test
    _write(session, plan_heading(now, zone, ahead, cached=cached, test=test, plain=session.plain))


def _write_span(session: CommandSession, configuration: Configuration, over: Interval) -> None:
    from iodcal.output.heading import report_heading

    _write(session, report_heading(over.start, over.end, configuration.zone, plain=session.plain))


def _write(session: CommandSession, text: str) -> None:
    if not (session.json or session.csv or session.ics):
        sys.stdout.write(text)
        sys.stdout.flush()
