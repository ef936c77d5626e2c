"""The Microsoft login against a strict local one: secrets, certificates, the machine's identity, refusals."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from iodcal.calendars.login import Login
from iodcal.calendars.login.refusals import REFUSALS, refusal
from iodcal.calendars.login.tokens import certificate_in
from iodcal.config import secrets
from iodcal.config.microsoft365 import Microsoft365
from iodcal.config.parse import section_of
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from iodcal.messages.calendars import CALENDARS
from iodcal.redaction import redact_text
from tests.calendars.microsoft import Secrets, Settings, settings_for
from tests.servers.entra import CLIENT_ID, SECRET, TENANT, login_error
from tests.servers.faults import changed, cut_json, dropped, fine, html, instead
from tests.servers.graph import DISCOVERY, TOKEN, GraphServer
from tests.servers.tls import LocalServer, Reply, Request

WRONG = "planted-wrong-secret"


def soon() -> Deadline:
    return Deadline.after(60)


def login_to(server: GraphServer, **changes: object) -> Login:
    return Login(settings_for(server, **changes), Path())


def failure(login: Login) -> CalendarError:
    with pytest.raises(CalendarError) as caught:
        login.token(soon())
    words = CALENDARS[caught.value.code]
    told = words.message.format(**caught.value.facts) + words.remedy.format(**caught.value.facts)
    assert "planted" not in told + str(caught.value)
    assert "{" not in told.replace('"{..."', "")
    return caught.value


def test_one_login_costs_two_requests_and_serves_all(microsoft: GraphServer) -> None:
    login = login_to(microsoft)
    tokens: list[str] = []
    threads = [threading.Thread(target=lambda: tokens.append(login.token(soon()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(tokens) == microsoft.entra.tokens
    assert [request.method for request in microsoft.requests] == ["GET", "POST"]
    assert tokens[0] not in repr(login)


def test_a_refused_token_is_replaced_once_for_all(microsoft: GraphServer) -> None:
    login = login_to(microsoft)
    first = login.token(soon())
    second = login.token(soon(), refused=first)
    assert second != first
    assert login.token(soon(), refused=first) == second
    assert len(microsoft.requests) == 4


def test_a_token_is_not_replaced_for_ever(microsoft: GraphServer) -> None:
    login = login_to(microsoft)
    token = login.token(soon())
    for _ in range(10):
        token = login.token(soon(), refused=token)
    assert len(microsoft.entra.tokens) == 4


@pytest.mark.parametrize("lifetime", [0, "0"])
def test_a_token_that_ends_at_once_is_asked_for_again(microsoft: GraphServer, lifetime: object) -> None:
    microsoft.script(TOKEN, [changed(expires_in=lifetime)])
    login = login_to(microsoft)
    assert login.token(soon()) != login.token(soon())


@pytest.mark.parametrize("lifetime", ["3599", None])
def test_a_lifetime_may_be_a_text_or_missing(microsoft: GraphServer, lifetime: object) -> None:
    microsoft.script(TOKEN, [changed(expires_in=lifetime)])
    login = login_to(microsoft)
    assert login.token(soon()) == login.token(soon())


def test_the_next_secret_is_tried_if_the_login_refuses_one(microsoft: GraphServer) -> None:
    login = login_to(microsoft, client_secret=Secrets((WRONG, SECRET), broken=True))
    assert login.token(soon()) in microsoft.entra.tokens


@pytest.mark.parametrize("broken", [False, True], ids=["the last", "the last that resolves"])
def test_the_last_refusal_is_told(microsoft: GraphServer, broken: bool) -> None:
    error = failure(login_to(microsoft, client_secret=Secrets((WRONG, WRONG + "2"), broken=broken)))
    assert error.code == "login_secret_wrong"
    assert error.facts["aadsts"] == "AADSTS7000215"
    assert error.facts["correlation_id"] == "0b0b0b0b-1111"
    assert error.facts["timestamp"] == "2026-11-22 14:52:00Z"


def test_another_fault_does_not_lead_to_the_next_secret(microsoft: GraphServer) -> None:
    microsoft.script(TOKEN, [instead(login_error(400, "unauthorized_client", 700016))])
    assert failure(login_to(microsoft, client_secret=Secrets((SECRET, SECRET)))).code == "login_app_unknown"
    assert len(microsoft.paths("/token")) == 1


def test_secrets_that_do_not_resolve_are_named(microsoft: GraphServer) -> None:
    error = failure(login_to(microsoft, client_secret=Secrets((), broken=True)))
    assert error.code == "login_secret_env_missing"
    assert error.facts == {"reference": "env IODCAL_CLIENT_SECRET"}
    assert failure(login_to(microsoft, client_secret=None)).code == "login_secret_empty"
    assert microsoft.requests == []


def test_an_empty_secret_is_refused_by_the_server(microsoft: GraphServer) -> None:
    assert failure(login_to(microsoft, client_secret=Secrets(("",)))).code == "login_secret_missing"


def test_a_failed_login_is_not_repeated_by_every_reader(
    microsoft: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = login_to(microsoft, client_secret=Secrets((WRONG,)))
    first, again = failure(login), failure(login)
    assert (again.code, again.facts) == (first.code, first.facts)
    assert len(microsoft.paths("/token")) == 1
    microsoft.entra.secrets = {WRONG}
    monkeypatch.setattr("iodcal.calendars.login._FAILURE_SECONDS", 0)
    assert login.token(soon()) in microsoft.entra.tokens


@pytest.mark.parametrize(
    ("status", "error", "number", "code"),
    [
        (401, "invalid_client", 7000215, "login_secret_wrong"),
        (401, "invalid_client", 7000222, "login_secret_expired"),
        (401, "invalid_client", 7000218, "login_secret_missing"),
        (400, "unauthorized_client", 700016, "login_app_unknown"),
        (400, "unauthorized_client", 70001, "login_app_disabled"),
        (400, "invalid_request", 90002, "login_tenant_unknown"),
        (400, "invalid_request", 900382, "login_cloud_wrong"),
        (400, "invalid_grant", 65001, "login_consent_missing"),
        (400, "invalid_scope", 70011, "login_scope_wrong"),
        (401, "invalid_client", 700027, "login_certificate_unknown"),
        (401, "invalid_client", 700024, "login_clock_wrong"),
        (401, "invalid_client", 700213, "login_federation_wrong"),
        (400, "access_denied", 53003, "login_blocked"),
        (400, "invalid_request", 50196, "login_throttled"),
        (401, "invalid_client", 123456, "login_client_refused"),
        (400, "something_new", 123456, "login_refused"),
    ],
)
def test_every_known_refusal_has_its_hint(
    microsoft: GraphServer, status: int, error: str, number: int, code: str
) -> None:
    microsoft.script(TOKEN, [instead(login_error(status, error, number))])
    told = failure(login_to(microsoft))
    assert (told.code, told.facts["aadsts"], told.facts["error"]) == (code, f"AADSTS{number}", error)


@pytest.mark.parametrize(
    ("result", "code", "aadsts"),
    [
        ({"error": "invalid_client"}, "login_client_refused", "no AADSTS number"),
        (
            {"error": "x", "error_codes": "planted", "error_description": 7},
            "login_refused",
            "no AADSTS number",
        ),
        ({"error": "x", "error_codes": [True, "7000215"]}, "login_refused", "no AADSTS number"),
        ({"error": "x", "error_description": "AADSTS7000222: ..."}, "login_secret_expired", "AADSTS7000222"),
        ({"error": "x", "error_codes": [1, 7000222]}, "login_secret_expired", "AADSTS7000222"),
        ({"error": "\x1b[31mx\n" + "y" * 99}, "login_refused", "no AADSTS number"),
        ({}, "login_refused", "no AADSTS number"),
    ],
)
def test_a_refusal_may_be_told_in_any_shape(result: dict[str, object], code: str, aadsts: str) -> None:
    told = refusal(result)
    assert (told.code, told.facts["aadsts"]) == (code, aadsts)
    assert str(told.facts["error"]).isprintable()
    assert len(str(told.facts["error"])) <= 64


@pytest.mark.parametrize(
    ("where", "fault", "code"),
    [
        pytest.param(
            DISCOVERY, instead(login_error(400, "invalid_tenant", 90002)), "login_tenant_unknown", id="tenant"
        ),
        pytest.param(DISCOVERY, html(404), "login_tenant_unknown", id="tenant, HTML"),
        pytest.param(DISCOVERY, html(200), "login_answer_wrong", id="discovery is HTML"),
        pytest.param(DISCOVERY, cut_json, "login_answer_wrong", id="discovery is cut"),
        pytest.param(DISCOVERY, instead(Reply.of([])), "login_answer_wrong", id="discovery is a list"),
        pytest.param(DISCOVERY, changed(issuer=5), "login_answer_wrong", id="issuer is a number"),
        pytest.param(DISCOVERY, changed(token_endpoint=None), "login_answer_wrong", id="no token endpoint"),
        pytest.param(
            DISCOVERY, changed(token_endpoint="http://a.example/t"), "login_answer_wrong", id="plain endpoint"
        ),
        pytest.param(DISCOVERY, instead(Reply(302, headers={"Location": "/"})), "redirect", id="redirect"),
        pytest.param(TOKEN, html(200), "login_answer_wrong", id="token is HTML"),
        pytest.param(TOKEN, html(403), "login_answer_wrong", id="refusal is HTML"),
        pytest.param(TOKEN, cut_json, "login_answer_wrong", id="token is cut"),
        pytest.param(TOKEN, instead(Reply.of("planted")), "login_answer_wrong", id="token is a text"),
        pytest.param(TOKEN, changed(access_token=None), "login_answer_wrong", id="no token"),
        pytest.param(TOKEN, changed(access_token=5), "login_answer_wrong", id="token is a number"),
        pytest.param(TOKEN, changed(access_token=""), "login_answer_wrong", id="token is empty"),
        pytest.param(TOKEN, changed(access_token="planted\r\nX: y"), "login_answer_wrong", id="token splits"),
        pytest.param(TOKEN, changed(expires_in="soon"), "login_answer_wrong", id="lifetime"),
        pytest.param(
            TOKEN, instead(Reply.of({"error": 5}, 400)), "login_answer_wrong", id="error is a number"
        ),
        pytest.param(
            TOKEN, instead(Reply.of({"access_token": "planted"}, 201)), "login_answer_wrong", id="201"
        ),
        pytest.param(TOKEN, instead(Reply(307, headers={"Location": "/"})), "redirect", id="post redirects"),
    ],
)
@pytest.mark.usefixtures("waits")
def test_answers_that_are_no_login(
    microsoft: GraphServer, where: str, fault: Callable[[Reply, Request], Reply], code: str
) -> None:
    microsoft.script(where, [fault])
    assert failure(login_to(microsoft)).code == code


@pytest.mark.parametrize("where", [DISCOVERY, TOKEN])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param(html(503), "login_unavailable", id="503"),
        pytest.param(html(429), "login_throttled", id="429"),
        pytest.param(dropped, "unreachable", id="dropped"),
    ],
)
def test_the_login_is_asked_four_times(
    microsoft: GraphServer,
    waits: list[float],
    where: str,
    fault: Callable[[Reply, Request], Reply],
    code: str,
) -> None:
    microsoft.script(where, [fault] * 3)
    assert login_to(microsoft).token(soon())
    assert len(waits) == 3
    microsoft.script(where, [fault] * 4)
    assert failure(login_to(microsoft)).code == code


def test_what_else_a_token_answer_says_is_left_alone(microsoft: GraphServer) -> None:
    odd = changed(client_info="not base64!", id_token="planted", scope=7, refresh_token=[], foo={})
    microsoft.script(TOKEN, [odd])
    assert login_to(microsoft).token(soon()) in microsoft.entra.tokens


def test_a_login_that_cannot_be_reached(microsoft: GraphServer, waits: list[float]) -> None:
    error = failure(login_to(microsoft, authority_url="https://127.0.0.1:1/tenant"))
    assert (error.code, error.facts["host"], len(waits)) == ("unreachable", "127.0.0.1", 3)


def test_an_untrusted_login_gets_no_secret(microsoft: GraphServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert failure(login_to(microsoft)).code == "tls"
    assert microsoft.requests == []


@pytest.mark.parametrize("authority", ["http://127.0.0.1/tenant", "https://login.example", "nonsense"])
def test_an_authority_that_msal_cannot_use(microsoft: GraphServer, authority: str) -> None:
    error = failure(login_to(microsoft, authority_url=authority))
    assert (error.code, error.facts["authority"]) == ("login_settings_wrong", authority)


def test_the_deadline_holds_for_the_login(microsoft: GraphServer) -> None:
    with pytest.raises(CalendarError, match="deadline"):
        login_to(microsoft).token(Deadline.after(0))
    assert microsoft.requests == []


def pem(*, encrypted: bool = False, days: int = 1) -> tuple[str, str]:
    """A private key and a certificate that ends in so many days, each in PEM form."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "iodcal test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if encrypted:
        lock = serialization.BestAvailableEncryption(b"word")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    return key.private_bytes(*form, lock).decode(), certificate.public_bytes(form[0]).decode()


