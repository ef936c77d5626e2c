"""`iodcal doctor` with the real command: everything well, and each thing that can be red, with its remedy."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from iodcal.doctor.messages import DOCTOR_WORDS
from iodcal.messages.calendars import CONNECTION
from iodcal.messages.files import STATE_WORDS
from tests.e2e.command import Done, Iodcal
from tests.e2e.conftest import LON, World
from tests.http.test_cutting import slow
from tests.servers.entra import SECRET as ENTRA_SECRET
from tests.servers.faults import refused
from tests.servers.hook import Hook
from tests.servers.lumen import INVENTORY, ORDER, PRICE, QUOTE, SECRET, Fault, instead, wrong
from tests.servers.tls import Reply, Request

NOW = datetime.now(UTC)
CEO = "ceo@contoso.example"
READ: dict[str, object] = {"roles": ["Calendars.Read", "User.Read.All"]}


def change(world: World, old: str, new: str) -> None:
    path = world.iodcal.folder / "rules.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def found(done: Done, code: str) -> Any:
    """The one finding of `code`."""
    (finding,) = (one for one in done.json["findings"] if one["code"] == code)
    return finding


def found_at(done: Done, where: str, code: str) -> Any:
    """The one finding of `code` at `where`."""
    (finding,) = (one for one in done.json["findings"] if (one["where"], one["code"]) == (where, code))
    return finding


def lights(done: Done) -> dict[str, str]:
    return {one["code"]: one["light"] for one in done.json["findings"]}


def day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def expires(world: World, end: str) -> None:
    change(world, "{env: IODCAL_CLIENT_SECRET}", f"{{env: IODCAL_CLIENT_SECRET, expires: {end}}}")


def certificate(begins: datetime, ends: datetime) -> str:
    """A certificate of ours with its key, as one PEM text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "iodcal")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode() + private.decode()


def blank_beside_secret(world: World) -> None:
    world.iodcal.write("app.secret", f"{ENTRA_SECRET} ")
    world.graph.entra.secrets.add(f"{ENTRA_SECRET} ")
    change(world, "{env: IODCAL_CLIENT_SECRET}", "{file: app.secret}")


def with_certificate(world: World, pem: str) -> None:
    world.iodcal.write("app.pem", pem)
    change(world, "client_secret: {env: IODCAL_CLIENT_SECRET}", "certificate: {file: app.pem}")
    if "garbage" not in pem:
        world.graph.entra.certificate = pem.partition("-----BEGIN PRIVATE KEY-----")[0]


def with_state(world: World, edit: Callable[[Any], None]) -> None:
    """A state as a run leaves it, then edited."""
    assert world.iodcal("sync").status == 0
    path = world.iodcal.folder / "state" / "state.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    edit(state)
    path.write_text(json.dumps(state), encoding="utf-8")


def must_not_read(world: World) -> None:
    change(world, "  authority:", f"  must_not_read: [{CEO}]\n  authority:")
    world.graph.mailboxes[CEO] = []


def test_all_is_well(world: World) -> None:
    must_not_read(world)
    expires(world, day(200))
    world.graph.entra.claims = READ
    world.graph.denied.add(CEO)
    script = world.iodcal.write("bin/crontab", "#!/bin/sh\necho '*/5 * * * * iodcal sync'\n")
    script.chmod(0o755)
    path = f"{script.parent}:/usr/bin:/bin"
    assert world.iodcal("sync").status == 0
    done = world.iodcal("doctor", "-o", "json", PATH=path)
    assert (done.status, done.json["exit"], done.json["complete"], done.err) == (0, 0, True, "")
    assert set(lights(done).values()) == {"green"}
    assert {
        *("configuration_loads", "secret_resolves", "secret_lasts", "login_good", "roles_just_right"),
        *("forbidden_is_closed", "calendar_readable", "inventory_listed", "circuit_as_ordered"),
        *(
            "tiers_sold",
            "tiers_quoted",
            "clock_right",
            "state_good",
            "history_good",
            "lock_free",
            "run_lately",
            "timer_cron",
        ),
    } == set(lights(done))
    text = world.iodcal("doctor", PATH=path)
    assert (text.status, text.err) == (0, "")
    assert text.out.splitlines()[-1] == "All is well"
    assert "\x1b" not in text.out
    assert world.iodcal("doctor", "-q", PATH=path).out == ""


