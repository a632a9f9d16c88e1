"""Something of everything that is public, and things that are not, with people whose data is easy to find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.families.models import Family, Theme
from marketplace.needs import places
from marketplace.needs.models import Need, NeedVersion, Priority, SignOff
from marketplace.needs.signing import Unchecked
from marketplace.organisations.models import Change, HinPatch, Kind, Organisation, Succession, SuccessionLink
from marketplace.passports.models import Passport
from marketplace.questions.models import Answer, Question
from marketplace.questions.rules import Reason
from marketplace.technologies.models import Technology, TechnologyVersion
from tests.factories.families import make_co_signature, make_family, make_theme
from tests.factories.fits import make_fit
from tests.factories.needs import make_cycle, make_draft, make_need, the_cycle
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_user
from tests.factories.questions import make_question
from tests.factories.technologies import make_evidence, make_technology

#: In every personal field of every account, and in nothing else.
SENTINEL = "Sentinelperson"


@dataclass
class World:
    """The things that tests name."""

    trust: Organisation
    need: Need
    withdrawn: Need
    draft: Need
    technology: Technology
    archived: Technology
    unlisted: Technology
    passport: Passport
    answered: Question
    waiting: Question
    declined: Question
    family: Family
    theme: Theme
    merger: Succession


def make_person(session: Session, role: Role, at: Organisation) -> User:
    """Return somebody whose every personal field holds the sentinel."""
    number = session.query(User).count()
    return make_user(
        session,
        role,
        at,
        name=f"{SENTINEL} Name{number}",
        email=f"{SENTINEL.lower()}{number}@people.example",
        telephone=f"{SENTINEL} 01632 960001",
        job_title=f"{SENTINEL} of Somewhere",
    )


def make_newer(session: Session) -> None:
    """Add one more of each thing, so that a mirror that has it asks for what is newer than the world."""
    technology = make_technology(session)
    make_passport(session, technology, make_organisation(session, Kind.TRUST))
    need = make_need(session)
    organisation, cycle = need.organisation_id, the_cycle(session).id
    places.note(session, organisation, cycle)
    make_question(session, need, technology.supplier, answer="Newer")
    make_co_signature(session, need, make_organisation(session, Kind.TRUST))
    make_family(session, need)
    make_theme(session, need)
    make_fit(session, need, 1)
    make_succession(session, make_organisation(session, Kind.TRUST), make_organisation(session, Kind.TRUST))
    session.commit()


def make_succession(session: Session, *organisations: Organisation, **values: Any) -> Succession:
    """Return a merger of these into the last of them, a month ahead unless said otherwise."""
    *starts, end = organisations
    now = clock.now()
    ahead = clock.today() + timedelta(days=30)
    change = Succession(
        **{
            "ref": f"change{session.query(Succession).count():06}",
            "kind": Change.MERGE,
            "effective_on": ahead,
            "source": "The order of the department",
            "source_date": clock.today(),
            "recorded_at": now,
        }
        | values
    )
    change.links = [SuccessionLink(predecessor=start, successor=end, share=None) for start in starts]
    session.add(change)
    if change.cancelled_at is None:
        for start in starts:
            start.closed_on, start.updated_at = change.effective_on, now
    session.commit()
    return change


def make_world(session: Session) -> World:
    """Build and commit the world."""
    region = make_organisation(session, Kind.REGION)
    icb = make_organisation(session, Kind.ICB, region_id=region.id)
    trust = make_organisation(session, Kind.TRUST, parent_id=icb.id, region_id=region.id)
    hin = make_organisation(session, Kind.HIN, ods_code=None)
    supplier = make_organisation(session, Kind.SUPPLIER)
    lead = make_person(session, Role.NEED_LEAD, trust)
    innovator = make_person(session, Role.INNOVATOR, supplier)
    assessor = make_person(session, Role.ASSESSOR, trust)
    make_person(session, Role.BROKER, hin)
    today = clock.today()
    earlier = make_cycle(
        session,
        opens_on=today - timedelta(days=200),
        reminds_on=today - timedelta(days=120),
        locks_on=today - timedelta(days=100),
        closes_on=today - timedelta(days=100),
    )
    make_cycle(session)

    need = make_need(session, trust, rank=1, must=("=1+1; a formula", "Work where there is no wifi"))
    need.created_by_id = lead.id
    changed = NeedVersion(
        need_id=need.id,
        number=2,
        change_note="We measured again",
        published_at=clock.now(),
        published_by_id=lead.id,
    )
    changed.fill(need.versions[0].content())
    session.add(changed)
    need.version = 2
    session.add(
        SignOff(
            need_id=need.id,
            round=1,
            based_on=1,
            version=2,
            submitted_at=clock.now(),
            approved_at=clock.now(),
            approved_by_id=lead.id,
            unchecked=Unchecked.SILENT,
        )
    )
    second = make_need(session, trust, rank=2, shift=None, how_many_note="", must=("Work offline",))
    lapsed = make_need(session, hin, cycle=earlier)
    withdrawn = make_need(session, icb, withdrawn="We solved it ourselves.", problem="Withdrawn problem text")
    draft = make_draft(session, trust, title="A draft that nobody may see", problem="Draft problem text")
    # Sent for sign-off, it holds its place already; nobody may know.
    session.add(Priority(organisation_id=trust.id, cycle_id=the_cycle(session).id, rank=3, need_id=draft.id))

    technology = make_technology(session, supplier)
    technology.versions[0].listed_by_id = innovator.id
    kept = make_evidence(session, technology)
    make_evidence(session, technology, withdrawn=True)
    archived = make_technology(session, supplier, archived=True, summary="Archived summary text")
    unlisted = make_technology(session, supplier, listed=False, summary="Unlisted summary text")
    passport = make_passport(session, technology, trust, relied_on=[kept], assessor_id=assessor.id)
    make_passport(session, technology, icb, suspended=True)
    make_passport(session, technology, icb, revoked=True)
    make_passport(
        session,
        technology,
        valid_from=today - timedelta(days=300),
        valid_to=today - timedelta(days=3),
    )

    answered = make_question(
        session,
        need,
        supplier,
        innovator,
        text="As it was asked, before the lead changed it?",
        answer="-2 was the first answer",
    )
    answered.answers[0].question_text = "As it was published?"
    answered.answers[0].answered_by_id = lead.id
    answered.answers.append(
        Answer(
            number=2,
            question_text="As it was published, with one word better?",
            text="The answer that counts",
            answered_at=clock.now(),
            answered_by_id=lead.id,
        )
    )
    waiting = make_question(session, need, supplier, innovator, text="A question that waits for its answer?")
    declined = make_question(
        session, need, supplier, innovator, text="A question that was set aside?", declined=Reason.NOT_ABOUT
    )
    make_question(
        session, withdrawn, supplier, innovator, text="About a need that is gone?", answer="Gone answer text"
    )
    make_co_signature(session, need, icb, note="We see the same in our system", how_many=500)
    make_co_signature(session, need, hin, note="Taken back note text", taken_back_at=clock.now())
    family = make_family(
        session, need, second, withdrawn, settled=True, name="Needs of one kind", settled_by_hin_id=hin.id
    )
    family.joint = [[[second.ref, 1, 0], [need.ref, 2, 1]], [[withdrawn.ref, 1, 0]]]
    make_family(session, lapsed)
    gone = clock.now()
    make_family(session, dissolved_at=gone, name="Not one kind", settled_by_hin_id=hin.id, settled=True)
    make_family(session, merged_into_id=family.id, merged_at=gone, name="Gone into another")
    theme = make_theme(session, need, second, withdrawn)
    make_theme(session, name="An empty theme")
    make_fit(session, need, 2)
    make_fit(session, second, 0)
    small, large = (make_organisation(session, Kind.TRUST, parent_id=icb.id) for _ in range(2))
    merger = make_succession(session, small, large, recorded_by_id=lead.id, note="Private note text")
    make_succession(session, small, trust, cancelled_at=gone, source="Cancelled source text")
    session.add(HinPatch(hin_id=hin.id, organisation_id=icb.id, source="A list", source_date=today))
    newer = TechnologyVersion(
        technology_id=technology.id,
        number=2,
        change_note="@SUM(1) of the claims",
        listed_at=clock.now(),
        listed_by_id=innovator.id,
    )
    newer.fill(technology.versions[0].content)
    session.add(newer)
    technology.version = 2
    for organisation_id, cycle_id in session.execute(
        select(Priority.organisation_id, Priority.cycle_id).distinct().order_by(Priority.cycle_id)
    ).all():
        places.note(session, organisation_id, cycle_id)
    session.commit()
    return World(
        trust,
        need,
        withdrawn,
        draft,
        technology,
        archived,
        unlisted,
        passport,
        answered,
        waiting,
        declined,
        family,
        theme,
        merger,
    )
