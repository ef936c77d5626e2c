"""From the state in memory to its shape on disk: plain JSON, for people to read as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from iodcal import __version__
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause
from iodcal.domain.circuits import Reading, Status, account_in
from iodcal.domain.events import Floating, Match, MatchedEvent, Named, Span
from iodcal.domain.money import QuotedPrice
from iodcal.domain.orders import Order, as_kept
from iodcal.domain.standing import Drift, Remembered, Standing
from iodcal.domain.wishes import Hold, Parked, Pause
from iodcal.store.state import LastRun, Quota, State, Told

VERSION = 2

Json: TypeAlias = dict[str, Any]


def encode(state: State) -> Json:
    """The document that `decode` reads back as the same state (but for `rebuilt_from`, which ends with
    the run that rebuilt it)."""
    return {
        "version": VERSION,
        "writer": __version__,
        "last_run": encode_run(state.last_run) if state.last_run else None,
        "unknown_since": moment(state.unknown_since),
        "pause": encode_pause(state.pause) if state.pause else None,
        "parked": encode_parked(state.parked) if state.parked else None,
        "circuits": _encode_circuits(state.circuits),
        "calendars": {key: encode_remembered(kept) for key, kept in state.remembered.items()},
        "calendar_ids": dict(state.calendar_ids),
        **_encode_learnt(state),
        "quotas": [encode_quota(url, account, quota) for (url, account), quota in state.quotas.items()],
        "problems": {key: encode_told(told) for key, told in state.told.items()},
    }


def _encode_learnt(state: State) -> Json:
    """What was learnt about how to read, as far as there is something."""
    return _said(
        {
            "looked_up_at": {key: moment(at) for key, at in state.looked_up_at.items()},
            "failed_sources": sorted(state.failed_sources),
            "page_sizes": dict(state.page_sizes),
            "throttled_until": {name: moment(at) for name, at in state.throttled_until.items()},
        }
    )


def _encode_circuits(circuits: Mapping[str, Standing]) -> Json:
    """By account, then by service ID, so that what their keys have in common is said once."""
    encoded: Json = {}
    for key, standing in circuits.items():
        account, service_id = split_key(key)
        encoded.setdefault(account, {})[service_id] = encode_standing(standing)
    return encoded


def split_key(key: str) -> tuple[str, str]:
    """The account, with its carrier, and the service ID in a circuit's `key`, as the file writes them."""
    account, _, service_id = key.rpartition("|")
    return account, service_id


def joined_key(account: str, service_id: str) -> str:
    """The key that `split_key` makes these of."""
    return f"{account}|{service_id}" if account else service_id


def moment(at: datetime | None) -> str | None:
    """An instant as text, in UTC, to the microsecond where there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def mbps(bandwidth: Bandwidth | None) -> int | None:
    return bandwidth.mbps if bandwidth is not None else None


def encode_run(run: LastRun) -> Json:
    return {
        "run_id": run.run_id,
        "started_at": moment(run.started_at),
        "ended_at": moment(run.ended_at),
        "good": run.good,
        "exit": run.exit,
    }


def encode_standing(standing: Standing) -> Json:
    return {
        "name": standing.name,
        **_encode_account(standing),
        "off_peak_mbps": mbps(standing.off_peak),
        "confirmed_mbps": mbps(standing.confirmed),
        **({"level_mbps": mbps(standing.level)} if standing.level != standing.confirmed else {}),
        **_said(_encode_rest(standing)),
    }


def _encode_account(standing: Standing) -> Json:
    """The carrier's type and the account, where the key, which names both, says otherwise."""
    carrier_type, account = account_in(standing.key)
    told = {"carrier_type": standing.carrier_type, "account": standing.account}
    return told if (standing.carrier_type, standing.account) != (carrier_type, account) else {}


def _encode_rest(standing: Standing) -> Json:
    """What is left out where it says nothing."""
    return {
        "reading": encode_reading(standing.reading) if standing.reading else None,
        "order": encode_order(standing.order) if standing.order else None,
        "stepped_down_at": moment(standing.stepped_down_at),
        "recent_orders": [_encode_closed(order, standing) for order in standing.recent],
        "drift": encode_drift(standing.drift) if standing.drift else None,
        "raised_for": standing.raised_for,
        "foreseen": [{"at": moment(seen.at), "to_mbps": seen.new.mbps} for seen in standing.foreseen],
        "curtain_ups": [{"event": event, "until": moment(end)} for event, end in standing.curtain_ups],
        "failures": standing.failures,
        "retry_at": moment(standing.retry_at),
        "held_told": standing.held_told,
        "hold": encode_hold(standing.hold) if standing.hold else None,
        "pause": encode_pause(standing.pause) if standing.pause else None,
        "quotes": [encode_quoted(quote) for quote in standing.quotes],
    }


def _said(values: Json) -> Json:
    """`values` without those that say nothing."""
    return {name: value for name, value in values.items() if value or value == ""}


def encode_quoted(quote: QuotedPrice) -> Json:
    return {
        "mbps": quote.bandwidth.mbps,
        "per_hour": str(quote.per_hour),
        "currency": quote.currency,
        "at": moment(quote.at),
    }


def encode_hold(hold: Hold) -> Json:
    return {
        "mbps": hold.bandwidth.mbps,
        "exactly": hold.exactly,
        "since": moment(hold.since),
        "until": moment(hold.until),
        "who": hold.who,
        "note": hold.note,
    }


def encode_pause(pause: Pause) -> Json:
    return {
        "since": moment(pause.since),
        "until": moment(pause.until),
        "who": pause.who,
        "note": pause.note,
    }


