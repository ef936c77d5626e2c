"""What `doctor` examines on this host: files and folders, the metrics file, what starts the runs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from iodcal.bounds import load_json
from iodcal.doctor import Area, CheckStatus, Diagnosis, DoctorContext
from iodcal.domain.durations import format_duration
from iodcal.domain.structs import Fact
from iodcal.errors import StateError
from iodcal.exits import Exit
from iodcal.paths import exists, expanded, is_folder, is_link
from iodcal.store.address import StoreUrl
from iodcal.store.lock import held_now
from iodcal.store.state import State
from iodcal.store.store import store_of

_STUCK = 3  # times `every`: a run cannot take so long, nor may one be missing so long


def examine_files(patient: DoctorContext) -> Iterator[Diagnosis]:
    """The state and its neighbours, then the lock and the last run."""
    path = patient.state_path
    if isinstance(path, StoreUrl):
        yield from _of_shared(patient, path)
        return
    yield from _of_place(path)
    try:
        store = store_of(patient.configuration, path, lambda: patient.now)
        store.refuse_foreign()
        state = store.load(read_only=True)
    except StateError as error:
        yield Diagnosis(
            Area.STATE, path.name, light=CheckStatus.RED, code=f"state_{error.code}", facts=error.facts
        )
        return
    yield from _of_state(patient, path, state)
    yield from _of_history(path.with_name("history.jsonl"))
    yield from _of_lock(patient, path)
    yield _of_last_run(patient, state)


def _of_shared(patient: DoctorContext, url: StoreUrl) -> Iterator[Diagnosis]:
    """A state in an object store: whether that can be read and written, and refuses what it must refuse."""
    from iodcal.store.shared import open_shared  # brings the client of object stores

    def judged(light: CheckStatus, code: str, facts: Mapping[str, Fact] | None = None) -> Diagnosis:
        return Diagnosis(Area.STATE, url.bucket, light=light, code=code, facts=facts or {})

    try:
        store = open_shared(patient.configuration, url, of_any=False)
        state = store.load(read_only=True)
        store.probe_store()
    except StateError as error:
        code = error.code if error.code.startswith("state_") else f"state_{error.code}"
        yield judged(CheckStatus.RED, code, error.facts)
        return
    if state.rebuilt_from is not None:
        yield judged(CheckStatus.RED, "state_damaged")
    else:
        yield judged(CheckStatus.GREEN, "state_shared_good", {"path": str(url)})
    claim = state.shared.claim if state.shared is not None else None
    if claim is not None and claim.until > patient.now:
        told: dict[str, Fact] = {"command": claim.command, "pid": claim.pid, "host": claim.host}
        yield judged(CheckStatus.INFO, "lock_in_use", {**told, "since": claim.since.isoformat()})
    else:
        yield judged(CheckStatus.GREEN, "lock_free")
    yield _of_last_run(patient, state)


def _of_place(path: Path) -> Iterator[Diagnosis]:
    """Whether a run could write here, as far as that can be told without writing."""
    folder = _nearest(path.parent)
    if folder != path.parent and is_folder(folder) and not os.access(folder, os.W_OK | os.X_OK):
        facts: dict[str, Fact] = {"path": str(path), "folder": str(folder)}
        yield Diagnosis(Area.STATE, path.name, light=CheckStatus.RED, code="state_no_folder", facts=facts)
        return
    closed = [
        place
        for place, wanted in ((folder, os.W_OK | os.X_OK), (path, os.R_OK | os.W_OK))
        if exists(place) and not os.access(place, wanted)
    ]
    if closed or not is_folder(folder):
        facts = {"path": str(closed[0] if closed else folder)}
        yield Diagnosis(Area.STATE, path.name, light=CheckStatus.RED, code="state_not_writable", facts=facts)
    elif not exists(path):
        yield Diagnosis(
            Area.STATE, path.name, light=CheckStatus.INFO, code="state_new", facts={"path": str(path)}
        )


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next((place for place in (folder, *folder.parents) if exists(place)), folder)


def _of_state(patient: DoctorContext, path: Path, state: State) -> Iterator[Diagnosis]:
    if not path.exists():
        return
    if state.rebuilt_from is not None:
        yield Diagnosis(Area.STATE, path.name, CheckStatus.RED, "state_damaged")
    elif patient.configuration.settings.group is None and path.stat().st_mode & 0o077:
        yield Diagnosis(Area.STATE, path.name, CheckStatus.YELLOW, "state_open_to_others")
    else:
        yield Diagnosis(
            Area.STATE, path.name, light=CheckStatus.GREEN, code="state_good", facts={"path": str(path)}
        )


def _of_history(path: Path) -> Iterator[Diagnosis]:
    try:
        with path.open("rb") as file:
            torn = sum(not _is_record(line) for line in file)
    except FileNotFoundError:
        return
    except OSError as error:
        facts = {"path": str(path), "reason": error.strerror}
        yield Diagnosis(Area.STATE, path.name, light=CheckStatus.RED, code="history_unreadable", facts=facts)
        return
    if not os.access(path, os.W_OK):
        yield Diagnosis(
            Area.STATE, path.name, light=CheckStatus.RED, code="state_not_writable", facts={"path": str(path)}
        )
    elif torn:
        yield Diagnosis(
            Area.STATE, path.name, light=CheckStatus.YELLOW, code="history_torn", facts={"lines": torn}
        )
    else:
        yield Diagnosis(Area.STATE, path.name, CheckStatus.GREEN, "history_good")


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(load_json(line), dict)
    except ValueError:
        return False


def _of_lock(patient: DoctorContext, state: Path) -> Iterator[Diagnosis]:
    path = state.with_name(state.name + ".lock")
    try:
        held = held_now(path)
    except OSError as error:
        facts = {"path": str(path), "reason": error.strerror}
        yield Diagnosis(Area.STATE, path.name, light=CheckStatus.RED, code="lock_unusable", facts=facts)
        return
    if held is None:
        yield Diagnosis(Area.STATE, path.name, CheckStatus.GREEN, "lock_free")
        return
    too_long = patient.configuration.settings.every * _STUCK
    stuck = held.since is not None and patient.now - held.since > too_long
    code = "lock_stuck" if stuck else "lock_in_use"
    yield Diagnosis(
        Area.STATE,
        path.name,
        light=CheckStatus.RED if stuck else CheckStatus.INFO,
        code=code,
        facts=held.facts,
    )


def _of_last_run(patient: DoctorContext, state: State) -> Diagnosis:
    every, last = patient.configuration.settings.every, state.last_run
    if last is None:
        return Diagnosis(Area.RUNS, "last run", CheckStatus.YELLOW, "run_never")
    age = max(patient.now - last.ended_at, timedelta())
    facts: dict[str, Fact] = {
        "age": format_duration(timedelta(minutes=age // timedelta(minutes=1))),
        "every": format_duration(every),
        "status": last.exit,
    }
    if age > every * _STUCK:
        return Diagnosis(Area.RUNS, "last run", light=CheckStatus.RED, code="run_long_ago", facts=facts)
    if age > every:
        return Diagnosis(Area.RUNS, "last run", light=CheckStatus.YELLOW, code="run_late", facts=facts)
    if last.exit in (Exit.FAILED, Exit.PROBLEM):
        return Diagnosis(Area.RUNS, "last run", light=CheckStatus.YELLOW, code="run_ended_badly", facts=facts)
    return Diagnosis(Area.RUNS, "last run", light=CheckStatus.GREEN, code="run_lately", facts=facts)


def examine_metrics(patient: DoctorContext) -> Iterator[Diagnosis]:
    """Nothing where no metrics file is configured."""
    path = patient.configuration.settings.metrics_file
    if path is None:
        return
    light, code = _judged(path)
    facts: dict[str, Fact] = {"path": str(path), "folder": str(path.parent)}
    yield Diagnosis(Area.METRICS, path.name, light=light, code=code, facts=facts)


def _judged(path: Path) -> tuple[CheckStatus, str]:
    if not is_folder(path.parent):
        return CheckStatus.RED, "metrics_no_folder"
    if is_folder(path):
        return CheckStatus.RED, "metrics_is_folder"
    # A run writes a new file beside it and renames it: what counts is the folder, not the file.
    if not os.access(path.parent, os.R_OK | os.W_OK | os.X_OK):
        return CheckStatus.RED, "metrics_not_writable"
    if path.suffix != ".prom":
        return CheckStatus.YELLOW, "metrics_not_prom"
    return CheckStatus.GREEN, "metrics_writable"


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


def examine_timer(patient: DoctorContext) -> Iterator[Diagnosis]:
    """Never red: another host, or another user's crontab, may run it unseen."""
    lines = [place for place, text in _crontabs(patient.root) if _runs_sync(text)]
    timers = list(_timers(patient.root))
    for place in lines:
        yield Diagnosis(
            Area.RUNS, "timer", light=CheckStatus.GREEN, code="timer_cron", facts={"place": place}
        )
    for timer, enabled in timers:
        code = "timer_systemd" if enabled else "timer_disabled"
        facts = {"place": str(timer), "name": timer.name}
        yield Diagnosis(
            Area.RUNS,
            "timer",
            light=CheckStatus.GREEN if enabled else CheckStatus.YELLOW,
            code=code,
            facts=facts,
        )
    if not lines and not timers:
        yield Diagnosis(Area.RUNS, "timer", CheckStatus.INFO, "timer_unseen")


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
