"""Faults of the connection, told as faults of a calendar."""

from __future__ import annotations

from iodcal.errors import CalendarError, IodcalError
from iodcal.problems.kinds import Fact


def unread(error: IodcalError, **facts: Fact) -> CalendarError:
    """An HttpError or AnswerError as a CalendarError of the same code; `facts` are added to its own.

    Every fact that the words of its code use is there.
    """
    told: dict[str, Fact] = {**error.facts, **facts}
    told["reason"] = told.get("reason") or "no reason given"
    told["host"] = told.get("host") or "the server"
    return CalendarError(error.code, **told)