def test_it_asks_for_one_event_of_one_day_and_changes_nothing(world: World) -> None:
    must_not_read(world)
    world.graph.denied.add(CEO)
    assert world.iodcal("sync").status == 0
    before = {path: path.read_bytes() for path in world.iodcal.folder.rglob("*") if path.is_file()}
    world.graph.requests.clear()
    world.lumen.requests.clear()
    world.iodcal("doctor")
    after = {path: path.read_bytes() for path in world.iodcal.folder.rglob("*") if path.is_file()}
    assert after == before
    views = [request for request in world.graph.requests if request.path.endswith("calendarView")]
    assert sorted(request.path.split("/")[3] for request in views) == [
        CEO,
        "events@contoso.example",
        "noc@contoso.example",
    ]
    for view in views:
        start, end = (datetime.fromisoformat(view.query[name]) for name in ("startdatetime", "enddatetime"))
        assert (view.query["$top"], end - start) == ("1", timedelta(days=1))
    posted = [request.path for request in world.lumen.requests if request.method != "GET"]
    assert {path for path in posted if "oauth" not in path} == {"/Product/v1/priceRequest"}
    assert world.lumen.calls[QUOTE] == 5  # three tiers, and two that a ceiling leaves
    assert world.lumen.calls[ORDER] == 0


def linked(world: World, name: str) -> None:
    folder = world.iodcal.folder / "state"
    folder.mkdir()
    (folder / "elsewhere").write_text("{}", encoding="utf-8")
    (folder / name).symlink_to("elsewhere")


def after_a_run(world: World, name: str, *, mode: int = 0o600, more: str = "") -> None:
    assert world.iodcal("sync").status == 0
    path = world.iodcal.folder / "state" / name
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    path.chmod(mode)


def without(service_id: str) -> Fault:
    """An inventory that leaves one circuit out."""

    def fault(answer: Callable[[], Reply]) -> Reply:
        listed = answer().document["serviceInventory"]
        return Reply.of({"serviceInventory": [one for one in listed if service_id not in json.dumps(one)]})

    return fault


def drifted(world: World) -> None:
    assert world.iodcal("sync").status == 0
    world.den.bandwidth = "500 Mbps"


def metrics_file(world: World, name: str) -> None:
    change(world, "settings:\n", f"settings:\n  metrics_file: {name}\n")


def notify(world: World, address: str, way: str = "webhook", **settings: str) -> None:
    """A target whose address is in the environment, as a secret."""
    path = world.iodcal.folder / "rules.yaml"
    more = "".join(f"  {name}: {value}\n" for name, value in settings.items())
    rules = path.read_text(encoding="utf-8").replace("settings:\n", f"settings:\n{more}", 1)
    path.write_text(f"{rules}notify: {{noc: {{{way}: {{env: HOOK}}}}}}\n", encoding="utf-8")
    world.iodcal.environment["HOOK"] = address


def refuse_quotes(world: World, count: int) -> None:
    world.lumen.script(QUOTE, *[instead(wrong(422, "No matching rule found"))] * count)


