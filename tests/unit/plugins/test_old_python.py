"""The oldest Python that Ansible sends modules to can import them: they live to refuse it."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Iterator

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"
# The oldest Python that ansible-core 2.17 sends modules to: no later one sends them to an older.
OLDEST = (3, 7)
FILES = sorted([*(PLUGINS / "modules").glob("*.py"), *(PLUGINS / "module_utils").rglob("*.py")])
CLASSES = {"dict", "list", "tuple", "set", "frozenset", "type"}
YOUNGER = {"kw_only", "slots", "match_args", "weakref_slot"}


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """All that is evaluated when the file is imported: no function's body, and no annotation."""
    yield node
    for field, value in ast.iter_fields(node):
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if field in ("annotation", "returns") or (function and field == "body"):
            continue
        if isinstance(node, ast.If) and field == "body" and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield from at_import(each)


def too_young(node: ast.AST) -> bool:
    """Whether the oldest Python fails to evaluate a node that it can parse."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id in CLASSES
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = (node.left, node.right)
        return any(
            (isinstance(side, ast.Constant) and side.value is None)
            or (isinstance(side, ast.Name) and side.id in {*CLASSES, "str", "int", "bool", "float"})
            or (isinstance(side, ast.Subscript))
            for side in sides
        )
    if isinstance(node, ast.Call):
        named = {keyword.arg for keyword in node.keywords}
        return "dataclass" in ast.dump(node.func) and bool(named & YOUNGER)
    return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PLUGINS)))
def test_a_file_can_be_imported_by_the_oldest_python(path: pathlib.Path) -> None:
    """It parses there, and what is evaluated at once is known there."""
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=OLDEST)
    young = [ast.unparse(node) for node in at_import(tree) if too_young(node)]
    assert not young


@pytest.mark.parametrize(
    "source",
    [
        "A = dict[str, int]",
        "A = str | None",
        "A = list[int] | int",
        "@dataclass(frozen=True, slots=True)\nclass A: pass",
        "def a(b=list[int]): pass",
    ],
)
def test_what_is_too_young_is_found(source: str) -> None:
    """The rule above sees what it is there for."""
    assert any(too_young(node) for node in at_import(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "a: str | None = None",
        "def a(b: dict[str, int]) -> int | None: return dict[str, int]",
        "if t.TYPE_CHECKING:\n    A = str | None",
        "A = B | C",
        "a = b[0]",
    ],
)
def test_what_is_old_enough_is_left_alone(source: str) -> None:
    """Annotations are text, bodies wait, and numbers may be joined by a bar."""
    assert not any(too_young(node) for node in at_import(ast.parse(source)))
