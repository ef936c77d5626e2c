"""Advice for people: each with its bars, its grounds, what came of playing it through, and its diff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from textwrap import wrap

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from iodcal.analysis.advice import AdviceEvidence
from iodcal.analysis.usage import BIN, rate_text
from iodcal.messages import Words
from iodcal.messages.advice import grounds, headline, undecided_words
from iodcal.messages.usage import trouble_words
from iodcal.output.text import for_line, for_terminal, local
from iodcal.output.use import BASIS
from iodcal.simulation.advise import AdviceReport, PlayedAdvice
from iodcal.simulation.rehearsal import Rehearsal

_USED, _SPARE, _UNUSED = "█", "▒", "░"
_INDENT = 3
_WIDE = 76  # columns; below, the bars' time and title go into a line of their own
_MOST_DATES = 4
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_advice(found: AdviceReport, console: Console) -> None:
    """Shows all of it, below its heading."""
    _wrapped(console, _data_line(found), style="dim")
    if found.advice:
        legend = f"{_USED} used, {_SPARE} headroom of {found.headroom:.0%}, {_UNUSED} not used"
        console.print(Text(legend, style="dim"))
    for number, one in enumerate(found.advice, 1):
        _print_one(number, one, found, console)
    console.print()
    if not found.advice:
        console.print(Text(_nothing(found), style="bold"))
    elif found.together is not None:
        _wrapped(
            console, f"All of it at once {_price(found.together)}: {_outcome(found.together)}", style="bold"
        )
    _list(console, "Not advised, for playing it through spoke against it:", _withheld(found))
    _list(console, "Too little to tell:", [undecided_words(one) for one in found.undecided])
    for words in notes(found):
        _wrapped(console, for_line(f"Note: {words.message}. {words.remedy}."), style="dim")


def _wrapped(console: Console, text: str, *, indent: int = 0, hanging: int = 0, style: str = "") -> None:
    """`text` over as many lines as it takes, without blanks at their ends."""
    lines = wrap(
        text,
        console.width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_on_hyphens=False,
    )
    for line in lines:
        console.print(Text(line, style=style), soft_wrap=True)


def _data_line(found: AdviceReport) -> str:
    count = len(found.quality)
    circuits = "1 circuit" if count == 1 else f"{count} circuits"
    known = (
        f"{circuits}, {min(one.known for one in found.quality):.1%} known" if count else "nothing is known"
    )
    return f"{BASIS[:1].upper()}{BASIS[1:]}: {known}{' at least' if count > 1 else ''}."


def _nothing(found: AdviceReport) -> str:
    if not found.quality:
        return "Nothing can be advised."
    return "Nothing to change: what was asked for was needed, and none of it was too little."


def _print_one(number: int, one: PlayedAdvice, found: AdviceReport, console: Console) -> None:
    advice = one.advice
    console.print()
    told = f"{number}. {_capital(headline(advice))}. {_consequence(one)}"
    _wrapped(console, for_line(told), style="bold", hanging=_INDENT)
    wide = console.width >= _WIDE
    console.print(Padding(_bars(advice.evidence, found, wide=wide), (0, 0, 0, _INDENT), expand=False))
    for line in _lines(one, found, wide=wide):
        _wrapped(console, for_line(line), indent=_INDENT)
    if one.diff is not None:
        console.print()
        for line in one.diff.splitlines():
            style = _DIFF_STYLES.get(line[:1], "dim")
            console.print(Text(_as_it_is(line), style=style), soft_wrap=True)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _as_it_is(line: str) -> str:
    """A line of a diff, whose blanks count."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _consequence(one: PlayedAdvice) -> str:
    new, played = one.advice.new, one.rehearsal
    if new is None:
        return "No higher tier is sold or allowed: ask the carrier for one, or raise the ceiling."
    if played is None or played.monthly_saving is None:
        return f"{new} would do; what it costs is not known, for want of rates."
    return f"{new} {_price(played)}."


def _price(played: Rehearsal) -> str:
    """What it saves or costs a month."""
    saving = played.monthly_saving
    if saving is None:
        return "costs nobody knows what, for want of rates"
    if abs(saving) < Decimal("0.005"):
        return "costs the same"
    if saving > 0:
        return f"saves {saving:.2f} {played.currency} a month"
    return f"costs {-saving:.2f} {played.currency} a month more"


def _bars(evidence: Sequence[AdviceEvidence], found: AdviceReport, *, wide: bool) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for one in evidence:
        row = [
            Text(for_terminal(one.circuit, 14)),
            _bar(one, found.headroom, width=20 if wide else 10),
            Text(f"{one.use.highest / one.asked.mbps:.0%}", justify="right"),
            Text(f"{rate_text(one.use.highest)} of {one.asked}", no_wrap=True),
        ]
        table.add_row(*row, *([Text(_when(one, found), no_wrap=True, overflow="ellipsis")] if wide else []))
    return table


