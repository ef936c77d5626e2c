"""Loading: the full example, every fault with its whole message, every warning."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from iodcal.config import Configuration
from iodcal.config.build import carrier_tariff
from iodcal.config.find import find_configuration, state_path
from iodcal.config.load import load_configuration, load_configuration_copy
from iodcal.config.plugins import CARRIERS, load_plugin
from iodcal.config.schema import CarrierSection
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Orders
from iodcal.domain.money import Billing, RateSource
from iodcal.domain.rules import Allow, FromEvent, Highest, Mode
from iodcal.errors import ConfigurationError, Fault
from tests.e2e.command import ROOT

FULL = Path(__file__).parent / "full.yaml"
BASE = """\
version: 1
timezone: UTC
settings: {organizers: ["@contoso.example"]}
calendars: {noc: {ics: noc.ics}}
carriers: {lab: {type: sandbox, file: lab.json}}
circuits:
  den-a: {carrier: lab, service_id: "77", tiers: [100 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps}}
rules:
  - {name: Calls, calendars: [noc], circuits: all, bandwidth: highest}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(write(folder, text))
    return [f"{fault.line}: {fault.path}: {fault.message}" for fault in caught.value.faults]


def loaded(folder: Path, text: str) -> Configuration:
    return load_configuration(write(folder, text))


def changed(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new)


def test_the_full_example_loads() -> None:
    configuration = load_configuration(FULL)
    company, noc, dr, rooms, work, ordered, freeze = configuration.rules
    assert company.circuits == {"company": ("den-a", "lon-a")}
    assert company.bandwidth is Highest.HIGHEST
    assert (noc.lead, noc.trail) == (timedelta(minutes=30), timedelta(minutes=10))
    assert dr.lead == timedelta(minutes=45)
    assert rooms.circuits == {"rooms-den": ("den-a",), "rooms-lon": ("lon-a",)}
    assert (work.mode, work.lead, work.trail) == (Mode.EXACTLY, timedelta(), timedelta())
    assert ordered.bandwidth is FromEvent.FROM_EVENT
    assert (freeze.mode, freeze.allow, freeze.bandwidth) == (Mode.FREEZE, Allow.NONE, None)
    assert (freeze.lead, freeze.trail) == (timedelta(), timedelta(hours=1))
    den, lon = configuration.circuits.values()
    assert (den.zone.key, lon.zone.key) == ("America/Denver", "Europe/London")
    assert (lon.orders, lon.highest) == (Orders.NONE, Bandwidth(500))
    assert den.key == "lumen|https://api.lumen.com|1-ABCDE|77000000001"
    assert (den.provisioning, den.changes_per_day) == (timedelta(minutes=10), 24)
    assert configuration.calendars["rooms-den"].hide_subjects
    assert configuration.settings.state == Path("/var/lib/iodcal/state.json")


