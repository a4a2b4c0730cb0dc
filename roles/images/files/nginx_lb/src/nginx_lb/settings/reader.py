"""Reads and validates settings from the environment and from the JSON of the settings file. Pure.

The environment alone configures one service at /; the settings file configures everything.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rollcall_common.json_text import decoded

from . import validation
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
    Verification,
)
from .validation import InvalidValue

T = TypeVar("T")

_CONSUL = re.compile(r"(?:(https?)://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})")
_REVISION = re.compile(r"[A-Za-z0-9._-]{0,128}")
_CERTIFICATE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings of the environment. InvalidValue where a value is not valid."""
    service = validation.name(environment.get("NGINX_LB_SERVICE") or "my-web-server")
    tuning = Tuning(
        connect_timeout=validation.duration(environment.get("NGINX_LB_CONNECT_TIMEOUT") or "500ms")
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
            validation.network(word)
            for word in (environment.get("NGINX_LB_NETWORKS") or "").split(",")
            if word
        ),
    )


def from_text(text: str, base: Settings) -> Settings:
    """The settings of a file's JSON, with `base` as defaults. InvalidValue for invalid ones."""
    try:
        values = decoded(text)
    except ValueError as error:
        raise InvalidValue(f"settings: not valid JSON: {error}") from None
    return from_values(values, base)


def from_values(values: Any, base: Settings) -> Settings:
    """The settings of a mapping, with `base` as defaults."""
    reader = _MappingReader(values, "settings")
    defaults = reader.optional(
        "defaults", lambda value: _tuning(value, base.defaults), base.defaults
    )
    discover = reader.optional("discover", _discover, None)
    services = reader.items("services", lambda value: _service(value, defaults))
    if not services and discover is None:
        services = tuple(dataclasses.replace(each, tuning=defaults) for each in base.services)
    found = Settings(
        revision=reader.optional("revision", _revision, ""),
        services=services,
        discover=discover,
        defaults=defaults,
        port=reader.optional("port", validation.port, base.port),
        tls=reader.optional("tls", _tls, None),
        gzip=reader.optional("gzip", validation.flag, False),
        real_ip_from=reader.items("real_ip_from", validation.network),
        real_ip_header=reader.optional("real_ip_header", validation.header, base.real_ip_header),
        http_snippet=reader.optional("http_snippet", validation.text, ""),
        server_snippet=reader.optional("server_snippet", validation.text, ""),
        health_path=reader.optional("health_path", validation.path, base.health_path),
        access_log=reader.optional("access_log", validation.flag, base.access_log),
        backend_header=reader.optional("backend_header", validation.flag, base.backend_header),
        hsts=reader.optional("hsts", _age, 0),
        connections_per_client=reader.optional("connections_per_client", _count, 0),
        status_address=reader.optional("status_address", _literal, base.status_address),
        status_port=reader.optional("status_port", _port_or_none, base.status_port),
        networks=reader.items("networks", validation.network, base.networks),
        consul=reader.optional("consul", lambda value: _consul(value, base.consul), base.consul),
        guard=reader.optional("guard", _guard, base.guard),
        reload=reader.optional("reload", _reload, base.reload),
        worker_connections=reader.optional("worker_connections", _count, base.worker_connections),
        keepalive_timeout=reader.optional("keepalive_timeout", validation.duration, "60s"),
        client_timeout=reader.optional("client_timeout", validation.duration, "10s"),
        shutdown_timeout=reader.optional("shutdown_timeout", validation.duration, "30s"),
    )
    reader.reject_unknown()
    _reject_conflicts(found)
    return found


def _reject_conflicts(found: Settings) -> None:
    """InvalidValue where two settings conflict."""
    ports = [found.port, *([found.tls.port] if found.tls else [])]
    if len(set(ports)) < len(ports):
        raise InvalidValue(f"settings.tls.port: {found.port} is already the HTTP port")
    if found.status_port in ports:
        raise InvalidValue(f"settings.status_port: {found.status_port} is already a public port")
    claimed: dict[tuple[str, str], str] = {}
    for service in found.services:
        for host in service.hosts or ("",):
            holder = claimed.setdefault((host, service.path), service.name)
            if holder != service.name:
                where = f"{host or 'every host'} {service.path}"
                raise InvalidValue(
                    f"settings.services: {holder} and {service.name} both claim {where}"
                )


