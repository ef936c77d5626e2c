"""A tenant and a carrier to try the command on by hand, and the files that lead it to them."""

from __future__ import annotations

import contextlib
import shlex
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.servers.entra import SECRET as ENTRA_SECRET
from tests.servers.graph import EventJson, GraphServer, event
from tests.servers.lumen import KEY, SECRET, FakeCircuit, LumenServer

_RULES = Path(__file__).with_name("trial.yaml")
_SCHEMA = Path(__file__).parent.parent.parent / "docs" / "rules.schema.json"


@contextlib.contextmanager
def trial(folder: Path, now: datetime | None = None) -> Iterator[None]:
    """Serves Microsoft's login, Graph and Lumen while the block lasts.

    `folder` (made if it is not there) gets `rules.yaml` with its schema, unless there is one, and a new
    `env`. The first event begins 40 minutes from `now` (UTC).
    """
    folder.mkdir(parents=True, exist_ok=True)
    with GraphServer(folder) as graph, LumenServer() as lumen:
        graph.mailboxes.update(_mailboxes(now or datetime.now(UTC)))
        graph.denied.add("ceo@contoso.example")
        lumen.circuits.update(_circuits())
        lumen.provisioning = timedelta(seconds=20)
        _write_files(folder, _environment(folder, graph, lumen))
        yield


def _mailboxes(now: datetime) -> Mapping[str, list[EventJson]]:
    """What the calendars hold: matched, misspelt, private and forged events."""
    start = now.replace(second=0, microsecond=0)

    def at(subject: str, begins: int, minutes: int, **more: object) -> EventJson:
        begin = start + timedelta(minutes=begins)
        return event(subject, begin, begin + timedelta(minutes=minutes), **more)

    stranger = {"emailAddress": {"name": "Win", "address": "win@elsewhere.example"}}
    return {
        "events@contoso.example": [
            at("All-Hands", 40, 60),
            at("Townhall with the board", 6 * 60, 60),
            at("ALL HANDS on our offer!", 8 * 60, 60, organizer=stranger),
        ],
        "noc@contoso.example": [at("DR Test", 4 * 60, 90)],
        "board-den@contoso.example": [at("Pat Doe", 7 * 60, 45, sensitivity="private")],
        "ceo@contoso.example": [],
    }


def _circuits() -> Mapping[str, FakeCircuit]:
    return {"77000000001": FakeCircuit(), "77000000002": FakeCircuit(site="PL0002", partner="43558")}


def _environment(folder: Path, graph: GraphServer, lumen: LumenServer) -> Mapping[str, str]:
    return {
        **graph.environment,
        "REQUESTS_CA_BUNDLE": str(graph.ca_path.resolve()),
        "IODCAL_CONFIG": str((folder / "rules.yaml").resolve()),
        "IODCAL_CLIENT_SECRET": ENTRA_SECRET,
        "LUMEN_CLIENT_ID": KEY,
        "LUMEN_CLIENT_SECRET": SECRET,
        "TRIAL_MICROSOFT": graph.authority,
        "TRIAL_LUMEN": lumen.base_url,
    }


def _write_files(folder: Path, environment: Mapping[str, str]) -> None:
    rules = folder / "rules.yaml"
    if not rules.exists():
        shutil.copyfile(_RULES, rules)
        shutil.copyfile(_SCHEMA, folder / "rules.schema.json")
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    (folder / "env").write_text("".join(lines), encoding="utf-8")