Preparation = Callable[[World], object]
REDS: dict[str, tuple[Preparation, str, str]] = {
    "secret_env_missing": (
        lambda world: world.iodcal.environment.pop("LUMEN_CLIENT_SECRET"),
        "carriers.lumen.client_secret",
        "Set it for this process",
    ),
    "secret_expired": (
        lambda world: expires(world, day(-1)),
        "microsoft365.client_secret",
        "Make a new one",
    ),
    "secret_expired (certificate)": (
        lambda world: with_certificate(world, certificate(NOW - timedelta(9), NOW - timedelta(1))),
        "microsoft365.certificate",
        "Make a new one",
    ),
    "certificate_early": (
        lambda world: with_certificate(world, certificate(NOW + timedelta(1), NOW + timedelta(99))),
        "microsoft365.certificate",
        "Use another one until then",
    ),
    "certificate_wrong": (
        lambda world: with_certificate(
            world, "-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n"
        ),
        "microsoft365.certificate",
        "Put one PEM text",
    ),
    "login_secret_wrong": (
        lambda world: world.graph.entra.secrets.clear(),
        "microsoft365",
        "Use the secret's value, not its ID",
    ),
    "access_denied": (
        lambda world: world.graph.denied.add("noc@contoso.example"),
        "noc",
        "Let an administrator consent",
    ),
    "mailbox_unusable": (
        lambda world: world.graph.mailboxes.pop("noc@contoso.example"),
        "noc",
        "Use the user principal name",
    ),
    "mailbox_unsupported": (
        lambda world: world.graph.script(
            "noc@contoso.example", [refused(404, "MailboxNotEnabledForRESTAPI")] * 2
        ),
        "noc",
        "Assign an Exchange Online licence",
    ),
    "forbidden_is_open": (must_not_read, CEO, "Take the tenant-wide consent"),
    "login_refused": (
        lambda world: world.iodcal.environment.update(LUMEN_CLIENT_SECRET="wrong"),
        "lumen",
        "Check client_id and client_secret",
    ),
    "circuit_unknown": (
        lambda world: world.lumen.circuits.pop(LON),
        "lon-a",
        "Check service_id, customer number and environment",
    ),
    "status_unknown": (
        lambda world: setattr(world.den, "status", "Disconnecting"),
        "den-a",
        "Ask the carrier what it means",
    ),
    "bandwidth_missing": (lambda world: setattr(world.den, "bandwidth", ""), "den-a", "Ask the carrier"),
    "site_unknown": (lambda world: setattr(world.den, "site", ""), "den-a", "Ask the carrier for it"),
    "billing_account_unknown": (
        lambda world: setattr(world.den, "account", {"name": "Example Corp"}),
        "den-a",
        "Ask the carrier to put one there",
    ),
    "billing_account_name_unknown": (
        lambda world: setattr(world.den, "account", {"id": "5-ABCDEFGH"}),
        "den-a",
        "Set billing_account_name for it",
    ),
    "quote_place_unknown": (
        lambda world: setattr(world.den, "uni", ""),
        "den-a",
        "Set partner_id or uni_service_id for it",
    ),
    "refused": (
        lambda world: refuse_quotes(world, 3),
        "den-a",
        "Ask the carrier, or mend what it names",
    ),
    "clock_wrong": (
        lambda world: setattr(world.graph, "now", lambda: datetime.now(UTC) + timedelta(minutes=5)),
        "Microsoft Graph",
        "Set this host's clock",
    ),
    "state_not_writable": (
        lambda world: world.iodcal.write("state", "a file where a folder should be"),
        "state.json",
        "Run as the user who owns it",
    ),
    "state_damaged": (
        lambda world: world.iodcal.write("state/state.json", "{"),
        "state.json",
        "Look at the disk",
    ),
    "state_too_new": (
        lambda world: with_state(world, lambda state: state.update(version=99)),
        "state.json",
        "Install that version again",
    ),
    "state_unreadable": (
        lambda world: world.iodcal.write("state/state.json/in_the_way", ""),
        "state.json",
        "Run as the user who owns it",
    ),
    "state_symlink": (lambda world: linked(world, "state.json"), "state.json", "Name the file itself"),
    "history_unreadable": (
        lambda world: world.iodcal.write("state/history.jsonl/in_the_way", ""),
        "history.jsonl",
        "Run as the user who owns it",
    ),
    "lock_unusable": (lambda world: linked(world, "state.json.lock"), "state.json.lock", "Delete "),
    "metrics_no_folder": (
        lambda world: metrics_file(world, "prom/iodcal.prom"),
        "iodcal.prom",
        "Make it for the user who runs iodcal",
    ),
    "metrics_is_folder": (
        lambda world: metrics_file(world, world.iodcal.write("prom/other.prom", "").parent.name),
        "prom",
        "Let settings.metrics_file name a file",
    ),
    "notice_insecure_url": (
        lambda world: notify(world, "http://chat.example/hook"),
        "notify.noc",
        "Use an https address",
    ),
    "notice_unreachable": (
        lambda world: notify(world, "https://127.0.0.1:9/hook"),
        "notify.noc",
        "Check the network",
    ),
    "notice_tls": (
        lambda world: notify(world, world.lumen.base_url.replace("http://", "https://")),
        "notify.noc",
        "Where a proxy or a private authority signs",
    ),
    "notice_apprise_address": (
        lambda world: notify(world, "nonsense", "apprise"),
        "notify.noc",
        "See Apprise's list of services",
    ),
    "run_long_ago": (
        lambda world: with_state(
            world,
            lambda state: state["last_run"].update(ended_at=(NOW - timedelta(hours=1)).isoformat()),
        ),
        "last run",
        "Look at the timer or crontab",
    ),
}


def prepare_again(world: World, code: str) -> None:
    """What the first examination has used up."""
    if code == "mailbox_unsupported":
        world.graph.script("noc@contoso.example", [refused(404, "MailboxNotEnabledForRESTAPI")] * 2)
    if code == "refused":
        refuse_quotes(world, 3)


