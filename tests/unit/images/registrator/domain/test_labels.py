"""`SERVICE_*` in the environment and in labels becomes the values of one port."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    container,
    labelled,
)
from hypothesis import given
from hypothesis import strategies as st
from registrator.domain.labels import metadata, split_tags


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("SERVICE_NAME", {"name": "shop"}),
        ("SERVICE_Name", {"name": "shop"}),
        ("SERVICE_80_NAME", {"name": "shop"}),
        ("SERVICE_CHECK_HTTP", {"check_http": "shop"}),
        ("SERVICE_80_CHECK_HTTP", {"check_http": "shop"}),
        ("SERVICE_443_NAME", {}),
        ("SERVICE_080_NAME", {}),
        ("SERVICE_+80_NAME", {}),
        ("SERVICE_80_", {}),
        ("SERVICE_", {}),
        ("SERVICE_80", {"80": "shop"}),
        ("service_name", {}),
        ("MY_SERVICE_NAME", {}),
        ("NAME", {}),
    ],
)
def test_a_key_gives_a_value_for_port_80(key: str, values: dict[str, str]) -> None:
    """The prefix is read by case, the rest is not, and a leading number is a container port."""
    assert metadata(labelled(**{key: "shop"}), 80)[0] == values


def test_the_environment_speaks_as_labels_do() -> None:
    """An image that sets SERVICE_NAME needs no label."""
    assert metadata(container(env=("PATH=/bin", "SERVICE_NAME=shop")), 80)[0] == {"name": "shop"}


def test_a_value_may_contain_equals_signs() -> None:
    """Only the first equals sign of an environment entry separates."""
    entry = container(env=("SERVICE_CHECK_HTTP=/health?deep=1",))
    assert metadata(entry, 80)[0] == {"check_http": "/health?deep=1"}


def test_a_label_overrides_the_environment() -> None:
    """Who runs the container has the last word over who built the image."""
    entry = container(env=("SERVICE_NAME=image",), labels={"SERVICE_NAME": "operator"})
    assert metadata(entry, 80)[0] == {"name": "operator"}


def test_a_port_of_the_environment_beats_a_label_without_one() -> None:
    """What is said of one port counts more than what is said of all."""
    entry = container(env=("SERVICE_80_NAME=port",), labels={"SERVICE_NAME": "all"})
    assert metadata(entry, 80)[0] == {"name": "port"}


@pytest.mark.parametrize("order", [1, -1], ids=["all first", "port first"])
def test_a_port_beats_all_in_any_order(order: int) -> None:
    """The order of labels is an accident and decides nothing."""
    labels = [("SERVICE_NAME", "all"), ("SERVICE_80_NAME", "port")][::order]
    assert metadata(container(labels=dict(labels)), 80)[0] == {"name": "port"}


def test_it_is_known_which_values_a_port_gave() -> None:
    """The name's suffix depends on whether the name was said of this port."""
    entry = labelled(SERVICE_80_NAME="port", SERVICE_TAGS="all")
    assert metadata(entry, 80)[1] == {"name"}


def test_an_empty_value_is_none() -> None:
    """A key without a value says nothing."""
    assert metadata(labelled(SERVICE_NAME="", SERVICE_80_TAGS=""), 80) == ({}, frozenset())


def test_an_empty_label_takes_the_environments_value_away() -> None:
    """An operator can unset what an image sets."""
    entry = container(env=("SERVICE_NAME=image",), labels={"SERVICE_NAME": ""})
    assert metadata(entry, 80)[0] == {}


@pytest.mark.parametrize("entry", ["SERVICE_NAME", "SERVICE_NAME=", "SERVICE_", "", "=", "=x"])
def test_an_environment_entry_without_a_value_is_none(entry: str) -> None:
    """Docker lists unset variables without an equals sign."""
    assert metadata(container(env=(entry,)), 80) == ({}, frozenset())


def test_an_empty_port_key_takes_the_general_value_away() -> None:
    """One check for all ports can be taken from the port that answers no HTTP."""
    entry = labelled(SERVICE_CHECK_HTTP="/up", SERVICE_9000_CHECK_HTTP="")
    assert metadata(entry, 80)[0] == {"check_http": "/up"}
    assert metadata(entry, 9000) == ({}, frozenset())


@pytest.mark.parametrize("order", [1, -1], ids=["one", "other"])
def test_labels_that_differ_by_case_have_an_order(order: int) -> None:
    """Of two labels that say the same thing differently, the same one wins each time."""
    labels = dict([("SERVICE_NAME", "upper"), ("SERVICE_Name", "lower")][::order])
    assert metadata(container(labels=labels), 80)[0] == {"name": "lower"}


@pytest.mark.parametrize("head", ["²", "8" * 5000], ids=["superscript", "five thousand digits"])
def test_a_number_that_is_no_port_harms_nobody(head: str) -> None:
    """A label that nobody can mean leaves the container's other values as they are."""
    entry = container(labels={f"SERVICE_{head}_NAME": "odd", "SERVICE_TAGS": "blue"})
    assert metadata(entry, 80)[0]["tags"] == "blue"


@given(
    st.dictionaries(
        st.text("abcXYZ_", min_size=1, max_size=8), st.text("ab,= ", max_size=4), max_size=4
    )
)
def test_environment_and_labels_have_one_grammar(values: dict[str, str]) -> None:
    """The same keys give the same values wherever they stand."""
    pairs = {f"SERVICE_{key}": value for key, value in values.items()}
    env = tuple(f"{key}={value}" for key, value in pairs.items())
    assert metadata(container(env=env), 80) == metadata(container(labels=pairs), 80)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", ()),
        ("blue", ("blue",)),
        ("blue,green", ("blue", "green")),
        ("b,a,b", ("b", "a", "b")),
        (",blue,,green,", ("blue", "green")),
        (" blue , green", (" blue ", " green")),
        (r"rule=a\,b,green", ("rule=a,b", "green")),
        (r"\,", (",",)),
    ],
)
def test_a_comma_list_becomes_tags(text: str, tags: tuple[str, ...]) -> None:
    """Order, blanks and repetitions are kept, empty items are not, a backslash saves a comma."""
    assert split_tags(text) == tags


@pytest.mark.parametrize(
    ("text", "tags"),
    [("a,b,c", ("c", "b", "a")), (r"rule=a\,b,c", ("c", "rule=a,b")), (",a,,", ("a",)), ("", ())],
)
def test_tags_can_be_turned_round(text: str, tags: tuple[str, ...]) -> None:
    """Whoever relies on the order of upstream's master can have it."""
    assert split_tags(text, reverse=True) == tags


@given(st.lists(st.text(st.characters(exclude_characters="\\"), min_size=1)))
def test_tags_survive_being_written_down(tags: list[str]) -> None:
    """Escaped and joined, any tags are read back as they were."""
    text = ",".join(tag.replace(",", r"\,") for tag in tags)
    assert split_tags(text) == tuple(tags)
