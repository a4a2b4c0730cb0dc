"""The role and the image validate alike, though each has rules of its own."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from nginx_lb.settings import model, reader, validation
from nginx_lb.settings.validation import InvalidValue

ROLE = pathlib.Path(__file__).resolve().parents[4] / "roles" / "nginx_lb"
VARIABLES: dict[str, str] = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
SPECS: dict[str, Any] = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
OPTIONS: dict[str, Any] = SPECS["argument_specs"]["main"]["options"]
_WORDS = [
    *(
        "web",
        "my-web_1",
        "-web",
        "web.one",
        "a b",
        "a;b",
        "a\n",
        "",
        "n" * 128,
        "n" * 129,
        "ä",
        "{{a}}",
    ),
    *(
        "shop.example",
        "*.example.org",
        "*",
        "a..b",
        "-a.example",
        "a-.example",
        "h" * 64,
        "A.Example",
    ),
    *("a." * 127 + "a", "a." * 126 + "a", "_", "a_b.example", "~a", "a.example."),
    *(
        "/",
        "/shop",
        "/shop/",
        "/a/b.c~d",
        "/..",
        "/a/../b",
        "/a/./b",
        "//",
        "/a//b",
        "/a b",
        "shop",
    ),
    *("/" + "a" * 511, "/" + "a" * 128, "/" + "a" * 129, "/a?b", "/.well-known/x", "/..a"),
    *("500ms", "30s", "2m", "1h", "1d", "s", "1 s", "10", "10m", "10k", "10K", "10x", "0"),
    *("client_address", "uri", "host", "header:X-User", "header:a_b", "cookie:a_b", "cookie:a-b"),
    *("header:", "X-Forwarded-For", "X_Y", "9a", "a=b:c/d", "lb.host"),
]


@pytest.mark.parametrize("word", _WORDS, ids=ascii)
@pytest.mark.parametrize(
    ("variable", "check"),
    [
        ("name", validation.name),
        ("tag", validation.tag),
        ("host", validation.host),
        ("path", validation.path),
        ("duration", validation.duration),
        ("size", validation.size),
        ("hash", validation.hash_key),
        ("header", validation.header),
        ("certificate", reader.certificate_name),
    ],
)
def test_the_role_refuses_what_the_image_would(
    variable: str, check: Callable[[Any], Any], word: str
) -> None:
    """And nothing else."""
    try:
        check(word)
        taken = True
    except InvalidValue:
        taken = False
    assert bool(re.match(VARIABLES[f"__nginx_lb_{variable}"], word)) is taken


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("nginx_lb_balance", model.BALANCES),
        ("nginx_lb_retry_on", model.RETRY_ON),
    ],
)
def test_both_know_the_same_choices(option: str, choices: tuple[str, ...]) -> None:
    """In the same order."""
    assert tuple(OPTIONS[option]["choices"]) == choices


def test_the_roles_defaults_are_the_images() -> None:
    """A balancer is the same whether the role or the environment alone describes it."""
    defaults = model.Settings()
    tuning = {
        key: value for key, value in vars(defaults.defaults).items() if key not in ("hash_key",)
    }
    said = {key: OPTIONS[f"nginx_lb_{key}"]["default"] for key in tuning}
    assert {**said, "retry_on": tuple(said["retry_on"])} == tuning
    for key in (
        *("port", "gzip", "real_ip_header", "health_path", "access_log", "worker_connections"),
        *("keepalive_timeout", "client_timeout", "shutdown_timeout"),
        *("status_address", "status_port", "backend_header", "hsts", "connections_per_client"),
    ):
        assert OPTIONS[f"nginx_lb_{key}"]["default"] == getattr(defaults, key), key
    for group in ("guard", "reload"):
        for key, value in vars(getattr(defaults, group)).items():
            assert OPTIONS[f"nginx_lb_{group}_{key}"]["default"] == value, key
