"""The inventory plugin as Ansible calls it: a file of options, an agent that answers, hosts."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t
import urllib.parse
from collections.abc import Iterator

import pytest
import requests
import yaml
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible.template import Templar
from ansible_collections.rollcall.discovery.lab.rollcall_agents.plugins import (
    ansible_plugins,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import answer, table

PIPE = '{{ lookup("pipe","id") }}'
NAME = "rollcall.discovery.consul"


class FakeAgent:
    """Two nodes; the first is the server, the second runs one instance of web."""

    def __init__(self) -> None:
        """All is well, and every request is kept."""
        self.requests: list[requests.PreparedRequest] = []
        self.how: dict[str, t.Any] = {}
        self.tags = ["v2"]
        self.gone = False

    def send(self, request: requests.PreparedRequest, **how: t.Any) -> requests.Response:
        """Answer a request, or nothing."""
        self.requests.append(request)
        self.how = how
        if self.gone:
            raise requests.ConnectionError("refused")
        response = requests.Response()
        answer = self._answer(urllib.parse.urlsplit(str(request.url)).path)
        response.status_code = 200
        response._content = json.dumps(answer).encode()
        return response

    def _answer(self, path: str) -> t.Any:
        (consul,) = answer("health-service-consul")
        web = answer("health-service")[1]
        meta = {"owner": PIPE, "team": "shop"}
        own = {"ID": "web-1", "Port": 80, "Tags": self.tags, "Meta": meta}
        nodes = {
            f"n{number}": {**entry, "Node": f"n{number}", "Address": f"10.0.0.{number}"}
            for number, entry in enumerate(answer("catalog-nodes"), 1)
        }
        checks = zip(answer("health-state-of-nodes"), nodes, strict=True)
        return {
            **table("catalog-services"),
            "/v1/catalog/nodes": list(nodes.values()),
            "/v1/health/state/any": [{**check, "Node": name} for check, name in checks],
            "/v1/health/service/consul": [{**consul, "Node": nodes["n1"]}],
            "/v1/health/service/web": [
                {**web, "Node": nodes["n2"], "Service": {**web["Service"], **own}}
            ],
        }.get(path, [])


@pytest.fixture(scope="module", autouse=True)
def _collections() -> Iterator[None]:
    """The collection as Ansible imports it; others go on with Python's import."""
    with ansible_plugins():
        yield


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> FakeAgent:
    """The agent behind every address, in an environment that says nothing of Consul."""
    fake = FakeAgent()
    monkeypatch.setattr(requests.Session, "send", lambda _session, *a, **kw: fake.send(*a, **kw))
    for variable in ("ADDR", "TOKEN", "TOKEN_FILE", "SSL", "SSL_VERIFY"):
        monkeypatch.delenv(f"CONSUL_HTTP_{variable}", raising=False)
    return fake


Parse = t.Callable[..., InventoryData]


@pytest.fixture
def parse(tmp_path: pathlib.Path) -> Parse:
    """Parse a file of these options, after these groups stood in other inventories."""

    def inventory(*groups: str, fresh: bool = False, **options: t.Any) -> InventoryData:
        path = tmp_path / "consul.yml"
        path.write_text(yaml.safe_dump({"plugin": NAME, **options}))
        data = InventoryData()
        for group in groups:
            data.add_group(group)
        plugin = inventory_loader.get(NAME)
        assert plugin.verify_file(str(path))
        plugin.parse(data, DataLoader(), str(path), cache=not fresh)
        if options.get("cache"):
            plugin.update_cache_if_changed()
        data.reconcile_inventory()
        return data

    return inventory


def members(data: InventoryData, group: str) -> list[str]:
    """The hosts of a group by name."""
    return sorted(host.name for host in data.groups[group].get_hosts())


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("consul.yml", True),
        ("consul.yaml", True),
        ("lab.consul.yml", True),
        ("hosts.yml", False),
        ("myconsul.yml", False),
        ("consul.yml.bak", False),
    ],
)
def test_a_file_is_ours_by_its_name(tmp_path: pathlib.Path, name: str, ours: bool) -> None:
    """Other inventories in the same folder are other plugins'."""
    (tmp_path / name).write_text("")
    assert inventory_loader.get(NAME).verify_file(str(tmp_path / name)) is ours


def test_a_file_that_is_not_there_is_not_ours(tmp_path: pathlib.Path) -> None:
    """Whatever its name."""
    assert not inventory_loader.get(NAME).verify_file(str(tmp_path / "consul.yml"))


@pytest.mark.usefixtures("agent")
def test_nodes_become_hosts_in_groups(parse: Parse) -> None:
    """By service, tag, datacenter, health and role."""
    data = parse()
    assert sorted(data.hosts) == ["n1", "n2"]
    assert members(data, "consul_service_web") == members(data, "consul_tag_v2") == ["n2"]
    assert members(data, "consul_role_server") == ["n1"]
    assert members(data, "consul_role_client") == ["n2"]
    assert members(data, "consul_datacenter_dc1") == ["n1", "n2"]
    assert members(data, "consul_health_passing") == ["n1", "n2"]


