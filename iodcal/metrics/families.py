"""Every metric there is: name, kind, meaning, labels. The reference page is checked against this table."""

from __future__ import annotations

from msgspec import Struct


class Family(Struct, frozen=True):
    """One metric. `every_run` marks those that also a run which came to nothing brings up to date."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    every_run: bool = False
    type: str = "gauge"


_CIRCUIT = ("circuit",)

BUILD = Family("iodcal_build_info", "The version that ran last; always 1.", ("version",), every_run=True)
LAST_RUN = Family("iodcal_last_run_timestamp_seconds", "When the last sync ended.", every_run=True)
EXIT = Family(
    "iodcal_last_run_exit_status",
    "How it ended: 0 well, 3 with problems, others not carried through.",
    every_run=True,
)
DURATION = Family("iodcal_last_run_duration_seconds", "How long it took.", every_run=True)
SUCCESS = Family(
    "iodcal_last_success_timestamp_seconds",
    "When a sync last was carried through, with or without problems (exit status 0 or 3); 0 if never.",
    every_run=True,
)
EVERY = Family("iodcal_every_seconds", "The longest time between two runs, as configured.", every_run=True)
CIRCUIT = Family(
    "iodcal_circuit_info",
    "What a circuit is; always 1.",
    ("circuit", "carrier", "service_id", "site", "orders"),
)
ORDERED = Family(
    "iodcal_circuit_ordered_bits_per_second", "The open order's bandwidth, else the confirmed one.", _CIRCUIT
)
TARGET = Family("iodcal_circuit_target_bits_per_second", "The bandwidth that is asked for now.", _CIRCUIT)
OBSERVED = Family("iodcal_circuit_observed_bits_per_second", "What the carrier last showed.", _CIRCUIT)
OBSERVED_AT = Family("iodcal_circuit_observed_timestamp_seconds", "When it did.", _CIRCUIT)
OPEN = Family("iodcal_circuit_open_orders", "Orders that are not settled: 0 or 1.", _CIRCUIT)
OPEN_SINCE = Family(
    "iodcal_circuit_open_order_timestamp_seconds", "When the open order was placed.", _CIRCUIT
)
LEAD_LEFT = Family(
    "iodcal_circuit_lead_left_seconds",
    "How long before its event the last raise of the day was confirmed; negative: after it began.",
    _CIRCUIT,
)
PROBLEMS = Family("iodcal_problems", "Problems that stand, by kind.", ("kind", "severity"))
CALENDAR_READ = Family(
    "iodcal_calendar_read_timestamp_seconds", "When a calendar was last read.", ("source",)
)
REMEMBERED = Family(
    "iodcal_calendar_remembered",
    "1 where it could not be read now, and its last reading counts on.",
    ("source",),
)
QUOTA = Family(
    "iodcal_quota_changes_limit", "Changes a UTC day that an account allows.", ("carrier", "account")
)
QUOTA_LEFT = Family("iodcal_quota_changes_left", "How many of them are left today.", ("carrier", "account"))
SECRET = Family(
    "iodcal_secret_expiry_timestamp_seconds", "When a secret expires, where that is known.", ("secret",)
)

FAMILIES = (
    BUILD,
    LAST_RUN,
    EXIT,
    DURATION,
    SUCCESS,
    EVERY,
    CIRCUIT,
    ORDERED,
    TARGET,
    OBSERVED,
    OBSERVED_AT,
    OPEN,
    OPEN_SINCE,
    LEAD_LEFT,
    PROBLEMS,
    CALENDAR_READ,
    REMEMBERED,
    QUOTA,
    QUOTA_LEFT,
    SECRET,
)