@pytest.mark.parametrize("name", ["rules.yaml", "examples/lumen.yaml"])
def test_what_we_ship_loads_without_a_doubt(name: str) -> None:
    path = ROOT / name  # its mode is that of whoever checked it out
    assert load_configuration_copy(path.read_bytes(), path, trusted=True).warnings == ()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("settings: {", "settings: {evry: 5m, ", "3: settings.evry: unknown key; did you mean every? (known here: "),
        ("timezone: UTC", "timezone: Mars/Base", "2: timezone: 'Mars/Base' is not a time zone such as America/Denver"),
        ("timezone: UTC", "timezone: America/Denvr", "2: timezone: 'America/Denvr' is not a time zone such as"
         " America/Denver; did you mean America/Denver?"),
        ("timezone: UTC\n", "", "1: timezone: this key is missing"),
        ("settings: {", "settings: {every: 5, ", "3: settings.every: a duration such as 30m is wanted, not the number 5"),
        ("settings: {", "settings: {every: 0m, ", "3: settings.every: this must be more than 0m"),
        ("settings: {", "settings: {window: 367d, ", "3: settings.window: this must be at most 366d"),
        ("settings: {", "settings: {lead: 5 min, ", "3: settings.lead: '5 min' is not a duration such as 90m, 1h30m or 2d"),
        ("settings: {", "settings: {orders: up, ", "3: settings.orders: 'up' is not one of all, ups, none; did you mean ups?"),
        ("settings: {", "settings: {quota_reserve: many, ", "3: settings.quota_reserve: a whole number is wanted, not 'many'"),
        ("settings: {", "settings: {subjects: no, ", "3: settings.subjects: 'no' is not one of show, hide"),
        ('"@contoso.example"', "contoso", "3: settings.organizers[0]: 'contoso' is neither an address nor a @domain"),
        ("{ics: noc.ics}", "{isc: noc.ics}", "4: calendars.noc: this calendar does not say what it is: give one of mailbox, "
         "mailboxes, ics, graph_json or type; did you mean ics?"),
        ("{ics: noc.ics}", "{ics: noc.ics, mailbox: a@b.c}", "4: calendars.noc: this calendar says two kinds at once: give one "
         "of mailbox, mailboxes, ics, graph_json or type"),
        ("{ics: noc.ics}", "{ics: noc.ics, site: den}", "4: calendars.noc.site: there is no site 'den'"),
        ("{ics: noc.ics}", "{type: outlook}", "4: calendars.noc.type: 'outlook' is not a known type (known here: graph_json, "
         "ics, microsoft365)"),
        ("{ics: noc.ics}", "{mailbox: a@b.example}", "4: calendars.noc: a mailbox needs the section microsoft365, which is "
         "missing"),
        ("type: sandbox", "type: sandbx", "5: carriers.lab.type: 'sandbx' is not a known type; did you mean sandbox? (known "
         "here: lumen, lumen-efc, megaport, sandbox)"),
        ("type: sandbox, ", "", "5: carriers.lab.type: this key is missing: it says the type"),
        ("file: lab.json", "fil: lab.json", "5: carriers.lab.fil: unknown key; did you mean file? (known here: billing, "
         "changes_per_circuit, changes_per_day, currency, file, provisioning, rates, starts_at, status_words, "
         "tiers, type, unknown, usage)"),
        ("file: lab.json", "file: lab.json, status_words: {active: [Up  now], pending: up NOW}", "5: carriers.lab.status_words: "
         "'up now' cannot be both active and pending"),
        ("file: lab.json", "file: lab.json, curency: USD", "5: carriers.lab.curency: unknown key; did you mean currency? "),
        ("carrier: lab", "carrier: lob", "7: circuits.den-a.carrier: there is no carrier 'lob'; did you mean lab?"),
        ('service_id: "77"', "service_id: 007", "7: circuits.den-a.service_id: 007 is a number whose digits would be lost: put "
         "it in quotes"),
        ('service_id: "77"', "service_id: 1e5", "7: circuits.den-a.service_id: 1e5 is a number whose digits would be lost: put "
         "it in quotes"),
        ('service_id: "77", ', "", "7: circuits.den-a.service_id: this key is missing, here and in defaults.circuit"),
        ("1 Gbps]", "1 Gps]", "7: circuits.den-a.tiers[1]: '1 Gps' is not a bandwidth such as 100 Mbps or 1 Gbps"),
        ("{off_peak: 100 Mbps}", "{off_peak: 200 Mbps}", "7: circuits.den-a.baseline: off_peak 200 Mbps is not one of its "
         "tiers (100 Mbps, 1 Gbps)"),
        ("{off_peak: 100 Mbps}", "office", "7: circuits.den-a.baseline: there is no baseline 'office'"),
        ("baseline:", "floor: 1 Gbps, ceiling: 100 Mbps, baseline:", "7: circuits.den-a.floor: 1 Gbps is above the ceiling, "
         "100 Mbps"),
        ("baseline:", "floor: 2 Gbps, baseline:", "7: circuits.den-a.floor: 2 Gbps is above the highest tier (100 Mbps, 1 Gbps)"),
        ("baseline:", "floor: 200 Mbps, ceiling: 500 Mbps, baseline:", "7: circuits.den-a.ceiling: no tier (100 Mbps, 1 Gbps) lies "
         "between the floor, 200 Mbps, and the ceiling, 500 Mbps"),
        ("calendars: [noc]", "calendars: [nok]", "9: rules[0].calendars[0]: there is no calendar 'nok'; did you mean noc?"),
        ("circuits: all", "circuits: [den-b]", "9: rules[0].circuits[0]: there is no circuit 'den-b'; did you mean den-a?"),
        ("circuits: all", "circuits: same_site", "9: rules[0].circuits: same_site: the calendar noc has no site"),
        ("circuits: all", "circuits: [named_in_event, den-a]", "9: rules[0].circuits: named_in_event stands alone, not in a list "
         "with others"),
        ("circuits: all", "circuits: named_in_evnt", "9: rules[0].circuits[0]: there is no circuit 'named_in_evnt'; did you mean "
         "named_in_event?"),
        ("circuits: all", "circuits: {named_in_event: [den-b]}", "9: rules[0].circuits.named_in_event[0]: there is no circuit "
         "'den-b'; did you mean den-a?"),
        ("circuits: all", "circuits: {named_in_event: [all, den-a]}", "9: rules[0].circuits.named_in_event: all stands alone, not "
         "in a list with others"),
        ("circuits: all", "circuits: {named_in_event: named_in_event}", "9: rules[0].circuits.named_in_event[0]: there is no "
         "circuit 'named_in_event'"),
        ("circuits: all", "circuits: {named_in_event: same_site}", "9: rules[0].circuits: same_site: the calendar noc has no site"),
        ("circuits: all", "circuits: {named_in_event: all, named_in_evnt: all}", "9: rules[0].circuits.named_in_evnt: unknown key; did you mean "
         "named_in_event? (known here: named_in_event)"),
        ("circuits: all", "circuits: {}", "9: rules[0].circuits.named_in_event: this key is missing"),
        ("circuits: all", "circuits: {named_in_event: []}", "9: rules[0].circuits.named_in_event: an empty list says nothing"),
        ("circuits: all", "circuits: [[den-a]]", "9: rules[0].circuits[0]: a text is wanted, not a list"),
        ("  den-a: {", "  named_in_event: {", "7: circuits.named_in_event: named_in_event already means something in a rule: "
         "choose another name"),
        ("circuits: all", "circuits: [all, den-a]", "9: rules[0].circuits: all stands alone, not in a list with others"),
        ("bandwidth: highest", "bandwidth: higest", "9: rules[0].bandwidth: 'higest' is neither a bandwidth nor one of highest, "
         "from_event; did you mean highest?"),
        ("bandwidth: highest", "bandwidth: from_event", "9: rules[0].bandwidth: from_event needs a match.subject_regex with a "
         "group named bandwidth"),
        ("bandwidth: highest", "mode: exactly, bandwidth: 500 Mbps", "9: rules[0].bandwidth: exactly 500 Mbps is not one of the "
         "tiers of den-a (100 Mbps, 1 Gbps)"),
        ("bandwidth: highest", "priority: 1", "9: rules[0].bandwidth: this key is missing"),
        ("bandwidth: highest", "bandwidth: highest, mode: freeze", "9: rules[0].bandwidth: a freeze asks for no bandwidth: leave "
         "it out (allow says what may be ordered meanwhile)"),
        ("bandwidth: highest", "bandwidth: highest, allow: none", "9: rules[0].allow: only a rule with mode: freeze allows or "
         "forbids orders"),
        ("bandwidth: highest", "mode: freeze, allow: all", "9: rules[0].allow: 'all' is not one of ups, none"),
        ("bandwidth: highest", "bandwidth: highest, longest: 30m", "9: rules[0].longest: 30m is over before the event begins: "
         "the lead is 30m"),
        ("bandwidth: highest", "bandwidth: highest, priority: 100", "9: rules[0].priority: a whole number from -99 to 99 "
         "is wanted, not the number 100"),
        ("bandwidth: highest", "bandwidth: highest, match: {subjct: a}", "9: rules[0].match.subjct: unknown key; did you mean "
         "subject? (known here: "),
        ("bandwidth: highest", "bandwidth: highest, match: {subject_regex: '('}", "9: rules[0].match.subject_regex: not a regular "
         "expression: "),
        ("bandwidth: highest", "bandwidth: highest, match: {days: someday}", "9: rules[0].match.days: 'someday' is no day: use "
         "mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri"),
        ("bandwidth: highest", "bandwidth: highest, match: {from: 25:00}", "9: rules[0].match.from: a time of day such as 07:30 is "
         "wanted, not '25:00'"),
        ("version: 1", "version: 2", "1: version: 2 needs a newer iodcal; this one knows version 1"),
        ("version: 1", "version: one", "1: version: the version is 1"),
        ("version: 1\n", "", "1: version: this key is missing: write version: 1"),
        ("timezone: UTC", "timezone: ${NOT_SET_ANYWHERE}", "2: timezone: ${NOT_SET_ANYWHERE}: this environment variable is not "
         "set"),
        ("timezone: UTC", "timezone: UTC\ntimezone: UTC", "3: timezone: this key stands twice"),
        ("timezone: UTC", "timezone: !zone UTC", "2: timezone: the tag !zone means nothing here"),
        ("timezone: UTC", "timezone: [UTC", "3: : not valid YAML: "),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_each_fault_says_where_what_and_what_else(tmp_path: Path, old: str, new: str, fault: str) -> None:
    found = faults(tmp_path, changed(old, new))
    assert found[0].startswith(fault), found
    assert fault.endswith((" ", ": ")) or len(found) > 1 or found[0] == fault or "(known" in found[0]


