"""The doors between rooms: every import is one that the design allows."""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "roles" / "images" / "files"
UTILS = "ansible_collections.rollcall.discovery.plugins.module_utils."
DAEMON = SOURCES / "registrator" / "src" / "registrator"
# Each may use those to its left, never one to its right.
DAEMON_ORDER = (
    *("model", "settings", "grammar", "labels", "places", "checks", "services", "plan", "explain"),
    *("inspection", "backoff", "parallel", "draining", "heartbeat"),
    *("ports", "dry_run", "inbox", "telling", "survey", "exits", "apply", "reconciler", "daemon"),
    *("consul_http", "consul_registry", "consulkv_registry", "docker_source", "address"),
    *("logs", "metrics", "status", "cli", "alive", "__main__"),
)
BALANCER = SOURCES / "nginx_lb" / "src" / "nginx_lb"
# Of these the first know data alone: no file, no network, no clock.
BALANCER_PURE = (
    *("grammar", "reader", "settings", "settings_reader", "snapshot", "guard", "site"),
    *("nginx_conf", "catalog_view", "consul_template", "pace", "generations", "telling"),
)
BALANCER_ORDER = (
    *BALANCER_PURE,
    *("store", "settings_file", "consul_http", "witness", "heartbeat", "nginx", "publisher"),
    *("follower", "catalog_follower", "following", "ledger"),
    *("children", "status_server", "daemon", "__main__"),
)
KEEPER = SOURCES / "haproxy_lb" / "src" / "haproxy_lb"
# The first knows data alone.
KEEPER_ORDER = ("offer", "disk", "haproxy", "run", "__main__")
GATE = SOURCES / "docker_socket_proxy" / "src" / "docker_socket_proxy"
# Of these the first know data alone.
GATE_PURE = ("settings", "heads", "rules", "fields", "answers")
GATE_ORDER = (*GATE_PURE, "telling", "engine", "server", "run", "alive", "__main__")
# What a room may import besides the standard library; a name ending in "." is a prefix.
ROOMS: dict[str, tuple[str, ...]] = {
    "plugins/module_utils/_plan.py": (),
    "plugins/module_utils/_consul/cluster.py": (),
    "plugins/module_utils/_consul/errors.py": (),
    "plugins/module_utils/_consul/leadership.py": (
        UTILS + "_plan",
        *(UTILS + "_consul." + room for room in ("cluster", "errors")),
    ),
    "plugins/module_utils/_consul/hcl.py": (),
    "plugins/module_utils/_consul/security.py": (),
    "plugins/module_utils/_consul/membership.py": (UTILS + "_plan", UTILS + "_consul.cluster"),
    "plugins/module_utils/_consul/acl.py": (UTILS + "_consul.errors",),
    "plugins/module_utils/_consul/acl_plan.py": (
        UTILS + "_plan",
        *(UTILS + "_consul." + room for room in ("acl", "errors")),
    ),
    "plugins/module_utils/_consul/acl_system.py": (UTILS + "_consul.",),
    "plugins/module_utils/_consul/keyring.py": (UTILS + "_plan", UTILS + "_consul.errors"),
    "plugins/module_utils/_consul/keyring_rotation.py": (UTILS + "_consul.",),
    "plugins/module_utils/_consul/patience.py": (UTILS + "_consul.errors",),
    "plugins/module_utils/_consul/text.py": (UTILS + "_consul.errors",),
    "plugins/module_utils/_consul/check.py": (UTILS + "_consul.errors", UTILS + "_consul.text"),
    "plugins/module_utils/_consul/address.py": (UTILS + "_consul.errors", UTILS + "_consul.text"),
    "plugins/module_utils/_consul/instance.py": (),
    "plugins/module_utils/_consul/service.py": tuple(
        UTILS + "_consul." + room for room in ("address", "check", "errors", "text")
    ),
    "plugins/module_utils/_consul/service_plan.py": (
        UTILS + "_plan",
        *(
            UTILS + "_consul." + room
            for room in ("address", "check", "errors", "instance", "service", "text")
        ),
    ),
    "plugins/module_utils/_consul/audit.py": (
        *(UTILS + "_plan", UTILS + "_docker.offers"),
        *(UTILS + "_consul.address", UTILS + "_consul.instance"),
    ),
    "plugins/module_utils/_consul/agent.py": (UTILS + "_consul.",),
    "plugins/module_utils/_consul/survey.py": (UTILS + "_consul.",),
    "plugins/module_utils/_consul/client.py": ("consul", "requests", UTILS + "_consul.errors"),
    "plugins/module_utils/_consul/observe.py": (UTILS + "_consul.",),
    "plugins/module_utils/_consul/overview.py": (UTILS + "_consul.",),
    "plugins/module_utils/_consul/registry.py": (UTILS + "_consul.",),
    "plugins/module_utils/_consul/options.py": (UTILS + "_consul.",),
    "plugins/module_utils/_consul/inventory.py": (UTILS + "_consul.errors",),
    "plugins/module_utils/_consul/roster.py": (UTILS + "_consul.",),
    "plugins/module_utils/_docker/container.py": (UTILS + "_plan",),
    "plugins/module_utils/_docker/registrator.py": (UTILS + "_docker.container",),
    "plugins/module_utils/_docker/converge.py": (UTILS + "_docker.", UTILS + "_plan"),
    "plugins/module_utils/_docker/crowd.py": tuple(
        UTILS + "_docker." + room for room in ("container", "engine")
    ),
    "plugins/module_utils/_docker/engine.py": ("docker", UTILS + "_docker.container"),
    "plugins/module_utils/_docker/offers.py": (),
    "plugins/module_utils/_docker/running.py": (UTILS + "_docker.engine",),
    "plugins/module_utils/_docker/options.py": (),
    "plugins/module_utils/_balancer/status.py": (),
    "plugins/module_utils/_balancer/client.py": (
        *("ansible.module_utils.urls", UTILS + "_balancer.status"),
    ),
    "plugins/module_utils/_preflight/inventory.py": (),
    "plugins/module_utils/_preflight/needs.py": (),
    "plugins/module_utils/_preflight/host.py": (UTILS + "_preflight.needs",),
    "plugins/module_utils/_topology/*.py": (UTILS + "_topology.",),
    "plugins/module_utils/_ending.py": ("ansible.module_utils.",),
    "plugins/module_utils/_library.py": ("ansible.module_utils.",),
    "plugins/modules/*.py": ("ansible.module_utils.", UTILS),
    "plugins/action/*.py": ("ansible.", "yaml", UTILS),
    "plugins/filter/*.py": (
        UTILS + "_topology.",
        *(UTILS + "_consul." + room for room in ("hcl", "security")),
    ),
    "plugins/lookup/*.py": ("ansible.",),
    "plugins/inventory/*.py": ("ansible.", UTILS),
    "plugins/doc_fragments/*.py": (),
}
PURE = (
    "plugins/module_utils/_plan.py",
    "plugins/module_utils/_balancer/status.py",
    "plugins/module_utils/_consul/cluster.py",
    "plugins/module_utils/_consul/errors.py",
    "plugins/module_utils/_consul/leadership.py",
    "plugins/module_utils/_consul/hcl.py",
    "plugins/module_utils/_consul/security.py",
    "plugins/module_utils/_consul/membership.py",
    "plugins/module_utils/_consul/acl.py",
    "plugins/module_utils/_consul/acl_plan.py",
    "plugins/module_utils/_consul/keyring.py",
    "plugins/module_utils/_consul/text.py",
    "plugins/module_utils/_consul/check.py",
    "plugins/module_utils/_consul/address.py",
    "plugins/module_utils/_consul/instance.py",
    "plugins/module_utils/_consul/service.py",
    "plugins/module_utils/_consul/service_plan.py",
    "plugins/module_utils/_docker/container.py",
    "plugins/module_utils/_consul/audit.py",
    "plugins/module_utils/_docker/offers.py",
    "plugins/module_utils/_docker/registrator.py",
    "plugins/module_utils/_preflight/inventory.py",
    "plugins/module_utils/_preflight/needs.py",
    "plugins/module_utils/_topology/*.py",
)
IMPURE_STANDARD = {"http", "os", "pathlib", "requests", "socket", "subprocess", "time", "urllib"}


