"""One invocation of the command line: finds the files, calls the command, shows its result."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from iodcal.cli.options import Common
from iodcal.cli.progress import Progress
from iodcal.config import Configuration
from iodcal.config.find import find, state_path
from iodcal.config.load import load
from iodcal.domain.orders import Outcome
from iodcal.errors import ConfigurationError, Fault, IodcalError
from iodcal.exits import Exit
from iodcal.result import Report

if TYPE_CHECKING:
    from rich.console import Console

    from iodcal.commands import Synced


class Session:
    """What the four commands have in common; each returns its exit status."""

    def __init__(self, common: Common) -> None:
        self._common = common

    def plan(
        self,
        *,
        now: str | None,
        circuit: str | None,
        window: timedelta | None = None,
        cached: bool = False,
        detailed_exitcode: bool = False,
    ) -> int:
        from iodcal.commands import Preview, plan

        configuration, state = self._load()
        asked = Preview(now, window, circuit, cached, detailed_exitcode)
        with self._progress() as progress:
            report = plan(configuration, state, asked, progress)
        if self._common.json:
            return self._json(report)
        from iodcal.render.plan import print_plan

        print_plan(report, self._console(), self._console(stderr=True))
        return report.exit

    def sync(
        self,
        *,
        now: str | None,
        circuit: str | None,
        allow_downs: int,
        expect: str | None,
        wait: timedelta | None,
    ) -> int:
        from iodcal.commands import Syncing, sync

        terminal = sys.stdout.isatty()
        configuration, faults = self._load_or_recall()
        state = state_path(configuration, self._common.state)
        asked = Syncing(terminal, now, circuit, allow_downs, expect, wait, faults)
        try:
            with self._progress() as progress:
                synced = sync(configuration, state, asked, progress)
        except IodcalError:
            if faults:
                raise ConfigurationError(faults) from None  # of the two faults the one to be mended first
            raise
        if self._common.json:
            return self._json(synced.report)
        if terminal:
            from iodcal.render.sync import print_sync

            print_sync(synced.report, self._console(), self._console(stderr=True))
        else:
            self._lines(synced)
        return synced.report.exit

    def status(self, *, circuit: str | None) -> int:
        from iodcal.commands import status

        configuration, state = self._load()
        report = status(configuration, state, circuit)
        if self._common.json:
            return self._json(report)
        from iodcal.render.status import print_status

        print_status(report, self._console())
        return report.exit

    def check(self, *, strict: bool) -> int:
        configuration = load(find(self._common.config))
        exit_status = Exit.FAILED if strict and configuration.warnings else Exit.OK
        if self._common.json:
            from iodcal.render.json import check_json, dump

            sys.stdout.write(dump(check_json(configuration.warnings, exit_status)) + "\n")
            return exit_status
        from iodcal.render.check import print_check

        print_check(configuration, self._console(), self._console(stderr=True))
        return exit_status

    def _load_or_recall(self) -> tuple[Configuration, tuple[Fault, ...]]:
        """The configuration; or, where it does not load, the last one that did, and what is wrong now."""
        from iodcal.config import last_good

        path = find(self._common.config)
        try:
            configuration = load(path)
        except ConfigurationError as error:
            recalled = last_good.recall(path, self._common.state)
            if recalled is None:
                raise
            return recalled, error.faults
        last_good.keep(path, configuration, self._common.state)
        return configuration, ()

    def _load(self) -> tuple[Configuration, Path]:
        configuration = load(find(self._common.config))
        return configuration, state_path(configuration, self._common.state)

    def _progress(self) -> Progress:
        return Progress(shown=not (self._common.json or self._common.quiet))

    def _json(self, report: Report) -> int:
        from iodcal.render.json import dump, report_json

        sys.stdout.write(dump(report_json(report)) + "\n")
        return report.exit

    def _lines(self, synced: Synced) -> None:
        """For cron: nothing at all where nothing happened."""
        from iodcal.render.lines import held_line, order_line, problem_lines

        report = synced.report
        by_key = {plan.circuit.key: plan for plan in report.plans}
        news = [order for order in report.orders if order.outcome is not Outcome.PENDING]
        lines = [order_line(order, by_key.get(order.circuit_key)) for order in news]
        lines += [held_line(plan, plan.due) for plan in synced.newly_held if plan.due is not None]
        if lines and report.test:
            lines.insert(0, "TEST environment")
        if not self._common.quiet:
            sys.stdout.writelines(f"{line}\n" for line in lines)
        told = problem_lines(report, synced.telling, everything=bool(self._common.verbose))
        sys.stderr.writelines(f"{line}\n" for line in told)

    def _console(self, *, stderr: bool = False) -> Console:
        from iodcal.render.console import make_console

        return make_console(no_color=bool(self._common.no_color), stderr=stderr)
