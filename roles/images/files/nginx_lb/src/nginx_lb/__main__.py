"""The command line: `run` the balancer, `check` settings, `status`, or `accept` held losses."""

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
from .app import Daemon
from .nginx.configuration import Paths, render
from .nginx.process import Nginx, Refused
from .settings import reader
from .settings.file import SettingsFile
from .settings.validation import InvalidValue

# EX_USAGE of sysexits.h: the settings are invalid, and a restart would not change that.
_USAGE = 64
_HELP = "usage: nginx-lb run | check FILE | status | accept [SERVICE]\n"
_VOLUME = pathlib.Path("/var/lib/nginx-lb")
_SETTINGS = pathlib.Path("/etc/nginx-lb/conf/settings.json")


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run the command in the arguments; the exit status."""
    logging.basicConfig(level=logging.INFO, format="nginx-lb: %(message)s", stream=sys.stderr)
    command, *rest = arguments or ["run"]
    if command == "run" and not rest:
        return _run(environment)
    if command == "check" and len(rest) == 1:
        return _check(pathlib.Path(rest[0]), environment)
    if command == "status" and not rest:
        return _request("GET", "/status")
    if command == "accept" and len(rest) <= 1:
        return _request("POST", f"/accept?service={rest[0] if rest else ''}")
    sys.stderr.write(_HELP)
    return _USAGE


def _run(environment: Mapping[str, str]) -> int:
    try:
        base = reader.from_environment(environment)
    except InvalidValue as error:
        logging.getLogger("nginx-lb").error("%s", error)
        return _USAGE
    paths = _paths(pathlib.Path(Paths.run))
    path = pathlib.Path(environment.get("NGINX_LB_SETTINGS") or _SETTINGS)
    return Daemon(SettingsFile(path, _VOLUME / "settings.json", base), _VOLUME, paths).run()


def _check(path: pathlib.Path, environment: Mapping[str, str]) -> int:
    """Whether a settings file is valid, including its snippets and certificates."""
    try:
        base = reader.from_environment(environment)
        options = reader.from_text(path.read_text(), base)
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            text = render(options, routing.plan(options, {}, {}), _paths(folder))
            Nginx(folder, folder).stage(text)
    except (OSError, InvalidValue, Refused) as error:
        sys.stderr.write(f"nginx-lb: {error}\n")
        return 1
    return 0


def _paths(run: pathlib.Path) -> Paths:
    (run / "temp").mkdir(parents=True, exist_ok=True)
    run.chmod(0o755)
    # Only root can run workers as another user.
    return Paths(run=str(run), user=Paths.user if os.geteuid() == 0 else "")


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
