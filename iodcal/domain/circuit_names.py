"""Which circuits an event names: circuits, sites and service IDs as whole words in its texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache, reduce
from operator import or_

from iodcal.domain.circuits import Circuit
from iodcal.domain.events import Event, NamedCircuits
from iodcal.domain.text_match import Keyword, normalise_text, split_words


class NameBook:
    """What circuits are called: by their names, their service IDs, and those of a site by the site's."""

    def __init__(self, circuits: Iterable[Circuit]) -> None:
        self._meant: defaultdict[str, NamedCircuits] = defaultdict(NamedCircuits)
        self._by_word: defaultdict[str, set[str]] = defaultdict(set)
        for circuit in circuits:
            itself = NamedCircuits(circuits=frozenset({circuit.key}))
            self._add(circuit.name, itself)
            self._add(circuit.service_id, itself)
            if circuit.site is not None:
                self._add(circuit.site, NamedCircuits(sites=frozenset({circuit.site})))

    def _add(self, name: str, meant: NamedCircuits) -> None:
        normal = normalise_text(name)
        if normal:  # of dashes alone there is nothing to look for
            self._meant[normal] |= meant
            # Any of its words tells where it may be; the longest is the rarest.
            self._by_word[max(split_words(normal), key=len, default="")].add(normal)

    def named_in(self, event: Event) -> NamedCircuits:
        """What `event` names in its subject, its locations and its categories."""
        texts = (event.subject, *event.locations, *event.categories)
        found = (self._meant[name] for text in texts for name in self._names_in(normalise_text(text)))
        return reduce(or_, found, NamedCircuits())

    def _names_in(self, text: str) -> Iterator[str]:
        """The names in a normalised text; not those within a longer one: `den-a` is not the site `den`."""
        near = {name for word in ("", *split_words(text)) for name in self._by_word.get(word, ())}
        hits = [(start, -end, name) for name in near for start, end in _keyword(name).places_in(text)]
        widest = (0, 0)
        for start, before, name in sorted(hits):
            end = -before
            if end > widest[1]:
                widest = (start, end)
            if (start, end) == widest:
                yield name


def names_circuit(named: NamedCircuits, circuit: Circuit) -> bool:
    """True if `circuit` is among what is `named`, itself or by its site."""
    return circuit.key in named.circuits or circuit.site in named.sites


@lru_cache(maxsize=4096)
def _keyword(name: str) -> Keyword:
    return Keyword(name)
