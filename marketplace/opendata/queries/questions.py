"""Answered questions: which are public, when each changed, and their records."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from marketplace.database import db
from marketplace.needs.models import Need
from marketplace.opendata.queries.moments import Changed, in_order, latest
from marketplace.opendata.records import QuestionRecord
from marketplace.questions.models import Answer, Question
from marketplace.web.links import public_link


def public_questions() -> Select[int]:
    """Select the answered questions about needs that were published."""
    return (
        select(Question.id)
        .join(Need, Need.id == Question.need_id)
        .where(Question.answered_at.is_not(None), Need.published_at.is_not(None))
    )


def question_changed() -> ColumnElement[datetime]:
    """Return when a question was answered, its answer corrected, or its need withdrawn."""
    given = select(func.max(Answer.answered_at)).where(Answer.question_id == Question.id)
    return latest(Question.answered_at, given.scalar_subquery(), Need.withdrawn_at)


def questions_by_id(ids: Collection[int]) -> dict[int, Question]:
    """Return questions with their answers and needs."""
    found = db.session.scalars(
        select(Question)
        .where(Question.id.in_(ids))
        .options(
            joinedload(Question.need).joinedload(Need.organisation),
            joinedload(Question.need).joinedload(Need.current),
            selectinload(Question.answers),
        )
    )
    return {one.id: one for one in found}


def question_records(changed: Changed) -> list[QuestionRecord]:
    """Return the records of some questions: in the words in which they were published, never as they were asked."""
    records = []
    for one, when in in_order(questions_by_id(changed), changed):
        given = one.answer
        shared: dict[str, Any] = {
            "id": one.ref,
            "updated_at": when,
            "need": one.need.ref,
            "page": public_link("needs.need", ref=one.need.ref),
        }
        if one.need.withdrawn_at is not None or given is None:
            records.append(QuestionRecord(**shared, withdrawn_at=one.need.withdrawn_at))
            continue
        records.append(
            QuestionRecord(
                **shared,
                question=given.question_text,
                answer=given.text,
                answered_at=one.answered_at,
                corrected_at=given.answered_at if given.number > 1 else None,
            )
        )
    return records
