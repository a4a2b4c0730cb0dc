# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The Docker Engine through the Docker SDK: lists, pulls and carries out a plan."""

from __future__ import annotations

import concurrent.futures
import typing as t

from .._base.polling import poll
from .container import (
    OWNER_LABEL,
    SPEC_LABEL,
    Action,
    ActualContainer,
    ContainerSpec,
    exposed_port,
    nanoseconds,
    parse_port,
)

_PAUSE_SECONDS = 0.1


class EngineError(Exception):
    """A request to the engine that failed: what was attempted, and what to do."""


class Engine:
    """One Docker Engine. Methods raise EngineError where it refuses or does not answer."""

    def __init__(self, url: str, timeout: int) -> None:
        """Connect to `url`, such as unix:///var/run/docker.sock; `timeout` in s per request."""
        import docker
        import docker.errors

        self._url = url
        self._errors: tuple[type[Exception], ...] = (docker.errors.DockerException, OSError)
        self._not_found = docker.errors.NotFound
        try:
            self._api = docker.APIClient(base_url=url, version="auto", timeout=timeout)
        except self._errors as error:
            raise EngineError(
                f"no Docker Engine answers at {url}: {error}. Start it, or install one "
                "(role rollcall.discovery.docker_host)"
            ) from error

    def containers(self) -> list[ActualContainer]:
        """All containers of this host, running or not."""
        found = self._call("list the containers", self._api.containers, all=True)
        return [
            ActualContainer(
                id=entry["Id"],
                name=_name(entry["Names"]),
                image_id=entry["ImageID"],
                running=entry["State"] == "running",
                labels=entry.get("Labels") or {},
                status=entry["State"],
            )
            for entry in found
        ]

    def image_id(self, reference: str) -> str | None:
        """The identifier a reference means on this host, None where the image is not there."""
        found = self._inspect(f"image {reference}", self._api.inspect_image, reference)
        return str(found["Id"]) if found else None

    def pull(self, reference: str) -> None:
        """Fetch an image from its registry."""
        try:
            progress = self._api.pull(reference, stream=True, decode=True)
            problem = next((line["error"] for line in progress if "error" in line), None)
        except self._errors as error:
            problem = error
        if problem is not None:
            raise EngineError(
                f"cannot pull {reference}: {problem}. Check that the registry answers from this "
                "host and holds the image; nothing was changed"
            )

    def perform(self, actions: t.Sequence[Action], owner: str) -> None:
        """Carry out the steps: removals free names and ports first, the rest runs in parallel."""

        def steps(*kinds: str) -> list[Action]:
            return [step for step in actions if step.action in kinds]

        self._each(lambda step: self.stop(step.name), steps("stopped", "restarted"))
        self._each(self._remove, steps("removed", "recreated"))
        self._each(
            lambda step: self._start(step, owner),
            steps("created", "recreated", "started", "restarted"),
        )

    def wait(self, names: t.Sequence[str], condition: str, seconds: float) -> None:
        """Wait until every container is `running` or `healthy`; EngineError after `seconds`."""
        pending = set(names)

        def look() -> list[str]:
            pending.difference_update([name for name in pending if self._is(name, condition)])
            return sorted(pending)

        poll(
            look,
            lambda left: left,
            seconds,
            failure=lambda left, _: EngineError(
                f"container {left[0]} is not {condition} after {seconds:.0f} s; its log:\n"
                f"{self._log(left[0])}"
            ),
            pause=_PAUSE_SECONDS,
        )

    def inspect(self, name: str) -> dict[str, t.Any]:
        """The output of docker inspect for a container; {} only if it does not exist."""
        return self._inspect(f"container {name}", self._api.inspect_container, name)

    def describe(self, name: str) -> dict[str, t.Any]:
        """Identifier, image, published ports and first address of a container; {} when absent."""
        found = self.inspect(name)
        if not found:
            return {}
        settings = found["NetworkSettings"]
        networks = settings.get("Networks") or {}
        ports = {
            port: [binding["HostPort"] for binding in bindings]
            for port, bindings in (settings.get("Ports") or {}).items()
            if bindings
        }
        addresses = [network["IPAddress"] for network in networks.values() if network["IPAddress"]]
        return {
            "id": found["Id"],
            "image_id": found["Image"],
            "ports": ports,
            "address": addresses[0] if addresses else "",
        }

    def stop(self, name: str) -> None:
        """Stop a container by its own stop signal and grace."""
        self._call(f"stop container {name}", self._api.stop, name)

    def _inspect(
        self, what: str, method: t.Callable[[str], dict[str, t.Any]], reference: str
    ) -> dict[str, t.Any]:
        """The result of `method`; {} only if Docker reports that the object does not exist."""
        try:
            return method(reference)
        except self._not_found:
            return {}
        except self._errors as error:
            raise EngineError(f"cannot inspect {what}: {error}") from error

    def _log(self, name: str) -> str:
        """The last lines a container wrote, or why they cannot be read."""
        try:
            return str(self._api.logs(name, tail=8).decode(errors="replace").strip())
        except self._errors as error:
            return f"(not readable: {error})"

    def _is(self, name: str, condition: str) -> bool:
        state = self._call(f"inspect container {name}", self._api.inspect_container, name)["State"]
        if not state["Running"] or state.get("Restarting"):
            return False
        health = state.get("Health")
        return condition == "running" or (health is None or health["Status"] == "healthy")

    def _remove(self, step: Action) -> None:
        if step.actual is not None:
            if step.actual.active:
                self.stop(step.actual.id)
            self._call(f"remove container {step.name}", self._api.remove_container, step.actual.id)

    def _start(self, step: Action, owner: str) -> None:
        if step.spec is not None and step.action in ("created", "recreated"):
            self._create(step.spec, owner)
        if step.starts:
            paused = step.action == "started" and step.actual and step.actual.status == "paused"
            resume = self._api.unpause if paused else self._api.start
            self._call(f"start container {step.name}", resume, step.name)

    def _create(self, spec: ContainerSpec, owner: str) -> None:
        ports = [parse_port(text) for text in spec.get("ports")]
        exposed = [
            *((port.container_port, port.protocol) for port in ports),
            *(exposed_port(text) for text in spec.get("exposed_ports")),
        ]
        bindings: dict[str, list[tuple[str, str]]] = {}
        for port in ports:
            key = f"{port.container_port}/{port.protocol}"
            host_port = "" if port.host_port is None else str(port.host_port)
            bindings.setdefault(key, []).append((port.host_address, host_port))
        host_config = self._call(
            f"configure container {spec.name}",
            self._api.create_host_config,
            network_mode=spec.get("network_mode"),
            port_bindings=bindings or None,
            binds=list(spec.get("volumes")) or None,
            tmpfs=dict.fromkeys(spec.get("tmpfs"), "") or None,
            restart_policy={"Name": spec.get("restart_policy")},
            read_only=spec.get("read_only"),
            cap_add=list(spec.get("cap_add")) or None,
            cap_drop=list(spec.get("cap_drop")) or None,
            security_opt=list(spec.get("security_opt")) or None,
            mem_limit=spec.get("memory"),
            pids_limit=spec.get("pids_limit"),
            init=spec.get("init") or None,
        )
        self._call(
            f"create container {spec.name}",
            self._api.create_container,
            image=spec.image,
            name=spec.name,
            command=list(spec.get("command")) or None,
            entrypoint=list(spec.get("entrypoint")) or None,
            environment={key: str(value) for key, value in spec.get("env").items()},
            labels={
                **{key: str(value) for key, value in spec.get("labels").items()},
                OWNER_LABEL: owner,
                SPEC_LABEL: spec.canonical,
            },
            hostname=spec.get("hostname"),
            user=spec.get("user"),
            ports=exposed or None,
            stop_signal=spec.get("stop_signal"),
            stop_timeout=spec.get("stop_timeout"),
            healthcheck=_healthcheck(spec.get("healthcheck")),
            host_config=host_config,
        )

    def _each(self, work: t.Callable[[Action], None], steps: t.Sequence[Action]) -> None:
        """Work on all steps at once; the first error is raised after every step has ended."""
        if not steps:
            return
        with concurrent.futures.ThreadPoolExecutor(max_workers=min(8, len(steps))) as pool:
            begun = [pool.submit(work, step) for step in steps]
        # Not pool.map: at the first error it cancels what no thread has started yet.
        for each in begun:
            each.result()

    def _call(
        self, attempt: str, method: t.Callable[..., t.Any], *args: t.Any, **kw: t.Any
    ) -> t.Any:
        try:
            return method(*args, **kw)
        except self._errors as error:
            detail = getattr(error, "explanation", None) or error
            raise EngineError(f"cannot {attempt} at {self._url}: {detail}") from error


def _healthcheck(params: t.Mapping[str, t.Any] | None) -> dict[str, t.Any] | None:
    """The health check in the format of the API."""
    if not params:
        return None
    check = {
        key: nanoseconds(params[key])
        for key in ("interval", "timeout", "start_period")
        if params.get(key)
    }
    return {"test": list(params["test"]), **check, "retries": params.get("retries") or 3}


def _name(names: t.Sequence[str]) -> str:
    """The container's own name among its links' aliases: the one with a single slash.

    A dead one that could not be removed has none.
    """
    return next((name[1:] for name in names if name.count("/") == 1), "")
