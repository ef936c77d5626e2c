"""Carriers: who is asked for bandwidth. One module per kind behind one small protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, Quote, Reading

if TYPE_CHECKING:
    from iodcal.config.forms import Section
    from iodcal.http import Deadline


class OrderRequest(Struct, frozen=True):
    """What is sent once the intent is on disk. `old` and `new` are for checks and the note; the carrier
    goes by `quote`."""

    service_id: str
    old: Bandwidth
    new: Bandwidth
    quote: Quote
    external_id: str
    note: str


class Carrier(Protocol):
    """One account at one carrier. Used from one thread at a time. Times are UTC.

    `clock_error` is the server's clock less ours in seconds at the last answer, None where none was told.
    """

    @property
    def account(self) -> Account: ...

    @property
    def clock_error(self) -> float | None: ...

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        """What the carrier says of the circuit. Changes nothing; may be retried.

        Raises CarrierError, with code `circuit_unknown` where the carrier does not know the circuit.
        """
        ...

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        """An offer for `bandwidth`. Changes nothing; may be retried. Called after `read` of the same circuit.

        Raises CarrierError, OrderRefusedError where the carrier does not sell this.
        """
        ...

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        """Hands the order over, once: never retried unless it certainly was not taken.

        Raises ChangePendingError, QuotaExceededError, OrderRefusedError (a clear no), OrderNotSentError
        (it never left), AnswerLostError (anything else: nobody knows).
        """
        ...


class ListedCircuit(Struct, frozen=True):
    """One circuit as a carrier lists it. What it does not tell is None; `status_text` and `place` are its own
    words: untrusted."""

    service_id: str
    bandwidth: Bandwidth | None
    status_text: str
    place: str | None = None


@runtime_checkable
class Listing(Protocol):
    """What a `Carrier` may offer beside: all circuits of its account, for `doctor` and `init`."""

    def circuits(self, deadline: Deadline) -> Sequence[ListedCircuit]:
        """Every circuit whose bandwidth can be ordered, by service ID. Changes nothing; may be retried.

        Must list to the end or raise CarrierError.
        """
        ...


@runtime_checkable
class Offering(Protocol):
    """What a `Carrier` may offer beside: what it sells on a circuit, for `doctor` and `init`."""

    def offered(self, service_id: str, deadline: Deadline) -> frozenset[Bandwidth] | None:
        """The bandwidths for sale on the circuit now; None means any. Changes nothing; may be retried.

        Raises CarrierError.
        """
        ...


class CarrierContext(Struct, frozen=True):
    """What a carrier may need of its surroundings: `directory` is where relative paths start, `now` tells
    the time (UTC; virtual under `--now`), `provisioning` and `changes_per_day` are the common options."""

    directory: Path
    now: Callable[[], datetime]
    provisioning: timedelta
    changes_per_day: int | None


class CarrierPlugin(Protocol):
    """What an entry point of the group `iodcal.carriers` names.

    `Options` is the section of the carrier's keys, other than the common ones
    `type`, `provisioning`, `changes_per_day`, `rates`, `currency` and `billing`. `account` needs no secret
    and no network. `virtual` is True where the carrier lives in a file and may run at any time (`--now`). A
    plug-in may have `list_prices`, a dated `Tariff` that counts until the configuration or a quote says more.
    """

    virtual: bool
    default_provisioning: timedelta
    default_changes_per_day: int | None

    @property
    def Options(self) -> type[Section]: ...  # noqa: N802 - it is a class

    def is_test(self, options: Any) -> bool:
        """True where orders change no production circuit: the first line of output says TEST."""
        ...

    def account(self, options: Any, context: CarrierContext) -> Account: ...

    def create(self, options: Any, context: CarrierContext) -> Carrier: ...
