"""Conditions of tasks: no linter reads them, and Ansible does only where their task runs."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import jinja2
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for pattern in ("*.yml", "playbooks/**/*.yml", "roles/*/tasks/*.yml", "molecule/**/*.yml")
    for path in ROOT.glob(pattern)
)
JINJA = jinja2.Environment()
KEYS = {"when", "that", "until", "changed_when", "failed_when"}


def conditions(node: Any) -> Iterator[str]:
    """The conditions in what a file says, at any depth."""
    if isinstance(node, list):
        for each in node:
            yield from conditions(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in KEYS:
                yield from map(str, value if isinstance(value, list) else [value])
            else:
                yield from conditions(value)


def syntax_error(condition: str) -> str | None:
    """What Jinja says about a condition that it cannot read."""
    try:
        JINJA.parse(f"{{{{ {condition} }}}}")
    except jinja2.TemplateSyntaxError as error:
        return f"{condition}: {error}"
    return None


def test_there_are_conditions() -> None:
    """Of all kinds of files."""
    assert sum(bool([*conditions(yaml.safe_load(path.read_text()))]) for path in FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_conditions_are_expressions(path: pathlib.Path) -> None:
    """Of Jinja."""
    assert [*filter(None, map(syntax_error, conditions(yaml.safe_load(path.read_text()))))] == []
