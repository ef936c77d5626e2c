"""HTML that is safe by its type: a text becomes a part of a page through `for_html` only. A page may show
itself, and load nothing."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TypeAlias

from msgspec import Struct

from iodcal.output.text import for_line
from iodcal.tenant import run_label

_VOID = frozenset({"br", "link", "meta"})
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M1 15V9h4V3h6v6h4v6z' fill='%233f86c1'/%3E%3C/svg%3E"
)


class Html(Struct, frozen=True):
    """A piece of a page; its text is markup already, made by `tag` or written by us."""

    text: str


Child: TypeAlias = Html | str | int | None
Attribute: TypeAlias = str | int | bool | None


def for_html(text: str) -> str:
    """`text` for HTML, as content or as an attribute in double quotes: no markup, and no mark that turns the
    line round. Where it begins or ends with white space, one space stays: it parts words of two elements."""
    shown = escape(for_line(text), quote=True)
    before, after = " " if text[:1].isspace() else "", " " if text[-1:].isspace() else ""
    return f"{before}{shown}{after}" if shown else before


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """One element. Texts are escaped, None is left out, as are attributes that are None or False. In names of
    attributes `_` stands for `-`, and one at the end is dropped: `class_`, `aria_label`."""
    shown = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{shown}>")
    inside = "".join(_child(child) for child in children)
    return Html(f"<{name}{shown}>{inside}</{name}>")


def together(*children: Child) -> Html:
    """Several pieces as one."""
    return Html("".join(_child(child) for child in children))


def _child(child: Child) -> str:
    if child is None:
        return ""
    return child.text if isinstance(child, Html) else for_html(str(child))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{for_html(str(value))}"'


def installation() -> str:
    """Whose page this is, for its title and its heading."""
    return run_label().installation or "iodcal"


def head(title: str, *styles: str) -> Html:
    """The `head` of a page called `title`, with page.css and further files beside it."""
    sheets = ("page.css", *styles)
    style = "\n".join(
        files("iodcal.output.html").joinpath(name).read_text(encoding="utf-8") for name in sheets
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("link", rel="icon", href=_ICON),
        tag("title", title),
        Html(f"<style>\n{style}</style>"),
    )
