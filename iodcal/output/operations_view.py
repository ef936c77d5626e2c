"""The JSON of the commands that people give: hold, release, pause, resume, park, forget, adopt,
doctor and init."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from iodcal.domain.structs import replace
from iodcal.output.json import ResultView, View, mbps
from iodcal.output.plan_view import (
    HoldView,
    ParkedView,
    PauseView,
    PlanView,
    SkipView,
    hold_view,
    parked_view,
    pause_view,
    report_view,
    skip_view,
)
from iodcal.result import Report

if TYPE_CHECKING:
    from iodcal.commands.overrides import Act
    from iodcal.doctor import Examination


class ForgottenView(View):
    """A circuit that left the configuration, as it was last known."""

    name: str
    key: str
    ordered_mbps: int | None


class ActView(ResultView):
    """What a person's command prints; `acts` holds one for each of several circuits, `sync` where it
    ordered at once what follows from it."""

    now: datetime
    who: str
    circuit: str | None
    changed: bool
    over: bool
    hold: HoldView | None
    pause: PauseView | None
    parked: ParkedView | None
    paused: tuple[str, ...]
    forgotten: ForgottenView | None
    skip: SkipView | UnsetType = UNSET
    acts: tuple[ActView, ...] | UnsetType = UNSET
    sync: PlanView | UnsetType = UNSET
    adopted_from: str | UnsetType = UNSET


class FindingOfDoctorView(View):
    """What became of one examination."""

    area: str
    where: str
    light: str
    code: str
    message: str
    remedy: str


class DoctorView(ResultView):
    """What `doctor` prints."""

    complete: bool
    findings: tuple[FindingOfDoctorView, ...]


class InitView(ResultView):
    """What `init` prints: the files that it wrote, and the first plan."""

    files: tuple[str, ...]
    plan: PlanView


def acts_view(acts: Sequence[Act], synced: Report | None = None) -> ActView:
    """The object that a person's command prints; `synced` is the run that followed at once. What was done on
    each of several circuits stands in `acts`, and none of it beside."""
    if len(acts) == 1:
        return _act_view(acts[0], synced)
    together = replace(
        acts[0], circuit=None, hold=None, pause=None, replaced=None, changed=any(act.changed for act in acts)
    )
    together = replace(together, paused=tuple(name for act in acts for name in act.paused))
    view = _act_view(together, synced)
    view.acts = tuple(_act_view(act) for act in acts)
    return view


def _act_view(act: Act, synced: Report | None = None) -> ActView:
    gone = act.forgotten
    return ActView.of(
        act,
        exit=synced.exit if synced is not None else 0,
        circuit=act.circuit.name if act.circuit is not None else None,
        hold=hold_view(act.hold),
        pause=pause_view(act.pause),
        parked=parked_view(act.parked),
        skip=skip_view(act.skip) if act.skip is not None else UNSET,
        acts=UNSET,
        forgotten=ForgottenView.of(gone, ordered_mbps=mbps(gone.ordered)) if gone is not None else None,
        sync=report_view(synced) if synced is not None else UNSET,
        adopted_from=act.adopted_from if act.adopted_from is not None else UNSET,
    )


def doctor_view(examination: Examination) -> DoctorView:
    """The object that `doctor` prints."""
    from iodcal.doctor import CheckStatus
    from iodcal.doctor.messages import describe

    unwell = (CheckStatus.YELLOW, CheckStatus.RED)
    told = ((finding, describe(finding)) for finding in examination.findings)
    findings = (
        FindingOfDoctorView.of(
            finding,
            message=words.message,
            remedy=words.remedy if finding.light in unwell else "",
        )
        for finding, words in told
    )
    return DoctorView.of(examination, command="doctor", findings=tuple(findings))


def init_view(written: Sequence[Path], report: Report) -> InitView:
    """The object that `init` prints."""
    files = tuple(str(path) for path in written)
    return InitView(command="init", exit=report.exit, files=files, plan=report_view(report))
