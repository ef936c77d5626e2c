"""What every page begins with: its policy, style and title. It may show itself, and load nothing."""

from __future__ import annotations

from importlib.resources import files

from iodcal.render.html import Html, tag

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M1 15V9h4V3h6v6h4v6z' fill='%233f86c1'/%3E%3C/svg%3E"
)


def head(title: str, *styles: str) -> Html:
    """The `head` of a page called `title`, with page.css and further files of `iodcal.render`."""
    sheets = ("page.css", *styles)
    style = "\n".join(files("iodcal.render").joinpath(name).read_text(encoding="utf-8") for name in sheets)
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
