"""Object stores on loopback, each a program of its own: good ones, and ones that ignore conditions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parent.parent.parent
_A_MINUTE = timedelta(minutes=1)
_PATIENCE = 60.0  # seconds until a server answers
# Azurite's own, published in its documentation.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _found(program: str) -> str | None:
    places = (Path(sys.executable).parent, ROOT / "node_modules" / ".bin")
    return next(
        (str(place / program) for place in places if (place / program).exists()), None
    ) or shutil.which(program)


@dataclass(frozen=True)
class StoreKind:
    """How to start a store at a port, with a folder of its own, and how `rules.yaml` names it. `need` is what
    must be installed for it."""

    name: str
    scheme: str
    need: str
    command: Callable[[int, Path], list[str] | None]
    login: dict[str, str]
    secrets: dict[str, str]
    path: str = ""
    good: bool = True

    @property
    def missing(self) -> str | None:
        """Why it cannot be started here; None where it can."""
        there = find_spec("obstore") is not None and self.command(0, Path()) is not None
        return None if there else f"{self.name} is not here: {self.need}"


def _moto(port: int, _folder: Path) -> list[str] | None:
    return [sys.executable, "-m", "moto.server", "-p", str(port)] if find_spec("moto") is not None else None


def _seaweedfs(port: int, folder: Path) -> list[str] | None:
    program = _found("weed")
    if program is None:
        return None
    identity = {
        "name": "iodcal",
        "credentials": [{"accessKey": "iodcal", "secretKey": "iodcal-secret"}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    if port:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    names: tuple[str, ...] = (
        "-master.port",
        "-volume.port",
        "-filer.port",
        "-master.port.grpc",
        "-volume.port.grpc",
    )
    names += ("-filer.port.grpc", "-s3.port.grpc", "-s3.port.iceberg", "-s3.port.lance")
    ports = [f"{name}={free_port()}" for name in names] if port else []
    ours = ["-ip=127.0.0.1", "-s3", f"-s3.port={port}", f"-s3.config={folder / 's3.json'}"]
    small = ["-master.volumeSizeLimitMB=64", "-volume.max=8", "-s3.iam=false", "-master.telemetry=false"]
    return [program, "server", f"-dir={folder}", *ours, *small, *ports]


def _azurite(port: int, _folder: Path) -> list[str] | None:
    program = _found("azurite-blob")
    if program is None:
        return None
    quiet = ["--silent", "--skipApiVersionCheck", "--inMemoryPersistence", "--disableTelemetry"]
    return [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), *quiet]


def _s3rver(port: int, folder: Path) -> list[str] | None:
    program = _found("s3rver")
    if program is None:
        return None
    return [
        program,
        "--directory",
        str(folder),
        "--port",
        str(port),
        "--configure-bucket",
        "bucket",
        "--silent",
    ]


def _gcp_storage_emulator(port: int, _folder: Path) -> list[str] | None:
    program = _found("gcp-storage-emulator")
    if program is None:
        return None
    return [program, "start", f"--port={port}", "--host=127.0.0.1", "--in-memory", "--default-bucket=bucket"]


_S3 = {"region": "us-east-1", "access_key_id": "{env: STORE_KEY_ID}", "secret_access_key": "{env: STORE_KEY}"}
MOTO = StoreKind(
    "moto",
    "s3",
    "pip install 'iodcal[test-store]'",
    _moto,
    _S3,
    {"STORE_KEY_ID": "testing", "STORE_KEY": "secret-of-moto"},
)
SEAWEEDFS = StoreKind(
    "seaweedfs",
    "s3",
    "pip install 'iodcal[test-store]'",
    _seaweedfs,
    _S3,
    {"STORE_KEY_ID": "iodcal", "STORE_KEY": "iodcal-secret"},
)
AZURITE = StoreKind(
    "azurite",
    "az",
    "npm install azurite",
    _azurite,
    {"account_name": AZURITE_ACCOUNT, "account_key": "{env: STORE_KEY}"},
    {"STORE_KEY": AZURITE_KEY},
    path=f"/{AZURITE_ACCOUNT}",
)
S3RVER = StoreKind(
    "s3rver",
    "s3",
    "npm install s3rver",
    _s3rver,
    _S3,
    {"STORE_KEY_ID": "S3RVER", "STORE_KEY": "S3RVER"},
    good=False,
)
GCP_STORAGE_EMULATOR = StoreKind(
    "gcp-storage-emulator",
    "gs",
    "pip install 'iodcal[test-store]'",
    _gcp_storage_emulator,
    {"service_account_key": "{env: STORE_KEY}"},
    {},
    good=False,
)
GOOD = (MOTO, SEAWEEDFS, AZURITE)
BAD = (S3RVER, GCP_STORAGE_EMULATOR)


@dataclass
class ObjectStoreServer:
    """A context manager: the store, with an empty bucket."""

    kind: StoreKind
    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def secrets(self, origin: str) -> dict[str, str]:
        """The environment that a client at `origin` needs."""
        if self.kind is not GCP_STORAGE_EMULATOR:
            return self.kind.secrets
        account = {"gcs_base_url": origin, "disable_oauth": True}
        account |= dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
        return {"STORE_KEY": json.dumps(account)}

    def __enter__(self) -> ObjectStoreServer:
        command = self.kind.command(self.port, self.folder)
        assert command is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, cwd=self.folder)
        for _ in _until(_PATIENCE):
            if self._process.poll() is not None:
                break
            try:
                self._make_bucket()
            except OSError:
                continue
            return self
        self._process.kill()
        raise AssertionError((self.folder / "log").read_text(errors="replace")[-2000:])

    def _make_bucket(self) -> None:
        if self.kind is AZURITE:
            _ask(self._azurite_request())
        elif self.kind.scheme == "s3":
            import obstore  # only to sign a request: a bucket is made by a PUT on its name
            from obstore.store import S3Store

            if self.kind is S3RVER:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                    return
            secrets = self.kind.secrets
            store = S3Store(
                "bucket",
                region="us-east-1",
                endpoint=self.origin,
                access_key_id=secrets["STORE_KEY_ID"],
                secret_access_key=secrets["STORE_KEY"],
                client_options={"allow_http": True},
            )
            _ask(urllib.request.Request(obstore.sign(store, "PUT", "", _A_MINUTE), method="PUT"))  # noqa: S310 - loopback
        else:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return

    def _azurite_request(self) -> urllib.request.Request:
        """A request that makes the container, signed with the account's key (Shared Key)."""
        date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = f"x-ms-date:{date}\nx-ms-version:2021-12-02"
        resource = f"/{AZURITE_ACCOUNT}/{AZURITE_ACCOUNT}/bucket\nrestype:container"
        text = "PUT\n\n\n\n\n\n\n\n\n\n\n\n" + f"{headers}\n{resource}"
        signed = hmac.new(base64.b64decode(AZURITE_KEY), text.encode(), hashlib.sha256).digest()
        login = f"SharedKey {AZURITE_ACCOUNT}:{base64.b64encode(signed).decode()}"
        url = f"{self.origin}/{AZURITE_ACCOUNT}/bucket?restype=container"
        fields = {"x-ms-date": date, "x-ms-version": "2021-12-02", "Authorization": login}
        return urllib.request.Request(url, method="PUT", headers=fields)  # noqa: S310 - loopback

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


def _until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.1)  # a program of others says in no other way that it is ready


def _ask(request: urllib.request.Request) -> None:
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        answer.read()
