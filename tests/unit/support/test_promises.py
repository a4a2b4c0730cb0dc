"""Promises that are not kept are seen, and every module's tests look for them."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support import promises
from ansible_collections.rollcall.discovery.tests.support.promises import (
    assert_kept,
    assert_promised,
)

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
SUITES = ("tests/unit/plugins/modules", "tests/integration/consul")
MODULE = '''
DOCUMENTATION = """
attributes:
  diff_mode: {support: DIFF}
"""
RETURN = """
verdict: {description: How it is., returned: always, type: str}
count: {description: "How many, null where nobody knows.", returned: success, type: int}
names: {description: Names., returned: "success, and where they fail", type: list, elements: str}
found:
  description: What there is.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: Its name., type: str}
    more: {description: More of it., type: dict, contains: {well: {description: Well., type: bool}}}
"""
'''


@pytest.fixture(autouse=True)
def module(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A module named `probe` that promises a bit of everything."""
    path = tmp_path / "probe.py"
    path.write_text(MODULE.replace("DIFF", "full"))
    monkeypatch.setattr(promises, "MODULES", tmp_path)
    return path


def result(**changes: Any) -> dict[str, Any]:
    """What the module returns when it keeps its word; None takes a key away."""
    usual = {
        "changed": False,
        "verdict": "ok",
        "count": 1,
        "names": ["a"],
        "found": [{"id": "a", "more": {"well": False}}],
    }
    return {key: value for key, value in {**usual, **changes}.items() if value != "gone"}


def test_a_result_that_keeps_every_promise_passes() -> None:
    """Also with what Ansible adds, and with a null that was announced."""
    assert_kept("probe", [result(), result(count=None, _ansible_no_log=False, warnings=["x"])])


def test_a_failure_owes_only_what_is_always_returned() -> None:
    """And may return what it documents for failures."""
    failure = {"failed": True, "msg": "no", "verdict": "down"}
    assert_promised("probe", failure)
    assert_promised("probe", {**failure, "names": []})


def test_keys_that_somebody_added_are_named() -> None:
    """A callback plugin writes into results."""
    assert_promised("probe", result(action="probe"), added={"action"})


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (result(changed="gone"), "does not say whether it changed"),
        (result(names="gone"), r"does not return \['names'\]"),
        (result(more=1), r"does not document: \['more'\]"),
        (result(msg="well done"), r"does not document: \['msg'\]"),
        (result(count="1"), "count is no int"),
        (result(count=True), "count is no int"),
        (result(verdict=None), "verdict is null"),
        (result(names=[1]), r"names\[\] is no str"),
        (result(found=[{"id": "a"}]), r"found\[\] has the keys \['id'\]"),
        (result(found=[{"id": "a", "more": {"well": 1}}]), r"found\[\].more.well is no bool"),
        ({"failed": True, "msg": "no"}, r"does not return \['verdict'\]"),
        ({"failed": True, "msg": "", "verdict": "down"}, "without a word"),
    ],
)
def test_a_promise_that_is_broken_is_named(broken: dict[str, Any], said: str) -> None:
    """With the place of the breach."""
    with pytest.raises(AssertionError, match=said):
        assert_promised("probe", broken)


def test_a_diff_is_no_surprise_where_it_is_announced(module: pathlib.Path) -> None:
    """And one where it is not."""
    assert_promised("probe", result(diff={}))
    module.write_text(MODULE.replace("DIFF", "N/A"))
    with pytest.raises(AssertionError, match=r"does not document: \['diff'\]"):
        assert_promised("probe", result(diff={}))


@pytest.mark.parametrize(
    ("name", "method", "found"),
    [("names", "items", "'items'"), ("well", "keys", "'found.more.keys'")],
)
def test_a_name_that_is_a_dictionarys_method_is_no_promise(
    module: pathlib.Path, name: str, method: str, found: str
) -> None:
    """A template that asks for it gets the method, at any depth."""
    module.write_text(MODULE.replace("DIFF", "full").replace(f"{name}:", f"{method}:"))
    with pytest.raises(AssertionError, match=rf"what no template reaches: \[{found}\]"):
        assert_promised("probe", result())


@pytest.mark.parametrize(
    ("empty", "unseen"),
    [
        ({"found": []}, r"'found', 'found.id', 'found.more', 'found.more.well'"),
        ({"found": [{"id": "", "more": {"well": True}}]}, r"'found.id'"),
        ({"count": None}, r"'count'"),
        ({"names": []}, r"'names'"),
    ],
)
def test_a_promise_that_nobody_has_seen_kept_is_named(empty: dict[str, Any], unseen: str) -> None:
    """An empty list has every key and every type."""
    assert_kept("probe", [result(**empty), result()])
    with pytest.raises(AssertionError, match=rf"has a value for \[{unseen}\] of probe"):
        assert_kept("probe", [result(**empty)])


def kept(source: str) -> Iterator[str]:
    """The modules whose promises a test in this source holds to be kept."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "assert_kept":
                    yield ast.literal_eval(call.args[0])


@pytest.mark.parametrize("name", NAMES)
def test_every_modules_promises_are_kept_in_a_test(name: str) -> None:
    """A module without one promises what nobody has seen."""
    files = [path for suite in SUITES for path in (ROOT / suite).rglob("test_*.py")]
    assert name in {found for path in files for found in kept(path.read_text(encoding="utf-8"))}