def test_a_certificate_logs_in_whichever_part_comes_first(microsoft: GraphServer) -> None:
    key, certificate = pem()
    microsoft.entra.certificate = certificate
    for text in (key + certificate, "Bag Attributes\n" + certificate + "\n" + key):
        login = login_to(microsoft, client_secret=None, certificate=Secrets((text,)))
        assert login.token(soon()) in microsoft.entra.tokens
    assert not any("client_secret" in request.form for request in microsoft.requests)


def test_an_unregistered_certificate_gives_way_to_the_next(microsoft: GraphServer) -> None:
    key, certificate = pem()
    other_key, other_certificate = pem()
    microsoft.entra.certificate = certificate
    texts = (other_key + other_certificate, key + certificate)
    login = login_to(microsoft, client_secret=None, certificate=Secrets(texts))
    assert login.token(soon()) in microsoft.entra.tokens
    error = failure(login_to(microsoft, client_secret=None, certificate=Secrets(texts[:1])))
    assert error.code == "login_certificate_unknown"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(pem()[1], "it holds no private key in PEM form", id="no key"),
        pytest.param(pem()[0], "it holds no certificate in PEM form", id="no certificate"),
        pytest.param("".join(pem(encrypted=True)), "its private key is encrypted", id="encrypted"),
        pytest.param("planted", "it holds no private key in PEM form", id="garbage"),
        pytest.param(
            "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----\n" + pem()[1],
            "it cannot be used",
            id="garbage key",
        ),
        pytest.param(
            pem()[0] + "-----BEGIN CERTIFICATE-----\nplanted\n-----END CERTIFICATE-----\n",
            "it cannot be used",
            id="garbage certificate",
        ),
    ],
)
def test_a_certificate_that_cannot_be_used(microsoft: GraphServer, text: str, reason: str) -> None:
    error = failure(login_to(microsoft, client_secret=None, certificate=Secrets((text,))))
    assert (error.code, error.facts["reason"]) == ("login_certificate_wrong", reason)


