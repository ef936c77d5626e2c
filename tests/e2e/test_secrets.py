"""Secrets planted everywhere, and looked for in everything that is written or shown."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.conftest import World
from tests.servers.entra import SECRET as ENTRA_SECRET
from tests.servers.lumen import KEY, ORDER, QUOTE, SECRET, TOKEN, Fault, LumenServer, wrong
from tests.servers.tls import LocalServer, Reply, Request

PATH_SECRET = "planted-in-the-path-4711"
QUERY_SECRET = "planted-in-the-query-0815"
PASSWORD = "planted-password-123"
PLANTED = {
    SECRET,
    ENTRA_SECRET,
    PATH_SECRET,
    QUERY_SECRET,
    PASSWORD,
    base64.b64encode(f"{KEY}:{SECRET}".encode()).decode(),
}


def told_by(iodcal: Iodcal, tmp: Path) -> list[str]:
    """All that every command shows, and every file that it leaves."""
    texts = []
    for arguments in (
        ["sync", "-v"],
        ["sync", "-v", "-o", "json"],
        ["plan", "-v", "--log-format", "json"],
        ["status", "-o", "json"],
        ["check", "-o", "json"],
    ):
        done = iodcal(*arguments, TMPDIR=str(tmp))
        texts += [done.out, done.err]
        assert "This is a bug" not in done.err
    for folder in (iodcal.folder / "state", tmp):
        texts += [path.read_text() for path in folder.rglob("*") if path.is_file()]
    return texts


def echoing(server: LumenServer, status: int) -> Fault:
    """A refusal that repeats all it was sent."""

    def fault(_answer: object) -> Reply:
        request = server.requests[-1]
        said = " ".join([*request.headers.values(), request.body.decode("latin-1"), SECRET])
        return wrong(status, said)

    return fault


@pytest.mark.parametrize(("call", "status"), [(TOKEN, 401), (QUOTE, 400), (ORDER, 400), (ORDER, 503)])
def test_a_carrier_that_repeats_what_it_was_sent_reveals_nothing(
    world: World, tmp_path: Path, call: str, status: int
) -> None:
    world.meeting("All-Hands", 20, 60)
    world.lumen.script(call, *[echoing(world.lumen, status)] * 8)
    folder = tmp_path / "tmp"
    folder.mkdir()
    texts = told_by(world.iodcal, folder)
    sent = {request.headers.get("authorization", "none").split()[-1] for request in world.lumen.requests}
    planted = (PLANTED | sent | world.lumen._tokens) - {"none"}
    for text in texts:
        assert not [secret for secret in planted if secret in text]


def test_a_calendar_whose_address_is_a_secret_is_named_by_its_host_only(world: World, tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        return Reply(200, f"<html>Sign in for {request.raw_path} {PASSWORD}".encode())

    with LocalServer(answer) as server:
        url = server.url.replace("http://", f"http://user:{PASSWORD}@")
        rules = (world.iodcal.folder / "rules.yaml").read_text()
        rules = rules.replace("{mailbox: noc@contoso.example}", "{ics: {env: SECRET_URL}}")
        world.iodcal.write("rules.yaml", rules)
        world.iodcal.environment["SECRET_URL"] = f"{url}/{PATH_SECRET}/a.ics?key={QUERY_SECRET}"
        folder = tmp_path / "tmp"
        folder.mkdir()
        texts = told_by(world.iodcal, folder)
    assert any("127.0.0.1" in text or "Sign in" in text for text in texts)
    for text in texts:
        assert not [secret for secret in PLANTED if secret in text]


def test_no_secret_is_an_argument_of_a_process_or_in_a_traceback(world: World, tmp_path: Path) -> None:
    world.meeting("All-Hands", 20, 60)
    seen: list[str] = []

    def look() -> None:
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    seen.append((entry / "cmdline").read_bytes().decode("utf-8", "replace"))
                except OSError:
                    continue

    world.lumen.watch(look)
    code = (
        "import iodcal.carriers.lumen.bodies as b\n"
        "def fail(*_): raise RuntimeError('a bug of ours')\n"
        "b.order_body = fail\n"
        "from iodcal.cli import main\n"
        "main()\n"
    )
    broken = world.iodcal.write("broken.py", code)
    folder = tmp_path / "tmp"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, str(broken), "sync", "-v", "-o", "json"],
        cwd=world.iodcal.folder,
        env=world.iodcal.around(TMPDIR=str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout)["error"]["code"] == "bug"
    (report,) = folder.glob("iodcal-bug-*")
    assert "a bug of ours" in report.read_text()
    assert oct(report.stat().st_mode & 0o777) == "0o600"
    texts = [done.stdout, done.stderr, report.read_text(), *seen]
    assert any("sync" in text for text in seen)
    assert os.fspath(broken) in "".join(seen)
    for text in texts:
        assert not [secret for secret in PLANTED | world.lumen._tokens if secret in text]
