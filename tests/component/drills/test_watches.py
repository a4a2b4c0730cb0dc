"""The recorder against agents on loopback: changes are told once, silence is a fact."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
from rollcall_agents.certificates import Authority
from rollcall_drills.history.clock import Clock
from rollcall_drills.history.records import (
    Distrusted,
    Event,
    LeaderEvent,
    MembersEvent,
    MetricsEvent,
    PassingEvent,
    RaftEvent,
    Reads,
    Refusal,
    Refused,
)
from rollcall_drills.history.settings import Settings
from rollcall_drills.observer import consistent_reads, polling, watches
from rollcall_drills.observer.recorder import Recorder

from .fakes import Asked, Cluster, Fake, answer, hang, serving

Kind = TypeVar("Kind")
Told = Callable[[list[Event]], object]
# No state takes so long to come, and who waits for what never comes learns it before the others.
_SECONDS = 20.0
_LEADER, _SELF, _MEMBERS = "/v1/status/leader", "/v1/agent/self", "/v1/agent/members"
_PASSING, _READ = "/v1/health/", "/v1/kv/"


def recorded(
    *consul: str,
    until: Told,
    then: Sequence[tuple[Told, Callable[[], object]]] = (),
    metrics: str | None = None,
    token: str = "",
    ca: Authority | None = None,
    clock: Clock | None = None,
) -> list[Event]:
    """What a recorder tells until `until` is true of it.

    Before, each of `then` happens in turn, as soon as its own condition is true.
    """
    found: list[Event] = []

    async def holds(condition: Told) -> None:
        async with asyncio.timeout(_SECONDS):
            while not condition(found):
                await asyncio.sleep(0.01)

    async def run() -> None:
        stop = asyncio.Event()
        signer = None if ca is None else str(ca.pem)
        settings = Settings("http://127.0.0.1/", consul=consul, metrics=metrics, consul_ca=signer)
        recorder = Recorder(settings, clock or Clock.set_now(), found.append, token)
        running = asyncio.create_task(recorder.run(stop))
        try:
            for condition, act in then:
                await holds(condition)
                act()
            await holds(until)
        finally:
            stop.set()
            await running

    asyncio.run(run())
    return found


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that answers has its time for it, however long the machine stands still."""
    monkeypatch.setattr(polling, "_ANSWER_SECONDS", 10 * _SECONDS)


