"""Why a change is held back, in words."""

from __future__ import annotations

from iodcal.domain.changes import Reason

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
    Reason.CARRIER_UNREADABLE: "the carrier does not answer",
    Reason.STATE_REBUILT: "the state was rebuilt",
    Reason.PRICE: "it costs more than max_price_per_hour",
    Reason.BACKOFF: "it failed before and is tried again later",
    Reason.PAUSE: "paused",
    Reason.FREEZE: "a change freeze",
}
