"""Under ChainableUndefined a misspelt name renders as nothing, so names are held to the page classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment, meta, nodes

import marketplace.factory  # noqa: F401 - imports every room, so that all page classes are known
from marketplace.settings import PROJECT
from marketplace.web.pages import Page

#: What the factory's context processor, Flask and the page renderer offer to every template.
OFFERED = {"form", "asset", "actor", "navigation", "demo", "nhs_logo", "cspNonce", "footer_links", "banner"}


def page_classes(base: type[Page] = Page) -> Iterator[type[Page]]:
    for page in base.__subclasses__():
        if hasattr(page, "template"):
            yield page
        yield from page_classes(page)


def names_of(environment: Environment, template: str) -> set[str]:
    source = (PROJECT / "templates" / template).read_text("utf-8")
    tree = environment.parse(source)
    names = meta.find_undeclared_variables(tree)
    for imported in tree.find_all(nodes.FromImport):  # blocks see what the top of the file imports
        names -= {name[1] if isinstance(name, tuple) else name for name in imported.names}
    for include in tree.find_all(nodes.Include):
        names |= names_of(environment, include.template.value)
    return names


@pytest.mark.parametrize("page", sorted(set(page_classes()), key=lambda page: page.__qualname__))
def test_free_names_of_a_template_are_fields_of_its_page(app: Flask, page: type[Page]) -> None:
    offered = OFFERED | set(app.jinja_env.globals) | {"csrf_token"} | {field.name for field in fields(page)}
    for template in filter(None, (page.template, page.partial)):
        assert names_of(app.jinja_env, template) - offered == set(), template


def test_every_template_of_a_room_is_used_or_included() -> None:
    folder = PROJECT / "templates"
    every = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}
    text = "".join(
        path.read_text("utf-8") for path in [*folder.rglob("*.html"), *Path("marketplace").rglob("*.py")]
    )
    assert {name for name in every if f'"{name}"' not in text} == set()


def test_no_template_carries_inline_style_or_script_or_marks_text_safe() -> None:
    for path in (PROJECT / "templates").rglob("*.html"):
        source = path.read_text("utf-8")
        assert " style=" not in source, path
        assert "<script>" not in source, path
        # The filter is looked for, not used: text that people typed must stay escaped everywhere.
        assert "|safe" not in source.replace(" ", ""), path
        assert "hx-on" not in source, path
