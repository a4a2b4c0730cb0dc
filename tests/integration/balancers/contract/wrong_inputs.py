"""Invalid inputs of the roles, and a part of the error message for each."""

from __future__ import annotations

from typing import Any

Case = tuple[dict[str, Any], str]

_CERTIFICATE = {"name": "main", "certificate": "c", "key": "k"}
# {role} stands for the role's name.
_COMMON: tuple[Case, ...] = (
    ({"service": "a b"}, 'Invalid service names of {role}: "a b"'),
    ({"services": [{"name": "web", "hosts": ["a;b"]}]}, '"a;b" (expected: a name such'),
    ({"services": [{"name": "web", "path": "/../x"}]}, "Invalid paths of {role}"),
    ({"services": [{"name": "a"}, {"name": "b"}]}, "claim every host /: assign each host and path"),
    ({"networks": ["everywhere"]}, '"everywhere"'),
    ({"real_ip_from": ["proxies"]}, 'Invalid networks of {role}: "proxies"'),
    ({"real_ip_header": "X For"}, 'Invalid header names of {role}: "X For"'),
    (
        {"certificates": [{**_CERTIFICATE, "name": "../x"}]},
        'Invalid certificate names of {role}: "../x"',
    ),
    ({"certificates": [_CERTIFICATE], "tls_port": 80, "port": 80}, "are not all different"),
    ({"status_port": 80, "port": 80}, "are not all different"),
    ({"balance": "best"}, "value of {role}_balance must be one of"),
    ({"services": [{"hosts": []}]}, "missing required arguments: name found in {role}_services"),
    ({"services": [{"name": "web", "pth": "/"}]}, "pth"),
    ({"port": 70000}, '"70000"'),
    ({"tls_port": 0}, '"0"'),
    ({"service_name": "a b"}, 'Invalid service names of {role}: "a b"'),
    ({"service_check_interval": "soon"}, '"soon" (expected: a number with ms, s'),
    ({"service": "Shop", "service_name": "shop"}, "would send requests to itself"),
    ({"services": [{"name": "shop"}], "service_name": "shop"}, "would send requests to itself"),
)
_NGINX: tuple[Case, ...] = (
    ({"connect_timeout": "soon"}, '"soon" (expected: a number with ms, s, m or h'),
    (
        {"services": [{"name": "web", "verify_path": "/whoami"}]},
        "Service web of nginx_lb_services needs both verify_path and verify_text",
    ),
    ({"guard_max_drop": 2}, "nginx_lb_guard_max_drop 2 is not a number"),
)
_HAPROXY: tuple[Case, ...] = (
    ({"service": "web\n  bind :1"}, "Invalid service names of haproxy_lb"),
    ({"service": "a.b"}, '"a.b" (expected: at most 62 letters'),
    ({"services": [{"name": "web", "tag": "a\nb"}]}, "Invalid tags of haproxy_lb"),
    (
        {"services": [{"name": "web"}, {"name": "WEB", "path": "/x"}]},
        "lists web twice: put all hosts into one entry",
    ),
    ({"timeout_connect": "soon"}, '"soon" (expected: a number with ms, s or m'),
    ({"consul_dns": "localhost:8600"}, '"localhost:8600" (expected: an IP address'),
    ({"kv_prefix": 'a" ]]'}, "Invalid prefixes of keys of haproxy_lb"),
    ({"hsts": -1}, 'Invalid seconds of HSTS of haproxy_lb: "-1"'),
    ({"slots": 0}, '"0" (expected: a number from 1 to 1000'),
    ({"certificates": [_CERTIFICATE, _CERTIFICATE]}, "the same name among main, main: give each"),
)
ROLES = {"nginx_lb": _COMMON + _NGINX, "haproxy_lb": _COMMON + _HAPROXY}


def wrong(role: str) -> list[Case]:
    """The invalid inputs of this role, each with a part of its error message."""
    return [(inputs, sentence.format(role=role)) for inputs, sentence in ROLES[role]]
