"""HTML that is safe by its type: a text becomes a part of a page through `for_html` only. A page may show
itself, and load nothing."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.output.json import moment
from iodcal.output.text import for_line, with_zone
from iodcal.tenant import run_label

_VOID = frozenset({"br", "input", "link", "meta"})
# Style and script are named by their digests, and no element has a style of its own: what a title might
# bring along would not count.
_POLICY = (
    "default-src 'none'; style-src {style}; script-src {script}; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
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


class StyleSheet:
    """The rules that a page needs beside page.css, such as where its parts stand: each has one class, however
    many parts share it."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}

    def class_of(self, declarations: str) -> str:
        """The class of what is to look by `declarations`, which hold numbers of ours and no foreign text."""
        return self._classes.setdefault(declarations, f"a{len(self._classes)}")

    @property
    def text(self) -> str:
        return "\n".join(f".{name}{{{declarations}}}" for declarations, name in self._classes.items())


def time_tag(at: datetime, zone: ZoneInfo, *, full: bool = False) -> Html:
    """An instant as people of `zone` read it, and as machines do."""
    shown = with_zone(at, zone) if full else f"{at.astimezone(zone):%a %d %b %H:%M}"
    return tag("time", shown, datetime=moment(at))


def counted(number: int, noun: str, nouns: str = "") -> str:
    """`1 event`, `2 events`."""
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"


def section(id_: str, title: str, *parts: Child) -> Html:
    """A section under a heading of the second rank, which names it."""
    return tag("section", tag("h2", title, id=id_), *parts, aria_labelledby=id_)


def document(title: str, body: Html, sheet: StyleSheet) -> str:
    """A whole file called `title`: `body` with page.css, the rules of `sheet` and page.js."""
    style, script = f"{_file('page.css')}{sheet.text}\n", _file("page.js")
    policy = _POLICY.format(style=_digest(style), script=_digest(script))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("link", rel="icon", href=_ICON),
        tag("title", title),
        Html(f"<style>{style}</style>"),
    )
    # The script stands at the end, where what it looks for is there.
    whole = Html(body.text.removesuffix("</body>") + f"<script>{script}</script></body>")
    return f"<!doctype html>\n{tag('html', head, whole, lang='en').text}\n"


def _file(name: str) -> str:
    return files("iodcal.output.html").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
