"""The endpoint at which clients reach a container's port."""

from __future__ import annotations

from .model import Container, Port
from .settings import Settings
from .validation import InvalidValue

_WILDCARDS = ("", "0.0.0.0", "::")
_SHARED = ("bridge", "default", "host")


def endpoint_of(
    container: Container, port: Port, settings: Settings, host_ip: str
) -> tuple[str, int]:
    """The address and the port; InvalidValue where no address is known.

    As upstream has it, the later of these rules wins: binding, -ip, -internal, label. Two rules
    differ from upstream. A container in a user-defined network does not get its address there
    with the host's port (B3; `-restore container-ip` restores that). The address of a container
    whose network another one joined (`container:X`) overrides neither -ip nor the label.
    """
    label = _label_address(container, settings)
    joined = container.network_mode.startswith("container:")
    if settings.internal or (joined and not settings.ip):
        return label or _container_address(container, settings, host_ip), port.number
    bound = port.binding
    number = bound.host_port if bound else port.number
    address = label or settings.ip
    if not address and "container-ip" in settings.restore:
        address = _upstream_address(container)
    if not address:
        address = bound.host_ip if bound and bound.host_ip not in _WILDCARDS else host_ip
    return address or _no_address(), number


def _label_address(container: Container, settings: Settings) -> str:
    """The address from the -useIpFromLabel label without its mask, empty without the label."""
    if not settings.use_ip_from_label:
        return ""
    text = container.labels.get(settings.use_ip_from_label, "")
    return text.rpartition("/")[0] if "/" in text else text


def _container_address(container: Container, settings: Settings, host_ip: str) -> str:
    """The container's own address; the host's for a container on the host's network.

    Of several networks -network selects one. Without it the default bridge comes first, as in
    upstream, then the network that the container was started in, then the first by name: upstream
    takes any.
    """
    if container.network_mode == "host":
        return host_ip or _no_address()
    if settings.network:
        addresses = container.networks.get(settings.network, ())
        if not addresses:
            raise InvalidValue(f"no address in network {settings.network}")
        return addresses[0]
    for name in ("bridge", container.network_mode, *sorted(container.networks)):
        for address in container.networks.get(name, ()):
            return address
    raise InvalidValue("no address in any network")


def _upstream_address(container: Container) -> str:
    """Upstream's address of a published port in a user-defined network, for -restore."""
    if container.network_mode in _SHARED:
        return ""
    return next(iter(container.networks.get(container.network_mode, ())), "")


def _no_address() -> str:
    raise InvalidValue("no address: set -ip")
