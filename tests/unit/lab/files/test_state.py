"""The files of a lab make room for another lab's, and come back."""

from __future__ import annotations

import pathlib

import pytest
from rollcall_lab.files import state

KEY, SETTINGS, SECRET = ".lab/ssh/key", ".lab/settings.json", "inventories/lab/.secrets/token"


@pytest.fixture
def root(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A checkout with a log, which belongs to no lab."""
    monkeypatch.setattr(state, "ROOT", tmp_path)
    write(tmp_path, ".lab/lab.log", "log")
    return tmp_path


def write(root: pathlib.Path, name: str, text: str) -> None:
    """Write a file below the checkout."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def files(root: pathlib.Path) -> dict[str, str]:
    """Every file of the checkout by its name."""
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_text() for path in found}


def test_what_another_lab_left_gives_way(root: pathlib.Path) -> None:
    """Its keys go, and its secrets where there were none before."""
    write(root, KEY, "mine")
    before = files(root)
    state.set_aside()
    assert not (root / KEY).exists()
    write(root, KEY, "another")
    write(root, SECRET, "another")
    state.bring_back()
    assert files(root) == before


def test_a_log_stays_in_its_place(root: pathlib.Path) -> None:
    """It tells of both labs."""
    state.set_aside()
    assert (root / ".lab/lab.log").read_text() == "log"


def test_no_file_at_all_comes_back_as_none(root: pathlib.Path) -> None:
    """A lab of another checkout is set aside where this one has no files."""
    before = files(root)
    state.set_aside()
    assert state.is_set_aside()
    write(root, KEY, "another")
    state.bring_back()
    assert files(root) == before
    assert not state.is_set_aside()


@pytest.mark.parametrize("moves", range(8))
def test_an_interruption_loses_nothing(
    root: pathlib.Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """After any number of moves, to and fro, one more call brings every file back."""
    for name in (KEY, SETTINGS, SECRET):
        write(root, name, "mine")
    before = files(root)
    rename, done = pathlib.Path.rename, []

    def interrupted(path: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(path)
        return rename(path, target)

    def to_and_fro() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(pathlib.Path, "rename", interrupted)
            state.set_aside()
            write(root, KEY, "another")
            state.bring_back()

    with pytest.raises(KeyboardInterrupt):
        to_and_fro()
    state.bring_back()
    assert files(root) == before
