"""The start page of each role."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.web.pages import Page


@dataclass(frozen=True, kw_only=True)
class Welcome(Page):
    """What the service is, for somebody not signed in."""

    template = "home/welcome.html"

    title: str = "Where NHS demand meets proven technology"
