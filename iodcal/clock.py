"""The monotonic clock: the time since this machine's boot, which no setting of the clock changes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iodcal.domain.orders import BootTime

_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str | None:
    """Names this boot of this machine; None where the system does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return None


def seconds_since_boot() -> float:
    """Seconds since this machine's boot, time asleep included where the system counts it."""
    return time.clock_gettime(_CLOCK)


def boot_time() -> BootTime | None:
    """How long this machine has been up, time asleep included; None where the system does not tell."""
    this_boot = boot_id()
    if this_boot is None or not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    from iodcal.domain.orders import BootTime  # deadlines, which need this module, know no orders

    return BootTime(this_boot, seconds_since_boot())
