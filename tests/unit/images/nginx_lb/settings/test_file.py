"""The operator's file: offered, accepted, and what serves when it is wrong."""

from __future__ import annotations

import pathlib

from nginx_lb.settings.file import SettingsFile

from ..builders import BASE

GOOD = '{"port": 8080, "services": [{"name": "web"}], "revision": "good"}'


def file(folder: pathlib.Path) -> SettingsFile:
    """A file that may be there and a copy that may be there."""
    return SettingsFile(folder / "settings.json", folder / "accepted.json", BASE)


def test_without_a_file_the_environment_counts(tmp_path: pathlib.Path) -> None:
    """And nothing has changed later."""
    found = file(tmp_path)
    assert found.first().options == BASE
    assert found.changed() is None


def test_a_change_is_seen_once(tmp_path: pathlib.Path) -> None:
    """A file that comes, one that goes."""
    found = file(tmp_path)
    (tmp_path / "settings.json").write_text(GOOD)
    offer = found.changed()
    assert offer is not None
    assert offer.options is not None
    assert (offer.options.port, offer.revision) == (8080, "good")
    assert found.changed() is None
    (tmp_path / "settings.json").unlink()
    gone = found.changed()
    assert gone is not None
    assert gone.options == BASE


def test_what_was_accepted_serves_when_the_file_is_wrong(tmp_path: pathlib.Path) -> None:
    """After a restart too."""
    (tmp_path / "settings.json").write_text(GOOD)
    first = file(tmp_path)
    first.accept(first.first())
    (tmp_path / "settings.json").write_text('{"port": "no"}')
    second = file(tmp_path)
    offer = second.first()
    assert offer.options is None
    assert "is not a port" in offer.problem
    assert second.accepted(None).revision == "good"


def test_a_first_start_with_a_wrong_file_serves_nobody(tmp_path: pathlib.Path) -> None:
    """What was never accepted is not guessed: no service, no snippet, the port asked for."""
    (tmp_path / "settings.json").write_text(GOOD)
    found = file(tmp_path)
    refused = found.first().options
    assert refused is not None
    assert (found.accepted(refused).services, found.accepted(refused).port) == ((), 8080)
    assert found.accepted(None).services == ()
