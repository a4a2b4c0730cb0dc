"""What is read of the load generator's report."""

from __future__ import annotations

import pytest
from rollcall_bench.figures.load import Load, read

REPORT = """
Summary:
  Requests/sec:\t199.9

Latency distribution:
  10%{sign} in 0.0004 secs
  99%{sign} in 0.0012 secs

Status code distribution:
  [200]\t1995 responses
  [503]\t3 responses

Error distribution:
  [2]\tGet "http://127.0.0.1:80/": connection refused
"""


@pytest.mark.parametrize("sign", ["", "%"])
def test_what_is_not_answered_with_200_has_failed(sign: str) -> None:
    """Other statuses, and errors of the connection."""
    assert read(REPORT.format(sign=sign)) == Load(p99_ms=1.2, failed=5)


def test_nothing_answered_is_no_figure() -> None:
    """The report is shown."""
    with pytest.raises(ValueError, match="connection refused"):
        read('Error distribution:\n  [9]\tGet "http://127.0.0.1:80/": connection refused\n')
