"""Asking a person at the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from iodcal.carriers import Listed
    from iodcal.errors import CalendarError, CarrierError


class TerminalAsker:
    """The `Asker` of `iodcal init`: explains, asks, and shows what the trials say."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, code: str, **facts: str) -> None:
        from rich.text import Text

        from iodcal.output.text import for_line
        from iodcal.words.setup import SAID

        heading = code.startswith("stage_")
        if heading:
            self._console.print()
        told = for_line(SAID[code].format(**facts))
        self._console.print(Text(told, style="bold" if heading else ""))

    def ask(self, key: str, default: str | None, **facts: str) -> str:
        from rich.text import Text

        from iodcal.words.setup import QUESTIONS

        text, why = QUESTIONS[key]
        if why:
            self._console.print(Text(f"  {why}", style="dim"))
        asked = text.format(**facts)
        return str(typer.prompt(asked, default=default, show_default=bool(default)))

    def show(self, listed: Sequence[Listed]) -> None:
        from iodcal.output.operations import circuits_table

        self._console.print(circuits_table(listed))

    def trouble(self, error: CalendarError | CarrierError) -> None:
        from rich.text import Text

        from iodcal.output.text import for_line
        from iodcal.words.errors import of_edge

        words = of_edge(error)
        self._console.print(Text.assemble(("error  ", "bold red"), for_line(words.message)))
        self._console.print(Text(f"       -> {for_line(words.remedy)}"))