def test_all_faults_come_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = BASE.replace("UTC", "Mars").replace("1 Gbps]", "1 Gps]").replace("highest", "much")
    assert [fault.split(":")[0] for fault in faults(tmp_path, text)] == ["2", "7", "9"]


def test_keys_of_every_carrier_and_of_its_own_kind_are_told_together(tmp_path: Path) -> None:
    found = faults(tmp_path, changed("file: lab.json", "file: [], provisioning: 0m"))
    assert [fault.split(": ")[1] for fault in found] == ["carriers.lab.file", "carriers.lab.provisioning"]
    found = faults(tmp_path, changed("{ics: noc.ics}", "{ics: [], site: nowhere, subjcts: hide}"))
    paths = ["calendars.noc.ics", "calendars.noc.site", "calendars.noc.subjcts"]
    assert [fault.split(": ")[1] for fault in found] == paths
    assert "did you mean subjects?" in found[2]


RULE = "  - {name: Calls, calendars: [noc], circuits: all, bandwidth: highest}\n"
MICROSOFT = "microsoft365: {tenant_id: t, client_id: c, client_secret: {env: X}}\n"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (RULE, "10: rules[1].name: 'Calls' is the name of rules[0] already"),
        ("x-note: {anything: goes}\nwhat: 1\n", "11: what: unknown key (known here: "),
        (MICROSOFT.replace("client_secret", "managed_identity: true, client_secret"), "10: microsoft365: give exactly one of "),
        (MICROSOFT.replace("tenant_id: t, ", ""), "10: microsoft365: tenant_id and client_id are needed beside the credential"),
        (MICROSOFT.replace("tenant_id", "graph: 'http://graph.example', tenant_id"), "10: microsoft365.graph: "
         "'http://graph.example' is not an https URL (plain http is for this machine only)"),
        (MICROSOFT.replace("{env: X}", "{envy: X}"), "10: microsoft365.client_secret: a secret is {env: NAME}, "),
        (MICROSOFT.replace("{env: X}", "{env: X}, cloud: usgov"), "10: microsoft365.cloud: 'usgov' is not one of global, us-gov, "
         "us-dod, china; did you mean us-gov?"),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_faults_of_more_sections(tmp_path: Path, more: str, fault: str) -> None:
    assert faults(tmp_path, BASE + more)[0].startswith(fault)


