"""What a module's RETURN promises, held against what the module really returned."""

from __future__ import annotations

import ast
import functools
import pathlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import yaml

MODULES = pathlib.Path(__file__).resolve().parents[2] / "plugins" / "modules"
TYPES = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict}
# What every module may return, and what Ansible adds to any result.
COMMON = {
    *("changed", "failed", "warnings", "deprecations", "exception"),
    *("invocation", "ansible_facts"),
}
# What Ansible reads in a result itself, and takes out on the way to a playbook.
RESERVED = {"failed", "skipped", "unreachable"}
# `pool.keys` in a template is the dictionary's own method, and never its entry.
METHODS = {name for name in dir(dict) if not name.startswith("_")}
Result = Mapping[str, Any]


def documented(module: str, name: str) -> Any:
    """A module's DOCUMENTATION, EXAMPLES or RETURN."""
    found = _documents((MODULES / f"{module}.py").read_text(encoding="utf-8")).get(name)
    assert found is not None, f"{module} has no {name}"
    return found


@functools.cache
def _documents(source: str) -> dict[str, Any]:
    """All that a module's source documents, by name; nobody changes it."""
    return {
        node.targets[0].id: yaml.safe_load(ast.literal_eval(node.value))
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    }


def assert_promised(module: str, result: Result, added: Collection[str] = ()) -> None:
    """A result holds all that was promised of it, of the promised types, and nothing else.

    Null stands only where the description says so. `added` are keys that whoever brought the result
    has put into it.
    """
    promises = documented(module, "RETURN")
    assert not RESERVED & set(promises), f"{module} promises what is Ansible's own"
    paths = {path for key, entry in promises.items() for path in _paths(entry, key)}
    hidden = {path for path in paths if path.rpartition(".")[2] in METHODS}
    assert not hidden, f"{module} promises what no template reaches: {sorted(hidden)}"
    failed = bool(result.get("failed"))
    own = {
        key: value
        for key, value in result.items()
        if key not in COMMON and not key.startswith("_ansible_")
    }
    if failed:
        assert own.pop("msg"), f"{module} fails without a word"
    else:
        assert isinstance(result.get("changed"), bool), f"{module} does not say whether it changed"
    if documented(module, "DOCUMENTATION")["attributes"]["diff_mode"]["support"] == "full":
        own.pop("diff", None)
    foreign = set(own) - set(promises) - set(added)
    assert not foreign, f"{module} returns what it does not document: {sorted(foreign)}"
    due = {key for key, entry in promises.items() if _due(entry["returned"], failed)}
    assert due <= set(own), f"{module} does not return {sorted(due - set(own))}"
    for key in promises.keys() & own.keys():
        _assert_fits(promises[key], own[key], f"{module}: {key}")


def assert_kept(module: str, results: Sequence[Result]) -> None:
    """Every promise of a module is kept by each result, and by at least one with a real value.

    Nothing is real of null, an empty text, and a list or dictionary without content.
    """
    for result in results:
        assert_promised(module, result)
    promises = documented(module, "RETURN")
    real = {
        path
        for result in results
        for key, entry in promises.items()
        for path in _real(entry, result.get(key), key)
    }
    unseen = {path for key, entry in promises.items() for path in _paths(entry, key)} - real
    assert not unseen, f"no result here has a value for {sorted(unseen)} of {module}"


def _due(returned: str, failed: bool) -> bool:
    """Whether a key is promised of a result: `success, and where …` may stand in some failures."""
    return returned == "always" or (not failed and returned.startswith("success"))


def _assert_fits(entry: Mapping[str, Any], value: Any, where: str) -> None:
    """A value has the type of its entry, its elements theirs, and exactly the promised keys."""
    if value is None:
        assert "null" in str(entry["description"]).lower(), f"{where} is null, and nothing says so"
        return
    kind = TYPES[entry["type"]]
    assert isinstance(value, kind), f"{where} is no {entry['type']}: {value!r}"
    assert isinstance(value, bool) is (kind is bool), f"{where} is no {entry['type']}: {value!r}"
    if kind is list:
        for each in value:
            _assert_fits({**entry, "type": entry["elements"]}, each, f"{where}[]")
    elif entry.get("contains"):
        assert set(value) == set(entry["contains"]), f"{where} has the keys {sorted(value)}"
        for key, inner in entry["contains"].items():
            _assert_fits(inner, value[key], f"{where}.{key}")


def _paths(entry: Mapping[str, Any], path: str) -> Iterator[str]:
    """The paths of a promise and of those within it."""
    yield path
    for key, inner in (entry.get("contains") or {}).items():
        yield from _paths(inner, f"{path}.{key}")


def _real(entry: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    """The paths of those promises that a value keeps with something real."""
    if value is None or value in ("", [], {}):
        return
    yield path
    for item in value if isinstance(value, list) else [value]:
        for key, inner in (entry.get("contains") or {}).items():
            yield from _real(inner, item[key], f"{path}.{key}")
