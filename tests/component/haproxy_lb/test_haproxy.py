"""What HAProxy's program makes of HAProxy's processes and sockets."""

from __future__ import annotations

import os
import pathlib
import socket

import pytest
from haproxy_lb import haproxy

REFUSED = """\
[NOTICE]   (9) : haproxy version is 3.0.11
[WARNING]  (9) : config : a warning
  of two lines
[ALERT]    (9) : config : parsing [30-balancer.cfg:50] : 'bind' in section 'frontend' :
  'crt-list' : error processing line 1 in file 'certificates/list' : inconsistencies
[ALERT]    (9) : config : Error(s) found in configuration file : 30-balancer.cfg
"""


def program(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Make a script the program `haproxy`."""
    path = folder / "haproxy"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_refusal_has_all_lines_of_the_alert(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason may stand in the second line; warnings and versions are no reasons."""
    program(tmp_path, monkeypatch, f"cat >&2 <<'END'\n{REFUSED}END\nexit 1")
    with pytest.raises(haproxy.Refused) as refused:
        haproxy.check(tmp_path)
    assert "'certificates/list' : inconsistencies" in str(refused.value)
    assert "warning" not in str(refused.value)
    assert "version" not in str(refused.value)


def test_a_check_that_was_killed_says_so(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel kills where memory is short, and HAProxy says nothing."""
    program(tmp_path, monkeypatch, "kill -9 $$")
    with pytest.raises(haproxy.Refused, match="ended by signal 9"):
        haproxy.check(tmp_path)


@pytest.mark.parametrize("there", [True, False])
def test_the_configuration_is_told_whether_there_is_ipv6(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """By a variable, which is not there on a host without."""

    def bind(_probe: socket.socket, _address: tuple[str, int]) -> None:
        if not there:
            raise OSError("Address family not supported by protocol")

    monkeypatch.setattr(socket.socket, "bind", bind)
    program(tmp_path, monkeypatch, f'echo "$HAPROXY_LB_IPV6" > {tmp_path}/said')
    haproxy.check(tmp_path)
    assert (tmp_path / "said").read_text().strip() == ("1" if there else "")


def test_who_listens_answers(tmp_path: pathlib.Path) -> None:
    """A socket that is not there, or that nobody listens at, is no answer."""
    path = tmp_path / "master.sock"
    assert not haproxy.answers(path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        assert not haproxy.answers(path)
        listening.listen()
        assert haproxy.answers(path)
