"""`iodcal init` with the real command, for scripts and at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from iodcal.config.load import load_configuration
from tests.e2e.command import Done
from tests.e2e.conftest import DEN, LON, World
from tests.e2e.terminal import Terminal
from tests.e2e.test_doctor import NOW, certificate
from tests.servers.entra import CLIENT_ID, TENANT
from tests.servers.entra import SECRET as ENTRA_SECRET
from tests.servers.faults import refused
from tests.servers.lumen import CUSTOMER, SECRET, FakeCircuit
from tests.servers.lumen_efc import EfcServer, FakeConnection
from tests.servers.megaport import SECRET as MEGAPORT_SECRET
from tests.servers.megaport import MegaportServer, Vxc
from tests.servers.tls import LocalServer, Reply

BOARD = "board@contoso.example"
CONTACT = "Pat Doe, noc@contoso.example, +13035550100, Contoso"


@pytest.fixture
def empty(world: World) -> World:
    """The servers, and nothing configured yet."""
    (world.iodcal.folder / "rules.yaml").unlink()
    world.graph.mailboxes[BOARD] = []
    return world


def servers(world: World, megaport: MegaportServer | None = None) -> list[str]:
    addresses = {
        "authority": world.graph.authority,
        "graph": world.graph.graph,
        "carrier": world.lumen.base_url,
    }
    if megaport is not None:
        addresses |= {"carrier": megaport.base_url, "login": megaport.token_url}
    return [part for name, url in addresses.items() for part in ("--server", f"{name}={url}")]


# The tests run at any time of the day, also shortly before a usual peak would end.
WITHOUT_END = "mon-sun 00:00-24:00 500 Mbps"
ANSWERS = {
    "--timezone": "America/Denver",
    "--tenant": TENANT,
    "--client": CLIENT_ID,
    "--company": "events@contoso.example",
    "--noc": "noc@contoso.example",
    "--room": f"den={BOARD}",
    "--carrier": "lumen",
    "--customer": CUSTOMER,
    "--contact": CONTACT,
    "--circuit": f"{DEN}=den-a@den,{LON}=lon-a",
    "--peak": WITHOUT_END,
}


def init(world: World, *more: str, **changes: str | None) -> Done:
    """The command with all answers as options, some of them changed, or left out."""
    answers = {**ANSWERS, **{f"--{name}": value for name, value in changes.items()}}
    given = [part for name, value in answers.items() if value is not None for part in (name, value)]
    return world.iodcal("init", *given, *servers(world), *more)


def written(world: World) -> list[str]:
    return sorted(path.name for path in world.iodcal.folder.iterdir() if path.name.startswith("rules"))


def test_with_every_answer_as_an_option(empty: World) -> None:
    done = init(empty)
    assert (done.status, done.err) == (0, "")
    folder = empty.iodcal.folder
    text = (folder / "rules.yaml").read_text(encoding="utf-8")
    assert "\n".join(f"  {line}" if line else "" for line in text.splitlines()) in done.out
    assert text.startswith("# yaml-language-server: $schema=rules.schema.json\n")
    assert "only observed (orders: none)" in done.out
    assert ENTRA_SECRET not in text
    assert SECRET not in text
    assert (folder / "rules.yaml").stat().st_mode & 0o022 == 0
    loaded = load_configuration(folder / "rules.yaml")
    assert [str(fault) for fault in loaded.warnings] == []
    assert [rule.name for rule in loaded.rules] == [
        "Company-wide events",
        "Network operations",
        "Conference rooms",
    ]
    assert [str(tier) for tier in loaded.circuits["den-a"].tiers] == [
        "100 Mbps",
        "200 Mbps",
        "500 Mbps",
        "1 Gbps",
    ]
    assert {str(circuit.orders) for circuit in loaded.circuits.values()} == {"none"}
    assert loaded.circuits["den-a"].site == "den"
    assert (empty.lumen.calls["quote"], empty.lumen.calls["order"]) == (0, 0)


def test_what_runs_today_is_off_peak_and_the_next_tier_peak(empty: World) -> None:
    """The cheapest tier on sale would make every circuit slower than it is."""
    empty.lumen.circuits[DEN].bandwidth = empty.lumen.circuits[LON].bandwidth = "200 Mbps"
    done = init(empty, peak=None)
    assert (done.status, done.err) == (0, "")
    text = (empty.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    assert "    off_peak: 200 Mbps\n" in text
    assert 'to: "18:30", bandwidth: 500 Mbps}' in text
    rules = {rule.name: rule for rule in load_configuration(empty.iodcal.folder / "rules.yaml").rules}
    operations = rules["Network operations"]
    assert (operations.named_in_event, str(operations.bandwidth)) == (True, "500 Mbps")
    assert [rules[name].conditions.all_day for name in ("Network operations", "Conference rooms")] == [
        False
    ] * 2


def test_the_highest_that_runs_is_off_peak_where_circuits_differ(empty: World) -> None:
    empty.lumen.circuits[LON].bandwidth = "500 Mbps"
    assert init(empty, peak="none").status == 0
    assert "    off_peak: 500 Mbps\n" in (empty.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")


def test_what_it_writes_is_good_for_the_other_commands(empty: World) -> None:
    assert init(empty).status == 0
    assert empty.iodcal("check", "--strict").status == 0
    assert empty.iodcal("sync").status == 0
    assert empty.iodcal("doctor").status == 0
    schema = json.loads((empty.iodcal.folder / "rules.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_next_command_reads_the_file_that_was_written(empty: World) -> None:
    assert "Next: iodcal doctor, then a timer for iodcal sync." in init(empty).out
    done = init(empty, "--config", "two words/rules.yaml")
    named = "--config 'two words/rules.yaml'"
    assert f"Next: iodcal doctor {named}, then a timer for iodcal sync {named}." in done.out
    elsewhere = str(empty.iodcal.folder / "elsewhere.yaml")
    (empty.iodcal.folder / "rules.yaml").unlink()
    answers = [part for pair in ANSWERS.items() for part in pair]
    done = empty.iodcal("init", *answers, *servers(empty), IODCAL_CONFIG=elsewhere)
    assert "Next: iodcal doctor --config rules.yaml, then" in done.out


def test_for_scripts_it_prints_one_object(empty: World) -> None:
    done = init(empty, "-o", "json")
    assert (done.status, done.err) == (0, "")
    assert (done.json["command"], done.json["files"]) == ("init", ["rules.yaml", "rules.schema.json"])
    assert [circuit["name"] for circuit in done.json["plan"]["circuits"]] == ["den-a", "lon-a"]


def test_what_exists_is_kept(empty: World) -> None:
    path = empty.iodcal.write("rules.yaml", "# mine\n")
    empty.iodcal.write("rules.schema.json", "{}")
    done = init(empty)
    assert (done.status, path.read_text()) == (2, "# mine\n")
    assert "rules.yaml is there already, and is kept" in done.err
    assert empty.graph.requests == []
    elsewhere = init(empty, "--config", "new/rules.yaml")
    assert elsewhere.status == 0
    assert (empty.iodcal.folder / "rules.schema.json").read_text() == "{}"


def test_without_a_terminal_all_that_is_missing_is_named_at_once(empty: World) -> None:
    done = empty.iodcal("init")
    assert done.status == 2
    for option in ("--tenant", "--client", "--company", "--room", "--carrier", "--circuit"):
        assert option in done.err
    assert written(empty) == []
    assert empty.graph.requests == []
    lumen = empty.iodcal("init", "--carrier", "lumen", "-o", "json")
    assert lumen.json["error"]["code"] == "init_missing"
    assert "--customer" in lumen.json["error"]["message"]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("timezone", "Denver", "not a time zone"),
        ("credential", "secrt", "did you mean secret?"),
        ("secret", ENTRA_SECRET, "write where the secret is, not the secret"),
        ("company", "groups/all", "use a shared mailbox"),
        ("noc", "noc", "neither a user principal name"),
        ("room", BOARD, "not a site and a mailbox"),
        ("organizer", "contoso", "neither an address nor a @domain"),
        ("contact", "Pat, a@b, +13035550100, C", "first and a last name"),
        ("contact", "Pat Doe", "four parts are wanted"),
        ("circuit", DEN, "not a service ID and a name"),
        ("circuit", f"{DEN}=all", "already means something"),
        ("circuit", f"{DEN}=a b", "is no name"),
        ("circuit", f"{DEN}=a,{LON}=a", "every circuit is named once"),
        ("tiers", "fast", "not a bandwidth"),
        ("tiers", ",", "commas alone"),
        ("customer", "1-\x1b[31m", "without control characters"),
        ("off-peak", "300 Mbps", "300 Mbps is not one of the tiers"),
        ("peak", "sometimes", "neither none nor such as"),
        ("peak", "mon-fri 07:30-18:30 2 Gbps", "2 Gbps is not one of the tiers"),
        ("site", "den", "not a site and its time zone"),
        ("server", "moon=https://contoso.example", "not one of authority, graph, carrier"),
        ("server", "graph=http://contoso.example", "not an https URL"),
    ],
)
def test_an_answer_that_makes_no_sense(empty: World, option: str, value: str, message: str) -> None:
    done = init(empty, **{option: value})
    assert (done.status, written(empty)) == (2, [])
    assert message in done.err


def test_a_secret_that_was_typed_by_mistake_is_not_repeated(empty: World) -> None:
    done = init(empty, secret=ENTRA_SECRET)
    assert ENTRA_SECRET not in done.out + done.err


FAILURES: dict[str, tuple[Any, str]] = {
    "a wrong secret": (lambda world: world.graph.entra.secrets.clear(), "the secret's value, not its ID"),
    "no secret": (
        lambda world: world.iodcal.environment.pop("IODCAL_CLIENT_SECRET"),
        "cron and systemd do not read",
    ),
    "a mailbox that is closed": (lambda world: world.graph.denied.add(BOARD), "Let an administrator consent"),
    "a mailbox that is not there": (
        lambda world: world.graph.mailboxes.pop("noc@contoso.example"),
        "Use the user principal name",
    ),
    "a wrong carrier secret": (
        lambda world: world.iodcal.environment.update(LUMEN_CLIENT_SECRET="wrong"),
        "Check client_id and client_secret",
    ),
    "a circuit that the carrier does not know": (
        lambda world: world.lumen.circuits.pop(LON),
        "Check service_id",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_trial_that_fails_ends_it_before_anything_is_written(empty: World, name: str) -> None:
    prepare, remedy = FAILURES[name]
    prepare(empty)
    done = init(empty)
    assert (done.status, written(empty)) == (1, [])
    assert "nothing was written" in done.err
    assert remedy in done.err


def test_a_place_that_cannot_be_written(empty: World) -> None:
    empty.iodcal.write("file", "")
    done = init(empty, "--config", "file/rules.yaml")
    assert (done.status, written(empty)) == (1, [])
    assert "file/rules.yaml cannot be written" in done.err


def test_a_certificate_and_a_sandbox(empty: World) -> None:
    pem = certificate(NOW - timedelta(1), NOW + timedelta(90))
    empty.graph.entra.certificate = pem.partition("-----BEGIN PRIVATE KEY-----")[0]
    empty.iodcal.write("app.pem", pem)
    done = init(
        empty,
        tiers="100 Mbps, 1 Gbps",
        peak="none",
        room=None,
        noc=None,
        credential="certificate",
        carrier="sandbox",
        customer=None,
        contact=None,
        circuit="7=lab-a",
    )
    assert (done.status, done.err) == (0, "")
    text = (empty.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    assert "certificate: {file: app.pem}" in text
    assert "{type: sandbox" not in text
    assert "peaks" not in text
    assert "Conference rooms" not in text


def test_the_machines_own_identity(empty: World) -> None:
    ends = int(datetime.now(UTC).timestamp()) + 3600
    answer = {
        "access_token": "of-the-machine",
        "expires_on": str(ends),
        "resource": "r",
        "token_type": "Bearer",
    }
    empty.graph.entra.tokens.add("of-the-machine")
    with LocalServer(lambda _request: Reply.of(answer)) as machine:
        empty.iodcal.environment.update(
            IDENTITY_ENDPOINT=f"{machine.url}/msi/token", IDENTITY_HEADER="planted-header"
        )
        done = init(empty, credential="managed-identity", tenant=None, client=None)
    assert (done.status, done.err) == (0, "")
    text = (empty.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    assert "microsoft365:\n  managed_identity: true\n  authority:" in text


def test_another_cloud_and_no_peak(empty: World) -> None:
    done = init(empty, cloud="us-gov", peak="none")
    assert (done.status, done.err) == (0, "")
    text = (empty.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    assert "  cloud: us-gov\n" in text
    assert text.endswith("    circuits: same_site\n    bandwidth: 200 Mbps\n")


def test_tiers_must_be_said_where_the_carrier_does_not(empty: World) -> None:
    done = init(empty, carrier="sandbox", customer=None, contact=None)
    assert (done.status, written(empty)) == (2, [])
    assert "--tiers" in done.err


def test_hostile_answers_stay_texts(empty: World) -> None:
    done = init(empty, contact='Pat "Doe" ${HOME}, noc@contoso.example, +13035550100, {Contoso: #1')
    assert (done.status, done.err) == (0, "")
    loaded: Any = load_configuration(empty.iodcal.folder / "rules.yaml").carriers["lumen"].options
    assert (loaded.contact.name, loaded.contact.organization) == ('Pat "Doe" ${HOME}', "{Contoso: #1")


TALK = [
    ("Time zone", "America/Denver"),
    ("Credential", "secret"),
    ("Directory (tenant) ID", TENANT),
    ("Application (client) ID", CLIENT_ID),
    ("Where it is", ""),
    ("Cloud", ""),
    ("ok: the Microsoft login", ""),
]


def test_at_a_terminal(empty: World) -> None:
    with Terminal(empty.iodcal, "init", *servers(empty)) as person:
        person.talk(TALK[:-1])
        person.talk(
            [
                ("ok: the Microsoft login", "events@contoso.example"),
                ("Mailbox of network operations", ""),
                ("Conference rooms", f"den={BOARD}"),
                ("Whose events count", ""),
                ("Carrier", "lumen"),
                ("Customer number", CUSTOMER),
                ("Where the consumer key is", ""),
                ("Where the consumer secret is", ""),
                ("Contact", "Pat"),
                ("No: four parts are wanted", CONTACT),
                (f"2  {LON}  100 Mbps  Active", "9"),
                ("No: '9' is neither a number of this list", "2, 1"),
                (f"Name of {LON}", "lon-a@lon"),
                (f"Name of {DEN}", ""),
                ("Time zones of the sites", "den=America/Denver, lon=Europe/London"),
                ("Tiers, with commas [100 Mbps, 200 Mbps, 500 Mbps, 1 Gbps]", ""),
                ("Bandwidth outside of the peak hours [100 Mbps]", ""),
                ("Peak hours and their bandwidth, or none [mon-fri 07:30-18:30 200 Mbps]", WITHOUT_END),
                ("Write this", ""),  # the last Enter discards nothing
            ]
        )
        assert person.end() == 0
    assert "Wrote rules.yaml" in person.text
    assert "only observed" in person.text
    loaded = load_configuration(empty.iodcal.folder / "rules.yaml")
    assert {name: (one.site, str(one.zone)) for name, one in loaded.circuits.items()} == {
        "lon-a": ("lon", "Europe/London"),
        "circuit-2": ("den", "America/Denver"),
    }


def test_at_a_terminal_a_failed_trial_can_be_mended(empty: World) -> None:
    answers = ["--company", "events@contoso.example", "--carrier", "sandbox", "--tiers", "100 Mbps"]
    empty.graph.script("events@contoso.example", [refused(403, "ErrorAccessDenied")] * 2)
    with Terminal(empty.iodcal, "init", *answers, *servers(empty)) as person:
        person.talk(
            [
                ("Time zone", ""),
                ("Credential", ""),
                ("Directory (tenant) ID", "contoso"),
                ("Application (client) ID", CLIENT_ID),
                *TALK[4:6],
                ("knows no tenant contoso", ""),  # try again: the same
                ("knows no tenant contoso", "change"),
                ("Time zone", ""),
                ("Credential", ""),
                ("Directory (tenant) ID [contoso]", TENANT),
                (f"Application (client) ID [{CLIENT_ID}]", ""),
                *TALK[4:6],
                ("Mailbox of network operations", ""),
                ("Conference rooms", ""),
                ("Whose events count", ""),
                ("access denied", "sideways"),
                ("Try again", "again"),
                ("access denied", "on"),
                ("Circuits, as service-id=name@site", "7=lab"),
                ("Bandwidth outside of the peak hours", "1 Gbps"),
                ("Peak hours", "none"),
                ("No: 1 Gbps is not one of the tiers", "100 Mbps, 1 Gbps"),
                ("outside of the peak hours [1 Gbps]", "100 Mbps"),
                ("Peak hours", "none"),
                ("Write this", "n"),
            ]
        )
        assert person.end() == 0
    assert "Nothing was written" in person.text
    assert written(empty) == []


def test_one_can_leave_at_any_time(empty: World) -> None:
    with Terminal(empty.iodcal, "init") as person:
        person.talk([("Time zone", ""), ("Credential", "\x04")])
        assert person.end() == 130
    assert "Traceback" not in person.text
    assert written(empty) == []


def test_its_help_fits_a_screen(world: World) -> None:
    done = world.iodcal("init", "--help", COLUMNS="80")
    lines = done.out.splitlines()
    assert len(lines) <= 36
    assert "-o json" in done.out
    assert "--config FILE       The file to write; else ./rules.yaml.\n" in done.out
    assert max(map(len, lines)) <= 80


def test_its_text_is_what_a_person_would_write(empty: World) -> None:
    assert init(empty).status == 0
    text = (empty.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    assert "calendars:\n  company: {mailbox: events@contoso.example}\n" in text
    assert f"  tenant_id: {TENANT}\n" in text
    assert f'  den-a: {{site: den, service_id: "{DEN}"}}\n' in text
    assert max(len(line) for line in text.splitlines()) <= 120
    assert Path("rules.yaml").name in written(empty)


def test_a_carrier_with_many_circuits_is_listed_whole(empty: World) -> None:
    empty.lumen.circuits.update({f"7800000{number:04}": FakeCircuit() for number in range(120)})
    done = init(empty, circuit="78000000119=far@den")
    assert done.status == 0


FABRIC = "10000000-0000-4000-8000-000000000001"
VXC = "11111111-0000-4000-8000-000000000001"


@pytest.fixture
def fabric(empty: World) -> EfcServer:
    server = EfcServer(empty.lumen)
    server.connections[FABRIC] = FakeConnection()
    return server


@pytest.fixture
def megaport(empty: World) -> Iterator[MegaportServer]:
    with MegaportServer() as server:
        server.circuits[VXC] = Vxc()
        empty.iodcal.environment |= {
            "MEGAPORT_CLIENT_ID": server.key,
            "MEGAPORT_CLIENT_SECRET": MEGAPORT_SECRET,
        }
        yield server


def section_of(world: World) -> dict[str, Any]:
    """The carrier of the file that was written; a section of it asks nothing that this carrier lacks."""
    text = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    ((_, section),) = yaml.safe_load(text)["carriers"].items()
    assert isinstance(section, dict)
    return section


def is_good_for_the_other_commands(world: World) -> None:
    assert world.iodcal("check").status == 0
    assert world.iodcal("plan").status == 0
    examined = world.iodcal("doctor", "-o", "json")
    of_circuits = [one for one in examined.json["findings"] if one["area"] == "circuits"]
    assert {one["light"] for one in of_circuits} <= {"green", "yellow", "info"}, of_circuits
    assert {"inventory_listed", "tiers_quoted"} <= {one["code"] for one in of_circuits}


def test_a_connection_of_ethernet_fabric_connect_at_a_terminal(empty: World, fabric: EfcServer) -> None:
    answers = ["--company", "events@contoso.example", "--tenant", TENANT, "--client", CLIENT_ID]
    with Terminal(empty.iodcal, "init", *answers, *servers(empty)) as person:
        person.talk(
            [
                ("Time zone", "America/Denver"),
                ("Credential", ""),
                ("Where it is", ""),
                ("Cloud", ""),
                ("Mailbox of network operations", ""),
                ("Conference rooms", ""),
                ("Whose events count", ""),
                ("Carrier: lumen, lumen-efc, megaport", "lumen-efc-tset"),
                ("did you mean lumen-efc-test?", "lumen-efc"),
                ("Customer number", CUSTOMER),
                ("Where the consumer key is", ""),
                ("Where the consumer secret is", ""),
                (f"{FABRIC}  100 Mbps  active", "all"),  # no contact is asked for
                (f"Name of {FABRIC}", "omaha"),
                ("Tiers, with commas [10 Mbps, 20 Mbps", "100 Mbps, 1 Gbps"),
                ("Bandwidth outside of the peak hours [100 Mbps]", ""),
                ("Peak hours", WITHOUT_END.replace("500 Mbps", "1 Gbps")),
                ("Write this", ""),
            ]
        )
        assert person.end() == 0
    assert set(section_of(empty)) == {
        "type",
        "environment",
        "customer_number",
        "client_id",
        "client_secret",
        "base_url",
    }
    assert (section_of(empty)["type"], section_of(empty)["environment"]) == ("lumen-efc", "production")
    is_good_for_the_other_commands(empty)
    assert fabric.connections[FABRIC].changes == []


def test_a_vxc_of_megaport_at_a_terminal(empty: World, megaport: MegaportServer) -> None:
    answers = ["--company", "events@contoso.example", "--tenant", TENANT, "--client", CLIENT_ID]
    with Terminal(empty.iodcal, "init", *answers, *servers(empty, megaport)) as person:
        person.talk(
            [
                ("Time zone", "America/Denver"),
                ("Credential", ""),
                ("Where it is", ""),
                ("Cloud", ""),
                ("Mailbox of network operations", ""),
                ("Conference rooms", ""),
                ("Whose events count", ""),
                ("Carrier: lumen, lumen-efc, megaport", "megaport"),
                ("Where the consumer key is", ""),  # no customer number, no contact
                ("[env:MEGAPORT_CLIENT_SECRET]", ""),
                (f"{VXC}  100 Mbps  LIVE", "1"),
                (f"Name of {VXC}", "hq"),
                ("Tiers, with commas", "100 Mbps, 500 Mbps"),  # Megaport has no list of them
                ("Bandwidth outside of the peak hours [100 Mbps]", ""),
                ("Peak hours", WITHOUT_END),
                ("Write this", ""),
            ]
        )
        assert person.end() == 0
    assert set(section_of(empty)) == {
        "type",
        "environment",
        "client_id",
        "client_secret",
        "base_url",
        "token_url",
    }
    is_good_for_the_other_commands(empty)
    assert megaport.circuits[VXC].changes == []


@pytest.mark.parametrize("environment", ["megaport", "megaport-staging"])
def test_megaport_with_every_answer_as_an_option(empty: World, environment: str) -> None:
    with MegaportServer(staging=environment != "megaport") as server:
        server.circuits[VXC] = Vxc()
        empty.iodcal.environment |= {
            "MEGAPORT_CLIENT_ID": server.key,
            "MEGAPORT_CLIENT_SECRET": MEGAPORT_SECRET,
        }
        given = {
            **ANSWERS,
            "--carrier": environment,
            "--circuit": f"{VXC}=hq@den",
            "--tiers": "100 Mbps, 500 Mbps",
        }
        del given["--customer"], given["--contact"]
        options = [part for pair in given.items() for part in pair]
        done = empty.iodcal("init", *options, *servers(empty, server))
        assert (done.status, done.err) == (0, "")
        assert section_of(empty)["environment"] == ("production" if environment == "megaport" else "staging")
        is_good_for_the_other_commands(empty)
        assert ("TEST" in empty.iodcal("plan").out) is (environment != "megaport")


def test_a_carrier_that_lacks_an_answer_names_its_own(empty: World) -> None:
    done = empty.iodcal("init", "--carrier", "megaport")
    assert done.status == 2
    assert "--customer" not in done.err
    assert "--contact" not in done.err
    assert "--circuit" in done.err
