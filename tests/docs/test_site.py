"""The site holds together by itself: every link leads somewhere, nothing comes from afar."""

from __future__ import annotations

import html.parser
import pathlib
import re
import urllib.parse
from typing import Any

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.name for path in (ROOT / "roles").glob("*/meta"))
# What a browser fetches without being asked to.
FETCHED = {("img", "src"), ("script", "src"), ("link", "href"), ("source", "src")}


class Page(html.parser.HTMLParser):
    """The anchors of a page, its links, what it fetches, and pictures without a word for them."""

    def __init__(self, path: pathlib.Path) -> None:
        """Read the file."""
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.silent: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag is about."""
        values = {key: value or "" for key, value in attrs}
        self.anchors |= {values[key] for key in ("id", "name") if key in values}
        for key in ("href", "src"):
            if key in values:
                (self.fetched if (tag, key) in FETCHED else self.links).append(values[key])
        if tag == "img" and not values.get("alt"):
            self.silent.append(values.get("src", ""))


@pytest.fixture(scope="module")
def pages(site: pathlib.Path) -> dict[pathlib.Path, Page]:
    """Every page of the site."""
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_there_are_pages(pages: dict[pathlib.Path, Page], site: pathlib.Path) -> None:
    """Each source of ours has one."""
    written = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    assert len(written) > 10
    assert {site / path.with_suffix(".html") for path in written} <= set(pages)


def test_every_link_inside_leads_to_a_page_and_an_anchor(
    pages: dict[pathlib.Path, Page], site: pathlib.Path
) -> None:
    """And every file that a page needs is there."""
    dead = []
    for path, page in pages.items():
        for link in [*page.links, *page.fetched]:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (
                (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            )
            known = target.exists() and target.is_relative_to(site.resolve())
            anchor = urllib.parse.unquote(parts.fragment)
            missing = anchor and target in pages and anchor not in pages[target].anchors
            if not known or missing:
                dead.append((path.name, link))
    assert dead == []


def test_nothing_is_fetched_from_elsewhere(pages: dict[pathlib.Path, Page]) -> None:
    """No font, no script, no picture."""
    fetched = {link for page in pages.values() for link in page.fetched}
    assert {link for link in fetched if re.match(r"(https?:)?//", link)} == set()


def test_no_page_shows_what_went_wrong(pages: dict[pathlib.Path, Page]) -> None:
    """Neither a message of the builder nor a placeholder."""
    bad = re.compile(r"system-message|ERROR: |\bTODO\b|\bTBD\b|lorem ipsum", re.I)
    found = {path.name for path in pages if bad.search(path.read_text())}
    assert found == set()


def test_every_picture_has_a_word_for_those_who_do_not_see_it(
    pages: dict[pathlib.Path, Page],
) -> None:
    """An alternative text."""
    assert [name for page in pages.values() for name in page.silent] == []


@pytest.mark.parametrize("role", ROLES)
def test_every_input_of_a_role_is_in_the_reference(site: pathlib.Path, role: str) -> None:
    """The page is made from the argument specification, so it cannot say anything else."""
    specs: Any = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    page = (site / "collections/rollcall/discovery" / f"{role}_role.html").read_text()
    inputs = specs["argument_specs"]["main"]["options"]
    assert [name for name in inputs if f"parameter-main--{name}" not in page] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "plugins" / "modules").glob("*.py")), ids=lambda path: path.stem
)
def test_every_module_has_a_page(site: pathlib.Path, path: pathlib.Path) -> None:
    """With its examples and what it returns."""
    page = (site / "collections/rollcall/discovery" / f"{path.stem}_module.html").read_text()
    assert "Examples" in page
    assert "Return Values" in page
