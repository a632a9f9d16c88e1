"""The door of each view: `requires` a permission, is for everybody `signed_in`, or `public` with the reason why.

All set an ``access`` attribute on the view; a test reads it and fails for a view that declares nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import g

from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.access.policy import Permission
from marketplace.errors import NotPermitted

P = ParamSpec("P")
R = TypeVar("R")


class SignInNeeded(Exception):
    """A person who is not signed in came to a door that wants a permission."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a view declares: a permission, or None with the reason why everybody (signed in) may come in."""

    permission: Permission | None
    why: str = ""
    sign_in: bool = False

    @property
    def needs_person(self) -> bool:
        """Tell whether somebody has to be signed in."""
        return self.sign_in or self.permission is not None


def current_actor() -> Actor:
    """Return who acts in this request. `marketplace.accounts` puts the actor there before the view runs."""
    actor: Actor = g.get("actor", ANONYMOUS)
    return actor


def requires(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let in only people with a role that holds the permission somewhere; the action checks the object."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = current_actor()
            if not actor.signed_in:
                raise SignInNeeded
            if not actor.may(permission):
                raise NotPermitted
            return view(*args, **kwargs)

        guarded.access = Access(permission)  # type: ignore[attr-defined] # read by the access tests
        return guarded

    return decorate


def signed_in(why: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let in everybody who is signed in, with or without a role, and say why no role is needed."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not current_actor().signed_in:
                raise SignInNeeded
            return view(*args, **kwargs)

        guarded.access = Access(None, why, sign_in=True)  # type: ignore[attr-defined] # read by the access tests
        return guarded

    return decorate


def public(why: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let everybody in, and say why."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        view.access = Access(None, why)  # type: ignore[attr-defined] # read by the access tests
        return view

    return decorate
