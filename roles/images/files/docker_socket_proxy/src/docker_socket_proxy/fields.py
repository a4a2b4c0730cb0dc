"""Which fields of the engine's answers pass: those that services are made of. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_PREFIX = "SERVICE_"
_ID = re.compile(r"[0-9a-f]{64}")
_ABSENT = object()
Leaf = Callable[[object], object]


class Unreadable(Exception):
    """An answer whose shape is not the engine's.

    Nothing of it passes: a container that lost half its fields would lose its services.
    """


def _text(value: object) -> object:
    return _typed(value, str)


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise Unreadable
    return _typed(value, int)


def _switch(value: object) -> object:
    return _typed(value, bool)


def _services(value: object) -> object:
    """The variables of an environment that are meant for Registrator."""
    entries = _typed(value, list)
    return [_typed(entry, str) for entry in entries if _typed(entry, str).startswith(_PREFIX)]


def _labels(value: object) -> object:
    return {key: _typed(label, str) for key, label in _typed(value, dict).items()}


def _keys(value: object) -> object:
    """The keys are the ports, the values are empty."""
    return {key: {} for key in _typed(value, dict)}


def _bindings(value: object) -> object:
    """Ports and where the host publishes them; null is exposed and not published."""
    return {
        key: None if entries is None else [_binding(entry) for entry in _typed(entries, list)]
        for key, entries in _typed(value, dict).items()
    }


def _binding(entry: object) -> object:
    known = _typed(entry, dict)
    return {key: _typed(known[key], str) for key in ("HostIp", "HostPort") if key in known}


def _typed(value: object, kind: type) -> Any:
    if not isinstance(value, kind):
        raise Unreadable
    return value


@dataclasses.dataclass(frozen=True)
class AllowedField:
    """A field that passes: its path, where "*" is every key, its shape, and why it is needed."""

    path: str
    leaf: Leaf
    reason: str


# A container's description. A field that is not listed here does not pass.
INSPECTION = (
    AllowedField("Id", _text, "the container's identity"),
    AllowedField("Name", _text, "part of a service's identifier"),
    AllowedField("State.Running", _switch, "only what runs has services"),
    AllowedField("State.Paused", _switch, "what is paused has none"),
    AllowedField("State.Restarting", _switch, "what waits for its restart does not run"),
    AllowedField("State.ExitCode", _number, "-deregister=on-success"),
    AllowedField("State.Health.Status", _text, "-docker-health"),
    AllowedField("Config.Image", _text, "a service's name where nothing else names it"),
    AllowedField("Config.Hostname", _text, "the daemon's own picture of a container has it"),
    AllowedField(
        "Config.Env", _services, "SERVICE_* names services; every other entry may be a secret"
    ),
    AllowedField(
        "Config.Labels", _labels, "SERVICE_*, and the label of -useIpFromLabel may be any"
    ),
    AllowedField("Config.ExposedPorts", _keys, "a service for each port"),
    AllowedField("Config.StopSignal", _text, "distinguishes a stop from a reload"),
    AllowedField("Config.StopTimeout", _number, "how long a stop may take"),
    AllowedField("HostConfig.NetworkMode", _text, "whose network it is, and so whose addresses"),
    AllowedField("NetworkSettings.Ports", _bindings, "where the host publishes a port"),
    AllowedField("NetworkSettings.Networks.*.IPAddress", _text, "-internal"),
    AllowedField("NetworkSettings.Networks.*.GlobalIPv6Address", _text, "-internal"),
)
VERSION = (
    AllowedField("ApiVersion", _text, "the client speaks this version of the API"),
    AllowedField("MinAPIVersion", _text, "or at least this one"),
    AllowedField("Version", _text, "for people who read what a client prints"),
)
# Of what happens to containers only this moves services. The others may carry what a person typed:
# the action of an exec is its whole command line.
ACTIONS = frozenset(
    (
        *("start", "die", "kill", "pause", "unpause", "rename", "destroy", "update"),
        "health_status",
    )
)
# Of a container's attributes, its labels among them, one is needed: which signal a kill sends.
ATTRIBUTES = frozenset({"signal"})


def inspection(answer: object) -> dict[str, Any]:
    """A container's description, reduced; Unreadable where it is none."""
    found = _reduced(answer, INSPECTION, "a container")
    if "Id" not in found or "Running" not in found.get("State", {}):
        raise Unreadable("the engine's description of a container has no Id or no State.Running")
    return found


def listing(answer: object) -> list[dict[str, str]]:
    """The identifiers of a list of containers; Unreadable where one entry has none."""
    if not isinstance(answer, list):
        raise Unreadable("the engine's list of containers is no list")
    found = [entry.get("Id") if isinstance(entry, dict) else None for entry in answer]
    identifiers = [word for word in found if isinstance(word, str) and _ID.fullmatch(word)]
    if len(identifiers) != len(found):
        raise Unreadable("an entry of the engine's list of containers has no identifier")
    return [{"Id": identifier} for identifier in identifiers]


def version(answer: object) -> dict[str, Any]:
    """The engine's version, reduced; Unreadable where it is none."""
    found = _reduced(answer, VERSION, "itself")
    if "ApiVersion" not in found:
        raise Unreadable("the engine's description of itself has no ApiVersion")
    return found


def event(happened: object) -> dict[str, Any] | None:
    """An event, reduced; None for one that moves no service. Unreadable where it is none."""
    if not isinstance(happened, dict):
        raise Unreadable("an event of the engine's is no object")
    if happened.get("Type") != "container":
        return None
    action = str(happened.get("Action")).partition(":")[0]
    if action not in ACTIONS:
        return None
    actor = happened.get("Actor")
    known = actor if isinstance(actor, dict) else {}
    attributes = known.get("Attributes")
    words = attributes if isinstance(attributes, dict) else {}
    return {
        "Type": "container",
        "Action": action,
        "Actor": {
            "ID": str(known.get("ID") or ""),
            "Attributes": {key: str(words[key]) for key in sorted(ATTRIBUTES & words.keys())},
        },
    }


def message(answer: object) -> str:
    """The message of an error, empty where the engine sends none."""
    text = answer.get("message") if isinstance(answer, dict) else None
    return text[:500] if isinstance(text, str) else ""


def _reduced(answer: object, table: Sequence[AllowedField], what: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise Unreadable(f"the engine's description of {what} is no object")
    found: dict[str, Any] = {}
    for kept in table:
        try:
            picked = _picked(answer, kept.path.split("."), kept.leaf)
        except Unreadable:
            raise Unreadable(
                f"{kept.path} in the engine's description of {what} has another shape"
            ) from None
        if isinstance(picked, dict):
            _merge(found, picked)
    return found


def _picked(found: object, path: Sequence[str], leaf: Leaf) -> object:
    """The field at the end of a path, within its parents. Docker sends null for absent ones."""
    if found is None:
        return _ABSENT
    if not path:
        return leaf(found)
    known: Mapping[str, object] = _typed(found, dict)
    if path[0] == "*":
        inner = {key: _picked(value, path[1:], leaf) for key, value in known.items()}
        # A network without an address is a network all the same.
        return {key: {} if value is _ABSENT else value for key, value in inner.items()}
    picked = _picked(known.get(path[0]), path[1:], leaf)
    return _ABSENT if picked is _ABSENT else {path[0]: picked}


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
