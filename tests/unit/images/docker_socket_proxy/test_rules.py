"""Five endpoints may be asked, each with the parameters of the daemon's own client."""

from __future__ import annotations

import string

import pytest
from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.builders import (
    WEB,
    query,
    request,
)
from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.engine_api import (
    ENDPOINTS as API,
)
from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.engine_api import (
    METHODS,
    PATHS,
    concrete,
)
from docker_socket_proxy.request_parser import Request
from docker_socket_proxy.rules import ENDPOINTS, Forbidden, Kind, decide
from hypothesis import given, settings
from hypothesis import strategies as st

ALLOWED = {
    *(("GET", kind.value) for kind in Kind),
    # The same asked, for an answer without a body.
    ("HEAD", "/_ping"),
}
quick = settings(max_examples=300, derandomize=True, database=None, deadline=None)


def allowed(line: str) -> bool:
    """Whether the engine is asked."""
    try:
        decide(request(line))
    except Forbidden:
        return False
    return True


def test_the_table_is_the_whole_api() -> None:
    """A matrix over half the API would prove half of it."""
    assert len(API) == len(set(API)) > 100
    assert {kind.value for kind in Kind} < set(PATHS)
    assert len(ENDPOINTS) == len(Kind) == 5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_five_endpoints_are_allowed_and_no_other(path: str, method: str) -> None:
    """Every path of the Engine's API with every method, by name and by identifier."""
    for prefix in ("", "/v1.24", "/v1.52"):
        for word in (WEB, WEB[:12], "web-1.a_b"):
            line = f"{method} {prefix}{concrete(path, word)}"
            assert allowed(line) is ((method, path) in ALLOWED), line


@pytest.mark.parametrize(
    "target",
    [
        *("/", "", "*", "_ping", "//_ping", "/_ping/", "/_ping/.", "/./_ping", "/x/../_ping"),
        *("/%5fping", "/_ping%00", "/_ping%2f", "/_ping;a", "/_ping#", "/_PING", "/_ping\\"),
        *("http://localhost/_ping", "localhost:80", "/v1/_ping", "/v1.41/v1.41/_ping"),
        *("/v1.41", "/v1.41//_ping", "/v1.4a/_ping", "/v.1/_ping", "/v-1.1/_ping"),
        *("/v1.1111/_ping", "/v111.1/_ping", "/V1.41/_ping", "/v1.41.1/_ping"),
        *("/containers//json", "/containers/./json", "/containers/../json"),
        *("/containers/../images/json", "/containers/%2e%2e/json", "/containers/a%2fb/json"),
        *("/containers/web/../x/json", "/containers/web//json", "/containers/web/json/"),
        *("/containers/web/x/json", "/containers/-web/json", "/containers/_w/json"),
        *("/containers/.w/json", "/containers/w/json", f"/containers/{'w' * 256}/json"),
        *("/containers/we b/json", "/containers/web\u0130/json", "/containers/web\n/json"),
        *("/containers/web/json%3fsize=1", "/containers/web/jsonx", "/containers/web/logs?/json"),
        *("/containers/web/archive?path=/json", "/containers/web/export?x=/json"),
        *("/containers/json/..", "/containers/json%20", "/events/", "/events/x", "/version/x"),
        *("/\uff56ersion", "/v\u0661.41/version"),
    ],
    ids=ascii,
)
def test_a_path_that_means_another_one_is_refused(target: str) -> None:
    """Dots, escapes, slashes, other forms of a target: none is what it is allowed to be."""
    with pytest.raises(Forbidden):
        decide(Request("GET", target))


@pytest.mark.parametrize(
    "target",
    [
        "/containers/json?" + query(limit="-1", all="0", size="0", trunc_cmd="0"),
        "/containers/json?" + query(filters={"status": ["running", "paused"]}),
        "/containers/json?" + query(filters={"status": ["paused"]}),
        "/containers/json?" + query(filters={}),
        "/containers/json?",
        "/events?" + query(filters={"type": ["container"]}),
        "/events",
    ],
)
def test_the_daemons_own_parameters_are_allowed(target: str) -> None:
    """As its client writes them."""
    assert allowed(f"GET {target}")


