# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the connection to a Docker Engine, for modules."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the connection to a Docker Engine; `docker.wait` has those for waiting."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - URL of the Docker Engine API.
    type: str
    default: unix:///var/run/docker.sock
  timeout:
    description:
      - Timeout of one request to the Docker Engine in seconds.
    type: int
    default: 60
  virtualenv:
    description:
      - Virtual environment with the Docker SDK, used if the Python of the target lacks it.
    type: path
    default: /opt/rollcall/venv
requirements:
  - docker (the SDK) 5.0.3 or later, on the target
"""

    WAIT = r"""
options:
  wait:
    description:
      - Condition to wait for after the start. V(healthy) is the health check of Docker, if the container has one.
    type: str
    choices: [none, running, healthy]
    default: running
  wait_timeout:
    description: Maximum seconds to wait for O(wait).
    type: int
    default: 60
"""
