"""The command line: run the balancer, or ask the one that runs in this container."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import sys
import tempfile
from collections.abc import Mapping

from rollcall_common import unix_http

from . import routing
from .app import ControlProcess
from .container.log_files import LogFile
from .container.supervisor import Supervisor
from .nginx.configuration import Paths, render
from .nginx.process import Nginx, Refused
from .settings import reader
from .settings.file import SettingsFile
from .settings.validation import InvalidValue

# EX_USAGE of sysexits.h: the settings are invalid, and a restart would not change that.
_USAGE = 64
_HELP = "usage: nginx-lb run | check FILE | render | status | accept [SERVICE]\n"
_VOLUME = pathlib.Path("/var/lib/nginx-lb")
_SETTINGS = pathlib.Path("/etc/nginx-lb/conf/settings.json")


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run the command in the arguments; the exit status."""
    logging.basicConfig(level=logging.INFO, format="nginx-lb: %(message)s", stream=sys.stderr)
    command, *rest = arguments or ["run"]
    if command == "run" and not rest:
        return _run(environment)
    if command == "control" and not rest:
        return _control(environment)
    if command == "render" and not rest:
        return _render()
    if command == "check" and len(rest) == 1:
        return _check(pathlib.Path(rest[0]), environment)
    if command == "status" and not rest:
        return _request("GET", "/status")
    if command == "accept" and len(rest) <= 1:
        return _request("POST", f"/accept?service={rest[0] if rest else ''}")
    sys.stderr.write(_HELP)
    return _USAGE


def _run(environment: Mapping[str, str]) -> int:
    """The container's first process; what it runs is below."""
    paths = _paths(pathlib.Path(Paths.run))
    for output in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.set_blocking(output, False)
    logs = [
        LogFile(pathlib.Path(paths.access_log), sys.stdout.fileno()),
        LogFile(pathlib.Path(paths.error_log), sys.stderr.fileno()),
    ]
    command = [sys.executable, "-m", __package__, "control"]
    return Supervisor(command, environment, pathlib.Path(paths.run) / "nginx.pid", logs).run()


def _control(environment: Mapping[str, str]) -> int:
    try:
        base = reader.from_environment(environment)
    except InvalidValue as error:
        logging.getLogger("nginx-lb").error("%s", error)
        return _USAGE
    paths = _paths(pathlib.Path(Paths.run))
    path = pathlib.Path(environment.get("NGINX_LB_SETTINGS") or _SETTINGS)
    file = SettingsFile(path, _VOLUME / "settings.json", base)
    return ControlProcess(file, _VOLUME, paths).run()


def _render() -> int:
    """Print the configuration that nginx uses."""
    try:
        print((pathlib.Path(Paths.run) / "nginx.conf").read_text(encoding="utf-8"), end="")
    except OSError as error:
        sys.stderr.write(f"nginx-lb: the balancer has not started: {error}\n")
        return 1
    return 0


def _check(path: pathlib.Path, environment: Mapping[str, str]) -> int:
    """Whether a settings file is valid, including its snippets and certificates."""
    try:
        base = reader.from_environment(environment)
        options = reader.from_text(path.read_text(), base)
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            text = render(options, routing.plan(options, {}, {}), _paths(folder))
            Nginx(folder).stage(text)
    except (OSError, InvalidValue, Refused) as error:
        sys.stderr.write(f"nginx-lb: {error}\n")
        return 1
    return 0


def _paths(run: pathlib.Path) -> Paths:
    """The folders below `run`, which are made where they are missing."""
    for folder, mode in ((run, 0o755), (run / "temp", 0o755), (run / "log", 0o755)):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    # Only root asks nginx to use other instances.
    (run / "control").mkdir(exist_ok=True)
    (run / "control").chmod(0o700)
    # Only root can run workers as another user.
    user = Paths.user if os.geteuid() == 0 else ""
    return Paths(run=str(run), user=user, ipv6=pathlib.Path("/proc/net/if_inet6").exists())


def _request(method: str, path: str) -> int:
    """Send a request to the balancer that runs in this container, and print its answer."""
    try:
        _status, body = unix_http.request(f"{Paths.run}/control.sock", method, path, 15.0)
        answer = json.loads(body)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"nginx-lb: the balancer does not answer: {error}\n")
        return 1
    print(json.dumps(answer, indent=2))
    return 0


sys.exit(main(sys.argv[1:], os.environ))
