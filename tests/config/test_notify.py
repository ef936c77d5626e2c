"""The section `notify`: what it selects, and every fault with its whole message."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from iodcal.config import Way
from iodcal.notify import NoticeKind
from tests.config.test_load import BASE, faults, loaded

TWO = BASE.replace(
    "  den-a: {",
    "  lon-a: {site: lon, labels: {floor: '2'}, carrier: lab, service_id: '78', tiers: [100 Mbps],"
    " baseline: {off_peak: 100 Mbps}}\n  den-a: {",
).replace("circuits:\n", "sites: {lon: {labels: {owner: media}}}\ncircuits:\n", 1)


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        ("", None),
        (", circuits: [den-a]", {"den-a"}),
        (", circuits: lon-a, sites: lon", {"lon-a"}),
        (", circuits: den-a, sites: lon", set()),
        (", labels: {owner: media}", {"lon-a"}),
        (", labels: {owner: media, floor: '2'}, circuits: [den-a, lon-a]", {"lon-a"}),
    ],
)
def test_what_a_target_selects(tmp_path: Path, selection: str, selected: set[str] | None) -> None:
    target = loaded(tmp_path, f"{TWO}notify: {{n: {{webhook: {{env: X}}{selection}}}}}\n").notify["n"]
    assert target.way is Way.WEBHOOK
    assert target.circuits == selected
    assert target.kinds == set(NoticeKind) - {NoticeKind.DAILY}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{}", "notify.n: this target does not say where to: give one of webhook, teams, ping, apprise"),
        (
            "{webhook: {env: X}, teams: {env: Y}}",
            "notify.n: this target says two ways at once: give one of webhook, teams, ping, apprise",
        ),
        ("{teams: {env: X}, template: '{}'}", "notify.n: only a webhook has a template"),
        ("{teams: {env: X}, authorization: {env: Y}}", "notify.n: only a webhook has an authorization"),
        (
            "{ping: {env: X}, sites: lon, kinds: ready}",
            "notify.n: a ping tells of every run: kinds, sites can select nothing",
        ),
        (
            "{webhook: {env: X}, kinds: [redy]}",
            "notify.n.kinds[0]: 'redy' is not one of change, problem, recovered, ready, late, daily; did you mean ready?",
        ),
        ("{webhook: {env: X}, kinds: []}", "notify.n.kinds: an empty list says nothing"),
        (
            "{webhook: {env: X}, circuits: [den-b]}",
            "notify.n.circuits[0]: there is no circuit 'den-b'; did you mean den-a?",
        ),
        ("{webhook: {env: X}, sites: [lom]}", "notify.n.sites[0]: there is no site 'lom'; did you mean lon?"),
        (
            "{webhook: {env: X}, labels: {owner: nobody}}",
            "notify.n.labels: no circuit that this target selects has owner: nobody",
        ),
        (
            "{webhook: {env: X}, template: 7}",
            "notify.n.template: a template is a text, not the number 7: put it in quotes, or behind |",
        ),
        (
            "{webhook: {env: X}, template: '{\"a\": $txt}'}",
            "notify.n.template: $txt stands for nothing (known here: at, change, circuits, host, id, installation, kind, remedy, run_id, severity, text, title)",
        ),
        (
            '{webhook: {env: X}, template: \'{"a": "$text"}\'}',
            "notify.n.template: no JSON comes of it: Expecting ',' delimiter (line 1); values bring their own quotes",
        ),
        (
            "{webhook: {env: X}, template: '{\"a\": $}'}",
            "notify.n.template: a $ stands alone (line 1): write $$ for a dollar",
        ),
        (
            "{webhook: {env: X}, daily_at: noon}",
            "notify.n.daily_at: a time of day such as 07:30 is wanted, not 'noon'",
        ),
    ],
)
def test_faults_are_told_whole(tmp_path: Path, entry: str, told: str) -> None:
    (fault,) = faults(tmp_path, f"{TWO}notify:\n  n: {entry}\n")
    assert fault.partition(": ")[2] == told


def test_apprise_must_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    (fault,) = faults(tmp_path, f"{BASE}notify:\n  n: {{apprise: {{env: X}}}}\n")
    assert fault.endswith("notify.n: Apprise is not installed here: pip install 'iodcal[apprise]'")


def test_an_address_that_stands_in_the_file_is_doubtful(tmp_path: Path) -> None:
    warnings = loaded(tmp_path, f"{BASE}notify:\n  n: {{webhook: 'https://hooks.example/T/B/x'}}\n").warnings
    (told,) = [str(fault) for fault in warnings if "notify" in fault.path]
    assert "a secret stands here itself" in told
    assert "hooks.example" not in told
