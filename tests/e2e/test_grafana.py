"""The dashboard: every query of it answered by a real Prometheus, from files that the real command wrote."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.e2e.command import ROOT
from tests.e2e.conftest import World
from tests.e2e.test_metrics import configure
from tests.servers.prometheus import Prometheus, need_prometheus

DASHBOARD = json.loads((ROOT / "examples" / "grafana" / "iodcal.json").read_text(encoding="utf-8"))
_VARIABLE = re.compile(r"\$\{?(\w+)")
_SELECTOR = re.compile(r"(iodcal_\w+)(\{[^}]*\})?")


def queries() -> Iterator[tuple[str, str]]:
    """Each query with what it is of."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for note in DASHBOARD["annotations"]["list"]:
        yield note["name"], note["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"]["query"])
            assert metric is not None
            yield variable["name"], metric[1]


def test_every_query_asks_for_the_installation() -> None:
    for name, expr in queries():
        for metric, selector in _SELECTOR.findall(expr):
            assert "installation" in selector or name == "installation", (name, metric)


def test_every_variable_is_declared() -> None:
    declared = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert set(_VARIABLE.findall(json.dumps(DASHBOARD))) <= {*declared, "__all"}
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in DASHBOARD["panels"])


def samples(text: str, at: float) -> Iterator[str]:
    """The lines of a metrics file, as if they had been scraped at `at`."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield f"{line} {at:.3f}"


def in_families(lines: list[str]) -> list[str]:
    """OpenMetrics wants the samples of one family together, in order of time."""
    names = dict.fromkeys(re.match(r"\w+", line)[0] for line in lines)  # type: ignore[index]  # all have one
    grouped: dict[str, dict[str, list[str]]] = {name: {} for name in names}
    for line in lines:
        series = line.rsplit(" ", 2)[0]
        grouped[re.match(r"\w+", line)[0]].setdefault(series, []).append(line)  # type: ignore[index]
    found = []
    for name, series_lines in grouped.items():
        found.append(f"# TYPE {name} gauge")
        found += [line for own in series_lines.values() for line in own]
    return found


def ask(url: str, expr: str, at: float) -> Any:
    query = urllib.parse.urlencode({"query": expr, "time": f"{at:.3f}"})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=30) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def test_a_real_prometheus_answers_every_query(world: World, tmp_path: Path) -> None:
    need_prometheus()
    path = configure(world)
    rules = (world.iodcal.folder / "rules.yaml").read_text()
    secret = "client_secret: {env: IODCAL_CLIENT_SECRET"
    world.iodcal.write("rules.yaml", rules.replace(secret, f"{secret}, expires: 2099-01-01"))
    assert world.iodcal("sync").status == 0
    quiet = path.read_text(encoding="utf-8")
    world.meeting("All-Hands", 20, 60)
    assert world.iodcal("sync").status == 0
    ordered = path.read_text(encoding="utf-8")
    world.ahead = timedelta(minutes=8)
    assert world.iodcal("sync").status == 0
    confirmed = path.read_text(encoding="utf-8")
    now = path.stat().st_mtime
    files = ((-4, quiet), (-3, ordered), (-2, ordered), (-1, confirmed), (0, confirmed))
    scraped = [line for minutes, text in files for line in samples(text, now + minutes * 60)]
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with Prometheus(folder, in_families(scraped)) as server:
        for name, expr in queries():
            filled = expr.replace("$installation", ".*").replace("$circuit", ".*")
            assert "$" not in filled
            answer = ask(server.url, filled, now + 1)
            assert answer["status"] == "success", (name, answer)
            assert answer["data"]["result"], (name, filled)
