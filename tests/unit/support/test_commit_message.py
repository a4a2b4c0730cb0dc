"""The hook that looks at a commit message takes one of the form that CONTRIBUTING.md asks for."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
BODY = "\n\nWhat was wrong, and why this way.\n"


def taken(message: str) -> bool:
    """Whether pre-commit's pygrep finds the hook's pattern, which is negated: found is good."""
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    [hook] = [hook for hook in repository["hooks"] if hook["id"] == "commit-message"]
    return re.search(hook["entry"], message, re.MULTILINE | re.DOTALL) is not None


@pytest.mark.parametrize(
    "title",
    [
        "nginx_lb: remove the name server",
        "tests/run: begin nothing more after an interrupt",
        "drills tests: name the program once",
        ".ci: run the default tier",
        f"docs: {'x' * 66}",
    ],
)
def test_an_area_and_an_imperative_with_a_body_are_taken(title: str) -> None:
    """Up to 72 characters, and the comments that git puts below do not count."""
    assert taken(f"{title}{BODY}# Please enter the commit message\n")


@pytest.mark.parametrize(
    "message",
    [
        f"Remove the name server{BODY}",
        f"nginx_lb: Remove the name server{BODY}",
        f"nginx_lb: remove the name server.{BODY}",
        f"docs: {'x' * 67}{BODY}",
        "nginx_lb: remove the name server\n",
        "nginx_lb: remove the name server\nWhy.\n",
        "nginx_lb: remove the name server\n\n# Please enter the commit message\n",
    ],
)
def test_other_messages_are_refused(message: str) -> None:
    """No area, a capital, a full stop, too long, no body, no empty line."""
    assert not taken(message)
