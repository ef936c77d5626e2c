"""A rules file that extends another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.config import Configuration
from iodcal.config.document import Document, parse_document
from iodcal.config.extends import merge
from iodcal.config.load import keep_last_good, load_configuration, recall_last_good
from iodcal.domain.bandwidth import Bandwidth
from iodcal.errors import ConfigurationError

COMMON = """\
version: 1
timezone: UTC
settings: {every: 5m, organizers: ["@contoso.example"], state: state/state.json}
calendars: {local: {ics: calendar.ics}}
carriers:
  lab: {type: sandbox, file: sandbox.json, provisioning: 2m}
baselines:
  office: {off_peak: 100 Mbps}
rules:
  - {name: Calls, calendars: [local], match: {subject: Call}, circuits: all, bandwidth: highest}
"""
OWN = """\
version: 1
extends: ../common.yaml
settings: {name: acme, every: 10m}
carriers: {lab: {provisioning: 4m}}
circuits:
  den-a: {service_id: "1", carrier: lab, tiers: [100 Mbps, 1 Gbps], baseline: office}
"""


def written(folder: Path, own: str = OWN, common: str = COMMON) -> Path:
    """The rules file of one installation, and the one that it extends."""
    path = folder / "acme" / "rules.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(own)
    (folder / "common.yaml").write_text(common)
    return path


def faults(folder: Path, own: str = OWN, common: str = COMMON) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(written(folder, own, common))
    return [str(fault).replace(str(folder), "") for fault in caught.value.faults]


def test_own_keys_win_and_the_rest_is_common(tmp_path: Path) -> None:
    configuration = load_configuration(written(tmp_path))
    assert configuration.name == "acme"
    assert configuration.settings.every.total_seconds() == 600
    assert configuration.settings.organizers == ("@contoso.example",)
    assert configuration.carriers["lab"].provisioning.total_seconds() == 240
    assert configuration.circuits["den-a"].baseline.off_peak == Bandwidth(100)
    assert [rule.name for rule in configuration.rules] == ["Calls"]
    assert configuration.settings.state == tmp_path / "acme" / "state/state.json"  # where the own file lies


def test_a_list_is_replaced(tmp_path: Path) -> None:
    own = OWN + "rules: [{name: Mine, calendars: [local], circuits: all, bandwidth: highest}]\n"
    configuration = load_configuration(written(tmp_path, own))
    assert [rule.name for rule in configuration.rules] == ["Mine"]


def test_a_secret_is_replaced_and_not_mixed(tmp_path: Path) -> None:
    common = COMMON + "microsoft365: {tenant_id: t, client_id: c, client_secret: {env: COMMON}}\n"
    own = OWN + "microsoft365: {client_secret: {file: secret}}\n"
    section = load_configuration(written(tmp_path, own, common)).microsoft365
    assert (section.tenant_id, section.client_secret.shown) == ("t", "file secret")


CASES = {
    "of the common file": (OWN, COMMON.replace("off_peak: 100 Mbps", "off_peak: much"), ["/common.yaml:8: "]),
    "of the own file": (OWN.replace("4m", "soon"), COMMON, ["/acme/rules.yaml:4: carriers.lab.provisioning"]),
    "of both, the own first": (
        OWN.replace("10m", "often"),
        COMMON.replace("Call}", "Call, sobject: x}"),
        ["/acme/rules.yaml:3: settings.every", "/common.yaml:10: rules[0].match.sobject"],
    ),
    "a common file that is no YAML": (OWN, "version: [", ["/common.yaml:2: not valid YAML"]),
    "another version": (
        OWN,
        COMMON.replace("version: 1", "version: 2"),
        ["/common.yaml:1: version: 2 needs"],
    ),
    "two levels": (OWN, COMMON + "extends: other.yaml\n", ["/common.yaml:11: extends: a file that is"]),
    "a loop": (OWN.replace("../common", "rules"), COMMON, ["/acme/rules.yaml:2: extends: a file that is"]),
    "circuits": (OWN, COMMON + "circuits: {}\n", ["/common.yaml:11: circuits: circuits are an"]),
    "a name": (OWN, COMMON.replace("{every: 5m", "{name: all"), ["/common.yaml:3: settings.name: a name is"]),
    "no text": (OWN.replace("../common.yaml", "[a]"), COMMON, ["/acme/rules.yaml:2: extends: "]),
}


@pytest.mark.parametrize(("own", "common", "told"), CASES.values(), ids=CASES)
def test_a_fault_names_the_file_and_line_that_it_stands_in(
    tmp_path: Path, own: str, common: str, told: list[str]
) -> None:
    found = faults(tmp_path, own, common)
    for text in told:
        assert any(one.startswith(text) for one in found), found
    if len(told) > 1:
        assert [one.partition(":")[0] for one in found] == ["/acme/rules.yaml", "/common.yaml"]


def test_a_common_file_that_is_missing_or_anybodys_is_told(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "common.yaml").unlink()
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    assert "common.yaml: cannot be read: No such file" in str(caught.value.faults[0])
    written(tmp_path)
    (tmp_path / "common.yaml").chmod(0o666)
    assert not load_configuration(path).trusted
    (tmp_path / "common.yaml").chmod(0o644)
    assert load_configuration(path).trusted


def test_a_common_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = written(tmp_path), os.fstat

    def owned(descriptor: int) -> Any:
        about = real(descriptor)
        is_common = Path(f"/proc/self/fd/{descriptor}").readlink().name == "common.yaml"
        return os.stat_result([*about[:4], 4711 if is_common else about.st_uid, *about[5:]])

    monkeypatch.setattr(os, "fstat", owned)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    assert "common.yaml: belongs to another user" in str(caught.value.faults[0])


def kept(folder: Path) -> tuple[Path, Path, Configuration]:
    """A file, the state beside which its last good copy is kept, and what it loaded to."""
    path, state = written(folder), folder / "kept" / "state.json"
    configuration = load_configuration(path)
    keep_last_good(path, configuration, state)
    return path, state, configuration


def test_the_last_good_copy_holds_both_files(tmp_path: Path) -> None:
    path, state, configuration = kept(tmp_path)
    written(tmp_path, common="version: [")
    recalled = recall_last_good(path, state)
    assert recalled is not None
    assert recalled.digest == configuration.digest
    assert recalled.settings == configuration.settings
    (tmp_path / "common.yaml").unlink()
    assert recall_last_good(path, state) is not None


def test_the_digest_is_that_of_both_files(tmp_path: Path) -> None:
    first = load_configuration(written(tmp_path)).digest
    assert load_configuration(written(tmp_path, common=COMMON + "# more\n")).digest != first
    assert load_configuration(written(tmp_path, own=OWN + "# more\n")).digest != first
    assert load_configuration(written(tmp_path)).digest == first


VALUES = st.recursive(
    st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
SECTIONS = st.dictionaries(st.sampled_from(["settings", "carriers", "rules", "timezone"]), VALUES)


def document(name: str, value: dict[str, Any]) -> Document:
    import json

    return parse_document(Path(name), json.dumps(value).encode(), {})


@given(SECTIONS, SECTIONS)
def test_what_is_merged_is_somebodys_and_the_own_file_wins(
    own: dict[str, Any], common: dict[str, Any]
) -> None:
    mine, theirs = document("own", own), document("common", common)
    merged = merge(mine, theirs)
    assert merged.value.keys() == own.keys() | common.keys()
    assert merge(mine, document("common", {})).value == own
    assert merge(document("own", {}), theirs).value == common
    assert merge(mine, mine).value == own
    for section, value in own.items():
        if not isinstance(value, dict) or not isinstance(common.get(section), dict):
            assert merged.value[section] == value
            continue
        for key, part in value.items():
            assert key in merged.value[section]
            deeper = (
                section == "carriers"
                and isinstance(part, dict)
                and isinstance(common[section].get(key), dict)
            )
            if section in ("settings", "carriers") and not deeper:
                assert merged.value[section][key] == part
    for path in merged.elsewhere:
        assert path in theirs.lines
        assert path not in mine.lines
