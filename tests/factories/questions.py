"""Questions in each state, written straight to the tables."""

from __future__ import annotations

from itertools import count

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.accounts.models import User
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.questions.models import Answer, Question
from marketplace.questions.rules import Reason

ASKED = "Does the system have to work where there is no wireless network?"
ANSWERED = "Yes. A third of our wards have none."

_numbers = count(1)


def make_question(
    session: Session,
    need: Need,
    supplier: Organisation,
    asker: User | None = None,
    *,
    text: str = ASKED,
    answer: str = "",
    declined: Reason | None = None,
) -> Question:
    """Return a committed question: waiting, answered with ``answer``, or set aside for a reason."""
    now = clock.now()
    question = Question(
        ref=f"question{next(_numbers):04}",
        need_id=need.id,
        supplier_id=supplier.id,
        asker_id=asker.id if asker else None,
        text=text,
        asked_at=now,
        answered_at=now if answer else None,
        declined_at=now if declined else None,
        declined_reason=declined,
    )
    if answer:
        question.answers.append(Answer(number=1, question_text=text, text=answer, answered_at=now))
    session.add(question)
    session.commit()
    return question
