"""The Consul check that a container's `SERVICE_CHECK_*` or HEALTHCHECK asks for: one, or none."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from .validation import CHECK_LENGTH, InvalidValue

Check = dict[str, Any]
_INTERVAL = "10s"
# The health is updated in every cycle, and the TTL outlasts three of them.
_HEALTH_CYCLES = 3
_HEALTH_TTL_SECONDS = 30


@dataclasses.dataclass(frozen=True)
class Target:
    """What a check connects to: the registered endpoint, and the container and its exposed port."""

    address: str
    port: int
    container: str
    exposed: int

    @property
    def host_port(self) -> str:
        """Address and port as in a URL: an IPv6 address in brackets."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def check_of(meta: Mapping[str, str], target: Target, *, scripts: bool) -> Check | None:
    """Consul's check; of several types the first in upstream's order, http to grpc.

    Without `scripts` a check that runs a command is invalid: anybody who may start a container
    could run it as the agent's user. Consul raises a deregister-after below one minute to one.
    """
    kind = next((kind for kind in _KINDS if meta.get(f"check_{kind}")), None)
    if kind is None:
        return None
    check = _KINDS[kind](meta, meta[f"check_{kind}"], target)
    if "Args" in check and not scripts:
        raise InvalidValue(f"check_{kind} runs a command, which needs -script-checks")
    if kind != "ttl":
        check["Interval"] = meta.get("check_interval", _INTERVAL)
    if kind in _TIMED and "check_timeout" in meta:
        check["Timeout"] = meta["check_timeout"]
    if "check_initial_status" in meta:
        check["Status"] = meta["check_initial_status"]
    return {**check, **_deregister_after(meta)}


def health_check(health: str, meta: Mapping[str, str], resync: int) -> Check:
    """The TTL check that follows Docker's HEALTHCHECK, whose state is `health` now.

    The TTL outlasts three cycles, `resync` seconds apart, and is never shorter than 30 s.
    """
    ttl = max(_HEALTH_TTL_SECONDS, _HEALTH_CYCLES * resync)
    return {"TTL": f"{ttl}s", "Status": health, **_deregister_after(meta)}


def consul_status(docker: str, *, paused: bool) -> str:
    """Docker's health status as Consul's: a starting or paused container is critical."""
    return "passing" if docker == "healthy" and not paused else "critical"


def _http(scheme: str) -> Callable[[Mapping[str, str], str, Target], Check]:
    def build(meta: Mapping[str, str], path: str, target: Target) -> Check:
        """Like upstream's, but a path without a leading slash gets one.

        Upstream appends it as it is: then it would change the port, or with an @ the host that
        the agent connects to.
        """
        slash = "" if path.startswith(("/", "?", "#")) else "/"
        check: Check = {"HTTP": f"{scheme}://{target.host_port}{slash}{path}"}
        if f"check_{scheme}_method" in meta:
            check["Method"] = meta[f"check_{scheme}_method"]
        return {**check, **(_skip_verify(meta) if scheme == "https" else {})}

    return build


def _cmd(_meta: Mapping[str, str], command: str, target: Target) -> Check:
    """Upstream's call of a helper that exists only in the old progrium/consul image."""
    return {"Args": ["check-cmd", target.container, str(target.exposed), command]}


def _script(_meta: Mapping[str, str], script: str, target: Target) -> Check:
    """The arguments of a command line. Upstream sends it as one, which no agent can run.

    The line is split before substitution: the value of $SERVICE_IP stays one argument.
    """
    if len(script) > CHECK_LENGTH:
        raise InvalidValue(f"check_script is longer than {CHECK_LENGTH} characters")
    try:
        arguments = shlex.split(script)
    except ValueError as error:
        raise InvalidValue(f"check_script cannot be split into arguments: {error}") from error
    if not arguments:
        raise InvalidValue("check_script is empty")
    values = {"$SERVICE_IP": target.address, "$SERVICE_PORT": str(target.port)}
    for name, value in values.items():
        arguments = [each.replace(name, value) for each in arguments]
    return {"Args": arguments}


def _ttl(_meta: Mapping[str, str], ttl: str, _target: Target) -> Check:
    return {"TTL": ttl}


def _tcp(_meta: Mapping[str, str], _value: str, target: Target) -> Check:
    return {"TCP": target.host_port}


def _grpc(meta: Mapping[str, str], _value: str, target: Target) -> Check:
    check: Check = {"GRPC": target.host_port}
    if "check_grpc_use_tls" in meta:
        check["GRPCUseTLS"] = True
        check.update(_skip_verify(meta))
    return check


def _skip_verify(meta: Mapping[str, str]) -> Check:
    return {"TLSSkipVerify": True} if "check_tls_skip_verify" in meta else {}


def _deregister_after(meta: Mapping[str, str]) -> Check:
    if "check_deregister_after" not in meta:
        return {}
    return {"DeregisterCriticalServiceAfter": meta["check_deregister_after"]}


_KINDS: dict[str, Callable[[Mapping[str, str], str, Target], Check]] = {
    "http": _http("http"),
    "https": _http("https"),
    "cmd": _cmd,
    "script": _script,
    "ttl": _ttl,
    "tcp": _tcp,
    "grpc": _grpc,
}
_TIMED = frozenset({"http", "https", "tcp", "grpc"})