def machine(reply: Reply, requests: list[Request]) -> LocalServer:
    """The address where a machine asks for its identity, as Azure's App Service has it."""

    def answer(request: Request) -> Reply:
        requests.append(request)
        return reply

    return LocalServer(answer)


def identity_settings(client_id: str | None) -> Settings:
    return Settings(
        "https://login.example/t",
        "https://graph.example/v1.0",
        "https://graph.example/.default",
        client_id=client_id,
        client_secret=None,
        managed_identity=True,
    )


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def at(url: str) -> None:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "planted-header")
        # Neither must have a say on the way to the machine's own host.
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

    return at


@pytest.mark.parametrize("client_id", [None, "66666666-7777"])
def test_the_machines_own_identity(identity: Callable[[str], None], client_id: str | None) -> None:
    expires = int(datetime.now(UTC).timestamp()) + 3600
    given = {
        "access_token": "machine-token",
        "expires_on": str(expires),
        "resource": "r",
        "token_type": "Bearer",
    }
    requests: list[Request] = []
    with machine(Reply.of(given), requests) as server:
        identity(server.url)
        login = Login(identity_settings(client_id), Path())
        assert (login.token(soon()), login.token(soon())) == ("machine-token", "machine-token")
    assert len(requests) == 1
    assert requests[0].query["resource"] == "https://graph.example"
    assert requests[0].query.get("client_id") == client_id


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply.of({"error": {"code": "x"}}, 400), id="refused"),
        pytest.param(Reply(200, b"<html>planted"), id="HTML"),
        pytest.param(Reply.of({}), id="nothing in it"),
        pytest.param(Reply.of([]), id="a list"),
        pytest.param(Reply.of({"access_token": "a b", "expires_on": "9999999999"}), id="no usable token"),
        pytest.param(Reply.of({"access_token": "t", "expires_on": "soon"}), id="an odd time"),
    ],
)
def test_a_machine_that_gives_no_token(identity: Callable[[str], None], reply: Reply) -> None:
    with machine(reply, []) as server:
        identity(server.url)
        error = failure(Login(identity_settings(None), Path()))
    assert error.code in ("login_identity_wrong", "login_answer_wrong")


