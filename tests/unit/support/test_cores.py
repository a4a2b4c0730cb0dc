"""What is said of ansible-core is what is tested."""

from __future__ import annotations

import pathlib
import re

import yaml
from ansible_collections.rollcall.discovery.tests.support.suite.cores import CORES, LINES

ROOT = pathlib.Path(__file__).resolve().parents[3]


def test_each_release_is_one_of_its_line() -> None:
    """And no line is there twice."""
    assert [core.version.rpartition(".")[0] for core in CORES] == list(LINES)


def test_the_controllers_release_is_one_of_them() -> None:
    """What the lab and the other checks run with is in the matrix too, and is its newest."""
    pins = (ROOT / "requirements" / "control.txt").read_text()
    found = re.findall(r"^ansible-core==(\S+);", pins, re.M)
    assert found[0] == CORES[-1].version
    assert {*found} <= {core.version for core in CORES}


def test_the_oldest_that_is_required_is_the_oldest_that_is_tested() -> None:
    """By the collection, and by each role."""
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["requires_ansible"] == f">={CORES[0].line}.0"
    roles = [yaml.safe_load(path.read_text()) for path in ROOT.glob("roles/*/meta/main.yml")]
    assert {role["galaxy_info"]["min_ansible_version"] for role in roles} == {CORES[0].line}


def test_the_readme_names_each_line() -> None:
    """In its table of versions, and no other."""
    (row,) = re.findall(r"^\| ansible-core \| (.*) \|$", (ROOT / "README.md").read_text(), re.M)
    assert set(re.findall(r"\b2\.\d+\b", row)) == set(LINES)