def _service(value: Any, defaults: Tuning) -> Service:
    reader = _MappingReader(value, "service")
    found = Service(
        name=reader.required("name", validation.name),
        hosts=reader.items("hosts", validation.host),
        path=reader.optional("path", validation.path, "/"),
        strip_path=reader.optional("strip_path", validation.flag, False),
        tag=reader.optional("tag", validation.tag, ""),
        snippet=reader.optional("snippet", validation.text, ""),
        verification=_verification(reader),
        tuning=_tuned(reader, defaults),
    )
    reader.reject_unknown()
    return found


def _verification(reader: _MappingReader) -> Verification:
    found = Verification(
        reader.optional("verify_path", validation.path, ""),
        reader.optional("verify_text", validation.text, ""),
    )
    if bool(found.path) is not bool(found.text):
        raise InvalidValue("service.verify_path and service.verify_text need each other")
    return found


def _tuning(value: Any, defaults: Tuning) -> Tuning:
    reader = _MappingReader(value, "defaults")
    found = _tuned(reader, defaults)
    reader.reject_unknown()
    return found


def _tuned(reader: _MappingReader, old: Tuning) -> Tuning:
    return Tuning(
        balance=reader.optional("balance", _balance, old.balance),
        hash_key=reader.optional("hash_key", validation.hash_key, old.hash_key),
        weights=reader.optional("weights", validation.flag, old.weights),
        keepalive=reader.optional("keepalive", _count, old.keepalive),
        connect_timeout=reader.optional(
            "connect_timeout", validation.duration, old.connect_timeout
        ),
        read_timeout=reader.optional("read_timeout", validation.duration, old.read_timeout),
        send_timeout=reader.optional("send_timeout", validation.duration, old.send_timeout),
        retry_on=reader.items("retry_on", _retry, old.retry_on),
        tries=reader.optional("tries", _tries, old.tries),
        tries_timeout=reader.optional("tries_timeout", validation.duration, old.tries_timeout),
        fail_timeout=reader.optional("fail_timeout", validation.duration, old.fail_timeout),
        max_body=reader.optional("max_body", validation.size, old.max_body),
        buffering=reader.optional("buffering", validation.flag, old.buffering),
    )


def _balance(value: Any) -> str:
    return validation.choice(value, BALANCES)


def _retry(value: Any) -> str:
    return validation.choice(value, RETRY_ON)


def _count(value: Any) -> int:
    return validation.integer(value, 0, 65535, "a count")


def _age(value: Any) -> int:
    return validation.integer(value, 0, 2**31 - 1, "seconds")


def _tries(value: Any) -> int:
    return validation.integer(value, 1, 100, "tries")


def _port_or_none(value: Any) -> int:
    return validation.integer(value, 0, 65535, "a port")


def _literal(value: Any) -> str:
    return str(validation.address(value))


def _seconds(value: Any) -> float:
    return validation.number(value, 0, 86400, "seconds")


def _discover(value: Any) -> Discover:
    reader = _MappingReader(value, "discover")
    found = Discover(
        reader.optional("tag", validation.tag, "lb"), reader.items("hosts", validation.host)
    )
    reader.reject_unknown()
    return found


def _tls(value: Any) -> Tls:
    reader = _MappingReader(value, "tls")
    found = Tls(
        port=reader.optional("port", validation.port, 443),
        certificates=reader.items("certificates", _certificate),
        redirect=reader.optional("redirect", validation.flag, False),
    )
    reader.reject_unknown()
    if not found.certificates:
        raise InvalidValue("tls.certificates: TLS needs at least one")
    return found


def _certificate(value: Any) -> Certificate:
    reader = _MappingReader(value, "certificate")
    found = Certificate(
        name=reader.required("name", certificate_name), hosts=reader.items("hosts", validation.host)
    )
    reader.reject_unknown()
    return found


def _revision(value: Any) -> str:
    if not isinstance(value, str) or not _REVISION.fullmatch(value):
        raise InvalidValue(f"{validation.quoted(value)} is not a revision: letters, digits, . _ -")
    return value


