"""`drill`: see rollcall_drills.cli."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from rollcall_drills.cli import main  # noqa: E402  (the path comes first)

sys.exit(main(sys.argv[1:]))
