"""The role: from an inventory's words to a balancer that acknowledges them.

It owns all balancers of its kind on an engine. Stories of one role at once would each remove the
other's: they take turns, and share a worker so that no other one waits. The other role's balancers
are nothing to it.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import Stages
from ansible_collections.rollcall.discovery.tests.support.balancer.plays import (
    Play,
    Recap,
    Verdict,
    run_role,
    run_role_for_each,
)
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Stage
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import HOST, only
from ansible_collections.rollcall.discovery.tests.support.turns import turn
from registrator.docker.inspect import container_from
from registrator.domain.plan import registration
from rollcall_agents.agent import free_ports

from .products import PRODUCTS, TOKEN, Product
from .wrong_inputs import wrong


@dataclasses.dataclass(frozen=True)
class Refusal:
    """What came of a wrong input, and whether a file or a container is left of it."""

    verdict: Verdict
    left: bool


Refusals = Callable[[str], list[Refusal]]


def register(stage: Stage) -> None:
    """Register the balancer as the Registrator of its host would, from what Docker says of it."""
    found = container_from(json.loads(stage.docker("inspect", stage.name))[0])
    assert found
    service = only(found, ip=stage.place.address)
    stage.agent.call("PUT", "/v1/agent/service/register", registration(service, HOST).body)


def passing(stage: Stage, service: str) -> list[int]:
    """The ports at which a service passes its checks."""
    found = stage.agent.get(f"/v1/health/service/{service}?passing")
    return [entry["Service"]["Port"] for entry in found]


def of(role: str, *marks: pytest.MarkDecorator) -> Any:
    """A parameter for the fixture `product`."""
    return pytest.param(role, marks=[pytest.mark.xdist_group(role), *marks])


@pytest.fixture(params=[of("nginx_lb"), of("haproxy_lb")])
def product(request: pytest.FixtureRequest) -> Iterator[Product]:
    """A balancer's role, and what its program says."""
    with turn(request.param):
        yield PRODUCTS[request.param]


@pytest.fixture
def stage(product: Product, stages: Stages) -> Stage:
    """One stage."""
    made: Stage = stages(product.stage)
    return made


@pytest.fixture
def play(stage: Stage, tmp_path: pathlib.Path) -> Play:
    """Run the role here with the stage's ports, and more variables and arguments."""
    if stage.place.engine:
        pytest.skip("the role runs on the host itself")

    def run(*arguments: str, **variables: Any) -> Recap:
        return run_role(stage.role, stage.inputs(**variables), tmp_path, *arguments)

    return run


def test_an_empty_host_becomes_a_balancer(product: Product, stage: Stage, play: Play) -> None:
    """Predicted, made, left alone by a second run and a dry one, and removed."""
    stage.backend("one")
    shutil.rmtree(stage.folder)
    predicted = play("--check", "--diff")
    assert (predicted.failed, stage.container(), stage.folder.exists()) == (0, "", False)
    assert predicted.changed > 0
    first = play()
    assert first.failed == 0, first.output
    if product.knows_at_once:
        assert stage.names() == {"one"}
    stage.serving("one")
    made = stage.container()
    for arguments in ((), ("--check", "--diff")):
        again = play(*arguments)
        assert (again.changed, again.failed) == (0, 0), again.output
    assert stage.container() == made
    gone = play(state="absent")
    assert (gone.failed, stage.container(), stage.folder.exists()) == (0, "", False), gone.output
    assert play(state="absent").changed == 0


# A play takes seconds of the processor, and this is five of them.
@pytest.mark.parametrize(
    "product", [of("nginx_lb"), of("haproxy_lb", pytest.mark.full)], indirect=True
)
def test_settings_change_while_it_serves(
    product: Product, stage: Stage, play: Play, tmp_path: pathlib.Path
) -> None:
    """Services, tuning and TLS come into use without another container; secrets stay secret."""
    stage.backend("one")
    stage.backend("two", "shop")
    assert play().failed == 0
    made = stage.container()
    change = product.change(tmp_path)
    predicted = play("--check", "--diff", **change.inputs)
    assert predicted.failed == 0, predicted.output
    assert change.shown in predicted.output
    recap = play("-vv", "--diff", **change.inputs)
    assert recap.failed == 0, recap.output
    assert stage.container() == made
    stage.serving("two", host="shop.example")
    for said in (predicted.output, recap.output):
        assert TOKEN not in said
        assert "PRIVATE KEY" not in said
    for path, content in change.secrets.items():
        file = stage.folder / path
        assert (file.stat().st_mode & 0o777, file.read_text()) == (0o600, content)
    assert play(**change.inputs).changed == 0
    assert play().failed == 0
    assert [path for path in change.secrets if (stage.folder / path).exists()] == []
    assert stage.container() == made


