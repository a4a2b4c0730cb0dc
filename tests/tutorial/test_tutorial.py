"""docs/tutorial.md as a newcomer follows it: every command, in order, from no lab to no lab.

What it shows is compared with what comes, where numbers may differ.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
import re
import subprocess
import time
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
# The longest is a lab that is built from nothing.
STEP_SECONDS = 1800
# Three answers in turn, and what Consul needs to notice.
ASK_AGAIN_SECONDS = 15
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.M | re.S)


@dataclasses.dataclass(frozen=True)
class Step:
    """Commands of one block, and what the text shows below them."""

    commands: tuple[str, ...]
    shown: str = ""


def steps(text: str) -> list[Step]:
    """The blocks of the tutorial in order; a shown text belongs to the commands above it."""
    found: list[Step] = []
    for kind, body in _BLOCK.findall(text):
        if kind == "sh":
            found.append(Step(tuple(body.strip().splitlines())))
        else:
            found[-1] = dataclasses.replace(found[-1], shown=body.strip())
    return found


def shape(line: str) -> re.Pattern[str]:
    """A shown line with any numbers but those that say who answers, and any width of blanks."""
    words = line.split()
    meant = ("addr:", *(after for before, after in itertools.pairwise(words) if before == "I'm"))
    patterns = {
        word: literal if word.startswith(meant) else re.sub(r"\d+", r"\\d+", literal)
        for word, literal in zip(words, map(re.escape, words), strict=True)
    }
    return re.compile(r"\s+".join(patterns[word] for word in words))


class Newcomer:
    """One shell, as a person has it: what is activated stays so."""

    def __init__(self) -> None:
        """Start it at the checkout's root."""
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=ROOT,
            # Who follows the tutorial has chosen no profile.
            env={key: value for key, value in os.environ.items() if key != "ROLLCALL_PROFILE"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, command: str) -> str:
        """What the command prints; fails where its status says so."""
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(f"{command} </dev/null\nprintf '\\n--done %s\\n' \"$?\"\n")
        self._shell.stdin.flush()
        lines = []
        deadline = time.monotonic() + STEP_SECONDS
        for line in self._shell.stdout:
            if done := re.fullmatch(r"--done (\d+)\n", line):
                output = "".join(lines)
                assert done[1] == "0", f"$ {command}\n{output[-2000:]}"
                return output
            lines.append(line)
            assert time.monotonic() < deadline, f"$ {command} takes too long"
        raise AssertionError(f"the shell has ended in: {command}")

    def leave(self) -> None:
        """Close the shell."""
        self._shell.communicate("exit\n", timeout=10)


@pytest.fixture(scope="module")
def newcomer() -> Iterator[Newcomer]:
    """Somebody without a lab."""
    someone = Newcomer()
    someone.type("lab/down")
    yield someone
    someone.leave()


STEPS = steps(TUTORIAL.read_text())


@pytest.mark.parametrize("step", STEPS, ids=[step.commands[-1][:60] for step in STEPS])
def test_a_step_does_what_it_says(newcomer: Newcomer, step: Step) -> None:
    """Its commands succeed, and what is shown below them comes."""
    outputs = {command: newcomer.type(command) for command in step.commands}
    asked = [output for command, output in outputs.items() if command.startswith("curl ")]
    assert all("Hello World!" in output for output in asked), asked
    output = "".join(outputs.values())
    wanted = [shape(line) for line in step.shown.splitlines()]
    deadline = time.monotonic() + ASK_AGAIN_SECONDS
    # "Ask a few times", says the text.
    while not all(each.search(output) for each in wanted) and time.monotonic() < deadline:
        output += newcomer.type(step.commands[-1])
    missing = [each.pattern for each in wanted if not each.search(output)]
    assert not missing, output[-2000:]


def test_there_are_steps_with_and_without_something_shown() -> None:
    """The blocks were found."""
    assert len(STEPS) > 8
    assert sum(bool(step.shown) for step in STEPS) >= 3


def test_a_shown_line_is_not_any_line() -> None:
    """Ports may differ, who answers may not."""
    line = shape("Hello World! I'm host-1 addr:172.17.0.2. I saw that you are 10.111.152.136:5.")
    assert line.search(
        "Hello World! I'm host-1 addr:172.17.0.2. I saw that you are 10.111.152.136:41."
    )
    assert not line.search(
        "Hello World! I'm host-2 addr:172.17.0.2. I saw that you are 10.111.152.136:5."
    )
