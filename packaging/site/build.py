"""The documentation as a site, from the same Markdown that the repository and `iodcal help` show.

`python packaging/site/build.py FOLDER` writes FOLDER/VERSION, and beside it the list of versions that are
there and a page that leads to this one. Links are checked strictly, and nothing is loaded from elsewhere.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.commands.build import build
from mkdocs.config import load_config

from iodcal import __version__

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "rules.yaml")
_ELSEWHERE = re.compile(
    r"""(?:<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)|@import|url)"""
    r"""\s*[=(]\s*["']?(?:https?:)?//"""
)


def stage(folder: Path) -> None:
    """Copies what the site shows, laid out as in the repository, so that every link keeps its meaning."""
    for name in PAGES:
        shutil.copy(ROOT / name, folder)
    for name in ("docs", "examples"):
        unwanted = shutil.ignore_patterns("__pycache__", "*.py", "*.egg-info", ".*")
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    shutil.copy(HERE / "wide.css", folder)
    for place in [folder / "examples", *(folder / "examples").rglob("*")]:
        if place.is_dir() and not (place / "README.md").exists():
            shown = sorted(one.name + "/README.md" * one.is_dir() for one in place.iterdir())
            title = place.relative_to(folder)
            lines = [f"# {title}", "", *(f"- [{name.removesuffix('/README.md')}]({name})" for name in shown)]
            (place / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def navigation(folder: Path) -> list[dict[str, Any]]:
    """The pages in the order of docs/README.md, which names each; with what stands at the top."""
    parts: dict[str, list[dict[str, str]]] = {}
    index = (folder / "docs" / "README.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        for line in text.splitlines():
            for found in re.finditer(r"\[([^]]+)\]\(([^)#]+\.md)(?:#[^)]*)?\)", line):
                place = f"docs/{found[2]}"
                known = [one for part in parts.values() for entry in part for one in entry.values()]
                if not found[2].startswith("..") and place not in known:
                    name = heading(folder / place)
                    parts.setdefault(title, []).append({name: place})
    about = [{heading(folder / name): name} for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [
        {"iodcal": "README.md"},
        {"Documentation": "docs/README.md"},
        *({title: pages} for title, pages in parts.items()),
        {"Examples": "examples/README.md"},
        {"About": about},
    ]


def heading(page: Path) -> str:
    """The title of a page."""
    found = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if found is None:
        raise SystemExit(f"{page} has no title")
    return found[1]


def loads_from_elsewhere(folder: Path) -> list[str]:
    """Each page or style sheet that has a browser load something from another host."""
    texts = (path for path in folder.rglob("*") if path.suffix in (".html", ".css"))
    return [str(path.relative_to(folder)) for path in texts if _ELSEWHERE.search(path.read_text("utf-8"))]


def write_versions(folder: Path) -> None:
    """The versions that are in `folder`, the newest first, as the theme's selector reads them."""

    def order(name: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", name)]

    names = sorted((one.name for one in folder.iterdir() if (one / "index.html").exists()), key=order)[::-1]
    versions = [
        {"version": name, "title": name, "aliases": ["latest"] if name == names[0] else []} for name in names
    ]
    (folder / "versions.json").write_text(json.dumps(versions) + "\n", encoding="utf-8")
    (folder / "index.html").write_text(
        f'<!doctype html><meta charset="utf-8"><title>iodcal</title>'
        f'<meta http-equiv="refresh" content="0; url={names[0]}/">'
        f'<a href="{names[0]}/">iodcal {names[0]}</a>\n',
        encoding="utf-8",
    )


def main() -> None:
    """Builds; ends with 1 where a link leads nowhere, or anything would be loaded from elsewhere."""
    out = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "source"
        source.mkdir()
        stage(source)
        site = out / __version__
        config = load_config(
            str(HERE / "mkdocs.yml"),
            docs_dir=str(source),
            site_dir=str(site),
            nav=navigation(source),
            site_name=f"iodcal {__version__}",
            strict=True,
        )
        build(config)
    if elsewhere := loads_from_elsewhere(site):
        raise SystemExit(f"loads something from elsewhere: {', '.join(elsewhere)}")
    write_versions(out)
    sys.stdout.write(f"{sum(1 for _ in site.rglob('*.html'))} pages in {site}\n")


if __name__ == "__main__":
    main()
