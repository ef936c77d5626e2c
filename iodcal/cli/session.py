"""What every command has in common: the files it works on, and the ways to show something.

What a command needs is imported when it runs, so that `--help` and completion stay quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iodcal.cli.options import Common, LogFormat
from iodcal.cli.progress import Progress

if TYPE_CHECKING:
    from rich.console import Console

    from iodcal.config import Configuration
    from iodcal.errors import Fault
    from iodcal.output.json import View
    from iodcal.store.address import StateAddress


class CommandSession:
    """One invocation of one command; its log is set up as soon as there is one. `run_id` names it in logs,
    history and notices; `faults` are those of the configuration while its last good copy stands in."""

    def __init__(self, common: Common) -> None:
        from iodcal.cli import logs
        from iodcal.tenant import begin_run

        self.common = common
        self.faults: tuple[Fault, ...] = ()
        self.run_id = os.urandom(8).hex()
        log_format = common.log_format or LogFormat.TEXT
        begin_run(self.run_id)
        logs.configure(verbose=self.verbose, log_format=log_format)

    @property
    def json(self) -> bool:
        return self.common.json

    @property
    def csv(self) -> bool:
        return self.common.csv

    @property
    def ics(self) -> bool:
        return self.common.ics

    @property
    def quiet(self) -> bool:
        return bool(self.common.quiet)

    @property
    def verbose(self) -> bool:
        return bool(self.common.verbose)

    @property
    def terminal(self) -> bool:
        """True where results are drawn for a screen, and not written for a pipe or file."""
        return sys.stdout.isatty()

    @property
    def watched(self) -> bool:
        """True where somebody reads along, on either stream: problems come on stderr. stdin says nothing of
        that: a loop that a shell left running in the background still has its terminal."""
        return sys.stdout.isatty() or sys.stderr.isatty()

    @property
    def plain(self) -> bool:
        """True where results have no colour and no weight."""
        from iodcal.output.text import is_plain

        return is_plain(sys.stdout, color=self.common.colored)

    @cached_property
    def config_path(self) -> Path:
        """The rules file, as it was named or found. Raises ConfigurationError."""
        from iodcal.config.find import find_configuration

        return find_configuration(self.common.config)

    def configuration(self) -> Configuration:
        """The configuration. Raises ConfigurationError."""
        from iodcal.config.load import load_configuration

        return _named(load_configuration(self.config_path))

    def known_configuration(self) -> Configuration:
        """The configuration, for a command that needs only what is known; where it does not load, its last
        good copy, which is told first, and which the exit status tells. Raises ConfigurationError where
        there is neither."""
        from iodcal.config.load import recall_last_good
        from iodcal.errors import ConfigurationError

        try:
            return self.configuration()
        except ConfigurationError as error:
            recalled = recall_last_good(self.config_path, self.common.state)
            if recalled is None:
                raise
            self.faults = error.faults
        from iodcal.cli.logs import say
        from iodcal.messages.files import STANDS_IN
        from iodcal.output.text import for_line

        say(for_line(STANDS_IN.format(count=len(self.faults), first=self.faults[0])))
        return _named(recalled)

    @contextmanager
    def circuit_state_in(self) -> Iterator[None]:
        """An error that ends a command which went on by the last good copy says that the configuration is
        wrong, too, which its exit status tells; a slip on the command line remains one."""
        from iodcal.errors import IodcalError, UsageError

        try:
            yield
        except UsageError:
            raise
        except IodcalError as error:
            error.circuit_state_in = self.faults
            raise

    def configuration_or_last_good(self) -> tuple[Configuration, tuple[Fault, ...]]:
        """The configuration; or, where it does not load, the last one that did, and what is wrong now.
        Raises ConfigurationError where there is neither."""
        from iodcal.config.load import keep_last_good, load_configuration, recall_last_good
        from iodcal.errors import ConfigurationError
        from iodcal.metrics.textfile import remember_metrics_file

        path = self.config_path
        try:
            configuration = load_configuration(path)
        except ConfigurationError as error:
            recalled = recall_last_good(path, self.common.state)
            if recalled is None:
                from iodcal.metrics.textfile import write_metrics_without_configuration

                write_metrics_without_configuration(path, self.common.state)
                raise
            return _named(recalled), error.faults
        keep_last_good(path, configuration, self.common.state)
        remember_metrics_file(path, configuration, self.common.state)
        return _named(configuration), ()

    def state_path(self, configuration: Configuration, *, writes: bool = False) -> StateAddress:
        """The state file of `configuration`; one at an earlier default place, unless the command `writes`:
        then that is taken over, once. Raises ConfigurationError, LockHeldError, StateError."""
        from iodcal.config.find import named_state, state_path
        from iodcal.paths import exists

        path = state_path(configuration, self.common.state)
        named = named_state(configuration, self.common.state)
        if named is not None or not isinstance(path, Path) or exists(path):
            return path
        from iodcal.store.inheritance import inherited, take_over

        old = inherited(configuration, path)
        if old is None or not writes:
            return old or path
        take_over(configuration, old, path)
        from iodcal.cli.logs import NOTICE, say
        from iodcal.messages.files import TAKEN_OVER
        from iodcal.output.text import for_line

        say(for_line(TAKEN_OVER.format(name=configuration.name, old=old, new=path)), NOTICE)
        return path

    def renamed_state(self, configuration: Configuration, name: str) -> StateAddress:
        """The state file of `configuration`, which was called `name` until now: where default places carry
        the name, it is brought from there. Raises ConfigurationError, LockHeldError, StateError."""
        from iodcal.config.find import named_state, state_path
        from iodcal.paths import exists

        path = state_path(configuration, self.common.state)
        named = named_state(configuration, self.common.state)
        if named is None and isinstance(path, Path) and not exists(path):
            from iodcal.store.inheritance import rename

            rename(configuration, name, path)
        return path

    def progress(self) -> Progress:
        """Says on a terminal what is being done, if that takes long."""
        return Progress(shown=not (self.json or self.ics or self.quiet))

    def print_json(self, result: View | dict[str, Any]) -> None:
        """Shows one JSON object."""
        from iodcal.output.json import dump

        sys.stdout.write(dump(result, faults=self.faults) + "\n")

    def console(self, *, stderr: bool = False) -> Console:
        """The console for people; with `stderr` that for problems."""
        from iodcal.output.console import make_console

        return make_console(color=self.common.colored, stderr=stderr)


def _named(configuration: Configuration) -> Configuration:
    """`configuration`; from now on log lines and results say whose run this is."""
    from iodcal.tenant import name_installation

    name_installation(configuration.name)
    return configuration
