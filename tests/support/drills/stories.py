"""Histories told as stories: `story().calm(5).fault("kill", "host-2").traffic(3).settled()`."""

from __future__ import annotations

import json
import pathlib
from typing import Self

from rollcall_drills.analysis.bounds import Verdict, judge
from rollcall_drills.history.folder import Folder, write_json
from rollcall_drills.history.history import History, assemble
from rollcall_drills.history.records import (
    Ended,
    Event,
    Failure,
    Instance,
    LeaderEvent,
    Mark,
    MarkName,
    Member,
    MembersEvent,
    MetricsEvent,
    PassingEvent,
    RaftEvent,
    Request,
    Stall,
    event_line,
)
from rollcall_drills.history.settings import Drill, Settings
from rollcall_drills.observer.consistent_reads import ConsistentReads

START = 1_000_000.0
HOSTS = ("host-1", "host-2", "host-3")


def address(host: str) -> str:
    """Where a host of a story is."""
    return f"10.0.0.{host.rpartition('-')[2]}"


def agent(host: str) -> str:
    """The URL of the agent on a host."""
    return f"http://{address(host)}:8500"


class Story:
    """Tells a history second by second; every step moves its clock or adds what happened now."""

    def __init__(self, rate: float, hosts: tuple[str, ...]) -> None:
        """Three hosts with an agent and an instance each; host-1 leads in term 2."""
        self.rate = rate
        self.hosts = hosts
        self.now = START
        self.requests: list[Request] = []
        self.marks: list[Mark] = []
        self.events: list[Event] = []
        self.serving = list(hosts)
        self.dead: set[str] = set()
        self.term = 2
        self.readings = ConsistentReads(START)
        self.reading = True
        self.complete = True
        for host in hosts:
            self.sees_leader(host, hosts[0])
            self.sees_term(host, 2, "Leader" if host == hosts[0] else "Follower")
            self.sees_members(host)
            self.lists(host, *hosts)

    # What happens.

    def calm(self, seconds: float = 5.0) -> Self:
        """The calm mark, and traffic that is answered."""
        return self.mark(MarkName.CALM).traffic(seconds)

    def fault(self, detail: str = "", *hosts: str, addresses: tuple[str, ...] = ()) -> Self:
        """The drill breaks something."""
        return self.mark(MarkName.FAULT, detail, *hosts, addresses=addresses)

    def healed(self, *hosts: str) -> Self:
        """The drill mended it."""
        return self.mark(MarkName.HEALED, "", *hosts)

    def settled(self) -> Self:
        """Everything is as it was."""
        return self.mark(MarkName.SETTLED)

    def mark(
        self, name: MarkName, detail: str = "", *hosts: str, addresses: tuple[str, ...] = ()
    ) -> Self:
        """Any mark."""
        self.marks.append(Mark(self.now, name, detail, hosts, addresses))
        return self

    def traffic(
        self,
        seconds: float,
        *,
        latency: float = 0.002,
        via: str | None = None,
        led: bool = True,
    ) -> Self:
        """Requests that are answered in turn; `via` is a host tried first, and in vain."""
        until = self.now + seconds
        while self.now < until - 1e-9:
            n = len(self.requests)
            host = self.serving[n % len(self.serving)]
            tried = f"{address(host)}:80"
            if via and n % 2:
                tried = f"{address(via)}:80, {tried}"
            self.request(latency, instance=host, backend=tried)
            if led:
                self.read()
        return self

    def failing(self, count: int, error: Failure = Failure.TIMEOUT, method: str = "GET") -> Self:
        """Requests that fail, one after the other."""
        for _ in range(count):
            status = 502 if error is Failure.BAD_STATUS else None
            latency = 5.0 if error is Failure.TIMEOUT else 0.001
            self.request(latency, error=error, status=status, method=method)
            self.read()
        return self

    def late(self, count: int) -> Self:
        """Requests that the probe could not send."""
        return self.failing(count, Failure.LATE)

    def request(
        self,
        latency: float,
        *,
        error: Failure | None = None,
        status: int | None = 200,
        method: str | None = None,
        instance: str | None = None,
        backend: str | None = None,
    ) -> None:
        """One request, due now."""
        n = len(self.requests)
        self.requests.append(
            Request(
                n,
                self.now,
                latency,
                method or ("POST" if n % 5 == 4 else "GET"),
                n % 2 == 1,
                status,
                error,
                instance,
                backend,
            )
        )
        # As the files have it, so that what is read equals what was told.
        self.now = round(self.now + 1 / self.rate, 6)

    def read(self) -> None:
        """A consistent read that a leader answered."""
        if self.reading:
            self.events += self.readings.answer(self.now)

    def leaderless(self, seconds: float) -> Self:
        """Traffic goes on, reads are not answered."""
        return self.traffic(seconds, led=False)

    def gone(self, host: str) -> Self:
        """Its instance answers no more; nobody has told yet."""
        self.serving.remove(host)
        return self

    def back(self, host: str) -> Self:
        """Its instance answers again."""
        self.serving.append(host)
        return self

    def elect(self, leader: str, term: int | None = None) -> Self:
        """Every agent that is not silent sees a new leader in a new term."""
        self.term = self.term + 1 if term is None else term
        for host in (host for host in self.hosts if host not in self.dead):
            self.sees_leader(host, leader)
            self.sees_term(host, self.term, "Leader" if host == leader else "Follower")
        return self

    # What agents see.

    def sees_leader(self, host: str, leader: str | None) -> Self:
        """What the agent on a host says about the leader."""
        said = leader and f"{address(leader)}:8300"
        self.events.append(LeaderEvent(self.now, agent(host), said))
        return self

    def sees_term(self, host: str, term: int | None, state: str = "Follower") -> Self:
        """What the agent on a host says about itself."""
        seen = RaftEvent(self.now, agent(host), term, state, host, address(host), "1.22.7")
        self.events.append(seen)
        return self

    def sees_members(self, host: str, **statuses: str) -> Self:
        """What the agent on a host says about the members, who are alive."""
        members = tuple(
            Member(name, statuses.get(name.replace("-", "_"), "alive"), address(name))
            for name in self.hosts
        )
        self.events.append(MembersEvent(self.now, agent(host), members))
        return self

    def lists(self, host: str, *instances: str) -> Self:
        """The hosts whose instance is passing, as the agent on a host says."""
        listed = tuple(Instance(f"{name}:web:80", name, address(name), 80) for name in instances)
        self.events.append(PassingEvent(self.now, agent(host), listed))
        return self

    def all_list(self, *instances: str) -> Self:
        """The hosts whose instance is passing, as all agents say."""
        for host in self.hosts:
            self.lists(host, *instances)
        return self

    def silent(self, host: str) -> Self:
        """The agent on a host does not answer any more."""
        url = agent(host)
        self.dead.add(host)
        self.events += [
            LeaderEvent(self.now, url, None),
            RaftEvent(self.now, url),
            MembersEvent(self.now, url, None),
            PassingEvent(self.now, url, None),
        ]
        return self

    def wakes(self, host: str, leader: str) -> Self:
        """The agent on a host answers again, and follows the leader."""
        self.dead.discard(host)
        return self.sees_leader(host, leader).sees_term(host, self.term).sees_members(host)

    def metrics(self, **values: float) -> Self:
        """What the balancer says."""
        self.events.append(MetricsEvent(self.now, values))
        return self

    def stall(self, seconds: float) -> Self:
        """The observer did not get to run."""
        self.events.append(Stall(self.now, self.now + seconds))
        return self

    def cut(self) -> Self:
        """The observer died: it left no last word."""
        self.complete = False
        return self

    def without_reads(self) -> Self:
        """No agent is asked for reads."""
        self.reading = False
        return self

    # What becomes of it.

    @property
    def drill(self) -> Drill:
        """The head of the history."""
        settings = Settings(
            "http://10.0.0.1/", self.rate, consul=tuple(agent(host) for host in self.hosts)
        )
        return Drill("A story", "Told by a test.", START, 0.0, settings, {"python": "3.11"})

    def records(self) -> list[Event]:
        """The events, with the last word."""
        rest = self.readings.close(self.now) if self.reading else []
        ended = [Ended(self.now, len(self.requests))] if self.complete else []
        return [*self.events, *rest, *ended]

    def history(self) -> History:
        """The history as if it had been read."""
        return assemble(self.drill, self.requests, self.marks, self.records())

    def judged(self, **bounds: float) -> Verdict:
        """The verdict with these bounds."""
        return judge(self.history(), bounds)

    def write(self, path: pathlib.Path) -> Folder:
        """The history as files."""
        path.mkdir()
        folder = Folder(path)
        write_json(folder.drill, self.drill.to_json())
        for file, lines in (
            (folder.requests, [request.to_line() for request in self.requests]),
            (folder.marks, [mark.to_line() for mark in self.marks]),
            (folder.events, [event_line(event) for event in self.records()]),
        ):
            file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return folder


def story(rate: float = 50.0, hosts: tuple[str, ...] = HOSTS) -> Story:
    """The beginning of every story."""
    return Story(rate, hosts)


def host_dies(out: float = 0.4, catalog: float = 2.0, back: float = 0.2) -> Story:
    """The common story: host-2 dies, leaves rotation and catalog, and comes back."""
    told = story().calm().fault("kill the host", "host-2").gone("host-2").silent("host-2")
    told.traffic(out, via="host-2").traffic(catalog - out)
    told.lists("host-1", "host-1", "host-3").lists("host-3", "host-1", "host-3").traffic(2)
    told.healed("host-2").wakes("host-2", "host-1").traffic(back)
    told.back("host-2").all_list(*HOSTS).traffic(1)
    return told.settled().traffic(0.5)
