"""Who gets through the doors of accounts and of the footer."""

from __future__ import annotations

from datetime import timedelta

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership
from tests.factories.joining import make_invitation, make_registration, make_reset
from tests.factories.people import PASSWORD, make_user
from tests.web.access.world import EVERYBODY, SIGNED_IN, Case, Who, World

NEW = "A whole new passphrase"
DETAILS: dict[str, object] = {"name": "Nora New", "job_title": "", "telephone": "", "password": NEW}
TRUST_PEOPLE = frozenset({Who.LEAD, Who.SPONSOR, Who.ADMINISTRATOR})
OUTSIDERS = SIGNED_IN - TRUST_PEOPLE
NOT_FOUND = dict.fromkeys(OUTSIDERS, 404)


def trust(world: World) -> str:
    return world.organisations[Who.LEAD].code


def invited(world: World, email: str = "new@people.example", **values: object) -> tuple[int, str]:
    invitation, token = make_invitation(
        world.session,
        world.organisations[Who.LEAD],
        email,
        Role.NEED_LEAD,
        world.people[Who.LEAD],
        **values,
    )
    return invitation.id, token


def colleague(world: World) -> int:
    user = make_user(world.session, Role.ASSESSOR, world.organisations[Who.LEAD])
    return world.session.query(Membership.id).filter_by(user_id=user.id).one()[0]


def empty_trust(world: World) -> str:
    for membership in world.session.query(Membership).filter_by(
        organisation_id=world.organisations[Who.OTHER_ASSESSOR].id
    ):
        membership.ended_on = clock.today()
    world.session.commit()
    return world.organisations[Who.OTHER_ASSESSOR].code


def demo_person(world: World) -> dict[str, object]:
    world.people[Who.LEAD].demo_label = "Need lead"
    world.session.commit()
    return {"account": str(world.people[Who.LEAD].id)}


def past(hours: int = 1) -> object:
    return clock.now() - timedelta(hours=hours)


