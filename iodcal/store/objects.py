"""Objects under one prefix of an object store, read and written by `obstore`: each write under a condition.

No client's own retries are used: after an answer that was lost they repeat a conditional put, and then say
that it was refused though it won. What an unknown or refused write came to is read back here instead.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import obstore
from msgspec import Struct
from obstore import exceptions
from obstore.store import AzureStore, GCSStore, S3Store

from iodcal import __version__
from iodcal.config.secrets import Secret
from iodcal.errors import SecretError, StateError
from iodcal.http import printable
from iodcal.http.urls import is_loopback
from iodcal.redaction import redact_credentials
from iodcal.store.address import StoreUrl

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore

    from iodcal.config.state_store import StateStoreSection

_log = logging.getLogger("iodcal.state")

NOTICES = "notices.json"
_TRIES = 3
_BETWEEN_TRIES = 0.3  # seconds, doubled with each try
_AT_ONCE = 16  # objects read side by side
_AMBIENT = ("AWS_", "AZURE_", "GOOGLE_", "MSI_", "IDENTITY_", "SERVICE_ACCOUNT")
_IDENTITY = frozenset(
    {
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_AUTHORITY_HOST",
        "AZURE_FEDERATED_TOKEN_FILE",
        "GOOGLE_APPLICATION_CREDENTIALS",
    }
)
"""What a platform tells a workload of its identity; only `workload_identity: true` looks at it."""
_REASON = re.compile(r"(?:retries, retry_timeout: \S+|in \d[\d.]*\S*s) +- +(?P<reason>.+)", re.DOTALL)
_XML = re.compile(r"<Code>(?P<code>[^<]*)</Code>(?:.*?<Message>(?P<message>[^<\n]*))?", re.DOTALL)
_environment = threading.Lock()
_Answer = TypeVar("_Answer")


class ObjectVersion(Struct, frozen=True):
    """What a store calls one version of an object."""

    e_tag: str | None
    version: str | None = None


class StoredObject(Struct, frozen=True):
    """An object as it was read."""

    content: bytes
    version: ObjectVersion


class WriteRefusedError(Exception):
    """Another version than the expected one is there, or something where nothing was expected."""


class ObjectFolder:
    """The objects of one prefix. Every method may raise StateError, with the code `state_denied` where the
    store wants other credentials or permissions, else `state_unreachable`."""

    def __init__(
        self, url: StoreUrl, store: ObjectStore, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.url = url
        self._store = store
        self._sleep = sleep

    def read(self, name: str) -> StoredObject | None:
        """The object, or None where there is none."""

        def get() -> StoredObject | None:
            try:
                found = obstore.get(self._store, self._key(name))
                version = ObjectVersion(found.meta["e_tag"], found.meta["version"])
                return StoredObject(bytes(found.bytes()), version)
            except FileNotFoundError:
                return None

        return self._retried(get)

    def read_all(self, names: list[str]) -> Iterator[tuple[str, bytes]]:
        """Each of the objects that is still there, in the order of `names`."""
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for name, found in zip(names, threads.map(self.read, names), strict=True):
                if found is not None:
                    yield name, found.content

    def written_at(self, name: str) -> datetime:
        """When the object was written by the clock of the store, in whole seconds (UTC)."""
        return self._retried(lambda: obstore.head(self._store, self._key(name))["last_modified"])

    def names(self, folder: str, *, after: str = "") -> list[str]:
        """The names of all objects whose names begin with `folder`, sorted; where `after` is given only those
        that sort after it in the folder, as the store lists no others (S3) or the library drops them."""

        def collect() -> list[str]:
            prefix = self._key(folder).removesuffix("/") or None
            offset = self._key(f"{folder}{after}") if after else None
            listed = obstore.list(self._store, prefix=prefix, offset=offset)
            return [meta["path"] for chunk in listed for meta in chunk]

        paths = self._retried(collect)
        return sorted(path.removeprefix(self.url.prefix) for path in paths)

    def level(self, folder: str = "") -> tuple[list[str], list[str]]:
        """The names of the objects directly in `folder` (empty, or with a slash at its end), and those of the
        folders in it, both sorted."""

        def collect() -> tuple[list[str], list[str]]:
            prefix = self._key(folder).removesuffix("/") or None
            listed = obstore.list_with_delimiter(self._store, prefix=prefix)
            return [meta["path"] for meta in listed["objects"]], list(listed["common_prefixes"])

        objects, folders = self._retried(collect)
        cut = len(self.url.prefix)
        return sorted(path[cut:] for path in objects), sorted(path[cut:] for path in folders)

    def put(self, name: str, content: bytes, expected: ObjectVersion | None) -> ObjectVersion:
        """Writes the object in the place of the version that is `expected`, or where there is none; it is
        stored when this returns. `content` must be of this write alone: what is found afterwards and is the
        same counts as written. Raises WriteRefusedError; after a StateError the write may have come to pass,
        and may still."""
        for number in range(_TRIES):
            try:
                return self.put_once(name, content, expected)
            except WriteRefusedError:
                found = self.read(name)
                if found is not None and found.content == content:
                    return found.version
                raise
            except StateError as error:
                if error.code == "state_denied":
                    raise
                lost = error
            found = self.read(name)
            if found is not None and found.content == content:
                return found.version
            if not _same(found.version if found is not None else None, expected):
                raise WriteRefusedError(name)
            self._wait(number)
        raise lost

    def put_once(self, name: str, content: bytes, expected: ObjectVersion | None) -> ObjectVersion:
        """As `put`, by a single request and as the store answers it."""
        mode: Any = "create"
        if expected is not None:
            known = {"e_tag": expected.e_tag, "version": expected.version}
            mode = {name: value for name, value in known.items() if value is not None}
        try:
            made = obstore.put(self._store, self._key(name), content, mode=mode)
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            raise WriteRefusedError(name) from None
        except (exceptions.BaseError, OSError) as error:
            # A conflict of two conditional writes at one moment, which S3 answers so: neither won for sure.
            raise self._fault(error) from None
        return ObjectVersion(made["e_tag"], made["version"])

    def probe(self) -> None:
        """Creates one object twice, and replaces it by a stale version. Raises StateError where the store
        lets either pass: it would let two hosts order."""
        name, passed = f"probe-{secrets.token_hex(6)}", list[str]()
        try:
            first = self.put_once(name, b"1", None)
        except StateError as error:
            if "ETag" in str(error.facts.get("reason")):  # the library wants one of every write
                raise self._unsafe("no ETag") from None
            raise
        if not self._is_refused(name, b"2", None):
            passed.append("create-only")
        else:
            self.put_once(name, b"3", first)
            if not self._is_refused(name, b"4", first):
                passed.append("if-match")
        self.delete([name])
        if passed or first.e_tag is None:
            raise self._unsafe(", ".join(passed) or "no ETag")

    def _unsafe(self, passed: str) -> StateError:
        return StateError("state_store_unsafe", path=str(self.url), passed=passed)

    def _is_refused(self, name: str, content: bytes, expected: ObjectVersion | None) -> bool:
        try:
            self.put_once(name, content, expected)
        except WriteRefusedError:
            return True
        return False

    def delete(self, names: list[str]) -> None:
        """Deletes objects as far as that is allowed."""
        try:
            obstore.delete(self._store, [self._key(name) for name in names])
        except (exceptions.BaseError, OSError) as error:
            _log.info("%s: not deleted: %s", self.url, _reason_of(error))

    def _key(self, name: str) -> str:
        return f"{self.url.prefix}{name}"

    def _retried(self, ask: Callable[[], _Answer]) -> _Answer:
        for number in range(_TRIES):
            try:
                return ask()
            except (exceptions.BaseError, OSError) as error:
                fault = self._fault(error)
                if fault.code == "state_denied" or number + 1 == _TRIES:
                    raise fault from None
            self._wait(number)
        raise AssertionError("there is a try")  # pragma: no cover - the loop ends by return or raise

    def _wait(self, number: int) -> None:
        self._sleep(_BETWEEN_TRIES * 2**number)

    def _fault(self, error: Exception) -> StateError:
        reason = _reason_of(error)
        denied = isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError)
        return StateError(
            "state_denied" if denied else "state_unreachable", path=str(self.url), reason=reason
        )


class NoticeObject:
    """A `NoticeBox` in an object store: of two runs that send at once, one cannot write, and says so."""

    def __init__(self, folder: ObjectFolder) -> None:
        self._folder = folder
        self._version: ObjectVersion | None = None

    @property
    def place(self) -> str:
        return f"{self._folder.url}{NOTICES}"

    def alone(self) -> AbstractContextManager[bool]:
        return nullcontext(enter_result=True)

    def read(self) -> bytes | None:
        found = self._folder.read(NOTICES)
        self._version = found.version if found is not None else None
        return found.content if found is not None else None

    def write(self, content: bytes) -> None:
        try:
            self._version = self._folder.put(NOTICES, content, self._version)
        except WriteRefusedError:
            raise StateError("unwritable", path=self.place, reason="another run has written it") from None


def _same(found: ObjectVersion | None, expected: ObjectVersion | None) -> bool:
    if found is None or expected is None or found.e_tag is None:
        return found is expected
    return found.e_tag.strip('"') == (expected.e_tag or "").strip('"')


def _reason_of(error: Exception) -> str:
    """The store's or the library's word for a fault, in one short line without credentials."""
    text = str(error).partition("\n\nDebug source")[0]
    found = _REASON.search(text)
    text = found["reason"] if found else text
    if told := _XML.search(text):  # as S3 and Azure answer
        text = ": ".join(filter(None, (told["code"], told["message"])))
    return printable(redact_credentials(text), 160).rstrip(". ") or type(error).__name__


def open_folder(url: StoreUrl, section: StateStoreSection, directory: Path, seconds: float) -> ObjectFolder:
    """The folder at `url`, with the credentials that `section` names, relative paths of which start at
    `directory`; one request takes no longer than `seconds`. Raises StateError."""
    try:
        login = {name: _revealed(secret, directory) for name, secret in _secrets(section)}
    except SecretError as error:
        facts = {"reference": error.facts.get("reference"), "path": str(url)}
        raise StateError("state_no_secret", **facts) from None
    config: dict[str, Any] = {**login, **_plain(url, section)}
    options = _client_options(section, seconds)
    retry: Any = {"max_retries": 0, "retry_timeout": timedelta(seconds=seconds)}
    kinds: Mapping[str, Any] = {"s3": S3Store, "az": AzureStore, "gs": GCSStore}
    try:
        with _without_ambient(keep=_IDENTITY if section.workload_identity else frozenset()):
            made = kinds[url.scheme](url.bucket, config=config, client_options=options, retry_config=retry)
    except (exceptions.BaseError, ValueError) as error:
        raise StateError("state_unreachable", path=str(url), reason=_reason_of(error)) from None
    return ObjectFolder(url, made)


def _secrets(section: StateStoreSection) -> Iterator[tuple[str, Secret]]:
    for field in section.__struct_fields__:
        if isinstance(value := getattr(section, field), Secret):
            yield {"sas_token": "sas_key"}.get(field, field), value


def _revealed(secret: Secret, directory: Path) -> str:
    return secret.resolve(directory).reveal().strip()


def _plain(url: StoreUrl, section: StateStoreSection) -> dict[str, Any]:
    """The keys of the library that are no secrets."""
    if url.scheme == "s3":
        endpoint = section.endpoint or f"https://s3.{section.region}.amazonaws.com"
        return {"region": section.region, "endpoint": endpoint, "conditional_put": "etag"}
    if url.scheme == "az":
        named = {"account_name": section.account_name, "tenant_id": section.tenant_id}
        given = {**named, "client_id": section.client_id, "endpoint": section.endpoint}
        return {name: value for name, value in given.items() if value is not None}
    return {"base_url": section.endpoint} if section.endpoint is not None else {}


def _client_options(section: StateStoreSection, seconds: float) -> ClientConfig:
    """Proxies are those of the environment, but none for loopback."""
    options: ClientConfig = {
        "timeout": timedelta(seconds=seconds),
        "connect_timeout": timedelta(seconds=seconds / 2),
        "user_agent": f"iodcal/{__version__}",
        "allow_http": section.endpoint is not None and is_loopback(section.endpoint),
        "allow_invalid_certificates": False,
    }
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if bundle:
        try:
            options["root_certificate"] = Path(bundle).read_bytes()
        except OSError as error:
            raise StateError("state_no_bundle", path=bundle, reason=error.strerror) from None
    return options


@contextmanager
def _without_ambient(keep: frozenset[str]) -> Iterator[None]:
    """No credential and no setting of the environment but those to `keep`, while a client is made: it looks
    for them by itself, and at no other time."""
    with _environment:
        taken = {
            name: os.environ.pop(name)
            for name in list(os.environ)
            if name.startswith(_AMBIENT) and name not in keep
        }
        try:
            yield
        finally:
            os.environ.update(taken)
