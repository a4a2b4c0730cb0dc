"""What the role haproxy_lb writes for given inputs, without running a play."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

from rollcall_agents.roles import Role

_FILES, _REVISION = "__haproxy_lb_files", "__haproxy_lb_revision"
_SECRETS = "__haproxy_lb_secrets"


def evaluated(name: str, /, **inputs: Any) -> Any:
    """One of the role's variables, such as `__haproxy_lb_files`; inputs without their prefix."""
    return copy.deepcopy(_variables((name,), json.dumps(inputs))[name])


def files(**inputs: Any) -> dict[str, str]:
    """The files that the role writes, by name."""
    found = _variables((_FILES, _REVISION), json.dumps(inputs))
    written = {each["path"]: each["content"] for each in found[_FILES]}
    return {**written, "revision": found[_REVISION] + "\n"}


def secrets(**inputs: Any) -> dict[str, str]:
    """The secret files that the role writes, by name."""
    return {each["path"]: each["content"] for each in evaluated(_SECRETS, **inputs)}


@functools.cache
def _variables(names: tuple[str, ...], inputs: str) -> dict[str, Any]:
    """The role's variables for inputs in JSON: a template takes tenths of a second."""
    return Role("haproxy_lb", json.loads(inputs)).variables(*names)
