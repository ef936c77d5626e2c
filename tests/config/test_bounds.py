"""Rules files made to take for ever: each is refused, or read, within a bound."""

from __future__ import annotations

from pathlib import Path
from time import thread_time

import pytest

from iodcal.config.document import parse_document
from iodcal.config.load import load_configuration
from iodcal.errors import ConfigurationError

_NINE = ",".join
BOMB = "a0: &a0 [x,x,x]\n" + "".join(f"a{n}: &a{n} [{_NINE([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
MERGES = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [{_NINE([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
TOO_MANY = "".join(f"k{number}: 1\n" for number in range(200_000))
ALIASES = "a: &a 1\nb:\n" + "- *a\n" * 200_000
SECONDS = 15.0  # of processor time; each took from 10 to 50 before there were bounds


@pytest.mark.parametrize(
    "text",
    [BOMB, MERGES, TOO_MANY, ALIASES, "a: [" + "1," * 1_000_000 + "]", "a: " + "[" * 100_000],
    ids=["anchors", "merges", "keys", "aliases", "list", "brackets"],
)
def test_a_file_with_too_many_values_is_refused_before_they_are_made(text: str) -> None:
    begun = thread_time()
    with pytest.raises(ConfigurationError) as caught:
        parse_document(Path("rules.yaml"), text.encode(), {})
    assert len(caught.value.faults) == 1
    assert thread_time() - begun < SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "k: 1\n" * 10_000,
        'a: "' + "${NOT_SET}" * 100_000 + '"',
        "? [1]\n: 2\n" * 10_000,
        "a:\n" + "- !x 1\n" * 9_000,
    ],
    ids=["a key again", "variables", "keys that are lists", "tags"],
)
def test_of_very_many_faults_the_first_hundred_are_told(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_document(Path("rules.yaml"), text.encode(), {})
    assert len(caught.value.faults) == 100


def test_of_very_many_unknown_keys_the_first_hundred_are_told(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\n" + "".join(f"circuitz{number}: 1\n" for number in range(20_000)))
    begun = thread_time()
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(rules)
    assert len(caught.value.faults) == 100
    assert thread_time() - begun < SECONDS