@pytest.mark.parametrize("name", REDS)
def test_each_red_is_told_with_its_remedy(world: World, name: str) -> None:
    prepare, where, remedy = REDS[name]
    code = name.partition(" ")[0]
    prepare(world)
    done = world.iodcal("doctor", "-o", "json")
    assert (done.status, done.json["exit"], done.err) == (3, 3, "")
    reds = [one for one in done.json["findings"] if one["light"] == "red" and one["code"] == code]
    assert [one["where"].endswith(where) for one in reds] == [True]
    prepare_again(world, code)
    text = world.iodcal("doctor")
    shown = " ".join(text.out.split())
    assert text.status == 3
    assert f"error {' '.join(reds[0]['where'].split())}: " in shown
    assert f"-> {remedy}" in shown
    for secret in (ENTRA_SECRET, SECRET):
        assert secret not in done.out + text.out + text.err


def test_a_lock_that_is_held_for_too_long(world: World) -> None:
    path = world.iodcal.write(
        "state/state.json.lock",
        json.dumps({"pid": 4711, "host": "noc1", "command": "sync", "since": "2026-01-01T00:00:00+00:00"}),
    )
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done, text = world.iodcal("doctor", "-o", "json"), world.iodcal("doctor")
        assert (found(done, "lock_stuck")["light"], done.status) == ("red", 3)
        assert "if it hangs, end it (kill 4711)" in " ".join(text.out.split())
        since = datetime.now(UTC).isoformat()
        path.write_text(json.dumps({"pid": 1, "host": "noc1", "command": "sync", "since": since}))
        assert found(world.iodcal("doctor", "-o", "json"), "lock_in_use")["light"] == "info"
    assert found(world.iodcal("doctor", "-o", "json"), "lock_free")["light"] == "green"


def test_a_configuration_that_others_can_write_is_doubtful(world: World) -> None:
    (world.iodcal.folder / "rules.yaml").chmod(0o666)
    doubt = found(world.iodcal("doctor", "-o", "json"), "configuration_doubtful")
    said = "its group or others can write this file, and whoever does orders bandwidth: chmod go-w"
    assert (doubt["where"], doubt["light"], doubt["message"]) == ("rules.yaml", "yellow", said)
    assert f"warning: rules.yaml: {said}\n" in world.iodcal("check").err


YELLOWS: dict[str, tuple[Preparation, str]] = {
    "configuration_doubtful": (
        lambda world: change(world, '  organizers: ["@contoso.example"]\n', ""),
        "Mend it",
    ),
    "secret_odd": (blank_beside_secret, "Where the login refuses it"),
    "secret_expires_soon": (lambda world: expires(world, day(12)), "Make the next one now"),
    "roles_more_than_needed": (
        lambda world: setattr(world.graph.entra, "claims", {"roles": ["Calendars.ReadWrite"]}),
        "Take these application permissions away",
    ),
    "clock_doubtful": (
        lambda world: setattr(world.graph, "now", lambda: datetime.now(UTC) - timedelta(seconds=30)),
        "Set this host's clock",
    ),
    "tiers_unsold": (lambda world: setattr(world.den, "sold", ("100 Mbps",)), "Correct the circuit's tiers"),
    "bandwidth_no_tier": (lambda world: setattr(world.den, "bandwidth", "300 Mbps"), "Correct the circuit"),
    "circuit_not_listed": (
        lambda world: world.lumen.script(INVENTORY, without(LON)),
        "Ask the carrier whether its bandwidth can be ordered",
    ),
    "circuit_drifted": (drifted, "Somebody changed it by hand"),
    "state_open_to_others": (lambda world: after_a_run(world, "state.json", mode=0o644), "chmod 600"),
    "history_torn": (lambda world: after_a_run(world, "history.jsonl", more='{"torn'), "They are skipped"),
    "run_never": (lambda _world: None, "Start the timer"),
    "run_late": (
        lambda world: with_state(
            world,
            lambda state: state["last_run"].update(
                ended_at=(datetime.now(UTC) - timedelta(minutes=10)).isoformat()
            ),
        ),
        "Look at the timer",
    ),
    "run_ended_badly": (
        lambda world: with_state(world, lambda state: state["last_run"].update(exit=3)),
        "iodcal status names the problems",
    ),
    "holidays_over": (
        lambda world: change(world, "sites:\n", "holidays: {ours: {dates: [2020-12-24]}}\nsites:\n"),
        "Add this year's dates",
    ),
    "metrics_not_prom": (
        lambda world: metrics_file(world, "iodcal.txt"),
        "Name it so in settings.metrics_file",
    ),
    "timer_disabled": (
        lambda world: (
            world.iodcal.write("home/.config/systemd/user/iodcal.timer", "[Timer]\nOnCalendar=*:0/5\n"),
            world.iodcal.write(
                "home/.config/systemd/user/iodcal.service", "[Service]\nExecStart=iodcal sync\n"
            ),
        ),
        "systemctl enable --now iodcal.timer",
    ),
}


