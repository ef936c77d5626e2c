"""Lumen's errors come in many envelopes; from each the first text that says something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iodcal.http import Answer, AnswerError

_TEXTS = ("reason", "message", "detail", "title", "Error", "error_description", "error")
_INNER = ("exception", "errors", "error")
_MOST = 300
_DEPTH = 4


def error_text(answer: Answer) -> str:
    """What an answer says is wrong, cut and without control characters; its first words where it is no
    JSON."""
    try:
        document = answer.json()
    except AnswerError:
        return answer.first_words or "no text"
    text = next(_texts(document, _DEPTH), "no text")
    return "".join(character if character.isprintable() else " " for character in text)[:_MOST]


def all_text(answer: Answer) -> str:
    """Everything that an answer says, for looking for a phrase."""
    return answer.body[:65536].decode("utf-8", errors="replace").casefold()


def _texts(document: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(document, list):
        for entry in document[:5]:
            yield from _texts(entry, depth - 1)
    if not isinstance(document, dict):
        return
    for name in _TEXTS:
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            yield value.strip()
    for name in _INNER:
        yield from _texts(document.get(name), depth - 1)
