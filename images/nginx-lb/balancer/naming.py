"""The name server of the data plane `dns`, there when nginx asks for names and only then."""

from __future__ import annotations

import pwd
from collections.abc import Iterable, Mapping

from . import connections, nginx_conf
from .dns_book import Gone, Key
from .name_server import NameServer
from .nginx import Refused
from .settings import Settings
from .site import Site
from .snapshot import Instances, Place


class Naming:
    """Answers the names of what is served and of what is about to be."""

    def __init__(self, user: str) -> None:
        """There is no name server yet; `user` is whom nginx's workers are, "" for root."""
        self._user = user
        self._server: NameServer | None = None
        self._served: dict[str, tuple[str, Instances]] = {}

    def prepare(self, options: Settings, plan: Site) -> None:
        """Answer before nginx asks. Refused where the port is taken."""
        if options.data_plane != "dns":
            return
        if self._server is None or self._server.port != options.name_server_port:
            try:
                server = NameServer(options.name_server_port)
            except OSError as error:
                place = f"port {options.name_server_port}"
                raise Refused(f"no name server at {place}: {error}") from None
            self.close()
            self._server = server
        self.tell(plan)

    def tell(self, plan: Site) -> None:
        """Answer a plan's names. Until it serves, the old configuration asks for its own."""
        if self._server:
            self._server.tell({**self._served, **nginx_conf.dns_sets(plan)})

    def served(self, options: Settings, plan: Site) -> None:
        """The plan serves: nobody asks for other names any more."""
        self._served = nginx_conf.dns_sets(plan)
        if options.data_plane != "dns":
            self.close()
        elif self._server:
            self._server.tell(self._served)

    def moves(self) -> tuple[frozenset[Key], tuple[Gone, ...]]:
        """The instances that nginx may not know yet, and those that it may not be done with."""
        return self._server.moves(self._connections) if self._server else (frozenset(), ())

    def learned(self, names: Iterable[str]) -> bool:
        """Whether nginx knows who is behind each of these names."""
        return self._server is None or self._server.learned(names)

    def close(self) -> None:
        """Answer no more."""
        if self._server:
            self._server.close()
        self._server = None

    def _connections(self) -> Mapping[Place, int]:
        return connections.count(pwd.getpwnam(self._user).pw_uid if self._user else 0)
