"""Co-signing: another organisation's need is one of our three, and nothing of it is lost silently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.families import actions
from marketplace.families.models import CoSignature
from marketplace.families.rules import Ending
from marketplace.needs.models import Need, NeedVersion, Priority
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind, Organisation
from tests.conftest import Browser
from tests.factories.families import make_co_signature
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user

NewBrowser = Callable[[], Browser]


@dataclass
class World:
    need: Need
    owner: User
    fernside: Organisation
    lead: User


@pytest.fixture
def world(session: Session) -> World:
    make_cycle(session)
    need = make_need(
        session,
        make_organisation(session, Kind.TRUST, name="Elmbrook"),
        title="Falls at night",
        how_many=1400,
    )
    fernside = make_organisation(session, Kind.ICB, name="Fernside")
    return World(
        need,
        make_user(session, Role.NEED_LEAD, need.organisation),
        fernside,
        make_user(session, Role.NEED_LEAD, fernside),
    )


def as_(new_browser: NewBrowser, session: Session, person: User) -> Browser:
    browser = new_browser()
    browser.sign_in(person)
    session.rollback()
    return browser


def subjects(session: Session) -> list[tuple[str, str]]:
    session.rollback()
    return [(mail.to, mail.subject) for mail in session.scalars(select(Email).order_by(Email.id))]


def places(session: Session, organisation: Organisation) -> list[tuple[int, int]]:
    session.rollback()
    rows = session.execute(
        select(Priority.rank, Priority.need_id)
        .where(Priority.organisation_id == organisation.id)
        .order_by(Priority.rank)
    )
    return [(rank, need_id) for rank, need_id in rows]


def follow(app: Flask) -> None:
    with app.app_context():
        actions.follow()


def test_a_co_signature_takes_a_place_is_shown_with_the_sum_and_both_are_told(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    ref, need_id = world.need.ref, world.need.id
    own = make_need(session, world.fernside, title="Our own")
    own_id = own.id
    lead = as_(new_browser, session, world.lead)
    lead.get(f"/needs/{ref}")
    lead.get(f"/needs/{ref}/co-sign")
    lead.post(f"/needs/{ref}/co-sign", {"how_many": "2,600", "note": "Ours live in smaller homes."})
    assert places(session, world.fernside) == [(1, own_id), (2, need_id)]
    anybody = new_browser()
    anybody.get(f"/needs/{ref}")
    assert "2 organisations share this need." in anybody.text
    assert "About 4,000 people in all: the sum of what 2 of them gave" in anybody.text
    assert "Somebody whom two of them care for is counted twice." in anybody.text
    assert "Fernside" in anybody.text
    assert "2,600 people affected there" in anybody.text
    assert "Ours live in smaller homes." in anybody.text
    anybody.get(f"/organisations/{world.fernside.code}")
    assert "Second priority. A need of Elmbrook" in anybody.text
    assert subjects(session) == [
        (world.owner.email, "Fernside co-signs “Falls at night”"),
        (world.lead.email, "Your organisation co-signs “Falls at night”"),
    ]


def test_who_has_given_all_three_places_away_is_told_and_what_was_typed_stays(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    lead = as_(new_browser, session, world.lead)
    lead.get(f"/needs/{world.need.ref}/co-sign")
    for rank in (1, 2, 3):
        make_need(session, world.fernside, rank=rank)
    answer = lead.post(f"/needs/{world.need.ref}/co-sign", {"how_many": "12", "note": "Not to be lost"})
    assert answer.status_code == 422
    assert "Your three places in this cycle are taken" in lead.text
    assert len(places(session, world.fernside)) == 3
    assert subjects(session) == []


def test_wrong_answers_are_said_beside_their_fields(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    lead = as_(new_browser, session, world.lead)
    lead.get(f"/needs/{world.need.ref}/co-sign")
    answer = lead.post(f"/needs/{world.need.ref}/co-sign", {"how_many": "some", "note": "x" * 601})
    assert answer.status_code == 422
    assert "How many people it affects must be a whole number, such as 1,200" in lead.text
    assert "How it differs must be 600 characters or fewer. Take out 1." in lead.text
    assert session.scalars(select(CoSignature)).all() == []


def test_two_copies_of_a_form_sign_once(session: Session, world: World, new_browser: NewBrowser) -> None:
    lead = as_(new_browser, session, world.lead)
    lead.get(f"/needs/{world.need.ref}/co-sign")
    data = {"form_key": "a" * 32}
    path = f"/needs/{world.need.ref}/co-sign"
    first, second = lead.post(path, data, follow=False), lead.post(path, data, follow=False)
    assert (first.status_code, second.status_code) == (303, 303)
    session.rollback()
    assert len(session.scalars(select(CoSignature)).all()) == 1


def test_a_need_can_be_co_signed_once_by_an_organisation(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    make_co_signature(session, world.need, world.fernside)
    lead = as_(new_browser, session, world.lead)
    lead.get(f"/needs/{world.need.ref}/co-sign")
    assert "Your organisation co-signs this need already" in lead.text
    lead.post(f"/needs/{world.need.ref}/co-sign", {})
    assert len(places(session, world.fernside)) == 1


def test_taking_it_back_frees_the_place_and_tells_both(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    found = make_co_signature(session, world.need, world.fernside)
    own_id = make_need(session, world.fernside, rank=2).id
    lead = as_(new_browser, session, world.lead)
    lead.get(f"/co-signatures/{found.ref}/take-back")
    lead.post(f"/co-signatures/{found.ref}/take-back", {})
    assert places(session, world.fernside) == [(1, own_id)]
    assert sorted(subjects(session)) == sorted(
        (person.email, "Fernside no longer co-signs “Falls at night”") for person in (world.owner, world.lead)
    )
    lead.get(f"/needs/{world.need.ref}")
    assert "organisations share this need" not in lead.text
    assert "Co-sign this need" in lead.text


def test_a_new_ranking_keeps_co_signed_needs_and_can_move_them(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    make_co_signature(session, world.need, world.fernside)
    own = make_need(session, world.fernside, rank=2, title="Our own")
    need_id, own_id, ref, own_ref = world.need.id, own.id, world.need.ref, own.ref
    lead = as_(new_browser, session, world.lead)
    lead.get(f"/organisations/{world.fernside.code}/top-three")
    assert "Co-signed, of Elmbrook" in lead.text
    lead.post(
        f"/organisations/{world.fernside.code}/top-three", {f"place-{own_ref}": "1", f"place-{ref}": ""}
    )
    assert "To free it, take the co-signature back first" in lead.text
    lead.post(
        f"/organisations/{world.fernside.code}/top-three", {f"place-{own_ref}": "1", f"place-{ref}": "2"}
    )
    assert places(session, world.fernside) == [(1, own_id), (2, need_id)]


def test_a_withdrawal_frees_the_place_and_tells_co_signers_once_with_the_text_kept(
    session: Session, world: World, new_browser: NewBrowser, app: Flask
) -> None:
    make_co_signature(session, world.need, world.fernside, how_many=700, note="Ours live far away.")
    owner = as_(new_browser, session, world.owner)
    owner.get(f"/needs/{world.need.ref}/withdraw")
    owner.post(f"/needs/{world.need.ref}/withdraw", {"reason": "The ward has closed."})
    assert places(session, world.fernside) == []
    follow(app)
    follow(app)
    assert subjects(session) == [(world.lead.email, "Your co-signature of “Falls at night” has ended")]
    body = session.scalars(select(Email.body)).one()
    assert "The reason: The ward has closed." in body
    lead = as_(new_browser, session, world.lead)
    lead.get("/co-signatures")
    assert "has withdrawn it: The ward has closed. Your place is free." in lead.text
    session.rollback()
    [found] = session.scalars(select(CoSignature)).all()
    lead.post(f"/co-signatures/{found.ref}/carry-on", {})
    session.rollback()
    draft = session.scalars(select(Need).where(Need.organisation_id == world.fernside.id)).one()
    assert draft.draft is not None
    assert (draft.draft.title, draft.draft.how_many, draft.draft.baseline) == ("Falls at night", 700, "")
    assert draft.draft.problem.endswith("\n\nOurs live far away.")


def test_a_new_version_is_told_once_and_can_be_confirmed(
    session: Session, world: World, new_browser: NewBrowser, app: Flask
) -> None:
    make_co_signature(session, world.need, world.fernside)
    version = NeedVersion(
        need_id=world.need.id, number=2, published_at=clock.now(), change_note="A wider target."
    )
    version.fill(world.need.versions[0].content())
    session.add(version)
    world.need.version = 2
    session.commit()
    follow(app)
    follow(app)
    assert subjects(session) == [(world.lead.email, "A need that you co-sign has changed: “Falls at night”")]
    lead = as_(new_browser, session, world.lead)
    lead.get(f"/needs/{world.need.ref}")
    assert "signed version 1; the need has changed since" in lead.text
    lead.get("/co-signatures")
    assert "Changed since you co-signed it" in lead.text
    session.rollback()
    [found] = session.scalars(select(CoSignature)).all()
    lead.post(f"/co-signatures/{found.ref}/keep", {})
    lead.get(f"/needs/{world.need.ref}")
    assert "the need has changed since" not in lead.text


def test_nothing_is_told_and_nothing_written_while_nothing_changes(
    session: Session, world: World, app: Flask
) -> None:
    make_co_signature(session, world.need, world.fernside)
    follow(app)
    assert subjects(session) == []
    assert session.scalars(select(CoSignature)).one().ending is None


def test_a_lapsed_need_ends_its_co_signatures_and_says_why(
    session: Session, world: World, app: Flask
) -> None:
    make_co_signature(session, world.need, world.fernside)
    today = clock.today()
    make_cycle(
        session,
        opens_on=today - timedelta(days=20),
        locks_on=today - timedelta(days=1),
        closes_on=today + timedelta(days=30),
    )
    follow(app)
    session.rollback()
    assert session.scalars(select(CoSignature)).one().ending is Ending.LAPSED
    assert subjects(session) == [(world.lead.email, "Your co-signature of “Falls at night” has ended")]