def test_a_machine_without_an_identity(identity: Callable[[str], None]) -> None:
    identity("http://127.0.0.1:1")
    assert failure(Login(identity_settings(None), Path())).code == "login_identity_unreachable"


def test_the_first_fault_of_two_requests_is_the_one_that_is_told(microsoft: GraphServer) -> None:
    microsoft.script(TOKEN, [fine, instead(login_error(401, "invalid_client", 7000222))])
    login = login_to(microsoft)
    first = login.token(soon())
    with pytest.raises(CalendarError, match="login_secret_expired"):
        login.token(soon(), refused=first)


def test_every_way_in_which_a_secret_may_fail_has_words() -> None:
    source = Path(secrets.__file__).read_text()
    codes = set(re.findall(r'SecretError\(\s*"(\w+)"', source))
    assert len(codes) >= 6
    assert {f"login_{code}" for code in codes} <= set(CALENDARS)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"workload_identity": True}, None),
        ({"workload_identity": True, "graph": "https://graph.svc.sovcloud.example"}, None),
        ({"client_secret": "x", "authority": "https://a.example"}, "both authority and graph or neither"),
        ({"client_secret": "x", "graph": "https://g.example/v1.0"}, "both authority and graph or neither"),
        ({"client_secret": "x", "workload_identity": True}, "exactly one of"),
        ({}, "exactly one of"),
    ],
)
def test_what_the_section_takes(given: dict[str, object], words: str | None) -> None:
    own = {"tenant_id": TENANT, "client_id": CLIENT_ID} if "client_secret" in given else {}
    if words is None:
        assert section_of(Microsoft365, {**own, **given})
        return
    with pytest.raises(ValueError, match=words):
        section_of(Microsoft365, {**own, **given})


