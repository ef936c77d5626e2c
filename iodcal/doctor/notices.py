"""Whether notices could leave. Nothing is sent: even an empty request to a target's own address may count as
one there, so only the host's front page is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit, urlunsplit

from iodcal.config import NotifyTarget, Way
from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.errors import SecretError
from iodcal.http import Deadline, HttpError, ReadingSession
from iodcal.problems.kinds import Fact
from iodcal.threads import answers, side_by_side

_AT_ONCE = 8
_MOST_BYTES = 64 * 1024
# Whoever answers so is there: what the front page holds is no matter.
_ANSWERED = frozenset({"redirect", "too_large", "truncated"})


def of_notices(patient: Patient) -> Iterator[Finding]:
    """One finding for each target, several at a time."""
    targets = patient.configuration.notify
    if not targets:
        return
    patient.progress(f"trying the hosts of {len(targets)} targets of notices")
    with side_by_side(_AT_ONCE) as pool:
        yield from answers(pool, partial(_of_target, patient=patient), targets.values())


def _of_target(target: NotifyTarget, patient: Patient) -> Finding:
    where = f"notify.{target.name}"
    try:
        address = target.address.resolve(patient.configuration.directory).reveal().strip()
    except SecretError:  # which is told under the secrets
        return Finding(Area.NOTICES, where, Light.INFO, "notice_not_without_secret")
    if target.way is Way.APPRISE:
        light, code, facts = _of_apprise(address)
    else:
        light, code, facts = _of_host(address, patient)
    return Finding(Area.NOTICES, where, light, code, facts)


def _of_apprise(addresses: str) -> tuple[Light, str, dict[str, Fact]]:
    """That Apprise understands every address; who is behind them only Apprise knows."""
    from iodcal.notify.channels import apprise_of

    known = apprise_of(addresses)
    if known is None:
        return Light.RED, "notice_apprise_address", {}
    return Light.GREEN, "notice_apprise", {"count": len(known)}


def _of_host(address: str, patient: Patient) -> tuple[Light, str, dict[str, Fact]]:
    """That whoever is named in `address` can be reached as a run would: by proxy, over TLS, in time."""
    session = ReadingSession(max_bytes=_MOST_BYTES, secret_urls=True)
    patience = patient.configuration.settings.notify_within.total_seconds()
    deadline = Deadline.after(min(patience, patient.deadline.left))
    try:
        parts = urlsplit(address)
        front_page = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "/", "", ""))
        session.get(front_page, deadline=deadline)
    except HttpError as error:
        if patient.deadline.passed:
            return Light.YELLOW, "not_tried", {}
        if error.code not in _ANSWERED:
            code = "timeout" if error.code == "deadline" else error.code
            return Light.RED, f"notice_{code}", dict(error.facts)
    except ValueError:  # not an address at all
        return Light.RED, "notice_insecure_url", {}
    finally:
        session.close()
    return Light.GREEN, "notice_host_answers", {"host": parts.hostname}
