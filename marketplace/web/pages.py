"""What a template receives: a frozen dataclass of finished words and links, and how it is rendered."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from flask import render_template, request
from flask_wtf import FlaskForm


@dataclass(frozen=True, kw_only=True)
class Page:
    """The base of every page. Subclasses add fields; a test holds their templates to those names.

    ``partial`` is the template of the part that htmx swaps, where there is one.
    """

    template: ClassVar[str]
    partial: ClassVar[str] = ""

    title: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link's words and address."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A coloured label. ``colour`` is one of the design system's: green, yellow, red, grey, blue, orange ..."""

    text: str
    colour: str = ""

    @property
    def classes(self) -> str:
        """Return the design system's class for the colour."""
        return f"nhsuk-tag--{self.colour}" if self.colour else ""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a summary list: key, value, and a link to change it."""

    key: str
    value: str
    change: str = ""
    items: tuple[str, ...] = ()


def wants_fragment() -> bool:
    """Tell whether htmx asks for a part of a page; False for history restores and boosted links."""
    return request.headers.get("HX-Request-Type") == "partial"


def fragment(page: Page, form: FlaskForm | None = None) -> str:
    """Render the whole page or, where htmx asks for it and the page has one, its part."""
    name = page.partial if page.partial and wants_fragment() else page.template
    values = {field.name: getattr(page, field.name) for field in fields(page)}
    return render_template(name, form=form, **values)
