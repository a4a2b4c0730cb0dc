"""`haproxy-lb run`; `haproxy-lb wait REVISION SECONDS [consul]`; `haproxy-lb status`."""

from __future__ import annotations

import sys

from . import disk
from .run import Keeper, wait


def main(words: list[str]) -> int:
    """Do what the words say; the exit status."""
    folders = disk.Folders()
    match words:
        case ["run"]:
            return Keeper(folders).run()
        case ["wait", revision, seconds, *more] if more in ([], ["consul"]):
            return wait(folders, revision, float(seconds), consul=bool(more))
        case ["status"]:
            print(disk.text(folders.told), end="")
            return 0
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
