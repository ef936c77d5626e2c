"""Many customers in one process, with the real command and local servers."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from iodcal.commands.fleet import Shard, find_tenants, worst
from iodcal.errors import UsageError
from iodcal.exits import Exit
from tests.e2e.command import Done, Iodcal
from tests.e2e.conftest import World
from tests.servers.lumen import FakeCircuit
from tests.servers.tls import LocalServer, Reply, Request

_GO = threading.Event()
OWN = """\
version: 1
extends: ../common.yaml
settings: {{name: {name}, labels: {{region: {region}}}}}
circuits: {{den-a: {{site: den, service_id: "{service}"}}}}
"""
DEAD = "carriers: {lumen: {base_url: 'http://127.0.0.1:9'}}\n"
NO_SECRET = "microsoft365: {client_secret: {env: NOBODY_SET_THIS}}\n"


def common(world: World) -> None:
    """What all tenants share, made of the fixture's rules."""
    text = (world.iodcal.folder / "rules.yaml").read_text()
    head, _, rest = text.partition("circuits:\n")
    _, _, rules = rest.partition("rules:\n")
    rules = rules.partition("  - name: Network operations")[0]
    world.iodcal.write("fleet/common.yaml", f"{head}rules:\n{rules}")


def tenant(world: World, number: int, more: str = "") -> str:
    """One tenant with a circuit of its own; its name."""
    name, service = f"t{number:02}", f"770000001{number:02}"
    world.lumen.circuits[service] = FakeCircuit()
    region = "emea" if number % 2 else "amer"
    world.iodcal.write(
        f"fleet/{name}/rules.yaml", OWN.format(name=name, region=region, service=service) + more
    )
    return name


def lines(done: Done) -> dict[str, Any]:
    """Its lines of JSON, by tenant."""
    return {one["installation"]: one for one in map(json.loads, done.out.splitlines())}


def test_of_sixty_tenants_three_are_broken_in_three_ways_and_the_others_are_right(world: World) -> None:
    common(world)
    world.meeting("All-Hands", 20, 60)
    world.lumen.quota = 100
    for number in range(60):
        tenant(world, number)
    world.iodcal.write("fleet/t07/rules.yaml", "version: [")
    tenant(world, 21, NO_SECRET)
    tenant(world, 42, DEAD)
    done = world.iodcal("fleet", "sync", "fleet", "-o", "json", "--jobs", "6")
    assert done.status == 78
    found = lines(done)
    assert len(found) == 60
    broken = {name: one["exit"] for name, one in found.items() if one["exit"]}
    assert broken == {"t07": 78, "t21": 3, "t42": 3}
    right = [one for name, one in found.items() if name not in broken]
    assert len(right) == 57
    assert all("up 100 Mbps to 1 Gbps accepted" in one["news"][0] for one in right)
    for number in range(60):
        orders = world.lumen.circuits[f"770000001{number:02}"].orders
        assert len(orders) == (0 if number in (7, 21, 42) else 1)
        state = world.iodcal.folder / f"fleet/t{number:02}/state/state.json"
        assert state.exists() == (number != 7)
    told = world.iodcal("fleet", "status", "fleet", COLUMNS="80")
    assert told.status == 78
    rows = told.out.splitlines()
    assert {row.split()[0] for row in rows[1:4]} == {"t07", "t21", "t42"}
    assert rows[-1] == "60 tenants, 3 in trouble"
    assert max(map(len, rows)) <= 80
    emea = world.iodcal("fleet", "status", "fleet", "--label", "region=emea", "-o", "json")
    assert set(lines(emea)) == {f"t{number:02}" for number in range(1, 60, 2)} - {"t07"}


def test_news_have_their_tenants_name_and_a_quiet_fleet_says_nothing(world: World) -> None:
    common(world)
    world.meeting("All-Hands", 20, 60)
    tenant(world, 1)
    tenant(world, 2, DEAD)
    due = world.iodcal("fleet", "plan", "fleet", "--due")
    assert "t01: den-a 100 Mbps to 1 Gbps now" in due.out
    done = world.iodcal("fleet", "sync", "fleet")
    assert done.status == 3
    assert done.out.startswith("t01: den-a: up 100 Mbps to 1 Gbps accepted")
    assert all(line.startswith("t02: ") for line in done.err.splitlines())
    again = world.iodcal("fleet", "sync", "fleet")
    assert "t01" not in again.out + again.err


SECRETS = {"a": "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY", "b": "zY1xW9vU7tS5rQ3pN1mL9kJ7hG5fE3dC"}


