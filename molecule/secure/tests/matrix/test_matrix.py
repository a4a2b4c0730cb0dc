"""What a secure cluster refuses, and to whom: nothing is open any more."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[4]
SECRETS = ROOT / "inventories" / "lab" / ".secrets"
HOSTS = {"host-1", "host-2", "host-3"}
# The words to look for come by the standard input, which the pipe's right end reads as a file.
SEARCH = "exec 3<&0;"
# What a Registrator must not do, and one thing that it needs.
DOCKER = """
import http.client, json, socket
class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/docker-host/docker.sock")
def ask(verb, path):
    engine = Engine("docker")
    engine.request(verb, path)
    answer = engine.getresponse()
    return answer.status, json.loads(answer.read() or b"null")
status, running = ask("GET", "/containers/json")
web = running[0]["Id"]
calls = [("GET", "/info"), ("GET", "/images/json"), ("GET", "/secrets"), ("GET", "/volumes"),
         ("GET", "/networks"), ("GET", f"/containers/{web}/logs?stdout=1"),
         ("GET", f"/containers/{web}/archive?path=/etc"), ("GET", f"/containers/{web}/top"),
         ("GET", f"/containers/{web}/export"), ("POST", "/containers/create"),
         ("POST", f"/containers/{web}/exec"), ("POST", f"/containers/{web}/stop"),
         ("POST", f"/containers/{web}/attach"), ("DELETE", f"/containers/{web}"),
         ("POST", "/images/create?fromImage=x"), ("POST", "/build"), ("POST", "/auth"),
         ("GET", "/v1.41/info"), ("GET", "/containers/json/../../info"), ("PUT", "/containers/x")]
words = [ask("GET", f"/containers/{each['Id']}/json")[1]["Config"]["Env"] for each in running]
print(json.dumps({
    "needed": status,
    "statuses": {f"{verb} {path}": ask(verb, path)[0] for verb, path in calls},
    "environment": sorted({word for each in words for word in each or ()}),
}))
"""


def canaries() -> list[str]:
    """Every line of every secret that is long enough to be no accident."""
    files = [path for path in SECRETS.rglob("*") if path.suffix != ".pem" and path.is_file()]
    lines = [line for path in files for line in path.read_text().splitlines()]
    return [line for line in lines if len(line) > 20 and "-----" not in line]


def on(host: Any, command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command on the host that reads `given`: a secret stands on no command line."""
    return subprocess.run(
        ["ssh", "-F", str(ROOT / ".lab" / "ssh" / "config"), host.backend.host.name, command],
        input=given,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def site(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook for everything."""
    return subprocess.run(
        ["ansible-playbook", "site.yml", "-i", "inventories/lab", *words],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.usefixtures("whole")
def test_a_secure_cluster_is_whole(host: Any, consul: Any) -> None:
    """Every server votes, and three instances pass."""
    assert len(consul("/v1/health/service/my-web-server?passing")) == 3


def test_nobody_is_heard_without_a_token(host: Any) -> None:
    """HTTP is on loopback, HTTPS wants a token, and the agents' own ports want a certificate."""
    name = host.backend.host.name
    address = on(host, "hostname -I").stdout.split()[0]
    code = "curl -sk -o /dev/null -m 5 -w '%{http_code}'"
    asked = {
        "http": on(host, f"{code} http://{address}:8500/v1/agent/self").stdout,
        "https": on(host, f"{code} https://{address}:8501/v1/agent/self").stdout,
        "loopback": on(host, f"{code} http://127.0.0.1:8500/v1/agent/self").stdout,
        "write": on(host, f"{code} -X PUT https://{address}:8501/v1/kv/a -d x").stdout,
        "rpc": on(host, f"{code} http://{address}:8300/").stdout,
        "dns": on(host, f"{code} http://{address}:8600/").stdout,
    }
    assert asked == {
        "http": "000",
        "https": "403",
        "loopback": "403",
        "write": "403",
        "rpc": "000",
        "dns": "000",
    }, name
    seen = on(host, f"curl -sk https://{address}:8501/v1/catalog/services").stdout
    assert json.loads(seen) == {}


def test_a_registrator_cannot_use_the_engine(host: Any) -> None:
    """It lists and reads what it needs; everything else is refused, and no environment leaks."""
    told = on(host, "docker exec -i registrator python3 -", DOCKER)
    found = json.loads(told.stdout)
    assert found["needed"] == 200
    assert set(found["statuses"].values()) == {403}, found["statuses"]
    assert all(word.startswith("SERVICE_") for word in found["environment"])


def test_containers_can_do_little(host: Any) -> None:
    """No capability but the balancer's, a read-only root, no new rights, a limit, rarely root."""
    told = on(host, "docker inspect $(docker ps -q)")
    for each in json.loads(told.stdout):
        name, limits = each["Name"], each["HostConfig"]
        assert limits["CapDrop"] == ["ALL"], name
        assert limits["ReadonlyRootfs"], name
        assert "no-new-privileges" in limits["SecurityOpt"], name
        assert limits["PidsLimit"], name
        assert not limits["Privileged"], name
        # Port 80 of the host is below 1024.
        root = each["Config"]["User"] in ("", "0", "root")
        assert root == (name == "/nginx-lb"), name


def test_no_secret_can_be_seen_on_a_host(host: Any) -> None:
    """Neither in what Docker tells, nor in processes, logs, or files that others may read."""
    looks = {
        "docker inspect": "docker inspect $(docker ps -aq)",
        "docker volume": "docker volume inspect $(docker volume ls -q)",
        "processes": "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'",
        "logs": "for each in $(docker ps -aq); do docker logs $each 2>&1; done",
        "journal": "journalctl --no-pager -q",
        "files": "find /etc /opt /run /tmp /var/tmp /root -xdev -type f -perm /o=r -size -2000k"
        " -exec cat {} + 2>/dev/null",
    }
    given = "\n".join(canaries())
    assert len(given.splitlines()) > 10
    for what, look in looks.items():
        found = on(host, f"{SEARCH} ({look}) </dev/null | grep -acF -f /dev/fd/3", given)
        assert found.stdout.strip() == "0", f"{what} of {host.backend.host.name}"
    # The search itself finds what is there.
    look = "cat /etc/rollcall/consul/agent/*"
    told = on(host, f"{SEARCH} ({look}) </dev/null | grep -acF -f /dev/fd/3", given)
    assert int(told.stdout) > 0


def test_who_forgets_the_profile_opens_nothing(host: Any) -> None:
    """The open profile is refused before anything changes, on every host and by its container."""
    if host.backend.host.name != "host-1":
        pytest.skip("one run tells of all hosts")
    told = site("-e", "rollcall_profile=open")
    assert told.returncode != 0
    words = "Nothing was changed. consul-server is an agent of a secure cluster"
    # Wherever it is printed, and folded.
    output = " ".join((told.stdout + told.stderr).split())
    assert output.count(words) >= len(HOSTS), output[-2000:]


def test_no_secret_is_told_by_ansible(host: Any, tmp_path: pathlib.Path) -> None:
    """Not at the highest verbosity, and not in a diff of what was never there."""
    if host.backend.host.name != "host-1":
        pytest.skip("one run tells of all hosts")
    told = site("-e", "rollcall_profile=secure", "-vvv", "--check", "--diff")
    assert told.returncode == 0, told.stdout[-2000:]
    assert [each[:4] for each in canaries() if each in told.stdout + told.stderr] == []