def test_a_group_calendar_is_refused_with_the_reason(tmp_path: Path) -> None:
    text = changed("{ics: noc.ics}", "{mailbox: groups/7}") + MICROSOFT
    assert "cannot be read by an application" in faults(tmp_path, text)[0]


def test_one_service_has_one_entry_and_a_place_as_many_as_wanted(tmp_path: Path) -> None:
    twice = BASE.replace("rules:\n", '  den-b: {carrier: lab, service_id: "77", tiers: [100 Mbps], '
                         "baseline: {off_peak: 100 Mbps}}\nrules:\n")  # fmt: skip
    assert faults(tmp_path, twice) == [
        "8: circuits.den-b: the same service as den-a: one circuit has one entry"
    ]
    two = changed("{noc: {ics: noc.ics}}", "{noc: {ics: noc.ics}, ops: {ics: noc.ics}}")
    assert list(loaded(tmp_path, two).calendars) == ["noc", "ops"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a mapping"),
        (b"- 1\n", "not a mapping"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"a: &a [x,x]\nb: &b [*a,*a]\n" + b"".join(
            b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(ord("c"), ord("m"))), "too many values"),
        (b"a: " + b"[" * 200 + b"]" * 200, "too many values, or nested too deeply"),
        (b"a: &a {b: *a}\n", ""),
        (b"a: &a\n  <<: *a\n", "too many values, or nested too deeply"),
        (b"version: '" + b"${A:-" * 60_000 + b"'\n", "the version is 1"),
        (b"? [a]\n: 1\n", "a key is a plain text"),
        (b"x" * (4 * 1024 * 1024 + 1), "larger than 4 MiB"),
    ],
    ids=["empty", "list", "binary", "aliases", "deep", "itself", "merged with itself", "defaults without end", "key", "large"],
)  # fmt: skip
def test_what_is_no_rules_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    assert any(message in fault.message for fault in caught.value.faults)


def test_money_is_exact_and_each_place_overrides_the_one_before(tmp_path: Path) -> None:
    text = changed("file: lab.json", "file: lab.json, billing: hour, rates: {100 Mbps: 0.1, 1 Gbps: '1.060'}")
    text = text.replace("tiers:", "rates: {1000 Mbps: 3}, max_price_per_hour: 2.5, tiers:")
    circuit = loaded(tmp_path, text).circuits["den-a"]
    assert circuit.tariff.billing is Billing.HOUR
    assert [(str(tier), rate.per_hour) for tier, rate in circuit.tariff.rates] == [
        ("100 Mbps", Decimal("0.1")),
        ("1 Gbps", Decimal(3)),
    ]
    assert circuit.max_price_per_hour == Decimal("2.5")


