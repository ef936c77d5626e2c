"""`iodcal help`: the documentation of the very version that runs, from the package itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from iodcal.cli.declare import command
from iodcal.cli.session import CommandSession
from iodcal.exits import Exit

_PACKAGE = Path(__file__).parent.parent
# In the wheel the pages stand in the package, in a checkout beside it.
_PLACES = (_PACKAGE / "docs", _PACKAGE.parent / "docs")
_FOLDERS = ("tutorial", "how-to", "reference", "explanation")
_WIDEST = 100  # columns of prose
_ALSO = {"2am": "two-in-the-morning", "oncall": "two-in-the-morning", "start": "first-change"}


def pages() -> Mapping[str, Path]:
    """Every page by its name, such as `two-in-the-morning`; none where the documentation was left out."""
    place = next((place for place in _PLACES if (place / "reference").is_dir()), None)
    if place is None:
        return {}
    return {page.stem: page for folder in _FOLDERS for page in sorted((place / folder).glob("*.md"))}


def topics(_: typer.Context, incomplete: str) -> list[str]:
    """For completion: the names of pages that begin so."""
    return [name for name in (*pages(), *_ALSO) if name.startswith(incomplete)]


@command("Read the documentation of this version.", "iodcal help 2am", name="help")
def help_(
    session: CommandSession,
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC", help="A page, such as 2am or costs; or a command.", autocompletion=topics
        ),
    ] = None,
) -> int:
    """Read the documentation of this very version; without a topic, list its pages. On a terminal it opens
    in a pager."""
    from iodcal.cli.app import COMMANDS

    found = pages()
    if topic is None:
        sys.stdout.writelines(f"{line}\n" for line in _contents(found))
        return Exit.OK
    page = found.get(_ALSO.get(topic.casefold(), topic.casefold()))
    if page is not None:
        _show(session, page.read_text(encoding="utf-8"))
        return Exit.OK
    if topic in COMMANDS:
        from iodcal.cli.app import application

        arguments = [topic, "--help"]
        return int(typer.main.get_command(application(arguments)).main(arguments, "iodcal") or Exit.OK)
    from iodcal.config.fields import closest_word
    from iodcal.errors import UsageError

    raise UsageError("no_such_topic", topic=topic, near=closest_word(topic, [*found, *_ALSO, *COMMANDS]))


def _contents(found: Mapping[str, Path]) -> Iterator[str]:
    for folder in _FOLDERS:
        yield folder.capitalize()
        for name, page in found.items():
            if page.parent.name == folder:
                yield f"  {name:24} {_title(page)}"
    if found:
        place = next(iter(found.values())).parents[1]
        yield f"Names for short: {', '.join(_ALSO)}. The pages stand in {place}"


def _title(page: Path) -> str:
    lines = page.read_text(encoding="utf-8").splitlines()
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), "")


def _show(session: CommandSession, text: str) -> None:
    """As it is written; on a terminal laid out, and in the pager that `$PAGER` names."""
    if not session.terminal:
        sys.stdout.write(text)
        return
    from rich.markdown import Markdown

    os.environ.setdefault("LESS", "-FRX")  # ends by itself after a short page, and takes colours
    os.environ["LESSSECURE"] = "1"  # behind sudo a pager must not start a shell
    console = session.console()
    with console.pager(styles=not session.plain):
        console.print(Markdown(text), width=min(console.width, _WIDEST))
