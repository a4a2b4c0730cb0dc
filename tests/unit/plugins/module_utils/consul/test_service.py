"""A service with its checks as one value, and the requests from actual to wanted."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service import (
    CHECKS_META,
    Actual,
    Plan,
    Service,
    ServiceError,
    failing,
    plan_absent,
    plan_present,
)
from hypothesis import given, settings
from hypothesis import strategies as st

LAW = settings(max_examples=25, deadline=None, database=None)

HTTP = {"http": "http://10.0.0.1/health", "interval": "10s"}


def wanted(**options: t.Any) -> Service:
    """The service of a module of which only these options are set."""
    unset: dict[str, t.Any] = {
        **dict.fromkeys(("id", "address", "port", "weights")),
        "name": "web",
        "tags": [],
        "meta": {},
        "tagged_addresses": {},
        "enable_tag_override": False,
        "checks": [],
    }
    return Service.from_params({**unset, **options})


class FakeAgent:
    """An agent with one service at most; registering ends maintenance, as in Consul.

    The module replaces all checks of a service, and maintenance is one of them.
    """

    def __init__(self) -> None:
        """An agent without services."""
        self.entry: dict[str, t.Any] | None = None
        self.maintenance = False

    def actual(self) -> Actual:
        """What a module finds."""
        return Actual(Service.from_api(self.entry), self.maintenance) if self.entry else Actual()

    def apply(self, plan: Plan) -> None:
        """Take the plan's requests, in the module's order."""
        if plan.deregister is not None:
            self.entry, self.maintenance = None, False
        if plan.register is not None:
            self.entry, self.maintenance = self._registered(plan.register.payload()), False
        if plan.maintenance is not None:
            self.maintenance = plan.maintenance

    def register(self, service: Service, *, maintenance: bool = False) -> None:
        """Have a service."""
        self.apply(plan_present(service, Actual(), maintenance=maintenance))

    @staticmethod
    def _registered(payload: dict[str, t.Any]) -> dict[str, t.Any]:
        """The agent's words for a service: no checks, and addresses that it derives itself."""
        entry = {key: value for key, value in payload.items() if key not in ("Name", "Checks")}
        derived = {}
        if payload["Address"]:
            version = ipaddress.ip_address(payload["Address"]).version
            here = {"Address": payload["Address"], "Port": payload["Port"]}
            derived = {f"lan_ipv{version}": here, f"wan_ipv{version}": here}
        return {
            **entry,
            "Service": payload["Name"],
            "TaggedAddresses": {**derived, **payload["TaggedAddresses"]},
        }


def found(service: Service, *, maintenance: bool = False) -> Actual:
    """What a module finds after `service` was registered."""
    agent = FakeAgent()
    agent.register(service, maintenance=maintenance)
    return agent.actual()


# Reading options


def test_a_service_without_an_identifier_has_its_name() -> None:
    """Consul does the same."""
    assert wanted(name="web").id == "web"


def test_values_of_meta_become_texts() -> None:
    """Consul's metadata are texts, YAML's are not always."""
    assert wanted(meta={"port": 80}).meta == {"port": "80"}


