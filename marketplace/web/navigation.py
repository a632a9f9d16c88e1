"""The header's links for whoever looks."""

from __future__ import annotations

from flask import request, url_for

from marketplace.access.actor import Actor
from marketplace.access.policy import Permission

#: Words, endpoint, and the permission without which the link is not shown (None: everybody).
LINKS: tuple[tuple[str, str, Permission | None], ...] = (
    ("Home", "home.start", Permission.HOME_READ),
    ("Find demand", "demand.find", None),
    ("Technologies", "technologies.register", None),
    ("Passports", "passports.register", None),
    ("Our top three", "needs.workspace", Permission.NEED_WRITE),
    ("Sign-off", "reviews.queue", Permission.NEED_REVIEW),
    ("Our technologies", "technologies.workspace", Permission.TECHNOLOGY_WRITE),
    ("Our passports", "passports.workspace", Permission.PASSPORT_ISSUE),
    ("My patch", "introductions.patch", Permission.INTRODUCTION_PROPOSE),
    ("Questions", "questions.listing", Permission.QUESTION_READ),
    ("Introductions", "introductions.listing", Permission.INTRODUCTION_READ),
)


def items(actor: Actor, known: set[str]) -> list[dict[str, object]]:
    """Return the navigation as the header macro wants it. ``known`` holds the endpoints of this app."""
    shown = [
        (text, endpoint)
        for text, endpoint, permission in LINKS
        if endpoint in known and (permission is None or actor.may(permission))
    ]
    return [
        {"text": text, "href": url_for(endpoint), "current": request.endpoint == endpoint}
        for text, endpoint in shown
    ]


def footer(*, mailbox: bool) -> list[dict[str, str]]:
    """Return the footer's links as the footer macro wants them."""
    links = [("Needs on a past day", "history.ask")]
    links += [("About this service", "about.service"), ("Accessibility", "about.accessibility")]
    links += [("Privacy and cookies", "about.privacy"), ("Open data", "open_data.explained")]
    if mailbox:
        links.append(("Demo mailbox", "notices.mailbox"))
    return [{"text": text, "href": url_for(endpoint)} for text, endpoint in links]
