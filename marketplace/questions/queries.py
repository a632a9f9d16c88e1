"""Reads about questions. Who asked is told to nobody but the asker's own organisation."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.accounts.models import User
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.questions.models import Question
from marketplace.technologies.models import Technology, TechnologyDraft, TechnologyVersion

#: How many answered questions a list holds; all of them stand on their needs' pages.
SETTLED = 50
WAITING = (Question.answered_at.is_(None), Question.declined_at.is_(None))


def public_of(session: Session, need_id: int) -> Sequence[Question]:
    """Return the answered questions of a need, the earliest first."""
    return session.scalars(
        select(Question)
        .where(Question.need_id == need_id, Question.answered_at.is_not(None))
        .options(selectinload(Question.answers))
        .order_by(Question.answered_at, Question.id)
    ).all()


def waiting_count(session: Session, need_id: int) -> int:
    """Return how many questions about a need wait."""
    waiting = select(func.count()).select_from(Question).where(*WAITING, Question.need_id == need_id)
    return session.scalar(waiting) or 0


def waiting_of_supplier(session: Session, need_id: int, supplier_id: int) -> Sequence[str]:
    """Return the questions of one supplier about a need that wait, as they were asked."""
    own = (Question.need_id == need_id, Question.supplier_id == supplier_id)
    return session.scalars(select(Question.text).where(*WAITING, *own).order_by(Question.id)).all()


def to_answer(session: Session, actor: Actor) -> Sequence[Question]:
    """Return the questions that wait for the actor's organisations, the oldest first."""
    return session.scalars(
        select(Question)
        .join(Need)
        .where(
            Need.organisation_id.in_(actor.organisations(Permission.QUESTION_ANSWER)),
            Need.withdrawn_at.is_(None),
            Question.answered_at.is_(None),
            Question.declined_at.is_(None),
        )
        .options(joinedload(Question.need).joinedload(Need.current))
        .order_by(Question.asked_at, Question.id)
    ).all()


def settled_for(session: Session, actor: Actor) -> Sequence[Question]:
    """Return the questions that the actor's organisations answered or set aside, the latest first."""
    return session.scalars(
        select(Question)
        .join(Need)
        .where(
            Need.organisation_id.in_(actor.organisations(Permission.QUESTION_ANSWER)),
            func.coalesce(Question.answered_at, Question.declined_at).is_not(None),
        )
        .options(joinedload(Question.need).joinedload(Need.current), selectinload(Question.answers))
        .order_by(func.coalesce(Question.answered_at, Question.declined_at).desc(), Question.id.desc())
        .limit(SETTLED)
    ).all()


def asked_by(session: Session, actor: Actor) -> Sequence[Question]:
    """Return what the actor's own suppliers asked, the latest first."""
    return session.scalars(
        select(Question)
        .where(Question.supplier_id.in_(actor.organisations(Permission.QUESTION_ASK)))
        .options(joinedload(Question.need).joinedload(Need.current), selectinload(Question.answers))
        .order_by(Question.asked_at.desc(), Question.id.desc())
        .limit(SETTLED)
    ).all()


def own_question(session: Session, actor: Actor, ref: str, *, lock: bool = False) -> Question | None:
    """Return a question about a need of the actor's organisations, or None. ``lock``: it is about to change."""
    query = (
        select(Question)
        .join(Need)
        .where(
            Question.ref == ref,
            Need.organisation_id.in_(actor.organisations(Permission.QUESTION_ANSWER)),
        )
        .options(selectinload(Question.answers))
    )
    if lock:
        query = query.with_for_update(of=Question).execution_options(populate_existing=True)
    return session.scalar(query)


def supplier_of(session: Session, actor: Actor) -> Organisation | None:
    """Return the supplier for whom the actor asks: the first of their own by name."""
    return session.scalar(
        select(Organisation)
        .where(Organisation.id.in_(actor.organisations(Permission.QUESTION_ASK)))
        .order_by(Organisation.name, Organisation.id)
        .limit(1)
    )


def telling_names(session: Session, supplier: Organisation) -> list[str]:
    """Return the names that would tell that this supplier asks: its own, and those of its technologies."""
    own = Technology.supplier_id == supplier.id
    names = [
        *session.scalars(
            select(TechnologyVersion.name)
            .join(Technology, TechnologyVersion.technology_id == Technology.id)
            .where(own)
        ),
        *session.scalars(
            select(TechnologyDraft.name)
            .join(Technology, TechnologyDraft.technology_id == Technology.id)
            .where(own)
        ),
    ]
    return [supplier.name, *sorted({name for name in names if name})]


def innovators_of(session: Session, refs: Collection[str]) -> list[int]:
    """Return the ids of the suppliers of listed technologies, by their references."""
    return sorted(set(session.scalars(select(Technology.supplier_id).where(Technology.ref.in_(refs)))))


def person(session: Session, user_id: int | None) -> User | None:
    """Return a person who still has an account, or None."""
    return None if user_id is None else session.get(User, user_id)
