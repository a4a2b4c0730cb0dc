"""Which tests assert something: themselves, or through functions of ours that they call."""

from __future__ import annotations

import ast
import functools
import pathlib
from collections.abc import Mapping

from .source import ROOT, parsed, reached

Function = ast.FunctionDef | ast.AsyncFunctionDef
_OF_PYTEST = {"raises", "warns", "deprecated_call", "fail"}
# In front of a name that a function has as its argument: no other function is meant.
_FIXTURE = "fixture "


@functools.cache
def functions(path: pathlib.Path) -> list[Function]:
    """All functions of a file, with its methods and what is defined inside others."""
    return [node for node in ast.walk(parsed(path)) if isinstance(node, Function)]


def cases(path: pathlib.Path) -> list[Function]:
    """The test functions of a file."""
    return [node for node in functions(path) if node.name.startswith("test_")]


def without_assertion(path: pathlib.Path) -> list[str]:
    """The tests of a file that assert nothing.

    What a test calls is looked up by its name, among all that its file reaches by imports and in
    the conftest.py of its folder and those above. Where several functions have the name, all of
    them have to assert.
    """
    asserting = _asserting(_known(_surroundings(path)))
    return [test.name for test in cases(path) if not _asserts(test, asserting)]


def _known(files: set[pathlib.Path]) -> Mapping[str, list[Function]]:
    """The functions of these files by each name that they have there."""
    found: dict[str, list[Function]] = {}
    for file in files:
        for node in functions(file):
            for name in _names(node):
                found.setdefault(name, []).append(node)
    for file in files:
        for name, other in _aliases(file):
            found.setdefault(other, []).extend(found.get(name, ()))
    return found


@functools.cache
def _aliases(path: pathlib.Path) -> list[tuple[str, str]]:
    """What a file imports by another name: its own name, and the other one."""
    nodes = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.alias))
    return [(node.name, node.asname) for node in nodes if node.asname]


def _surroundings(path: pathlib.Path) -> set[pathlib.Path]:
    above = (folder / "conftest.py" for folder in path.parents if folder.is_relative_to(ROOT))
    start = {path, *(each for each in above if each.is_file())}
    return {file for each in start for file in reached(each)}


def _asserting(known: Mapping[str, list[Function]]) -> frozenset[str]:
    """The names whose functions assert, themselves or through others."""
    found: frozenset[str] = frozenset()
    while True:
        more = {name for name, nodes in known.items() if all(_asserts(n, found) for n in nodes)}
        if more == found:
            return found
        found = frozenset(more)


def _asserts(function: Function, asserting: frozenset[str]) -> bool:
    return _itself(function) or not asserting.isdisjoint(_called(function))


@functools.cache
def _itself(function: Function) -> bool:
    """Whether an assertion stands in it."""
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and _is_assertion(node))
        or (isinstance(node, ast.Raise) and "AssertionError" in ast.dump(node))
        for node in ast.walk(function)
    )


def _is_assertion(node: ast.Attribute) -> bool:
    """pytest's own words, and those of a mock."""
    of_pytest = isinstance(node.value, ast.Name) and node.value.id == "pytest"
    return (of_pytest and node.attr in _OF_PYTEST) or node.attr.startswith("assert_called")


@functools.cache
def _called(function: Function) -> frozenset[str]:
    """The names that it calls, and what it returns to be called: a fixture does."""
    found = set()
    given = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
    for node in ast.walk(function):
        target = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Return):
            target = node.value
        if isinstance(target, ast.Name):
            found.add(_FIXTURE + target.id if target.id in given else target.id)
        elif isinstance(target, ast.Attribute):
            found.add(target.attr)
    return frozenset(found)


@functools.cache
def _names(function: Function) -> list[str]:
    """What it is called by: its name, and that of the fixture that it is."""
    found = [function.name]
    for decorator in function.decorator_list:
        if "fixture" in ast.unparse(decorator):
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else ()
            named = [each.value for each in keywords if each.arg == "name"]
            found.append(_FIXTURE + (ast.literal_eval(named[0]) if named else function.name))
    return found
