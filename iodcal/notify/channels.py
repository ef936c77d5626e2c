"""The channels by which notices leave: a webhook, a Teams workflow, a ping, or whatever Apprise knows.

All targets are served side by side, none is waited for longer than the run can spare. A card is adaptive,
the way a Teams workflow's webhook takes it: every text goes into a `TextRun`, where Markdown is not read, so
that a title cannot make a link or a mention.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct, field

from iodcal.config import NotifyTarget, Way
from iodcal.domain.structs import Fact, replace
from iodcal.errors import IodcalError, SecretError
from iodcal.http import Deadline, HttpError
from iodcal.messages.results import describe
from iodcal.notify import Notice
from iodcal.notify.template import values_of
from iodcal.output.text import for_line
from iodcal.redaction import remember_secrets
from iodcal.signals import raise_if_stopping
from iodcal.tenant import thread_of_run

if TYPE_CHECKING:
    import apprise

    from iodcal.config.secrets import Secret
    from iodcal.http import Session


_LOOPBACK = "localhost,127.0.0.0/8,::1"
_MOST_BYTES = 64 * 1024  # of an answer that nobody reads
_STEP = 0.2  # seconds between two looks at signals


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
    _post(
        target,
        urlunsplit(parts._replace(path=parts.path.rstrip("/") + end)),
        body=told,
        directory=directory,
        deadline=deadline,
    )


def _webhook(target: NotifyTarget, notices: Sequence[Notice], directory: Path, deadline: Deadline) -> None:
    (notice,) = notices
    body = target.template.fill(notice) if target.template else {"version": 1, **values_of(notice)}
    _post(target, _address(target, directory), body=body, directory=directory, deadline=deadline)


def _teams(target: NotifyTarget, notices: Sequence[Notice], directory: Path, deadline: Deadline) -> None:
    _post(target, _address(target, directory), body=card(notices), directory=directory, deadline=deadline)


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
    title = notices[0].title if len(notices) == 1 else f"{_whose(notices[0])}: {len(notices)} notices"
    told = "\n".join([*(_lines(notice, titled=len(notices) > 1) for notice in notices), _run_of(notices[-1])])
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


_MOST_CARD_BYTES = 24_000  # Teams refuses more than about 28 KB, its own envelope included
_LONGEST_TEXT = 2000
_COLOURS = {"error": "Attention", "warning": "Warning", "info": "Default"}


def card(notices: Sequence[Notice]) -> dict[str, Any]:
    """The message with all of `notices`, or with as many as fit and how many do not."""
    for shown in range(len(notices), 0, -1):
        message = _message(notices, shown)
        if len(json.dumps(message)) <= _MOST_CARD_BYTES or shown == 1:
            return message
    raise ValueError("a card needs a notice")


def _message(notices: Sequence[Notice], shown: int) -> dict[str, Any]:
    body = [block for notice in notices[:shown] for block in _blocks(notice)]
    if shown < len(notices):
        body.append(_block(f"and {len(notices) - shown} more: see iodcal status", isSubtle=True))
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": content,
    }
    return {"type": "message", "attachments": [attachment]}


def _blocks(notice: Notice) -> list[dict[str, Any]]:
    colour = _COLOURS.get(notice.severity, "Default")
    blocks = [_block(notice.title, weight="Bolder", color=colour), _block(notice.text)]
    if notice.remedy:
        blocks.append(_block(notice.remedy, italic=True))
    return [*blocks, _block(_run_of(notice), isSubtle=True, size="Small")]


def _run_of(notice: Notice) -> str:
    return f"{_whose(notice)}, run {notice.run_id}"


def _whose(notice: Notice) -> str:
    return for_line(notice.installation) or "iodcal"  # of one that an earlier version left waiting


def _block(text: str, **look: object) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text[:_LONGEST_TEXT], **look}]}


class DeliveryAttempt(Struct):
    """What is to go to one target, and how far that has come; its thread writes, the run reads.

    `current` is the message on its way, `fault` says in words why the rest was not sent."""

    target: NotifyTarget
    queue: list[tuple[Notice, ...]]
    sent: int = 0
    current: tuple[Notice, ...] = ()
    arrived: bool = True
    fault: str = ""
    over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def left(self) -> tuple[Notice, ...]:
        """What was not delivered; what may have arrived without an answer counts one more try."""
        tried = (replace(notice, tries=notice.tries + self.arrived) for notice in self.current)
        return (*tried, *(notice for message in self.queue for notice in message))


def deliver(
    notices: Mapping[str, Sequence[Notice]],
    targets: Mapping[str, NotifyTarget],
    directory: Path,
    deadline: Deadline,
) -> list[DeliveryAttempt]:
    """Sends each target its notices, in order; the first failure ends its round. Never raises; returns at
    `deadline` at the latest, whatever hangs."""
    rounds = [
        DeliveryAttempt(targets[name], messages(targets[name], waiting))
        for name, waiting in notices.items()
        if waiting
    ]
    _join(_start(partial(_carry, one, directory, deadline) for one in rounds), deadline)
    for one in rounds:
        with one.lock:
            if not one.over:
                one.over, one.fault = True, describe(NoticeError("deadline"))
    return rounds


class Signals(Struct):
    """Pings on their way, a thread for each target; `faults` says in words what went wrong, or nothing."""

    deadline: Deadline
    threads: dict[str, threading.Thread] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def wait(self) -> dict[str, str]:
        """How each went, by target; waits until the deadline at the latest."""
        _join(self.threads.values(), self.deadline)
        late = describe(NoticeError("deadline"))
        return {target: self.faults.get(target, late) for target in self.threads}


def signal(
    targets: Iterable[NotifyTarget],
    name: str,
    *,
    told: object,
    directory: Path,
    deadline: Deadline,
    after: Signals | None = None,
) -> Signals:
    """Begins to ping all `targets`, each once its ping of `after` is through, and does not wait."""
    signals = Signals(deadline)

    def one(target: NotifyTarget) -> None:
        if after is not None and target.name in after.threads:
            after.threads[target.name].join(deadline.left)
        fault, _ = _tried(partial(ping, target, name, told, directory, deadline))
        signals.faults[target.name] = fault

    targets = list(targets)
    threads = _start(partial(one, target) for target in targets)
    signals.threads = {target.name: thread for target, thread in zip(targets, threads, strict=True)}
    return signals


def _start(jobs: Iterable[Callable[[], None]]) -> list[threading.Thread]:
    # Daemons: not even a name server that never answers may keep the process from ending.
    threads = [thread_of_run(job) for job in jobs]
    for thread in threads:
        thread.start()
    return threads


def _join(threads: Iterable[threading.Thread], deadline: Deadline) -> None:
    for thread in threads:
        while thread.is_alive() and not deadline.passed:
            thread.join(min(_STEP, deadline.left))
            raise_if_stopping()


def _carry(one: DeliveryAttempt, directory: Path, deadline: Deadline) -> None:
    while True:
        with one.lock:
            if one.over or not one.queue:
                one.over = True
                return
            one.current, one.arrived = one.queue.pop(0), True
        fault, arrived = _tried(partial(send, one.target, one.current, directory, deadline))
        with one.lock:
            if one.over:
                return  # the run has gone on without us
            if fault:
                one.fault, one.arrived, one.over = fault, arrived, True
                return
            one.sent, one.current = one.sent + 1, ()


def _tried(sending: Callable[[], None]) -> tuple[str, bool]:
    """What went wrong, in words (empty where nothing did), and whether it may have arrived all the same."""
    try:
        sending()
    except NoticeError as error:
        return describe(error), error.arrived
    except Exception as error:  # noqa: BLE001 - a service of Apprise's may raise anything; no notice fails a run
        return f"{type(error).__name__} was raised", True
    return "", True
