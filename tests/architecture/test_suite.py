"""The tests themselves: each asserts something, lies in one suite and is in one tier."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Iterator

import pytest
from ansible_collections.rollcall.discovery.tests.support.suite import tiers
from ansible_collections.rollcall.discovery.tests.support.suite.assertions import (
    cases,
    functions,
    without_assertion,
)
from ansible_collections.rollcall.discovery.tests.support.suite.source import (
    ROOT,
    imported,
    parsed,
    reached,
)

UNIT = [path for path in tiers.SUITES["unit"] if path.endswith("/unit")]
# What starts a process, listens or asks, and what has agents of Consul's own.
STARTS = {
    *("subprocess", "multiprocessing", "socket", "socketserver", "http.server"),
    *(f"rollcall_agents.{name}" for name in ("agent", "clusters", "secure_cluster", "modules")),
}
# Each with the reason why nothing starts.
FAKED = {
    ("tests/unit/lab/docker/test_engine.py", "subprocess"): "a constant of what it replaces",
    (
        "tests/unit/plugins/module_utils/consul/transport/test_client.py",
        "socket",
    ): "an error of the resolver",
    ("tests/unit/support/test_edges.py", "subprocess"): "it fails before it starts",
    ("tests/unit/support/test_edges.py", "socket"): "it fails before it listens or asks",
    ("tests/unit/images/registrator/golden/record.py", "subprocess"): "no test: it asks engines",
    (
        "tests/unit/images/registrator/ops/test_host_address.py",
        "socket",
    ): "the module that it replaces",
}


def folder_of(path: pathlib.Path) -> list[str]:
    """The suites in whose folders a file lies."""
    return [
        name
        for name, folders in tiers.SUITES.items()
        for folder in folders
        if path.is_relative_to(ROOT / folder)
    ]


def python_files(pattern: str = "*.py") -> Iterator[pathlib.Path]:
    """The checkout's own files, without what is made in it."""
    for folder in sorted(ROOT.iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            yield from sorted(folder.rglob(pattern))


def shown(path: pathlib.Path) -> str:
    """A file as a person names it."""
    return str(path.relative_to(ROOT))


TEST_FILES = list(python_files("test_*.py"))


def test_every_test_asserts_something() -> None:
    """Itself, or by a function of ours that does."""
    empty = [f"{shown(path)}::{name}" for path in TEST_FILES for name in without_assertion(path)]
    assert not empty


@pytest.mark.parametrize(
    ("body", "empty"),
    [
        ("pass", True),
        ("print(helper())", True),
        ("stage.starts()", True),
        ("starts()", True),
        ("assert helper()", False),
        ("with pytest.raises(OSError): helper()", False),
        ("pytest.fail('no')", False),
        ("checked()", False),
        ("stage.checks()", False),
        ("through()", False),
        ("fixture()", False),
        ("[checked() for _ in range(3)]", False),
    ],
)
def test_a_test_that_asserts_nothing_is_found(
    tmp_path: pathlib.Path, body: str, empty: bool
) -> None:
    """A helper counts where it asserts, and where several have its name, if all of them do."""
    path = tmp_path / "test_something.py"
    path.write_text(
        f"""
import pytest
from os import path as checks_nothing

def helper(): return 1
def checked(): assert helper()
def through(): checked()
def starts(): assert helper()

class Stage:
    def checks(self): through()
    def starts(self): helper()

@pytest.fixture(name="fixture")
def _fixture(): return checked

def test_it(stage, fixture):
    {body}
"""
    )
    assert without_assertion(path) == (["test_it"] if empty else [])


@pytest.mark.parametrize("folder", UNIT)
def test_the_unit_suite_starts_nothing(folder: str) -> None:
    """What it imports, itself and through what the tests share, starts nothing and asks nobody."""
    found = {
        (shown(path), name)
        for path in (ROOT / folder).rglob("*.py")
        for file in reached(path)
        for name in STARTS.intersection(imported(file))
    }
    known = {each for each in FAKED if each[0].startswith(f"{folder}/")}
    assert found == known


def test_every_test_file_lies_in_one_suite() -> None:
    """A session of nox runs it, and no second one."""
    wrong = {shown(path): folder_of(path) for path in TEST_FILES if len(folder_of(path)) != 1}
    assert not wrong


def test_no_test_is_in_two_suites() -> None:
    """What was split between two files of one name is not left in both."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in TEST_FILES:
        for test in cases(path):
            found.setdefault((path.name, test.name), set()).update(folder_of(path))
    assert {test: names for test, names in found.items() if len(names) > 1} == {}


@pytest.mark.parametrize(
    "folder", [folder for folders in tiers.SUITES.values() for folder in folders]
)
def test_every_folder_of_a_suite_has_tests(folder: str) -> None:
    """One that was moved does not stay in the table."""
    assert list((ROOT / folder).rglob("test_*.py"))


def test_every_suite_is_a_session() -> None:
    """By its name, and every session has its place in the table."""
    decorated = {
        node.name
        for node in functions(ROOT / "noxfile.py")
        if any("session" in ast.unparse(each) for each in node.decorator_list)
    }
    assert decorated == set(tiers.SESSIONS)


def full_marks(node: ast.AST) -> list[ast.Attribute]:
    """Where the marker of the full tier stands."""
    return [
        each
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and each.attr == "full"
        and ast.unparse(each) == "pytest.mark.full"
    ]


def test_every_test_is_in_one_tier() -> None:
    """A marker stands once, and only in a suite of which the default tier has tests as well."""
    wrong = []
    for path in TEST_FILES:
        marks = full_marks(parsed(path))
        of_file = [node for node in parsed(path).body if isinstance(node, ast.Assign)]
        doubled = any(full_marks(each.value) for each in of_file) and len(marks) > 1
        if marks and (doubled or {*tiers.FULL_SUITES, "scenarios"}.intersection(folder_of(path))):
            wrong.append(shown(path))
    assert not wrong


def test_every_scenario_that_is_named_exists() -> None:
    """A scenario that was renamed would be run by nobody."""
    named = {*tiers.DEFAULT_SCENARIOS, *tiers.SOAK_SCENARIOS}
    assert named | {*tiers.OPEN_ONLY, *tiers.SECURE_ONLY} <= {*tiers.SCENARIOS}


def test_every_scenario_is_in_one_tier() -> None:
    """The default tier names its own; the full one has those and all others, once."""
    default = [tiers.scenarios_of_tier(everything=False, secure=secure) for secure in (False, True)]
    full = [tiers.scenarios_of_tier(everything=True, secure=secure) for secure in (False, True)]
    assert {*default[0], *default[1]} == {*tiers.DEFAULT_SCENARIOS}
    assert {*full[0], *full[1], *tiers.SOAK_SCENARIOS} == {*tiers.SCENARIOS}
    assert not {*full[0], *full[1]} & {*tiers.SOAK_SCENARIOS}
    assert all(len(names) == len({*names}) for names in (*default, *full))


def test_every_scenario_has_tests() -> None:
    """Molecule calls a scenario that verifies nothing a success."""
    files = (path.relative_to(ROOT) for path in TEST_FILES)
    tested = {path.parts[1] for path in files if path.parts[0] == "molecule"}
    assert {*tiers.SCENARIOS} == tested


def module_of(path: pathlib.Path) -> str:
    """The name by which pytest knows a file: packages count from the topmost, others from here."""
    top = path.parent
    while (top / "__init__.py").exists():
        top = top.parent
    return ".".join(path.relative_to(ROOT if top == path.parent else top).with_suffix("").parts)


def test_no_two_files_have_one_name() -> None:
    """pytest would take the second for the first, with its fixtures."""
    names: dict[str, list[str]] = {}
    for folders in tiers.SUITES.values():
        for folder in folders:
            for path in (ROOT / folder).rglob("*.py"):
                names.setdefault(module_of(path), []).append(shown(path))
    assert {name: paths for name, paths in names.items() if len(paths) > 1} == {}
