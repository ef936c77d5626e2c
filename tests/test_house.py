"""How the code is laid out: what may import what, names that mean one thing, parts of readable size."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "iodcal"
MOST_LINES = 400
MOST_LINES_OF_FUNCTION = 50
MOST_PACKAGES_WITH_A_FILE_NAME = 3

# From the ground up: a package, or a single module, imports only what stands in a line before its own.
LAYERS = (
    ("domain",),
    ("signals", "redaction", "bounds", "paths", "memo", "actor", "tenant"),
    ("clock", "errors"),
    ("exits", "http", "foreign"),
    ("concurrency", "messages", "problems"),
    ("config", "store", "calendars", "carriers", "plugins"),
    ("analysis", "result"),
    ("pipeline", "usage"),
    ("commands", "doctor", "init"),
    ("simulation", "output"),
    ("metrics", "notify"),
    ("cli",),
)
# What stands in one line may import each other: problems and the words for them; configuration, and the kinds
# of calendars and carriers that read their own sections of it. Beyond that, arrows up, each with its reason:
ARROWS_UP = {
    ("messages", "analysis"): "words for costs are made of their figures",
    ("config", "notify"): "a target's kinds and template are read with the configuration",
    ("pipeline", "notify"): "the report names the kinds that somebody wants",
    ("commands", "notify"): "a run tells those who do not look at this host",
    ("doctor", "notify"): "tries the targets",
}


def modules() -> Mapping[str, ast.Module]:
    """Every module of the package, by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in sorted(PACKAGE.rglob("*.py"))
    }


MODULES = modules()


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The modules of ours that are imported, with each name that is taken from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "iodcal":
            yield from ((node.module or "", alias.name) for alias in node.names)


def layer_of(name: str) -> int:
    """The layer of what stands at the top: a package or a module."""
    return next(number for number, names in enumerate(LAYERS) if name in names)


def test_no_import_leads_back_up() -> None:
    up = []
    for module, tree in MODULES.items():
        package = module.split(".")[1] if "." in module else ""
        if package in ("", "__main__"):
            continue
        for source, name in imported(tree):
            other = source.split(".")[1] if "." in source else name
            if other in ("__version__", package) or (package, other) in ARROWS_UP:
                continue
            if layer_of(other) > layer_of(package):
                up.append(f"{module} imports {source}")
    assert not up


def test_no_arrow_is_allowed_that_nobody_needs() -> None:
    drawn = {
        (module.split(".")[1], source.split(".")[1])
        for module, tree in MODULES.items()
        for source, _ in imported(tree)
        if "." in module and "." in source
    }
    assert not set(ARROWS_UP) - drawn


def test_a_type_that_others_import_has_a_name_of_its_own() -> None:
    defined: defaultdict[str, set[str]] = defaultdict(set)
    for name, tree in MODULES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                defined[node.name].add(name)
    used = {name for module, tree in MODULES.items() for source, name in imported(tree) if source != module}
    twice = {name: sorted(where) for name, where in defined.items() if len(where) > 1 and name in used}
    assert not twice


def test_few_files_share_a_name() -> None:
    names = Counter(path.name for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
    assert not {name: count for name, count in names.items() if count > MOST_PACKAGES_WITH_A_FILE_NAME}


def test_modules_and_functions_can_be_read_at_a_glance() -> None:
    long = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > MOST_LINES:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
                length = node.end_lineno - node.lineno + 1
                if length > MOST_LINES_OF_FUNCTION:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
    assert not long
