"""A person reads what the step that failed has said."""

from __future__ import annotations

import pathlib
import sys

import pytest
from rollcall_lab import progress


def test_a_failure_shows_the_last_lines_of_its_own_log(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another step has logged meanwhile explains nothing."""
    monkeypatch.setattr(progress, "STATE", tmp_path)
    (tmp_path / "own.log").write_text("an earlier run\n")
    command = [sys.executable, "-c", "print('no such module'); raise SystemExit(3)"]
    with pytest.raises(progress.LabError) as caught:
        progress.run(command, remedy="Mend it", log=tmp_path / "own.log")
    assert caught.value.what.endswith("ended with status 3\n  no such module")
    assert caught.value.remedy == "Mend it"
