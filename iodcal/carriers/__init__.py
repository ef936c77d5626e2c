"""Carriers: who is asked for bandwidth. One module per kind behind one small protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, ChangeLimit, Quote, Reading
from iodcal.domain.money import Billing, Tariff
from iodcal.errors import CarrierError

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


@runtime_checkable
class Advising(Protocol):
    """What a `Carrier` may offer beside: what people should know of a circuit, for `doctor`."""

    def warnings(self, service_id: str, deadline: Deadline) -> Sequence[str]:
        """A sentence for each: terms that forbid a change, billing by which lowering saves nothing, a test
        environment. Changes nothing; may be retried. Called after `read` of the same circuit.

        Raises CarrierError.
        """
        ...


@runtime_checkable
class Requiring(Protocol):
    """What a `Carrier` may offer beside: what an order of a circuit would lack, for `doctor`."""

    def lacks(self, service_id: str, deadline: Deadline) -> Sequence[CarrierError]:
        """One error for each thing without which `quote` or `order` would fail; none where all is there.
        Changes nothing; may be retried. Called after `read` of the same circuit.

        Raises CarrierError.
        """
        ...


class CarrierContext(Struct, frozen=True):
    """What a carrier may need of its surroundings: `directory` is where relative paths start, `now` tells
    the time (UTC; virtual under `--now`), `provisioning` and `changes_per_day` are the common options."""

    directory: Path
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    provisioning: timedelta = timedelta(minutes=10)
    changes_per_day: int | None = None


class CarrierPlugin(Protocol):
    """What an entry point of the group `iodcal.carriers` names.

    `Options` is the section of the carrier's keys, other than the common ones `type`, `provisioning`,
    `changes_per_day`, `changes_per_circuit`, `status_words`, `rates`, `currency` and `billing`. `account`
    needs no secret and no network; where only the login names its number, that is empty. `virtual` is True
    where the carrier lives in a file and may run at any time (`--now`). A plug-in may also have what
    `PluginDefaults` lists.
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


class PluginDefaults(Struct, frozen=True):
    """What a plug-in object may say beside, under these names; each has a default, so that each may be
    missing.

    `list_prices` is a dated tariff that counts until the configuration or a quote says more;
    `default_billing` how part hours and days are billed, unless the configuration says; `circuit_limits` are
    how often one circuit may be changed. `idempotent` is True where an order sets a value, so that the same
    order twice does no more than once: after a lost answer it may be sent again as soon as a reading shows
    the old bandwidth.
    """

    list_prices: Tariff | None = None
    default_billing: Billing = Billing.MINUTE
    circuit_limits: tuple[ChangeLimit, ...] = ()
    idempotent: bool = False


def defaults_of(plugin: object) -> PluginDefaults:
    """What `plugin` says beside. Raises TypeError for a value of another type."""
    known = getattr(plugin, "defaults", None)
    if isinstance(known, PluginDefaults):
        return known
    names = PluginDefaults.__struct_fields__
    said = {name: getattr(plugin, name) for name in names if hasattr(plugin, name)}
    made = PluginDefaults(**said)
    limits = made.circuit_limits
    sound = (
        isinstance(made.list_prices, Tariff | None)
        and isinstance(made.default_billing, Billing)
        and isinstance(limits, tuple)
        and all(isinstance(one, ChangeLimit) and type(one.count) is int and one.count > 0 for one in limits)
        and isinstance(made.idempotent, bool)
    )
    if not sound:
        raise TypeError(f"one of {', '.join(names)} has another type than the protocol says")
    return made
