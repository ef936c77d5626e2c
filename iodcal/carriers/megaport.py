"""Megaport: the rate limit of a VXC, and of a Megaport Internet connection, which is one.

A change is one PUT of the value; there is no quote, no order and no order id. See docs/reference/carriers.md
for what is known of it, and what was tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from iodcal.carriers import CarrierContext, ListedCircuit, OrderRequest
from iodcal.carriers.answers import AnswerObject, is_limit, wait_told
from iodcal.carriers.api import ApiClient
from iodcal.carriers.tokens import Tokens
from iodcal.config.fields import Text, one_of
from iodcal.config.forms import Section
from iodcal.config.microsoft365 import SecureUrl
from iodcal.config.secrets import Secret
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, ChangeLimit, Quote, Reading, Status
from iodcal.domain.money import Billing
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    NotNowError,
    OrderError,
    OrderRefusedError,
    RefusedForGoodError,
)
from iodcal.http import Answer, Deadline, Session

_STATUSES = {
    "LIVE": Status.ACTIVE,
    "CONFIGURED": Status.ACTIVE,
    "DEPLOYABLE": Status.PENDING,
    "CONFIGURING": Status.PENDING,
}
_GONE = frozenset({"DECOMMISSIONED", "CANCELLED"})
_INTERNET = "TRANSIT"
_FLAT = ("POST_PAID_FIXED", "NOT_POST_PAID")  # billing that does not depend on the time at a speed
_GAP, _A_DAY = 300.0, 86_400.0  # seconds


class MegaportEnvironment(StrEnum):
    PRODUCTION = "production"
    STAGING = "staging"


class GrantPlace(StrEnum):
    """Where the login takes the kind of grant."""

    QUERY = "query"
    BODY = "body"


_HOSTS = {
    MegaportEnvironment.PRODUCTION: (
        "https://api.megaport.com",
        "https://auth-m2m.megaport.com/oauth2/token",
    ),
    MegaportEnvironment.STAGING: (
        "https://api-staging.megaport.com",
        "https://auth-m2m-staging.megaport.com/oauth2/token",
    ),
}


class MegaportOptions(Section, frozen=True):
    """`environment` has no default: say which. `company` is the company's UID: where it is given, a circuit
    of another company is not touched. `base_url` and `token_url` are for local servers."""

    environment: Annotated[MegaportEnvironment, one_of(MegaportEnvironment)]
    client_id: Secret
    client_secret: Secret
    company: Text | None = None
    base_url: SecureUrl | None = None
    token_url: SecureUrl | None = None
    grant_in: Annotated[GrantPlace, one_of(GrantPlace)] = GrantPlace.QUERY

    @property
    def url(self) -> str:
        """Where the API is."""
        return self.base_url or _HOSTS[self.environment][0]

    def __post_init__(self) -> None:
        if self.base_url is not None and self.token_url is None:
            raise ValueError("base_url needs token_url: the login is at another host")


class Vxc(Struct, frozen=True):
    """A VXC as an answer has it. `term_end` is None where it is on no term, or on one whose end is not told;
    `locations` are those of its ends, None where not told; `approval` is the word for where one stands."""

    uid: str
    status: Status
    word: str
    rate: Bandwidth | None
    waits_for: str
    approval: str
    internet: bool
    months: int
    term_end: datetime | None
    usage: str
    locations: tuple[int, int] | None

    def reading(self, now: datetime) -> Reading:
        return Reading(now, self.status, self.rate, self.word, self.waits_for)

    def shows(self, bandwidth: Bandwidth) -> bool:
        """True if it stands at `bandwidth`, and waits for nobody."""
        return self.status is Status.ACTIVE and self.rate == bandwidth

    def on_term(self, now: datetime) -> bool:
        """True if a contract term runs. One of a month is none: it ends with each month."""
        return self.months > 1 and (self.term_end is None or self.term_end > now)


def read_vxc(product: AnswerObject, service_id: str, company: str | None) -> Vxc:
    """The VXC in an answer. Raises CarrierError, which names the field that makes no sense."""
    if product.text("productType") != "VXC":
        raise product.wrong("productType", "VXC")
    if product.text("productUid").casefold() != service_id.casefold():
        raise product.wrong("productUid", "the circuit that was asked for")
    if company is not None and product.text("companyUid").casefold() != company.casefold():
        raise product.wrong("companyUid", "the company that the configuration names")
    word = product.text("provisioningStatus")
    if word in _GONE:
        raise CarrierError("circuit_unknown", service_id=service_id)
    approval, waits_for = _approval(product)
    status = _STATUSES.get(word, Status.UNKNOWN)
    obstacle = _obstacle(product)
    if obstacle is not None:
        status, word = Status.UNKNOWN, obstacle
    elif waits_for and status is Status.ACTIVE:
        status = Status.PENDING
    ready = status is Status.ACTIVE or "rateLimit" in product
    return Vxc(
        uid=service_id,
        status=status,
        word=f"{word}, approval {approval}" if approval else word,
        rate=product.bandwidth("rateLimit") if ready else None,
        waits_for=waits_for,
        approval=approval,
        internet=_is_internet(product),
        months=product.number("contractTermMonths") if "contractTermMonths" in product else 0,
        term_end=_moment(product, "contractEndDate"),
        usage=product.text_or("usageAlgorithm"),
        locations=_locations(product),
    )


def _approval(product: AnswerObject) -> tuple[str, str]:
    """The word for where an approval stands, and whose is waited for; empty where there is none."""
    if "vxcApproval" not in product:
        return "", ""
    approval = product.object("vxcApproval")
    word = approval.text_or("status")
    if not word.upper().startswith("PENDING"):
        return word, ""
    return word, approval.text_or("message", "the approval of the company at the other end")


def _obstacle(product: AnswerObject) -> str | None:
    """Why nothing must be ordered, whatever the status."""
    if product.flag("locked"):
        return "locked by its owner"
    if product.flag("adminLocked"):
        return "locked by Megaport"
    return "shut down" if product.flag("shutdown") else None


def _is_internet(product: AnswerObject) -> bool:
    if "resources" not in product:
        return False
    resources = product.object("resources")
    if "csp_connection" not in resources:
        return False
    return any(one.text_or("connectType") == _INTERNET for one in resources.objects("csp_connection"))


def _moment(product: AnswerObject, name: str) -> datetime | None:
    if name not in product:
        return None
    try:
        return datetime.fromtimestamp(product.number(name) / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        raise product.wrong(name, "milliseconds since 1970") from None


def _locations(product: AnswerObject) -> tuple[int, int] | None:
    ends = [product.object(name) for name in ("aEnd", "bEnd") if name in product]
    if len(ends) < 2 or not all("locationId" in end for end in ends):
        return None
    return ends[0].number("locationId"), ends[1].number("locationId")


class Megaport:
    """A `Carrier` of one company at Megaport."""

    def __init__(self, options: MegaportOptions, account: Account, context: CarrierContext) -> None:
        session = Session()
        tokens = Tokens(
            session,
            options.token_url or _HOSTS[options.environment][1],
            client_id=options.client_id,
            client_secret=options.client_secret,
            directory=context.directory,
            in_query=options.grant_in is GrantPlace.QUERY,
        )
        self._options = options
        self._account = account
        self._now = context.now
        self._api = ApiClient(session, options.url, tokens=tokens, error_names=("message", "data"))
        self._known: dict[str, Vxc] = {}

    @property
    def account(self) -> Account:
        return self._account

    @property
    def clock_error(self) -> float | None:
        return self._api.clock_error

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        """See `Carrier.read`."""
        answer = self._api.get(f"/v2/product/{service_id}", deadline, unknown=service_id)
        product = AnswerObject(answer, f"the reading of {service_id}").object("data")
        vxc = self._known[service_id] = read_vxc(product, service_id, self._options.company)
        return vxc.reading(self._now())

    def circuits(self, deadline: Deadline) -> Sequence[ListedCircuit]:
        """See `Listing.circuits`. A VXC between two of the company's own ports stands under both."""
        products = AnswerObject(self._api.get("/v2/products", deadline), "the list of products")
        found: dict[str, ListedCircuit] = {}
        for port in products.objects("data"):
            for vxc in port.objects("associatedVxcs") if "associatedVxcs" in port else ():
                word = vxc.text("provisioningStatus")
                if word not in _GONE:
                    rate = vxc.bandwidth("rateLimit") if "rateLimit" in vxc else None
                    uid, name = vxc.text("productUid"), vxc.text_or("productName") or None
                    found[uid] = ListedCircuit(uid, rate, word, name)
        return [found[uid] for uid in sorted(found)]

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        """See `Carrier.quote`. Megaport has none; there is a price by the month, which some accounts never
        see, and without which a circuit is lowered all the same."""
        vxc = self._vxc(service_id, deadline)
        if vxc.internet and vxc.on_term(self._now()):
            raise RefusedForGoodError("term_forbids", service_id=service_id, ends=_day(vxc.term_end))
        try:
            return self._priced(vxc, bandwidth, deadline)
        except CarrierError as error:
            nonsense = error.code in ("answer_wrong", "json_bounds", "not_json")
            if nonsense and (vxc.rate is None or bandwidth > vxc.rate):
                raise
        return Quote(None, bandwidth, self._now())

    def _priced(self, vxc: Vxc, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        if vxc.locations is None:
            return Quote(None, bandwidth, self._now())
        wanted = {
            "productType": "VXC",
            "productUid": vxc.uid,
            "aLocationId": vxc.locations[0],
            "bLocationId": vxc.locations[1],
            "speed": bandwidth.mbps,
        }
        answer = self._api.ask("/v4/pricebook/product", deadline, json=wanted)
        price = AnswerObject(answer, f"the price of {vxc.uid}").object("data")
        currency = price.text("currency")
        if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
            raise price.wrong("currency", "a code of three letters")
        monthly = price.amount("monthlyRate")
        return Quote(None, bandwidth, self._now(), currency=currency, price_per_month=monthly)

    def _vxc(self, service_id: str, deadline: Deadline) -> Vxc:
        """The circuit as it was read in this run."""
        if service_id not in self._known:
            self.read(service_id, deadline)
        return self._known[service_id]

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        """See `Carrier.order`. The rate alone: with anything else Megaport refuses it."""
        service_id, wanted = request.service_id, request.quote.bandwidth
        answer = self._api.order(
            "PUT",
            f"/v3/product/vxc/{service_id}",
            deadline,
            service_id=service_id,
            json={"rateLimit": wanted.mbps},
            refusal=lambda answer, text: _refusal(answer, text, service_id),
        )
        document = self._api.document(answer)
        try:
            product = AnswerObject(document, f"the answer to the order for {service_id}").object("data")
            vxc = read_vxc(product, service_id, company=None)
        except CarrierError as error:  # it said yes, and then something that nobody understands
            what = error.facts.get("what", error.code)
            raise AnswerLostError("answer_lost", reason=str(what)) from None
        return Acceptance(self._now(), done=vxc.shows(wanted), waits_for=vxc.waits_for)

    def warnings(self, service_id: str, deadline: Deadline) -> Sequence[str]:
        """See `Advising.warnings`."""
        vxc, told = self._vxc(service_id, deadline), []
        if self._options.environment is MegaportEnvironment.STAGING:
            told.append(
                "this is Megaport's STAGING: it shows production's circuits under the same IDs, and changes "
                "none of them; nothing that is ordered here becomes real, and it is overwritten every day"
            )
        if vxc.on_term(self._now()):
            ends = f"until {_day(vxc.term_end)}" if vxc.term_end is not None else f"of {vxc.months} months"
            told.append(
                f"it is Megaport Internet on a term {ends}: Megaport changes no rate on a term, so nothing "
                "can be ordered; ask for No Minimum Term"
                if vxc.internet
                else f"it is on a term {ends}: it may not go below the rate it was committed at"
            )
        if vxc.usage.startswith(_FLAT):
            told.append(f"it is billed by {vxc.usage}, whatever its rate: lowering it saves nothing")
        return told


def _refusal(answer: Answer, text: str, service_id: str) -> OrderError | None:
    """What a refusal means. Of its texts little is known: what speaks of minutes or a month is a limit of the
    circuit, never the account's."""
    said = text.casefold()
    by_month = "month" in said and "update" in said
    if is_limit(answer) or by_month or "5 minutes" in said or "five minutes" in said:
        wait = wait_told(answer)
        usual = _A_DAY if by_month else _GAP
        return NotNowError(
            "not_now", wait=usual if wait is None else wait, status=answer.status, message=text
        )
    if "contract term" in said or "minimum term" in said:
        return RefusedForGoodError("refused", status=answer.status, message=text)
    if answer.status == 409 and ("pending" in said or "approv" in said):
        return ChangePendingError("change_pending", service_id=service_id)
    return OrderRefusedError("refused", status=answer.status, message=text)


def _day(at: datetime | None) -> str | None:
    return at.date().isoformat() if at is not None else None


class MegaportPlugin:
    """`type: megaport`."""

    Options = MegaportOptions
    virtual = False
    # Mostly done at once; the portal shows a change within two minutes.
    default_provisioning = timedelta(minutes=2)
    default_changes_per_day: int | None = None
    circuit_limits = (ChangeLimit(1, timedelta(minutes=5)), ChangeLimit(100))
    default_billing = Billing.HOUR
    idempotent = True

    def is_test(self, options: MegaportOptions) -> bool:
        return options.environment is MegaportEnvironment.STAGING

    def account(self, options: MegaportOptions, context: CarrierContext) -> Account:  # noqa: ARG002 - needs no more
        """Megaport knows the company by the key; without `company` its number stays empty."""
        return Account("megaport", options.url, options.company or "")

    def create(self, options: MegaportOptions, context: CarrierContext) -> Megaport:
        return Megaport(options, self.account(options, context), context)


plugin = MegaportPlugin()
