"""Requests, containers and events that state what a story is about and default the rest."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import urlencode

from docker_socket_proxy.request_parser import Request

WEB = "c0ffee" + "0" * 58


def request(line: str, *headers: tuple[str, str]) -> Request:
    """A request of one host, as `GET /path`."""
    method, target = line.split(" ")
    return Request(method, target, (("host", "localhost"), *headers))


def query(**parameters: Any) -> str:
    """Parameters as the daemon's client writes them; filters are JSON."""
    words = {k: v if isinstance(v, str) else json.dumps(v) for k, v in parameters.items()}
    return urlencode(words)


def head(line: str = "GET /_ping", *headers: str) -> bytes:
    """The bytes of a request."""
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode("latin-1")


def described(**changes: Any) -> dict[str, Any]:
    """A container as Docker's inspect describes it, with a secret wherever one can be.

    `changes` replace parts of its sections: `State={"Paused": True}`.
    """
    found = copy.deepcopy(_DESCRIBED)
    for key, value in changes.items():
        found[key] = {**found[key], **value} if isinstance(value, dict) else value
    return found


def happened(action: str = "start", **attributes: str) -> dict[str, Any]:
    """An event of a container's."""
    return {
        "Type": "container",
        "Action": action,
        "Actor": {"ID": WEB, "Attributes": {"image": "nginx:1.27", "name": "web", **attributes}},
        "status": action,
        "id": WEB,
        "from": "nginx:1.27",
        "scope": "local",
        "time": 1,
        "timeNano": 1_000_000_001,
    }


_BINDING = {"HostIp": "0.0.0.0", "HostPort": "8080", "Options": "s3cret"}
_DESCRIBED: dict[str, Any] = {
    "Id": WEB,
    "Created": "2026-01-01T00:00:00Z",
    "Path": "/bin/s3cret",
    "Args": ["--password=s3cret"],
    "State": {
        "Status": "running",
        "Running": True,
        "Paused": False,
        "Restarting": False,
        "OOMKilled": False,
        "Dead": False,
        "Pid": 4711,
        "ExitCode": 0,
        "Error": "s3cret",
        "StartedAt": "2026-01-01T00:00:00Z",
        "Health": {"Status": "healthy", "FailingStreak": 0, "Log": [{"Output": "s3cret"}]},
    },
    "Image": "sha256:" + "1" * 64,
    "ResolvConfPath": "/var/lib/docker/s3cret/resolv.conf",
    "HostnamePath": "/var/lib/docker/s3cret/hostname",
    "HostsPath": "/var/lib/docker/s3cret/hosts",
    "LogPath": "/var/lib/docker/s3cret.log",
    "Name": "/web",
    "RestartCount": 0,
    "Driver": "overlay2",
    "Platform": "linux",
    "MountLabel": "s3cret",
    "ProcessLabel": "s3cret",
    "AppArmorProfile": "s3cret",
    "ExecIDs": ["s3cret"],
    "HostConfig": {
        "Binds": ["/s3cret:/data"],
        "NetworkMode": "default",
        "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]},
        "LogConfig": {"Type": "syslog", "Config": {"token": "s3cret"}},
        "Privileged": True,
    },
    "GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": "/s3cret"}},
    "SizeRw": 1,
    "Mounts": [{"Type": "bind", "Source": "/s3cret", "Destination": "/data"}],
    "Config": {
        "Hostname": "c0ffee000000",
        "Domainname": "s3cret",
        "User": "s3cret",
        "ExposedPorts": {"80/tcp": {}},
        "Env": [
            *("PASSWORD=s3cret", "SERVICE_NAME=web", "XSERVICE_NAME=s3cret"),
            *("service_name=s3cret", "SERVICE=s3cret", "SERVICE_80_TAGS=a,b"),
        ],
        "Cmd": ["--password=s3cret"],
        "Healthcheck": {"Test": ["CMD", "s3cret"]},
        "Image": "nginx:1.27",
        "Volumes": {"/s3cret": {}},
        "WorkingDir": "/s3cret",
        "Entrypoint": ["/s3cret"],
        "OnBuild": ["s3cret"],
        "Labels": {"SERVICE_80_NAME": "shop", "address": "10.0.0.9"},
        "StopSignal": "SIGQUIT",
        "StopTimeout": 30,
        "Shell": ["s3cret"],
    },
    "NetworkSettings": {
        "SandboxKey": "/var/run/docker/netns/s3cret",
        "Ports": {"80/tcp": [_BINDING], "443/tcp": None},
        "IPAddress": "172.17.0.2",
        "Networks": {
            "bridge": {
                "IPAddress": "172.17.0.2",
                "GlobalIPv6Address": "",
                "MacAddress": "s3cret",
                "DriverOpts": {"token": "s3cret"},
                "Aliases": ["s3cret"],
            },
        },
    },
}