@pytest.mark.parametrize("code", YELLOWS)
def test_a_doubt_is_told_with_its_remedy_and_is_no_error(world: World, code: str) -> None:
    prepare, remedy = YELLOWS[code]
    prepare(world)
    done = world.iodcal("doctor", "-o", "json")
    assert (done.status, found(done, code)["light"]) == (0, "yellow")
    assert (
        found(done, code)["remedy"].lower().startswith(remedy.lower())
        or remedy in found(done, code)["remedy"]
    )


def test_what_is_only_information(world: World) -> None:
    done = world.iodcal("doctor", "-o", "json")
    assert (lights(done)["token_opaque"], lights(done)["state_new"]) == ("info", "info")
    world.graph.entra.claims = {}
    world.lumen.script(PRICE, *[instead(wrong(422, "Not a NaaS Enabled Location"))] * 6)
    told = lights(world.iodcal("doctor", "-o", "json"))
    assert (told["roles_missing"], told["offers_unknown"]) == ("info", "info")
    world.graph.entra.claims = {"roles": ["Calendars.ReadBasic.All"]}
    told = lights(world.iodcal("doctor", "-o", "json"))
    assert (told["roles_just_right"], told["directory_closed"]) == ("green", "info")


def test_all_that_an_order_lacks_is_told_at_once_and_no_quote_asked_for(world: World) -> None:
    world.lumen.circuits[LON].site = ""
    world.lumen.circuits[LON].account = {}
    done = world.iodcal("doctor", "-o", "json")
    reds = [one for one in done.json["findings"] if one["light"] == "red"]
    assert [(one["where"], one["code"]) for one in reds] == [
        ("lon-a", "site_unknown"),
        ("lon-a", "billing_account_unknown"),
        ("lon-a", "billing_account_name_unknown"),
    ]
    assert len({one["message"] for one in reds} | {one["remedy"] for one in reds}) == 6
    assert (done.status, world.lumen.calls[QUOTE]) == (3, 3)  # those of the other circuit


def test_a_quote_of_each_tier_is_told_with_its_price(world: World) -> None:
    world.lumen.price = "$1.06"
    told = found_at(world.iodcal("doctor", "-o", "json"), "lon-a", "tiers_quoted")
    assert told["message"] == "gives a quote: 500 Mbps at 1.06 USD an hour, 100 Mbps at 1.06 USD an hour"


def test_tiers_that_get_no_quote_for_one_reason_are_told_once(world: World) -> None:
    refuse_quotes(world, 2)
    done = world.iodcal("doctor", "-o", "json")
    assert found(done, "refused")["message"].startswith("no quote for 1 Gbps, 500 Mbps: the carrier says no")
    assert "100 Mbps" in found_at(done, "den-a", "tiers_quoted")["message"]


@pytest.mark.parametrize(
    ("answer", "light", "said"),
    [
        (wrong(422, "Not a NaaS Enabled Location"), "yellow", "the location is not NaaS enabled"),
        (
            Reply.of({"id": "N-1", "price": [], "priceRequest": {"speed": "fast"}}),
            "red",
            "speed in the quote: no bandwidth",
        ),
        (Reply.of({"id": "N-1", "priceRequest": {"speed": "7 Mbps"}}), "red", "came back for 7 Mbps"),
        (Reply.of({"price": []}), "red", "id in the quote: none, or two that differ"),
    ],
)
def test_nonsense_for_a_quote_is_told_with_its_tier(
    world: World, answer: Reply, light: str, said: str
) -> None:
    world.lumen.script(QUOTE, *[instead(answer)] * (3 if light == "yellow" else 1))
    done = world.iodcal("doctor", "-o", "json")
    (told,) = (one for one in done.json["findings"] if said in one["message"])
    assert (told["light"], told["message"].startswith("no quote for 1 Gbps: ")) == (light, True)
    assert done.status == (0 if light == "yellow" else 3)


def test_no_more_quotes_are_asked_for_than_tell_something(world: World) -> None:
    """Sixty of a carrier are enough, shared among its circuits, the highest tiers first."""
    tiers = ", ".join(f"{mbps} Mbps" for mbps in range(101, 133))
    change(world, "tiers: [100 Mbps, 500 Mbps, 1 Gbps]", f"tiers: [100 Mbps, {tiers}, 500 Mbps, 1 Gbps]")
    told = found_at(world.iodcal("doctor", "-o", "json"), "den-a", "quotes_beyond")
    left = "104 Mbps, 103 Mbps, 102 Mbps, 101 Mbps, 100 Mbps"
    assert told["message"] == f"no quote was asked for {left}: 60 of one carrier are enough"
    assert (told["light"], world.lumen.calls[QUOTE]) == ("info", 60)


