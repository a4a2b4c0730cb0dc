"""The balancers' images, made of what lies here."""

from __future__ import annotations

import functools
import hashlib
import pathlib
import subprocess

from ..turns import turn

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCES = ROOT / "roles" / "images" / "files"
# Another checkout on this machine has another name.
_CHECKOUT = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]


@functools.cache
def image(program: str, engine: tuple[str, ...]) -> str:
    """The image of a program such as `nginx_lb`; `engine` are arguments for the docker program."""
    return _built(program, SOURCES, SOURCES / program / "Dockerfile", engine)


@functools.cache
def on_top(program: str, context: pathlib.Path, engine: tuple[str, ...]) -> str:
    """The image of a context whose Dockerfile begins with the image of a program."""
    arguments = ("--build-arg", f"BASE_IMAGE={image(program, engine)}")
    name = f"{program}-{context.name}"
    return _built(name, context, context / "Dockerfile", engine, *arguments)


def _built(
    program: str,
    context: pathlib.Path,
    dockerfile: pathlib.Path,
    engine: tuple[str, ...],
    *arguments: str,
) -> str:
    """Processes that want it at once take turns: the first makes it, the others find its layers."""
    name = f"balancer/{program}:test-{_CHECKOUT}"
    words = ["docker", *engine, "build", "-q", "-t", name, *arguments]
    words += ["-f", str(dockerfile), str(context)]
    with turn(name.replace("/", "-")):
        done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}\nlab/up makes the images it starts from"
    )
    return name
