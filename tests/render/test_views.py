"""What is printed as JSON is what its view declares: so the schema of the views is that of the output."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from msgspec import json

from iodcal.domain.holds import Parked
from iodcal.domain.structs import replace
from iodcal.output.diff_view import DiffView, diff_view
from iodcal.output.explain_view import (
    ExplainedCircuitsView,
    ExplainedEventsView,
    circuits_view,
    events_view,
)
from iodcal.output.json import CheckView, FailedView, View, check_view, dump, failed_view
from iodcal.output.plan_view import PlanView, report_view
from tests.domain.minutes import at
from tests.render.test_golden import report, synced, wished
from tests.render.test_understanding import circuits, comparison, events

VIEWS: dict[str, tuple[View, Any]] = {
    "plan": (report_view(report()), PlanView),
    "sync": (report_view(synced()), PlanView),
    "wishes": (report_view(replace(wished(), parked=Parked(at(-60), "pat"))), PlanView),
    "status": (report_view(report("status")), PlanView),
    "lost": (report_view(report("sync", lost_state=("/elsewhere",))), PlanView),
    "diff": (diff_view(comparison()), DiffView),
    "explain": (circuits_view(circuits()), ExplainedCircuitsView),
    "events": (events_view(events()), ExplainedEventsView),
    "check": (check_view((), 0), CheckView),
    "failed": (failed_view("sync", 75, code="lock_held", message="m", remedy="r"), FailedView),
}


@pytest.mark.parametrize("name", VIEWS)
def test_output_is_as_its_view_declares(name: str) -> None:
    view, kind = VIEWS[name]
    printed = dump(view)
    jsonschema.validate(json.decode(printed), json.schema(kind))
    assert dump(json.decode(printed, type=kind)) == printed  # each key has its declared type, none is lost
