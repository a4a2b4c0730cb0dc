"""Consul's own answers, as tests/integration/consul recorded them; each call gives a fresh copy."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "consul"
# The folder of a recording is the first word of its name, but for these.
FOLDERS = {
    **dict.fromkeys(("anonymous", "powerless", "stranger"), "denied"),
    **dict.fromkeys(("autopilot", "raft", "status"), "cluster"),
    **dict.fromkeys(("register", "deregister", "check"), "registration"),
}
# What a call of consul_service said for the service web-1 of the recordings.
WEB: dict[str, Any] = {
    "name": "web",
    "id": "web-1",
    "address": "192.0.2.7",
    "port": 8080,
    "tags": ["v2", "primary"],
    "meta": {"version": 2, "canary": True},
    "tagged_addresses": {"wan": {"address": "web.example", "port": 80}},
    "weights": {"passing": 10, "warning": 1},
    "enable_tag_override": True,
    "owner": "shop",
    "checks": [
        # Its first run comes at a random moment of the interval: not while it is recorded.
        {"name": "answers", "tcp": "127.0.0.1:1", "interval": "1000h", "status": "passing"},
        {"name": "reports", "ttl": "24h", "status": "warning", "notes": "by itself"},
    ],
}
# What a call of consul_acl said for the policy and the token of the recordings, and its own token.
WEB_POLICY: dict[str, Any] = {
    "name": "rollcall-web",
    "description": "web servers",
    "rules": 'node_prefix "" { policy = "read" }\n',
    "datacenters": ["dc2", "dc1"],
}
FIRST_SECRET = "2e3cbb1d-8a1f-4a0e-9c51-6f1a2d3c4b5a"
SECRET = "5f0c7a52-41de-4a55-8f4e-0d6f6f1b7a11"
WEB_TOKEN: dict[str, Any] = {
    "name": "web",
    "secret_id": SECRET,
    "policies": ["rollcall-web"],
    "node_identities": [{"node": "node-1", "datacenter": "dc1"}],
}
# The keys of the gossip in the recordings: first the one that the agents begin with.
KEYS = ("QUJDREVGR0hJSktMTU5PUA==", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=")

NO_HEADERS: tuple[str, Any] = ("headers", {})


@dataclasses.dataclass(frozen=True)
class Recorded:
    """One request and what came back.

    `body` is what was sent. `answer` is what came back, a text where that was no JSON; `headers`
    are those that the modules read.
    """

    consul: str
    request: str
    status: int
    answer: Any = None
    body: Any = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path that was asked, without a query."""
        return self.request.partition(" ")[2].partition("?")[0]

    @property
    def text(self) -> str:
        """The answer as it went over the wire; an error's is no JSON."""
        if self.answer is None:
            return ""
        return json.dumps(self.answer) if self.status in (200, 429) else str(self.answer)


def names() -> list[str]:
    """The names of all recordings."""
    return sorted(path.stem for path in FOLDER.rglob("*.json"))


def file_of(name: str) -> pathlib.Path:
    """The file of the recording of this name."""
    first = name.partition("-")[0]
    return FOLDER / FOLDERS.get(first, first) / f"{name}.json"


def recorded(name: str) -> Recorded:
    """The recording of this name."""
    return Recorded(**json.loads(file_of(name).read_text(encoding="utf-8")))


def answer(name: str) -> Any:
    """What Consul answered in the recording of this name."""
    return recorded(name).answer


def table(*names: str) -> dict[str, Any]:
    """The answers of several recordings by the path that was asked."""
    return {found.path: found.answer for found in map(recorded, names)}


def keep(name: str, recording: Recorded) -> None:
    """Write a recording so that one without a change leaves no difference."""
    values = dataclasses.asdict(recording).items()
    said = {key: value for key, value in values if value is not None and (key, value) != NO_HEADERS}
    text = json.dumps(said, indent=2, sort_keys=True, ensure_ascii=False)
    file = file_of(name)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8")
