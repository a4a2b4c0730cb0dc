# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The argument specifications of the doc fragments `docker`, `docker.wait` and `container`."""

from __future__ import annotations

import typing as t

CONNECTION: dict[str, t.Any] = {
    "docker_host": {"type": "str", "default": "unix:///var/run/docker.sock"},
    "timeout": {"type": "int", "default": 60},
    "virtualenv": {"type": "path", "default": "/opt/rollcall/venv"},
}

WAIT: dict[str, t.Any] = {
    "wait": {"type": "str", "choices": ["none", "running", "healthy"], "default": "running"},
    "wait_timeout": {"type": "int", "default": 60},
}

HEALTHCHECK: dict[str, t.Any] = {
    "test": {"type": "list", "elements": "str", "required": True},
    "interval": {"type": "str"},
    "timeout": {"type": "str"},
    "start_period": {"type": "str"},
    "retries": {"type": "int"},
}

PULL: dict[str, t.Any] = {
    "type": "str",
    "choices": ["missing", "always", "never"],
    "default": "missing",
}

CONTAINER: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "image": {"type": "str", "required": True},
    "pull": PULL,
    "command": {"type": "list", "elements": "str", "default": []},
    "entrypoint": {"type": "list", "elements": "str", "default": []},
    "env": {"type": "dict", "default": {}},
    "labels": {"type": "dict", "default": {}},
    "hostname": {"type": "str"},
    "network_mode": {"type": "str", "default": "bridge"},
    "ports": {"type": "list", "elements": "str", "default": []},
    "exposed_ports": {"type": "list", "elements": "str", "default": []},
    "volumes": {"type": "list", "elements": "str", "default": []},
    "tmpfs": {"type": "list", "elements": "str", "default": []},
    "restart_policy": {
        "type": "str",
        "choices": ["no", "on-failure", "always", "unless-stopped"],
        "default": "unless-stopped",
    },
    "user": {"type": "str"},
    "read_only": {"type": "bool", "default": False},
    "cap_add": {"type": "list", "elements": "str", "default": []},
    "cap_drop": {"type": "list", "elements": "str", "default": []},
    "security_opt": {"type": "list", "elements": "str", "default": []},
    "memory": {"type": "str"},
    "pids_limit": {"type": "int"},
    "stop_signal": {"type": "str"},
    "stop_timeout": {"type": "int"},
    "init": {"type": "bool", "default": False},
    "healthcheck": {"type": "dict", "options": HEALTHCHECK},
}
