"""The checkout's own Python files, read without importing them."""

from __future__ import annotations

import ast
import functools
import pathlib
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[3]
_COLLECTION = "ansible_collections.rollcall.discovery."
# Where packages lie that pytest finds by their own names, and all that is no part of the product.
_FOLDERS = {"rollcall_agents": ROOT / "lab"}
_OURS = [ROOT / each for each in ("tests", "molecule", "lab/rollcall_agents")]


@functools.cache
def parsed(path: pathlib.Path) -> ast.Module:
    """What a file says."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: pathlib.Path) -> Iterator[str]:
    """Every module that a file imports, and every name out of one, by their full names.

    Relative ones begin with the name of the collection, and go on with the folders.
    """
    parts = path.parent.relative_to(ROOT).parts if path.is_relative_to(ROOT) else path.parent.parts
    package = f"{_COLLECTION}{'.'.join(parts)}"
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


@functools.cache
def used(path: pathlib.Path) -> frozenset[pathlib.Path]:
    """The files of the tests and their tools that a file imports directly."""
    found = (_file_of(name) for name in imported(path))
    return frozenset(each for each in found if each is not None)


def reached(path: pathlib.Path) -> set[pathlib.Path]:
    """A file, those of the tests and their tools that it imports, and so on."""
    found: set[pathlib.Path] = set()
    waiting = {path}
    while waiting:
        found |= waiting
        waiting = {each for one in waiting for each in used(one)} - found
    return found


def _file_of(name: str) -> pathlib.Path | None:
    """The file of a module of the tests or their tools, None for any other name."""
    if name.startswith(_COLLECTION):
        base = ROOT.joinpath(*name.removeprefix(_COLLECTION).split("."))
    elif name.partition(".")[0] in _FOLDERS:
        base = _FOLDERS[name.partition(".")[0]].joinpath(*name.split("."))
    else:
        return None
    if not any(base.is_relative_to(folder) for folder in _OURS):
        return None
    files = (base.with_name(f"{base.name}.py"), base / "__init__.py")
    return next((path for path in files if path.is_file()), None)
