"""A history with one of everything, as records and on disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from iodcal.actor import Author, By
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause, CauseKind
from iodcal.domain.circuit_state import Drift
from iodcal.domain.circuits import Quote
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Order, Outcome, make_intent
from iodcal.domain.structs import replace
from iodcal.store.log import History

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = "sandbox|file:lab|lab|77"
HOSTILE = '=cmd("calc")\u202e\x1b[31m <script>alert(1)</script> "All-Hands"'
PAT = Author(By.PERSON, "pat", 1004)
TIMER = Author(By.TIMER, "iodcal", 998)
STAMP = {"iodcal": "0.1.0", "rules": "sha256:" + "ab" * 32}


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def order(minute: float, old: int, new: int, id_: str = "1", circuit: str = "den-a") -> Order:
    return make_intent(
        id=id_,
        circuit_key=KEY,
        circuit=circuit,
        old=Bandwidth(old),
        quote=Quote("q", Bandwidth(new), at(minute)),
        now=at(minute),
        demand="d",
        resends=0,
        run_id="r1",
    )


def cause(start: float, end: float, subject: str | None = "All-Hands", **changes: Any) -> Cause:
    made = Cause(
        CauseKind.EVENT,
        f"uid/{start}",
        at(start),
        at(end),
        rule="Company-wide events",
        calendar="company",
        subject=subject,
        asks=Interval(at(start - 30), at(end + 10)),
        labels=(("change_ref", "CHG7"),),
    )
    return replace(made, **changes)


def fill(history: History, subject: str = HOSTILE) -> None:
    """Noon is when the order is sent; the event runs from 12:30 to 13:30."""

    def note(kind: str, minute: float, run_id: str, by: Author, **facts: Any) -> None:
        history.append(kind, at=at(minute), run_id=run_id, by=by, **facts, **STAMP)

    up = replace(order(0, 100, 1000), price_per_hour=Decimal("2.50"), currency="USD")
    taken = replace(up, outcome=Outcome.ACCEPTED, accepted_at=at(0.1), carrier_order_id="C-1")
    done = replace(taken, outcome=Outcome.CONFIRMED, settled_at=at(5))
    labels = {"cost_center": "4711", "owner": "Pat"}
    note("order", 0, "r1", TIMER, order=up, causes=(cause(30, 90, subject),), labels=labels)
    note("order", 0.1, "r1", TIMER, order=taken)
    note("order", 5, "r2", PAT, order=done)
    note("curtain_up", 28, "r3", TIMER, circuit="den-a", rule="Company-wide events", start=at(30),
         result="ready", event="uid/30", calendar="company", subject=subject, end=at(90),
         needs_mbps=Bandwidth(1000))  # fmt: skip
    note("change", 30, "r3", TIMER, circuit="lon-a", direction="up", from_mbps=100, to_mbps=500,
         held="observe", until=None, causes=(cause(60, 120, "Town Hall"),), labels={})  # fmt: skip
    facts = {"circuit": "den-a", "rule": "Company-wide events", "subject": subject,
             "start": at(30).isoformat(), "needs": "1 Gbps",
             "cause": "late_run", "zone": "America/Denver"}  # fmt: skip
    place = "den-a/Company-wide events/2026-11-24T12:30Z"
    note("problem", 40, "r4", TIMER, id=f"event_late:{place}", where=place, severity="error", facts=facts)
    note("recovered", 45, "r5", TIMER, id=f"event_late:{place}")
    note("reading", 50, "r6", TIMER, circuit="den-a", key=KEY, confirmed_mbps=Bandwidth(1000),
         off_peak_mbps=Bandwidth(100), drift=Drift(Bandwidth(500), at(50), at(45)))  # fmt: skip
    note("hold", 60, "r7", PAT, circuit="den-a", key=KEY, account="root", mbps=500, exactly=True,
         since=at(60), until=at(120), who="pat", note="for the demo")  # fmt: skip
    note("pause", 61, "r7", PAT, circuit=None, key=None, account="pat", since=at(61), until=at(90),
         who="pat", note=subject)  # fmt: skip
    note("later", 62, "r7", PAT, circuit="den-a", mbps=500, until=at(120))
    down = replace(order(100, 1000, 100, "2"), outcome=Outcome.REFUSED, reason="rejected", settled_at=at(101))
    held = Cause(CauseKind.HOLD, "hold/77", at(60), at(100), ended=True, who="pat", note=subject)
    ended = (cause(30, 90, subject, ended=True), held)
    note("order", 100, "r8", TIMER, order=replace(down, outcome=Outcome.SENDING, reason="", settled_at=None),
         causes=ended, labels=labels)  # fmt: skip
    note("order", 101, "r8", TIMER, order=down)


def history_in(folder: Path) -> History:
    folder.mkdir(parents=True, exist_ok=True)
    return History(folder / "history.jsonl")