def test_quotes_that_take_too_long_leave_time_for_the_rest(world: World) -> None:
    done_waiting = threading.Event()

    def wait(answer: Callable[[], Reply]) -> Reply:
        done_waiting.wait(60)
        return answer()

    world.lumen.script(QUOTE, *[wait] * 9)
    with ExitStack() as stack:
        stack.callback(done_waiting.set)
        done = world.iodcal("doctor", "--timeout", "6s", "-o", "json")
    told = found_at(done, "den-a", "quotes_untried")
    assert told["message"].startswith("no quote came in time for 1 Gbps, 500 Mbps, 100 Mbps: ")
    assert (told["light"], done.json["complete"], done.status) == ("yellow", False, 1)
    assert found_at(done, "lon-a", "circuit_first_seen")["light"] == "green"


def test_an_old_secret_beside_a_new_one_is_no_fault(world: World) -> None:
    both = f"[{{env: OLD, expires: {day(-3)}}}, {{env: IODCAL_CLIENT_SECRET, expires: {day(90)}}}]"
    change(world, "{env: IODCAL_CLIENT_SECRET}", both)
    done = world.iodcal("doctor", "-o", "json", OLD="old-and-gone")
    assert (done.status, lights(done)["secret_expired"], lights(done)["secret_lasts"]) == (
        0,
        "yellow",
        "green",
    )


def of_secret(done: Done) -> list[tuple[str, ...]]:
    """What is found of the Microsoft login's secret: code, light and which reference it is about."""
    mine = [one for one in done.json["findings"] if one["where"] == "microsoft365.client_secret"]
    shown = ("env IODCAL_CLIENT_SECRET", "env GONE", "file gone.txt", "a literal")
    return [(one["code"], one["light"], *(text for text in shown if text in one["message"])) for one in mine]


HERE = "env: IODCAL_CLIENT_SECRET"
LISTS: dict[str, tuple[str, int, list[tuple[str, ...]]]] = {
    "the new one is forgotten": (
        f"[{{env: GONE, expires: {day(400)}}}, {{{HERE}, expires: {day(66)}}}]",
        0,
        [
            ("secret_env_missing", "yellow", "env GONE"),
            ("secret_lasts", "green", "env IODCAL_CLIENT_SECRET"),
        ],
    ),
    "without ends": (
        f"[{{env: GONE}}, {{file: gone.txt}}, {{{HERE}}}]",
        0,
        [
            ("secret_env_missing", "yellow", "env GONE"),
            ("secret_unreadable", "yellow", "file gone.txt"),
            ("secret_resolves", "green", "env IODCAL_CLIENT_SECRET"),
        ],
    ),
    "all fail": (
        f"[{{env: GONE, expires: {day(400)}}}, {{file: gone.txt}}]",
        3,
        [("secret_env_missing", "red", "env GONE"), ("secret_unreadable", "red", "file gone.txt")],
    ),
    "what resolves is past": (
        f"[{{env: GONE}}, {{{HERE}, expires: {day(-3)}}}]",
        3,
        [
            ("secret_env_missing", "red", "env GONE"),
            ("secret_expired", "red", "env IODCAL_CLIENT_SECRET"),
        ],
    ),
    "what is past needs not resolve": (
        f"[{{{HERE}}}, {{env: GONE, expires: {day(-3)}}}]",
        0,
        [
            ("secret_resolves", "green", "env IODCAL_CLIENT_SECRET"),
            ("secret_expired", "yellow", "env GONE"),
        ],
    ),
    "a literal serves, too": (
        f'[{{env: GONE}}, "{ENTRA_SECRET}"]',
        0,
        [("secret_env_missing", "yellow", "env GONE")],
    ),
}


@pytest.mark.parametrize("case", LISTS)
def test_each_reference_of_a_list_is_tried_by_itself(world: World, case: str) -> None:
    written, status, findings = LISTS[case]
    change(world, "{env: IODCAL_CLIENT_SECRET}", written)
    done = world.iodcal("doctor", "-o", "json")
    assert (of_secret(done), done.status) == (findings, status)
    assert all(one["remedy"] for one in done.json["findings"] if one["light"] in ("yellow", "red"))


