"""`python -m registrator`, and the command `registrator`."""

import sys

from .ops.healthcheck import healthcheck


def main() -> int:
    """The process's exit status."""
    if sys.argv[1:] == ["healthcheck"]:
        return healthcheck()
    # Imported here: a health check runs every few seconds and does not need the Docker SDK.
    from .cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
