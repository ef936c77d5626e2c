"""The section `settings.state_store`: how to reach, and log in to, the object store of a shared state."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from iodcal.config.fields import Flag, Text, parse_text, text_shape
from iodcal.config.forms import Scalar, Section
from iodcal.config.microsoft365 import SecureUrl
from iodcal.config.secrets import Secret
from iodcal.domain.durations import format_duration
from iodcal.store.address import StoreUrl

if TYPE_CHECKING:
    from iodcal.config.schema import SettingsSection

_MISSING = "a state in an object store needs the package `obstore`: pip install 'iodcal[store]'"
_MARGIN = timedelta(minutes=1)
_LOGINS: Mapping[str, tuple[frozenset[str], ...]] = {
    "s3": (frozenset({"access_key_id", "secret_access_key"}),),
    "az": (
        frozenset({"account_key"}),
        frozenset({"sas_token"}),
        frozenset({"tenant_id", "client_id", "client_secret"}),
    ),
    "gs": (frozenset({"service_account_key"}),),
}
"""The keys of each way to log in, by scheme; `workload_identity: true` is one more of each."""
_BESIDE: Mapping[str, frozenset[str]] = {
    "s3": frozenset({"region", "endpoint", "session_token"}),
    "az": frozenset({"account_name", "endpoint", "client_id", "tenant_id"}),
    "gs": frozenset({"endpoint"}),
}


class StateStoreSection(Section, frozen=True):
    """Which of the keys go together depends on the scheme of `settings.state`."""

    region: Text | None = None
    endpoint: SecureUrl | None = None
    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    account_name: Text | None = None
    account_key: Secret | None = None
    sas_token: Secret | None = None
    tenant_id: Text | None = None
    client_id: Text | None = None
    client_secret: Secret | None = None
    service_account_key: Secret | None = None
    workload_identity: Flag = False


def _place(value: object) -> str | StoreUrl:
    text = parse_text(value)
    return StoreUrl.parse(text) if "://" in text else text


StatePlace = Annotated[
    str | StoreUrl, Scalar(_place, text_shape(example="s3://bucket/iodcal/contoso/"), str | StoreUrl)
]
"""A file, or a prefix in an object store."""


def faults_of_state(settings: SettingsSection) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with where the state is, each with its key path."""
    url, section = settings.state, settings.state_store
    if not isinstance(url, StoreUrl):
        if section is not None:
            message = "settings.state names no object store that this could be about"
            yield ("settings", "state_store"), message
        return
    if importlib.util.find_spec("obstore") is None:
        yield ("settings", "state"), _MISSING
    least = settings.every + _MARGIN
    if settings.lost_answer_grace <= least:
        told = format_duration(settings.lost_answer_grace)
        message = (
            f"{told} is not longer than every + 1m ({format_duration(least)}): with a shared state, a run of "
            "another host that was paused could still send what is sent again by then"
        )
        yield ("settings", "lost_answer_grace"), message
    yield from _faults_of_login(url.scheme, section or StateStoreSection())


def _faults_of_login(scheme: str, section: StateStoreSection) -> Iterator[tuple[tuple[str, ...], str]]:
    given = frozenset(section.given) - {"workload_identity"}
    possible, beside = _LOGINS[scheme], _BESIDE[scheme]
    path = ("settings", "state_store")
    for name in sorted(given - beside - frozenset().union(*possible)):
        yield (*path, name), f"{scheme}:// has no such key"
    ways = [" and ".join(sorted(way)) for way in possible]
    complete = sum(way <= given for way in possible) + section.workload_identity
    if complete != 1:
        told = ", or ".join([*ways, "workload_identity: true"])
        message = f"{scheme}:// needs exactly one login here, since nothing looks for one by itself: {told}"
        yield path, message
    if scheme == "s3" and section.region is None:
        yield path, "s3:// needs the region here (us-east-1 where the store knows none)"
    if scheme == "az" and section.account_name is None:
        yield path, "az:// needs the account_name here"
