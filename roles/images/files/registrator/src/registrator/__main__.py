"""`python -m registrator`, and the command `registrator`."""

import sys

from .ops.healthcheck import healthcheck


def main() -> int:
    """The process's exit status."""
    if sys.argv[1:] == ["healthcheck"]:
        return healthcheck()
    # Only now: the health check would load the Docker SDK every few seconds for nothing.
    from .cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