def test_a_circuit_in_another_currency_has_only_its_own_rates(tmp_path: Path) -> None:
    text = changed("file: lab.json", "file: lab.json, rates: {100 Mbps: 0.46}")
    text = text.replace("tiers:", "currency: EUR, rates: {1 Gbps: 0.9}, tiers:")
    tariff = loaded(tmp_path, text).circuits["den-a"].tariff
    assert (tariff.currency, [str(tier) for tier, _ in tariff.rates]) == ("EUR", ["1 Gbps"])


def test_lumens_list_counts_in_its_own_currency_only() -> None:
    plugin = load_plugin(CARRIERS, "lumen")
    listed = carrier_tariff(CarrierSection(), plugin)
    assert listed.per_hour(Bandwidth(100)) == Decimal("0.46")
    assert listed.rates[0][1].source is RateSource.LIST
    assert carrier_tariff(CarrierSection(currency="EUR"), plugin).rates == ()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("file: lab.json", "file: lab.json, rates: {100 Mbps: -1}", "carriers.lab.rates.100 Mbps: '-1' is not a price per hour "
         "such as 0.46 (it is negative)"),
        ("file: lab.json", "file: lab.json, rates: {100 Mbps: 1e9}", "carriers.lab.rates.100 Mbps: '1e9' is not a price per hour "
         "such as 0.46 (below 1000000, at most six decimals)"),
        ("file: lab.json", "file: lab.json, rates: {100 Mbps: yes please}", "carriers.lab.rates.100 Mbps: 'yes please' is not a "
         "price per hour such as 0.46 (below 1000000, at most six decimals)"),
        ("file: lab.json", "file: lab.json, rates: {100 Mbps: [1]}", "carriers.lab.rates.100 Mbps: a price per hour such as 0.46 "
         "is wanted, not a list"),
        ("file: lab.json", "file: lab.json, rates: {1 Gbps: 1, 1000 Mbps: 2}", "carriers.lab.rates: 1000 Mbps and 1 Gbps are the "
         "same"),
        ("file: lab.json", "file: lab.json, rates: {fast: 1}", "carriers.lab.rates.fast: 'fast' is not a bandwidth such as 100 "
         "Mbps or 1 Gbps"),
        ("file: lab.json", "file: lab.json, rates: 3", "carriers.lab.rates: a mapping of keys is wanted, not the number 3"),
        ("file: lab.json", "file: lab.json, currency: dollars", "carriers.lab.currency: a currency is three capital letters such "
         "as USD, not 'dollars'"),
        ("file: lab.json", "file: lab.json, billing: week", "carriers.lab.billing: 'week' is not one of minute, hour, day, change_day"),
        ("bandwidth: highest", "bandwidth: highest, max_price_per_hour: cheap", "rules[0].max_price_per_hour: 'cheap' is not a "
         "price per hour such as 0.46 (below 1000000, at most six decimals)"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_strange_money(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert [found.split(": ", 1)[1] for found in faults(tmp_path, changed(old, new))] == [fault]


@pytest.mark.parametrize(
    ("circuits", "allowed"),
    [
        ("named_in_event", ("den-a", "lon-a")),
        ("[named_in_event]", ("den-a", "lon-a")),
        ("{named_in_event: all}", ("den-a", "lon-a")),
        ("{named_in_event: lon-a}", ("lon-a",)),
        ("{named_in_event: [lon-a, den-a]}", ("lon-a", "den-a")),
    ],
)
def test_the_circuits_that_an_event_names_and_those_it_may(
    tmp_path: Path, circuits: str, allowed: tuple[str, ...]
) -> None:
    text = changed(
        "rules:\n",
        '  lon-a: {carrier: lab, service_id: "78", tiers: [1 Gbps], baseline: {off_peak: 1 Gbps}}\nrules:\n',
    )
    (found,) = loaded(tmp_path, text.replace("circuits: all", f"circuits: {circuits}")).rules
    assert (found.named_in_event, found.circuits) == (True, {"noc": allowed})


def test_the_circuits_of_the_calendars_site_that_an_event_names(tmp_path: Path) -> None:
    text = FULL.read_text(encoding="utf-8").replace(
        "circuits: same_site", "circuits: {named_in_event: same_site}"
    )
    rooms = loaded(tmp_path, text).rules[3]
    assert (rooms.named_in_event, rooms.circuits["rooms-lon"]) == (True, ("lon-a",))


@pytest.mark.parametrize(
    ("name", "site", "expected"),
    [
        ("test", "den", "circuits.test: every event with 'DR Test' in its title has 'test' in it"),
        ("Main", "den", "circuits.Main: 'Main' stands in many titles"),
        ("x", "den", "circuits.x: 'x' stands in many titles"),
        ("den-a", "hq", "sites.hq: 'hq' stands in many titles"),
        (
            "2026",
            "den",
            "circuits.2026: '2026' is a number that stands in many titles, as a year or a room does",
        ),
        ("---", "den", None),
        ("den-a", "den", None),
    ],
)
def test_names_that_titles_hold_by_chance(tmp_path: Path, name: str, site: str, expected: str | None) -> None:
    text = changed(
        '  den-a: {carrier: lab, service_id: "77",',
        f'  "{name}": {{site: {site}, carrier: lab, service_id: "77000000001",',
    )
    text = text.replace("circuits:\n", f"sites: {{{site}: {{}}}}\ncircuits:\n")
    text = text.replace("circuits: all", "match: {subject: DR Test}, circuits: named_in_event")
    why = ": rules[0] takes it for a circuit that the event names"
    assert warnings(tmp_path, text) == ([expected + why] if expected else [])


def test_a_missing_file_and_a_foreign_one_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(tmp_path / "gone.yaml")
    assert "cannot be read" in caught.value.faults[0].message
    path = write(tmp_path, BASE)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    if path.stat().st_uid != 0:
        with pytest.raises(ConfigurationError, match="configuration"):
            load_configuration(path)


def doubts_beside(found: Iterable[Fault]) -> list[Fault]:
    """What is doubtful beside the rule of BASE, which has no conditions (`test_slips` has that)."""
    return [fault for fault in found if "every event of its calendars counts" not in fault.message]


def warnings(folder: Path, text: str) -> list[str]:
    return [f"{fault.path}: {fault.message}" for fault in doubts_beside(loaded(folder, text).warnings)]


LONG_LEAD = ", lead: 45m"


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("", "", None),
        ("bandwidth: highest", "bandwidth: highest, lead: 20m", "rules[0].lead: a lead of 20m is shorter than 22m (every + "
         "lost_answer_grace + provisioning): an order whose answer is lost comes too late"),
        ("bandwidth: highest", "bandwidth: 10 Gbps", "rules[0].bandwidth: den-a can only reach 1 Gbps of 10 Gbps: its tiers end "
         "there"),
        ("bandwidth: highest", "bandwidth: highest, match: {longer_than: 1h, shorter_than: 1h}", "rules[0].match: this rule can "
         "never match: nothing is longer and shorter at once"),
        ("bandwidth: highest", "bandwidth: highest, match: {from: '09:00', to: '09:00'}", "rules[0].match: from and to are the same "
         "time, which means any time of the day"),
        ("bandwidth: highest", "bandwidth: highest, match: {subject: Town Hall, not_subject: town}", "rules[0].match: this rule "
         "can never match: not_subject excludes every keyword of subject"),
        ("circuits: all", "circuits: named_in_event", "circuits.den-a.service_id: '77' is a number that stands in many titles, as "
         "a year or a room does: rules[0] takes it for a circuit that the event names"),
        ("bandwidth: highest", "bandwidth: highest, match: {business_days: 1}", "rules[0].match: no holidays are kept for "
         "den-a: every weekday counts as an ordinary one"),
        ("bandwidth: highest", "bandwidth: highest, match: {all_day: true, shorter_than: 1h}", "rules[0].match: this rule can "
         "never match: an all-day event is not that short"),
        ("bandwidth: highest", "bandwidth: highest, match: {min_attendees: 9}", "rules[0].match.min_attendees: a distribution "
         "list counts as one attendee, however many people it holds"),
        ("bandwidth: highest", "bandwidth: 100 Mbps, mode: exactly", "rules[0].match: exactly without an organizer condition: "
         "whoever invites the mailbox decides"),
        ("circuits: all, bandwidth: highest}", "circuits: all, bandwidth: highest}\n  - {name: F, calendars: [noc], circuits: all, "
         "mode: freeze}", "rules[1].match: freeze without an organizer condition: whoever invites the mailbox decides"),
        ("circuits: all, bandwidth: highest}", "circuits: all, bandwidth: highest}\n  - {name: F, calendars: [noc], circuits: all, "
         "mode: freeze, lead: 1m, match: {organizer: '@contoso.example'}, priority: 0}", "rules[1].priority: a freeze has no "
         "priority: it holds back whatever any rule asks for"),
        ("bandwidth: highest", "mode: freeze, match: {organizer: '@contoso.example'}", "circuits.den-a: no rule uses this circuit: it "
         "follows its baseline only"),
        ("{noc: {ics: noc.ics}}", "{noc: {ics: noc.ics}, ops: {ics: o.ics}}", "calendars.ops: no rule uses this calendar: it is "
         "not read"),
        ("rules:", '  x: {carrier: lab, service_id: "8", tiers: [100 Mbps], baseline: {off_peak: 100 Mbps}}\nrules:', None),
        ("circuits: all", "circuits: den-a", None),
        ("tiers:", "ceiling: 300 Mbps, tiers:", "circuits.den-a.ceiling: 300 Mbps is no tier of den-a: what is asked for goes up to "
         "100 Mbps"),
        ("baseline: {off_peak: 100 Mbps}", "ceiling: 100 Mbps, baseline: {off_peak: 100 Mbps, peaks: [{days: mon, from: '08:00', to: '09:00', "
         "bandwidth: 1 Gbps}]}", "circuits.den-a.baseline: the baseline's 1 Gbps come to 100 Mbps: its ceiling ends there"),
        ("baseline: {off_peak: 100 Mbps}", "baseline: {off_peak: 1 Gbps, peaks: [{days: mon, from: '08:00', to: '09:00', "
         "bandwidth: 100 Mbps}]}", "circuits.den-a.baseline.peaks[0].bandwidth: 100 Mbps is below off_peak, 1 Gbps: is that right?"),
        ("tiers:", "ceiling: 1 Gbps, tiers:", None),
        ("tiers:", "floor: 1 Gbps, tiers:", None),
        ("bandwidth: highest", "bandwidth: highest, match: {show_as: no}", "rules[0].match.show_as: 'no' is not among free, "
         "tentative, busy, oof, workingElsewhere, unknown: no calendar is known to use it"),
        ("bandwidth: highest", "bandwidth: highest, match: {show_as: [Busy, WorkingElswhere]}", "rules[0].match.show_as: "
         "'WorkingElswhere' is not among free, tentative, busy, oof, workingElsewhere, unknown: no calendar is known to use it; did you mean "
         "workingElsewhere?"),
        ("bandwidth: highest", "bandwidth: highest, match: {show_as: [free, tentative, busy, oof, workingelsewhere, unknown]}",
         None),
        ("bandwidth: highest", "bandwidth: highest, match: {sensitivity: [Normal, privat]}", "rules[0].match.sensitivity: 'privat' "
         "is not among normal, personal, private, confidential: no calendar is known to use it; did you mean private?"),
        ("settings: {organizers: [\"@contoso.example\"]}", "settings: {}", "settings: no organizers: anybody, outsiders too, can "
         "invite a mailbox to an event that a rule takes"),
        ("file: lab.json", "file: lab.json, rates: {100 Mbps: 0.46}", "circuits.den-a.rates: no rate for 1 Gbps: what is shown as "
         "cost is incomplete"),
        ("file: lab.json", "file: lab.json, rates: {100 Mbps: 2, 1 Gbps: 1.5}", "circuits.den-a.rates: 1 Gbps costs less than "
         "100 Mbps: is that right?"),
        ("tiers:", "max_price_per_hour: 1, rates: {100 Mbps: 0.46, 1 Gbps: 1.06}, tiers:", "circuits.den-a.max_price_per_hour: "
         "1 Gbps on den-a costs 1.06 USD as far as is known: it would not be ordered"),
        ("bandwidth: highest", "bandwidth: 1 Gbps, max_price_per_hour: 0.5", None),
        ("file: lab.json", "file: lab.json, changes_per_day: 1", "carriers.lab: on a day with one event the baselines (0) and "
         "rules (2) need 2 changes; changes_per_day is 1, of which lowerings leave 4: those that save least are left out"),
    ],
    ids=lambda value: str(value)[:32],
)  # fmt: skip
def test_doubts(tmp_path: Path, old: str, new: str, warning: str | None) -> None:
    assert warnings(tmp_path, BASE.replace(old, new) if old else BASE) == ([warning] if warning else [])