def encode_parked(parked: Parked) -> Json:
    return {"since": moment(parked.since), "who": parked.who, "note": parked.note}


def encode_reading(reading: Reading) -> Json:
    return {
        "at": moment(reading.at),
        "status": str(reading.status),
        "mbps": mbps(reading.bandwidth),
        **({"status_text": reading.status_text} if reading.status_text != usual_text(reading.status) else {}),
    }


def usual_text(status: Status) -> str:
    """The carrier's own word for `status`, where it is the usual one."""
    return str(status).capitalize()


def encode_drift(drift: Drift) -> Json:
    return {
        "observed_mbps": drift.observed.mbps,
        "seen_at": moment(drift.seen_at),
        "agreed_at": moment(drift.agreed_at),
    }


def encode_order(order: Order) -> Json:
    return {
        "id": order.id,
        "external_id": order.external_id,  # for people: it is derived from id and resends
        "circuit_key": order.circuit_key,
        "circuit": order.circuit,
        "from_mbps": order.old.mbps,
        "to_mbps": order.new.mbps,
        "created_at": moment(order.created_at),
        "outcome": str(order.outcome),
        "quote_id": order.quote_id,
        "accepted_at": moment(order.accepted_at),
        "carrier_order_id": order.carrier_order_id,
        "settled_at": moment(order.settled_at),
        "resends": order.resends,
        "demand": order.demand,
        "run_id": order.run_id,
        "reason": order.reason,
        "boot": {"id": order.boot.boot_id, "seconds": order.boot.seconds} if order.boot else None,
        **_encode_price(order),
        "needed_by": moment(order.needed_by),
    }


UNSAID: Json = {"resends": 0, "demand": "", "run_id": "", "reason": ""}
"""What a settled order is not told to have."""


def _encode_closed(order: Order, standing: Standing) -> Json:
    """A settled order, without what its standing says already: a busy day's state is made of these."""
    known = {
        "circuit_key": standing.key,
        "circuit": standing.name,
        "external_id": order.external_id,
        **UNSAID,
    }
    told = {name: value for name, value in encode_order(as_kept(order)).items() if value is not None}
    return {name: value for name, value in told.items() if name not in known or value != known[name]}


def encode_cause(cause: Cause) -> Json:
    """For the history only; `from` and `until` are the event's span with lead and trail."""
    return {
        "kind": str(cause.kind),
        "id": cause.id,
        "rule": cause.rule,
        "calendar": cause.calendar,
        "subject": cause.subject,
        "start": moment(cause.start),
        "end": moment(cause.end),
        "from": moment(cause.asks.start) if cause.asks else None,
        "until": moment(cause.asks.end) if cause.asks else None,
        "ended": cause.ended,
        "who": cause.who,
        "note": cause.note,
        "labels": dict(cause.labels),
    }


def _encode_price(order: Order) -> Json:
    """The price of the quote, where it told one."""
    if order.price_per_hour is None:
        return {}
    return {"price_per_hour": str(order.price_per_hour), "currency": order.currency}


def encode_remembered(kept: Remembered) -> Json:
    return {
        "label": kept.label,
        "read_at": moment(kept.read_at),
        "from": moment(kept.covers.start),
        "until": moment(kept.covers.end),
        **({"asked": sorted(kept.asked)} if kept.asked is not None else {}),
        **_said({"events": [encode_event(event, kept.label, kept.asked) for event in kept.events]}),
    }


def calendar_in(label: str) -> str:
    """The calendar that a source labelled `label` most likely belongs to."""
    return label.partition("/")[0]


def all_of(asked: Iterable[str]) -> tuple[Match, ...]:
    """What is known of an event that each of the rules `asked` took."""
    return tuple(Match(rule) for rule in sorted(asked))


def encode_event(event: MatchedEvent, label: str, asked: frozenset[str] | None) -> Json:
    """An event of a source with this `label`, whose rules were `asked`: of what these say no more is said."""
    calendar, by_all = event.source.calendar, asked is not None and event.matches == all_of(asked)
    return {
        "id": event.id,
        **_encode_span(event.span),
        **({"calendar": calendar} if calendar != calendar_in(label) else {}),
        **({} if by_all else {"rules": [_encode_match(match) for match in event.matches]}),
        **_said({"uid": event.uid or None, "subject": event.subject}),
        **_said({"all_day": event.all_day, "absent": event.absent}),
        **({"named": _encode_named(event.named)} if event.named is not None else {}),
    }


def _encode_match(match: Match) -> Json:
    return _said({"name": match.rule, "mbps": mbps(match.bandwidth)})


def _encode_named(named: Named) -> Json:
    return {"circuits": sorted(named.circuits), "sites": sorted(named.sites)}


def _encode_span(span: Span) -> Json:
    if isinstance(span, Floating):
        return {"local_start": span.start.isoformat(), "local_end": span.end.isoformat()}
    minutes, rest = divmod(span.end - span.start, timedelta(minutes=1))
    return {"start": moment(span.start), **({"end": moment(span.end)} if rest else {"minutes": minutes})}


def encode_quota(url: str, account: str, quota: Quota) -> Json:
    return {"base_url": url, "account": account, "day": quota.day.isoformat(), "used": quota.used}


def encode_told(told: Told) -> Json:
    return {
        "kind": told.kind,
        "where": told.where,
        "facts": dict(told.facts),
        "stable_facts": dict(told.stable_facts),
        "since": moment(told.since),
        "told_at": moment(told.told_at),
        **({"over": True} if told.over else {}),
    }
