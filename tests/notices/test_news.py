"""From a run's result to notices."""

from __future__ import annotations

import pytest

from iodcal.commands.sync import Synced
from iodcal.config import NotifyTarget, Way
from iodcal.config.secrets import Secret
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.orders import Outcome
from iodcal.domain.service_level import EventOnCircuit, Readiness
from iodcal.domain.structs import replace
from iodcal.errors import StateError
from iodcal.notify import Notice, NoticeKind
from iodcal.notify.dispatch import _settled, _unharmed
from iodcal.notify.news import failure_of, news_of, recovery_of, summary
from iodcal.notify.outbox import Memory
from iodcal.pipeline.alerts import AlertDecision
from iodcal.problems.at_risk import PreflightCheck
from iodcal.store.state import AlertRecord
from tests.domain.minutes import DENVER, NOON, at
from tests.render.test_golden import HOSTILE, report, synced

EVENT = EventOnCircuit("den-a", "r", at(2), "uid/1/r")
CHECK = PreflightCheck(EVENT, HOSTILE, DENVER, Bandwidth(1000), Bandwidth(100), Readiness.LATE, cause="quota")
EVERYTHING = NotifyTarget("all", Way.WEBHOOK, Secret.parse({"env": "X"}), frozenset(NoticeKind))


READY = replace(CHECK, subject=None, running=None, readiness=Readiness.READY, cause=None)
CHECKS = (
    CHECK,
    READY,
    *(replace(CHECK, readiness=one) for one in (Readiness.EXPECTED, Readiness.AT_RISK)),
)


def result(telling: AlertDecision | None = None) -> Synced:
    made = replace(synced(), preflight_checks=CHECKS)
    nothing = AlertDecision((), (), (), (), {})
    return Synced(made, telling or nothing, (made.plans[1],))


def test_what_is_told_of_a_run() -> None:
    risk, drift = synced().problems
    gone = AlertRecord(
        "drift", "lon-a", {"circuit": "lon-a", "observed": "1 Gbps", "ordered": "100 Mbps"}, (), NOON, NOON
    )
    telling = AlertDecision((risk,), (drift,), (drift,), (gone, replace(gone, kind="of_the_future")), {})
    told = news_of(result(telling))
    assert [(notice.kind, notice.severity, notice.title) for notice in told] == [
        ("problem", "error", "event at risk (den-a)"),
        ("problem", "warning", "Changed: drift (tok-a)"),
        ("problem", "warning", "Still: drift (tok-a)"),
        ("late", "error", "den-a is late"),
        ("ready", "info", "den-a is ready"),
        ("change", "info", "den-a: up to 1 Gbps accepted"),
        ("change", "warning", "lon-a: down to 500 Mbps held back"),
        ("recovered", "info", "Recovered: drift (lon-a)"),
        ("recovered", "info", "Recovered: of the future (lon-a)"),
    ]
    assert told[3].text == (
        'den-a is late for "\ufffd[31mAll-Hands\ufffd[0m evil [bold]x[/bold]", '
        "Tue 24 Nov 2026 05:02 MST: it needs 1 Gbps and has 100 Mbps "
        "(the carrier's changes of the day are used up)"
    )
    assert told[3].remedy == "Raise it in the carrier's portal by hand"
    assert told[3].id == told[4].id == f"curtain_up:{EVENT.place}"
    assert "an event of the rule r" in told[4].text
    assert told[4].text.endswith("it needs 1 Gbps and nobody knows what it has")
    for notice in told:
        assert not any(letter in notice.title + notice.text for letter in "\x1b\u202e\n")
        assert (notice.run_id, notice.at) == ("0123456789abcdef", NOON)


def test_a_test_environment_is_said_with_every_notice() -> None:
    made = result()
    told = news_of(replace(made, report=replace(made.report, test=True)))
    assert {notice.title[:6] for notice in told} == {"TEST: "}


def test_only_what_settled_while_it_was_waited_for_is_told_afterwards() -> None:
    told = synced()
    (taken,) = told.orders
    choose = _settled(replace(told, orders=(replace(taken, outcome=Outcome.CONFIRMED),)), told)
    notices, _ = choose(EVERYTHING, Memory())
    assert [notice.title for notice in notices] == ["den-a: up to 1 Gbps confirmed"]
    notices, _ = _settled(told, told)(EVERYTHING, Memory())
    assert notices == ()


def test_a_run_that_failed_and_its_end_have_one_name() -> None:
    failed = failure_of(StateError("too_new", path="/x", writer="9"), NOON, "r")
    assert (failed.id, failed.severity) == ("run:too_new", "error")
    assert recovery_of(failed.id, NOON, "r").id == failed.id
    assert failure_of(ValueError("secret"), NOON, "r").id == "run:bug"
    assert "secret" not in str(failure_of(ValueError("secret"), NOON, "r"))


@pytest.mark.parametrize(
    ("circuits", "about", "taken"),
    [
        (None, (), True),
        (None, ("a",), True),
        ({"a"}, ("a", "b"), True),
        ({"a"}, ("b",), False),
        ({"a"}, (), True),
    ],
)
def test_a_target_takes_what_concerns_its_circuits_or_all(
    circuits: set[str] | None, about: tuple[str, ...], taken: bool
) -> None:
    selected = frozenset(circuits) if circuits is not None else None
    target = replace(EVERYTHING, circuits=selected, kinds=frozenset({NoticeKind.PROBLEM}))
    notice = Notice(NoticeKind.PROBLEM, "x", "error", "t", "t", NOON, "r", circuits=about)
    assert target.takes(notice) is taken
    assert not target.takes(replace(notice, kind=NoticeKind.CHANGE))


def test_a_summary_cuts_what_is_long() -> None:
    told = summary(
        report(untaken=tuple(f"{number} {'x' * 200}" for number in range(30))), EVERYTHING, NOON.date()
    )
    assert told.title == "iodcal on Tuesday: 2 problems"
    assert (
        "den-a is ordered at 100 Mbps, next day (America/Denver): now up to 1 Gbps, Tue 24 06:12 down"
        in told.text
    )
    assert (
        "; lon-a is ordered at 1 Gbps, next day (Europe/London): now down to 500 Mbps, Tue 24 18:30"
        in told.text
    )
    assert "; tok-a is ordered at 100 Mbps, next day: no change" in told.text
    assert "and 10 more" in told.text
    assert "x" * 80 not in told.text
    one = summary(report(test=True), replace(EVERYTHING, circuits=frozenset({"tok-a"})), NOON.date())
    assert one.title.startswith("TEST: ")
    assert one.circuits == ("tok-a",)


def test_a_bug_in_telling_harms_no_run(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging

    monkeypatch.setattr(logging.getLogger("iodcal"), "propagate", True)
    with _unharmed():
        raise RuntimeError("a secret")
    assert "telling of the run failed: this is a bug in iodcal (RuntimeError)" in caplog.text
