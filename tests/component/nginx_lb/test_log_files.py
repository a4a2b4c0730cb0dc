"""nginx's logs reach the container's output, and wait for nobody who reads it."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import pytest
from nginx_lb.container import log_files
from nginx_lb.container.log_files import LogFile


class Output:
    """A pipe, as the engine makes it for a container, that does not block who writes."""

    def __init__(self) -> None:
        """Nothing was written yet."""
        self._read, self.write = os.pipe()
        for end in (self._read, self.write):
            os.set_blocking(end, False)

    def text(self) -> str:
        """What nobody has read yet."""
        found = b""
        try:
            while data := os.read(self._read, 1 << 20):
                found += data
        except BlockingIOError:
            pass
        return found.decode()

    def close(self) -> None:
        """Both ends."""
        os.close(self._read)
        os.close(self.write)


@pytest.fixture
def output() -> Iterator[Output]:
    """A pipe that is read only when a story says so."""
    made = Output()
    yield made
    made.close()


def append(path: pathlib.Path, text: str) -> None:
    """As nginx does."""
    with path.open("a") as file:
        file.write(text)


def half_read(path: pathlib.Path, output: Output) -> tuple[LogFile, list[str]]:
    """A log of more lines than a pipe holds, copied as far as that goes."""
    log = LogFile(path, output.write)
    lines = [f"{number:0100}\n" for number in range(5000)]
    append(path, "".join(lines))
    log.copy()
    return log, lines


def test_what_is_written_is_copied_once(tmp_path: pathlib.Path, output: Output) -> None:
    """In its order; what an earlier container has left is not copied again."""
    path = tmp_path / "access.log"
    path.write_text("of yesterday\n")
    log = LogFile(path, output.write)
    append(path, "one\n")
    log.copy()
    append(path, "two\n")
    log.copy()
    log.copy()
    assert output.text() == "one\ntwo\n"


def test_what_nobody_reads_waits_in_the_file(tmp_path: pathlib.Path, output: Output) -> None:
    """A full pipe stops nothing, and the rest comes when somebody reads again."""
    log, lines = half_read(tmp_path / "access.log", output)
    found = output.text()
    assert len(found) < 100 * 5000
    while len(found) < 101 * 5000:
        log.copy()
        found += output.text()
    assert found == "".join(lines)
    assert log.dropped_bytes == 0


def test_the_oldest_lines_are_dropped_when_nobody_reads_at_all(
    tmp_path: pathlib.Path, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many bytes are kept, whole lines of them."""
    monkeypatch.setattr(log_files, "_MOST_BYTES", 10_000)
    log, lines = half_read(tmp_path / "access.log", output)
    first = output.text()
    log.copy()
    rest = output.text()
    assert log.dropped_bytes > 0
    assert rest.splitlines() == [line.rstrip() for line in lines[-len(rest) // 101 :]]
    assert len(first) + len(rest) + log.dropped_bytes == 101 * 5000


def test_copied_lines_take_no_room(tmp_path: pathlib.Path, output: Output) -> None:
    """The file grows, and what it holds on the file system does not."""
    path = tmp_path / "access.log"
    log = LogFile(path, output.write)
    for _ in range(50):
        append(path, "x" * 9_999 + "\n")
        log.copy()
        output.text()
    assert path.stat().st_size == 500_000
    assert path.stat().st_blocks * 512 < 50_000
