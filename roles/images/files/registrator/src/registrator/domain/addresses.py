"""Where clients reach a container's port: an address and a number that belong together."""

from __future__ import annotations

from .model import Container, Port
from .settings import Settings
from .validation import Unfit

_EVERYWHERE = ("", "0.0.0.0", "::")
_SHARED = ("bridge", "default", "host")


def place_of(container: Container, port: Port, settings: Settings, own_ip: str) -> tuple[str, int]:
    """The address and the port; Unfit where no address is known.

    The later of upstream's rules wins: binding, -ip, -internal, label. Two of its rules are other
    ones here. A container in a user-defined network does not get its address there with the
    host's port (B3; `-restore container-ip` brings it back). The address of the container whose
    network another one joined (`container:X`) beats neither -ip nor the label.
    """
    labelled = _labelled(container, settings)
    joined = container.network_mode.startswith("container:")
    if settings.internal or (joined and not settings.ip):
        return labelled or _own_side(container, settings, own_ip), port.number
    bound = port.binding
    number = bound.host_port if bound else port.number
    address = labelled or settings.ip
    if not address and "container-ip" in settings.restore:
        address = _restored(container)
    if not address:
        address = bound.host_ip if bound and bound.host_ip not in _EVERYWHERE else own_ip
    return address or _unknown(), number


def _labelled(container: Container, settings: Settings) -> str:
    """The label's address without its mask; a container without the label has the usual one."""
    if not settings.use_ip_from_label:
        return ""
    text = container.labels.get(settings.use_ip_from_label, "")
    return text.rpartition("/")[0] if "/" in text else text


def _own_side(container: Container, settings: Settings, own_ip: str) -> str:
    """The container's own address, on the host's network the host's.

    Of several networks -network chooses. Without it the default bridge comes first, as upstream
    has it, then the network that the container was started in, then the first by name: upstream
    takes any.
    """
    if container.network_mode == "host":
        return own_ip or _unknown()
    if settings.network:
        addresses = container.networks.get(settings.network, ())
        if not addresses:
            raise Unfit(f"no address in network {settings.network}")
        return addresses[0]
    for name in ("bridge", container.network_mode, *sorted(container.networks)):
        for address in container.networks.get(name, ()):
            return address
    raise Unfit("no address in any network")


def _restored(container: Container) -> str:
    """Upstream's address of a published port in a user-defined network."""
    if container.network_mode in _SHARED:
        return ""
    return next(iter(container.networks.get(container.network_mode, ())), "")


def _unknown() -> str:
    raise Unfit("no address: set -ip")
