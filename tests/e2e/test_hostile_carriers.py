"""Carriers that reword, answer nonsense, lag and take back, behind the real command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.e2e.conftest import DEN, World
from tests.e2e.test_lumen_efc import ID as FABRIC_ID
from tests.e2e.test_lumen_efc import fabric  # noqa: F401 - a fixture
from tests.e2e.test_megaport import ID as VXC_ID
from tests.e2e.test_megaport import Site
from tests.servers import lumen, lumen_efc, megaport
from tests.servers.lumen import Fault, instead
from tests.servers.lumen_efc import EfcServer
from tests.servers.megaport import MegaportServer
from tests.servers.tls import Reply


class Scripted(Protocol):
    def script(self, call: str, *faults: Fault) -> None: ...


class Place:
    """One carrier of the real command: `calls` are the names of its token, reading, price and order;
    `reword` lets it use a word of its own for a circuit at rest, `changes` counts what it took."""

    def __init__(
        self,
        sync: Callable[[], Any],
        server: Scripted,
        calls: tuple[str, str, str, str],
        *,
        reword: Callable[[str], None],
        changes: Callable[[], int],
        rules: Path,
        carrier: str,
    ) -> None:
        self.sync, self.server, self.calls = sync, server, calls
        self.reword, self.changes, self.rules, self.carrier = reword, changes, rules, carrier

    def say(self, words: str) -> None:
        """Puts `status_words` into the carrier's section."""
        text = self.rules.read_text(encoding="utf-8")
        key = f"  {self.carrier}:\n"
        assert text.count(key) == 1
        self.rules.write_text(text.replace(key, f"{key}    status_words: {words}\n"), encoding="utf-8")


def _of_world(world: World) -> Callable[[], Any]:
    return lambda: world.iodcal("sync", "-o", "json").json


@pytest.fixture(params=["lumen", "lumen-efc", "megaport"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "megaport":
        with MegaportServer() as server:
            site = Site(server, tmp_path)
            yield Place(
                lambda: site.iodcal("sync", "-o", "json").json,
                server,
                (megaport.TOKEN, megaport.READ, megaport.PRICE, megaport.CHANGE),
                reword=lambda word: setattr(server.circuits[VXC_ID], "status", word),
                changes=lambda: len(server.circuits[VXC_ID].changes),
                rules=site.iodcal.folder / "rules.yaml",
                carrier="mp",
            )
        return
    world: World = request.getfixturevalue("world")
    rules = world.iodcal.folder / "rules.yaml"
    world.meeting("All-Hands", 5, 60)
    if request.param == "lumen":
        yield Place(
            _of_world(world),
            world.lumen,
            (lumen.TOKEN, lumen.INVENTORY, lumen.QUOTE, lumen.ORDER),
            reword=lambda word: setattr(world.lumen.circuits[DEN], "status", word),
            changes=lambda: len(world.lumen.circuits[DEN].orders),
            rules=rules,
            carrier="lumen",
        )
        return
    server_of_fabric: EfcServer = request.getfixturevalue("fabric")
    yield Place(
        _of_world(world),
        server_of_fabric,
        ("", lumen_efc.READ, lumen_efc.OFFERS, lumen_efc.CHANGE),
        reword=lambda word: setattr(server_of_fabric.connections[FABRIC_ID], "state", word),
        changes=lambda: len(server_of_fabric.connections[FABRIC_ID].changes),
        rules=rules,
        carrier="fabric",
    )


def kinds(result: Any) -> set[str]:
    return {problem["kind"] for problem in result["problems"]}


def test_a_reworded_status_stops_orders_until_the_configuration_says_what_it_means(place: Place) -> None:
    place.reword("In  Service")
    before = place.sync()
    (problem,) = [one for one in before["problems"] if one["kind"] == "status_unknown"]
    assert (before["exit"], place.changes()) == (3, 0)
    assert f"carriers.{place.carrier}.status_words" in problem["remedy"]
    place.say("{active: [in service]}")
    after = place.sync()
    assert "status_unknown" not in kinds(after)


def test_a_reworded_pending_is_waited_for(place: Place) -> None:
    place.reword("Being Modified")
    place.say("{pending: [Being modified, Queued]}")
    done = place.sync()
    assert "status_unknown" not in kinds(done)
    held = [change["held"] for one in done["circuits"] for change in one["changes"] if change["due"]]
    assert (place.changes(), {"reason": "pending", "until": None} in held) == (0, True)


NONSENSE = {
    "HTML": Reply(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}),
    "empty": Reply(200, b""),
    "a list": Reply.of([]),
    "another object": Reply.of({"hello": "world"}),
    "absurd numbers": Reply.of({"data": {"rateLimit": -5}, "bandwidth": 1e300, "id": True}),
    "nested": Reply(200, b'{"data":' * 5000 + b"1" + b"}" * 5000),
}


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("step", [0, 1, 2], ids=["token", "reading", "price"])
def test_nonsense_orders_nothing_and_ends_with_3(place: Place, step: int, nonsense: str) -> None:
    call = place.calls[step]
    if not call:
        pytest.skip("it shares its login with lumen")
    place.server.script(call, *[instead(NONSENSE[nonsense])] * 12)
    done = place.sync()
    assert (done["exit"], place.changes()) == (3, 0), done["problems"]
    told = [
        one["message"] for one in done["problems"] if one["kind"] in ("carrier_unreadable", "order_refused")
    ]
    assert any(word in one for one in told for word in ("makes no sense", "JSON", "levels", "is not sold")), (
        told
    )
    again = place.sync()
    assert again["exit"] in (0, 3)


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_after_nonsense_for_an_order_nobody_knows_and_nothing_is_sent_again(
    place: Place, nonsense: str
) -> None:
    def taken(right: Callable[[], Reply]) -> Reply:
        right()
        return NONSENSE[nonsense]

    place.server.script(place.calls[3], taken)
    done = place.sync()
    assert "unknown" in [one["outcome"] for one in done["orders"]]
    assert place.changes() == 1
    place.sync()
    assert place.changes() == 1
