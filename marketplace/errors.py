"""Errors of the domain: each carries a plain-English message and, where it is about a field, the field's name."""

from __future__ import annotations


class DomainError(Exception):
    """A rule was broken by what a person asked for. Shown beside ``field``, or in the summary alone when empty."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotVisible(Exception):
    """The thing does not exist, or this person may not know that it does. Answered with 404 either way."""


class NotPermitted(Exception):
    """The person may see the thing but may not do this to it. Answered with 403."""


class Conflict(DomainError):
    """Somebody else changed the thing first. Answered with 409, with both texts where text was typed."""


class Gone(Exception):
    """The thing was public and has been withdrawn. Answered with 410 and the reason in plain English."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
