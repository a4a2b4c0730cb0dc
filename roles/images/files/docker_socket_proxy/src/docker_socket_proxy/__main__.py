"""`python3 -m docker_socket_proxy` serves; `... healthcheck` checks the one that does."""

from __future__ import annotations

import os
import sys

from . import healthcheck
from .settings import InvalidSetting, settings_from


def main(words: list[str]) -> int:
    """Run a command; the exit status."""
    try:
        settings = settings_from(os.environ)
    except InvalidSetting as error:
        print(f"docker-socket-proxy: {error}", file=sys.stderr)
        return 64
    match words:
        case []:
            # Only now: a health check every few seconds has no use for asyncio.
            import asyncio

            from .run import serve

            return asyncio.run(serve(settings))
        case ["healthcheck"]:
            problem = healthcheck.problem(settings.listen)
            print(problem or "healthy", file=sys.stderr if problem else sys.stdout)
            return 1 if problem else 0
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
