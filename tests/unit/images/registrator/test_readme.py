"""The README keeps up with the command line."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest
from registrator.domain.settings import RESTORABLE, usage

PACKAGE = pathlib.Path(__file__).resolve().parents[4] / "roles" / "images" / "files" / "registrator"
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
FLAGS = re.findall(r"^  -(\S+)", usage(), re.MULTILINE)


def variables() -> list[str]:
    """Every variable of the environment that the package names."""
    names = set()
    for path in (PACKAGE / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.update(re.findall(r"^(?:CONSUL|DOCKER|REGISTRATOR)_[A-Z_]+$", node.value))
    return sorted(names)


def test_there_is_something_to_look_for() -> None:
    """An empty search would find everything documented."""
    assert len(FLAGS) > 20
    assert len(variables()) > 12


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_has_its_row(flag: str) -> None:
    """And no row is left of a flag that is gone."""
    assert re.search(rf"^\| .*`-{flag}`.* \| .* \|$", README, re.MULTILINE)


def test_no_row_is_of_another_flag() -> None:
    """A flag that was renamed does not live on here."""
    table = README.partition("| Option |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines()]
    assert set(re.findall(r"`-([\w-]+)`", " ".join(rows))) <= set(FLAGS)


@pytest.mark.parametrize("word", [*variables(), *RESTORABLE])
def test_every_variable_and_behaviour_is_named(word: str) -> None:
    """Whoever sets it finds what it means."""
    assert f"`{word}`" in README or f"`-restore {word}`" in README
