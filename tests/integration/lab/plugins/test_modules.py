"""Every module's EXAMPLES run as they stand, and return what RETURN promises."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml
from ansible_collections.rollcall.discovery.tests.support.promises import (
    assert_promised,
    documented,
)

from ..conftest import ROOT, Lab

MODULES = {path.stem: path for path in sorted((ROOT / "plugins" / "modules").glob("*.py"))}
# Its examples would register the stack's containers a second time: test_registrator_container
# runs them under a name and with a registry of their own.
ELSEWHERE = {
    "registrator_container",
    # An open cluster has neither ACLs nor a key; tests/integration/consul has one with both.
    "consul_acl",
    "consul_keyring",
}


@pytest.mark.parametrize("module", sorted(MODULES.keys() - ELSEWHERE))
def test_examples_run_and_return_what_is_promised(
    lab: Lab, module: str, tmp_path: pathlib.Path
) -> None:
    """Each task of EXAMPLES succeeds, and its result is what RETURN promises."""
    tasks = documented(module, "EXAMPLES")
    results = lab.tasks(tmp_path, _with_lab_images(tasks))
    for task, result in zip(tasks, results, strict=True):
        assert not result.get("failed"), (task["name"], result.get("msg"))
        # The callback that brings the results writes the module's name under `action`.
        assert_promised(module, result, added={"action"})


def _with_lab_images(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lab has no public registry: its own stands in for it, and nothing else changes."""
    text = yaml.safe_dump(tasks).replace("image: rollcall/", "image: 10.111.152.2:5000/rollcall/")
    return list(yaml.safe_load(text))


def service(**more: Any) -> dict[str, Any]:
    """A task that registers a service which the agent's own port makes pass."""
    check = {"name": "listens", "tcp": "127.0.0.1:8500", "interval": "1s", "status": "passing"}
    return {
        "rollcall.discovery.consul_service": {
            "name": "example",
            "id": "example-1",
            "address": "127.0.0.1",
            "port": 8500,
            "checks": [check],
            **more,
        }
    }


def test_a_service_is_registered_once_and_read_back(lab: Lab, tmp_path: pathlib.Path) -> None:
    """Prediction, registration, silence; a changed check replaces the stale one; then none."""
    other = {"name": "other", "tcp": "127.0.0.1:8300", "interval": "2s", "status": "passing"}
    predicted = lab.tasks(tmp_path, [service()], "--check", "--diff")[0]
    first, second, replaced, again, gone, absent = lab.tasks(
        tmp_path,
        [
            service(tags=["a", "b"], meta={"k": "v"}),
            service(tags=["a", "b"], meta={"k": "v"}),
            service(tags=["a", "b"], meta={"k": "v"}, checks=[other], wait="passing"),
            service(tags=["a", "b"], meta={"k": "v"}, checks=[other]),
            service(state="absent"),
            service(state="absent"),
        ],
    )
    assert (predicted["changed"], predicted["outcome"]) == (True, "registered")
    assert (first["changed"], first["service"]["tags"]) == (True, ["a", "b"])
    assert (second["changed"], second["outcome"]) == (False, "unchanged")
    assert replaced["changed"]
    assert [check["name"] for check in replaced["checks"]] == ["other"]
    assert not again["changed"]
    assert (gone["changed"], absent["changed"]) == (True, False)


def test_maintenance_is_entered_and_left_once(lab: Lab, tmp_path: pathlib.Path) -> None:
    """state=maintenance takes the service out, state=present brings it back, each one time."""
    results = lab.tasks(
        tmp_path,
        [
            service(),
            service(state="maintenance", reason="new kernel"),
            service(state="maintenance", reason="new kernel"),
            service(),
            service(state="absent"),
        ],
    )
    outcomes = [result["outcome"] for result in results[1:4]]
    assert outcomes == ["maintenance entered", "unchanged", "maintenance left"]
    assert [result["changed"] for result in results[1:4]] == [True, False, True]
    assert any(check["output"] or check["name"] for check in results[1]["checks"])


def test_a_service_that_does_not_pass_fails_with_what_its_check_said(
    lab: Lab, tmp_path: pathlib.Path
) -> None:
    """wait=passing ends at its deadline and names the check."""
    deaf = {"name": "deaf", "tcp": "127.0.0.1:1", "interval": "1s"}
    failed, _ = lab.tasks(
        tmp_path,
        [service(checks=[deaf], wait="passing", wait_timeout=2), service(state="absent")],
    )
    assert failed["failed"]
    assert "does not pass after 2 s: deaf is critical" in failed["msg"]


def test_a_wrong_address_says_what_was_tried_and_what_to_do(
    lab: Lab, tmp_path: pathlib.Path
) -> None:
    """No traceback: the request, the address, and a next step."""
    (failed,) = lab.tasks(tmp_path, [service(url="http://127.0.0.1:8599")])
    assert "at http://127.0.0.1:8599: no answer" in failed["msg"]
    assert "Check that a Consul agent listens there" in failed["msg"]
