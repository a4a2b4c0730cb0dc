# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that speaks to a Docker Engine documents."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection to the host's Docker Engine; as `docker.wait`, for what to wait afterwards."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - Where the Docker Engine listens.
    type: str
    default: unix:///var/run/docker.sock
  timeout:
    description:
      - Seconds one request to the engine may take.
    type: int
    default: 60
  virtualenv:
    description:
      - The virtual environment that holds the Docker SDK, used when the target's own Python lacks it.
    type: path
    default: /opt/rollcall/venv
requirements:
  - docker (the SDK) 5.0.3 or later, on the target
"""

    WAIT = r"""
options:
  wait:
    description:
      - What to wait for after starting. V(healthy) means Docker's health check where the image has one.
    type: str
    choices: [none, running, healthy]
    default: running
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 60
"""
