"""What the site adds to a page: what kind it is; and links to folders, which a site has as pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_KINDS = {
    "docs/tutorial/": "Tutorial: to learn by doing, from the first line to the last",
    "docs/how-to/": "How-to: the steps to one aim, for those who know the basics",
    "docs/reference/": "Reference: everything, to look up",
    "docs/explanation/": "Explanation: why it is so, to read at leisure",
    "docs/contributing/": "For contributors",
}
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:  # noqa: ARG001 - mkdocs names them
    """The Markdown of a page as the site shows it. What to read next stands below each, by the theme."""
    here = (Path(config["docs_dir"]) / page.file.src_uri).parent

    def lead_to_page(found: re.Match[str]) -> str:
        return f"]({found[1].rstrip('/')}/README.md)" if (here / found[1]).is_dir() else found[0]

    markdown = _LINK.sub(lead_to_page, markdown)
    kind = next((words for folder, words in _KINDS.items() if page.file.src_uri.startswith(folder)), None)
    return (
        re.sub(r"^(# .+)$", rf"\1\n\n*{kind}.*", markdown, count=1, flags=re.MULTILINE) if kind else markdown
    )