def _bar(one: AdviceEvidence, headroom: float, width: int) -> Text:
    share = one.use.highest / one.asked.mbps
    used = min(width, max(1, round(share * width)))
    spare = min(width, round(share * (1 + headroom) * width))
    full = share >= 0.95
    bar = Text(_USED * used, style="red" if full else "cyan")
    bar.append(_SPARE * (spare - used), style="yellow")
    return bar.append(_UNUSED * (width - max(used, spare)), style="dim")


def _when(one: AdviceEvidence, found: AdviceReport) -> str:
    title = f" {for_terminal(one.subject, 24)}" if one.subject else ""
    return f"{one.use.highest_at.astimezone(found.zone):%a %d %b %H:%M}{title}"


def _lines(one: PlayedAdvice, found: AdviceReport, *, wide: bool) -> Iterator[str]:
    advice = one.advice
    if not wide:
        for evidence in advice.evidence:
            yield f"{evidence.circuit}: highest {_when(evidence, found)}"
    for evidence in advice.evidence:
        if evidence.use.full:
            yield f"{evidence.circuit} was full for {_length(evidence.use.full)}{_dates(evidence, found)}."
        else:
            yield f"{evidence.circuit}: 95th percentile {rate_text(evidence.use.p95)}."
    yield grounds(advice, found.headroom)
    if one.obstacle is not None:
        yield f"The edit is left to you: {one.obstacle}."
    if one.rehearsal is not None:
        yield f"Played through with the edit: {_outcome(one.rehearsal)}"


def _dates(evidence: AdviceEvidence, found: AdviceReport) -> str:
    if not evidence.full_on:
        return ""
    shown = [f"{at.astimezone(found.zone):%a %d %b %H:%M}" for at in evidence.full_on[:_MOST_DATES]]
    more = len(evidence.full_on) - len(shown)
    return f": {', '.join(shown)}" + (f" and {more} more" if more else "")


def _length(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _outcome(played: Rehearsal) -> str:
    events = "1 event" if played.events == 1 else f"{played.events} events"
    late = (
        "none late" if not played.late_after else f"{played.late_after} late ({played.late_before} without)"
    )
    if not played.short_after:
        short = "never below what was used"
    elif played.short_after == played.short_before:
        short = f"below what was used for {_length(played.short_after)}, as without it"
    else:
        before = _length(played.short_before)
        short = f"below what was used for {_length(played.short_after)}, {before} without it"
    if played.cost_before is None or played.cost_after is None:
        return f"{events}, {late}; {short}."
    money = f"{played.cost_after:.2f} {played.currency} in place of {played.cost_before:.2f}"
    return f"{events}, {late}; {short}; {money}."


def _withheld(found: AdviceReport) -> list[str]:
    lines = []
    for one in found.withheld:
        played = one.rehearsal
        why = _outcome(played) if played is not None else ""
        if played is not None and played.is_safe:
            why = "it would save nothing."
        lines.append(f"{one.advice.where}: {one.advice.old} to {one.advice.new}: {why}")
    return lines


def _list(console: Console, title: str, lines: Sequence[str]) -> None:
    if lines:
        console.print(Text(title))
    for line in lines:
        _wrapped(console, for_line(line), indent=_INDENT)


def notes(found: AdviceReport) -> Iterator[Words]:
    """What to bear in mind: what is not known, and how far the weeks can speak for others."""
    yield from map(trouble_words, found.troubles)
    told = {name for trouble in found.troubles for name in trouble.circuits}
    blind = [name for name in found.blind if name not in told]
    if blind:
        yield Words(f"Nothing says how much {', '.join(blind)} carried", "Give usage for it")
    yield from _of_quality(found)
    if found.advice and not found.quarter_end:
        yield Words(
            "No end of a quarter lies in this time, when much may be otherwise",
            "Look at one, too, with --from",
        )


def _of_quality(found: AdviceReport) -> Iterator[Words]:
    odd = [one for one in found.quality if one.odd]
    if odd:
        values, names = sum(one.odd for one in odd), ", ".join(one.circuit for one in odd)
        yield Words(
            f"{values} values that no circuit carries were left out, of {names}",
            "A counter that was reset makes such; they count as gaps",
        )
    for one in found.quality:
        if one.step > BIN:
            yield Words(
                f"{one.circuit}: its averages are of {_length(one.step)}, which hide what five minutes show",
                "Give finer ones, or more --headroom",
            )
        for at, mbps in one.unusual:
            yield Words(
                f"{one.circuit}: the week from {_day(at, found)} stands out, with {rate_text(mbps)}",
                "It counts as every other week does",
            )


def _day(at: datetime, found: AdviceReport) -> str:
    return (
        local(at, found.zone)
        if found.span.length < timedelta(days=28)
        else f"{at.astimezone(found.zone):%d %b}"
    )
