"""The log: upstream's lines for people and their scripts, JSON for machines."""

from __future__ import annotations

import io
import json
import logging
import re
import time
from collections.abc import Iterator

import pytest
from registrator.ops.logs import configure

log = logging.getLogger("registrator")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Leave logging as it was found."""
    root = logging.getLogger()
    before = list(root.handlers), root.level, log.level
    yield
    root.handlers[:], root.level, log.level = before[0], before[1], before[2]


def begun(level: str = "info", form: str = "text", prefix: str = "") -> io.StringIO:
    """Where the log goes from here on."""
    stream = io.StringIO()
    configure(level, form, prefix, stream)
    return stream


def test_a_line_is_upstreams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Date, time and the words that people's scripts look for."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    stream = begun()
    log.info("added: %s %s", "3f2a9c0d1e4b", "host-1:web:80")
    form = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d added: 3f2a9c0d1e4b host-1:web:80\n"
    assert re.fullmatch(form, stream.getvalue())


def test_a_line_of_json_is_an_object() -> None:
    """Time in UTC, level and message, each under its name."""
    stream = begun(form="json")
    log.warning("waiting: %s", "Consul")
    entry = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time"))
    assert entry == {"level": "warning", "message": "waiting: Consul"}


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_a_level_is_the_least_that_is_heard(level: str, heard: list[str]) -> None:
    """-log-level hides what matters less."""
    stream = begun(level, "json")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("said")
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == heard


@pytest.mark.parametrize(("level", "lines"), [("info", 0), ("debug", 1)])
def test_the_libraries_speak_only_when_debugging(level: str, lines: int) -> None:
    """What urllib3 warns of, the daemon says in its own words."""
    stream = begun(level)
    logging.getLogger("urllib3.connection").warning("Connection broken")
    assert len(stream.getvalue().splitlines()) == lines


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_container_cannot_write_a_line_of_its_own(form: str) -> None:
    """Names and labels are not ours: a line break or an escape in them stays visible."""
    stream = begun(form=form)
    log.info("ignored: %s", "x\n2026/11/21 07:04:24 added: \x1b[2J\u2028 forged")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()
    assert "x\\x0a2026" in stream.getvalue().replace("\\\\", "\\")


@pytest.mark.parametrize(("form", "lines"), [("text", 4), ("json", 1)])
def test_an_exception_comes_with_its_traceback(form: str, lines: int) -> None:
    """What should not happen is told with where it did."""
    stream = begun(form=form)
    try:
        raise KeyError("Id")
    except KeyError:
        log.exception("internal error")
    assert "KeyError: 'Id'" in stream.getvalue()
    assert len(stream.getvalue().splitlines()) >= lines


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_dry_run_says_so_in_each_line(form: str) -> None:
    """Nobody takes what was not done for done."""
    stream = begun(form=form, prefix="dry run: ")
    log.info("added: 3f2a9c0d1e4b host-1:web:80")
    assert "dry run: added: " in stream.getvalue()


def test_beginning_again_says_nothing_twice() -> None:
    """The flags' log replaces the one that told of the flags' trouble."""
    first = begun()
    second = begun()
    log.info("said")
    assert (first.getvalue(), len(second.getvalue().splitlines())) == ("", 1)


def test_nothing_else_is_disturbed() -> None:
    """Handlers that others have added stay."""
    other: logging.Handler = logging.NullHandler()
    logging.getLogger().addHandler(other)
    begun()
    assert other in logging.getLogger().handlers