@pytest.fixture
def impatience(patience: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not answered in half a second is silent: also an agent on a machine that stalls."""
    monkeypatch.setattr(polling, "_ANSWER_SECONDS", 0.5)


@pytest.fixture
def long_gaps(monkeypatch: pytest.MonkeyPatch) -> float:
    """A gap is longer than reads wait for a thread that this machine does not run."""
    monkeypatch.setattr(consistent_reads, "GAP_SECONDS", 1.0)
    return 1.0


@pytest.fixture
def no_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wait is a gap: what no agent answered is seen by the number of reads."""
    monkeypatch.setattr(consistent_reads, "GAP_SECONDS", 10 * _SECONDS)


@dataclasses.dataclass(frozen=True)
class ReadsClock(Clock):
    """A clock that each consistent read moves on: the machine may stand still between two."""

    agent: Fake

    def now(self) -> float:
        """Seconds since the first read, at the interval of the reads."""
        return 0.05 * asked(self.agent, _READ)


def asked(fake: Fake, path: str) -> int:
    """How often a fake was asked for what begins so."""
    return sum(one.path.startswith(path) for one in fake.asked)


def of(events: list[Event], kind: type[Kind]) -> list[Kind]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def test_what_never_changes_is_told_once() -> None:
    """Seven polls of an agent that says the same make one line of each kind."""
    polls = {_LEADER: 7, _SELF: 3, _MEMBERS: 3, _PASSING: 3}
    with serving(Cluster().respond) as agent:
        events = recorded(
            agent.url,
            until=lambda _: all(asked(agent, path) >= least for path, least in polls.items()),
        )
    (leader,) = of(events, LeaderEvent)
    (raft,) = of(events, RaftEvent)
    (members,) = of(events, MembersEvent)
    (passing,) = of(events, PassingEvent)
    assert leader.leader == "127.0.0.1:8300"
    assert (raft.term, raft.state, raft.node, raft.version) == (2, "Leader", "host-1", "1.22.7")
    assert members.members is not None
    assert members.members[0].status == "alive"
    assert passing.instances is not None
    assert [(i.node, i.address, i.port) for i in passing.instances] == [
        ("host-1", "127.0.0.1", 8001),
        ("host-2", "127.0.0.2", 8002),
    ]


def test_a_new_leader_is_told_and_its_term_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the leader does not wait for the next look at the term."""
    monkeypatch.setattr(watches, "_RAFT_SECONDS", 10 * _SECONDS)
    cluster = Cluster()

    def elect() -> None:
        cluster.term, cluster.state = 3, "Follower"
        cluster.leader = "127.0.0.2:8300"

    with serving(cluster.respond) as agent:
        events = recorded(
            agent.url,
            then=[(lambda told: of(told, LeaderEvent) and of(told, RaftEvent), elect)],
            until=lambda told: len(of(told, RaftEvent)) == 2,
        )
    assert [seen.leader for seen in of(events, LeaderEvent)] == ["127.0.0.1:8300", "127.0.0.2:8300"]
    assert [(seen.term, seen.state) for seen in of(events, RaftEvent)] == [
        (2, "Leader"),
        (3, "Follower"),
    ]


def test_instances_and_members_that_change_are_told() -> None:
    """Who leaves the catalog, and who is taken for dead, is one line each."""
    cluster = Cluster()

    def lose() -> None:
        cluster.passing.pop()
        cluster.members["host-2"] = 4

    with serving(cluster.respond) as agent:
        events = recorded(
            agent.url,
            then=[(lambda told: of(told, PassingEvent) and of(told, MembersEvent), lose)],
            until=lambda told: len(of(told, PassingEvent)) == len(of(told, MembersEvent)) == 2,
        )
    nodes = [[i.node for i in seen.instances or ()] for seen in of(events, PassingEvent)]
    assert nodes == [["host-1", "host-2"], ["host-1"]]
    last = of(events, MembersEvent)[-1].members
    assert last is not None
    assert {member.name: member.status for member in last}["host-2"] == "failed"


def test_an_agent_that_hangs_holds_up_no_other() -> None:
    """The other one's changes are told while the requests to the first wait for their answers."""
    one, other = Cluster(), Cluster(node="host-2")

    def hang_first() -> None:
        one.silent = True
        other.leader = "127.0.0.2:8300"

    with serving(one.respond) as first, serving(other.respond) as second:
        events = recorded(
            *(first.url, second.url),
            then=[(lambda told: len(of(told, LeaderEvent)) == 2, hang_first)],
            until=lambda told: len(of(told, LeaderEvent)) == 3,
        )
        leaders = {seen.agent: seen.leader for seen in of(events, LeaderEvent)}
    assert leaders == {first.url: "127.0.0.1:8300", second.url: "127.0.0.2:8300"}


@pytest.mark.usefixtures("impatience")
def test_an_agent_that_dies_is_silent() -> None:
    """It has no leader, no term and no instances: none of the last ones is taken for today's."""
    cluster = Cluster()

    def die() -> None:
        cluster.silent = True

    def said(told: list[Event]) -> list[object]:
        """The newest of each kind."""
        return [
            *[seen.leader for seen in of(told, LeaderEvent)[-1:]],
            *[seen.term for seen in of(told, RaftEvent)[-1:]],
            *[seen.instances for seen in of(told, PassingEvent)[-1:]],
        ]

    with serving(cluster.respond) as agent:
        events = recorded(
            agent.url,
            then=[(lambda told: len(said(told)) == 3 and None not in said(told), die)],
            until=lambda told: said(told) == [None, None, None],
        )
    assert said(events) == [None, None, None]


def test_a_port_where_nobody_listens_is_a_silent_agent() -> None:
    """An agent that never was is recorded like one that died."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        # So long nothing is missed yet.
        over = time.monotonic() + 1.5 * consistent_reads.GAP_SECONDS
        events = recorded(url, until=lambda told: of(told, LeaderEvent) and time.monotonic() > over)
    assert [seen.leader for seen in of(events, LeaderEvent)] == [None]
    assert [reads.answered for reads in of(events, Reads)] == [False]


def test_reads_are_answered_by_200_and_404_alone(long_gaps: float) -> None:
    """Without a leader an agent says 500, and that is a gap."""
    cluster = Cluster()
    with serving(cluster.respond) as agent:
        clock = ReadsClock(0, agent)
        moments: list[float] = []

        def turn(answer: str) -> Callable[[], None]:
            def turned() -> None:
                cluster.reads = answer
                moments.append(clock.now())

            return turned

        def later(seconds: float) -> Told:
            return lambda _: clock.now() >= sum(moments[-1:]) + seconds

        events = recorded(
            agent.url,
            clock=clock,
            then=[
                (later(0.25), turn("500 Internal Server Error")),
                (later(1.5 * long_gaps), turn("200 OK")),
            ],
            until=later(0.25),
        )
    reads = of(events, Reads)
    lost, found = moments
    assert [one.answered for one in reads] == [True, False, True]
    assert reads[0].end == reads[1].start
    # Reads that are under way when the leader is lost have their answer still.
    assert abs(reads[1].start - lost) < long_gaps
    assert reads[1].end > found > lost + long_gaps


@pytest.mark.usefixtures("no_gaps")
def test_one_agent_with_a_leader_is_enough() -> None:
    """A partitioned agent makes no gap as long as another one finds a leader."""
    cut = Cluster(reads="500 Internal Server Error")
    with serving(cut.respond) as first, serving(Cluster().respond) as second:
        events = recorded(
            *(first.url, second.url),
            until=lambda _: asked(first, _READ) >= 20 and asked(second, _READ) >= 20,
        )
        answered = asked(second, _READ)
    (reads,) = of(events, Reads)
    assert reads.answered
    assert 0 < reads.reads <= answered


def test_reads_that_hang_do_not_wait_for_each_other() -> None:
    """Twenty a second are sent, whatever became of those before."""

    def respond(asked: Asked) -> Any:
        return hang if asked.path.startswith(_READ) else Cluster().respond(asked)

    began = time.monotonic()
    with serving(respond) as agent:
        recorded(agent.url, until=lambda _: asked(agent, _READ) >= 12)
        reads = asked(agent, _READ)
    # None comes sooner than its 0.05 s, whatever the machine does; the first comes at once.
    assert 12 <= reads <= 1 + 20 * (time.monotonic() - began)


def test_the_token_is_sent_and_a_refusal_told_once() -> None:
    """403 means that the token lacks a right, and which."""
    cluster = Cluster(forbidden=("/v1/kv/", "/v1/agent/self"))
    with serving(cluster.respond) as agent:
        events = recorded(
            agent.url,
            token="secret-token",
            until=lambda _: asked(agent, _READ) >= 5 and asked(agent, _SELF) >= 3,
        )
        tokens = {one.headers.get("x-consul-token") for one in agent.asked}
    assert tokens == {"secret-token"}
    assert sorted(seen.path.partition("?")[0] for seen in of(events, Refused)) == [
        "/v1/agent/self",
        "/v1/kv/rollcall/drill",
    ]
    assert "secret" not in repr(events)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Permission denied: token lacks permission", Refusal.FORBIDDEN),
        ("rpc error: ACL not found", Refusal.UNKNOWN),
    ],
)
def test_a_token_without_rights_is_told_from_none(said: str, why: Refusal) -> None:
    """Rights would not help a token that nobody made."""
    with serving(Cluster(forbidden=("/v1/agent/self",), refusal=said).respond) as agent:
        events = recorded(agent.url, token="secret-token", until=lambda told: of(told, Refused))
    assert [seen.why for seen in of(events, Refused)] == [why]


def test_a_list_with_gaps_is_no_list() -> None:
    """What a token may not see is not missing from the catalog: that is told, and is silence."""
    lists = ("/v1/health/", "/v1/agent/members")
    with serving(Cluster(filtered=lists).respond) as agent:
        events = recorded(
            agent.url,
            token="secret-token",
            until=lambda _: asked(agent, _PASSING) >= 3 and asked(agent, _MEMBERS) >= 3,
        )
    assert {(seen.path.partition("?")[0], seen.why) for seen in of(events, Refused)} == {
        ("/v1/health/service/my-web-server", Refusal.FILTERED),
        ("/v1/agent/members", Refusal.FILTERED),
    }
    assert len(of(events, Refused)) == 2
    assert [seen.instances for seen in of(events, PassingEvent)] == [None]
    assert [seen.members for seen in of(events, MembersEvent)] == [None]


@pytest.mark.usefixtures("no_gaps")
def test_an_agent_is_watched_over_tls(authority: Authority, tls: ssl.SSLContext) -> None:
    """By an address that its certificate bears; the token is sent there too."""
    with serving(Cluster().respond, tls=tls) as agent:
        events = recorded(
            agent.url,
            token="secret-token",
            ca=authority,
            # Handshakes are dear. The first questions each make one, until some are answered.
            until=lambda _: len(agent.asked) > max(40, 2 * len(agent.wires)),
        )
        tokens = {one.headers.get("x-consul-token") for one in agent.asked}
    assert tokens == {"secret-token"}
    assert [seen.leader for seen in of(events, LeaderEvent)] == ["127.0.0.1:8300"]
    assert [one.answered for one in of(events, Reads)] == [True]
    assert not of(events, Distrusted)


def test_an_agent_by_another_authority_is_asked_nothing(
    stranger: Authority, tls: ssl.SSLContext
) -> None:
    """The reason is told once, and no token leaves the machine."""
    with serving(Cluster().respond, tls=tls) as agent:
        events = recorded(
            agent.url, token="secret-token", ca=stranger, until=lambda told: of(told, LeaderEvent)
        )
        assert agent.asked == []
    (distrusted,) = of(events, Distrusted)
    assert (distrusted.url, "issuer" in distrusted.reason) == (agent.url, True)
    assert [seen.leader for seen in of(events, LeaderEvent)] == [None]


def test_an_agent_of_another_address_is_asked_nothing(
    authority: Authority, elsewhere: ssl.SSLContext
) -> None:
    """Its certificate is good, and somebody else's."""
    with serving(Cluster().respond, tls=elsewhere) as agent:
        events = recorded(
            agent.url, token="secret-token", ca=authority, until=lambda told: of(told, LeaderEvent)
        )
        assert agent.asked == []
    (distrusted,) = of(events, Distrusted)
    assert "not valid for '127.0.0.1'" in distrusted.reason


def test_what_speaks_no_tls_is_asked_nothing(authority: Authority) -> None:
    """A port of plain HTTP under an https address gets no token."""
    with serving(Cluster().respond, greet=answer("", "400 Bad Request")) as agent:
        url = agent.url.replace("http", "https")
        events = recorded(
            url, token="secret-token", ca=authority, until=lambda told: of(told, LeaderEvent)
        )
        assert agent.asked == []
    assert [seen.url for seen in of(events, Distrusted)] == [url]


@pytest.mark.parametrize("body", ["no json", "[]", '{"Stats": 7}', '[{"Name": 1}]', "null"])
def test_an_answer_of_another_shape_is_silence(body: str) -> None:
    """What cannot be understood ends nothing: it is recorded as no answer."""
    with serving(lambda asked: answer(body)) as agent:
        events = recorded(
            agent.url, until=lambda told: of(told, LeaderEvent) and of(told, RaftEvent)
        )
    assert [seen.leader for seen in of(events, LeaderEvent)] == [None]
    assert [seen.term for seen in of(events, RaftEvent)] == [None]


def test_metrics_are_told_when_they_change() -> None:
    """The first values, then the changed ones, then silence."""
    values = ["nginx_lb_reloads_total 1\nnginx_lb_instances 3\ngo_threads 9"]

    def respond(asked: Asked) -> Any:
        return answer(values[0]) if values else hang

    def reload() -> None:
        values[0] = "nginx_lb_reloads_total 2\nnginx_lb_instances 3"

    with serving(respond) as balancer:
        events = recorded(
            metrics=balancer.url + "/metrics",
            then=[(lambda told: of(told, MetricsEvent), reload)],
            until=lambda told: len(of(told, MetricsEvent)) == 2,
        )
    assert [seen.values for seen in of(events, MetricsEvent)] == [
        {"nginx_lb_reloads_total": 1, "nginx_lb_instances": 3},
        {"nginx_lb_reloads_total": 2},
    ]


@pytest.mark.usefixtures("impatience")
def test_a_balancer_that_dies_has_no_metrics() -> None:
    """None of its last values is taken for today's."""
    values = ["nginx_lb_instances 3"]

    def newest(told: list[Event]) -> list[object]:
        return [seen.values for seen in of(told, MetricsEvent)[-1:]]

    with serving(lambda _: answer(values[0]) if values else hang) as balancer:
        events = recorded(
            metrics=balancer.url,
            then=[(lambda told: newest(told) == [{"nginx_lb_instances": 3}], values.clear)],
            until=lambda told: newest(told) == [None],
        )
    assert newest(events) == [None]
