"""What passes as it stands, and was meant otherwise, is told by `check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from iodcal.config.load import load_configuration

RULES = """\
version: 1
timezone: {timezone}
settings: {{organizers: ["@contoso.example"]}}
microsoft365: {{tenant_id: {tenant}, client_id: {client}, client_secret: {{env: SECRET}}}}
calendars: {{noc: {{mailbox: noc@contoso.example}}}}
carriers: {{lab: {{type: sandbox, file: sandbox.json, provisioning: 2m}}}}
circuits:
  den-a: {{carrier: lab, service_id: "1", tiers: [100 Mbps, 1 Gbps], baseline: {{off_peak: 100 Mbps}}}}
rules:
  - {{name: Calls, calendars: [noc], {match}circuits: all, bandwidth: highest}}
"""
SOUND = {
    "timezone": "America/Denver",
    "tenant": "11111111-2222-3333-4444-555555555555",
    "client": "66666666-7777-8888-9999-000000000000",
    "match": "match: {subject: All-Hands}, ",
}


def warnings(folder: Path, **given: str) -> list[str]:
    path = folder / "rules.yaml"
    path.write_text(RULES.format(**{**SOUND, **given}), encoding="utf-8")
    return [f"{fault.path}: {fault.message}" for fault in load_configuration(path).warnings]


def test_a_sound_configuration_has_no_doubt(tmp_path: Path) -> None:
    assert warnings(tmp_path) == []
    assert warnings(tmp_path, tenant="contoso.example", timezone="UTC") == []
    assert warnings(tmp_path, match=r"match: {subject_regex: 'a \| b|c'}, ") == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"match": 'match: {subject: "All-Hands, Town Hall"}, '}, "write [All-Hands, Town Hall]"),
        ({"match": 'match: {not_subject: "Test; Draft"}, '}, "write [Test, Draft]"),
        ({"match": 'match: {location: "Board*"}, '}, "* stands for nothing else"),
        ({"match": "match: {subject_regex: 'IoD | Start'}, "}, r"write \|"),
        ({"match": ""}, "rules[0]: every event of its calendars counts"),
        ({"match": "match: {}, "}, "every event of its calendars counts"),
        (
            {"timezone": "MST"},
            "timezone: MST has no summer time: write the zone that is meant, America/Denver",
        ),
        ({"timezone": "Etc/GMT+7"}, "seven hours behind UTC): write the zone that is meant, America/Denver"),
        ({"timezone": "Etc/GMT-3"}, "a city's, such as"),
        ({"tenant": "contoso"}, "microsoft365.tenant_id: 'contoso' is neither"),
        ({"client": "$CLIENT_ID"}, "$CLIENT_ID stands for itself: write {env: CLIENT_ID}"),
    ],
)
def test_each_slip_is_told_at_its_place(tmp_path: Path, given: dict[str, str], told: str) -> None:
    (found,) = warnings(tmp_path, **given)
    assert told in found
