"""Modules run in this process, as Ansible would run them on a host."""

from __future__ import annotations

import json
import typing as t
from unittest import mock

import pytest
from ansible.module_utils import basic

from .promises import assert_promised


def outcome(
    module: t.Any,
    capsys: pytest.CaptureFixture[str],
    options: t.Mapping[str, t.Any],
    *,
    check: bool = False,
    diff: bool = False,
) -> dict[str, t.Any]:
    """What a module returns, which is what it promises; `failed` tells how its process ended."""
    internal = {"_ansible_check_mode": check, "_ansible_diff": diff}
    with given({**options, **internal}), pytest.raises(SystemExit) as ended:
        module.main()
    found: dict[str, t.Any] = json.loads(capsys.readouterr().out)
    assert bool(found.get("failed")) is (ended.value.code != 0)
    assert_promised(module.__name__.rpartition(".")[2], found)
    return found
