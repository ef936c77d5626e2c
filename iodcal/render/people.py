"""What a person's command did: a few plain lines. Needs no rich."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from iodcal.domain.circuits import Orders
from iodcal.domain.wishes import Hold, Pause
from iodcal.render.text import for_line, for_terminal
from iodcal.render.when import local, relative, with_zone
from iodcal.render.wishes import by_whom, hold_text, pause_text

if TYPE_CHECKING:
    from iodcal.people import Act


def act_lines(act: Act, *, synced: bool) -> Iterator[str]:
    """What was done, and when it takes effect; `synced` says that a sync follows at once."""
    lines = {
        "hold": _hold,
        "release": _release,
        "pause": _pause,
        "resume": _resume,
        "park": _park,
        "forget": _forget,
    }[act.command]
    yield from (for_line(line) for line in lines(act))
    if act.changed and not synced and act.command in ("hold", "release", "resume", "park"):
        yield "The next run acts on it; with --sync it is done at once"


def _name(act: Act) -> str:
    return for_terminal(act.circuit.name, 32) if act.circuit is not None else "Every circuit"


def _ends(wish: Hold | Pause, act: Act) -> str:
    return f"{with_zone(wish.until, act.zone)} ({relative(wish.until, act.now)})"


def _hold(act: Act) -> Iterator[str]:
    assert act.hold is not None  # noqa: S101 - what a hold always has
    yield f"{_name(act)} is {hold_text(act.hold, _ends(act.hold, act))}"
    if act.circuit is not None and (sold := act.circuit.sold(act.hold.bandwidth)) != act.hold.bandwidth:
        yield f"The next tier that is sold, {sold}, is ordered for it"
    if isinstance(act.replaced, Hold):
        yield f"It takes the place of another: {hold_text(act.replaced, local(act.replaced.until, act.zone))}"
    if act.circuit is not None and act.circuit.orders is not Orders.ALL:
        yield f"Its orders are `{act.circuit.orders}` in the configuration, and a hold does not change that"
    if act.paused:
        yield "Its orders are paused: nothing is ordered before that ends"


def _release(act: Act) -> Iterator[str]:
    if act.hold is None:
        yield f"{_name(act)} is not held: nothing to do"
    else:
        yield f"{_name(act)} is released; it was {hold_text(act.hold, local(act.hold.until, act.zone))}"


def _pause(act: Act) -> Iterator[str]:
    assert act.pause is not None  # noqa: S101 - what a pause always has
    yield f"{_name(act)} is {pause_text(act.pause, _ends(act.pause, act))}; nothing is ordered until then"
    if act.replaced is not None:
        yield f"An earlier pause, {by_whom(act.replaced.who, act.replaced.note)}, is replaced"


def _resume(act: Act) -> Iterator[str]:
    if not act.changed:
        yield f"{_name(act)} is not paused: nothing to do"
        return
    if act.parked is not None:
        yield f"No longer parked ({by_whom(act.parked.who, act.parked.note)}): events count again"
    if act.pause is not None:
        was = pause_text(act.pause, local(act.pause.until, act.zone))
        yield f"{_name(act)} is no longer paused; it was {was}"
    if act.paused:
        yield f"No longer paused: {', '.join(act.paused)}"


def _park(act: Act) -> Iterator[str]:
    assert act.parked is not None  # noqa: S101 - what parking always has
    if not act.changed:
        since = with_zone(act.parked.since, act.zone)
        yield f"Parked already, since {since}, {by_whom(act.parked.who, act.parked.note)}"
        return
    yield "Parked: every circuit goes to its off-peak tier, then nothing is ordered until iodcal resume --all"
    if act.paused:
        yield f"Only once their pause is over: {', '.join(act.paused)}"


def _forget(act: Act) -> Iterator[str]:
    standing = act.forgotten
    assert standing is not None  # noqa: S101 - what forgetting always has
    yield f"{for_terminal(standing.name, 32)} is forgotten"
    if standing.ordered is not None:
        yield f"It was last at {standing.ordered}, and costs that until somebody lowers it at the carrier"
