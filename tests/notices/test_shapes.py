"""Templates and cards: whatever stands in a notice, what goes out keeps its shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.structs import replace
from iodcal.notify import Notice, NoticeKind
from iodcal.notify.channels import card
from iodcal.notify.template import NAMES, Template, values_of

NOTICE = Notice(
    NoticeKind.PROBLEM,
    "drift:den-a",
    "warning",
    "drift (den-a)",
    "den-a runs at 1 Gbps",
    datetime(2026, 11, 24, 12, tzinfo=UTC),
    "0123456789abcdef",
    "Nothing to do",
    ("den-a",),
)
texts = st.text(max_size=60)


@given(texts, texts, st.lists(texts, max_size=3))
def test_no_value_leaves_its_place(title: str, text: str, circuits: list[str]) -> None:
    notice = replace(NOTICE, title=title, text=text, circuits=tuple(circuits))
    filled = Template.parse('{"a": [$title, {"b": $text}], "c": $circuits, "$$d": "$$title"}').fill(notice)
    assert filled == {"a": [title, {"b": text}], "c": circuits, "$d": "$title"}


def test_every_name_has_a_value_and_none_more() -> None:
    assert tuple(values_of(NOTICE)) == NAMES
    everything = "{" + ", ".join(f'"{name}": ${name}' for name in NAMES) + "}"
    assert Template.parse(everything).fill(NOTICE) == values_of(NOTICE)
    assert values_of(NOTICE)["at"] == "2026-11-24T12:00:00Z"


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4))
def test_a_card_is_plain_text_throughout(told: list[tuple[str, str, str]]) -> None:
    notices = [replace(NOTICE, title=a, text=b, remedy=c) for a, b, c in told]
    body = card(notices)["attachments"][0]["content"]["body"]
    assert {block["type"] for block in body} == {"RichTextBlock"}
    assert {run["type"] for block in body for run in block["inlines"]} == {"TextRun"}
    assert sum(bool(c) for _, _, c in told) == len(body) - 3 * len(told)


def test_a_card_never_grows_beyond_what_teams_takes() -> None:
    notices = [replace(NOTICE, text="\N{PILE OF POO}" * 3000)] * 60
    message = card(notices)
    assert len(json.dumps(message)) < 28_000
    assert "and 59 more" in json.dumps(message)
    many = card([NOTICE] * 200)
    assert len(json.dumps(many)) < 28_000
    assert "more: see iodcal status" in json.dumps(many)


def test_a_card_needs_a_notice() -> None:
    with pytest.raises(ValueError, match="needs a notice"):
        card([])
