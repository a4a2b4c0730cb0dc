"""Options and inputs with their types, and without them."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

# The inputs that an agent's role needs.
AGENT = {
    "node_name": "node-1",
    "advertise": "192.0.2.1",
    "retry_join": ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
}


def as_text(value: Any) -> Any:
    """The same, with each number and truth as text: what `-e` says, and many an inventory."""
    if isinstance(value, dict):
        return {key: as_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_text(each) for each in value]
    return str(value)


def accepted(module: Any, options: Any) -> dict[str, Any]:
    """Options as their module reads them. AssertionError where it would refuse them."""
    with (
        mock.patch.object(module, "AnsibleModule", side_effect=StopIteration) as made,
        pytest.raises(StopIteration),
    ):
        module.main()
    found = ArgumentSpecValidator(made.call_args.kwargs["argument_spec"]).validate(options)
    assert not found.error_messages
    parameters: dict[str, Any] = found.validated_parameters
    return parameters
