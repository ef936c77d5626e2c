"""Prometheus' own parser reads what we write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from iodcal.metrics import families as f
from iodcal.metrics.families import (
    Sample,
    blocks_of,
    escape_text,
    exposition,
    installation_in,
    value_in,
    whole_text,
)
from iodcal.output.text import for_label

HOSTILE = 'a"b\\c\nd} 1\n# TYPE x counter\r\n\u202ex{y="z"} \x1b[31m'


def read_back(samples: list[Sample]) -> list[tuple[str, dict[str, str], float]]:
    text = whole_text(exposition(samples, "acme"))
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def test_a_hostile_label_stays_a_label() -> None:
    ((name, labels, value),) = read_back([Sample(f.OPEN, 1, (HOSTILE,))])
    assert (name, value) == (f.OPEN.name, 1)
    assert labels["circuit"] == 'a"b\\c d} 1 # TYPE x counter  \ufffdx{y="z"} \ufffd[31m'


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.floats(-1e12, 1e12))
def test_every_label_and_value_comes_back(text: str, value: float) -> None:
    ((_, labels, read),) = read_back([Sample(f.LEAD_LEFT, value, (text,))])
    assert read == value
    assert labels["circuit"] == for_label(text)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_an_escaped_label_is_one_line_and_ends_no_quote(text: str) -> None:
    shown = escape_text(text)
    assert len(shown.splitlines()) <= 1
    assert '"' not in shown.replace(r"\\", "").replace(r"\"", "")


def test_help_and_type_come_once_and_before_their_samples() -> None:
    text = whole_text(
        exposition([Sample(f.OPEN, 1, ("b",)), Sample(f.EXIT, 0), Sample(f.OPEN, 0, ("a",))], "acme")
    )
    lines = text.splitlines()
    assert lines[0] == f"# HELP {f.EXIT.name} {f.EXIT.help}"
    assert lines[1:3] == [f"# TYPE {f.EXIT.name} gauge", f'{f.EXIT.name}{{installation="acme"}} 0']
    assert lines[5:] == [
        f'{f.OPEN.name}{{circuit="b",installation="acme"}} 1',
        f'{f.OPEN.name}{{circuit="a",installation="acme"}} 0',
    ]


def test_what_was_written_is_read_as_families() -> None:
    blocks = exposition([Sample(f.SUCCESS, 1764000000.5), Sample(f.OPEN, 1, ("# HELP x y",))], "acme")
    assert blocks_of(whole_text(blocks)) == blocks
    assert value_in(blocks[f.SUCCESS.name]) == 1764000000.5


@pytest.mark.parametrize("text", ["", "nonsense", "# HELP ", "iodcal_x 1.2.3\n", "# HELP a"])
def test_a_damaged_file_is_none_of_ours(text: str) -> None:
    assert whole_text(blocks_of(text)) == ""
    assert value_in(text) is None


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_the_installations_name_comes_back(name: str) -> None:
    blocks = exposition([Sample(f.BUILD, 1, ('x",installation="y',))], name)
    assert installation_in(blocks[f.BUILD.name]) == (for_label(name) or None)


def test_files_of_two_installations_share_no_series() -> None:
    def series(name: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
        text = whole_text(exposition([Sample(f.EXIT, 0), Sample(f.OPEN, 1, ("den-a",))], name))
        families = text_string_to_metric_families(text)
        return {(s.name, tuple(s.labels.items())) for family in families for s in family.samples}

    assert series("acme").isdisjoint(series("globex"))


def test_a_file_of_before_names_no_installation() -> None:
    assert installation_in('# HELP x y\nx{version="0.1.0"} 1\n') is None