def test_a_circuit_that_no_rule_uses_and_a_literal_secret_are_doubtful(tmp_path: Path) -> None:
    text = changed("circuits: all", "circuits: [den-b]").replace(
        "rules:",
        '  den-b: {carrier: lab, service_id: "8", tiers: [100 Mbps], baseline: {off_peak: 100 Mbps}}\nrules:',
    )
    path = write(
        tmp_path, text + "microsoft365: {tenant_id: t.example, client_id: c, client_secret: s3cr3t}\n"
    )
    path.chmod(0o644)
    told = [f"{fault.path}: {fault.message}" for fault in doubts_beside(load_configuration(path).warnings)]
    assert told[0] == "circuits.den-a: no rule uses this circuit: it follows its baseline only"
    assert told[1].startswith(
        "microsoft365.client_secret: a secret stands here itself, and others can read this file"
    )
    assert "s3cr3t" not in str(told)


@pytest.mark.parametrize(("mode", "doubtful"), [(0o644, False), (0o664, True), (0o646, True), (0o666, True)])
def test_a_file_that_others_can_write_is_doubtful(tmp_path: Path, mode: int, doubtful: bool) -> None:
    path = write(tmp_path, BASE)
    path.chmod(mode)
    told = [f"{path}: its group or others can write this file, and whoever does orders bandwidth: chmod go-w"]
    assert [str(fault) for fault in doubts_beside(load_configuration(path).warnings)] == (
        told if doubtful else []
    )


