"""What foreign exceptions mean, above all whether the request may have arrived."""

from __future__ import annotations

import ssl
from http.client import RemoteDisconnected

import pytest
import requests
from urllib3 import exceptions as urllib3_errors

from iodcal.http import Deadline
from iodcal.http.faults import FOREIGN, fault_of


def tls_fault(reason: str | None) -> Exception:
    fault = ssl.SSLError(1, "[SSL] planted-secret")
    fault.reason = reason  # type: ignore[assignment]  # OpenSSL sets it, and may leave it out
    return requests.exceptions.SSLError(urllib3_errors.SSLError(fault))


def within(error: Exception) -> Exception:
    """As `requests` wraps what urllib3 raises."""
    pool = object()
    return requests.ConnectionError(urllib3_errors.MaxRetryError(pool, "/planted-secret", error))  # type: ignore[arg-type]  # the pool is only kept


@pytest.mark.parametrize(
    ("error", "code", "sent"),
    [
        pytest.param(tls_fault("WRONG_VERSION_NUMBER"), "tls", False, id="handshake"),
        pytest.param(tls_fault("BAD_RECORD_MAC"), "tls", True, id="TLS breaks later"),
        pytest.param(tls_fault(None), "tls", True, id="TLS breaks, nobody says why"),
        pytest.param(
            requests.exceptions.SSLError(ssl.SSLEOFError(8, "eof")), "unreachable", True, id="hung up"
        ),
        pytest.param(requests.ConnectTimeout(), "timeout", False, id="connecting takes too long"),
        pytest.param(requests.ReadTimeout(), "timeout", True, id="the answer takes too long"),
        pytest.param(within(ConnectionResetError(104, "Connection reset")), "unreachable", True, id="reset"),
        pytest.param(ConnectionResetError(104, "Connection reset"), "unreachable", True, id="bare reset"),
        pytest.param(OSError("Could not find planted-secret"), "tls", False, id="no file of authorities"),
        pytest.param(
            requests.exceptions.InvalidURL("planted-secret"), "unreachable", False, id="bad address"
        ),
        pytest.param(
            requests.exceptions.InvalidHeader("planted-secret"), "unreachable", False, id="bad header"
        ),
        pytest.param(
            urllib3_errors.ProxyError("no", OSError("planted-secret")),
            "proxy_unreachable",
            False,
            id="proxy",
        ),
        pytest.param(urllib3_errors.IncompleteRead(1, 2), "truncated", True, id="cut short"),
        pytest.param(urllib3_errors.DecodeError(), "truncated", True, id="does not unpack"),
        pytest.param(urllib3_errors.ProtocolError("planted-secret"), "unreachable", True, id="not HTTP"),
    ],
)
def test_what_a_foreign_exception_means(error: Exception, code: str, sent: bool) -> None:
    assert isinstance(error, FOREIGN)
    fault = fault_of(error, "a.example", Deadline.after(60))
    assert (fault.code, fault.sent) == (code, sent)
    assert "planted" not in str(fault)


def test_a_server_that_hangs_up_without_a_word_is_told_as_that() -> None:
    hung_up = urllib3_errors.ProtocolError("Connection aborted.", RemoteDisconnected("planted-secret"))
    fault = fault_of(requests.ConnectionError(hung_up), "a.example", Deadline.after(60))
    assert (fault.code, fault.sent, fault.facts["reason"]) == (
        "unreachable",
        True,
        "the connection was closed",
    )


def test_every_exception_of_requests_and_urllib3_is_ours_to_catch() -> None:
    for module in (requests.exceptions, urllib3_errors):
        for thing in vars(module).values():
            own = isinstance(thing, type) and thing.__module__ == module.__name__
            if own and issubclass(thing, Exception) and not issubclass(thing, Warning):
                assert issubclass(thing, FOREIGN), thing


def test_a_timeout_at_the_deadline_is_the_deadline() -> None:
    assert fault_of(requests.ReadTimeout(), "a.example", Deadline.after(0)).code == "deadline"
