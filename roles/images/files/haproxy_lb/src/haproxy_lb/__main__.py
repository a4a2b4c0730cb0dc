"""`haproxy-lb run`; `haproxy-lb wait REVISION SECONDS [consul]`; `haproxy-lb status`."""

from __future__ import annotations

import sys

from . import files
from .supervisor import Supervisor, wait


def main(arguments: list[str]) -> int:
    """Run the command in the arguments; the exit status."""
    folders = files.Folders()
    match arguments:
        case ["run"]:
            return Supervisor(folders).run()
        case ["wait", revision, seconds, *more] if more in ([], ["consul"]):
            return wait(folders, revision, float(seconds), consul=bool(more))
        case ["status"]:
            print(files.text(folders.status), end="")
            return 0
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
