"""To whom a state belongs."""

from __future__ import annotations

import pytest

from iodcal.domain.installation import Installation

ACME = Installation("acme", given=False, rules="/srv/acme.yaml")
NAMED = Installation("acme", given=True, rules="/srv/acme.yaml")
BETA = Installation("beta", given=False, rules="/srv/beta.yaml")
NAMED_BETA = Installation("beta", given=True, rules="/srv/beta.yaml")
OURS, BOTH, THEIRS, NONE = {"lumen|1"}, {"lumen|1", "lumen|2"}, {"lumen|2"}, set[str]()


@pytest.mark.parametrize(
    ("state", "known", "installation", "may"),
    [
        (None, THEIRS, ACME, True),  # from before there were names
        (ACME, THEIRS, ACME, True),  # every circuit was replaced
        (ACME, THEIRS, Installation("acme", given=False, rules="/home/acme.yaml"), False),
        (ACME, BOTH, Installation("acme", given=False, rules="/home/acme.yaml"), True),  # moved
        (ACME, OURS, BETA, True),  # renamed file
        (ACME, THEIRS, BETA, False),  # two customers
        (ACME, NONE, BETA, True),  # nothing is known yet
        (ACME, OURS, NAMED_BETA, True),  # named for the first time
        (ACME, THEIRS, NAMED_BETA, False),
        (NAMED, OURS, NAMED_BETA, False),  # a rename is a command
        (NAMED, OURS, BETA, False),
        (NAMED, NONE, NAMED_BETA, False),
        (NAMED, THEIRS, Installation("acme", given=True, rules="/elsewhere.yaml"), True),
        (NAMED, OURS, Installation("acme", given=False, rules="/elsewhere/acme.yaml"), True),
        (NAMED, THEIRS, Installation("acme", given=False, rules="/elsewhere/acme.yaml"), False),
    ],
)
def test_a_name_that_was_given_stays_and_one_of_a_place_goes_by_the_circuits(
    state: Installation | None, known: set[str], installation: Installation, *, may: bool
) -> None:
    assert installation.may_use(state, known, OURS) is may