def test_a_secret_of_one_tenant_reaches_no_other_though_its_server_echoes_it(world: World) -> None:
    """b's carrier answers with a's secret, in a refusal and in a good answer's place."""
    common(world)
    world.meeting("All-Hands", 20, 60)
    heard: dict[str, list[str]] = {"a": [], "b": []}

    def refuse(name: str) -> Any:
        def answer(request: Request) -> Reply:
            heard[name].append(repr(request))
            told = {"error": "invalid_client", "error_description": f"{SECRETS['a']} is no key"}
            return Reply(401, json.dumps(told).encode(), headers={"Content-Type": "application/json"})

        return answer

    with LocalServer(refuse("a")) as of_a, LocalServer(refuse("b")) as of_b:
        for number, (name, server) in enumerate((("a", of_a), ("b", of_b))):
            carrier = f"{{base_url: '{server.url}', client_secret: '{SECRETS[name]}'}}"
            notify = f"notify: {{noc: {{webhook: '{server.url}/hook'}}}}\n"
            made = tenant(world, number, f"carriers: {{lumen: {carrier}}}\n{notify}")
            assert made == f"t0{number}"
        done = world.iodcal("fleet", "sync", "fleet", "-v", "--jobs", "1")
        side_by_side = world.iodcal("fleet", "sync", "fleet", "-v", "--jobs", "2")
    assert heard["a"]
    assert heard["b"]
    for text in (done.out, done.err, side_by_side.out, side_by_side.err):
        assert SECRETS["a"] not in text
        assert SECRETS["b"] not in text
    assert SECRETS["a"] not in "".join(heard["b"])
    for path in (world.iodcal.folder / "fleet/t01/state").iterdir():
        assert SECRETS["a"].encode() not in path.read_bytes()


def _never() -> Reply:
    _GO.wait(20)
    return Reply(500)


def test_sigterm_ends_all_runs(world: World) -> None:
    common(world)
    for number in range(3):
        tenant(world, number)
    with LocalServer(lambda _: _never()) as hanging:
        for number in range(3):
            tenant(world, number, f"carriers: {{lumen: {{base_url: '{hanging.url}'}}}}\n")
        process = world.iodcal.start("fleet", "sync", "fleet", "-o", "json")
        while not hanging.connections:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        _GO.set()
    assert process.returncode == 130
    assert {json.loads(line)["exit"] for line in out.splitlines()[:3]} <= {130}


def test_which_files_are_tenants(tmp_path: Path) -> None:
    for name in ("a.yaml", "b/rules.yaml", "common.yaml", "b/other.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("extends: common.yaml\n" if name == "a.yaml" else "version: 1\n")
    found = [str(path.relative_to(tmp_path)) for path in find_tenants([str(tmp_path)])]
    assert found == ["a.yaml", "b/rules.yaml"]
    assert find_tenants([f"{tmp_path}/b/*.yaml"]) == (tmp_path / "b/other.yaml", tmp_path / "b/rules.yaml")
    with pytest.raises(UsageError):
        find_tenants([str(tmp_path / "nothing")])
    parts = [find_tenants([str(tmp_path)], Shard(index, 3)) for index in (1, 2, 3)]
    assert sorted(path for part in parts for path in part) == list(find_tenants([str(tmp_path)]))


@pytest.mark.parametrize(
    ("text", "index", "expected"),
    [("2/8", "", Shard(2, 8)), ("/8", "0", Shard(1, 8)), ("/8", "7", Shard(8, 8)), ("8/8", "3", Shard(8, 8))],
)
def test_a_part_is_named_or_that_of_an_indexed_job(text: str, index: str, expected: Shard) -> None:
    assert Shard.parse(text, {"JOB_COMPLETION_INDEX": index}) == expected


@pytest.mark.parametrize("text", ["", "0/8", "9/8", "a/8", "/8", "1"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no part"):
        Shard.parse(text, {})


def test_the_worst_status_counts() -> None:
    assert worst([0, 75, 3, 1]) is Exit.FAILED
    assert worst([0, 75, 3]) is Exit.PROBLEM
    assert worst([75, 0]) is Exit.LOCKED
    assert worst([]) is Exit.OK


@pytest.mark.parametrize("options", [("--state", "x"), ("-c", "x")])
def test_a_fleet_has_no_state_of_its_own(iodcal: Iodcal, options: tuple[str, str]) -> None:
    assert iodcal("fleet", "sync", ".", *options).status == 2
    assert iodcal("fleet", "dance", ".").status == 2
