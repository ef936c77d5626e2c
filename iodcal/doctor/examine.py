"""The whole examination, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iodcal.config import Configuration
from iodcal.doctor import Area, Examination, Finding, Light, Patient
from iodcal.doctor.calendars import of_calendars
from iodcal.doctor.circuits import of_circuits
from iodcal.doctor.files import of_files
from iodcal.doctor.metrics import of_metrics
from iodcal.doctor.microsoft import of_microsoft
from iodcal.doctor.notices import of_notices
from iodcal.doctor.secrets import of_secrets
from iodcal.doctor.timer import of_timer
from iodcal.http import Deadline

PATIENCE = timedelta(minutes=2)
_CLOCK_WRONG = 60.0  # seconds: beyond them a run lowers nothing
_CLOCK_DOUBTFUL = 10.0
_A_YEAR = 366  # days


def examine(
    configuration: Configuration,
    state_path: Path,
    patience: timedelta,
    progress: Callable[[str], None],
) -> Examination:
    """Tries everything that `configuration` names, for at most `patience`. Orders nothing, writes nothing."""
    deadline = Deadline.after(patience.total_seconds())
    patient = Patient(configuration, state_path, datetime.now(UTC), deadline, progress)
    return Examination(tuple(_findings(patient)))


def _findings(patient: Patient) -> Iterator[Finding]:
    clocks: dict[str, float] = {}
    yield from _of_configuration(patient.configuration)
    yield from _of_holidays(patient)
    yield from of_secrets(patient)
    microsoft = tuple(of_microsoft(patient))
    yield from microsoft
    logged_in = not any(finding.light is Light.RED and finding.area is Area.LOGIN for finding in microsoft)
    yield from of_calendars(patient, clocks, logged_in=logged_in)
    yield from of_circuits(patient, clocks)
    yield from _of_clock(clocks)
    yield from of_files(patient)
    yield from of_timer(patient)
    yield from of_metrics(patient)
    yield from of_notices(patient)


def _of_configuration(configuration: Configuration) -> Iterator[Finding]:
    counts = {
        "calendars": _count(len(configuration.calendars), "calendar"),
        "circuits": _count(len(configuration.circuits), "circuit"),
        "rules": _count(len(configuration.rules), "rule"),
    }
    path = configuration.path.name
    yield Finding(Area.CONFIGURATION, path, Light.GREEN, "configuration_loads", counts)
    for warning in configuration.warnings:
        facts = {"doubt": f"{warning.path}: {warning.message}" if warning.path else warning.message}
        where = f"{path}:{warning.line}" if warning.line else path
        yield Finding(Area.CONFIGURATION, where, Light.YELLOW, "configuration_doubtful", facts)


def _of_holidays(patient: Patient) -> Iterator[Finding]:
    """Lists grow old unseen: one that has no day to come makes every holiday an ordinary day."""
    today = patient.now.astimezone(patient.configuration.zone).date()
    for name, holidays in patient.configuration.holidays.items():
        days = (today + timedelta(days=ahead) for ahead in range(_A_YEAR))
        following = next((day for day in days if day in holidays), None)
        where = f"holidays.{name}"
        if following is None:
            yield Finding(Area.CONFIGURATION, where, Light.YELLOW, "holidays_over")
        else:
            facts = {"day": following.isoformat()}
            yield Finding(Area.CONFIGURATION, where, Light.GREEN, "holidays_known", facts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _of_clock(clocks: dict[str, float]) -> Iterator[Finding]:
    for server, error in clocks.items():
        facts = {"seconds": round(abs(error)), "direction": "behind" if error > 0 else "ahead of"}
        if abs(error) > _CLOCK_WRONG:
            yield Finding(Area.CLOCK, server, Light.RED, "clock_wrong", facts)
        elif abs(error) > _CLOCK_DOUBTFUL:
            yield Finding(Area.CLOCK, server, Light.YELLOW, "clock_doubtful", facts)
        else:
            yield Finding(Area.CLOCK, server, Light.GREEN, "clock_right", facts)
