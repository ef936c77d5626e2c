"""Whether every secret is where its reference points, and how long it is good still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from iodcal.config.document import KeyPath, shown_path
from iodcal.config.forms import secrets_in
from iodcal.config.secrets import Reference, Secret
from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.domain.problems import Kind
from iodcal.errors import SecretError

_SOON = 30  # days


def of_secrets(patient: Patient) -> Iterator[Finding]:
    """Each reference tried, and each end of one judged. No secret is in a finding."""
    for where, secret in _secrets(patient):
        if secret.literal:
            continue  # it is there; that it should not be is a doubt about the configuration
        patient.progress(f"looking for the secret {where}")
        try:
            text = secret.resolve(patient.configuration.directory).reveal()
        except SecretError as error:
            yield Finding.of(Area.SECRETS, where, Light.RED, error, Kind.CARRIER_UNREADABLE)
            continue
        yield from _of_ends(where, secret, patient)
        if "-----BEGIN CERTIFICATE-----" in text:
            yield _of_certificate(where, text, patient.now)
        elif not any(reference.expires for reference in secret.references):
            yield Finding(Area.SECRETS, where, Light.GREEN, "secret_resolves", {"reference": secret.shown})


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


def _of_ends(where: str, secret: Secret, patient: Patient) -> Iterator[Finding]:
    """One that is past is no fault while another of the list still serves."""
    today = patient.now.date()
    for reference in secret.references:
        if reference.expires is not None:
            spare = any(
                other is not reference and _serves(other, secret, patient.configuration.directory, today)
                for other in secret.references
            )
            yield _of_end(where, reference.shown, reference.expires, today, spare=spare)


def _serves(reference: Reference, secret: Secret, directory: Path, today: date) -> bool:
    if reference.expires is not None and reference.expires < today:
        return False
    try:
        reference.resolve(directory, trusted=secret.trusted)
    except SecretError:
        return False
    return True


def _of_certificate(where: str, pem: str, now: datetime) -> Finding:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERTIFICATE-----") :].encode())
    except ValueError:
        facts = {"reason": "it is no certificate in PEM form"}
        return Finding(Area.SECRETS, where, Light.RED, "certificate_wrong", facts)
    ends = certificate.not_valid_after_utc.astimezone(UTC)
    if certificate.not_valid_before_utc > now:
        facts = {"day": certificate.not_valid_before_utc.date().isoformat()}
        return Finding(Area.SECRETS, where, Light.RED, "certificate_early", facts)
    if ends <= now:
        facts = {"reference": "its certificate", "day": ends.date().isoformat()}
        return Finding(Area.SECRETS, where, Light.RED, "secret_expired", facts)
    return _of_end(where, "its certificate", ends.date(), now.date(), spare=False)


def _of_end(where: str, shown: str, end: date, today: date, *, spare: bool) -> Finding:
    days = (end - today).days
    facts = {
        "reference": shown,
        "day": end.isoformat(),
        "days": f"{days} day" if days == 1 else f"{days} days",
    }
    if days < 0:
        return Finding(Area.SECRETS, where, Light.YELLOW if spare else Light.RED, "secret_expired", facts)
    if days < _SOON:
        return Finding(Area.SECRETS, where, Light.YELLOW, "secret_expires_soon", facts)
    return Finding(Area.SECRETS, where, Light.GREEN, "secret_lasts", facts)
