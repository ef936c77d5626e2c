"""Writes the manual pages and the shells' completions, from what the command line itself says.

`python packaging/manual.py FOLDER` fills FOLDER as /usr/share is laid out. Commands, options and examples are
the parser's; exit statuses, environment variables and files come from the tables of docs/reference.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typer
from typer.completion import get_completion_script

from iodcal import __version__
from iodcal.cli.app import application

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
_SHORT = "order internet bandwidth up and down for calendar events"
_COMPLETIONS = {
    "bash": "bash-completion/completions/iodcal",
    "zsh": "zsh/site-functions/_iodcal",
    "fish": "fish/vendor_completions.d/iodcal.fish",
}
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def pages() -> dict[str, str]:
    """Every page by its file's name: `iodcal.1`, and one for each command."""
    return {
        "iodcal.1": _main_page(),
        **{_name_of(words) + ".1": _page(words, one) for words, one in commands()},
    }


def commands(above: Any = None, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with its words: `sync`, or `fleet`, `sync`."""
    for name, command in (above or _program()).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *words, name)
        elif not command.hidden:
            yield (*words, name), command


def completions() -> dict[str, str]:
    """The completion of each shell, by its place below /usr/share."""
    return {
        place: get_completion_script(prog_name="iodcal", complete_var="_IODCAL_COMPLETE", shell=shell) + "\n"
        for shell, place in _COMPLETIONS.items()
    }


def _main_page() -> str:
    program = _program()
    listed = (_item(_reference(words), command.short_help) for words, command in commands())
    parts = [
        _heading("iodcal", _SHORT),
        _section("SYNOPSIS", f"{_bold('iodcal')} [options] {_italic('COMMAND')} [options] [arguments]"),
        _section("DESCRIPTION", _prose(program.help), ".PP\n", _prose(_WHAT_IT_IS)),
        _section("COMMANDS", *listed),
        _section(
            "OPTIONS", _prose("They may stand before or behind the command's name."), *_options(program)
        ),
        *_common_sections(),
        _section("EXAMPLES", *map(_example, ("iodcal check", "iodcal plan --cached", "iodcal sync"))),
        _section("SEE ALSO", ", ".join(_reference(words) for words, _ in commands())),
    ]
    return "".join(parts)


def _page(words: tuple[str, ...], command: Any) -> str:
    context = _context(command)
    arguments = [
        _item(_italic(one.make_metavar(context)), one.help)
        for one in command.params
        if one.param_type_name == "argument" and one.help
    ]
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [
        _heading(_name_of(words), command.short_help.rstrip(".")),
        _section("SYNOPSIS", f"{_bold(' '.join(('iodcal', *words)))} {_text(usage)}"),
        _section("DESCRIPTION", _prose(command.help)),
        _section("ARGUMENTS", *arguments) if arguments else "",
        _section("OPTIONS", *_options(command)),
        *_common_sections(),
        _section("EXAMPLES", _example(command.epilog.removeprefix("Example: "))),
        _section("SEE ALSO", f"{_bold('iodcal')}(1)"),
    ]
    return "".join(parts)


def _name_of(words: Sequence[str]) -> str:
    return "-".join(("iodcal", *words))


def _reference(words: Sequence[str]) -> str:
    return f"{_bold(_name_of(words))}(1)"


_WHAT_IT_IS = (
    "It runs from cron or a systemd timer. Each run reads the designated calendars, lays what the rules take "
    "from them over each circuit's recurring schedule, compares that with what is ordered, and orders only "
    "the changes that are needed now."
)
_WHERE = "They may stand before or behind the command's name."
_FILES = (
    ("/etc/iodcal/rules.yaml", "The rules, where no other file is named: ./rules.yaml comes before it."),
    ("/etc/iodcal/secrets/", "By custom the secrets that the rules name as files or credentials."),
    ("/var/lib/iodcal/state.json", "What is known and open, for rules below /etc; for others see --state."),
    ("/var/lib/iodcal/history.jsonl", "What was ordered and why, beside the state, month by month."),
)


def _common_sections() -> Iterator[str]:
    yield _section("EXIT STATUS", _prose("The first that applies:"), *_rows("command-line.md", "Exit status"))
    yield _section("ENVIRONMENT", *_rows("environment.md", ""))
    yield _section("FILES", *(_item(_italic(place), words) for place, words in _FILES))


@cache
def _program() -> Any:
    """The whole command line. Its types are of a module that typer keeps private."""
    return typer.main.get_command(application())


def _context(command: Any) -> Any:
    return typer.Context(command, info_name=command.name, **_program().context_settings)


def _options(command: Any) -> Iterator[str]:
    """The options of a command, hidden ones too: a page has the room that a screen has not."""
    context = _context(command)
    for option in command.get_params(context):
        if option.param_type_name != "option":
            continue
        hidden, option.hidden = option.hidden, False
        named, words = option.get_help_record(context)
        option.hidden = hidden
        yield _item(_named(named), words)


def _named(text: str) -> str:
    """`-c, --config FILE` with names in bold and values in italics."""
    words = re.split(r"(?<=[^,]) ", text)
    return " ".join(_bold(word) if word.startswith("-") else _italic(word) for word in words)


def _rows(page: str, heading: str) -> Iterator[str]:
    """The tables of a page of the reference, below a heading or all."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    part = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0] if heading else text
    for line in part.splitlines():
        first, *others = (cell.strip() for cell in line.strip("|").split(" | "))
        if line.startswith("| ") and first not in ("status", "variable"):
            yield _item(_bold(first.replace("`", "")), " ".join(others))


def _heading(name: str, short: str) -> str:
    escaped = name.replace("-", r"\-")
    title = f'.TH "{name.upper()}" "1" "" "iodcal {__version__}" "iodcal"'
    return f"{title}\n.SH NAME\n{escaped} \\- {_text(short)}\n"


def _section(name: str, *parts: str) -> str:
    return f".SH {name}\n" + "".join(part if part.endswith("\n") else part + "\n" for part in parts)


def _item(term: str, words: str | None) -> str:
    return f".TP\n{term}\n{_text(words or '')}\n"


def _prose(words: str | None) -> str:
    return _text(" ".join((words or "").split())) + "\n"


def _example(line: str) -> str:
    return f".RS 4\n.nf\n$ {_text(line)}\n.fi\n.RE\n"


def _bold(text: str) -> str:
    return rf"\fB{_text(text)}\fR"


def _italic(text: str) -> str:
    return rf"\fI{_text(text)}\fR"


def _text(text: str) -> str:
    """`text` without Markdown's marks, with nothing that roff would obey, and hyphens that can be copied."""
    plain = _LINK.sub(r"\1", text).replace("`", "").replace(r"\|", "|")
    escaped = plain.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return r"\&" + escaped if escaped.startswith((".", "\\(aq")) else escaped


def write(folder: Path) -> None:
    """Puts pages and completions below `folder`, as /usr/share is laid out."""
    named = {f"man/man1/{name}": text for name, text in pages().items()}
    for place, text in {**named, **completions()}.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Writes them all into the folder that is named."""
    parser = argparse.ArgumentParser(description="Writes manual pages and completions.")
    parser.add_argument("folder", type=Path)
    write(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main(sys.argv[1:])
