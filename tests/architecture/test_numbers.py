"""No number and no null of a role is a template of its own: before ansible-core 2.19 it is text.

Text is neither where it is compared or written as JSON. A module's options may be such templates,
for the module gives them their type; so may words of a text.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jinja2 import Environment, nodes

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILTERS = {"abs", "count", "float", "int", "length", "round", "sum"}
ARITHMETIC = (nodes.Add, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Mul, nodes.Pow, nodes.Sub)
# Numbers that are text before 2.19, and why that does no harm.
HARMLESS = {
    # Wherever they are counted with they are made integers; elsewhere they are words of commands.
    "consul_server_bootstrap_expect",
    "__drill_attempt",
    "__drill_seed",
    # All of it is an option of consul_cluster_status.
    "__consul_server_wait_for.servers",
    "__consul_server_wait_for.voters",
    "__consul_server_wait_for.failure_tolerance",
}


def is_number(node: nodes.Node) -> bool:
    """Whether an expression is a number or null, at least in some cases."""
    if isinstance(node, nodes.Const):
        return type(node.value) in (int, float, type(None))
    if isinstance(node, nodes.Filter):
        return node.name in FILTERS
    if isinstance(node, nodes.CondExpr):
        return any(is_number(each) for each in (node.expr1, node.expr2) if each)
    if isinstance(node, nodes.UnaryExpr):
        return is_number(node.node)
    return isinstance(node, ARITHMETIC) and is_number(node.left) and is_number(node.right)


def makes_a_number(text: str) -> bool:
    """Whether a template is one expression, and that a number or null."""
    body = Environment().parse(text.strip()).body
    if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
        return False
    return is_number(body[0].nodes[0])


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a value with its place, such as `__consul_server_wait_for.voters`."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, path)
    elif isinstance(value, str):
        yield path, value


def variables(value: Any) -> Iterator[Any]:
    """What plays, tasks and blocks give to variables: `vars`, and what set_fact remembers."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            yield from (each[key] for key in ("vars", "ansible.builtin.set_fact") if key in each)
            for key in ("block", "rescue", "always", "roles"):
                yield from variables(each.get(key, []))


def given() -> Iterator[Any]:
    """All variables of the roles and the playbooks."""
    for pattern in ("roles/*/defaults/*.yml", "roles/*/vars/*.yml", "playbooks/**/vars/*.yml"):
        yield from (yaml.safe_load(path.read_text()) for path in sorted(ROOT.glob(pattern)))
    for pattern in ("roles/*/tasks/**/*.yml", "playbooks/**/*.yml"):
        for path in sorted(ROOT.glob(pattern)):
            yield from variables(yaml.safe_load(path.read_text()))


def test_no_number_is_a_template_of_its_own() -> None:
    """But those of which is known why they may; each of these there is."""
    found = [place for each in given() for place, text in leaves(each) if makes_a_number(text)]
    assert set(found) == HARMLESS


@pytest.mark.parametrize(
    "text",
    [
        "{{ a | int }}",
        "{{ a | map('x') | list | length }}\n",
        "{{ (a | int - 1) // 2 }}",
        "{{ a if b else 3 }}",
        "{{ {'a': 1} if b else none }}",
        "{{ -1 }}",
    ],
)
def test_a_number_is_found(text: str) -> None:
    """The rule above sees what it is there for."""
    assert makes_a_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ {'a': a | int} }}",
        "{{ [a | int] + b }}",
        "{{ [a] * 3 }}",
        "{{ a | int > 0 }}",
        "port {{ a | int }}",
        "{{ {'a': none} }}",
        "3",
    ],
)
def test_what_keeps_its_type_is_left_alone(text: str) -> None:
    """Numbers within one template, words of a text, and what no template makes."""
    assert not makes_a_number(text)