@pytest.mark.usefixtures("agent")
def test_a_host_has_its_address_and_its_services(parse: Parse) -> None:
    """As host variables."""
    known = parse().hosts["n2"].get_vars()
    assert known["ansible_host"] == "10.0.0.2"
    (service,) = known["consul_services"]
    assert (service["name"], service["port"], service["tags"]) == ("web", 80, ["v2"])


@pytest.mark.usefixtures("agent")
def test_instances_become_hosts(parse: Parse) -> None:
    """Where asked for."""
    data = parse(hosts=["instances"], filters={"services": ["web"]})
    assert sorted(data.hosts) == ["web-1.n2"]


def test_a_template_in_the_catalog_is_a_text(agent: FakeAgent, parse: Parse) -> None:
    """Neither a tag nor metadata runs anything on the controller, however it is used."""
    agent.tags = [PIPE]
    data = parse(
        compose={"copied": "consul_services[0].tags[0]"},
        keyed_groups=[{"key": "consul_services[0].meta.owner", "prefix": "of"}],
        strict=False,
    )
    known = data.hosts["n2"].get_vars()
    templar = Templar(loader=DataLoader(), variables=known)
    assert templar.template(known["consul_services"])[0]["tags"] == [PIPE]
    assert templar.template(known["consul_services"])[0]["meta"]["owner"] == PIPE
    assert templar.template(known["copied"]) == PIPE
    assert not [name for name in data.groups if "uid" in name or "{" in name]


@pytest.mark.usefixtures("agent")
def test_expressions_of_the_file_see_the_variables(parse: Parse) -> None:
    """compose, groups and keyed_groups."""
    data = parse(
        compose={"ports": "consul_services | map(attribute='port') | list"},
        groups={"web_nodes": "80 in ports"},
        keyed_groups=[{"key": "consul_services | map(attribute='meta.team')", "prefix": "team"}],
        filters={"services": ["web"]},
    )
    assert data.hosts["n2"].get_vars()["ports"] == [80]
    assert members(data, "web_nodes") == members(data, "team_shop") == ["n2"]


@pytest.mark.usefixtures("agent")
def test_strict_makes_a_failing_expression_an_error(parse: Parse) -> None:
    """Without it the variable is missing."""
    compose = {"one": "nothing.there"}
    assert "one" not in parse(compose=compose).hosts["n1"].get_vars()
    with pytest.raises(Exception, match="Could not set one for host n1"):
        parse(compose=compose, strict=True)


@pytest.mark.usefixtures("agent")
def test_a_node_does_not_take_the_name_of_a_group(parse: Parse) -> None:
    """Its variables would be those of every host in it."""
    data = parse("n1")
    assert "ansible_host" not in data.groups["n1"].get_vars()
    assert sorted(data.hosts) == ["n1.dc1", "n2"]


@pytest.mark.usefixtures("agent")
def test_a_group_that_an_expression_makes_takes_no_hosts_variables(parse: Parse) -> None:
    """Though the value, from the catalog, is a host's name."""
    data = parse(keyed_groups=[{"key": "'n2'", "separator": ""}])
    assert data.hosts["n2"].get_vars()["ansible_host"] == "10.0.0.2"
    assert "ansible_host" not in data.groups["n2"].get_vars()


# Options


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"filter": {}}, "there is no option filter: see 'ansible-doc"),
        ({"filters": {"service": "web"}}, "'filters' has no service: use services"),
        ({"hostnames": ["fqdn"]}, "'hostnames' has 'fqdn': use instance"),
        ({"client_cert": "/c.pem"}, "client_cert and client_key must be given together"),
        ({"token_file": "/no/such"}, "cannot read the token file /no/such"),
        ({"url": "http://a/consul"}, "is not a URL such as http://127.0.0.1:8500"),
        ({"url": "{{ nothing }}"}, "option 'url' has no value"),
    ],
)
@pytest.mark.usefixtures("agent")
def test_an_option_that_cannot_be_meant_is_told(
    parse: Parse, options: dict[str, t.Any], sentence: str
) -> None:
    """In a sentence, with the file."""
    with pytest.raises(AnsibleParserError) as caught:
        parse(**options)
    assert "inventory from Consul with " in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("option", ["hosts", "group_by", "ansible_host"])
@pytest.mark.usefixtures("agent")
def test_a_choice_that_does_not_exist_is_told(parse: Parse, option: str) -> None:
    """By Ansible itself."""
    with pytest.raises(Exception, match=option):
        parse(**{option: "other"})


def test_an_agent_that_does_not_answer_is_told(agent: FakeAgent, parse: Parse) -> None:
    """What was attempted, where, and what to do."""
    agent.gone = True
    with pytest.raises(
        AnsibleParserError, match=r"GET /v1/\S+ at http://10.0.0.1:8500: no answer.*Check that"
    ):
        parse(url="http://10.0.0.1:8500")


