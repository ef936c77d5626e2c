"""What `check` warns of where conditions name words of calendars: those that none is known to use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iodcal.config.build import Builder
from iodcal.config.document import KeyPath
from iodcal.config.fields import nearest
from iodcal.domain.events import SENSITIVITIES, SHOWN_AS


def doubts_about_words(builder: Builder) -> Iterator[tuple[KeyPath, str]]:
    """The unknown words of `show_as` and `sensitivity`."""
    for number, rule in enumerate(builder.file.rules):
        path: KeyPath = ("rules", number, "match")
        yield from _unknown(rule.match.show_as, SHOWN_AS, (*path, "show_as"))
        yield from _unknown(rule.match.sensitivity, SENSITIVITIES, (*path, "sensitivity"))


def _unknown(words: Iterable[str], known: Iterable[str], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    spelt = {word.casefold(): word for word in known}
    for word in words:
        if word.casefold() not in spelt:
            near = nearest(word.casefold(), spelt.values())
            yield (
                path,
                f"{word!r} is not among {', '.join(spelt.values())}: no calendar is known to use it{near}",
            )
