"""The proxy's settings from its environment."""

from __future__ import annotations

import pytest
from docker_socket_proxy.settings import InvalidSetting, Settings, settings_from


def test_settings_have_defaults() -> None:
    """The image's own paths, for an empty variable too."""
    assert settings_from({"SOCKET_PROXY_MODE": "", "SOCKET_PROXY_LISTEN": ""}) == Settings(
        "/run/docker-socket-proxy/docker.sock", 0o660, "/var/run/docker.sock"
    )


def test_settings_are_read() -> None:
    """A socket may be named as DOCKER_HOST names it."""
    environment = {
        "SOCKET_PROXY_LISTEN": "/a/b.sock",
        "SOCKET_PROXY_MODE": "600",
        "SOCKET_PROXY_ENGINE": "unix:///c.sock",
    }
    assert settings_from(environment) == Settings("/a/b.sock", 0o600, "/c.sock")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("SOCKET_PROXY_MODE", value) for value in ("66", "0888", "01777", "rw", "0o660")),
        *(
            ("SOCKET_PROXY_ENGINE", value)
            for value in ("tcp://a:1", "run/a", "/a/", "/" + "a" * 100)
        ),
        ("SOCKET_PROXY_LISTEN", "/var/run/docker.sock"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(name: str, value: str) -> None:
    """Before anything listens."""
    with pytest.raises(InvalidSetting, match=name):
        settings_from({name: value})