def test_the_section_of_the_configuration_fits(microsoft: GraphServer) -> None:
    section = section_of(
        Microsoft365,
        {
            "tenant_id": TENANT,
            "client_id": CLIENT_ID,
            "client_secret": [{"env": "IODCAL_NOT_THERE"}, SECRET],
            "authority": microsoft.authority,
            "graph": microsoft.graph,
        },
    )
    assert Login(section, Path()).token(soon()) in microsoft.entra.tokens


@pytest.mark.parametrize("number", [number for row in REFUSALS for number in row.numbers])
def test_every_number_of_the_table_has_words_a_source_and_one_meaning(number: int) -> None:
    (row,) = (row for row in REFUSALS if number in row.numbers)
    told = refusal({"error": "invalid_client", "error_codes": [number]}, tenant="t", client_id="c")
    assert told.code == row.code
    words = CALENDARS[row.code]
    assert words.message.format(**told.facts)
    assert words.remedy.format(**told.facts)
    assert row.source


@pytest.mark.parametrize("number", [7000229, 500011, 5000225, 530035, 7000112])
def test_what_only_looks_like_a_wrong_secret_does_not_lead_to_the_next(
    microsoft: GraphServer, number: int
) -> None:
    microsoft.script(TOKEN, [instead(login_error(401, "invalid_client", number))])
    failure(login_to(microsoft, client_secret=Secrets((SECRET, SECRET))))
    assert len(microsoft.paths("/token")) == 1


def test_trouble_that_passes_is_waited_out(microsoft: GraphServer, waits: list[float]) -> None:
    trouble = instead(login_error(400, "temporarily_unavailable", 90033))
    microsoft.script(TOKEN, [trouble] * 3)
    assert login_to(microsoft).token(soon())
    assert waits == [1, 2, 4]
    microsoft.script(TOKEN, [trouble] * 4)
    assert failure(login_to(microsoft)).code == "login_passing"


