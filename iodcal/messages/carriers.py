"""Words for the faults of carriers. `iodcal.errors` says which class each code belongs to."""

from __future__ import annotations

from iodcal.domain.changes import Reason
from iodcal.messages import Words
from iodcal.messages.calendars import PROXY

_AGAIN = "iodcal tries again in its next run"

CARRIERS = {
    "unreachable": Words("{host} cannot be reached: {reason}", f"check the network; {_AGAIN}"),
    **PROXY,
    "tls": Words(
        "the connection to {host} is not secure: {reason}",
        "where a proxy or a private authority signs, let REQUESTS_CA_BUNDLE name its certificate file",
    ),
    "timeout": Words("{host} did not answer in time", _AGAIN),
    "claim_over": Words(
        "the order was not sent: this run's claim on the shared state had ended, or another command has it",
        "nothing need be done: the next run orders what is still due",
    ),
    "too_slow": Words("{host} had not answered in full after {seconds} seconds", _AGAIN),
    "deadline": Words("the run's time ran out while {host} was asked", _AGAIN),
    "too_large": Words("the answer of {host} is larger than {limit} bytes", "check base_url"),
    "redirect": Words(
        "{host} points to another address, which is not followed",
        "check base_url; a proxy or a sign-in page may stand in between: check HTTPS_PROXY and NO_PROXY",
    ),
    "carrier_spared": Words(
        "{carrier} is not asked any more in this run, since {failed} of its circuits failed alike in a row",
        _AGAIN,
    ),
    "truncated": Words("the answer of {host} breaks off", _AGAIN),
    "insecure_url": Words("{host} is not an https address", "use an https address as base_url"),
    "not_json": Words(
        'the answer is not JSON but {content_type} (status {status}), and begins "{first_words}"',
        "a proxy or a sign-in page may stand in between: check HTTPS_PROXY, NO_PROXY and base_url",
    ),
    "json_bounds": Words(
        "the answer of {host} is JSON of more than {limit} {what}, and was not read",
        "check base_url, and ask the carrier; nothing is ordered on it",
    ),
    "answer_wrong": Words("the answer makes no sense: {what}", "ask the carrier; nothing is ordered on it"),
    "plugin_failed": Words(
        "the plug-in {plugin} failed: {what}", "report it to whoever wrote it, or install another version"
    ),
    "refused": Words(
        "the carrier says no (status {status}): {message}", "ask the carrier, or mend what it names"
    ),
    "login_refused": Words(
        "the login is refused (status {status}): {message}",
        "check client_id and client_secret, and that they belong to this environment",
    ),
    "circuit_unknown": Words(
        "it knows no service {service_id}", "check service_id, customer number and environment"
    ),
    "change_pending": Words("a change of {service_id} is under way", "wait: iodcal orders when it is done"),
    "quota_exceeded": Words(
        "the changes of the day are used up", "wait for midnight UTC, or raise by hand what cannot wait"
    ),
    "not_now": Words("the carrier says not now (status {status}): {message}", _AGAIN),
    "term_forbids": Words(
        "{service_id} is Megaport Internet on a contract term (until {ends}), on which no rate is changed",
        "ask Megaport for No Minimum Term; until then set orders: none for the circuit",
    ),
    "tier_not_sold": Words("{bandwidth} is not sold on {service_id}", "correct the circuit's tiers"),
    "bandwidth_fixed": Words(
        "the bandwidth of {service_id} cannot be changed: its type is {kind}", "take it out of circuits"
    ),
    "not_sent": Words("the order could not be sent: {host}, {reason}", f"check the network; {_AGAIN}"),
    "gateway_answered": Words(
        "a gateway answered in the carrier's place: {reason}", "do not order by hand; iodcal finds out"
    ),
    "answer_lost": Words("the order's answer was lost: {reason}", "do not order by hand; iodcal finds out"),
    "quote_place_unknown": Words(
        "the inventory of {service_id} names neither a partner nor a UNI service ID",
        "set partner_id or uni_service_id for it under the carrier",
    ),
    "site_unknown": Words(
        "the inventory of {service_id} names no master site, which a quote needs", "ask the carrier for it"
    ),
    "billing_account_unknown": Words(
        "the inventory of {service_id} names no billing account", "ask the carrier to put one there"
    ),
    "billing_account_name_unknown": Words(
        "the inventory of {service_id} names no billing account's name",
        "set billing_account_name for it under the carrier",
    ),
    "quote_speed_differs": Words("a quote for {wanted} came back for {found}", "ask the carrier"),
    "not_enabled": Words(
        "the carrier says that the location is not NaaS enabled ({message}), which it also says when it is "
        "at fault itself",
        f"{_AGAIN}; if it lasts, ask the carrier",
    ),
    "sandbox_unreadable": Words("{file} cannot be read: {reason}", "check the file's permissions"),
    "sandbox_damaged": Words("{file} is not a sandbox file", "mend it, or delete it to start anew"),
}


HELD = {
    Reason.OBSERVE: "only observed (orders: none)",
    Reason.UPS_ONLY: "never lowered (orders: ups)",
    Reason.PENDING: "another change is under way",
    Reason.UNKNOWN_ORDER: "an order's answer was lost",
    Reason.QUOTA: "the day's changes are needed elsewhere",
    Reason.LIMIT: "more lowerings than max_unplanned_downs",
    Reason.CALENDAR_UNREADABLE: "a calendar cannot be read",
    Reason.CLOCK: "the clocks differ",
    Reason.PERSON: "somebody set this by hand",
    Reason.STATUS_UNKNOWN: "the carrier's status is not understood",
    Reason.CARRIER_UNREADABLE: "it cannot be read at its carrier",
    Reason.STATE_REBUILT: "the state was rebuilt",
    Reason.PRICE: "it costs more than max_price_per_hour",
    Reason.BACKOFF: "it failed before and is tried again later",
    Reason.NOT_NOW: "the carrier allows no change of it before then",
    Reason.REFUSED: "the carrier refused it for good",
    Reason.PAUSE: "paused",
    Reason.FREEZE: "a change freeze",
    Reason.OTHER_BANDWIDTH: "the carrier twice made another bandwidth of it",
}
