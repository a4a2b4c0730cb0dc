"""The gate's settings, read from its environment. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

_MODE = re.compile(r"0?[0-7]{3}")
# What a socket's address holds on Linux, less what its name is lengthened by while it is made.
_LONGEST_PATH = 100


class Unusable(Exception):
    """A setting that cannot be meant, in a sentence."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where the gate listens, who may connect, and where the engine is."""

    listen: str = "/run/docker-gate/docker.sock"
    mode: int = 0o660
    engine: str = "/var/run/docker.sock"


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings; an empty variable counts as none. Unusable where one cannot be meant."""
    mode = environment.get("DOCKER_GATE_MODE") or f"{Settings.mode:04o}"
    if not _MODE.fullmatch(mode):
        raise Unusable(f"DOCKER_GATE_MODE {mode!r} is no mode such as 0660")
    listen = _path(environment, "DOCKER_GATE_LISTEN", Settings.listen)
    engine = _path(environment, "DOCKER_GATE_ENGINE", Settings.engine)
    if listen == engine:
        raise Unusable(f"DOCKER_GATE_LISTEN and DOCKER_GATE_ENGINE are both {listen}")
    return Settings(listen, int(mode, 8), engine)


def _path(environment: Mapping[str, str], name: str, default: str) -> str:
    value = (environment.get(name) or default).removeprefix("unix://")
    if not value.startswith("/") or value.endswith("/") or len(value.encode()) > _LONGEST_PATH:
        raise Unusable(
            f"{name} {value!r} is no absolute path of a socket, {_LONGEST_PATH} bytes at most"
        )
    return value
