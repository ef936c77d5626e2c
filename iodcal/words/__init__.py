"""Words for people: every fault's message and remedy, chosen once, here, from its facts.

One table per edge: `calendars`, `carriers`, `state`; a problem's words stand beside its kind, in
`iodcal.problems`. A table maps a code to `Words`, whose texts are `str.format` templates over the fault's
facts.
"""

from __future__ import annotations

from msgspec import Struct


class Words(Struct, frozen=True):
    """`message` says what is wrong, `remedy` what to do about it. Both are one line, without a full stop
    at the end of a single sentence."""

    message: str
    remedy: str
