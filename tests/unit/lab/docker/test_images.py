"""Where the lab's images come from: pulled, or compiled while packages come down."""

from __future__ import annotations

import pathlib
import threading

import pytest
from rollcall_lab.docker import images
from rollcall_lab.settings import Host

HOSTS = (Host(1, "trixie"),)
CONSUL, FOLLOWER = (program.image for program in images.PROGRAMS)
# Far more than a thread needs to begin, far less than a person waits.
SECONDS = 10.0


class Kitchen:
    """What was done, in order; a base image is not there before a compiler works."""

    def __init__(self) -> None:
        """Nothing was done yet."""
        self.done: list[str] = []
        self.pulled: set[str] = set()
        self.public = False
        self._compiling = threading.Event()

    def compiled(self, program: images.Program) -> pathlib.Path:
        """Compile."""
        self._compiling.set()
        self.done.append(f"compile {program.image}")
        return pathlib.Path(program.binary)

    def base(self, suite: str, *, public: bool) -> None:
        """Bootstrap, for as long as the compiler has not begun."""
        assert public or len(self.pulled) == len(images.PROGRAMS) or self._compiling.wait(SECONDS)
        self.done.append(f"base {suite}")

    def label(self, name: str) -> str | None:
        """An image from elsewhere has no label of ours."""
        return "" if name in self.pulled else None


@pytest.fixture
def kitchen(monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    """Stands in for the engine, the compiler and the registry."""
    made = Kitchen()
    done = made.done.append
    monkeypatch.setattr(images, "_public_registry_answers", lambda: made.public)
    monkeypatch.setattr(images, "_label", made.label)
    monkeypatch.setattr(images, "_base", made.base)
    monkeypatch.setattr(images, "compiled", made.compiled)
    monkeypatch.setattr(images, "_pull", lambda program: done(f"pull {program.image}"))
    monkeypatch.setattr(images, "_wrap", lambda program, _binary: done(f"wrap {program.image}"))
    monkeypatch.setattr(images, "build", lambda name, *_words, **_more: done(f"build {name}"))
    return made


def test_the_compiler_works_while_packages_come_down(kitchen: Kitchen) -> None:
    """The base is waited for beside it; programs become images before what is made of them."""
    images.ensure(HOSTS)
    assert kitchen.done.index(f"compile {CONSUL}") < kitchen.done.index(f"wrap {CONSUL}")
    assert kitchen.done.index("base trixie") < kitchen.done.index(f"wrap {CONSUL}")
    balancer = kitchen.done.index("build rollcall/nginx-lb:1.0.0")
    assert kitchen.done.index(f"wrap {FOLLOWER}") < balancer


def test_what_can_be_pulled_is_not_compiled(kitchen: Kitchen) -> None:
    """A public registry spares the compiler."""
    kitchen.public = True
    images.ensure(HOSTS)
    assert {f"pull {CONSUL}", f"pull {FOLLOWER}"} <= {*kitchen.done}
    assert not [step for step in kitchen.done if step.startswith("compile")]


def test_what_was_pulled_before_is_kept(kitchen: Kitchen) -> None:
    """Images that a person brought are neither compiled nor replaced."""
    kitchen.pulled = {CONSUL, FOLLOWER}
    images.ensure(HOSTS)
    assert not [step for step in kitchen.done if CONSUL in step or FOLLOWER in step]
