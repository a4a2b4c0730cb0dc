"""The builders next to the stories are imported by their name."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
