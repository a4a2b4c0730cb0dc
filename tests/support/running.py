"""Modules run in this process, as Ansible would run them on a host."""

from __future__ import annotations

import contextlib
import json
import typing as t
from unittest import mock

import pytest
from ansible.module_utils import basic

from .promises import assert_promised

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core before 2.19

    @contextlib.contextmanager
    def patch_module_args(args: dict[str, t.Any]) -> t.Iterator[None]:
        """Give options to the modules that are made meanwhile."""
        text = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        with mock.patch.object(basic, "_ANSIBLE_ARGS", text):
            yield


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
    with patch_module_args({**options, **internal}), pytest.raises(SystemExit) as ended:
        module.main()
    found: dict[str, t.Any] = json.loads(capsys.readouterr().out)
    assert bool(found.get("failed")) is (ended.value.code != 0)
    assert_promised(module.__name__.rpartition(".")[2], found)
    return found
