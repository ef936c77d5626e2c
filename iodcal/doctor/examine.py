"""Whether every secret is where its reference points, and how long it is good still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from iodcal.config import Configuration
from iodcal.config.document import KeyPath, shown_path
from iodcal.config.forms import secrets_in
from iodcal.config.secrets import Reference, Secret
from iodcal.doctor import Area, CheckStatus, Diagnosis, DoctorContext, Examination
from iodcal.doctor.circuits import examine_circuits
from iodcal.doctor.edges import examine_calendars, examine_microsoft, examine_notices
from iodcal.doctor.host import examine_files, examine_metrics, examine_timer
from iodcal.domain.structs import replace
from iodcal.errors import SecretError
from iodcal.http import Deadline
from iodcal.messages import counted
from iodcal.problems.kinds import Kind
from iodcal.store.address import StateAddress

_SOON = 30  # days
_BEGIN = "-----BEGIN CERTIFICATE-----"


def examine_secrets(patient: DoctorContext) -> Iterator[Diagnosis]:
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


def _serves(findings: tuple[Diagnosis, ...]) -> bool:
    """True if nothing is known against the reference that they are about."""
    return not any(finding.light is CheckStatus.RED for finding in findings)


def _softened(finding: Diagnosis) -> Diagnosis:
    return replace(finding, light=CheckStatus.YELLOW) if finding.light is CheckStatus.RED else finding


def _secrets(patient: DoctorContext) -> Iterator[tuple[str, Secret]]:
    configuration = patient.configuration
    holders: dict[KeyPath, Any] = {("microsoft365",): configuration.microsoft365}
    holders |= {("settings", "state_store"): configuration.settings.state_store}
    holders |= {("calendars", name): one.options for name, one in configuration.calendars.items()}
    holders |= {("carriers", name): one.options for name, one in configuration.carriers.items()}
    for name, target in configuration.notify.items():  # that it resolves; nothing is sent there
        holders |= {("notify", name): target.address, ("notify", name, "authorization"): target.authorization}
    holders |= _usage_logins(configuration)
    for path, holder in holders.items():
        for place, secret in secrets_in(holder):
            yield shown_path((*path, *place)), secret


def _usage_logins(configuration: Configuration) -> dict[KeyPath, Any]:
    """The logins of the servers that know how much was used, each once; a run needs none of them."""
    logins: dict[Secret, KeyPath] = {}
    for name, source in configuration.usage.items():
        for key, secret in (("token", source.token), ("password", source.password)):
            if secret is not None:
                logins.setdefault(secret, ("circuits", name, "usage", key))
    return {path: secret for secret, path in logins.items()}


def _of_reference(
    where: str, reference: Reference, secret: Secret, patient: DoctorContext
) -> Iterator[Diagnosis]:
    """What is found of one reference by itself. One that is past needs not resolve any more."""
    today = patient.now.date()
    past = reference.expires is not None and reference.expires < today
    text = ""
    try:
        text = reference.resolve(patient.configuration.directory, trusted=secret.trusted).reveal()
    except SecretError as error:
        if not past:
            yield Diagnosis.of(
                Area.SECRETS, where, light=CheckStatus.RED, error=error, edge=Kind.CARRIER_UNREADABLE
            )
            return
    if reference.expires is not None:
        yield _of_end(where, reference.shown, reference.expires, today)
    if _BEGIN in text:
        alone = len(secret.references) == 1
        shown = "its certificate" if alone else f"the certificate of {reference.shown}"
        yield _of_certificate(where, text, shown, patient.now)
    elif text and (odd := _oddity(text)):
        facts = {"reference": reference.shown, "odd": odd}
        yield Diagnosis(Area.SECRETS, where, light=CheckStatus.YELLOW, code="secret_odd", facts=facts)
    elif reference.expires is None and reference.kind != "literal":
        yield Diagnosis(
            Area.SECRETS,
            where,
            light=CheckStatus.GREEN,
            code="secret_resolves",
            facts={"reference": reference.shown},
        )


def _oddity(text: str) -> str | None:
    """What a secret holds that was hardly meant; None where nothing is odd."""
    if text.startswith("\ufeff"):
        return "it begins with a byte order mark"
    if text != text.strip():
        return "it begins or ends with blanks or an empty line"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return "it stands in quotes"
    return None


def _of_certificate(where: str, pem: str, shown: str, now: datetime) -> Diagnosis:
    from iodcal.calendars.login.tokens import certificate_in

    try:
        certificate = certificate_in(pem)
    except ValueError:
        facts = {"reason": "it is no certificate in PEM form"}
        return Diagnosis(Area.SECRETS, where, light=CheckStatus.RED, code="certificate_wrong", facts=facts)
    ends = certificate.not_valid_after_utc.astimezone(UTC)
    if certificate.not_valid_before_utc > now:
        facts = {"day": certificate.not_valid_before_utc.date().isoformat()}
        return Diagnosis(Area.SECRETS, where, light=CheckStatus.RED, code="certificate_early", facts=facts)
    if ends <= now:
        facts = {"reference": shown, "day": ends.date().isoformat()}
        return Diagnosis(Area.SECRETS, where, light=CheckStatus.RED, code="secret_expired", facts=facts)
    return _of_end(where, shown, ends.date(), now.date())


def _of_end(where: str, shown: str, end: date, today: date) -> Diagnosis:
    days = (end - today).days
    facts = {
        "reference": shown,
        "day": end.isoformat(),
        "days": counted(days, "day"),
    }
    if days < 0:
        return Diagnosis(Area.SECRETS, where, light=CheckStatus.RED, code="secret_expired", facts=facts)
    if days < _SOON:
        return Diagnosis(
            Area.SECRETS, where, light=CheckStatus.YELLOW, code="secret_expires_soon", facts=facts
        )
    return Diagnosis(Area.SECRETS, where, light=CheckStatus.GREEN, code="secret_lasts", facts=facts)


PATIENCE = timedelta(minutes=2)
_CLOCK_WRONG = 60.0  # seconds: beyond them a run lowers nothing
_CLOCK_DOUBTFUL = 10.0
_A_YEAR = 366  # days


def examine(
    configuration: Configuration,
    state_path: StateAddress,
    patience: timedelta,
    progress: Callable[[str], None],
) -> Examination:
    """Tries everything that `configuration` names, for at most `patience`. Orders nothing, writes nothing."""
    deadline = Deadline.after(patience.total_seconds())
    patient = DoctorContext(
        configuration, state_path, now=datetime.now(UTC), deadline=deadline, progress=progress
    )
    return Examination(tuple(_findings(patient)))


def _findings(patient: DoctorContext) -> Iterator[Diagnosis]:
    clocks: dict[str, float] = {}
    yield from _of_configuration(patient.configuration)
    yield from _of_holidays(patient)
    yield from examine_secrets(patient)
    microsoft = tuple(examine_microsoft(patient))
    yield from microsoft
    logged_in = not any(
        finding.light is CheckStatus.RED and finding.area is Area.LOGIN for finding in microsoft
    )
    yield from examine_calendars(patient, clocks, logged_in=logged_in)
    yield from examine_circuits(patient, clocks)
    yield from _of_clock(clocks)
    yield from examine_files(patient)
    yield from examine_timer(patient)
    yield from examine_metrics(patient)
    yield from examine_notices(patient)


def _of_configuration(configuration: Configuration) -> Iterator[Diagnosis]:
    counts = {
        "calendars": counted(len(configuration.calendars), "calendar"),
        "circuits": counted(len(configuration.circuits), "circuit"),
        "rules": counted(len(configuration.rules), "rule"),
    }
    path = configuration.path.name
    yield Diagnosis(
        Area.CONFIGURATION, path, light=CheckStatus.GREEN, code="configuration_loads", facts=counts
    )
    for warning in configuration.warnings:
        facts = {"doubt": f"{warning.path}: {warning.message}" if warning.path else warning.message}
        where = f"{path}:{warning.line}" if warning.line else path
        yield Diagnosis(
            Area.CONFIGURATION, where, light=CheckStatus.YELLOW, code="configuration_doubtful", facts=facts
        )


def _of_holidays(patient: DoctorContext) -> Iterator[Diagnosis]:
    """Lists grow old unseen: one that has no day to come makes every holiday an ordinary day."""
    today = patient.now.astimezone(patient.configuration.zone).date()
    for name, holidays in patient.configuration.holidays.items():
        days = (today + timedelta(days=ahead) for ahead in range(_A_YEAR))
        following = next((day for day in days if day in holidays), None)
        where = f"holidays.{name}"
        if following is None:
            yield Diagnosis(Area.CONFIGURATION, where, CheckStatus.YELLOW, "holidays_over")
        else:
            facts = {"day": following.isoformat()}
            yield Diagnosis(
                Area.CONFIGURATION, where, light=CheckStatus.GREEN, code="holidays_known", facts=facts
            )


def _of_clock(clocks: dict[str, float]) -> Iterator[Diagnosis]:
    for server, error in clocks.items():
        facts = {"seconds": round(abs(error)), "direction": "behind" if error > 0 else "ahead of"}
        if abs(error) > _CLOCK_WRONG:
            yield Diagnosis(Area.CLOCK, server, light=CheckStatus.RED, code="clock_wrong", facts=facts)
        elif abs(error) > _CLOCK_DOUBTFUL:
            yield Diagnosis(Area.CLOCK, server, light=CheckStatus.YELLOW, code="clock_doubtful", facts=facts)
        else:
            yield Diagnosis(Area.CLOCK, server, light=CheckStatus.GREEN, code="clock_right", facts=facts)