def test_a_missing_library_is_told(
    agent: FakeAgent, parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the place it belongs to."""
    monkeypatch.setitem(sys.modules, "consul", None)
    with pytest.raises(AnsibleParserError, match="Install py-consul for the Python that runs"):
        parse()
    assert agent.requests == []


def test_the_address_comes_from_the_environment(
    agent: FakeAgent, parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consul's own variable, whose value may lack the scheme."""
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "10.0.0.7:8501")
    monkeypatch.setenv("CONSUL_HTTP_SSL", "true")
    parse()
    assert {urllib.parse.urlsplit(str(each.url))[:2] for each in agent.requests} == {
        ("https", "10.0.0.7:8501")
    }


def test_an_option_wins_over_the_environment(
    agent: FakeAgent, parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And may be a template of the controller's."""
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "10.0.0.7:8500")
    parse(url="http://{{ '10.0.0.' ~ 8 }}:8500")
    assert {urllib.parse.urlsplit(str(each.url)).netloc for each in agent.requests} == {
        "10.0.0.8:8500"
    }


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ({"token": "t"}, None, "t"),
        ({"token": "{{ 'a' ~ 'b' }}"}, None, "ab"),
        ({}, "e", "e"),
        ({"token": "t"}, "e", "t"),
        ({"token_file": "FILE"}, "e", "of the file"),
        ({"token_file": "FILE", "token": "t"}, None, "t"),
        ({}, None, None),
    ],
)
def test_the_token_goes_with_each_request(
    agent: FakeAgent,
    parse: Parse,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
    options: dict[str, str],
    environment: str | None,
    expected: str | None,
) -> None:
    """The file's options first, then the environment."""
    (tmp_path / "token").write_text("of the file\n")
    if environment:
        monkeypatch.setenv("CONSUL_HTTP_TOKEN", environment)
    parse(**{key: value.replace("FILE", f"{tmp_path}/token") for key, value in options.items()})
    assert {each.headers.get("X-Consul-Token") for each in agent.requests} == {expected}


def test_the_rest_of_the_connection_reaches_the_transport(agent: FakeAgent, parse: Parse) -> None:
    """Certificates and the time to wait."""
    parse(validate_certs=False, client_cert="/c", client_key="/k", timeout=3, datacenter="dc1")
    assert (agent.how["verify"], agent.how["cert"]) == (False, ("/c", "/k"))
    assert agent.how["timeout"] == 3
    assert all("dc=dc1" in str(each.url) for each in agent.requests)


# Cache


@pytest.fixture
def kept(tmp_path: pathlib.Path) -> dict[str, t.Any]:
    """Options of a cache in files."""
    plugin = "ansible.builtin.jsonfile"
    return {"cache": True, "cache_plugin": plugin, "cache_connection": f"{tmp_path}/cache"}


def test_a_cache_answers_for_an_agent_that_is_gone(
    agent: FakeAgent, parse: Parse, kept: dict[str, t.Any]
) -> None:
    """With the same hosts, groups and variables."""
    first = parse(**kept)
    agent.gone = True
    second = parse(**kept)
    assert sorted(second.hosts) == sorted(first.hosts)
    assert second.hosts["n2"].get_vars() == first.hosts["n2"].get_vars()
    assert sorted(second.groups) == sorted(first.groups)


def test_a_template_in_a_cache_is_a_text(
    agent: FakeAgent, parse: Parse, kept: dict[str, t.Any]
) -> None:
    """A detour through a file makes nothing trusted."""
    agent.tags = [PIPE]
    parse(**kept)
    agent.gone = True
    known = parse(**kept).hosts["n2"].get_vars()
    templar = Templar(loader=DataLoader(), variables=known)
    assert templar.template(known["consul_services"])[0]["tags"] == [PIPE]


def test_a_cache_answers_no_other_question(
    agent: FakeAgent, parse: Parse, kept: dict[str, t.Any]
) -> None:
    """Other filters, another agent, another namespace: asked anew."""
    parse(**kept)
    agent.gone = True
    for change in (
        {"filters": {"services": ["web"]}},
        {"url": "http://10.9.9.9:8500"},
        {"namespace": "team-a"},
    ):
        with pytest.raises(AnsibleParserError, match="no answer"):
            parse(**kept, **change)


def test_a_fresh_look_is_kept_too(agent: FakeAgent, parse: Parse, kept: dict[str, t.Any]) -> None:
    """meta: refresh_inventory asks again, and later runs see that."""
    parse(**kept)
    agent.tags = ["v3"]
    assert "consul_tag_v3" not in parse(**kept).groups
    assert "consul_tag_v3" in parse(fresh=True, **kept).groups
    agent.gone = True
    assert "consul_tag_v3" in parse(**kept).groups


def test_a_cache_holds_no_token(
    agent: FakeAgent, parse: Parse, kept: dict[str, t.Any], tmp_path: pathlib.Path
) -> None:
    """It lies about in a file."""
    parse(**kept, token="5ecret")
    assert agent.requests[0].headers["X-Consul-Token"] == "5ecret"
    (file,) = (tmp_path / "cache").iterdir()
    assert "5ecret" not in file.read_text()
