"""Whether every secret is where its reference points, and how long it is good still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from iodcal.config.document import KeyPath, shown_path
from iodcal.config.forms import secrets_in
from iodcal.config.secrets import Reference, Secret
from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.domain.values import replace
from iodcal.errors import SecretError
from iodcal.problems.kinds import Kind

_SOON = 30  # days
_BEGIN = "-----BEGIN CERTIFICATE-----"


def of_secrets(patient: Patient) -> Iterator[Finding]:
    """Each reference tried, and each end of one judged. No secret is in a finding.

    A run takes the first of a list that resolves and is let in, so one that fails is no error while another
    serves. It is told all the same: else what was forgotten shows only once the other ends.
    """
    for where, secret in _secrets(patient):
        if secret.literal and len(secret.references) == 1:
            continue  # it is there; that it should not be is a doubt about the configuration
        patient.progress(f"looking for the secret {where}")
        found = [tuple(_of_reference(where, one, secret, patient)) for one in secret.references]
        serving = sum(map(_serves, found))
        for findings in found:
            spare = serving > _serves(findings)
            yield from map(_softened, findings) if spare else findings


def _serves(findings: tuple[Finding, ...]) -> bool:
    """True if nothing is known against the reference that they are about."""
    return not any(finding.light is Light.RED for finding in findings)


def _softened(finding: Finding) -> Finding:
    return replace(finding, light=Light.YELLOW) if finding.light is Light.RED else finding


def _secrets(patient: Patient) -> Iterator[tuple[str, Secret]]:
    configuration = patient.configuration
    holders: dict[KeyPath, Any] = {("microsoft365",): configuration.microsoft365}
    holders |= {("calendars", name): one.options for name, one in configuration.calendars.items()}
    holders |= {("carriers", name): one.options for name, one in configuration.carriers.items()}
    for name, target in configuration.notify.items():  # that it resolves; nothing is sent there
        holders |= {("notify", name): target.address, ("notify", name, "authorization"): target.authorization}
    for path, holder in holders.items():
        for place, secret in secrets_in(holder):
            yield shown_path((*path, *place)), secret


def _of_reference(where: str, reference: Reference, secret: Secret, patient: Patient) -> Iterator[Finding]:
    """What is found of one reference by itself. One that is past needs not resolve any more."""
    today = patient.now.date()
    past = reference.expires is not None and reference.expires < today
    text = ""
    try:
        text = reference.resolve(patient.configuration.directory, trusted=secret.trusted).reveal()
    except SecretError as error:
        if not past:
            yield Finding.of(Area.SECRETS, where, Light.RED, error, Kind.CARRIER_UNREADABLE)
            return
    if reference.expires is not None:
        yield _of_end(where, reference.shown, reference.expires, today)
    if _BEGIN in text:
        alone = len(secret.references) == 1
        shown = "its certificate" if alone else f"the certificate of {reference.shown}"
        yield _of_certificate(where, text, shown, patient.now)
    elif text and (odd := _oddity(text)):
        facts = {"reference": reference.shown, "odd": odd}
        yield Finding(Area.SECRETS, where, Light.YELLOW, "secret_odd", facts)
    elif reference.expires is None and reference.kind != "literal":
        yield Finding(Area.SECRETS, where, Light.GREEN, "secret_resolves", {"reference": reference.shown})


def _oddity(text: str) -> str | None:
    """What a secret holds that was hardly meant; None where nothing is odd."""
    if text.startswith("\ufeff"):
        return "it begins with a byte order mark"
    if text != text.strip():
        return "it begins or ends with blanks or an empty line"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return "it stands in quotes"
    return None


def _of_certificate(where: str, pem: str, shown: str, now: datetime) -> Finding:
    from iodcal.calendars.login.certificates import certificate_in

    try:
        certificate = certificate_in(pem)
    except ValueError:
        facts = {"reason": "it is no certificate in PEM form"}
        return Finding(Area.SECRETS, where, Light.RED, "certificate_wrong", facts)
    ends = certificate.not_valid_after_utc.astimezone(UTC)
    if certificate.not_valid_before_utc > now:
        facts = {"day": certificate.not_valid_before_utc.date().isoformat()}
        return Finding(Area.SECRETS, where, Light.RED, "certificate_early", facts)
    if ends <= now:
        facts = {"reference": shown, "day": ends.date().isoformat()}
        return Finding(Area.SECRETS, where, Light.RED, "secret_expired", facts)
    return _of_end(where, shown, ends.date(), now.date())


def _of_end(where: str, shown: str, end: date, today: date) -> Finding:
    days = (end - today).days
    facts = {
        "reference": shown,
        "day": end.isoformat(),
        "days": f"{days} day" if days == 1 else f"{days} days",
    }
    if days < 0:
        return Finding(Area.SECRETS, where, Light.RED, "secret_expired", facts)
    if days < _SOON:
        return Finding(Area.SECRETS, where, Light.YELLOW, "secret_expires_soon", facts)
    return Finding(Area.SECRETS, where, Light.GREEN, "secret_lasts", facts)
