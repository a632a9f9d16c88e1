"""The person who acts, as plain values: what every query and action takes first."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.access.policy import POLICY, Permission, Role
from marketplace.errors import NotPermitted, NotVisible


@dataclass(frozen=True, slots=True)
class Grant:
    """One role at one organisation, in force now."""

    organisation_id: int
    organisation_code: str
    organisation_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with the roles in force at this request; `ANONYMOUS` for somebody not signed in."""

    user_id: int | None
    name: str = ""
    email: str = ""
    grants: tuple[Grant, ...] = ()

    @property
    def signed_in(self) -> bool:
        """Tell whether the person is known."""
        return self.user_id is not None

    def may(self, permission: Permission, organisation_id: int | None = None) -> bool:
        """Tell whether a role allows this, at the given organisation or, with None, at any."""
        return any(
            grant.role in POLICY[permission]
            for grant in self.grants
            if organisation_id is None or grant.organisation_id == organisation_id
        )

    def has(self, role: Role) -> bool:
        """Tell whether the person holds this role anywhere."""
        return any(grant.role is role for grant in self.grants)

    def organisations(self, permission: Permission) -> frozenset[int]:
        """Return the ids of the organisations for which the person may do this."""
        return frozenset(grant.organisation_id for grant in self.grants if grant.role in POLICY[permission])


ANONYMOUS = Actor(user_id=None)
#: The service itself: the worker, the command line, the demo loader.
SERVICE = Actor(user_id=None, name="Demand Signal")


def ensure(actor: Actor, permission: Permission, organisation_id: int, *, visible: bool = False) -> None:
    """Raise unless the actor may do this for the organisation.

    `NotVisible` (404) when the thing is private, so that its existence is not told; `NotPermitted` (403) when
    anybody can see the thing anyway (``visible``).
    """
    if not actor.may(permission, organisation_id):
        raise NotPermitted if visible else NotVisible
