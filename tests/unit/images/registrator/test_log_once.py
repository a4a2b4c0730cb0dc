"""A message is logged once for each subject, until the subject is gone."""

from __future__ import annotations

import logging

import pytest
from registrator.log_once import LogOnce, error_text

LOG = logging.getLogger("registrator")


def test_a_message_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Another kind, subject or message is another entry; a subject that is gone starts again."""
    caplog.set_level(logging.INFO, logger="registrator")
    log_once = LogOnce(LOG)
    assert log_once.info("ignored", "web", "no port")
    assert not log_once.info("ignored", "web", "no port")
    assert log_once.info("ignored", "shop", "no port")
    log_once.retain({"shop"})
    assert not log_once.info("ignored", "shop", "no port")
    assert log_once.info("ignored", "web", "no port")
    assert caplog.messages == [f"ignored: {name} no port" for name in ("web", "shop", "web")]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError("<Pool object at 0x7f12>: refused"), "<Pool object>: refused"),
        (KeyError(), "KeyError"),
    ],
)
def test_an_error_has_the_same_text_at_each_attempt(error: Exception, text: str) -> None:
    """Addresses of objects are left out; an error without a message is named by its type."""
    assert error_text(error) == text
