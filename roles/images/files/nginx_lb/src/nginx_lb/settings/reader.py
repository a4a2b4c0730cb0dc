"""Settings from the environment and from a file's JSON, every word of them checked. Pure.

The environment alone describes one service at /, as it always did; a settings file says the rest.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from . import validation as grammar
from .mapping import Reader
from .model import (
    BALANCES,
    RETRY_ON,
    Certificate,
    Consul,
    Discover,
    Guard,
    Reload,
    Service,
    Settings,
    Tls,
    Tuning,
)
from .validation import Unfit

_CONSUL = re.compile(r"(?:(https?)://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})")
_REVISION = re.compile(r"[A-Za-z0-9._-]{0,128}")
_CERTIFICATE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings that the environment gives. Unfit where a value is none."""
    service = grammar.name(environment.get("NGINX_LB_SERVICE") or "my-web-server")
    tuning = Tuning(
        connect_timeout=grammar.duration(environment.get("NGINX_LB_CONNECT_TIMEOUT") or "500ms")
    )
    consul = dataclasses.replace(
        _consul_address(environment.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"),
        token_file=environment.get("CONSUL_HTTP_TOKEN_FILE") or "",
        ca_file=environment.get("CONSUL_CACERT") or "",
    )
    return Settings(
        port=_decimal(environment.get("NGINX_LB_PORT") or "80", "NGINX_LB_PORT"),
        services=(Service(service, tuning=tuning),),
        defaults=tuning,
        consul=consul,
        status_port=_decimal(environment.get("NGINX_LB_STATUS_PORT") or "8404", "status port"),
        networks=tuple(
            grammar.network(word)
            for word in (environment.get("NGINX_LB_NETWORKS") or "").split(",")
            if word
        ),
    )


def from_text(text: str, base: Settings) -> Settings:
    """The settings of a file's JSON, on top of the environment's. Unfit where it does not fit."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unfit(f"settings: no JSON: {error}") from None
    return from_values(values, base)


def from_values(values: Any, base: Settings) -> Settings:
    """The settings of a mapping, on top of the environment's."""
    reader = Reader(values, "settings")
    defaults = reader.take("defaults", lambda value: _tuning(value, base.defaults), base.defaults)
    discover = reader.take("discover", _discover, None)
    services = reader.each("services", lambda value: _service(value, defaults))
    if not services and discover is None:
        services = tuple(dataclasses.replace(each, tuning=defaults) for each in base.services)
    found = Settings(
        revision=reader.take("revision", _revision, ""),
        services=services,
        discover=discover,
        defaults=defaults,
        port=reader.take("port", grammar.port, base.port),
        tls=reader.take("tls", _tls, None),
        gzip=reader.take("gzip", grammar.flag, False),
        real_ip_from=reader.each("real_ip_from", grammar.network),
        real_ip_header=reader.take("real_ip_header", grammar.header, base.real_ip_header),
        http_snippet=reader.take("http_snippet", grammar.text, ""),
        server_snippet=reader.take("server_snippet", grammar.text, ""),
        health_path=reader.take("health_path", grammar.path, base.health_path),
        access_log=reader.take("access_log", grammar.flag, base.access_log),
        status_address=reader.take("status_address", _literal, base.status_address),
        status_port=reader.take("status_port", _port_or_none, base.status_port),
        networks=reader.each("networks", grammar.network, base.networks),
        consul=reader.take("consul", lambda value: _consul(value, base.consul), base.consul),
        guard=reader.take("guard", _guard, base.guard),
        reload=reader.take("reload", _reload, base.reload),
        worker_connections=reader.take("worker_connections", _count, base.worker_connections),
        keepalive_timeout=reader.take("keepalive_timeout", grammar.duration, "60s"),
        keepalive_min_timeout=reader.take("keepalive_min_timeout", grammar.duration, "5s"),
        shutdown_timeout=reader.take("shutdown_timeout", grammar.duration, "30s"),
    )
    reader.end()
    _demand_consistent(found)
    return found


def _demand_consistent(found: Settings) -> None:
    """Unfit where two settings contradict each other."""
    ports = [found.port, *([found.tls.port] if found.tls else [])]
    if len(set(ports)) < len(ports):
        raise Unfit(f"settings.tls.port: {found.port} is the plain port already")
    if found.status_port in ports:
        raise Unfit(f"settings.status_port: {found.status_port} is a public port already")
    claimed: dict[tuple[str, str], str] = {}
    for service in found.services:
        for host in service.hosts or ("",):
            holder = claimed.setdefault((host, service.path), service.name)
            if holder != service.name:
                where = f"{host or 'every host'} {service.path}"
                raise Unfit(f"settings.services: {holder} and {service.name} both want {where}")


def _service(value: Any, defaults: Tuning) -> Service:
    reader = Reader(value, "service")
    found = Service(
        name=reader.need("name", grammar.name),
        hosts=reader.each("hosts", grammar.host),
        path=reader.take("path", grammar.path, "/"),
        strip_path=reader.take("strip_path", grammar.flag, False),
        tag=reader.take("tag", grammar.tag, ""),
        snippet=reader.take("snippet", grammar.text, ""),
        tuning=_tuned(reader, defaults),
    )
    reader.end()
    return found


def _tuning(value: Any, defaults: Tuning) -> Tuning:
    reader = Reader(value, "defaults")
    found = _tuned(reader, defaults)
    reader.end()
    return found


def _tuned(reader: Reader, old: Tuning) -> Tuning:
    return Tuning(
        balance=reader.take("balance", _balance, old.balance),
        hash_key=reader.take("hash_key", grammar.hash_key, old.hash_key),
        weights=reader.take("weights", grammar.flag, old.weights),
        keepalive=reader.take("keepalive", _count, old.keepalive),
        connect_timeout=reader.take("connect_timeout", grammar.duration, old.connect_timeout),
        read_timeout=reader.take("read_timeout", grammar.duration, old.read_timeout),
        send_timeout=reader.take("send_timeout", grammar.duration, old.send_timeout),
        retry_on=reader.each("retry_on", _retry, old.retry_on),
        tries=reader.take("tries", _tries, old.tries),
        tries_timeout=reader.take("tries_timeout", grammar.duration, old.tries_timeout),
        max_fails=reader.take("max_fails", _count, old.max_fails),
        fail_timeout=reader.take("fail_timeout", grammar.duration, old.fail_timeout),
        max_body=reader.take("max_body", grammar.size, old.max_body),
        buffering=reader.take("buffering", grammar.flag, old.buffering),
    )


def _balance(value: Any) -> str:
    return grammar.choice(value, BALANCES)


def _retry(value: Any) -> str:
    return grammar.choice(value, RETRY_ON)


def _count(value: Any) -> int:
    return grammar.integer(value, 0, 65535, "a count")


def _tries(value: Any) -> int:
    return grammar.integer(value, 1, 100, "tries")


def _port_or_none(value: Any) -> int:
    return grammar.integer(value, 0, 65535, "a port")


def _literal(value: Any) -> str:
    return str(grammar.address(value))


def _seconds(value: Any) -> float:
    return grammar.number(value, 0, 86400, "seconds")


def _discover(value: Any) -> Discover:
    reader = Reader(value, "discover")
    found = Discover(reader.take("tag", grammar.tag, "lb"), reader.each("hosts", grammar.host))
    reader.end()
    return found


def _tls(value: Any) -> Tls:
    reader = Reader(value, "tls")
    found = Tls(
        port=reader.take("port", grammar.port, 443),
        certificates=reader.each("certificates", _certificate),
        redirect=reader.take("redirect", grammar.flag, False),
    )
    reader.end()
    if not found.certificates:
        raise Unfit("tls.certificates: TLS needs at least one")
    return found


def _certificate(value: Any) -> Certificate:
    reader = Reader(value, "certificate")
    found = Certificate(
        name=reader.need("name", certificate_name), hosts=reader.each("hosts", grammar.host)
    )
    reader.end()
    return found


def _revision(value: Any) -> str:
    if not isinstance(value, str) or not _REVISION.fullmatch(value):
        raise Unfit(f"{grammar.quoted(value)} is not a revision: letters, digits, . _ -")
    return value


def certificate_name(value: Any) -> str:
    if not isinstance(value, str) or not _CERTIFICATE.fullmatch(value):
        raise Unfit(f"{grammar.quoted(value)} is not a certificate's name: a-z, 0-9, . _ -")
    return value


def _consul(value: Any, old: Consul) -> Consul:
    reader = Reader(value, "consul")
    place = reader.take("address", _consul_address, old)
    found = dataclasses.replace(
        place,
        token_file=reader.take("token_file", grammar.text, old.token_file),
        ca_file=reader.take("ca_file", grammar.text, old.ca_file),
    )
    reader.end()
    return found


def _consul_address(value: Any) -> Consul:
    matched = _CONSUL.fullmatch(value) if isinstance(value, str) else None
    if not matched:
        raise Unfit(f"{grammar.quoted(value)} is not an address such as 127.0.0.1:8500")
    return Consul(matched[2], grammar.port(int(matched[3])), matched[1] or "http")


def _guard(value: Any) -> Guard:
    reader = Reader(value, "guard")
    found = Guard(
        max_drop=reader.take(
            "max_drop", lambda share: grammar.number(share, 0, 1, "a share"), Guard.max_drop
        ),
        confirm_seconds=reader.take("confirm_seconds", _seconds, Guard.confirm_seconds),
        max_hold_seconds=reader.take("max_hold_seconds", _seconds, Guard.max_hold_seconds),
    )
    reader.end()
    return found


def _reload(value: Any) -> Reload:
    reader = Reader(value, "reload")
    found = Reload(
        calm_seconds=reader.take("calm_seconds", _seconds, Reload.calm_seconds),
        churn_seconds=reader.take("churn_seconds", _seconds, Reload.churn_seconds),
    )
    reader.end()
    return found


def _decimal(value: str, what: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise Unfit(f"{what}={value} is not a port")
    return int(value)
