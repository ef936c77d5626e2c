"""The commands by which people have their way: hold, release, pause, resume, park, skip, forget, adopt."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from iodcal.cli import headings
from iodcal.cli.declare import command
from iodcal.cli.everyday import say_problems, show_sync
from iodcal.cli.options import NowOption, circuit_names, duration
from iodcal.cli.session import CommandSession
from iodcal.exits import Exit

if TYPE_CHECKING:
    from iodcal.commands.overrides import Act, OverrideRequest
    from iodcal.commands.sync import Synced
    from iodcal.config import Configuration
    from iodcal.result import Report

_NAMES = "Names of circuits, or patterns such as lon-*."
Circuits = Annotated[
    list[str], typer.Argument(metavar="CIRCUIT...", help=_NAMES, autocompletion=circuit_names)
]
AnyCircuits = Annotated[
    list[str] | None, typer.Argument(metavar="CIRCUIT...", help=_NAMES, autocompletion=circuit_names)
]
All = Annotated[bool, typer.Option("--all", help="All circuits.")]
Length = Annotated[
    timedelta | None,
    typer.Option("--for", metavar="LENGTH", parser=duration, help="So long from now, such as 2h."),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Until then: an instant, +3h, or a local time."),
]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for whoever looks at it.")]
Sync = Annotated[bool, typer.Option("--sync", help="Sync at once, not with the next run.")]


@command(
    "Hold circuits at a bandwidth until a time.", "iodcal hold den-a 1 Gbps --for 2h --note 'DR rehearsal'"
)
def hold(
    session: CommandSession,
    circuits: Annotated[
        list[str],
        typer.Argument(
            metavar="CIRCUIT... BANDWIDTH",
            help="Names or patterns (lon-*), then such as 500 Mbps, 1Gbps or highest.",
            autocompletion=circuit_names,
        ),
    ],
    *,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Be up then; else at once.")
    ] = None,
    length: Length = None,
    until: Until = None,
    exactly: Annotated[bool, typer.Option("--exactly", help="This one, even if more is asked for.")] = False,
    note: Note = "",
    sync: Sync = False,
    now: NowOption = None,
) -> int:
    """Hold circuits at a bandwidth, or more, until a time; it outranks every rule. There is one hold a
    circuit: a new one takes its place."""
    from iodcal.commands import overrides

    names, bandwidth = _split_bandwidth(circuits)
    configuration, asked = _asked(session, note, now=now, start=start, length=length, until=until)
    state = session.state_path(configuration, writes=True)
    acts = overrides.hold(
        configuration, state, names=names, bandwidth=bandwidth, asked=asked, exactly=exactly
    )
    return _finish(session, configuration, acts, asked, sync=sync)


def _split_bandwidth(words: list[str]) -> tuple[list[str], str]:
    """Names of circuits, and the bandwidth behind them, which may be two words: `1 Gbps`."""
    size = 2 if words[-1].isalpha() and words[-1].casefold() != "highest" else 1
    if len(words) <= size:
        from iodcal.errors import UsageError

        raise UsageError("hold_what")
    return words[:-size], " ".join(words[-size:])


@command("End the hold of circuits.", "iodcal release den-a --sync")
def release(
    session: CommandSession,
    circuits: Circuits,
    *,
    note: Note = "",
    sync: Sync = False,
    now: NowOption = None,
) -> int:
    """End holds before their time; what the rules and the baseline ask for counts again."""
    from iodcal.commands import overrides

    configuration, asked = _asked(session, note, now)
    acts = overrides.release(configuration, session.state_path(configuration, writes=True), circuits, asked)
    return _finish(session, configuration, acts, asked, sync=sync)


@command("Order nothing until a time.", "iodcal pause den-a --until 18:00 --note 'carrier maintenance'")
def pause(
    session: CommandSession,
    circuits: AnyCircuits = None,
    *,
    all_circuits: All = False,
    length: Length = None,
    until: Until = None,
    note: Note = "",
    sync: Sync = False,
    now: NowOption = None,
) -> int:
    """Order nothing until a time, for circuits or for all. Events that will be short of bandwidth by it
    are told as problems."""
    from iodcal.commands import overrides

    names = _some_or_all(circuits or [], all_circuits=all_circuits)
    configuration, asked = _asked(session, note, now=now, length=length, until=until)
    acts = overrides.pause(configuration, session.state_path(configuration, writes=True), names, asked)
    return _finish(session, configuration, acts, asked, sync=sync)


@command("End a pause, or parking.", "iodcal resume --all --sync")
def resume(
    session: CommandSession,
    circuits: AnyCircuits = None,
    *,
    all_circuits: All = False,
    note: Note = "",
    sync: Sync = False,
    now: NowOption = None,
) -> int:
    """End the pause of circuits; with --all every pause, and parking too."""
    from iodcal.commands import overrides

    names = _some_or_all(circuits or [], all_circuits=all_circuits)
    configuration, asked = _asked(session, note, now)
    acts = overrides.resume(configuration, session.state_path(configuration, writes=True), names, asked)
    return _finish(session, configuration, acts, asked, sync=sync)


@command(
    "Bring all circuits to rest: to retire iodcal, or move it.", "iodcal park --note 'moving to den2' --sync"
)
def park(session: CommandSession, *, note: Note = "", sync: Sync = False, now: NowOption = None) -> int:
    """Bring every circuit to its off-peak tier, then order nothing until iodcal resume --all. Meanwhile no
    event counts; those that will be short of bandwidth are told."""
    from iodcal.commands import overrides

    configuration, asked = _asked(session, note, now)
    act = overrides.park(configuration, session.state_path(configuration, writes=True), asked)
    return _finish(session, configuration, [act], asked, sync=sync)


@command("Let one occurrence of an event not count.", "iodcal skip 'Town Hall' --at '2026-12-01 09:00'")
def skip(
    session: CommandSession,
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="Its title, or its id as iodcal explain shows it.")
    ],
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="The one that runs or begins then.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let it count again.")] = False,
    note: Note = "",
    sync: Sync = False,
    now: NowOption = None,
) -> int:
    """Let one occurrence of an event not count, on any circuit and by any rule, as the last run knew it:
    offline. It ends by itself; an event that is moved counts again."""
    from iodcal.commands import skip as skips

    configuration, asked = _asked(session, note, now)
    skip_it = skips.unskip if undo else skips.skip
    act = skip_it(configuration, session.state_path(configuration, writes=True), event, at, asked)
    return _finish(session, configuration, [act], asked, sync=sync)


@command("Drop what is known of a circuit that left the configuration.", "iodcal forget den-old")
def forget(
    session: CommandSession,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name that it had.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Even while an order of it is open.")] = False,
    note: Note = "",
) -> int:
    """Drop what is known of a circuit that left the configuration, so that it is no longer a problem. At its
    carrier nothing is changed."""
    from iodcal.commands import upkeep

    # What left the configuration, only one that loads can tell.
    _, asked = _asked(session, note, None)
    configuration = session.configuration()
    act = upkeep.forget(
        configuration, session.state_path(configuration, writes=True), name, asked, force=force
    )
    return _finish(session, configuration, [act], asked, sync=False)


@command("Make another installation's state that of this one.", "iodcal adopt acme --note 'now acme-west'")
def adopt(
    session: CommandSession,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name that it has in the state.")],
    *,
    note: Note = "",
) -> int:
    """Make the state that of this installation, after settings.name was changed: what is known of circuits
    and open orders goes on under the new name."""
    from iodcal.commands import upkeep

    configuration, asked = _asked(session, note, None)
    act = upkeep.adopt(configuration, session.renamed_state(configuration, name), name, asked)
    return _finish(session, configuration, [act], asked, sync=False)


def _asked(
    session: CommandSession,
    note: str,
    now: str | None,
    *,
    start: str | None = None,
    length: timedelta | None = None,
    until: str | None = None,
) -> tuple[Configuration, OverrideRequest]:
    from iodcal.actor import real_person
    from iodcal.commands.overrides import OverrideRequest

    asked = OverrideRequest(
        real_person(),
        terminal=session.watched,
        note=note.strip(),
        start=start,
        length=length,
        until=until,
        now=now,
        run_id=session.run_id,
    )
    return session.known_configuration(), asked


def _some_or_all(circuits: list[str], *, all_circuits: bool) -> list[str]:
    """The circuits that were named; none for all."""
    if bool(circuits) == all_circuits:
        from iodcal.errors import UsageError

        raise UsageError("one_and_all" if circuits else "one_or_all", circuit=", ".join(circuits))
    return circuits


def _finish(
    session: CommandSession,
    configuration: Configuration,
    acts: Sequence[Act],
    asked: OverrideRequest,
    *,
    sync: bool,
) -> int:
    """Shows what was done; with `sync` orders what follows from it."""
    from iodcal.output.overrides import act_lines

    lines = list(act_lines(acts, synced=sync))
    if not session.json and not session.quiet:
        sys.stdout.writelines(f"{line}\n" for line in lines)
    if sync:
        sys.stdout.flush()
        synced = _sync(session, configuration, acts, asked, unsaid=lines if session.json else ())
        return _show_acts(session, acts, synced.report) if session.json else show_sync(session, synced)
    return _show_acts(session, acts) if session.json else Exit.OK


def _show_acts(session: CommandSession, acts: Sequence[Act], synced: Report | None = None) -> int:
    from iodcal.output.operations_view import acts_view

    shown = acts_view(acts, synced)
    session.print_json(shown)
    return shown.exit


def _sync(
    session: CommandSession,
    configuration: Configuration,
    acts: Sequence[Act],
    asked: OverrideRequest,
    *,
    unsaid: Iterable[str],
) -> Synced:
    """Orders what follows from `acts`, on their circuits or on all. Where that fails, `unsaid` is told on
    stderr: what was done stands all the same."""
    from iodcal.commands.announce import sync as carry_out
    from iodcal.commands.requests import SyncRequest
    from iodcal.errors import IodcalError

    syncing = SyncRequest(
        terminal=session.watched,
        now=asked.now,
        circuits=tuple(act.circuit.name for act in acts if act.circuit is not None),
        run_id=session.run_id,
        faults=session.faults,
    )
    try:
        if session.terminal and not session.json and not session.quiet:
            headings.of_sync(session, configuration, syncing)
        with session.progress() as progress:
            told = say_problems(session)
            return carry_out(
                configuration,
                session.state_path(configuration, writes=True),
                asked=syncing,
                progress=progress,
                say=told,
            )
    except IodcalError:
        from iodcal.cli.logs import say
        from iodcal.output.lines import NOTICE

        for line in unsaid:
            say(line, NOTICE)
        raise
