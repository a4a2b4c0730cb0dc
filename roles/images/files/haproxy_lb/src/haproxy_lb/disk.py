"""The folders: what the role wrote, what runs, and what outlives the container."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
from typing import Any

from .offer import BALANCER, DEFAULTS, KEYS, Offer


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where things lie."""

    conf: pathlib.Path = pathlib.Path("/etc/haproxy-lb/conf")
    kept: pathlib.Path = pathlib.Path("/var/lib/haproxy-lb")
    run: pathlib.Path = pathlib.Path("/run/haproxy-lb")

    @property
    def current(self) -> pathlib.Path:
        """The configuration that HAProxy reads when it is asked to load again."""
        return self.kept / "current"

    @property
    def staged(self) -> pathlib.Path:
        """The next one, while it is checked."""
        return self.kept / "staged"

    @property
    def rendered(self) -> pathlib.Path:
        """What consul-template writes."""
        return self.run / "keys.cfg"

    @property
    def servers(self) -> pathlib.Path:
        """The last known addresses."""
        return self.kept / "servers.state"

    @property
    def told(self) -> pathlib.Path:
        """How it is, for who asks from outside."""
        return self.run / "state.json"


def text(path: pathlib.Path) -> str:
    """A file's text, "" where there is none."""
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""


def write(path: pathlib.Path, content: str) -> None:
    """Write a file in one step."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(content)
    partial.rename(path)


def wanted(folders: Folders, keys: str) -> Offer:
    """What the role and Consul's keys ask for."""
    conf = folders.conf
    return Offer(
        text(conf / "revision").strip(),
        text(conf / "defaults.cfg"),
        text(conf / "balancer.cfg"),
        keys,
    )


def kept(folders: Folders) -> Offer:
    """The last good configuration, an empty one where there is none."""
    folder = folders.current
    parts = (text(folder / name) for name in (DEFAULTS, BALANCER, KEYS))
    return Offer(text(folder / "revision").strip(), *parts)


def stage(folders: Folders, offer: Offer) -> pathlib.Path:
    """Write an offer down beside what runs; the folder."""
    shutil.rmtree(folders.staged, ignore_errors=True)
    folders.staged.mkdir(parents=True)
    for name, content in {**offer.files(), "revision": offer.revision + "\n"}.items():
        (folders.staged / name).write_text(content)
    return folders.staged


def use(folders: Folders, number: int) -> None:
    """What is staged is what HAProxy reads from now on; one step, by a link."""
    home = folders.kept / f"generation-{number}"
    shutil.rmtree(home, ignore_errors=True)
    folders.staged.rename(home)
    link = folders.kept / "next"
    link.unlink(missing_ok=True)
    link.symlink_to(home.name)
    link.rename(folders.current)
    for old in folders.kept.glob("generation-*"):
        if old != home:
            shutil.rmtree(old, ignore_errors=True)


def last_number(folders: Folders) -> int:
    """The number of the generation that is in use, 0 where none is."""
    if not folders.current.is_symlink():
        return 0
    return int(folders.current.readlink().name.rpartition("-")[2])


def tell(folders: Folders, state: dict[str, Any]) -> None:
    """Write down how it is."""
    write(folders.told, json.dumps(state, indent=2) + "\n")
