"""Reads and writes the files of the role, of the running configuration, and on the volume."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
from typing import Any

from .candidate_settings import (
    BALANCER,
    CERTIFICATES,
    DEFAULTS,
    KEYS,
    RESOLVERS,
    CandidateSettings,
    Files,
    holds,
)


@dataclasses.dataclass(frozen=True)
class Folders:
    """The folders: `conf` is written by the role, `volume` outlives the container."""

    conf: pathlib.Path = pathlib.Path("/etc/haproxy-lb/conf")
    volume: pathlib.Path = pathlib.Path("/var/lib/haproxy-lb")
    run: pathlib.Path = pathlib.Path("/run/haproxy-lb")

    @property
    def current(self) -> pathlib.Path:
        """The configuration that HAProxy reads at its next reload."""
        return self.volume / "current"

    @property
    def previous(self) -> pathlib.Path:
        """The configuration before, to which a failed reload returns."""
        return self.volume / "previous"

    @property
    def staged(self) -> pathlib.Path:
        """The next configuration, while it is checked."""
        return self.volume / "staged"

    @property
    def rendered(self) -> pathlib.Path:
        """The settings that consul-template renders."""
        return self.run / "keys.cfg"

    @property
    def servers(self) -> pathlib.Path:
        """HAProxy's server state file: the last known addresses."""
        return self.volume / "servers.state"

    @property
    def status(self) -> pathlib.Path:
        """The status of the supervisor."""
        return self.run / "state.json"


def text(path: pathlib.Path) -> str:
    """The text of a file, "" where there is none."""
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""


def write(path: pathlib.Path, content: str) -> None:
    """Write a file atomically."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(content)
    partial.rename(path)


def wanted(folders: Folders, keys: str) -> CandidateSettings:
    """The configuration of the role, with these settings from Consul's keys."""
    conf = folders.conf
    return CandidateSettings(
        text(conf / "revision").strip(),
        text(conf / "defaults.cfg"),
        text(conf / "balancer.cfg"),
        keys,
        certificates=_texts(conf / CERTIFICATES),
    )


def last_good(folders: Folders) -> CandidateSettings:
    """The last good configuration, an empty one where there is none."""
    folder = folders.current
    return CandidateSettings(
        text(folder / "revision").strip(),
        text(folder / DEFAULTS),
        text(folder / BALANCER),
        text(folder / KEYS),
        holds(text(folder / RESOLVERS)),
        _texts(folder / CERTIFICATES),
    )


def _texts(folder: pathlib.Path) -> Files:
    """The files of a folder; those that begin with a dot are still being written."""
    return tuple((path.name, text(path)) for path in sorted(folder.glob("[!.]*")))


def stage(folders: Folders, candidate: CandidateSettings) -> pathlib.Path:
    """Write a candidate beside the running configuration, for root only; its folder."""
    shutil.rmtree(folders.staged, ignore_errors=True)
    for folder in (folders.staged, folders.staged / CERTIFICATES):
        folder.mkdir(mode=0o700, parents=True)
    for name, content in {**candidate.files(), "revision": candidate.revision + "\n"}.items():
        path = folders.staged / name
        path.touch(mode=0o600)
        path.write_text(content)
    return folders.staged


def activate(folders: Folders, number: int) -> None:
    """Make the staged configuration the one that HAProxy reads, atomically by a symbolic link.

    The one before stays until `remove_others`, for `revert`.
    """
    home = folders.volume / f"generation-{number}"
    shutil.rmtree(home, ignore_errors=True)
    folders.staged.rename(home)
    # Whatever needs room on the volume comes before the link of the configuration in use changes.
    if folders.current.is_symlink():
        _link(folders.previous, folders.current.readlink().name)
    following = folders.volume / "next"
    _link(following, home.name)
    following.rename(folders.current)


def revert(folders: Folders) -> None:
    """Make the configuration before the last `activate` the one that HAProxy reads."""
    folders.previous.rename(folders.current)
    remove_others(folders)


def remove_others(folders: Folders) -> None:
    """Remove the configurations that HAProxy does not read."""
    home = folders.current.readlink().name
    for other in folders.volume.glob("generation-*"):
        if other.name != home:
            shutil.rmtree(other, ignore_errors=True)


def _link(path: pathlib.Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def last_number(folders: Folders) -> int:
    """The number of the generation in use, 0 where there is none."""
    if not folders.current.is_symlink():
        return 0
    return int(folders.current.readlink().name.rpartition("-")[2])


def write_status(folders: Folders, status: dict[str, Any]) -> None:
    """Write the status."""
    write(folders.status, json.dumps(status, indent=2) + "\n")
