"""Which installation a state belongs to."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct


class Installation(Struct, frozen=True):
    """One customer's iodcal: its name, whether `settings.name` gave that (else the place of the rules file
    did), and the rules file."""

    name: str
    given: bool
    rules: str

    def may_use(self, owner: Installation | None, known: Collection[str], ours: Collection[str]) -> bool:
        """False where a state of `owner` is a stranger's to this installation. `known` are the circuits in
        it, `ours` the configured ones, by key.

        A name that was given stays until a person renames it. One that comes from a place changes with the
        place: then the circuits tell, of which two installations have none in common. A state without an
        owner is from before there were any."""
        if owner is None:
            return True
        if owner.name == self.name and (self.given or owner.rules == self.rules):
            return True
        if owner.given and owner.name != self.name:
            return False
        return not known or not set(known).isdisjoint(ours)