def test_of_two_certificates_each_is_judged(world: World) -> None:
    with_certificate(world, certificate(NOW - timedelta(9), NOW + timedelta(99)))
    world.iodcal.write("old.pem", certificate(NOW - timedelta(9), NOW - timedelta(1)))
    change(world, "{file: app.pem}", "[{file: app.pem}, {file: old.pem}]")
    done = world.iodcal("doctor", "-o", "json")
    mine = [one for one in done.json["findings"] if one["where"] == "microsoft365.certificate"]
    assert [(one["code"], one["light"], one["message"].partition(" was ")[0]) for one in mine[1:]] == [
        ("secret_expired", "yellow", "the certificate of file old.pem")
    ]
    assert (mine[0]["code"], mine[0]["light"], done.status) == ("secret_lasts", "green", 0)


def of_target(done: Done) -> list[tuple[str, str]]:
    return [(one["code"], one["light"]) for one in done.json["findings"] if one["where"] == "notify.noc"]


@pytest.mark.parametrize("way", ["webhook", "teams", "ping"])
@pytest.mark.parametrize("status", [202, 404, 308])
def test_of_where_notices_go_only_the_hosts_front_page_is_asked_for(
    world: World, way: str, status: int
) -> None:
    """A watchdog takes any request to its address for a sign of life."""
    with Hook(status) as hook:
        notify(world, hook.url, way)
        done = world.iodcal("doctor", "-v", "-o", "json")
    assert of_target(done) == [("secret_resolves", "green"), ("notice_host_answers", "green")]
    assert [(one.method, one.raw_path, one.body) for one in hook.requests] == [("GET", "/", b"")]
    assert done.status == 0
    assert "very-secret" not in done.out + done.err


def test_a_target_whose_secret_is_missing_is_red_once(world: World) -> None:
    notify(world, "")
    del world.iodcal.environment["HOOK"]
    done = world.iodcal("doctor", "-o", "json")
    assert (done.status, of_target(done)) == (
        3,
        [("secret_env_missing", "red"), ("notice_not_without_secret", "info")],
    )


def test_a_target_that_hangs_is_red_and_all_else_is_tried(world: World) -> None:
    with Hook(hanging=True) as hook:
        notify(world, hook.url, notify_within="1s")
        done, text = world.iodcal("doctor", "-o", "json"), world.iodcal("doctor")
    assert (done.status, done.json["complete"], of_target(done)[-1]) == (3, True, ("notice_timeout", "red"))
    assert "raise settings.notify_within" in " ".join(text.out.split())


def test_an_address_that_apprise_knows_is_not_called(world: World) -> None:
    with Hook() as hook:
        notify(world, hook.url.replace("http://", "json://"), "apprise")
        done = world.iodcal("doctor", "-o", "json")
    assert (done.status, of_target(done)[-1], hook.requests) == (0, ("notice_apprise", "green"), [])


def test_no_time_at_all_is_no_examination(world: World) -> None:
    notify(world, "https://127.0.0.1:9/hook")
    done = world.iodcal("doctor", "--timeout", "0m", "-o", "json")
    assert (done.status, done.json["complete"], of_target(done)[-1]) == (1, False, ("not_tried", "yellow"))


def test_the_metrics_file_and_the_holidays_when_they_are_well(world: World) -> None:
    world.iodcal.write("prom/other.prom", "")
    metrics_file(world, "prom/iodcal.prom")
    following = datetime.now(UTC).date() + timedelta(days=40)
    change(world, "sites:\n", f"holidays: {{ours: {{dates: [2020-12-24, {following}]}}}}\nsites:\n")
    done = world.iodcal("doctor", "-o", "json")
    assert (done.status, found(done, "metrics_writable")["light"]) == (0, "green")
    assert found(done, "holidays_known")["message"] == f"the next one is {following}"
    assert found(done, "holidays_known")["where"] == "holidays.ours"


def _bound_by_permissions() -> None:
    """From now on, and after exec, even root's process may only what the modes of files permit."""
    drop_from_bounding_set, dac_override = 24, 1  # of <linux/prctl.h> and <linux/capability.h>
    ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override, 0, 0, 0)


