"""When secrets end: by what their references say, and by the certificate that the login sends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iodcal.config.load import load_configuration
from iodcal.metrics.textfile import expiries
from tests.calendars.test_login import pem

RULES = """\
version: 1
timezone: UTC
microsoft365: {tenant_id: t, client_id: c, certificate: {file: app.pem}}
calendars: {noc: {mailbox: noc@contoso.example}}
carriers: {lab: {type: sandbox, file: lab.json}}
circuits: {den-a: {carrier: lab, service_id: "1", tiers: [100 Mbps], baseline: {off_peak: 100 Mbps}}}
rules: [{name: R, calendars: [noc], circuits: all, bandwidth: 100 Mbps}]
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


def test_of_a_chain_the_certificate_of_the_key_counts(rules: Path) -> None:
    key, certificate = pem(days=40)
    (rules.parent / "app.pem").write_text(pem(days=4000)[1] + certificate + key)
    (end,) = expiries(load_configuration(rules)).values()
    assert abs(end - datetime.now(UTC) - timedelta(days=40)) < timedelta(minutes=10)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_had_is_none(rules: Path, content: str | None) -> None:
    if content is not None:
        (rules.parent / "app.pem").write_text(content)
    assert expiries(load_configuration(rules)) == {}


def test_no_command_is_run_for_it(rules: Path) -> None:
    rules.write_text(RULES.replace("{file: app.pem}", "{command: touch ran}"), encoding="utf-8")
    assert expiries(load_configuration(rules)) == {}
    assert not (rules.parent / "ran").exists()
