"""Words for what a person asked for and cannot have: hold, pause, resume, park, forget."""

from __future__ import annotations

from iodcal.words import Words

PEOPLE = {
    "bad_bandwidth": Words(
        "{message}", "The tiers of {circuit}: {tiers}; highest means the last that may be had"
    ),
    "hold_too_high": Words(
        "{circuit} cannot be held at {bandwidth}: {highest} is the highest that may be ordered",
        "Its tiers: {tiers}; tiers and ceiling stand in the configuration",
    ),
    "hold_no_tier": Words(
        "{circuit} cannot be held at exactly {bandwidth}: that is not a tier within its floor and ceiling",
        "Its tiers: {tiers}",
    ),
    "hold_below_baseline": Words(
        "A hold at {bandwidth} changes nothing: the baseline of {circuit} asks for {lowest} meanwhile",
        "To hold it lower than that, add --exactly",
    ),
    "hold_too_short": Words(
        "The hold ends before {circuit} could be raised: its carrier needs {provisioning} for a change",
        "Give it a later end",
    ),
    "one_end": Words("It must end: say when, once", "Give one of --for 2h and --until TIME"),
    "until_past": Words(
        "{until} is not ahead: it is {now} now",
        "Name a day and time to come, such as --until '{next}', or give --for 2h",
    ),
    "until_far": Words(
        "That is more than {days} days ahead", "What is to last belongs into the configuration"
    ),
    "note_too_long": Words("The note has {length} characters, and {most} are the most", "Shorten it"),
    "one_or_all": Words("Say for which circuit", "Name one, or give --all"),
    "one_and_all": Words("{circuit} and --all exclude each other", "Leave one out"),
    "parked": Words(
        "Everything is parked (by {who}): nothing is ordered, so there is nothing to hold or to pause",
        "First iodcal resume --all",
    ),
    "resume_parked": Words("Everything is parked, not only {circuit}", "iodcal resume --all ends that"),
    "resume_all_paused": Words(
        "All circuits are paused, not only {circuit}", "iodcal resume --all ends that for all of them"
    ),
    "forget_configured": Words(
        "{circuit} is still in the configuration, and what is known of it is needed",
        "Take it out of the configuration first; to leave it alone for a while: iodcal pause",
    ),
    "forget_open_order": Words(
        "An order of {circuit} is still open ({order}): nobody would look after it any more",
        "Ask the carrier what became of it; to forget it all the same, add --force",
    ),
    "forget_unknown": Words("No circuit {circuit} has left the configuration", "Those that have: {known}"),
    "forget_which": Words("More than one circuit was called {circuit}", "Name one by its key: {keys}"),
}
