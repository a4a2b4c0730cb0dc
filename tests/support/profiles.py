"""How the lab's agents are asked in each profile; ROLLCALL_PROFILE says which one it has."""

from __future__ import annotations

import dataclasses
import pathlib
import ssl
import typing as t

VARIABLE = "ROLLCALL_PROFILE"
SECRETS = pathlib.Path(__file__).resolve().parents[2] / "inventories" / "lab" / ".secrets"
# Every agent has it on loopback, in either profile.
OWN = "http://127.0.0.1:8500"


@dataclasses.dataclass(frozen=True)
class Profile:
    """Open without `secrets`: plain HTTP. Secure with that folder: TLS, and a token."""

    secrets: pathlib.Path | None = None

    def url(self, address: str) -> str:
        """Where another machine reaches the agent at this address."""
        return f"http://{address}:8500" if self.secrets is None else f"https://{address}:8501"

    def headers(self) -> dict[str, str]:
        """What a request has to show."""
        if self.secrets is None:
            return {}
        return {"X-Consul-Token": self._token_file.read_text().strip()}

    def trust(self) -> ssl.SSLContext | None:
        """Who must have signed the agent's certificate, None without TLS."""
        return ssl.create_default_context(cafile=self._authority) if self.secrets else None

    def command(self, path: str, agent: str = OWN, *, patience: int = 0) -> tuple[str, str]:
        """The command that asks the host's own agent, and what it is given to read.

        The header comes that way: a command's words are seen by every process of the host.
        `patience` is in seconds: so long it asks again where an answer is 429 or 5xx.
        """
        curl = f"curl -fsS --retry {patience} --retry-delay 1" if patience else "curl -fsS"
        if self.secrets is None:
            return f"{curl} '{agent}{path}'", ""
        lines = [f"{name}: {value}\n" for name, value in self.headers().items()]
        return f"{curl} -H @- '{agent}{path}'", "".join(lines)

    def environment(self, address: str) -> dict[str, str]:
        """Consul's own variables for a program of this machine."""
        if self.secrets is None:
            return {"CONSUL_HTTP_ADDR": f"{address}:8500"}
        return {
            "CONSUL_HTTP_ADDR": self.url(address),
            "CONSUL_CACERT": str(self._authority),
            "CONSUL_HTTP_TOKEN_FILE": str(self._token_file),
        }

    def play(self) -> dict[str, t.Any]:
        """What a play needs beside its tasks, so that they may ask the host's own agent."""
        if self.secrets is None:
            return {}
        token = f"{{{{ lookup('ansible.builtin.file', '{self._token_file}') }}}}"
        return {"environment": {"CONSUL_HTTP_TOKEN": token}}

    @property
    def _authority(self) -> pathlib.Path:
        assert self.secrets
        return self.secrets / "ca.pem"

    @property
    def _token_file(self) -> pathlib.Path:
        assert self.secrets
        return self.secrets / "tokens" / "operator"


def profile_of(environment: t.Mapping[str, str]) -> Profile:
    """The profile that the environment names, open without a name; ValueError for another one."""
    known = {"open": Profile(), "secure": Profile(SECRETS)}
    name = environment.get(VARIABLE) or "open"
    if name not in known:
        raise ValueError(f"{VARIABLE} is {name}: there are {' and '.join(known)}")
    return known[name]
