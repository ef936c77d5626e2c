"""The ways a notice leaves: a webhook, a Teams workflow, a ping, or whatever Apprise knows."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from iodcal.config import NotifyTarget, Way
from iodcal.domain.problems import Fact
from iodcal.errors import IodcalError, SecretError
from iodcal.http import Deadline, HttpError
from iodcal.notices import Notice
from iodcal.notices.card import card
from iodcal.notices.template import values_of
from iodcal.redaction import remember_secrets

if TYPE_CHECKING:
    import apprise

    from iodcal.config.secrets import Secret
    from iodcal.http import Session

_LOOPBACK = "localhost,127.0.0.0/8,::1"
_MOST_BYTES = 64 * 1024  # of an answer that nobody reads


class NoticeError(IodcalError):
    """A message that was not delivered. Codes: those of HttpError and SecretError, http_status, apprise,
    apprise_address. Facts never hold the address: it is a secret. `arrived` is True where it may have
    arrived all the same."""

    def __init__(self, code: str, facts: Mapping[str, Fact] | None = None, *, arrived: bool = False) -> None:
        super().__init__(code, **(facts or {}))
        self.arrived = arrived


def messages(target: NotifyTarget, notices: Sequence[Notice]) -> list[tuple[Notice, ...]]:
    """How `notices` are parted into messages: a webhook gets each by itself, people get them together."""
    if target.way is Way.WEBHOOK:
        return [(notice,) for notice in notices]
    return [tuple(notices)] if notices else []


def send(target: NotifyTarget, notices: Sequence[Notice], directory: Path, deadline: Deadline) -> None:
    """Sends one message. Raises NoticeError."""
    ways: dict[Way, Callable[[NotifyTarget, Sequence[Notice], Path, Deadline], None]] = {
        Way.WEBHOOK: _webhook,
        Way.TEAMS: _teams,
        Way.APPRISE: _apprise,
    }
    ways[target.way](target, notices, directory, deadline)


def ping(target: NotifyTarget, signal: str, told: object, directory: Path, deadline: Deadline) -> None:
    """Tells a watchdog `start`, `success` or `fail`; `told` is what it may show. Raises NoticeError."""
    try:
        parts = urlsplit(_address(target, directory))
    except ValueError:
        raise NoticeError("insecure_url") from None  # not an address at all
    end = "" if signal == "success" else f"/{signal}"
    _post(target, urlunsplit(parts._replace(path=parts.path.rstrip("/") + end)), told, directory, deadline)


def _webhook(target: NotifyTarget, notices: Sequence[Notice], directory: Path, deadline: Deadline) -> None:
    (notice,) = notices
    body = target.template.fill(notice) if target.template else {"version": 1, **values_of(notice)}
    _post(target, _address(target, directory), body, directory, deadline)


def _teams(target: NotifyTarget, notices: Sequence[Notice], directory: Path, deadline: Deadline) -> None:
    _post(target, _address(target, directory), card(notices), directory, deadline)


def _post(target: NotifyTarget, url: str, body: object, directory: Path, deadline: Deadline) -> None:
    headers = {}
    if target.authorization is not None:
        headers["Authorization"] = _resolved(target.authorization, directory)
    session = _session()
    try:
        status = session.post(url, json=body, headers=headers, deadline=deadline).status
    except HttpError as error:
        raise NoticeError(error.code, error.facts, arrived=error.sent) from None
    except ValueError:
        raise NoticeError("insecure_url") from None  # not an address at all
    finally:
        session.close()
    if not 200 <= status < 300:
        raise NoticeError("http_status", {"status": status})


def _session() -> Session:
    from iodcal.http import Session

    return Session(max_bytes=_MOST_BYTES, secret_urls=True)


def _apprise(target: NotifyTarget, notices: Sequence[Notice], directory: Path, deadline: Deadline) -> None:  # noqa: ARG001 - Apprise has time-outs of its own; whoever calls does not wait longer
    import apprise

    service = apprise_of(_address(target, directory))
    if service is None:
        raise NoticeError("apprise_address")
    worst = min(("error", "warning", "info").index(notice.severity) for notice in notices)
    kind = (apprise.NotifyType.FAILURE, apprise.NotifyType.WARNING, apprise.NotifyType.INFO)[worst]
    title = notices[0].title if len(notices) == 1 else f"iodcal: {len(notices)} notices"
    told = "\n".join(_lines(notice, titled=len(notices) > 1) for notice in notices)
    if not service.notify(title=title, body=told, notify_type=kind, body_format=apprise.NotifyFormat.TEXT):
        raise NoticeError("apprise", arrived=True)


def apprise_of(addresses: str) -> apprise.Apprise | None:
    """The services behind `addresses`, parted by blanks; None where Apprise does not know one of them."""
    import apprise

    # Its log may name addresses, which are secrets.
    logging.getLogger("apprise").addHandler(logging.NullHandler())
    logging.getLogger("apprise").propagate = False
    _reach_loopback_directly()
    service = apprise.Apprise()
    remember_secrets(*addresses.split())
    return service if all(service.add(address) for address in addresses.split()) else None


def _reach_loopback_directly() -> None:
    """Apprise has sessions of its own, which go by the environment."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if not given.endswith(_LOOPBACK):
        os.environ["no_proxy"] = f"{given},{_LOOPBACK}".lstrip(",")


def _lines(notice: Notice, *, titled: bool) -> str:
    lines = [*([notice.title] if titled else []), notice.text, notice.remedy]
    return "\n".join(line for line in lines if line)


def _address(target: NotifyTarget, directory: Path) -> str:
    return _resolved(target.address, directory).strip()


def _resolved(secret: Secret, directory: Path) -> str:
    try:
        return secret.resolve(directory).reveal()
    except SecretError as error:
        raise NoticeError(error.code, error.facts) from None