@pytest.mark.parametrize(
    ("weights", "read"),
    [
        (None, (1, 1)),
        ({"passing": 10, "warning": 2}, (10, 2)),
        ({"passing": 10, "warning": None}, (10, 1)),
        pytest.param(
            {"passing": 1, "warning": 0},
            (1, 0),
        ),
    ],
)
def test_weights_are_read(weights: dict[str, int | None] | None, read: tuple[int, int]) -> None:
    """What is not said weighs one."""
    assert wanted(weights=weights).weights == read


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": ""}, "needs a name"),
        ({"name": "we\nb"}, "name .* control character"),
        ({"id": "a\x00"}, "id .* control character"),
        ({"address": "10.0.0.1\x7f"}, "address .* control character"),
        ({"tags": ["a\tb"]}, "tag .* control character"),
        ({"meta": {"a": "b\n"}}, "meta 'a' .* control character"),
        ({"port": -1}, "port -1"),
        ({"port": 65536}, "port 65536"),
        ({"meta": {"a b": ""}}, "meta 'a b'"),
        ({"meta": {"": ""}}, "meta ''"),
        ({"meta": {"a" * 129: ""}}, "128 letters"),
        ({"meta": {"a": "x" * 513}}, "512 bytes"),
        ({"meta": {"a": "ä" * 257}}, "512 bytes"),
        ({"meta": {f"k{number}": "" for number in range(64)}}, "more than 63 meta pairs"),
    ],
)
def test_what_consul_could_not_bear_is_refused(options: dict[str, t.Any], sentence: str) -> None:
    """Nothing is sent that would fail late or break those who read it."""
    with pytest.raises(ServiceError, match=sentence):
        wanted(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"port": 0},
        {"port": 65535},
        {"meta": {"a" * 128: "x" * 512}},
        {"meta": {f"k{number}": "" for number in range(63)}},
        {"tags": ["ümläut", "a=b,c"]},
    ],
)
def test_what_consul_bears_is_accepted(options: dict[str, t.Any]) -> None:
    """The limits are Consul's, and no narrower."""
    assert wanted(**options).name == "web"


def test_every_tag_is_looked_at() -> None:
    """A control character is found although another tag begins alike."""
    with pytest.raises(ServiceError, match="control character"):
        wanted(tags=["x" * 40 + "\n", "x" * 40])


def test_the_digests_key_is_nobody_elses() -> None:
    """The collection's own key in `meta` is refused."""
    with pytest.raises(ServiceError, match=CHECKS_META):
        wanted(meta={CHECKS_META: "mine"})


@pytest.mark.parametrize("value", [{}, "10.0.0.1", {"address": "10.0.0.1", "port": "http"}])
def test_a_tagged_address_that_is_none_is_refused(value: object) -> None:
    """A tagged address needs an address, and its port is a number."""
    with pytest.raises(ServiceError, match="lan"):
        wanted(tagged_addresses={"lan": value})


# Checks


@pytest.mark.parametrize(
    ("check", "definition"),
    [
        (HTTP, {"HTTP": "http://10.0.0.1/health", "Interval": "10s"}),
        ({"tcp": "10.0.0.1:80", "interval": "1m30s"}, {"TCP": "10.0.0.1:80", "Interval": "1m30s"}),
        ({"ttl": "30s"}, {"TTL": "30s"}),
        ({"alias_service": "db"}, {"AliasService": "db"}),
        ({"alias_service": "db", "alias_node": "n"}, {"AliasService": "db", "AliasNode": "n"}),
        ({"ttl": "1.5s", "header": {}, "args": [], "body": None}, {"TTL": "1.5s"}),
    ],
)
def test_a_check_is_told_in_consuls_words(
    check: dict[str, t.Any], definition: dict[str, str]
) -> None:
    """What is not set is not sent."""
    assert wanted(checks=[check]).checks == (definition,)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        ({}, "exactly one of .* none"),
        ({"name": "idle"}, "exactly one of .* none"),
        ({**HTTP, "tcp": "10.0.0.1:80"}, "http, tcp"),
        ({"http": "http://10.0.0.1"}, "http check needs an interval"),
        ({"ttl": "30"}, "ttl '30' is not a duration"),
        ({**HTTP, "timeout": "soon"}, "timeout 'soon'"),
        ({**HTTP, "deregister_critical_service_after": "1d"}, "'1d' is not a duration"),
    ],
)
def test_what_is_no_check_is_refused(check: dict[str, t.Any], sentence: str) -> None:
    """A check has one kind, and durations as Consul reads them."""
    with pytest.raises(ServiceError, match=sentence):
        wanted(checks=[check])


def test_another_check_has_another_digest() -> None:
    """The digest tells whether the definitions are still the wanted ones."""
    assert wanted(checks=[HTTP]).digest != wanted(checks=[{**HTTP, "interval": "20s"}]).digest


