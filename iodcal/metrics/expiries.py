"""When the configuration's secrets expire, as far as their references say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from iodcal.config import Configuration
from iodcal.config.forms import secrets_in
from iodcal.config.secrets import Secret

_ONE_DAY = timedelta(days=1)


def expiries(configuration: Configuration) -> dict[str, datetime]:
    """The time (UTC) by the reference in words, of each reference that has an `expires`."""
    found: dict[str, datetime] = {}
    for secret in _secrets(configuration):
        for reference in secret.references:
            if reference.expires is not None:  # the last day on which it is good
                found[reference.shown] = datetime.combine(reference.expires + _ONE_DAY, time(), UTC)
    return found


def _secrets(configuration: Configuration) -> Iterator[Secret]:
    holders: list[object] = [carrier.options for carrier in configuration.carriers.values()]
    holders += [calendar.options for calendar in configuration.calendars.values()]
    holders += [calendar.context.shared for calendar in configuration.calendars.values()]
    for holder in holders:
        yield from (secret for _, secret in secrets_in(holder))
    for target in configuration.notify.values():
        yield from (s for s in (target.address, target.authorization) if s is not None)
