"""The pictures of the docs are what the code draws from the inventories."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import pathlib
import types

import pytest

PICTURES = pathlib.Path(__file__).resolve().parents[3] / "docs" / "pictures"


def program() -> types.ModuleType:
    """The program that draws the pictures of the docs."""
    loader = importlib.machinery.SourceFileLoader("draw", str(PICTURES / "draw"))
    spec = importlib.util.spec_from_loader("draw", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["one_host", "two_hosts", "three_hosts", "failover"])
def test_a_picture_of_the_docs_is_what_the_code_draws(name: str) -> None:
    """`docs/pictures/draw` draws them anew."""
    drawn = program().pictures()
    assert len(drawn) == 4
    assert (PICTURES / f"{name}.svg").read_text() == drawn[f"{name}.svg"]
