"""Inputs of the roles that will not do, and a part of the sentence that says so."""

from __future__ import annotations

from typing import Any

Case = tuple[dict[str, Any], str]

# {role} stands for the role's name.
_COMMON: tuple[Case, ...] = (
    ({"service": "a b"}, 'Among the service names of {role}, "a b" will not do'),
    ({"services": [{"name": "web", "hosts": ["a;b"]}]}, '"a;b" will not do: write a name such'),
    ({"services": [{"name": "web", "path": "/../x"}]}, "Among the paths of {role}"),
    ({"services": [{"name": "a"}, {"name": "b"}]}, "want every host /: give each host and path"),
    ({"networks": ["everywhere"]}, '"everywhere" will not do'),
    ({"status_port": 80, "port": 80}, "are not all different"),
    ({"balance": "best"}, "value of {role}_balance must be one of"),
    ({"services": [{"hosts": []}]}, "missing required arguments: name found in {role}_services"),
    ({"services": [{"name": "web", "pth": "/"}]}, "pth"),
)
_NGINX: tuple[Case, ...] = (
    ({"connect_timeout": "soon"}, '"soon" will not do: write a number with ms, s, m or h'),
    ({"guard_max_drop": 2}, "nginx_lb_guard_max_drop 2 is no share"),
)
_HAPROXY: tuple[Case, ...] = (
    ({"service": "web\n  bind :1"}, "Among the service names of haproxy_lb"),
    ({"service": "a.b"}, '"a.b" will not do: write at most 62 letters'),
    ({"services": [{"name": "web", "tag": "a\nb"}]}, "Among the tags of haproxy_lb"),
    (
        {"services": [{"name": "web"}, {"name": "WEB", "path": "/x"}]},
        "names web twice: give all hosts to one entry",
    ),
    ({"timeout_connect": "soon"}, '"soon" will not do: write a number with ms, s or m'),
    ({"consul_dns": "localhost:8600"}, '"localhost:8600" will not do: write an IP address'),
    ({"kv_prefix": 'a" ]]'}, "Among the prefixes of keys of haproxy_lb"),
    ({"slots": 0}, '"0" will not do: write a number from 1 to 1000'),
    ({"port": 70000}, '"70000" will not do'),
)
ROLES = {"nginx_lb": _COMMON + _NGINX, "haproxy_lb": _COMMON + _HAPROXY}


def wrong(role: str) -> list[Case]:
    """The inputs that will not do for this role, each with the sentence."""
    return [(inputs, sentence.format(role=role)) for inputs, sentence in ROLES[role]]
