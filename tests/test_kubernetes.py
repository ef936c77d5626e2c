"""What stands in deploy/kubernetes is what Kubernetes takes, and holds what the page about it promises."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from iodcal.exits import Exit
from tests.e2e.command import ROOT

kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="no schemas of Kubernetes here")
if shutil.which("kubectl") is None:
    pytest.skip("there is no kubectl here", allow_module_level=True)

VERSION = "1.31"
Manifest = dict[str, Any]


def rendered(name: str) -> list[Manifest]:
    done = subprocess.run(
        ["kubectl", "kustomize", ROOT / "deploy" / "kubernetes" / name],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module", params=["base", "fleet"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return rendered(request.param)


def job_of(manifests: list[Manifest]) -> Manifest:
    (found,) = (one["spec"] for one in manifests if one["kind"] == "CronJob")
    assert found["concurrencyPolicy"] == "Forbid"
    job: Manifest = found["jobTemplate"]["spec"]
    return job


def test_each_object_fits_kubernetes_schema(manifests: list[Manifest]) -> None:
    assert len(manifests) >= 4
    for manifest in manifests:
        kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_every_exit_status_has_its_say(manifests: list[Manifest]) -> None:
    rules = job_of(manifests)["podFailurePolicy"]["rules"]
    codes = {rule["action"]: set(rule["onExitCodes"]["values"]) for rule in rules if "onExitCodes" in rule}
    failing = next(codes[action] for action in ("FailJob", "FailIndex") if action in codes)
    assert codes["Ignore"] == {Exit.LOCKED}
    assert failing == set(Exit) - {0, Exit.LOCKED, 4}  # 4 is an answer of plan's
    assert job_of(manifests)["template"]["spec"]["restartPolicy"] == "Never"


def test_a_container_may_do_nothing_that_it_need_not(manifests: list[Manifest]) -> None:
    pod = job_of(manifests)["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsNonRoot"]) == (65532, True)
    assert pod["automountServiceAccountToken"] is False
    assert {"requests", "limits"} <= set(container["resources"])
    assert all(one["readOnly"] for one in container["volumeMounts"] if one["name"] in ("rules", "secrets"))


def test_a_fleet_has_as_many_shards_as_pods() -> None:
    job = job_of(rendered("fleet"))
    (container,) = job["template"]["spec"]["containers"]
    assert job["completionMode"] == "Indexed"
    assert f"/{job['completions']}" in container["args"]
