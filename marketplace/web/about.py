"""The pages of the footer: what this is, accessibility, privacy."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint
from flask.typing import ResponseReturnValue

from marketplace.access.doors import public
from marketplace.web.pages import Page, fragment

about = Blueprint("about", __name__)


@dataclass(frozen=True, kw_only=True)
class AboutPage(Page):
    """What the service is, and what it is not."""

    template = "about/service.html"

    title: str = "About Demand Signal"


@dataclass(frozen=True, kw_only=True)
class AccessibilityPage(Page):
    """How far the service can be used by everybody."""

    template = "about/accessibility.html"

    title: str = "Accessibility"


@dataclass(frozen=True, kw_only=True)
class PrivacyPage(Page):
    """What is kept about people, and the one cookie."""

    template = "about/privacy.html"

    title: str = "Privacy and cookies"


@about.get("/about")
@public("everybody may read what this service is")
def service() -> ResponseReturnValue:
    """Show what the service is."""
    return fragment(AboutPage())


@about.get("/accessibility")
@public("everybody may read how far the service is accessible")
def accessibility() -> ResponseReturnValue:
    """Show the accessibility page."""
    return fragment(AccessibilityPage())


@about.get("/privacy")
@public("everybody may read what is kept about people")
def privacy() -> ResponseReturnValue:
    """Show the privacy page."""
    return fragment(PrivacyPage())