def certificate_name(value: Any) -> str:
    """The name of a certificate, which is also the name of its files."""
    if not isinstance(value, str) or not _CERTIFICATE.fullmatch(value):
        raise InvalidValue(f"{validation.quoted(value)} is not a certificate name: a-z, 0-9, . _ -")
    return value


def _consul(value: Any, old: Consul) -> Consul:
    reader = _MappingReader(value, "consul")
    address = reader.optional("address", _consul_address, old)
    found = dataclasses.replace(
        address,
        token_file=reader.optional("token_file", validation.text, old.token_file),
        ca_file=reader.optional("ca_file", validation.text, old.ca_file),
    )
    reader.reject_unknown()
    return found


def _consul_address(value: Any) -> Consul:
    matched = _CONSUL.fullmatch(value) if isinstance(value, str) else None
    if not matched:
        raise InvalidValue(f"{validation.quoted(value)} is not an address such as 127.0.0.1:8500")
    return Consul(matched[2], validation.port(int(matched[3])), matched[1] or "http")


def _guard(value: Any) -> Guard:
    reader = _MappingReader(value, "guard")
    found = Guard(
        max_drop=reader.optional(
            "max_drop", lambda share: validation.number(share, 0, 1, "a share"), Guard.max_drop
        ),
        confirm_seconds=reader.optional("confirm_seconds", _seconds, Guard.confirm_seconds),
        max_hold_seconds=reader.optional("max_hold_seconds", _seconds, Guard.max_hold_seconds),
    )
    reader.reject_unknown()
    return found


def _reload(value: Any) -> Reload:
    reader = _MappingReader(value, "reload")
    found = Reload(
        min_interval=reader.optional("min_interval", _seconds, Reload.min_interval),
        burst_interval=reader.optional("burst_interval", _seconds, Reload.burst_interval),
    )
    reader.reject_unknown()
    return found


def _decimal(value: str, what: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise InvalidValue(f"{what}={value} is not a port")
    return int(value)


class _MappingReader:
    """Reads one mapping key by key; `where` names the mapping in error messages."""

    def __init__(self, values: Any, where: str) -> None:
        """InvalidValue unless `values` is a mapping."""
        if not isinstance(values, Mapping):
            raise InvalidValue(f"{where}: {validation.quoted(values)} is not a mapping")
        self._values = values
        self._where = where
        self._known: set[str] = set()

    def optional(self, key: str, convert: Callable[[Any], T], default: T) -> T:
        """The converted value, the default where the key is missing or null."""
        self._known.add(key)
        value = self._values.get(key)
        return default if value is None else _converted(value, convert, f"{self._where}.{key}")

    def required(self, key: str, convert: Callable[[Any], T]) -> T:
        """The converted value; InvalidValue where the key is missing."""
        self._known.add(key)
        value = self._values.get(key)
        if value is None:
            raise InvalidValue(f"{self._where}.{key} is missing")
        return _converted(value, convert, f"{self._where}.{key}")

    def items(
        self, key: str, convert: Callable[[Any], T], default: tuple[T, ...] = ()
    ) -> tuple[T, ...]:
        """The converted elements of a list, the default where the key is missing or null."""
        self._known.add(key)
        values = self._values.get(key)
        if values is None:
            return default
        if not isinstance(values, list):
            raise InvalidValue(f"{self._where}.{key}: {validation.quoted(values)} is not a list")
        return tuple(
            _converted(value, convert, f"{self._where}.{key}[{number}]")
            for number, value in enumerate(values)
        )

    def reject_unknown(self) -> None:
        """InvalidValue for a key that no caller has read, with the closest known key."""
        for key in self._values:
            if key not in self._known:
                nearest = difflib.get_close_matches(str(key), self._known, n=1)
                hint = f"; did you mean {nearest[0]}?" if nearest else ""
                raise InvalidValue(
                    f"{self._where}: {validation.quoted(key)} is not a setting{hint}"
                )


def _converted(value: Any, convert: Callable[[Any], T], where: str) -> T:
    try:
        return convert(value)
    except InvalidValue as error:
        raise InvalidValue(f"{where}: {error}") from None
