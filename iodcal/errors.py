"""What can go wrong at the edges. Errors carry facts; `iodcal.messages` has their words and remedies.

IodcalError
  ConfigurationError      78  the configuration is wrong: all its faults at once
  UsageError               2  the command line asks for something impossible
  LockHeldError           75  another run is at work
  StateError               1  the state file cannot be read or written, or is too new
  SetupError               1  what init was told does not work, or its files cannot be written
  OutputError              1  a file that was asked for cannot be written
  PlanChangedError         1  what is due is not what was reviewed: nothing was ordered
  SimulationError          1  a calendar cannot be read over the range of a simulation
  MeasurementError         1  a file of what was used cannot be read; or a server could not tell it
  SecretError                 a secret reference does not resolve
  CalendarError               one source could not be read
    PassingError              ... just now: another try may end better
  CarrierError                one circuit could not be read
    OrderError                an order did not come to be accepted
      OrderRefusedError       a clear no: nothing was ordered
        ChangePendingError    a clear "not now": another change is under way
        QuotaExceededError    the carrier's daily limit is used up
        NotNowError           ... but the same order may pass in a while
        RefusedForGoodError   ... and the same order will never pass
      OrderNotSentError       it certainly never left: nothing was ordered
      AnswerLostError         nobody knows whether it was ordered
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iodcal.domain.structs import Fact


class IodcalError(Exception):
    """A fault with a stable `code` and its facts. `str()` is for logs, not for people.

    `circuit_state_in` are the faults of a configuration that its last good copy stood in for.
    Foreign texts that came otherwise than by `iodcal.http` enter here: no fact shows a credential.
    """

    circuit_state_in: tuple[Fault, ...] = ()

    def __init__(self, code: str, **facts: Fact) -> None:
        from iodcal.redaction import redact_credentials  # only where something went wrong

        super().__init__(code)
        self.code = code
        self.facts: Mapping[str, Fact] = {
            name: redact_credentials(fact) if isinstance(fact, str) else fact for name, fact in facts.items()
        }

    def __str__(self) -> str:
        told = ", ".join(f"{name}={fact!r}" for name, fact in self.facts.items())
        return f"{self.code}({told})"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong (or, for `check`, doubtful) in the configuration. `line` counts from 1; None where
    there is no line to name. `path` is the key path, such as `rules[2].match.longer_than`."""

    path: str
    message: str
    file: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.path}: {self.message}" if self.path else f"{place}{self.message}"


class ConfigurationError(IodcalError):
    """Everything that is wrong with the configuration, in the order of its lines."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("configuration", count=len(faults))
        self.faults = faults


class UsageError(IodcalError):
    """The command line asks for something that cannot be."""


class LockHeldError(IodcalError):
    """Another process holds the lock. Facts: pid, host, command, since (ISO 8601), or unknown ones None; of
    a shared state also until when at most."""

    def __init__(
        self,
        *,
        pid: int | None,
        host: str | None,
        command: str | None,
        since: datetime | None,
        until: datetime | None = None,
    ) -> None:
        told = since.isoformat() if since else None
        end = {"until": until.isoformat(timespec="seconds")} if until is not None else {}
        super().__init__("lock_held", pid=pid, host=host, command=command, since=told, **end)
        self.since = since

    def stuck(self, *, news: bool) -> LockHeldError:
        """The same, held for longer than a run can take; `news` is False where that was told before."""
        self.facts = {**self.facts, "stuck": "told" if not news else "news"}
        return self


class StateError(IodcalError):
    """The state cannot be used; codes: unreadable, unwritable, damaged, too_new, symlink,
    foreign_owner, stranger; in an object store also state_unreachable, state_denied, state_store_unsafe,
    state_clock, state_no_secret, state_no_bundle."""


class FencedError(StateError):
    """Another command has written the shared state since this one read it: nothing more is ordered. Facts:
    path, quiet (True where this command had done nothing that anybody must hear of); code: fenced."""

    def __init__(self, path: str, *, quiet: bool) -> None:
        super().__init__("fenced", path=path, quiet=quiet)


class OutputError(IodcalError):
    """A file that the user asked for cannot be written; code: page_unwritable."""


class PlanChangedError(IodcalError):
    """What is due now is not what `--expect` names. Facts: expected, found (digests), due, done (texts)."""


class SetupError(IodcalError):
    """`init` cannot go on; codes: init_trial_failed, with its `cause`, init_unwritable."""

    def __init__(self, code: str, *, cause: IodcalError | None = None, **facts: Fact) -> None:
        super().__init__(code, **facts)
        self.cause = cause

    @classmethod
    def of(cls, cause: IodcalError) -> SetupError:
        return cls("init_trial_failed", cause=cause)


class SimulationError(IodcalError):
    """A calendar cannot be read over the range of a simulation. `code` and facts are those of the
    CalendarError, with `calendar`, the source's label."""


class MeasurementError(IodcalError):
    """How much of a circuit was used could not be learnt. Codes are those of HttpError, and `usage_...`."""


class SecretError(IodcalError):
    """A secret reference does not resolve. Facts name the reference, never the secret."""


class CalendarError(IodcalError):
    """One source could not be read. Facts never hold a secret, nor the text of an event."""


class PassingError(CalendarError):
    """A fault that another try may end. `wait` is how many seconds the server asks to be left alone, None
    where it says nothing; `shared` names whom the refusal concerns (an application), None for this source
    alone. Where that is not `sure`, it takes a second source that is refused alike."""

    def __init__(
        self,
        code: str,
        facts: Mapping[str, Fact],
        *,
        wait: float | None = None,
        shared: str | None = None,
        sure: bool = True,
    ) -> None:
        super().__init__(code, **facts)
        self.wait = wait
        self.shared = shared
        self.sure = sure


class CarrierError(IodcalError):
    """A carrier could not tell what was asked of it. Codes include circuit_unknown."""


class OrderError(CarrierError):
    """An order that did not come to be accepted."""


class OrderRefusedError(OrderError):
    """A clear no from the carrier: nothing was ordered."""


class ChangePendingError(OrderRefusedError):
    """Refused because a change of this circuit is under way: wait."""


class QuotaExceededError(OrderRefusedError):
    """Refused because the account's changes of the day are used up."""


class NotNowError(OrderRefusedError):
    """Refused for now: too many requests, maintenance, too soon after the last change. `wait` is how many
    seconds to wait before this circuit's next order, None where the carrier does not say."""

    def __init__(self, code: str, *, wait: float | None = None, **facts: Fact) -> None:
        super().__init__(code, **facts)
        self.wait = wait


class RefusedForGoodError(OrderRefusedError):
    """Refused, and no repetition will help: what is wrong does not pass by itself."""


class OrderNotSentError(OrderError):
    """The order certainly never reached the carrier: nothing was ordered."""


class AnswerLostError(OrderError):
    """Nobody knows whether the order was taken: it must not simply be sent again."""
