"""A module finds its Python library, goes where it is, or says what to do."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._base import library
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require

NOWHERE = "a_library_that_nobody_wrote"


class Failed(Exception):
    """What `fail_json` ends with here."""


class Respawned(Exception):
    """What `respawn_module` ends with here: it never returns either."""


class FakeModule:
    """As much of an AnsibleModule as `require` looks at."""

    def __init__(self, virtualenv: pathlib.Path, *, check_mode: bool = False) -> None:
        """A module whose option `virtualenv` is given."""
        self.params = {"virtualenv": str(virtualenv)}
        self.check_mode = check_mode

    def fail_json(self, msg: str) -> t.NoReturn:
        """End the module."""
        raise Failed(msg)


def virtualenv(folder: pathlib.Path) -> pathlib.Path:
    """An environment with an interpreter."""
    (folder / "bin").mkdir()
    (folder / "bin" / "python").touch()
    return folder


@pytest.fixture(autouse=True)
def _respawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say which interpreter was chosen, instead of starting it."""

    def respawn(python: str) -> t.NoReturn:
        raise Respawned(python)

    monkeypatch.setattr(library, "respawn_module", respawn)


@pytest.fixture
def respawned(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the second one already."""
    monkeypatch.setattr(library, "has_respawned", lambda: True)


def test_a_library_at_hand_is_used(tmp_path: pathlib.Path) -> None:
    """What is importable needs no other interpreter, though there is one."""
    assert require(FakeModule(virtualenv(tmp_path)), "json") is True


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_environment_is_tried_when_the_system_lacks_it(
    tmp_path: pathlib.Path, check_mode: bool
) -> None:
    """The module starts again in the environment, in check mode too."""
    module = FakeModule(virtualenv(tmp_path), check_mode=check_mode)
    with pytest.raises(Respawned, match="bin/python"):
        require(module, NOWHERE)


def test_a_missing_library_fails_a_real_run(tmp_path: pathlib.Path) -> None:
    """Without library and environment the sentence names library and role."""
    with pytest.raises(Failed, match=rf"{NOWHERE}.*rollcall\.discovery\.docker_host"):
        require(FakeModule(tmp_path), NOWHERE)


def test_a_missing_library_is_expected_on_a_host_that_is_empty_yet(tmp_path: pathlib.Path) -> None:
    """In check mode the answer is no, and no failure."""
    assert require(FakeModule(tmp_path, check_mode=True), NOWHERE) is False


@pytest.mark.usefixtures("respawned")
def test_an_environment_without_the_library_is_tried_once(tmp_path: pathlib.Path) -> None:
    """In the environment already, a missing library fails instead of starting over."""
    with pytest.raises(Failed, match=NOWHERE):
        require(FakeModule(virtualenv(tmp_path)), NOWHERE)


# Python's age


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python that runs is one below the floor."""
    monkeypatch.setattr(library, "RUNNING", (3, 9))


@pytest.mark.usefixtures("aged")
def test_an_old_python_leaves_it_to_the_environment(tmp_path: pathlib.Path) -> None:
    """Even a library at hand is not used; the environment's Python may be a newer one."""
    with pytest.raises(Respawned, match="bin/python"):
        require(FakeModule(virtualenv(tmp_path)), "json")


@pytest.mark.usefixtures("aged")
def test_an_old_python_without_an_environment_is_named(tmp_path: pathlib.Path) -> None:
    """The sentence holds the version, the floor, and both ways to a newer one."""
    with pytest.raises(Failed, match=r"needs Python 3\.10 or later.* is 3\.9") as raised:
        require(FakeModule(tmp_path), "json")
    for remedy in ("virtualenv", "docker_host_virtualenv", "ansible_python_interpreter"):
        assert remedy in str(raised.value)


@pytest.mark.usefixtures("aged")
def test_an_old_python_is_no_failure_before_the_environment_is_made(
    tmp_path: pathlib.Path,
) -> None:
    """In check mode the host is still empty: its environment may get a newer Python."""
    assert require(FakeModule(tmp_path, check_mode=True), "json") is False


@pytest.mark.usefixtures("aged", "respawned")
@pytest.mark.parametrize("check_mode", [True, False])
def test_an_environment_with_an_old_python_is_named(
    tmp_path: pathlib.Path, check_mode: bool
) -> None:
    """Its Python is a fact already, in check mode too."""
    with pytest.raises(Failed, match=r"is 3\.9: create .* with a newer one"):
        require(FakeModule(virtualenv(tmp_path), check_mode=check_mode), "json")
