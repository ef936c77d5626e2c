"""Whether something runs `iodcal sync`: a systemd timer or a line of a crontab, as far as one can see."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.paths import expanded, is_link

_UNITS = (
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
)
_CRON = ("etc/crontab", "etc/cron.d", "var/spool/cron/crontabs", "var/spool/cron")
_SYNC = re.compile(r"\biodcal\b.*\bsync\b")
_COMMAND = re.compile(r"^\s*ExecStart\s*=(.*)$", flags=re.MULTILINE)
_MOST_BYTES = 256 * 1024
_CRONTAB_SECONDS = 5


def of_timer(patient: Patient) -> Iterator[Finding]:
    """Never red: another host, or another user's crontab, may run it unseen."""
    lines = [place for place, text in _crontabs(patient.root) if _runs_sync(text)]
    timers = list(_timers(patient.root))
    for place in lines:
        yield Finding(Area.RUNS, "timer", Light.GREEN, "timer_cron", {"place": place})
    for timer, enabled in timers:
        code = "timer_systemd" if enabled else "timer_disabled"
        facts = {"place": str(timer), "name": timer.name}
        yield Finding(Area.RUNS, "timer", Light.GREEN if enabled else Light.YELLOW, code, facts)
    if not lines and not timers:
        yield Finding(Area.RUNS, "timer", Light.INFO, "timer_unseen")


def _runs_sync(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return any(_SYNC.search(line) for line in lines if line and not line.startswith("#"))


def _starts_sync(unit: str) -> bool:
    """True if a service's text has a command that is a sync; its other lines may well speak of one."""
    whole_lines = re.sub(r"\\\n", " ", unit)
    return any(_SYNC.search(command) for command in _COMMAND.findall(whole_lines))


def _crontabs(root: Path) -> Iterator[tuple[str, str]]:
    for name in _CRON:
        place = root / name
        for file in _listed(place, "*") if place.is_dir() else [place]:
            yield str(file), _text(file)
    try:
        done = subprocess.run(["crontab", "-l"], capture_output=True, timeout=_CRONTAB_SECONDS, check=False)  # noqa: S607 - the caller's own crontab, wherever the system keeps the command
    except (OSError, subprocess.SubprocessError):
        return
    yield "the crontab of this user", done.stdout.decode("utf-8", errors="replace")


def _timers(root: Path) -> Iterator[tuple[Path, bool]]:
    """Every timer whose service runs a sync, and whether it is enabled."""
    own, system = (_own_units(),), tuple(root / name for name in _UNITS)
    for folders, links in ((system, system[:2]), (own, own)):
        for timer in (timer for folder in folders for timer in _listed(folder, "*.timer")):
            found = re.search(r"^\s*Unit\s*=\s*(\S+)", _text(timer), flags=re.MULTILINE)
            service = found[1] if found else f"{timer.stem}.service"
            # It need not lie beside its timer: a package's own may be timed by the administrator's.
            if any(_starts_sync(_text(folder / service)) for folder in folders):
                enabled = (is_link(place / "timers.target.wants" / timer.name) for place in links)
                yield timer, any(enabled)


def _own_units() -> Path:
    named = os.environ.get("XDG_CONFIG_HOME")
    return (Path(named) if named else expanded("~/.config")) / "systemd" / "user"


def _listed(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except OSError:
        return []


def _text(path: Path) -> str:
    """What the file says; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""
