"""Problems as values: what is wrong, where, how bad. The words of each kind stand beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from iodcal.domain.structs import Fact


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Kind(StrEnum):
    """The published list: it may grow, nothing in it is renamed."""

    APPROVAL = "approval"
    ATTENDEES_UNKNOWN = "attendees_unknown"
    BUDGET = "budget"
    CALENDAR_UNREADABLE = "calendar_unreadable"
    CARRIER_UNREADABLE = "carrier_unreadable"
    CIRCUIT_UNKNOWN = "circuit_unknown"
    CLOCK = "clock"
    CONFIGURATION = "configuration"
    DRIFT = "drift"
    EVENT_AT_RISK = "event_at_risk"
    EVENT_INVALID = "event_invalid"
    EVENT_LATE = "event_late"
    EVENT_REFUSED = "event_refused"
    EVENT_UNREADABLE = "event_unreadable"
    LATE_RUN = "late_run"
    LEFT_UP = "left_up"
    NO_BANDWIDTH = "no_bandwidth"
    NO_CIRCUIT = "no_circuit"
    ORDER_FAILED = "order_failed"
    ORDER_LOST = "order_lost"
    ORDER_OVERDUE = "order_overdue"
    ORDER_REFUSED = "order_refused"
    ORDER_UNKNOWN = "order_unknown"
    OVERRULED = "overruled"
    PATTERN_SLOW = "pattern_slow"
    PRICE = "price"
    PRICE_MISSING = "price_missing"
    PRICE_UNKNOWN = "price_unknown"
    QUOTA = "quota"
    QUOTA_PLANNED = "quota_planned"
    QUOTA_SHORT = "quota_short"
    STATE_REBUILT = "state_rebuilt"
    STATE_SHARED = "state_shared"
    STATUS_UNKNOWN = "status_unknown"
    TOO_LATE = "too_late"
    TOO_MANY_DOWNS = "too_many_downs"
    WINDOW_LONG = "window_long"


class _Nature(Struct, frozen=True):
    severity: Severity
    stable: frozenset[str]
    message: str
    remedy: str


def _error(*stable: str, message: str = "", remedy: str = "") -> _Nature:
    return _Nature(Severity.ERROR, frozenset(stable), message, remedy)


def _warning(*stable: str, message: str = "", remedy: str = "") -> _Nature:
    return _Nature(Severity.WARNING, frozenset(stable), message, remedy)


# For each kind how bad it is, which facts make it another problem when they change, and what it says: texts
# over its facts; without any where `iodcal.problems.messages` chooses by the facts. Never a time, an id or a
# count is among the stable facts: a problem that lasts must not be told anew with every run.
_NATURES: Mapping[Kind, _Nature] = {
    Kind.APPROVAL: _warning(
        "waits_for",
        "to",
        message="{circuit}: its order from {from} to {to} was accepted, and waits for {waits_for}",
        remedy="Ask them to approve it: nothing else is ordered for the circuit meanwhile",
    ),
    Kind.ATTENDEES_UNKNOWN: _warning(
        "rule",
        message=(
            "{subject} in {calendar} may be one for the rule {rule}: the calendar does not show who is "
            "invited"
        ),
        remedy="If it matters: iodcal hold; or match the organizer's own mailbox, or by another condition",
    ),
    Kind.BUDGET: _warning(
        "level",
        "month",
        message="{budget}: {at_least}{spent} {currency} in {month}, {percent} % of the budget of {monthly}",
        remedy="iodcal report --from {month} shows what for; events are served all the same",
    ),
    Kind.CALENDAR_UNREADABLE: _error("code"),
    Kind.CARRIER_UNREADABLE: _error("code"),
    Kind.CIRCUIT_UNKNOWN: _error(),
    Kind.CLOCK: _error(
        message="The servers' clock and this host's differ by {seconds} seconds: nothing is lowered",
        remedy="Set this host's clock (NTP)",
    ),
    Kind.CONFIGURATION: _error(
        "first",
        message="The configuration does not load; the last one that did goes on, ups only. {first}",
        remedy="Mend it; iodcal check shows all that is wrong with it ({count})",
    ),
    Kind.DRIFT: _warning("observed", "ordered"),
    Kind.EVENT_AT_RISK: _error("cause"),
    Kind.EVENT_INVALID: _warning(
        message="{subject} in {calendar} ends before it starts, and does not count",
        remedy="Mend it in the calendar",
    ),
    Kind.EVENT_LATE: _error("cause"),
    Kind.EVENT_REFUSED: _warning(
        message="{subject} in {calendar} does not count: its organizer {organizer} is not among `organizers`",
        remedy="If it is to count, add {organizer} or the domain to settings.organizers",
    ),
    Kind.EVENT_UNREADABLE: _error("code", "uid"),
    Kind.LATE_RUN: _warning(
        "stopped",
        message="The last run was {ago} ago, and `every` is {every}",
        remedy="Look at the timer or crontab",
    ),
    Kind.LEFT_UP: _error("bandwidth", "changed"),
    Kind.NO_BANDWIDTH: _error(
        "found",
        message="{subject} in {calendar} names no bandwidth that the rule {rule} can read",
        remedy="Write it as the rule's subject_regex wants, such as 500 Mbps",
    ),
    Kind.NO_CIRCUIT: _warning(
        "named",
        message=(
            "{subject} in {calendar} names no circuit, site or service ID: the rule {rule} asks for "
            "all that it "
            "allows ({circuits})"
        ),
        remedy="Name one in the event's title, location or category, such as {example}",
    ),
    Kind.ORDER_FAILED: _error(
        "direction",
        "to",
        "shown",
        "given_up",
        message="{circuit}: the order {direction} from {from} to {to} came to nothing ({external_id})",
        remedy="iodcal tries again while it is needed; ask the carrier if it lasts",
    ),
    Kind.ORDER_LOST: _error(
        "direction",
        "to",
        "given_up",
        message=(
            "{circuit}: the order {direction} from {from} to {to} was never seen at the carrier "
            "({external_id})"
        ),
        remedy="It is sent again at most twice; look into the carrier's portal if it lasts",
    ),
    Kind.ORDER_OVERDUE: _error(
        "direction",
        "to",
        message=(
            "{circuit}: the order {direction} from {from} to {to} was accepted {accepted_local} and is not "
            "done yet"
        ),
        remedy="Ask the carrier about {external_id}; it stays open until the carrier shows what became of it",
    ),
    Kind.ORDER_REFUSED: _error("code", "direction", "to", "gist"),
    Kind.ORDER_UNKNOWN: _warning(
        "direction",
        "to",
        message=(
            "{circuit}: nobody knows whether the order {direction} from {from} to {to} was taken "
            "({external_id})"
        ),
        remedy="Do not order by hand; iodcal asks the carrier with every run",
    ),
    Kind.OVERRULED: _warning(
        "by",
        "who",
        message="{circuit}: the rule {by} keeps it below the {needs} that {subject} asks for",
        remedy="Move one of the two, or change the rules' priorities",
    ),
    Kind.PATTERN_SLOW: _error(
        message=(
            "The subject_regex of the rule {rule} took too long on a subject in {calendar}, which does "
            "not count"
        ),
        remedy="Write it without repetitions inside repetitions, such as (a+)+, or match by keywords",
    ),
    Kind.PRICE: _error(
        "to",
        message=(
            "{circuit}: {to} costs {price} {currency} an hour, above max_price_per_hour ({limit}): not "
            "ordered"
        ),
        remedy=(
            "Raise max_price_per_hour of the circuit or the rule; iodcal asks for the price again with "
            "every run"
        ),
    ),
    Kind.PRICE_MISSING: _error(
        "to",
        message=(
            "{circuit}: the quote for {to} tells no price per hour in {currency}, and no rate is known to "
            "hold against max_price_per_hour ({limit}): not ordered"
        ),
        remedy="Set the tier's rate in `rates`, or take the limit away; iodcal asks again with every run",
    ),
    Kind.PRICE_UNKNOWN: _warning(
        "currency",
        message=(
            "{circuit}: the quote for {to} is in {currency} and not in {wanted}: known rates count instead"
        ),
        remedy="Set the carrier's or the circuit's `currency` to {currency}, and its rates with it",
    ),
    Kind.QUOTA: _error(
        message="{held} changes wait: account {account} has used {used} of {limit} changes today (UTC)",
        remedy="They go out after midnight UTC; raise by hand what cannot wait",
    ),
    Kind.QUOTA_PLANNED: _warning(
        message=(
            "Account {account} has fewer changes than its circuits could use: {count} are left out, "
            "those that "
            "save least, which costs {cost} in this window"
        ),
        remedy="iodcal plan shows them; ask the carrier for more changes a day if that is worth it",
    ),
    Kind.QUOTA_SHORT: _warning(
        message=(
            "Account {account} has {left} changes left for {asked} raises on {day} (UTC): circuits go "
            "up early "
            "and stay up, and {unmet} cannot be raised at all"
        ),
        remedy="Raise by hand what cannot wait, or ask the carrier for more changes a day",
    ),
    Kind.STATE_REBUILT: _error(
        message=(
            "The state was damaged ({file}) and is rebuilt from the history; nothing is lowered in this run"
        ),
        remedy="Compare `iodcal status` with the carrier's portal",
    ),
    Kind.STATE_SHARED: _error(
        "host",
        message=(
            "The host {host} used this state just before: two hosts with one state can place an order twice"
        ),
        remedy="Stop the timer on one of them; if iodcal was moved, this clears with the next run",
    ),
    Kind.STATUS_UNKNOWN: _error(
        "status",
        message=(
            "{circuit}: the carrier shows the status {status}, which is not understood; nothing is ordered"
        ),
        remedy=(
            "Ask the carrier what it means, and say so: carriers.{carrier}.status_words, "
            "under active or pending"
        ),
    ),
    Kind.TOO_LATE: _error(
        message="{circuit}: {level} is asked for until {ends_local}, before an order could be carried out",
        remedy="Give the rule a longer lead, or let the timer run more often",
    ),
    Kind.TOO_MANY_DOWNS: _error(
        message=(
            "{count} circuits would be lowered that no run foresaw (max_unplanned_downs: {limit}): {circuits}"
        ),
        remedy="If that is right, let them through: iodcal sync --allow-downs {count}",
    ),
    Kind.WINDOW_LONG: _warning(
        message="{circuit}: {subject} ({rule}, {start_local}) asks for {needs} for {length}",
        remedy=(
            "If it is meant, give the rule a `longest` that covers it; else a shorter one, or all_day: false"
        ),
    ),
}


class Problem(Struct, frozen=True):
    """Something a person should know. Its identity is (kind, where); `facts` feed the words."""

    kind: Kind
    where: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.where}"

    @property
    def severity(self) -> Severity:
        stopped = self.kind is Kind.LATE_RUN and self.facts.get("stopped") == "yes"
        return Severity.ERROR if stopped else _NATURES[self.kind].severity

    @property
    def template(self) -> tuple[str, str]:
        """Message and remedy of its kind, with `{names}` of facts in them."""
        nature = _NATURES[self.kind]
        return nature.message, nature.remedy

    @property
    def stable_facts(self) -> tuple[tuple[str, Fact], ...]:
        """What must change for this to count as a changed problem."""
        stable = _NATURES[self.kind].stable
        return tuple(sorted((name, fact) for name, fact in self.facts.items() if name in stable))