def test_the_order_of_a_checks_options_does_not_matter() -> None:
    """The same definition has the same digest however it was written."""
    mixed = dict(reversed(HTTP.items()))
    assert wanted(checks=[mixed]).digest == wanted(checks=[HTTP]).digest


def test_without_checks_there_is_no_digest() -> None:
    """A service that somebody else made without checks needs no mark of ours to be as wanted."""
    assert wanted().digest == ""


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({}, "alive is critical: refused"),
        ({"Name": ""}, "check-1 is critical: refused"),
        ({"Output": ""}, "alive is critical: no output yet"),
        ({"Status": "warning"}, "alive is warning: refused"),
    ],
)
def test_a_check_that_does_not_pass_is_told(changes: dict[str, str], phrase: str) -> None:
    """The phrase has name, status and what the check said last."""
    usual = {"CheckID": "check-1", "Name": "alive", "Status": "critical", "Output": "refused\n"}
    assert failing([{**usual, **changes}]) == [phrase]


def test_a_check_that_passes_is_not_told() -> None:
    """There is nothing to say about it."""
    assert failing([{"CheckID": "c", "Name": "alive", "Status": "passing"}]) == []


# Reading the agent


def test_a_service_of_somebody_else_is_read() -> None:
    """An entry with the least there can be has Consul's defaults."""
    entry = {"ID": "web", "Service": "web", "Tags": None, "Meta": None, "Weights": None}
    assert Service.from_api(entry) == Service("web", "web")


def test_the_digest_is_no_part_of_the_metadata() -> None:
    """The collection's own mark is not shown as the user's."""
    seen = found(wanted(meta={"a": "b"}, checks=[HTTP])).service
    assert seen is not None
    assert (dict(seen.meta), seen.digest) == ({"a": "b"}, wanted(checks=[HTTP]).digest)


def test_addresses_that_the_agent_derives_are_no_difference() -> None:
    """An agent adds tagged addresses of its own, which nobody wanted and nobody misses."""
    seen = found(wanted(address="10.0.0.1", port=80)).service
    assert seen is not None
    assert seen.tagged_addresses == {}


def test_a_tagged_address_may_have_another_port() -> None:
    """The same address with another port is wanted, and sent."""
    tagged = {"lan_ipv4": {"address": "10.0.0.1", "port": 8080}}
    service = wanted(address="10.0.0.1", port=80, tagged_addresses=tagged)
    assert service.payload()["TaggedAddresses"] == {
        "lan_ipv4": {"Address": "10.0.0.1", "Port": 8080}
    }


# Planning


def test_an_absent_service_is_registered() -> None:
    """What is wanted and not there is sent whole."""
    plan = plan_present(wanted(), Actual(), maintenance=False)
    assert (plan.register, plan.deregister, plan.maintenance) == (wanted(), None, None)
    assert plan.diff.before == {"state": "absent"}


