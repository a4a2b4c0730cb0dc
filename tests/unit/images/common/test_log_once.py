"""Lines that repeat are logged once."""

from __future__ import annotations

from rollcall_common.log_once import LogOnce


def test_a_message_is_logged_once_for_its_key() -> None:
    """The first message of a key counts, whatever the later ones say."""
    lines: list[str] = []
    once = LogOnce(lines.append)
    assert [once(("web",), "web: refused"), once(("web",), "web: refused again")] == [True, False]
    assert once(("db",), "db: refused")
    assert lines == ["web: refused", "db: refused"]


def test_a_key_that_is_not_retained_is_new_again() -> None:
    """What came back is worth a line."""
    lines: list[str] = []
    once = LogOnce(lines.append)
    once(("web", "no port"), "web")
    once(("db", "no port"), "db")
    once.retain(lambda key: key[0] == "db")
    assert [once(("web", "no port"), "web"), once(("db", "no port"), "db")] == [True, False]


def test_keys_are_bounded() -> None:
    """Whoever makes up keys fills neither the memory nor the log."""
    lines: list[str] = []
    once = LogOnce(lines.append, most=2)
    assert [once((str(number),), "line") for number in range(4)] == [True, True, False, False]
