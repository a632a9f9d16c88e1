"""Boards with needs in every state and everything else that can hang on one: to be merged, split and renamed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Invitation, Membership, User
from marketplace.demand.models import SavedSearch
from marketplace.families.models import CoSignature, FamilyMember
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import answer_by
from marketplace.needs import places
from marketplace.needs.models import (
    Cycle,
    Need,
    NeedDraft,
    NeedPeople,
    NeedVersion,
    Priority,
    ReviewComment,
    SignOff,
)
from marketplace.organisations.models import HinPatch, Kind, Organisation
from marketplace.passports.models import Passport
from marketplace.questions.models import Answer, Question
from tests.factories.demand import make_saved
from tests.factories.families import make_co_signature, make_family
from tests.factories.joining import make_invitation
from tests.factories.needs import content, make_cycle, make_draft, make_need, make_sign_off
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_user
from tests.factories.questions import ANSWERED, make_question
from tests.factories.technologies import make_technology

_numbers = count(1)

#: The states of needs that a furnished board has, each at least once.
STATES = (
    "drafted",
    "returned",
    "submitted",
    "approved",
    "published",
    "carried forward",
    "not yet confirmed",
    "lapsed",
    "withdrawn",
    "being changed",
)


@dataclass
class Cycles:
    """Three cycles: one that is history, the one before, and the one that is open."""

    old: Cycle
    before: Cycle
    now: Cycle

    @classmethod
    def make(cls, session: Session) -> Cycles:
        """Make them around today."""
        today = clock.today()
        old = make_cycle(session, opens_on=today - timedelta(days=300), closes_on=today - timedelta(days=210))
        before = make_cycle(
            session, opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=110)
        )
        return cls(old, before, make_cycle(session, opens_on=today - timedelta(days=20)))


@dataclass
class Board:
    """A furnished organisation: its needs by what is the matter with them, and its people by what they do."""

    organisation: Organisation
    needs: dict[str, Need] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)


def furnish(session: Session, own: Organisation, cycles: Cycles, *, co_signs: Need | None = None) -> Board:
    """Return a board with needs in every state, in committed rows; ``co_signs`` takes its third place."""
    board = Board(own)
    for name, role in (("lead", Role.NEED_LEAD), ("sponsor", Role.SPONSOR), ("deputy", Role.ASSESSOR)):
        board.people[name] = make_user(session, role, own)
    _needs(session, board, cycles, placed=co_signs is None)
    if co_signs is not None:
        make_co_signature(session, co_signs, own)
    _what_hangs_on(session, board)
    for cycle in (cycles.old, cycles.before, cycles.now):
        places.note(session, own.id, cycle.id)
    session.commit()
    return board


def _needs(session: Session, board: Board, cycles: Cycles, *, placed: bool) -> None:
    own, people = board.organisation, board.people
    submitted_by = people["lead"].id

    def put(need: Need, cycle: Cycle, rank: int) -> None:
        session.add(Priority(organisation_id=own.id, cycle_id=cycle.id, rank=rank, need_id=need.id))
        session.commit()

    def titled(state: str) -> dict[str, str]:
        return {"title": f"{state} of {own.code}"}

    found = board.needs
    found["published"] = make_need(session, own, cycle=cycles.now, rank=1, **titled("published"))
    found["carried forward"] = make_need(
        session, own, cycle=cycles.before, rank=1, **titled("carried forward")
    )
    put(found["carried forward"], cycles.now, 2)
    found["not yet confirmed"] = make_need(
        session, own, cycle=cycles.before, rank=2, **titled("not yet confirmed")
    )
    found["lapsed"] = make_need(session, own, cycle=cycles.old, rank=1, **titled("lapsed"))
    found["withdrawn"] = make_need(session, own, withdrawn="Solved otherwise", **titled("withdrawn"))
    put(found["withdrawn"], cycles.old, 2)
    found["being changed"] = make_need(session, own, rank=None, **titled("being changed"))
    draft = NeedDraft(saved_at=clock.now())
    draft.fill(content(**titled("being changed, newly")))
    found["being changed"].draft = draft
    for state in ("drafted", "returned", "submitted", "approved"):
        found[state] = make_draft(session, own, **titled(state))
    if placed:
        make_sign_off(session, found["submitted"], submitted_by_id=submitted_by)
    else:
        _sign_off_without_a_place(session, found["submitted"], submitted_by)
    _sign_off_without_a_place(session, found["returned"], submitted_by, returned=True)
    _sign_off_without_a_place(session, found["approved"], submitted_by, approved_by=people["sponsor"].id)
    second = NeedVersion(
        need_id=found["published"].id, number=2, published_at=clock.now(), change_note="Newer"
    )
    second.fill(content(**titled("published")))
    session.add(second)
    found["published"].version = 2
    for need in found.values():
        need.people = NeedPeople(owner_id=submitted_by, deputy_id=people["deputy"].id)
    session.commit()


def _sign_off_without_a_place(
    session: Session, need: Need, writer: int, *, approved_by: int | None = None, returned: bool = False
) -> None:
    need.round = 1
    now = clock.now()
    row = SignOff(
        need_id=need.id,
        round=1,
        based_on=0,
        writers=[writer],
        submitted_at=now,
        submitted_by_id=writer,
        approved_at=now if approved_by else None,
        approved_by_id=approved_by,
        returned_at=now if returned else None,
    )
    row.fill(content())
    if returned:
        row.comments.append(ReviewComment(field="who_affected", text="Say who is meant."))
    session.add(row)
    session.commit()


def _what_hangs_on(session: Session, board: Board) -> None:
    own, needs = board.organisation, board.needs
    supplier = make_organisation(session, Kind.SUPPLIER)
    stranger, hin = make_organisation(session), make_organisation(session, Kind.HIN)
    technology = make_technology(session, supplier)
    make_question(session, needs["published"], supplier, answer=ANSWERED)
    make_question(session, needs["published"], supplier)
    make_question(session, needs["lapsed"], supplier, answer=ANSWERED)
    make_co_signature(session, needs["published"], stranger)
    make_family(session, needs["published"], make_need(session, stranger, rank=2), settled=True)
    make_family(session, needs["carried forward"], needs["not yet confirmed"])
    for state, closed in (("published", False), ("carried forward", True)):
        session.add(
            Introduction(
                ref=f"estate{next(_numbers):06}",
                need_id=needs[state].id,
                technology_id=technology.id,
                hin_id=hin.id,
                note="They have what you look for.",
                proposed_at=clock.now(),
                decide_by=answer_by(clock.now()),
                closed_at=clock.now() if closed else None,
                closed_reason="The ward has been closed" if closed else "",
            )
        )
    session.add(
        HinPatch(
            hin_id=hin.id, organisation_id=own.id, source="test", source_date=clock.today(), confirmed=True
        )
    )
    make_invitation(
        session, own, f"invited{next(_numbers)}@people.example", Role.SPONSOR, board.people["lead"]
    )
    make_passport(session, technology, own)
    make_saved(session, board.people["lead"], query=f"organisation={own.code}")
    make_saved(session, "reader@people.example", query=f"q=falls&ics={own.code}")
    session.commit()


def census(
    session: Session, organisations: Collection[Organisation], cycles: Sequence[Cycle]
) -> Counter[str]:
    """Count all that belongs to these organisations, kind by kind, by queries of its own and not by the movers."""
    ids = [one.id for one in organisations]
    theirs = select(Need.id).where(Need.organisation_id.in_(ids)).scalar_subquery()
    codes = [one.code for one in organisations]
    named: ColumnElement[bool] = or_(false(), *(SavedSearch.query.endswith(f"={code}") for code in codes))
    open_role = or_(Membership.ended_on.is_(None), Membership.ended_on > clock.today())
    wanted: dict[str, tuple[type, tuple[ColumnElement[bool], ...]]] = {
        "needs": (Need, (Need.organisation_id.in_(ids),)),
        "needs withdrawn": (Need, (Need.organisation_id.in_(ids), Need.withdrawn_at.is_not(None))),
        "needs never published": (Need, (Need.organisation_id.in_(ids), Need.published_at.is_(None))),
        "drafts": (NeedDraft, (NeedDraft.need_id.in_(theirs),)),
        "versions": (NeedVersion, (NeedVersion.need_id.in_(theirs),)),
        "rounds of sign-off": (SignOff, (SignOff.need_id.in_(theirs),)),
        "rounds that wait": (
            SignOff,
            (SignOff.need_id.in_(theirs), SignOff.returned_at.is_(None), SignOff.version.is_(None)),
        ),
        "comments": (
            ReviewComment,
            (ReviewComment.sign_off_id.in_(select(SignOff.id).where(SignOff.need_id.in_(theirs))),),
        ),
        "owners": (NeedPeople, (NeedPeople.need_id.in_(theirs), NeedPeople.owner_id.is_not(None))),
        "deputies": (NeedPeople, (NeedPeople.need_id.in_(theirs), NeedPeople.deputy_id.is_not(None))),
        "questions": (Question, (Question.need_id.in_(theirs),)),
        "answers": (
            Answer,
            (Answer.question_id.in_(select(Question.id).where(Question.need_id.in_(theirs))),),
        ),
        "introductions": (Introduction, (Introduction.need_id.in_(theirs),)),
        "co-signatures got": (CoSignature, (CoSignature.need_id.in_(theirs), CoSignature.ended_at.is_(None))),
        "co-signatures given": (
            CoSignature,
            (
                CoSignature.organisation_id.in_(ids),
                CoSignature.ended_at.is_(None),
                CoSignature.taken_back_at.is_(None),
            ),
        ),
        "places in families": (FamilyMember, (FamilyMember.need_id.in_(theirs),)),
        "roles": (Membership, (Membership.organisation_id.in_(ids), open_role)),
        "sponsors": (
            Membership,
            (Membership.organisation_id.in_(ids), open_role, Membership.role == Role.SPONSOR),
        ),
        "invitations": (
            Invitation,
            (Invitation.organisation_id.in_(ids), Invitation.revoked_at.is_(None)),
        ),
        "patches": (HinPatch, (HinPatch.organisation_id.in_(ids),)),
        "trusts": (Organisation, (Organisation.parent_id.in_(ids), Organisation.closed_on.is_(None))),
        "passports": (Passport, (Passport.issuer_id.in_(ids),)),
        "saved searches": (SavedSearch, (named,)),
    }
    counted = Counter(
        {
            what: session.scalar(select(func.count()).select_from(model).where(*where)) or 0
            for what, (model, where) in wanted.items()
        }
    )
    for cycle in cycles:
        held = select(func.count()).where(Priority.organisation_id.in_(ids), Priority.cycle_id == cycle.id)
        counted[f"places in {cycle.name}"] = session.scalar(held) or 0
    return counted
