"""Words for what `explain` found: conditions, and why an event does not count."""

from __future__ import annotations

from iodcal.domain.counting import Obstacle
from iodcal.domain.explaining import Role
from iodcal.domain.judges import Finding

# What a condition looks at, and how what it wants is put; {} is the value.
_CONDITIONS = {
    "calendars": ("calendar", "{}"),
    "subject": ("title", "{}"),
    "not_subject": ("title", "none of {}"),
    "subject_regex": ("title", "the pattern {}"),
    "location": ("location", "{}"),
    "categories": ("category", "{}"),
    "organizer": ("organizer", "{}"),
    "show_as": ("shown as", "{}"),
    "sensitivity": ("sensitivity", "{}"),
    "online_meeting": ("online meeting", "{}"),
    "min_attendees": ("attendees", "at least {}"),
    "all_day": ("all day", "{}"),
    "longer_than": ("duration", "longer than {}"),
    "shorter_than": ("duration", "shorter than {}"),
    "days": ("on", "{}"),
    "business_days": ("", "{}"),  # the value says it all
    "from": ("begins at", "{}"),
    "to": ("begins at", "{}"),
    "from, to": ("begins at", "{}"),
}

OBSTACLES = {
    Obstacle.CANCELLED: "it is cancelled",
    Obstacle.DECLINED: "the mailbox has declined it",
    Obstacle.NO_LENGTH: "it ends when it starts",
    Obstacle.ENDS_BEFORE_START: "it ends before it starts: mend it in the calendar",
    Obstacle.ORGANIZER: "its organizer is not among settings.organizers",
}

ROLES = {
    Role.GOVERNS: "governs",
    Role.DECIDES: "asks for it",
    Role.EXCEEDED: "asks for less",
    Role.OVERRULED: "overruled",
}


def condition_words(finding: Finding) -> str:
    """`duration 30m, rule wants longer than 30m`."""
    if finding.key == "circuits":
        return f"names only {finding.found}"
    looks_at, wants = _CONDITIONS[finding.key]
    found = "hidden" if finding.found is None else finding.found or "none"
    if looks_at == "title" and finding.found:
        found = f'"{found}"'
    looked = f"{looks_at} {found}" if looks_at else found
    return f"{looked}, rule wants {wants.format(finding.wanted)}"
