# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of `preflight` on the controller: validates the inventory, then runs the module."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.plugins.action import ActionBase
from ansible_collections.rollcall.discovery.plugins.module_utils._preflight.inventory import (
    BALANCERS,
    DECIDING,
    SERVICES,
    UNIQUE,
    HostView,
    balancer_problem,
    bootstrap_problem,
    conflicts,
    count_problem,
    registry_problem,
    server_warning,
    service_conflicts,
    unknown_variables,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._preflight.needs import (
    Needs,
    needs_of,
    port_conflicts,
)

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every string

    def trust_as_template(value: str) -> str:
        """Mark a text as a template."""
        return value


ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"
Options = dict[str, dict[str, t.Any]]


class ActionModule(ActionBase):
    """Validates the inventory; the module of the same name checks the host."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Fail with all problems, or return the result of the module."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        members = self._task.args.get("members")
        if not isinstance(members, dict):
            raise AnsibleError("preflight: 'members' must map each role to the list of its hosts")
        specs = {role: _options(role) for role in members}
        name = variables["inventory_hostname"]
        prefixes = tuple(f"{role}_" for role in members)
        own = [key for key in variables if key.startswith(prefixes)]
        host = self._view(name, members, variables, own)
        first = variables["ansible_play_hosts_all"][0] == name
        servers = len(members.get("consul_server", ()))
        problems = [
            *(self._inventory_problems(members, variables, specs) if first else ()),
            *unknown_variables(host.variables, specs),
        ]
        validated = {role: _validated(host, specs[role]) for role in sorted(host.roles)}
        problems += [text for result in validated.values() for text in result.error_messages]
        # The requirements can be derived only from variables of valid types.
        needs = [] if problems else self._needs(validated)
        problems += port_conflicts(needs)
        if needs and "consul_server" in validated:
            value = self._lookup("consul_server", validated["consul_server"])
            problems += bootstrap_problem(servers, int(value("consul_server_bootstrap_expect")))
        if needs and "registrator" in validated:
            value = self._lookup("registrator", validated["registrator"])
            profile, uri = (
                str(value(f"registrator_{name}")) for name in ("profile", "registry_uri")
            )
            problems += registry_problem(profile, uri)
        for role in BALANCERS:
            if needs and role in validated:
                problems += balancer_problem(role, self._lookup(role, validated[role]))
        if problems:
            message = "Nothing was changed. " + "; ".join(problems)
            return {**result, "failed": True, "msg": message, "problems": problems}
        arguments = {**self._task.args, "needs": [dataclasses.asdict(need) for need in needs]}
        result.update(self._execute_module(module_args=arguments, task_vars=variables))
        warning = server_warning(servers)
        if warning and first:
            result["warnings"] = [*result.get("warnings", []), warning]
        return result

    def _inventory_problems(
        self, members: dict[str, list[str]], variables: dict[str, t.Any], specs: dict[str, Options]
    ) -> list[str]:
        """Problems between hosts, reported once by the first host of the play."""
        hostvars = variables["hostvars"]
        compared = [
            *("ansible_host", "ansible_port"),
            *(key for keys in UNIQUE.values() for key in keys),
            *(*SERVICES.values(), *DECIDING),
        ]
        hosts = [
            self._view(name, members, {**hostvars.raw_get(name), "hostvars": hostvars}, compared)
            for name in sorted({name for names in members.values() for name in names})
        ]
        servers = members.get("consul_server")
        defaults = {
            key: specs[role][key].get("default") for role, key in SERVICES.items() if role in specs
        }
        return [
            *(count_problem(len(servers)) if servers is not None else ()),
            *conflicts(hosts),
            *service_conflicts(hosts, defaults),
        ]

    def _view(
        self,
        name: str,
        members: dict[str, list[str]],
        variables: dict[str, t.Any],
        keys: t.Iterable[str],
    ) -> HostView:
        """One host with its roles and the values of some of its variables."""
        templar = self._templar.copy_with_new_env(available_variables=variables)
        values = {}
        for key in keys:
            if key in variables:
                try:
                    values[key] = templar.template(variables[key])
                except AnsibleError as error:
                    raise AnsibleError(f"{name}: variable {key} has no value: {error}") from error
        roles = frozenset(role for role, hosts in members.items() if name in hosts)
        return HostView(name, roles, values)

    def _needs(self, validated: dict[str, ValidationResult]) -> list[Needs]:
        """The requirements of the host's roles."""
        return [needs_of(role, self._lookup(role, result)) for role, result in validated.items()]

    def _lookup(self, role: str, validated: ValidationResult) -> t.Callable[[str], t.Any]:
        """Look up a variable as the role will see it: converted to its type, or its default."""
        path = ROLES / role / "defaults" / "main.yml"
        defaults = yaml.safe_load(path.read_text()) if path.exists() else {}

        def value(name: str) -> t.Any:
            given = validated.validated_parameters.get(name)
            default = defaults.get(name)
            if given is None and isinstance(default, str):
                return self._templar.template(trust_as_template(default))
            return given

        return value


def _options(role: str) -> Options:
    """The options of a role's main entry point."""
    document = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text())
    options: Options = document["argument_specs"]["main"]["options"]
    return options


def _validated(host: HostView, options: Options) -> ValidationResult:
    """A role's variables by their types, with the defaults that are documented."""
    given = {key: host.variables[key] for key in options if key in host.variables}
    return ArgumentSpecValidator(options).validate(given)
