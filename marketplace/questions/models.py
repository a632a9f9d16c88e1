"""Questions that innovators ask about needs, and the public answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.database import Base, Choice
from marketplace.needs.models import Need
from marketplace.questions import rules
from marketplace.questions.rules import Reason, State


class Question(Base):
    """A question as it was asked. Who asked is kept for the asker alone: no page and no mail shows it to others."""

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint("answered_at IS NULL OR declined_at IS NULL", name="one_end"),
        CheckConstraint("(declined_at IS NULL) = (declined_reason IS NULL)", name="declined_whole"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), index=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    asker_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    asked_at: Mapped[datetime]
    #: When it was first answered in public; the answers themselves are versions.
    answered_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]
    declined_reason: Mapped[Reason | None] = mapped_column(Choice(Reason))
    lock_version: Mapped[int] = mapped_column(default=1)

    need: Mapped[Need] = relationship()
    answers: Mapped[list[Answer]] = relationship(back_populates="question", order_by="Answer.number")

    @property
    def state(self) -> State:
        """Return where it stands."""
        return rules.state(self.answered_at, self.declined_at)

    @property
    def answer(self) -> Answer | None:
        """Return the answer that counts: the latest."""
        return self.answers[-1] if self.answers else None


class Answer(Base):
    """A public answer, with the question in the words in which it was published; a correction is a further one."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("question_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"))
    number: Mapped[int]
    question_text: Mapped[str]
    text: Mapped[str]
    answered_at: Mapped[datetime]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    question: Mapped[Question] = relationship(back_populates="answers")
