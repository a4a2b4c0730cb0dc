"""The proxy's settings, read from its environment. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

_MODE = re.compile(r"0?[0-7]{3}")
# What a socket's address holds on Linux, less what its name is lengthened by while it is made.
_LONGEST_PATH = 100


class InvalidSetting(Exception):
    """A setting that cannot be used; names the variable and what it must be."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where the proxy listens, who may connect, and where the engine is."""

    listen: str = "/run/docker-socket-proxy/docker.sock"
    mode: int = 0o660
    engine: str = "/var/run/docker.sock"


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings; an empty variable counts as unset. InvalidSetting where one cannot be used."""
    mode = environment.get("SOCKET_PROXY_MODE") or f"{Settings.mode:04o}"
    if not _MODE.fullmatch(mode):
        raise InvalidSetting(f"SOCKET_PROXY_MODE {mode!r} is not a file mode such as 0660")
    listen = _path(environment, "SOCKET_PROXY_LISTEN", Settings.listen)
    engine = _path(environment, "SOCKET_PROXY_ENGINE", Settings.engine)
    if listen == engine:
        raise InvalidSetting(f"SOCKET_PROXY_LISTEN and SOCKET_PROXY_ENGINE are both {listen}")
    return Settings(listen, int(mode, 8), engine)


def _path(environment: Mapping[str, str], name: str, default: str) -> str:
    value = (environment.get(name) or default).removeprefix("unix://")
    if not value.startswith("/") or value.endswith("/") or len(value.encode()) > _LONGEST_PATH:
        raise InvalidSetting(
            f"{name} {value!r} is not an absolute path of at most {_LONGEST_PATH} bytes"
        )
    return value
