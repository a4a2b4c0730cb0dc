"""A configuration as a real parser reads it, and every word in it that has no business there."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import crossplane

_SERVICE = r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}(?:\.[0-9]+)?(?:\.no_keepalive)?"
_V4 = r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_PLACE = rf"(?:{_V4}|\[[0-9a-f:]+\]):[0-9]{{1,5}}"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*"
_PATH = r"(?:/|(?:/[A-Za-z0-9._~-]+)+/?)"
# In a string of Lua: the words above have neither quotes nor backslashes.
_SET = r"[A-Za-z0-9._:=/-]+(?:\+even)?"
_METHOD = r'"(?:round_robin|least_conn)", [\d.]+|"hash", [\d.]+, "[a-z_]+"'
_LINE = re.compile(rf"service {_SET}|{_PLACE} \d{{1,5}}")
# What may stand in a block that data has a part in, each directive with its words and its block.
_UPSTREAM = {
    "server": r"0\.0\.0\.1",
    "balancer_by_lua_block": rf' require\("nginx_lb\.live"\)\.balance\("{_SET}", (?:{_METHOD})\) ',
    "keepalive": r"\d+",
    "keepalive_timeout": r"\d+s",
}
_SERVER = {"listen": r"(?:\[::\]:)?\d+(?: ssl)?(?: default_server)?", "server_name": _HOST}
_LOCATION_MATCH = rf"(?:(?:=|\^~) )?{_PATH}"
_LOCATION = {
    "proxy_pass": rf"http://{_SERVICE}\$nginx_lb_no_keepalive(?:\$nginx_lb_uri)?",
    "return": r"404 no [a-z ]+\\n",
    "set": rf"\$nginx_lb_service {_SERVICE}",
    "set_by_lua_block": r"\$nginx_lb_uri  return require\(\"nginx_lb\.uri\"\)\.strip"
    rf'\(ngx\.var\.request_uri, ngx\.var\.uri, "{_PATH}"\) ',
    "log_by_lua_block": r" require\(\"nginx_lb\.live\"\)\.done\(\) ",
}


def parse(text: str, folder: pathlib.Path) -> list[dict[str, Any]]:
    """The blocks of a configuration. ValueError where the parser does not read it."""
    path = folder / "fuzz.conf"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    # It knows the contexts of an older nginx: what belongs where is said below.
    lenient = {"strict": False, "check_ctx": False, "check_args": False}
    found = crossplane.parse(str(path), single=True, **lenient)
    if found["status"] != "ok":
        raise ValueError(str(found["errors"])[:300])
    blocks: list[dict[str, Any]] = found["config"][0]["parsed"]
    return blocks


def strangers(text: str, plain: str, folder: pathlib.Path) -> list[str]:
    """Everything that the grammar does not allow; `plain` is the same without any instance.

    What `plain` holds as well comes from the operator and from us.
    """
    try:
        found, expected = parse(text, folder), parse(plain, folder)
    except ValueError as error:
        return [f"not to be parsed: {error}"]
    http, ours = _one(found, "http"), _one(expected, "http")
    usual = {_words(each) for each in ours if each["directive"] not in ("upstream", "server")}
    problems = [_words(each) for each in found if each["directive"] != "http"]
    problems = [words for words in problems if words not in set(map(_words, expected))]
    for each in http:
        if each["directive"] == "upstream":
            problems += _unfit(each, _SERVICE, _UPSTREAM)
        elif each["directive"] == "server":
            servers = [block for block in ours if block["directive"] == "server"]
            problems += _server(each, servers)
        elif _words(each) not in usual and each["directive"] != "server_names_hash_max_size":
            problems.append(_words(each))
    return problems


def strange_lines(instances: str) -> list[str]:
    """The lines of an instance file that its grammar does not allow."""
    *lines, end = instances.split("\n")[:-1] or [""]
    problems = [line for line in lines if not _LINE.fullmatch(line)]
    return problems if re.fullmatch(r"end \d+", end) else [*problems, end]


def _server(block: Mapping[str, Any], known: Iterable[Mapping[str, Any]]) -> list[str]:
    whole = {_words(each) for server in known for each in server["block"]}
    problems = [_words(block)] if "block" not in block else []
    for each in block.get("block") or ():
        if each["directive"] == "location" and _words(each) not in whole:
            problems += _unfit(each, _LOCATION_MATCH, _LOCATION)
        elif _words(each) not in whole:
            problems += _unfit(each, _SERVER.get(each["directive"]), {})
    return problems


def _unfit(block: Mapping[str, Any], words: str | None, inner: Mapping[str, str]) -> list[str]:
    problems = []
    if words is None or not re.fullmatch(words, " ".join(block["args"])):
        problems.append(_words(block))
    for each in block.get("block") or ():
        allowed = inner.get(each["directive"])
        if allowed is None or not re.fullmatch(allowed, " ".join(each["args"]) + _within(each)):
            problems.append(_words(each))
    return problems


def _one(blocks: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return [each for block in blocks if block["directive"] == name for each in block["block"]]


def _words(block: Mapping[str, Any]) -> str:
    return " ".join([str(block["directive"]), *block["args"]])[:200] + _within(block)[:2000]


def _within(block: Mapping[str, Any]) -> str:
    return "".join(f" {{{_words(each)}}}" for each in block.get("block") or ())