def test_in_a_chain_the_certificate_of_the_key_is_sent_wherever_it_stands(microsoft: GraphServer) -> None:
    key, certificate = pem()
    root = pem()[1]
    microsoft.entra.certificate = certificate
    for text in (root + certificate + key, key + root + certificate, certificate + root + key):
        login = login_to(microsoft, client_secret=None, certificate=Secrets((text,)))
        assert login.token(soon()) in microsoft.entra.tokens
        assert certificate_in(text).public_bytes(serialization.Encoding.PEM).decode() == certificate


def test_a_chain_without_the_keys_own_certificate(microsoft: GraphServer) -> None:
    text = pem()[0] + pem()[1]
    error = failure(login_to(microsoft, client_secret=None, certificate=Secrets((text,))))
    assert error.facts["reason"] == "none of its certificates belongs to its private key"
    assert microsoft.requests == []


def test_a_certificate_that_is_past(microsoft: GraphServer) -> None:
    key, certificate = pem(days=-1)
    microsoft.entra.certificate = certificate
    error = failure(login_to(microsoft, client_secret=None, certificate=Secrets((key + certificate,))))
    assert error.code == "login_certificate_expired"


@pytest.fixture
def workload(tmp_path: Path, microsoft: GraphServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The token file of a workload that the login trusts."""
    file = tmp_path / "federated-token"
    file.write_text("planted.first.proof\n")
    microsoft.entra.federated = {"planted.first.proof", "planted.second.proof"}
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"{microsoft.authority}/")
    return file


WORKLOAD: dict[str, object] = {
    "client_secret": None,
    "workload_identity": True,
    "tenant_id": None,
    "client_id": None,
    "authority_url": "https://login.example/organizations",
}


def test_a_workload_logs_in_with_the_proof_of_the_moment(microsoft: GraphServer, workload: Path) -> None:
    login = login_to(microsoft, **WORKLOAD)
    first = login.token(soon())
    workload.write_text("planted.second.proof")
    assert login.token(soon(), refused=first) != first
    posts = [request.form for request in microsoft.requests if request.method == "POST"]
    assert [form["client_assertion"] for form in posts] == ["planted.first.proof", "planted.second.proof"]
    assert "planted" not in redact_text("planted.first.proof planted.second.proof")


def test_the_settings_come_before_the_workloads_environment(
    microsoft: GraphServer, workload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID"):
        monkeypatch.setenv(name, "another")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.another.example")
    own = {**WORKLOAD, "tenant_id": TENANT, "client_id": CLIENT_ID, "authority": microsoft.authority}
    assert login_to(microsoft, **own).token(soon()) in microsoft.entra.tokens
    assert workload.exists()


@pytest.mark.usefixtures("workload")
def test_a_workload_without_an_environment(microsoft: GraphServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_CLIENT_ID")
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE")
    error = failure(login_to(microsoft, **WORKLOAD))
    assert error.code == "login_workload_missing"
    assert error.facts["missing"] == "AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), (b"", "empty"), (b"\xff", "no token")]
)
def test_a_workload_whose_file_is_not_there(
    microsoft: GraphServer, workload: Path, content: bytes | None, reason: str
) -> None:
    workload.unlink()
    if content is not None:
        workload.write_bytes(content)
    error = failure(login_to(microsoft, **WORKLOAD))
    assert (error.code, error.facts["file"]) == ("login_workload_file", str(workload))
    assert reason in str(error.facts["reason"])


def test_a_machine_that_is_busy_is_asked_again(identity: Callable[[str], None], waits: list[float]) -> None:
    expires = int(datetime.now(UTC).timestamp()) + 3600
    good = Reply.of({"access_token": "machine-token", "expires_on": str(expires), "resource": "r"})
    replies = [*(Reply.of({"error": "x"}, status) for status in (404, 410, 429, 503)), good]

    def answer(_request: Request) -> Reply:
        return replies.pop(0)

    with LocalServer(answer) as server:
        identity(server.url)
        assert Login(identity_settings(None), Path()).token(soon()) == "machine-token"
    assert waits == [1, 2, 4, 8]


def test_azure_arcs_key_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied", "/var/opt/azcmagent/tokens/x.key")

    monkeypatch.setattr("msal.ManagedIdentityClient.acquire_token_for_client", refuse)
    error = failure(Login(identity_settings(None), Path()))
    assert (error.code, error.facts["file"]) == ("login_identity_key", "/var/opt/azcmagent/tokens/x.key")
    assert "himds" in CALENDARS[error.code].remedy
