"""One HTTP request on a fresh connection, and what came back."""

from __future__ import annotations

import dataclasses
import http.client


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer; its headers are found whatever their case."""

    status: int
    text: str
    headers: http.client.HTTPMessage

    @property
    def name(self) -> str:
        """The first word, a backend's name; the status where there is none."""
        return (self.text.split() or [str(self.status)])[0]


def ask(
    address: str,
    port: int,
    path: str,
    *,
    host: str = "",
    method: str = "GET",
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on a fresh connection. OSError where nobody answers."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        named = {"Host": host} if host else {}
        connection.request(method, path, body=body, headers={**named, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        return Answer(answer.status, text, answer.headers)
    finally:
        connection.close()
