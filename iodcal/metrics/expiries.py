"""When the configuration's secrets expire, as far as their references say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from iodcal.config import Configuration
from iodcal.config.forms import secrets_in
from iodcal.config.secrets import Reference, Secret
from iodcal.errors import SecretError

_ONE_DAY = timedelta(days=1)


def expiries(configuration: Configuration) -> dict[str, datetime]:
    """The time (UTC) by the reference in words, of each reference that has an `expires`, and of the
    certificate of the Microsoft login."""
    found: dict[str, datetime] = {}
    for secret in _secrets(configuration):
        for reference in secret.references:
            if reference.expires is not None:  # the last day on which it is good
                found[reference.shown] = datetime.combine(reference.expires + _ONE_DAY, time(), UTC)
    settings = configuration.microsoft365
    if settings is not None and settings.certificate is not None:
        for reference in settings.certificate.references:
            end = _end_of_certificate(reference, settings.certificate, configuration)
            if end is not None:
                found.setdefault(reference.shown, end)
    return found


def _end_of_certificate(
    reference: Reference, secret: Secret, configuration: Configuration
) -> datetime | None:
    """The end of the certificate that is sent; None where it cannot be had. No command is run for it."""
    if reference.kind == "command":
        return None
    from iodcal.calendars.login.certificates import certificate_in

    try:
        text = reference.resolve(configuration.directory, trusted=secret.trusted).reveal()
        return certificate_in(text).not_valid_after_utc
    except (SecretError, ValueError):
        return None


def _secrets(configuration: Configuration) -> Iterator[Secret]:
    holders: list[object] = [carrier.options for carrier in configuration.carriers.values()]
    holders += [calendar.options for calendar in configuration.calendars.values()]
    holders += [calendar.context.shared for calendar in configuration.calendars.values()]
    for holder in holders:
        yield from (secret for _, secret in secrets_in(holder))
    for target in configuration.notify.values():
        yield from (s for s in (target.address, target.authorization) if s is not None)