def test_it_is_a_service_at_the_port_that_it_serves(
    product: Product, stage: Stage, play: Play
) -> None:
    """Registrator finds its port, its name and its check, which the agent passes."""
    assert play().failed == 0
    register(stage)
    name = stage.program
    stage.sees("a check that passes", lambda: passing(stage, name) == [stage.port])
    (entry,) = stage.agent.get(f"/v1/health/service/{name}")
    assert entry["Service"]["Meta"]["program"] == name.removesuffix("-lb")
    assert entry["Service"]["Meta"]["status_port"] == str(stage.status_port)


@pytest.mark.parametrize(
    "product", [of("nginx_lb"), of("haproxy_lb", pytest.mark.full)], indirect=True
)
def test_another_port_is_another_service(product: Product, stage: Stage, play: Play) -> None:
    """The port is in the container's labels: it is replaced, once, and registered where it is."""
    assert play().failed == 0
    register(stage)
    made = stage.container()
    [stage.port] = free_ports(1)
    assert play().failed == 0
    register(stage)
    assert stage.container() != made
    stage.sees("the other port", lambda: stage.port in passing(stage, stage.program))
    assert play().changed == 0


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    """By role: what came of each of its wrong inputs, in one play with a host for each."""

    @functools.cache
    def found(role: str) -> list[Refusal]:
        folder = tmp_path_factory.mktemp(role)
        names = [f"refused-{uuid.uuid4().hex[:8]}" for _ in wrong(role)]
        # What is not refused finds no image, and starts nothing.
        usual = {"image": "none", "pull": "never"}
        hosts = {
            name: {**usual, "name": name, "directory": str(folder / name), **inputs}
            for name, (inputs, _sentence) in zip(names, wrong(role), strict=True)
        }
        verdicts = run_role_for_each(role, hosts, folder)
        listed = ["docker", "ps", "-a", "--format", "{{.Names}}"]
        there = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
        left = {name: name in there or (folder / name).exists() for name in names}
        return [Refusal(verdicts[name], left[name]) for name in names]

    return found


@pytest.mark.parametrize(
    ("role", "number", "sentence"),
    [
        pytest.param(
            *(role, number, sentence),
            id=f"{role}-{sentence}",
            marks=pytest.mark.xdist_group(role),
        )
        for role in PRODUCTS
        for number, (_inputs, sentence) in enumerate(wrong(role))
    ],
)
def test_wrong_input_changes_nothing(
    refusals: Refusals, role: str, number: int, sentence: str
) -> None:
    """One clear sentence, before a file is written or a container made."""
    found = refusals(role)[number]
    assert (found.verdict.changed, found.verdict.failed) == (0, 1), found.verdict.messages
    assert sentence in found.verdict.messages
    assert not found.left


@pytest.mark.full
def test_a_snippet_that_is_refused_fails_the_play_and_nothing_else(
    product: Product, stage: Stage, play: Play
) -> None:
    """The role says the program's reason, the old settings serve on; and says it again."""
    stage.backend("one")
    assert play().failed == 0
    stage.serving("one")
    for _ in range(2):
        recap = play(**product.snippet)
        assert recap.failed == 1
        assert product.refused in recap.text
        assert product.reason in recap.text
    assert stage.names() == {"one"}


def test_a_consul_that_does_not_answer_is_said(product: Product, play: Play) -> None:
    """A balancer that follows nobody is not called done."""
    recap = play(consul_address="127.0.0.1:1", wait_timeout=4)
    assert recap.failed == 1
    assert product.deaf in recap.text
