"""Needs in every state, and needs of others that were co-signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from marketplace import clock
from marketplace.audit.actions import record
from marketplace.families.models import CoSignature
from marketplace.families.rules import Ending
from marketplace.introductions.models import Introduction
from marketplace.needs.models import Cycle, Need, Priority
from marketplace.needs.rounds import Round, Standing, stand
from marketplace.needs.rules import TOPIC, State
from marketplace.organisations.models import Organisation
from marketplace.outbox.actions import enqueue
from marketplace.questions.models import Question
from marketplace.succession.movers.mover import Handover, places_that_count
from marketplace.succession.rules import END, Item
from marketplace.web.words import count, listed

CO_SIGNED = "Co-signed"


WITHDRAWN, SIGNED_OFF, DRAFT = "Withdrawn", "Being signed off", "Draft"
#: A published need that never had a place.
NO_PLACE = "Published, without a place"
STANDINGS = {
    Standing.CURRENT: "Open",
    Standing.TO_CONFIRM: "Not yet confirmed",
    Standing.LAPSED: "Lapsed",
}


def state_of(need: Need, rounds: Sequence[Round]) -> str:
    """Return the state of a need as it is counted, given every round."""
    if need.state is State.WITHDRAWN:
        return WITHDRAWN
    if need.state is State.DRAFT:
        return SIGNED_OFF if need.waiting is not None else DRAFT
    if need.priority is None:
        return NO_PLACE
    return STANDINGS[stand(need.priority.cycle.round, rounds, clock.today()).standing]


class Needs:
    """Needs in every state, with their drafts, versions, sign-offs, questions, introductions and families."""

    kind: ClassVar[str] = "need"
    heading: ClassVar[str] = "Needs and drafts"
    hint: ClassVar[str] = (
        "A need keeps its address, its versions, its questions and answers, its introductions and its family."
    )
    columns: ClassVar[tuple[str, ...]] = ("need.organisation_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the needs, the newest first."""
        needs = session.scalars(
            select(Need)
            .where(Need.organisation_id.in_(organisation_ids))
            .options(
                joinedload(Need.current),
                joinedload(Need.draft),
                joinedload(Need.sign_off),
                joinedload(Need.priority).joinedload(Priority.cycle),
            )
            .order_by(Need.organisation_id, Need.created_at.desc(), Need.id.desc())
        ).all()
        placed = {
            (row.organisation_id, row.need_id): f"{row.cycle.name}: place {row.rank}"
            for row in places_that_count(session, organisation_ids)
        }
        rounds = [one.round for one in session.scalars(select(Cycle))]
        with_it = self._with_it(session, [need.id for need in needs])
        found = []
        for need in needs:
            text = need.current or need.draft
            found.append(
                Item(
                    kind=self.kind,
                    id=need.id,
                    about=need.id,
                    owner_id=need.organisation_id,
                    state=state_of(need, rounds),
                    title=(text.title if text is not None else "") or "Need without a title",
                    detail=". ".join(
                        words
                        for words in (
                            placed.get((need.organisation_id, need.id), ""),
                            with_it.get(need.id, ""),
                        )
                        if words
                    ),
                    href=f"/needs/{need.ref}" if need.published_at is not None else "",
                )
            )
        return found

    def _with_it(self, session: Session, need_ids: Collection[int]) -> dict[int, str]:
        counted: dict[int, list[str]] = defaultdict(list)
        for model, one, many in (
            (Question, "public question", "public questions"),
            (Introduction, "introduction", "introductions"),
        ):
            rows = session.execute(
                select(model.need_id, func.count()).where(model.need_id.in_(need_ids)).group_by(model.need_id)
            ).all()
            for need_id, number in rows:
                counted[need_id].append(count(number, one, many))
        return {need_id: f"With {listed(words)}" for need_id, words in counted.items()}

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Give the need to its new organisation; its places follow by choices of their own."""
        need = handover.session.get_one(Need, item.id)
        (organisation,) = to
        need.organisation_id = organisation.id
        handover.session.flush()
        CoSigned().end(handover, need.id, organisation.id)
        handover.note(item, organisation.id)
        handover.ledger.take(item)
        handover.ledger.put(organisation.id, item)
        record(
            handover.session,
            handover.actor,
            "need.handed-over",
            "need",
            need.ref,
            organisation_id=organisation.id,
            succession=handover.succession.ref,
        )
        enqueue(handover.session, TOPIC, need.ref)


class CoSigned:
    """Needs of other organisations that it co-signed: each holds one of its own places."""

    kind: ClassVar[str] = "co-signature"
    heading: ClassVar[str] = "Needs of others that it co-signed"
    hint: ClassVar[str] = "Each takes one of the three places of the organisation that it goes to."
    columns: ClassVar[tuple[str, ...]] = ("co_signature.organisation_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the co-signatures that stand, in the order in which they were given."""
        rows = session.scalars(
            select(CoSignature)
            .where(
                CoSignature.organisation_id.in_(organisation_ids),
                CoSignature.taken_back_at.is_(None),
                CoSignature.ended_at.is_(None),
            )
            .options(
                joinedload(CoSignature.need).joinedload(Need.current),
                joinedload(CoSignature.need).joinedload(Need.organisation),
            )
            .order_by(CoSignature.organisation_id, CoSignature.id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                about=row.need_id,
                owner_id=row.organisation_id,
                state=CO_SIGNED,
                title=row.need.current.title if row.need.current is not None else "",
                detail=f"A need of {row.need.organisation.name}",
                href=f"/needs/{row.need.ref}",
                options=(END,),
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Carry it over, unless the new organisation owns the need by now or has co-signed it itself."""
        session = handover.session
        row = session.get_one(CoSignature, item.id)
        handover.note(item, to[0].id if to else None)
        handover.ledger.take(item)
        if not to:
            row.taken_back_at = handover.at
            return
        signed = self.standing(session, row.need_id, to[0].id)
        if row.need.organisation_id == to[0].id or signed is not None:
            row.ended_at, row.ending = handover.at, Ending.MERGED
            return
        row.organisation_id = to[0].id
        session.flush()
        handover.ledger.put(to[0].id, item)

    def standing(self, session: Session, need_id: int, organisation_id: int) -> CoSignature | None:
        """Return the co-signature of an organisation that stands."""
        return session.scalar(
            select(CoSignature).where(
                CoSignature.need_id == need_id,
                CoSignature.organisation_id == organisation_id,
                CoSignature.taken_back_at.is_(None),
                CoSignature.ended_at.is_(None),
            )
        )

    def end(
        self, handover: Handover, need_id: int, organisation_id: int, *, taken_back: bool = False
    ) -> None:
        """End an organisation's co-signature, where there is one: it owns the need now, or gave it no place."""
        row = self.standing(handover.session, need_id, organisation_id)
        if row is None:
            return
        if taken_back:
            row.taken_back_at = handover.at
        else:
            row.ended_at, row.ending = handover.at, Ending.MERGED
        handover.session.flush()
        handover.ledger.entries[organisation_id, self.kind, CO_SIGNED] -= 1
