"""The sandbox: the contract, and the faults that people switch on in its file."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iodcal.carriers import CarrierContext
from iodcal.carriers.sandbox import plugin
from iodcal.carriers.sandbox.client import Sandbox
from iodcal.carriers.sandbox.plugin import SandboxOptions
from iodcal.config.parse import section_of
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Status
from iodcal.errors import CarrierError, OrderNotSentError, OrderRefusedError, QuotaExceededError
from iodcal.plugins.contract import CarrierContract, Harness, soon

ID = "77000000001"


class SandboxHarness(Harness):
    service_id = ID
    bandwidth = Bandwidth(100)
    other = Bandwidth(500)
    unknown_service_id = "77999999999"
    provisioning = timedelta(minutes=2)

    def __init__(self, folder: Path, **options: Any) -> None:
        self.path = folder / "lab" / "sandbox.json"
        self.time = datetime(2026, 11, 24, 12, tzinfo=UTC)
        given = {"file": str(self.path), "unknown": self.unknown_service_id, **options}
        context = CarrierContext(folder, self.now, self.provisioning, 3)
        self.carrier: Sandbox = plugin.create(section_of(SandboxOptions, given), context)

    def now(self) -> datetime:
        return self.time

    def advance(self, length: timedelta) -> None:
        self.time += length

    def finish(self) -> None:
        self.advance(self.provisioning)

    def switch(self, **faults: Any) -> None:
        document = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps({**document, "faults": faults}))

    def lose_answer(self, *, after_effect: bool) -> None:
        self.switch(**{"lose_after" if after_effect else "lose_before": 1})

    def refuse(self) -> None:
        self.switch(refuse="not today")

    def orders(self) -> int:
        return sum(self.document.get("orders", {}).values())

    @property
    def document(self) -> Any:
        return json.loads(self.path.read_text()) if self.path.exists() else {}


@pytest.fixture
def harness(tmp_path: Path) -> SandboxHarness:
    return SandboxHarness(tmp_path)


class TestSandbox(CarrierContract):
    def place(self, harness: SandboxHarness, reference: str = "ioSANDBOX") -> None:
        harness.carrier.order(self.request(harness, reference=reference), soon())

    def test_a_reading_never_writes(self, harness: SandboxHarness) -> None:
        harness.carrier.read(ID, soon())
        assert not harness.path.exists()

    def test_its_file_is_for_its_owner_only(self, harness: SandboxHarness) -> None:
        self.place(harness)
        assert stat.S_IMODE(harness.path.stat().st_mode) == 0o600
        assert [path.name for path in harness.path.parent.iterdir()] == ["sandbox.json"]

    def test_reference_and_note_are_in_the_file(self, harness: SandboxHarness) -> None:
        self.place(harness, "ioREFERENCE")
        pending = harness.document["circuits"][ID]["pending"]
        assert pending["external_id"] == "ioREFERENCE"
        assert pending["note"] == "iodcal contract test"

    def test_the_quota_is_by_utc_day(self, harness: SandboxHarness) -> None:
        for _ in range(3):
            self.place(harness)
            harness.advance(harness.provisioning)
        with pytest.raises(QuotaExceededError):
            self.place(harness)
        harness.advance(timedelta(hours=12))
        self.place(harness)

    def test_a_stuck_change_stays_pending(self, harness: SandboxHarness) -> None:
        harness.switch(stuck=True)
        self.place(harness)
        harness.advance(timedelta(days=2))
        assert harness.carrier.read(ID, soon()).status is Status.PENDING

    def test_a_failed_change_comes_to_nothing(self, harness: SandboxHarness) -> None:
        harness.switch(fail=True)
        self.place(harness)
        harness.advance(timedelta(days=2))
        assert harness.carrier.read(ID, soon()).shows(Bandwidth(100))

    def test_a_lagging_inventory_shows_the_old_state_for_a_while(self, harness: SandboxHarness) -> None:
        harness.switch(lag_minutes=1)
        self.place(harness)
        assert harness.carrier.read(ID, soon()).shows(Bandwidth(100))
        harness.advance(timedelta(minutes=1))
        assert harness.carrier.read(ID, soon()).status is Status.PENDING

    def test_a_strange_status_is_shown_as_it_is(self, harness: SandboxHarness) -> None:
        harness.switch(status="Suspended")
        reading = harness.carrier.read(ID, soon())
        assert (reading.status, reading.status_text) == (Status.UNKNOWN, "Suspended")
        with pytest.raises(OrderRefusedError):
            self.place(harness)

    def test_readings_can_fail(self, harness: SandboxHarness) -> None:
        harness.switch(unreadable=True)
        with pytest.raises(CarrierError) as caught:
            harness.carrier.read(ID, soon())
        assert caught.value.code == "unreachable"

    def test_a_circuit_may_have_faults_of_its_own(self, harness: SandboxHarness) -> None:
        self.place(harness)
        document = harness.document
        document["circuits"][ID]["faults"] = {"status": "Broken", "lose_before": 1}
        harness.path.write_text(json.dumps(document))
        assert harness.carrier.read(ID, soon()).status_text == "Broken"
        assert harness.carrier.read("77000000002", soon()).shows(Bandwidth(100))

    def test_what_is_not_sold_is_not_quoted(self, tmp_path: Path) -> None:
        harness = SandboxHarness(tmp_path, tiers=["100 Mbps", "1 Gbps"])
        with pytest.raises(OrderRefusedError) as caught:
            harness.carrier.quote(ID, Bandwidth(500), soon())
        assert caught.value.code == "tier_not_sold"

    @pytest.mark.parametrize(
        "content",
        ["", "{", "[]", '{"circuits": []}', '{"circuits": {"1": {}}}', '{"faults": {"melt": 1}}', '"x"'],
    )
    def test_a_damaged_file_is_named(self, harness: SandboxHarness, content: str) -> None:
        harness.path.parent.mkdir()
        harness.path.write_text(content)
        with pytest.raises(CarrierError) as caught:
            harness.carrier.read(ID, soon())
        assert caught.value.code == "sandbox_damaged"

    def test_a_folder_in_place_of_the_file_is_named(self, harness: SandboxHarness) -> None:
        harness.path.mkdir(parents=True)
        with pytest.raises(CarrierError) as caught:
            harness.carrier.read(ID, soon())
        assert caught.value.code == "sandbox_unreadable"

    def test_an_order_that_cannot_be_written_was_not_sent(
        self, harness: SandboxHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = self.request(harness)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OrderNotSentError):
            harness.carrier.order(request, soon())
        assert harness.orders() == 0
