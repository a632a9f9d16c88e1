"""Share a need and settle a family in a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.organisations.models import HinPatch, Kind
from tests.browser.conftest import Visitor
from tests.factories.families import make_family
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user

BOTH_WAYS = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


@BOTH_WAYS
def test_a_lead_co_signs_a_need_and_takes_it_back(
    visitor: Callable[..., Visitor], session: Session, script: bool
) -> None:
    # given a need of another organisation
    make_cycle(session, name="Spring")
    need = make_need(session, title="Falls at night", how_many=1400)
    ref, title = need.ref, "Falls at night"
    email = make_user(session, Role.NEED_LEAD, make_organisation(session, Kind.ICB, name="Fernside")).email
    session.rollback()
    # when a lead co-signs it, with a slip first
    lead = visitor(script=script).sign_in(email, PASSWORD)
    lead.open(f"/needs/{ref}").follow("Co-sign this need").sees("it takes the next free one")
    lead.fill("How many people does it affect where you are?", "many").click("Co-sign this need").sees(
        "must be a whole number"
    )
    lead.fill("How many people does it affect where you are?", "2,600").click("Co-sign this need")
    # then its page shows who shares it, and the sum
    lead.sees("2 organisations share this need").sees("About 4,000 people in all").fits()
    # and they can take it back
    lead.open("/co-signatures").sees(title).follow("Take the co-signature back").click(
        "Take the co-signature back"
    )
    lead.sees("Your co-signature is taken back").sees("Taken back").fits()


@BOTH_WAYS
def test_a_broker_settles_a_family(visitor: Callable[..., Visitor], session: Session, script: bool) -> None:
    # given a family that the matcher suggests, with a need of the broker's patch
    make_cycle(session)
    needs = [make_need(session, title=title) for title in ("Falls at night", "Unseen falls")]
    family = make_family(session, *needs)
    hin = make_organisation(session, Kind.HIN, name="Health Innovation North")
    session.add(
        HinPatch(
            hin_id=hin.id,
            organisation_id=needs[0].organisation_id,
            source="test",
            source_date=clock.today(),
            confirmed=True,
        )
    )
    email, ref = make_user(session, Role.BROKER, hin).email, family.ref
    session.commit()
    # when the broker names and accepts it
    broker = visitor(script=script).sign_in(email, PASSWORD)
    broker.open("/families").follow("Falls at night").sees("Suggested by our matching").follow(
        "Settle this family"
    )
    broker.fill("Name of the family", "").click("Rename the family").sees("Enter a name for the family")
    broker.fill("Name of the family", "Falls that nobody sees").click("Rename the family")
    broker.click("Accept: these needs belong together")
    # then everybody reads so
    visitor(script=script).open(f"/families/{ref}").sees("Falls that nobody sees").sees(
        "Settled by Health Innovation North"
    ).fits()
