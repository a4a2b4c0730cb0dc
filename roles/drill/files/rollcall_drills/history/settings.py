"""The settings of a drill, and `drill.json`, which stores them."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any, Self

from ..errors import UserError

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Settings:
    """The traffic, and what is recorded besides.

    `rate` in requests per second; `post` and `fresh` are shares from 0 to 1; `timeout` in seconds
    from the moment a request is due. `consul_ca` and `consul_token_file` are paths: what is in the
    files is in no setting.
    """

    url: str
    rate: float = 200.0
    post: float = 0.2
    fresh: float = 0.5
    timeout: float = 5.0
    consul: tuple[str, ...] = ()
    service: str = "my-web-server"
    instance_pattern: str = r"I'm (\S+)"
    metrics: str | None = None
    consul_ca: str | None = None
    consul_token_file: str | None = None

    def __post_init__(self) -> None:
        """UserError for an invalid value."""
        for name in ("post", "fresh"):
            if not 0 <= getattr(self, name) <= 1:
                raise _invalid(f"--{name} {getattr(self, name):g}", "give a share from 0 to 1")
        for name in ("rate", "timeout"):
            if not 0 < getattr(self, name) <= 10_000:
                raise _invalid(f"--{name} {getattr(self, name):g}", "give a number above 0")
        for url in (self.url, *self.consul, *([self.metrics] if self.metrics else [])):
            parts = urllib.parse.urlsplit(url)
            # Settings are stored and shown, so a URL must not contain a password.
            if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
                raise _invalid(url, "give a URL such as http://10.0.0.1:8500")
        if len(set(self.consul)) < len(self.consul):
            raise _invalid("--consul", "give each agent once")
        if self.consul_ca and not all(url.startswith("https://") for url in self.consul):
            raise _invalid(f"--consul-ca {self.consul_ca}", "each --consul must be https:// then")
        try:
            groups = re.compile(self.instance_pattern).groups
        except re.error as error:
            raise _invalid(f"--instance-pattern {self.instance_pattern}", str(error)) from error
        if groups != 1:
            raise _invalid(
                f"--instance-pattern {self.instance_pattern}", "give a pattern with one (group)"
            )


@dataclasses.dataclass(frozen=True)
class Drill:
    """A history's head. `offset` moves the monotonic clock of that machine to the epoch, in s."""

    name: str
    description: str
    started: float
    offset: float
    settings: Settings
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document of `drill.json`."""
        return {"format": FORMAT, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The value of a `drill.json`; UserError where a later version wrote it."""
        if document.get("format", 0) > FORMAT:
            raise UserError(
                f"this history has format {document['format']}, this version reads format {FORMAT}",
                "Judge it with the version that recorded it, or a later one",
            )
        names = {field.name for field in dataclasses.fields(Settings)}
        settings = {key: value for key, value in document["settings"].items() if key in names}
        settings["consul"] = tuple(settings.get("consul", ()))
        return cls(
            document["name"],
            document["description"],
            document["started"],
            document["offset"],
            Settings(**settings),
            document.get("versions", {}),
        )


def _invalid(what: str, why: str) -> UserError:
    return UserError(f"{what} is invalid: {why}", "See drill start --help")
