"""Where the state may be: what `check` says of a state in an object store."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from iodcal.config.find import state_path
from iodcal.config.load import load_configuration
from iodcal.errors import ConfigurationError
from iodcal.store.address import StoreUrl

RULES = """\
version: 1
timezone: UTC
settings:
  every: 5m
  state: {state}
  lost_answer_grace: {grace}
  state_store: {store}
carriers:
  lab: {{type: sandbox, file: sandbox.json}}
circuits:
  a: {{carrier: lab, service_id: "1", tiers: [100 Mbps], baseline: {{off_peak: 100 Mbps}}}}
"""
LOGIN = "{region: us-east-1, access_key_id: {env: A}, secret_access_key: {env: B}}"
IDENTITY = "{region: us-east-1, workload_identity: true}"


@pytest.fixture(autouse=True)
def _with_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())


def loaded(folder: Path, state: str, store: str = LOGIN, grace: str = "15m") -> object:
    path = folder / "rules.yaml"
    path.write_text(RULES.format(state=state, store=store, grace=grace))
    return state_path(load_configuration(path), None)


def fault(folder: Path, state: str, store: str = LOGIN, grace: str = "15m") -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, state, store, grace)
    (told,) = caught.value.faults
    return str(told).partition("rules.yaml:")[2]


@pytest.mark.parametrize("text", ["s3://bucket/iodcal/x/", "s3://bucket/iodcal/x"])
def test_a_prefix_in_an_object_store(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == StoreUrl("s3", "bucket", "iodcal/x/")
    assert loaded(tmp_path, text, IDENTITY) == StoreUrl("s3", "bucket", "iodcal/x/")


@pytest.mark.parametrize("text", ["ftp://bucket/x/", "https://bucket/x/", "S3://bucket/x"])
def test_an_unknown_scheme_names_the_line_and_the_known_ones(tmp_path: Path, text: str) -> None:
    told = fault(tmp_path, text)
    assert told.startswith("5: settings.state: ")
    assert told.endswith("s3://, az://, gs://")


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///x", "s3://bucket//x", "s3://bucket/../x", "s3://key:secret@bucket/x"]
)
def test_a_url_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    assert fault(tmp_path, text).startswith("5: settings.state: a shared state is s3://BUCKET/PREFIX/")


@pytest.mark.parametrize(("grace", "good"), [("6m", False), ("5m", False), ("7m", True)])
def test_p9_what_is_lost_is_not_sent_again_before_a_paused_run_has_ended(
    tmp_path: Path, grace: str, good: bool
) -> None:
    if good:
        assert loaded(tmp_path, "s3://bucket/x/", grace=grace)
    else:
        assert fault(tmp_path, "s3://bucket/x/", grace=grace).startswith("6: settings.lost_answer_grace: ")
        assert isinstance(loaded(tmp_path, "state.json", "null", grace), Path)


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    told = fault(tmp_path, "s3://bucket/x/")
    assert told.startswith("5: settings.state: ")
    assert told.endswith("pip install 'iodcal[store]'")


@pytest.mark.parametrize(
    "store",
    [
        "{region: r}",
        "{region: r, access_key_id: {env: A}}",
        "{region: r, access_key_id: {env: A}, secret_access_key: {env: B}, workload_identity: true}",
    ],
)
def test_a_login_is_named_and_there_is_one(tmp_path: Path, store: str) -> None:
    told = fault(tmp_path, "s3://bucket/x/", store)
    assert told.startswith("7: settings.state_store: s3:// needs exactly one login here")


def test_a_key_of_another_kind_of_store(tmp_path: Path) -> None:
    store = "{region: r, workload_identity: true, account_key: {env: A}}"
    assert (
        fault(tmp_path, "s3://bucket/x/", store)
        == "7: settings.state_store.account_key: s3:// has no such key"
    )


def test_a_url_stands_in_the_rules_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(tmp_path, "s3://bucket/x/")
    configuration = load_configuration(tmp_path / "rules.yaml")
    with pytest.raises(ConfigurationError):
        state_path(configuration, Path("s3://bucket/y/"))
    monkeypatch.setenv("IODCAL_STATE", "s3://bucket/y/")
    with pytest.raises(ConfigurationError):
        state_path(configuration, None)
