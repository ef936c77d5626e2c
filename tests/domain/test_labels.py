"""Labels: the last layer counts, in order of name."""

from __future__ import annotations

from iodcal.domain.circuits import labels_of


def test_the_last_layer_counts() -> None:
    assert labels_of() == ()
    assert labels_of({"b": "1", "a": "1"}, {}, {"b": "2"}) == (("a", "1"), ("b", "2"))
