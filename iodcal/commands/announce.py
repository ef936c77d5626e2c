"""What the world outside hears of a run: the metrics file, pings and notices.

All of it comes after the run's orders and state are safe, none of it can fail or hold up a run: what goes
wrong is a line in the log, and shown by `status`.
"""

from __future__ import annotations

from collections.abc import Callable

from iodcal.commands.requests import SyncRequest
from iodcal.commands.sync import Say, Synced
from iodcal.commands.sync import sync as carry_out
from iodcal.config import Configuration
from iodcal.errors import UsageError
from iodcal.store.address import StateAddress


def sync(
    configuration: Configuration,
    state_path: StateAddress,
    asked: SyncRequest,
    progress: Callable[[str], None],
    say: Say | None = None,
) -> Synced:
    """`commands.sync`, and telling of it. Raises what that raises."""
    synced = _sync(configuration, state_path, asked, progress, say)
    if configuration.settings.feed_file is not None and not asked.circuits:
        from iodcal.notify.feed import write_feed  # whoever wants no feed need not load it

        write_feed(configuration, state_path, synced.report)
    return synced


def _sync(
    configuration: Configuration,
    state_path: StateAddress,
    asked: SyncRequest,
    progress: Callable[[str], None],
    say: Say | None,
) -> Synced:
    if not configuration.notify and configuration.settings.metrics_file is None:
        return carry_out(configuration, state_path, asked=asked, progress=progress, say=say)
    from iodcal.notify.dispatch import (
        Announcer,  # whoever wants none of it need not load it
        Dispatcher,
    )

    announcer = Announcer(configuration, asked, Dispatcher(configuration, state_path, asked.run_id))
    announcer.begin()
    try:
        synced = carry_out(
            configuration, state_path, asked=asked, progress=progress, done=announcer.tell, say=say
        )
    except UsageError:
        raise  # a slip of the keyboard is nobody else's news
    except BaseException as error:
        announcer.failed(error)
        raise
    return announcer.finished(synced)