@pytest.mark.parametrize(
    "change",
    [
        {"address": "10.0.0.2"},
        {"port": 81},
        {"tags": ["new"]},
        {"meta": {"a": "b"}},
        {"weights": {"passing": 2, "warning": 1}},
        {"tagged_addresses": {"lan": {"address": "10.0.0.1", "port": 80}}},
        {"enable_tag_override": True},
        {"checks": [HTTP]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_difference_is_registered(change: dict[str, t.Any]) -> None:
    """Whatever differs, the whole service is sent and the diff shows it."""
    plan = plan_present(wanted(**change), found(wanted()), maintenance=False)
    assert plan.register == wanted(**change)
    assert plan.diff.changed


def test_checks_that_are_no_longer_wanted_are_a_difference() -> None:
    """Taking every check away registers the service without them."""
    plan = plan_present(wanted(), found(wanted(checks=[HTTP])), maintenance=False)
    assert plan.register == wanted()


def test_tags_of_somebody_else_are_left() -> None:
    """With tag override, tags changed in the catalog are no difference."""
    there = found(wanted(tags=["theirs"], enable_tag_override=True))
    plan = plan_present(wanted(tags=["ours"], enable_tag_override=True), there, maintenance=False)
    assert (plan.register, plan.diff.changed) == (None, False)


def test_tags_of_somebody_else_survive_another_change() -> None:
    """With tag override, registering for another reason sends the catalog's tags."""
    there = found(wanted(tags=["theirs"], enable_tag_override=True))
    service = wanted(tags=["ours"], port=81, enable_tag_override=True)
    plan = plan_present(service, there, maintenance=False)
    assert plan.register is not None
    assert plan.register.tags == ("theirs",)


@pytest.mark.parametrize(
    ("before", "after", "request_"),
    [(False, True, True), (True, False, False), (True, True, None), (False, False, None)],
)
def test_maintenance_is_entered_and_left(before: bool, after: bool, request_: bool | None) -> None:
    """Only a change of maintenance is a request."""
    plan = plan_present(wanted(), found(wanted(), maintenance=before), maintenance=after)
    assert (plan.register, plan.maintenance) == (None, request_)


def test_a_maintained_service_that_changes_stays_maintained() -> None:
    """After the plan is carried out the service is as the diff promised."""
    agent = FakeAgent()
    agent.register(wanted(), maintenance=True)
    agent.apply(plan_present(wanted(port=81), agent.actual(), maintenance=True))
    assert agent.actual().maintenance


def test_a_service_that_shall_go_is_deregistered() -> None:
    """The diff ends in absence."""
    plan = plan_absent("web", found(wanted()))
    assert (plan.deregister, plan.diff.after) == ("web", {"state": "absent"})


def test_a_service_that_is_gone_stays_gone() -> None:
    """There is nothing to do, and nothing is said to have changed."""
    plan = plan_absent("web", Actual())
    assert (plan.deregister, plan.diff.changed) == (None, False)


# Laws

CHECKS = st.sampled_from([HTTP, {"ttl": "30s"}, {"tcp": "10.0.0.1:80", "interval": "5s"}])
SERVICES = st.builds(
    wanted,
    address=st.sampled_from([None, "10.0.0.1", "::1"]),
    port=st.none() | st.integers(0, 65535),
    tags=st.lists(st.sampled_from(["a", "b"]), max_size=2),
    meta=st.dictionaries(st.sampled_from(["k", "l"]), st.text("xy", max_size=2), max_size=2),
    weights=st.none() | st.fixed_dictionaries({"passing": st.integers(1, 9)}),
    enable_tag_override=st.booleans(),
    checks=st.lists(CHECKS, max_size=2),
)


@LAW
@given(before=st.none() | SERVICES, after=SERVICES, maintenance=st.booleans())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    before: Service | None, after: Service, maintenance: bool
) -> None:
    """Planning again after the requests gives none, and an empty diff."""
    agent = FakeAgent()
    if before:
        agent.register(before)
    agent.apply(plan_present(after, agent.actual(), maintenance=maintenance))
    again = plan_present(after, agent.actual(), maintenance=maintenance)
    assert (again.register, again.maintenance, again.diff.changed) == (None, None, False)


@LAW
@given(before=st.none() | SERVICES, maintained=st.booleans(), after=SERVICES, wish=st.booleans())
def test_the_diff_is_empty_exactly_when_nothing_is_sent(
    before: Service | None, maintained: bool, after: Service, wish: bool
) -> None:
    """`changed` and the requests never tell two stories."""
    there = found(before, maintenance=maintained) if before else Actual()
    plan = plan_present(after, there, maintenance=wish)
    sent = plan.register is not None or plan.maintenance is not None
    assert plan.diff.changed == sent


@LAW
@given(service=SERVICES, maintained=st.booleans())
def test_a_deregistered_service_needs_no_second_deregistration(
    service: Service, maintained: bool
) -> None:
    """Removing twice removes once."""
    agent = FakeAgent()
    agent.register(service, maintenance=maintained)
    agent.apply(plan_absent(service.id, agent.actual()))
    assert not plan_absent(service.id, agent.actual()).diff.changed
