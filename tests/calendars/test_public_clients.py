"""Clients that others wrote read the local servers to the last page: what they take for real, we may, too.

They are heavy, so they are installed by hand: pip install azure-identity msgraph-sdk O365.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.servers.entra import CLIENT_ID, SECRET, TENANT
from tests.servers.graph import GraphServer, event

ROOM = "room@contoso.example"
START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=30)
COUNT = 1100  # more than a page of any client


@pytest.fixture
def room(microsoft: GraphServer, monkeypatch: pytest.MonkeyPatch) -> GraphServer:
    begins = [START + timedelta(minutes=10 * number) for number in range(COUNT)]
    microsoft.mailboxes[ROOM] = [
        event(f"Meeting {number}", begin, begin + timedelta(minutes=5)) for number, begin in enumerate(begins)
    ]
    monkeypatch.setenv("SSL_CERT_FILE", str(microsoft.ca_path))
    return microsoft


def logged_in(server: GraphServer) -> str:
    server.entra.tokens.add("good")
    return "good"


def test_azure_identity_logs_in(room: GraphServer) -> None:
    identity: Any = pytest.importorskip("azure.identity")
    credential = identity.ClientSecretCredential(
        TENANT, CLIENT_ID, SECRET, authority=room.authority, disable_instance_discovery=True
    )
    assert credential.get_token(f"{room.authority}/.default").token in room.entra.tokens


def test_microsofts_own_client_reads_to_the_last_page(room: GraphServer) -> None:
    msgraph: Any = pytest.importorskip("msgraph")
    authentication: Any = pytest.importorskip("kiota_abstractions.authentication")
    token = logged_in(room)

    class Bearer(authentication.AuthenticationProvider):  # type: ignore[misc]  # known only where it is installed
        async def authenticate_request(self, request: Any, _more: Any = None) -> None:
            request.headers.add("Authorization", f"Bearer {token}")

    adapter = msgraph.GraphRequestAdapter(Bearer())
    adapter.base_url = room.graph
    client = msgraph.GraphServiceClient(request_adapter=adapter)
    builder: Any = pytest.importorskip(
        "msgraph.generated.users.item.calendar_view.calendar_view_request_builder"
    )
    query = builder.CalendarViewRequestBuilder.CalendarViewRequestBuilderGetQueryParameters(
        start_date_time=START.isoformat(), end_date_time=END.isoformat(), top=250
    )
    base: Any = pytest.importorskip("kiota_abstractions.base_request_configuration")

    async def read() -> list[str]:
        view = client.users.by_user_id(ROOM).calendar_view
        page = await view.get(request_configuration=base.RequestConfiguration(query_parameters=query))
        found = list(page.value)
        while page.odata_next_link:
            page = await view.with_url(page.odata_next_link).get()
            found += page.value
        return [one.subject for one in found]

    assert len(set(asyncio.run(read()))) == COUNT


def test_o365_reads_to_the_last_page(room: GraphServer) -> None:
    library: Any = pytest.importorskip("O365")
    requests: Any = pytest.importorskip("requests")

    class Local(library.MSGraphProtocol):  # type: ignore[misc]  # known only where it is installed
        _protocol_url = f"{room.authority}/"

    account = library.Account(("id", "secret"), protocol=Local())
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {logged_in(room)}"
    account.connection.session = session
    account.connection._check_delay = lambda: None
    account.connection.refresh_token = lambda: True
    account.connection.token_backend.token_is_expired = lambda *_given, **_named: False
    calendar = account.schedule(resource=ROOM).get_default_calendar()
    events = calendar.get_events(limit=None, include_recurring=True, start_recurring=START, end_recurring=END)
    assert len({one.subject for one in events}) == COUNT
