"""On a target whose Python is too old, a module lives long enough to say so in one sentence."""

from __future__ import annotations

import ast
import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator

import ansible.module_utils
import pytest
from ansible.module_utils import basic

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


def old_pythons() -> list[str]:
    """Interpreters of this machine below our floor and above Ansible's, which says its own."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")
    minors = [f"3.{minor}" for minor in range(basic._PY_MIN[1], 10)]
    named = [shutil.which(f"python{minor}") for minor in minors]
    found = [
        str(path) for each in minors for path in sorted(pyenv.glob(f"versions/{each}.*/bin/python"))
    ]
    return [path for path in [*named, *found] if path and answers(path)]


def answers(python: str) -> bool:
    """Whether there is a Python behind the name: pyenv has one for those that it may not start."""
    command = [python, "-c", "import sys; sys.exit(sys.version_info >= (3, 10))"]
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0


PYTHONS = old_pythons()


@pytest.mark.skipif(not PYTHONS, reason="this machine has no Python so old that Ansible takes")
@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.rpartition("/bin/")[0])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("consul_acl", {}),
        ("consul_cluster_status", {}),
        ("consul_keyring", {"key": "QUJDREVGR0hJSktMTU5PUA=="}),
        ("consul_service", {"name": "web"}),
        ("container_set", {"owner": "shop", "containers": []}),
        ("registrator_audit", {"hostname": "host-1"}),
        ("registrator_container", {"hostname": "host-1"}),
        ("stack_info", {}),
    ],
)
def test_a_module_says_what_an_old_target_lacks(
    tmp_path: pathlib.Path, python: str, name: str, options: dict[str, str]
) -> None:
    """No traceback: the version, the floor, and what to do."""
    (tmp_path / "ansible").symlink_to(pathlib.Path(ansible.module_utils.__path__[0]).parent)
    package = tmp_path / "ansible_collections" / "rollcall" / "discovery"
    package.mkdir(parents=True)
    (package / "plugins").symlink_to(PLUGINS)
    done = subprocess.run(
        [python, "-m", f"ansible_collections.rollcall.discovery.plugins.modules.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "virtualenv": str(tmp_path)}}),
        env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not done.stderr
    assert done.returncode == 1
    message = json.loads(done.stdout)["msg"]
    assert "needs Python 3.10 or later" in message
    assert "ansible_python_interpreter" in message