def test_a_mailbox_that_is_read_and_must_not_be_readable_is_doubtful(tmp_path: Path) -> None:
    text = changed("{noc: {ics: noc.ics}}", "{noc: {mailbox: NOC@contoso.example}}") + (
        "microsoft365:\n  tenant_id: t.example\n  client_id: c\n  client_secret: {env: S}\n"
        "  must_not_read: [noc@contoso.example, ceo@contoso.example]\n"
    )
    assert warnings(tmp_path, text) == [
        "microsoft365.must_not_read: the calendar noc reads NOC@contoso.example, which stands here, too"
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{env: S, expires: soon}", "expires is a day such as 2027-01-31: the last one on which it is good"),
        ("{env: S, expires: 2027-02-30}", "expires is a day such as 2027-01-31: the last one on which it is good"),
        ("{expires: 2027-01-31}", "a secret is {env: NAME}, {file: path}, {credential: name}, {command: ...}, a list of "
         "these, or a quoted text"),
    ],
)  # fmt: skip
def test_the_end_of_a_secret_is_a_day(tmp_path: Path, entry: str, message: str) -> None:
    text = BASE + f"microsoft365: {{tenant_id: t, client_id: c, client_secret: {entry}}}\n"
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(write(tmp_path, text))
    assert [fault.message for fault in caught.value.faults] == [message]


