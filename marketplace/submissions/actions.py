"""Make creating something by a form happen once, however often the form is sent."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.submissions.models import Submission


class AlreadyDone(Exception):
    """The form was sent before; ``location`` is where that led. Answered with a redirect there."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


def once(session: Session, actor: Actor, key: str, location: str) -> None:
    """Record the form's key in the caller's transaction, or raise `AlreadyDone` for a key seen before.

    Call it last in the transaction, when the location is known: the unique key makes one of two parallel
    copies fail, and its work is rolled back. An empty key (a call that came from no form) is not recorded.
    """
    if not key:
        return
    session.flush()
    if (first := session.get(Submission, key)) is not None:
        raise AlreadyDone(first.location)
    session.add(Submission(key=key, actor_id=actor.user_id, location=location, created_at=clock.now()))
    try:
        session.flush()
    except IntegrityError as error:
        session.rollback()
        winner = session.get(Submission, key)
        if winner is None:
            raise
        raise AlreadyDone(winner.location) from error
