"""Why it is not known how much of a circuit was used, or not believed."""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.analysis.usage import UsageTrouble
from iodcal.errors import MeasurementError
from iodcal.messages import Words, fill
from iodcal.messages.calendars import CONNECTION
from iodcal.messages.files import FILES

_SHOWN = 3  # circuits that are named
_INTERFACE = "Check unit, and that the queries name this circuit's own interface"
_AGAIN = "Ask again later, or for a shorter time"

_USAGE: Mapping[str, Words] = {
    "deadline": Words("the time for asking ran out while {host} was asked", "Ask for a shorter time"),
    "timeout": Words("{host} did not answer in time", _AGAIN),
    "too_slow": Words("{host} had not answered in full after {seconds} seconds", _AGAIN),
    "truncated": Words("the answer of {host} breaks off", _AGAIN),
    "too_large": Words(
        "the answer of {host} is larger than {limit} bytes", "Let the query make one series, such as by max()"
    ),
    "redirect": Words(
        "{host} points to another address, which is not followed", "Let url name the server itself"
    ),
    "usage_login": Words(
        "{host} does not let us in (status {status})", "Check token, or username and password"
    ),
    "usage_query": Words(
        "{host} does not take the query (status {status}): {said}", "Try in and out in its own web page"
    ),
    "usage_status": Words("{host} answers with status {status}", "Check that url is a Prometheus server's"),
    "usage_not_prometheus": Words(
        "{host} does not answer as Prometheus does", "Check that url is a Prometheus server's"
    ),
    "usage_several": Words(
        "the query finds {count} series at {host}, where one is wanted",
        "Let in and out name one interface, or put sum() around them",
    ),
    "usage_none": Words(
        "nothing is on record there", "Check that the queries name this circuit, and how long it is kept"
    ),
    "usage_unit": Words(
        "{mbps} are {times} the highest tier ({tier}): this is another unit, or the wrong interface",
        _INTERFACE,
    ),
    "usage_idle": Words("never more than {mbps} is no traffic of a circuit in use", _INTERFACE),
    "usage_file": Words("the file {file} cannot be read: {reason}", "See docs/how-to/learn-from-usage.md"),
    "usage_file_large": Words(
        "{file} is larger than {limit} bytes", "Give five-minute averages, or less time"
    ),
    "usage_file_columns": Words(
        "the file {file} lacks the column {missing}", "Its first line is circuit,time,in_bps,out_bps"
    ),
    "usage_file_line": Words(
        "line {line} of {file} cannot be read",
        "time is such as 2026-11-24T14:55:00Z, or seconds since 1970; in_bps and out_bps are numbers",
    ),
}


def trouble_words(trouble: UsageTrouble) -> Words:
    """What to tell of it, with the circuits that it is about."""
    words = _words(trouble.code, trouble.facts)
    names = ", ".join(trouble.circuits[:_SHOWN])
    more = len(trouble.circuits) - _SHOWN
    where = f"{names} and {more} more" if more > 0 else names
    return Words(f"Use of {where} is not known: {words.message}", words.remedy)


def file_words(error: MeasurementError) -> Words:
    """What to tell where a file of use ended a command."""
    words = _words(error.code, error.facts)
    return Words(words.message[:1].upper() + words.message[1:], words.remedy)


def _words(code: str, facts: Mapping[str, str | int | float | bool | None]) -> Words:
    table = {**CONNECTION, **FILES, **_USAGE}
    words = fill(table.get(code, Words(f"something went wrong ({code})", "run again with -v")), facts)
    return Words(words.message, words.remedy[:1].upper() + words.remedy[1:])