def test_folders_that_this_user_may_not_write(iodcal: Iodcal) -> None:
    """Root may write everywhere: where the tests run as root, the command is deprived of that."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        place = Path(name)
        (place / "prom").mkdir()
        settings = f"{{metrics_file: {place}/prom/iodcal.prom, state: {place}/new/state.json}}"
        iodcal = Iodcal(place)
        iodcal.write("rules.yaml", f"version: 1\ntimezone: UTC\nsettings: {settings}\n")
        for folder in (place / "prom", place):
            folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-m", "iodcal", "doctor", "-o", "json"],
            cwd=place,
            env=iodcal.around(),
            preexec_fn=_bound_by_permissions if os.geteuid() == 0 else None,
            capture_output=True,
            check=False,
        )
        place.chmod(0o755)
    findings = {one["code"]: one for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == 3
    for code in ("metrics_not_writable", "state_no_folder"):
        assert (findings[code]["light"], findings[code]["remedy"] != "") == ("red", True)
    assert f"{place} cannot be written" in findings["state_no_folder"]["message"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_state_of_another_user(world: World) -> None:
    """Even where it can be written: a run refuses it, so that the owner's runs do not fail afterwards."""
    assert world.iodcal("sync").status == 0
    os.chown(world.iodcal.folder / "state" / "state.json", 65534, -1)
    done = world.iodcal("doctor", "-o", "json")
    assert (done.status, found(done, "state_foreign_owner")["light"]) == (3, "red")
    assert found(done, "state_foreign_owner")["remedy"].startswith("Run as that user")
    assert world.iodcal("sync").status == 1


def test_whatever_needs_a_remedy_is_reached_by_a_test() -> None:
    """Those that a whole configuration or another process is needed for have a test of their own; words that
    doctor takes over from connections and from stores are tested there."""
    taken = {f"notice_{code}" for code in CONNECTION}
    taken |= {f"state_{code.removeprefix('state_')}" for code in STATE_WORDS}
    reached = {name.partition(" ")[0] for name in (*REDS, *YELLOWS)}
    elsewhere = {
        *("lock_stuck", "not_tried", "notice_timeout", "metrics_not_writable", "state_no_folder"),
        *("state_foreign_owner", "carrier_warns", "quotes_untried", "state_stranger"),
        "state_unwritable",  # which only a run that writes can find
    }
    assert {
        code for code, words in DOCTOR_WORDS.items() if words.remedy
    } - taken - reached - elsewhere == set()


def test_a_certificate_that_lasts(world: World) -> None:
    with_certificate(world, certificate(NOW - timedelta(1), NOW + timedelta(400)))
    done = world.iodcal("doctor", "-o", "json")
    assert (lights(done)["secret_lasts"], lights(done)["login_good"]) == ("green", "green")


def test_an_inventory_that_cannot_be_listed_is_no_reason_to_stop(world: World) -> None:
    world.lumen.script(INVENTORY, *[instead(Reply.of({"message": "no"}, 500))] * 4)
    done = world.iodcal("doctor", "-o", "json")
    assert found(done, "refused")["light"] == "yellow"
    assert done.json["findings"]
    assert found(done, "login_good")


def test_a_server_that_does_not_answer_in_time(world: World) -> None:
    """What could not be tried is no green: the status says that the examination is not complete."""
    done_waiting = threading.Event()

    def wait(reply: Reply, _request: Request) -> Reply:
        done_waiting.wait(60)
        return reply

    world.graph.script("noc@contoso.example", [wait] * 9)
    with ExitStack() as stack:
        stack.callback(done_waiting.set)
        done = world.iodcal("doctor", "--timeout", "3s", "-o", "json")
        text = world.iodcal("doctor", "--timeout", "3s")
    assert (done.status, done.json["complete"]) == (1, False)
    assert "deadline" in lights(done)
    of_noc = [one["light"] for one in done.json["findings"] if one["where"] == "noc"]
    assert of_noc in (["red"], ["info"])  # info where even the login took too long
    assert "Not everything could be tried in time" in text.out


def test_a_configuration_that_does_not_load_ends_it(world: World) -> None:
    change(world, "version: 1", "version: 2")
    assert world.iodcal("doctor").status == 78


def test_the_sample_is_examined_without_a_network(world: World) -> None:
    world.iodcal.write("sandbox.json", "{}")
    change(world, "type: lumen", "type: sandbox\n    file: sandbox.json\n  unused:\n    type: lumen")
    done = world.iodcal("doctor", "-o", "json")
    assert lights(done)["carrier_unused"] == "info"
    assert lights(done)["circuit_first_seen"] == "green"


def test_a_signal_does_not_wait_for_a_calendar_that_keeps_silent(world: World) -> None:
    with slow(b"") as server:
        change(world, "calendars:\n", f'calendars:\n  silent: {{ics: "{server.url}"}}\n')
        process = world.iodcal.start("doctor", "-o", "json")
        assert server.asked.wait(60)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=15)  # its reading would end after 20 seconds, four times
    assert process.returncode == 130
    assert json.loads(out)["error"]["code"] == "interrupted"