@pytest.mark.parametrize(
    "target",
    [
        *("/_ping?a=b", "/version?a=", "/_ping?filters={}", f"/containers/{WEB}/json?size=1"),
        *(f"/containers/{WEB}/json?size=0", f"/containers/{WEB}/json?filters={{}}"),
        "/containers/json?all=1",
        "/containers/json?all=true",
        "/containers/json?size=1",
        "/containers/json?limit=5",
        "/containers/json?before=web",
        "/containers/json?all=0&all=0",
        "/containers/json?all=0&all=1",
        "/containers/json?all=0;all=1",
        "/containers/json?all",
        "/containers/json?&all=0",
        "/containers/json?all=%30%00",
        "/containers/json?filters=",
        "/containers/json?filters=%ff",
        "/containers/json?filters=" + "%5B" * 5000,
        "/containers/json?" + query(filters={}) + "&" + query(filters={}),
        "/containers/json?" + query(filters=["status"]),
        "/containers/json?" + query(filters={"status": ["exited"]}),
        "/containers/json?" + query(filters={"status": []}),
        "/containers/json?" + query(filters={"status": "running"}),
        "/containers/json?" + query(filters={"status": ["running", "running"]}),
        "/containers/json?" + query(filters={"status": ["running", 1]}),
        "/containers/json?" + query(filters={"status": {"running": True}}),
        "/containers/json?" + query(filters={"status": ["running"], "label": ["a"]}),
        "/containers/json?" + query(filters={"ancestor": ["nginx"]}),
        "/events?" + query(since="0"),
        "/events?" + query(until="0"),
        "/events?" + query(filters={"type": ["image"]}),
        "/events?" + query(filters={"type": ["container", "network"]}),
        "/events?" + query(filters={"status": ["running"]}),
    ],
    ids=lambda target: target[:70],
)
def test_any_other_parameter_is_refused(target: str) -> None:
    """Unknown ones, known ones twice or with other values, and filters of another shape."""
    with pytest.raises(Forbidden):
        decide(request(f"GET {target}"))


def test_the_engine_is_asked_in_our_own_words() -> None:
    """Two spellings of a asked are one asked to the engine."""
    words = query(filters={"status": ["running", "paused"]}, all="0")
    other = "filters=%7B%22status%22:[%22paused%22,%22running%22]%7D"
    targets = {decide(request(f"GET /v1.41/containers/json?{q}")).target for q in (words, other)}
    [target] = targets
    assert target.startswith("/v1.41/containers/json?filters=%7B%22status%22%3A")
    assert decide(request("GET /v1.41/containers/json?all=0&limit=-1")).target == (
        "/v1.41/containers/json"
    )


def test_the_engine_is_asked_for_the_events_of_containers_only() -> None:
    """Also where the client asks for all there are."""
    plain = decide(request("GET /events"))
    asked = decide(request("GET /events?" + query(filters={"type": ["container"]})))
    assert plain == asked
    assert "container" in plain.target


def test_a_head_is_a_asked_without_a_body() -> None:
    """The engine is asked as for GET."""
    asked = decide(request("HEAD /_ping"))
    assert (asked.target, asked.headless) == ("/_ping", True)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("POST /v1.41/containers/create", "POST /containers"),
        ("DELETE /containers/web", "DELETE /containers"),
        ("GET /images/json", "GET /images"),
        ("GET /x1/y", "GET another path"),
        ("BREW /containers/web/json", "another method /containers"),
        ("GET /containers/json?all=1", "parameters of /containers/json"),
    ],
)
def test_refusals_are_of_few_kinds(line: str, kind: str) -> None:
    """The log tells each once, and no client can make more of them."""
    with pytest.raises(Forbidden) as refused:
        decide(request(line))
    assert refused.value.kind == kind


@quick
@given(st.text(alphabet=string.printable + "\u00e9%%%//..", max_size=60))
def test_no_path_leads_anywhere_else(text: str) -> None:
    """Whatever is asked, the engine hears one of five paths in its plainest form."""
    for target in (text, f"/{text}", f"/containers/{text}/json", f"/containers/json?{text}"):
        try:
            asked = decide(Request("GET", target))
        except Forbidden:
            continue
        path = asked.target.partition("?")[0]
        assert path == target.partition("?")[0]
        assert not set(path) - set(string.ascii_letters + string.digits + "/_.-")
        assert not any(part.startswith(".") for part in path.split("/"))
        assert "//" not in path
        if asked.kind is not Kind.INSPECT:
            assert path.endswith(asked.kind.value)
