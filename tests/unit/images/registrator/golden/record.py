"""Records `docker inspect` of real engines for the golden suite; run by hand, never by a check.

    python record.py <version> <image> <command that reaches a docker client ...>
    python record.py 26.1 helloworld:1.0.0 docker exec some-host docker

starts one container for each row of CONTAINERS, writes engines/<version>.json and removes what it
made. The engine must be an empty one of its own: addresses and ports are given out in order.
Without arguments, engines/29.json is shaped anew from the newest recording.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

FOLDER = pathlib.Path(__file__).resolve().parent / "engines"

# Networks with subnets of their own; container addresses there are fixed below.
NETWORKS = {
    "shop_default": ["--subnet", "172.31.1.0/24"],
    "backend": ["--subnet", "172.31.2.0/24"],
    "six": ["--subnet", "172.31.6.0/24", "--ipv6", "--subnet", "fd00:db8:6::/64"],
    "only_six": ["--ipv4=false", "--ipv6", "--subnet", "fd00:db8:7::/64"],
}
IMAGES = {
    "golden/web:1": ["EXPOSE 80"],
    "golden/two:1": ["EXPOSE 80 443"],
    "golden/dns:1": ["EXPOSE 53/tcp 53/udp"],
    "golden/range:1": ["EXPOSE 9001-9002"],
}
SLEEP = ["--entrypoint", "sleep"]
SHOP = ["--network", "shop_default", "--ip", "172.31.1.10"]
SIX = ["--network", "six", "--ip", "172.31.6.10", "--ip6", "fd00:db8:6::10"]
ONLY_SIX = ["--network", "only_six", "--ip6", "fd00:db8:7::10"]

# Name, options, image, networks to join afterwards. The order decides addresses and random ports.
CONTAINERS: list[tuple[str, list[str], str, list[tuple[str, str]]]] = [
    ("published", ["-p", "8080:80"], "golden/web:1", []),
    ("random", ["-p", "80"], "golden/web:1", []),
    ("unpublished", [], "golden/web:1", []),
    ("bound", ["-p", "127.0.0.1:8081:80"], "golden/web:1", []),
    ("bound-six", ["-p", "[::]:8082:80"], "golden/web:1", []),
    ("twice", ["-p", "8083:80", "-p", "8084:80"], "golden/web:1", []),
    ("two", ["-p", "8085:80", "-p", "8443:443"], "golden/two:1", []),
    ("half", ["-p", "8086:80"], "golden/two:1", []),
    ("dns", ["-p", "5353:53/tcp", "-p", "5353:53/udp"], "golden/dns:1", []),
    ("everything", ["-P"], "golden/two:1", []),
    ("range", ["-p", "9001-9002:9001-9002"], "golden/range:1", []),
    ("on-host", ["--network", "host"], "golden/two:1", []),
    ("on-none", ["--network", "none"], "golden/web:1", []),
    ("compose", [*SHOP, "-p", "8087:80"], "golden/web:1", []),
    (
        "compose-unpublished",
        ["--network", "shop_default", "--ip", "172.31.1.11"],
        "golden/web:1",
        [],
    ),
    (
        "two-networks",
        ["--network", "shop_default", "--ip", "172.31.1.12", "-p", "8088:80"],
        "golden/web:1",
        [("backend", "172.31.2.12")],
    ),
    ("bridge-and-backend", ["-p", "8089:80"], "golden/web:1", [("backend", "172.31.2.13")]),
    ("dual", [*SIX, "-p", "8090:80"], "golden/web:1", []),
    ("only-six", [*ONLY_SIX, "-p", "8091:80"], "golden/web:1", []),
    ("joined-bridge", ["--network", "container:published"], "golden/web:1", []),
    ("joined-unpublished", ["--network", "container:unpublished"], "golden/two:1", []),
    ("joined-compose", ["--network", "container:compose"], "golden/web:1", []),
    ("joined-host", ["--network", "container:on-host"], "golden/web:1", []),
    (
        "starting",
        ["-p", "8092:80", "--health-cmd", "true", "--health-interval", "1h"],
        "golden/web:1",
        [],
    ),
    (
        "healthy",
        ["-p", "8093:80", "--health-cmd", "true", "--health-interval", "1s"],
        "golden/web:1",
        [],
    ),
    (
        "unhealthy",
        [
            *["-p", "8094:80", "--health-cmd", "false", "--health-interval", "1s"],
            *["--health-retries", "1"],
        ],
        "golden/web:1",
        [],
    ),
    ("paused", ["-p", "8095:80"], "golden/web:1", []),
    (
        "spoken",
        [
            *["-p", "8096:80", "-e", "SERVICE_NAME=env", "-e", "SERVICE_TAGS=a,b", "-e", "UNSET"],
            *["-l", "SERVICE_NAME=shop", "-l", "SERVICE_80_CHECK_HTTP=/up"],
            *["-l", "SERVICE_OWNER=team-a"],
        ],
        "golden/web:1",
        [],
    ),
    ("by-id", ["-p", "8097:80"], "{id}", []),
    (
        "stop-signal",
        ["-p", "8098:80", "--stop-signal", "SIGQUIT", "--stop-timeout", "42"],
        "golden/web:1",
        [],
    ),
]
STATE = ("Status", "Running", "Paused", "Restarting", "Dead")
CONFIG = (
    *("Hostname", "Env", "Labels", "Image", "ExposedPorts", "StopSignal", "StopTimeout"),
    "Healthcheck",
)
BULK = {"SandboxID", "SandboxKey", "EndpointID", "NetworkID", "MacAddress", "DNSNames", "Aliases"}
# What API 1.52 no longer answers at the top level of NetworkSettings.
GONE_IN_29 = (
    *("Bridge", "HairpinMode", "LinkLocalIPv6Address", "LinkLocalIPv6PrefixLen"),
    *("SecondaryIPAddresses", "SecondaryIPv6Addresses", "EndpointID", "Gateway"),
    *("GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPAddress", "IPPrefixLen", "IPv6Gateway"),
    "MacAddress",
)


def docker(client: list[str], *words: str, check: bool = True) -> str:
    """What a docker command prints."""
    done = subprocess.run([*client, *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(f"docker {' '.join(words)}: {done.stderr}")
    return done.stdout.strip() if not done.returncode else ""


def trimmed(found: dict[str, Any]) -> dict[str, Any]:
    """An answer without what no daemon reads and what names the machine it was recorded on."""
    settings = {key: value for key, value in found["NetworkSettings"].items() if key not in BULK}
    settings["Networks"] = {
        name: {key: value for key, value in network.items() if key not in BULK}
        for name, network in settings["Networks"].items()
    }
    state = {key: found["State"][key] for key in STATE}
    if found["State"].get("Health"):
        state["Health"] = {"Status": found["State"]["Health"]["Status"]}
    config = {key: found["Config"][key] for key in CONFIG if key in found["Config"]}
    config["Labels"] = {
        key: value for key, value in config["Labels"].items() if key.startswith("SERVICE_")
    }
    config["Env"] = [
        entry for entry in config["Env"] if not entry.lower().startswith(("http", "no_"))
    ]
    return {
        "Id": found["Id"],
        "Name": found["Name"],
        "State": state,
        "Image": found["Image"],
        "Config": config,
        "HostConfig": {"NetworkMode": found["HostConfig"]["NetworkMode"]},
        "NetworkSettings": settings,
    }


def record(client: list[str], image: str) -> dict[str, Any]:
    """Start everything, look at it, remove it."""
    made = []
    for name, options in NETWORKS.items():
        if docker(client, "network", "create", *options, name, check=False):
            made.append(name)
    identifier = build(client, image)
    answers: dict[str, Any] = {}
    try:
        for name, options, source, joins in CONTAINERS:
            run = ["run", "-d", "--name", name, *SLEEP, *options, source.format(id=identifier)]
            if not docker(client, *run, "600", check=False):
                print(f"{name}: this engine cannot", file=sys.stderr)
                docker(client, "rm", "-f", name, check=False)
                continue
            for network, address in joins:
                docker(client, "network", "connect", "--ip", address, network, name)
            answers[name] = {}
        docker(client, "pause", "paused")
        subprocess.run(["sleep", "4"], check=True)
        for name in answers:
            answers[name] = trimmed(json.loads(docker(client, "inspect", name))[0])
    finally:
        docker(client, "unpause", "paused", check=False)
        docker(client, "rm", "-f", *(name for name, *_rest in CONTAINERS), check=False)
        docker(client, "network", "rm", *made, check=False)
        docker(client, "rmi", "-f", *IMAGES, check=False)
    server = json.loads(docker(client, "version", "--format", "{{json .Server}}"))
    return {"engine": server["Version"], "api": server["ApiVersion"], "containers": answers}


def build(client: list[str], image: str) -> str:
    """The images, from one that has `sleep`; the identifier of the first."""
    for name, changes in IMAGES.items():
        docker(client, "create", "--name", "base", image)
        words = [word for change in changes for word in ("-c", change)]
        docker(client, "commit", *words, "base", name)
        docker(client, "rm", "base")
    return docker(client, "image", "inspect", "-f", "{{.Id}}", next(iter(IMAGES)))


def shape_29(recording: dict[str, Any]) -> dict[str, Any]:
    """The same containers as API 1.52 answers for them."""
    for found in recording["containers"].values():
        for key in GONE_IN_29:
            found["NetworkSettings"].pop(key, None)
    return {**recording, "engine": "29, shaped from " + recording["engine"], "api": "1.52"}


def write(name: str, recording: dict[str, Any]) -> None:
    """One engine's file."""
    text = json.dumps(recording, indent=1, sort_keys=True) + "\n"
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write(sys.argv[1], record(sys.argv[3:], sys.argv[2]))
    else:
        write("29", shape_29(json.loads((FOLDER / "28.5.json").read_text(encoding="utf-8"))))
