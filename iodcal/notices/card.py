"""Notices as an adaptive card, the way a Teams workflow's webhook takes them.

Every text goes into a `TextRun`, where Markdown is not read: a title cannot make a link or a mention.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from iodcal.notices import Notice

_MOST_BYTES = 24_000  # Teams refuses more than about 28 KB, its own envelope included
_LONGEST_TEXT = 2000
_COLOURS = {"error": "Attention", "warning": "Warning", "info": "Default"}


def card(notices: Sequence[Notice]) -> dict[str, Any]:
    """The message with all of `notices`, or with as many as fit and how many do not."""
    for shown in range(len(notices), 0, -1):
        message = _message(notices, shown)
        if len(json.dumps(message)) <= _MOST_BYTES or shown == 1:
            return message
    raise ValueError("a card needs a notice")


def _message(notices: Sequence[Notice], shown: int) -> dict[str, Any]:
    body = [block for notice in notices[:shown] for block in _blocks(notice)]
    if shown < len(notices):
        body.append(_block(f"and {len(notices) - shown} more: see iodcal status", isSubtle=True))
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": content,
    }
    return {"type": "message", "attachments": [attachment]}


def _blocks(notice: Notice) -> list[dict[str, Any]]:
    colour = _COLOURS.get(notice.severity, "Default")
    blocks = [_block(notice.title, weight="Bolder", color=colour), _block(notice.text)]
    if notice.remedy:
        blocks.append(_block(notice.remedy, italic=True))
    return [*blocks, _block(f"run {notice.run_id}", isSubtle=True, size="Small")]


def _block(text: str, **look: object) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text[:_LONGEST_TEXT], **look}]}