CASES = [
    Case("about.service", "GET", "any time", lambda _: ("/about", {}), allowed=EVERYBODY),
    Case("about.accessibility", "GET", "any time", lambda _: ("/accessibility", {}), allowed=EVERYBODY),
    Case("about.privacy", "GET", "any time", lambda _: ("/privacy", {}), allowed=EVERYBODY),
    Case("health.live", "GET", "any time", lambda _: ("/health/live", {}), allowed=EVERYBODY),
    Case("health.ready", "GET", "any time", lambda _: ("/health/ready", {}), allowed=EVERYBODY),
    Case("health.overview", "GET", "any time", lambda _: ("/health", {}), allowed=EVERYBODY),
    Case(
        "accounts.sign_in",
        "GET",
        "any time",
        lambda _: ("/sign-in", {}),
        allowed=frozenset({Who.ANONYMOUS}),
        others=dict.fromkeys(SIGNED_IN, 302),
    ),
    Case(
        "accounts.do_sign_in",
        "POST",
        "right password",
        lambda world: ("/sign-in", {"email": world.people[Who.LEAD].email, "password": PASSWORD}),
        allowed=EVERYBODY,
        status=303,
    ),
    Case(
        "accounts.demo_sign_in",
        "POST",
        "one of the demo's people",
        lambda world: ("/demo-sign-in", demo_person(world)),
        allowed=EVERYBODY,
        status=303,
    ),
    Case(
        "accounts.demo_sign_in",
        "POST",
        "somebody who is not offered",
        lambda world: ("/demo-sign-in", {"account": str(world.people[Who.LEAD].id)}),
        allowed=frozenset(),
        others=dict.fromkeys(Who, 404),
    ),
    Case(
        "accounts.sign_out",
        "POST",
        "any time",
        lambda _: ("/sign-out", {}),
        allowed=EVERYBODY,
        status=303,
        silent=True,
    ),
    Case("accounts.register", "GET", "any time", lambda _: ("/register", {}), allowed=EVERYBODY),
    Case(
        "accounts.do_register",
        "POST",
        "whole form",
        lambda _: (
            "/register",
            DETAILS | {"email": "new@people.example", "company": "Newco", "about": "New things."},
        ),
        allowed=EVERYBODY,
        status=303,
    ),
    Case("accounts.check_email", "GET", "any time", lambda _: ("/check-your-email", {}), allowed=EVERYBODY),
    Case(
        "accounts.confirm",
        "GET",
        "live link",
        lambda world: (
            f"/register/confirm/{make_registration(world.session, 'new@people.example')}",
            {},
        ),
        allowed=EVERYBODY,
    ),
    Case(
        "accounts.confirm",
        "GET",
        "link that ran out",
        lambda world: (
            f"/register/confirm/{make_registration(world.session, 'new@people.example', expires_at=past())}",
            {},
        ),
        allowed=frozenset(),
        others=dict.fromkeys(Who, 410),
    ),
    Case(
        "accounts.do_confirm",
        "POST",
        "live link",
        lambda world: (
            f"/register/confirm/{make_registration(world.session, 'new@people.example')}",
            {},
        ),
        allowed=EVERYBODY,
        status=303,
    ),
    Case(
        "accounts.do_confirm",
        "POST",
        "used link",
        lambda world: (
            f"/register/confirm/{make_registration(world.session, 'new@people.example', used_at=past())}",
            {},
        ),
        allowed=frozenset(),
        others=dict.fromkeys(Who, 410),
    ),
    Case(
        "accounts.invitation",
        "GET",
        "live link",
        lambda world: (f"/invitations/{invited(world)[1]}", {}),
        allowed=EVERYBODY,
    ),
    Case(
        "accounts.invitation",
        "GET",
        "unknown link",
        lambda _: ("/invitations/unknown", {}),
        allowed=frozenset(),
        others=dict.fromkeys(Who, 410),
    ),
    Case(
        "accounts.accept_invitation",
        "POST",
        "for somebody new",
        lambda world: (f"/invitations/{invited(world)[1]}", DETAILS),
        allowed=frozenset({Who.ANONYMOUS}),
        status=303,
        refused=422,
    ),
    Case(
        "accounts.accept_invitation",
        "POST",
        "for the rival, who is a person here already",
        lambda world: (f"/invitations/{invited(world, world.people[Who.RIVAL].email)[1]}", DETAILS),
        allowed=frozenset({Who.RIVAL}),
        status=303,
        refused=422,
        others={Who.ANONYMOUS: 410},
    ),
    Case(
        "accounts.accept_invitation",
        "POST",
        "taken back",
        lambda world: (f"/invitations/{invited(world, revoked_at=past())[1]}", DETAILS),
        allowed=frozenset(),
        others=dict.fromkeys(Who, 410),
    ),
    Case(
        "accounts.members",
        "GET",
        "people of the trust",
        lambda world: (f"/organisations/{trust(world)}/people", {}),
        allowed=TRUST_PEOPLE,
        others=NOT_FOUND,
    ),
    Case(
        "accounts.invite",
        "POST",
        "to the trust, which has people",
        lambda world: (
            f"/organisations/{trust(world)}/invitations",
            {"email": "new@people.example", "role": "assessor"},
        ),
        allowed=frozenset({Who.LEAD, Who.SPONSOR}),
        status=303,
        others=NOT_FOUND | {Who.ADMINISTRATOR: 422},
    ),
    Case(
        "accounts.invite",
        "POST",
        "to an organisation without anybody",
        lambda world: (
            f"/organisations/{empty_trust(world)}/invitations",
            {"email": "new@people.example", "role": "need-lead"},
        ),
        allowed=frozenset({Who.ADMINISTRATOR}),
        status=303,
        refused=404,
        # This person's role has just ended, so no door is open any more.
        others={Who.OTHER_ASSESSOR: 403},
    ),
    Case(
        "accounts.revoke",
        "POST",
        "an open invitation of the trust",
        lambda world: (f"/organisations/{trust(world)}/invitations/{invited(world)[0]}/revoke", {}),
        allowed=TRUST_PEOPLE,
        status=303,
        others=NOT_FOUND,
    ),
    Case(
        "accounts.revoke",
        "POST",
        "an invitation of another organisation",
        lambda world: (
            f"/organisations/{world.organisations[Who.RIVAL].code}/invitations/{invited(world)[0]}/revoke",
            {},
        ),
        allowed=frozenset(),
        refused=404,
    ),
    Case(
        "accounts.end_member",
        "GET",
        "a colleague at the trust",
        lambda world: (f"/organisations/{trust(world)}/people/{colleague(world)}/end", {}),
        allowed=TRUST_PEOPLE,
        others=NOT_FOUND,
    ),
    Case(
        "accounts.do_end_member",
        "POST",
        "a colleague at the trust",
        lambda world: (f"/organisations/{trust(world)}/people/{colleague(world)}/end", {}),
        allowed=TRUST_PEOPLE,
        status=303,
        others=NOT_FOUND,
    ),
    Case("accounts.forgotten", "GET", "any time", lambda _: ("/forgotten-password", {}), allowed=EVERYBODY),
    Case(
        "accounts.do_forgotten",
        "POST",
        "known address",
        lambda world: ("/forgotten-password", {"email": world.people[Who.LEAD].email}),
        allowed=EVERYBODY,
        status=303,
    ),
    Case(
        "accounts.reset",
        "GET",
        "live link",
        lambda world: (f"/reset-password/{make_reset(world.session, world.people[Who.LEAD])}", {}),
        allowed=EVERYBODY,
    ),
    Case(
        "accounts.do_reset",
        "POST",
        "live link",
        lambda world: (
            f"/reset-password/{make_reset(world.session, world.people[Who.LEAD])}",
            {"password": NEW},
        ),
        allowed=EVERYBODY,
        status=303,
    ),
    Case(
        "accounts.do_reset",
        "POST",
        "link that ran out",
        lambda world: (
            f"/reset-password/{make_reset(world.session, world.people[Who.LEAD], expires_at=past())}",
            {"password": NEW},
        ),
        allowed=frozenset(),
        others=dict.fromkeys(Who, 410),
    ),
    Case("accounts.account", "GET", "own", lambda _: ("/account", {}), allowed=SIGNED_IN),
    Case("accounts.details", "GET", "own", lambda _: ("/account/details", {}), allowed=SIGNED_IN),
    Case(
        "accounts.do_details",
        "POST",
        "own",
        lambda _: ("/account/details", {"name": "Another Name"}),
        allowed=SIGNED_IN,
        status=303,
    ),
    Case("accounts.password", "GET", "own", lambda _: ("/account/password", {}), allowed=SIGNED_IN),
    Case(
        "accounts.do_password",
        "POST",
        "own",
        lambda _: ("/account/password", {"old_password": PASSWORD, "new_password": NEW}),
        allowed=SIGNED_IN,
        status=303,
    ),
]