def test_the_file_is_found_where_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_configuration(Path("given.yaml")) == Path("given.yaml")
    with pytest.raises(ConfigurationError, match="configuration"):
        find_configuration(None)
    xdg = tmp_path / "xdg" / "iodcal" / "rules.yaml"
    xdg.parent.mkdir(parents=True)
    xdg.write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert find_configuration(None) == xdg
    (tmp_path / "rules.yaml").write_text("")
    assert find_configuration(None) == Path("rules.yaml")
    monkeypatch.setenv("IODCAL_CONFIG", str(xdg))
    assert find_configuration(None) == xdg


def test_the_state_is_where_it_is_named_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = loaded(tmp_path, BASE)
    assert (
        state_path(configuration, None) == Path.home() / ".local/state/iodcal" / tmp_path.name / "state.json"
    )
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/iodcal-x:/other")
    assert state_path(configuration, None) == Path("/var/lib/iodcal-x") / tmp_path.name / "state.json"
    configured = loaded(tmp_path, changed("settings: {", "settings: {state: s/state.json, "))
    assert state_path(configured, None) == tmp_path / "s" / "state.json"
    monkeypatch.setenv("IODCAL_STATE", "/from/environment.json")
    assert state_path(configured, None) == Path("/from/environment.json")
    assert state_path(configured, Path("/given.json")) == Path("/given.json")


def test_labels_of_a_circuit_stand_over_those_of_its_site_and_of_the_defaults(tmp_path: Path) -> None:
    text = changed(
        "{carrier: lab, service_id",
        "{site: den, labels: {owner: Pat, change_ref: 0042}, carrier: lab, service_id",
    )
    text = text.replace("0042", "42").replace(
        "bandwidth: highest", "labels: {change_ref: CHG7}, bandwidth: highest"
    )
    text += "sites: {den: {labels: {owner: Facilities, cost_center: '0815'}}}\n"
    text += "defaults: {circuit: {labels: {tier: gold, cost_center: '1'}}}\n"
    configuration = loaded(tmp_path, text)
    own = {"owner": "Pat", "change_ref": "42", "cost_center": "0815", "tier": "gold"}
    assert dict(configuration.circuits["den-a"].labels) == own
    assert configuration.rules[0].labels == (("change_ref", "CHG7"),)


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        ("{cost_center: 0815}", "7: circuits.den-a.labels.cost_center: 0815 is a number whose digits would be lost: put it in quotes"),
        ("{cost_center: [a]}", "7: circuits.den-a.labels.cost_center: a text is wanted, not a list"),
        ("[cost_center]", "7: circuits.den-a.labels: a mapping of keys is wanted, not a list"),
    ],
)  # fmt: skip
def test_faults_of_labels(tmp_path: Path, labels: str, fault: str) -> None:
    assert faults(tmp_path, changed("{carrier: lab,", f"{{labels: {labels}, carrier: lab,"))[0] == fault
