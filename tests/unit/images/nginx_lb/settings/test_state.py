"""Which settings are in use, and what is said of those that are refused."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from nginx_lb.settings.file import SettingsFile
from nginx_lb.settings.model import Settings
from nginx_lb.settings.state import SettingsState

from ..builders import BASE


class Folder:
    """A settings file that a story writes, and the state that reads it."""

    def __init__(self, path: pathlib.Path) -> None:
        """No file yet."""
        self.path = path

    def write(self, revision: str, **more: Any) -> None:
        """Write settings with this revision."""
        text = json.dumps({"revision": revision, "services": [{"name": "web"}], **more})
        (self.path / "settings.json").write_text(text)

    def state(self) -> SettingsState:
        """The state after a start."""
        file = SettingsFile(self.path / "settings.json", self.path / "accepted.json", BASE)
        return SettingsState(file)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> Folder:
    """An empty folder."""
    return Folder(tmp_path)


def fits(_options: Settings) -> str:
    """Every setting is usable."""
    return ""


def refused(_options: Settings) -> str:
    """No setting is usable."""
    return "unknown directive"


def told(state: SettingsState) -> tuple[str, str, str]:
    """The revision in use, the one offered last, and why that was refused."""
    return state.in_use.revision, state.offered_revision, state.refusal


def test_the_file_is_used_from_the_start(folder: Folder) -> None:
    """And is what a later start falls back to."""
    folder.write("r1")
    state = folder.state()
    state.choose_first(fits)
    assert told(state) == ("r1", "r1", "")
    folder.write("r2", port="no")
    assert told(folder.state()) == ("r1", "", "settings.port: 'no' is not a port from 1 to 65535")


def test_a_file_that_is_refused_at_the_start_is_not_used(folder: Folder) -> None:
    """Those accepted last are; where there are none, no service is served."""
    folder.write("r1")
    first = folder.state()
    first.choose_first(refused)
    assert told(first) == ("r1", "r1", "unknown directive")
    assert first.in_use.services == ()
    folder.state().choose_first(fits)
    folder.write("r2")
    second = folder.state()
    second.choose_first(refused)
    assert told(second) == ("r1", "r2", "unknown directive")
    assert [each.name for each in second.in_use.services] == ["web"]


def test_changed_settings_come_into_use(folder: Folder) -> None:
    """Once: without a change nobody is asked again."""
    state = folder.state()
    folder.write("r1")
    state.update(fits)
    assert told(state) == ("r1", "r1", "")
    state.update(refused)
    assert told(state) == ("r1", "r1", "")


@pytest.mark.parametrize(
    ("more", "offered", "reason"),
    [({}, "r2", "unknown directive"), ({"port": 0}, "", "settings.port: '0' is not a port")],
)
def test_refused_settings_leave_the_old_in_use(
    folder: Folder, more: dict[str, Any], offered: str, reason: str
) -> None:
    """By nginx or by validation; and good ones end the refusal."""
    folder.write("r1")
    state = folder.state()
    folder.write("r2", **more)
    state.update(refused)
    assert told(state)[:2] == ("r1", offered)
    assert state.refusal.startswith(reason)
    folder.write("r3")
    state.update(fits)
    assert told(state) == ("r3", "r3", "")


def test_no_revision_is_shown_beside_the_refusal_of_another(folder: Folder) -> None:
    """While new settings are tried, the status still shows the old offer with its refusal."""
    folder.write("r1")
    state = folder.state()
    folder.write("r2")
    state.update(refused)
    folder.write("r3")
    seen = []

    def use(_options: Settings) -> str:
        seen.append(told(state))
        return ""

    state.update(use)
    assert seen == [("r1", "r2", "unknown directive")]
    assert told(state) == ("r3", "r3", "")
