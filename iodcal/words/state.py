"""Words for a state that cannot be used."""

from __future__ import annotations

from iodcal.words import Words

STATE_WORDS = {
    "unreadable": Words(
        "The state file {path} cannot be read: {reason}",
        "Run as the user who owns it, or name another one with --state",
    ),
    "unwritable": Words(
        "The state file {path} cannot be written: {reason}; nothing was ordered without it",
        "Make its folder writable for the user who runs iodcal, or free space on the disk",
    ),
    "too_new": Words(
        "The state file {path} was written by a newer iodcal ({writer})",
        "Install that version again; the file is untouched",
    ),
    "damaged": Words(
        "The state file {path} is damaged, and nothing was changed",
        "Run iodcal sync first: it sets the file aside and rebuilds the state, lowering nothing meanwhile",
    ),
    "symlink": Words(
        "The state file {path} is a symbolic link, which is not followed",
        "Name the file itself with --state or settings.state",
    ),
    "foreign_owner": Words(
        "The state file {path} belongs to another user", "Run as that user, or give the file to this one"
    ),
}


def lost(place: str) -> Words:
    """What to do where the state could not be saved in its own place after an order was taken: it stands in
    `place`, or, where that is empty, nowhere."""
    if not place:
        return Words(
            "the state could not be saved, here or elsewhere",
            "Order nothing by hand: the next sync knows that the orders above were sent, and asks the "
            "carrier what became of them",
        )
    return Words(
        f"the state could not be saved; it was written to {place}",
        "Put that file in the state's place before the next sync, or the order may be placed twice",
    )