def imports(path: pathlib.Path) -> Iterator[str]:
    """Every module a file imports, relative ones by their full name."""
    package = ".".join(["ansible_collections.rollcall.discovery", *path.parent.parts])
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package.rsplit(".", node.level - 1)[0]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (f"{base}.{name}" for name in names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def permitted(name: str, allowed: tuple[str, ...]) -> bool:
    """Whether an import is the standard library's or one the room may use."""
    if name.partition(".")[0] in sys.stdlib_module_names:
        return True
    return any(
        name.startswith(door) if door.endswith(".") else (name + ".").startswith(door + ".")
        for door in allowed
    )


def plugin_files() -> list[pathlib.Path]:
    """Every Python file of the plugins that says anything."""
    files = (path.relative_to(ROOT) for path in (ROOT / "plugins").rglob("*.py"))
    return sorted(path for path in files if (ROOT / path).stat().st_size)


@pytest.mark.parametrize("path", plugin_files(), ids=str)
def test_a_plugin_uses_only_its_doors(path: pathlib.Path) -> None:
    """Each file stands in a known room and imports nothing that the room may not."""
    rooms = [allowed for room, allowed in ROOMS.items() if path.match(room)]
    assert rooms, f"{path} stands in no room of the design: name its doors in this test"
    foreign = [name for name in imports(path) if not permitted(name, rooms[0])]
    assert not foreign


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_touches_no_network_and_no_clock(room: str) -> None:
    """Desired and actual go in, a plan comes out: nothing there could ask or wait."""
    for path in ROOT.glob(room):
        roots = {name.partition(".")[0] for name in imports(path.relative_to(ROOT))}
        assert not roots & IMPURE_STANDARD


@pytest.mark.parametrize("name", DAEMON_ORDER)
def test_the_daemon_imports_leftwards_only(name: str) -> None:
    """model → labels → services → plan → ports → reconciler → daemon → cli."""
    path = (DAEMON / f"{name}.py").relative_to(ROOT)
    right = DAEMON_ORDER[DAEMON_ORDER.index(name) :]
    used = {imported.rpartition(".")[2] for imported in imports(path)}
    assert not used & set(right)


@pytest.mark.parametrize("path", sorted(DAEMON.glob("*.py")), ids=lambda path: path.name)
def test_the_daemon_knows_no_ansible_and_each_adapter_one_library(path: pathlib.Path) -> None:
    """Only the Docker adapter imports the SDK, only the Consul adapter an HTTP library."""
    roots = {name.partition(".")[0] for name in imports(path.relative_to(ROOT))}
    libraries = roots - set(sys.stdlib_module_names) - {"ansible_collections", "registrator"}
    adapters = {
        "docker_source.py": {"docker", "requests"},
        "consul_http.py": {"requests", "urllib3"},
    }
    assert libraries <= adapters.get(path.name, set())


@pytest.mark.parametrize("name", BALANCER_ORDER)
def test_the_balancer_imports_leftwards_and_the_standard_library_only(name: str) -> None:
    """grammar → settings → guard → site → nginx's configuration → adapters → daemon."""
    used = set(imports((BALANCER / f"{name}.py").relative_to(ROOT)))
    own = {name.rpartition(".")[2] for name in used if ".src.nginx_lb." in name}
    assert own <= set(BALANCER_ORDER[: BALANCER_ORDER.index(name)])
    roots = {name.partition(".")[0] for name in used if ".src.nginx_lb." not in name}
    assert roots <= set(sys.stdlib_module_names)
    assert name not in BALANCER_PURE or not roots & IMPURE_STANDARD


def test_every_file_of_the_balancer_has_its_place_in_the_order() -> None:
    """A new file says where it stands."""
    files = {path.stem for path in BALANCER.glob("*.py")} - {"__init__"}
    assert files == set(BALANCER_ORDER)


@pytest.mark.parametrize("name", KEEPER_ORDER)
def test_the_keeper_imports_leftwards_and_the_standard_library_only(name: str) -> None:
    """offer → adapters → run."""
    used = set(imports((KEEPER / f"{name}.py").relative_to(ROOT)))
    ours = {each for each in used if ".src.haproxy_lb" in each}
    own = {each.rpartition(".")[2] for each in ours} - {"haproxy_lb"}
    assert own <= set(KEEPER_ORDER[: KEEPER_ORDER.index(name)])
    roots = {each.partition(".")[0] for each in used - ours}
    assert roots <= set(sys.stdlib_module_names)
    assert name != "offer" or not roots & IMPURE_STANDARD


def test_every_file_of_the_keeper_has_its_place_in_the_order() -> None:
    """A new file says where it stands."""
    assert {path.stem for path in KEEPER.glob("*.py")} - {"__init__"} == set(KEEPER_ORDER)


@pytest.mark.parametrize("name", GATE_ORDER)
def test_the_gate_imports_leftwards_and_the_standard_library_only(name: str) -> None:
    """heads → rules → fields → answers → engine → server → run."""
    used = set(imports((GATE / f"{name}.py").relative_to(ROOT)))
    ours = {each for each in used if ".src.docker_socket_proxy" in each}
    own = {each.rpartition(".")[2] for each in ours} - {"docker_socket_proxy"}
    assert own <= set(GATE_ORDER[: GATE_ORDER.index(name)])
    assert {each.partition(".")[0] for each in used - ours} <= set(sys.stdlib_module_names)
    # Words for statuses, and the grammar of a query: neither asks anybody.
    roots = {each.partition(".")[0] for each in used - ours - {"http", "urllib.parse"}}
    assert name not in GATE_PURE or not roots & (IMPURE_STANDARD | {"asyncio"})


def test_every_file_of_the_gate_has_its_place_in_the_order() -> None:
    """A new file says where it stands."""
    assert {path.stem for path in GATE.glob("*.py")} - {"__init__"} == set(GATE_ORDER)


def test_every_door_of_the_table_leads_somewhere() -> None:
    """A room that was removed does not stay in the table."""
    gone = [room for room in ROOMS if not list(ROOT.glob(room))]
    assert not gone
