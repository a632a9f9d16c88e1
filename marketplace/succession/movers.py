"""What belongs to organisations, and how each kind of it changes hands.

Every column that refers to an organisation is either moved by one of `MOVERS` or named in `HISTORY` with the reason
why it stays: a test holds all tables to that. A new room adds its mover here, or by `register`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, Protocol
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.accounts.models import Invitation, Membership, User
from marketplace.audit.actions import record
from marketplace.demand.models import SavedSearch
from marketplace.families.models import CoSignature
from marketplace.families.rules import Ending
from marketplace.introductions.models import Introduction
from marketplace.needs.models import Cycle, Need, Priority
from marketplace.needs.rules import TOPIC, State
from marketplace.organisations.models import (
    HinPatch,
    Organisation,
    Succession,
    SuccessionMove,
)
from marketplace.organisations.queries import is_open
from marketplace.outbox.actions import enqueue
from marketplace.passports.models import Passport
from marketplace.questions.models import Question
from marketplace.succession.rules import END, EVERY, Item, Key, Ledger
from marketplace.web.words import count, day, listed

CO_SIGNED = "Co-signed"


def place_key(organisation_id: int) -> Key:
    """Return under what an organisation's places that count today are counted."""
    return organisation_id, "place", "In a top three"


@dataclass
class Handover:
    """One handover while it is carried out: what was moved, and who has to be told of what."""

    session: Session
    actor: Actor
    succession: Succession
    at: datetime
    today: date
    ledger: Ledger = field(default_factory=Ledger)
    #: Where people belong from now on: names of organisations by the person's id.
    people: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, item: Item, to_id: int | None) -> None:
        """Write down for good that an item changed hands or, without ``to_id``, ended."""
        self.session.add(
            SuccessionMove(
                succession_id=self.succession.id,
                kind=item.kind,
                subject_id=item.id,
                from_id=item.owner_id,
                to_id=to_id,
                at=self.at,
            )
        )


class Mover(Protocol):
    """One kind of thing that belongs to organisations.

    ``columns`` are the references to organisations, as table and column, that it takes care of.
    """

    kind: ClassVar[str]
    heading: ClassVar[str]
    hint: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return all of it that belongs to these organisations, in the order in which a person reads it."""

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Give it to the chosen organisations (none for `END`), and enter that in the ledger."""


def cycles_that_count(session: Session) -> list[Cycle]:
    """Return the cycles whose places make the board of today: the latest and, while that is open, the one before."""
    today = clock.today()
    opened = session.scalars(
        select(Cycle).where(Cycle.opens_on <= today).order_by(Cycle.opens_on.desc()).limit(2)
    ).all()
    return list(opened) if opened and opened[0].locks_on >= today else list(opened[:1])


def state_of(need: Need) -> str:
    """Return the state of a need as it is counted."""
    if need.state is State.WITHDRAWN:
        return "Withdrawn"
    if need.state is State.DRAFT:
        return "Being signed off" if need.waiting is not None else "Draft"
    return "Published"


def places_that_count(session: Session, organisation_ids: Collection[int]) -> Sequence[Priority]:
    """Return the places of organisations in the cycles that make today's board, first place first."""
    return session.scalars(
        select(Priority)
        .where(
            Priority.organisation_id.in_(organisation_ids),
            Priority.cycle_id.in_([cycle.id for cycle in cycles_that_count(session)]),
        )
        .options(joinedload(Priority.cycle))
        .order_by(Priority.rank, Priority.organisation_id, Priority.cycle_id)
    ).all()


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
            .options(joinedload(Need.current), joinedload(Need.draft), joinedload(Need.sign_off))
            .order_by(Need.organisation_id, Need.created_at.desc(), Need.id.desc())
        ).all()
        placed = {
            (row.organisation_id, row.need_id): f"{row.cycle.name}: place {row.rank}"
            for row in places_that_count(session, organisation_ids)
        }
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
                    state=state_of(need),
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


class People:
    """Roles of people."""

    kind: ClassVar[str] = "person"
    heading: ClassVar[str] = "People and their roles"
    hint: ClassVar[str] = (
        "A role ends at the old organisation and begins at the new one on the day you confirm."
    )
    columns: ClassVar[tuple[str, ...]] = ("membership.organisation_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the roles that have not ended, by name."""
        rows = session.scalars(
            select(Membership)
            .join(User, User.id == Membership.user_id)
            .where(
                Membership.organisation_id.in_(organisation_ids),
                or_(Membership.ended_on.is_(None), Membership.ended_on > clock.today()),
            )
            .options(joinedload(Membership.user))
            .order_by(Membership.organisation_id, User.name, User.id, Membership.id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.organisation_id,
                state=row.role.label,
                title=row.user.name,
                detail=row.user.job_title,
                options=(EVERY, END),
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """End the role, and begin it anew where it was chosen; a role that is held there already is one."""
        session, today = handover.session, handover.today
        old = session.get_one(Membership, item.id)
        old.ended_on = max(today, old.started_on)
        session.flush()
        handover.ledger.take(item)
        for organisation in to:
            handover.note(item, organisation.id)
            held = session.scalar(
                select(Membership.id).where(
                    Membership.user_id == old.user_id,
                    Membership.organisation_id == organisation.id,
                    Membership.role == old.role,
                    or_(Membership.ended_on.is_(None), Membership.ended_on > today),
                )
            )
            handover.people[old.user_id].append(organisation.name)
            if held is None:
                session.add(
                    Membership(
                        user_id=old.user_id,
                        organisation_id=organisation.id,
                        role=old.role,
                        started_on=today,
                    )
                )
                session.flush()
                handover.ledger.put(organisation.id, item)
        if not to:
            handover.note(item, None)
            handover.people[old.user_id] += []


class Invitations:
    """Invitations that wait to be accepted."""

    kind: ClassVar[str] = "invitation"
    heading: ClassVar[str] = "Invitations that wait"
    hint: ClassVar[str] = "The link that was sent stays the same and leads to the new organisation."
    columns: ClassVar[tuple[str, ...]] = ("invitation.organisation_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the invitations that can still be accepted, by address."""
        rows = session.scalars(
            select(Invitation)
            .where(
                Invitation.organisation_id.in_(organisation_ids),
                Invitation.accepted_at.is_(None),
                Invitation.revoked_at.is_(None),
                Invitation.expires_at > clock.now(),
            )
            .order_by(Invitation.organisation_id, Invitation.email, Invitation.id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.organisation_id,
                state=row.role.label,
                title=row.email,
                detail=f"Until {day(row.expires_at)}",
                options=(END,),
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Let the invitation lead to the new organisation, or take it back."""
        row = handover.session.get_one(Invitation, item.id)
        handover.ledger.take(item)
        if to:
            row.organisation_id = to[0].id
            handover.ledger.put(to[0].id, item)
        else:
            row.revoked_at = handover.at
        handover.note(item, to[0].id if to else None)


class Patches:
    """Which HINs cover an organisation."""

    kind: ClassVar[str] = "patch"
    heading: ClassVar[str] = "Health innovation networks that cover it"
    hint: ClassVar[str] = "Their brokers act for the needs. Each entry has to be confirmed anew afterwards."
    columns: ClassVar[tuple[str, ...]] = ("hin_patch.organisation_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the entries, by the HIN's name."""
        rows = session.scalars(
            select(HinPatch)
            .where(HinPatch.organisation_id.in_(organisation_ids))
            .options(joinedload(HinPatch.hin))
            .order_by(HinPatch.organisation_id, HinPatch.hin_id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.organisation_id,
                state="Covered",
                title=row.hin.name,
                detail=f"{row.source}, {day(row.source_date)}",
                options=(EVERY, END),
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Let the HIN cover the new organisations instead; two entries for one HIN become one."""
        hin_id = handover.session.get_one(HinPatch, item.id).hin_id
        _cover_instead(handover, item, {one.id: (hin_id, one.id) for one in to})


class Covered:
    """What a HIN covers."""

    kind: ClassVar[str] = "covered"
    heading: ClassVar[str] = "Organisations that it covers"
    hint: ClassVar[str] = "The patch of a health innovation network."
    columns: ClassVar[tuple[str, ...]] = ("hin_patch.hin_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the entries of the HINs' patches, by the name of what is covered."""
        rows = session.scalars(
            select(HinPatch)
            .join(Organisation, Organisation.id == HinPatch.organisation_id)
            .where(HinPatch.hin_id.in_(organisation_ids))
            .options(joinedload(HinPatch.organisation))
            .order_by(HinPatch.hin_id, Organisation.name, HinPatch.id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.hin_id,
                state="Covers",
                title=row.organisation.name,
                detail=f"{row.source}, {day(row.source_date)}",
                options=(EVERY, END),
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Let the new HINs cover it instead."""
        covered_id = handover.session.get_one(HinPatch, item.id).organisation_id
        _cover_instead(handover, item, {hin.id: (hin.id, covered_id) for hin in to})


def _cover_instead(handover: Handover, item: Item, wanted: Mapping[int, tuple[int, int]]) -> None:
    """Put entries in place of one, unless they are there; ``wanted``: successor -> HIN and what it covers."""
    session = handover.session
    row = session.get_one(HinPatch, item.id)
    source, source_date = row.source, row.source_date
    session.delete(row)
    session.flush()
    handover.ledger.take(item)
    for successor_id, (hin_id, covered_id) in wanted.items():
        handover.note(item, successor_id)
        held = select(HinPatch.id).where(HinPatch.hin_id == hin_id, HinPatch.organisation_id == covered_id)
        if session.scalar(held) is not None:
            continue
        session.add(
            HinPatch(
                hin_id=hin_id,
                organisation_id=covered_id,
                source=source,
                source_date=source_date,
                confirmed=False,
            )
        )
        session.flush()
        handover.ledger.put(successor_id, item)
    if not wanted:
        handover.note(item, None)


class Trusts:
    """Trusts that lie in the area of an integrated care system."""

    kind: ClassVar[str] = "trust"
    heading: ClassVar[str] = "Trusts in its area"
    hint: ClassVar[str] = "A trust’s needs are rolled up with those of its integrated care system."
    columns: ClassVar[tuple[str, ...]] = ("organisation.parent_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the open organisations, by name."""
        rows = session.scalars(
            select(Organisation)
            .where(Organisation.parent_id.in_(organisation_ids), is_open())
            .order_by(Organisation.parent_id, Organisation.name, Organisation.id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.parent_id,
                state=row.kind.label,
                title=row.name,
                detail=row.code,
                href=f"/organisations/{row.code}",
            )
            for row in rows
            if row.parent_id is not None
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Put the trust into the new system's area, and with it into its region."""
        row = handover.session.get_one(Organisation, item.id)
        row.parent_id, row.region_id = to[0].id, to[0].region_id
        row.updated_at = handover.at
        handover.ledger.take(item)
        handover.ledger.put(to[0].id, item)
        handover.note(item, to[0].id)


class Brokered:
    """Introductions that a HIN brokers."""

    kind: ClassVar[str] = "introduction"
    heading: ClassVar[str] = "Introductions that it brokers"
    hint: ClassVar[str] = "Open and closed ones; the brokers of the new network go on with them."
    columns: ClassVar[tuple[str, ...]] = ("introduction.hin_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the introductions, the latest first."""
        rows = session.scalars(
            select(Introduction)
            .where(Introduction.hin_id.in_(organisation_ids))
            .options(
                joinedload(Introduction.need).joinedload(Need.current),
                joinedload(Introduction.need).joinedload(Need.organisation),
            )
            .order_by(Introduction.hin_id, Introduction.proposed_at.desc(), Introduction.id.desc())
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.hin_id,
                state="Not going ahead" if row.closed_at is not None else "Open or agreed",
                title=row.need.current.title if row.need.current is not None else "",
                detail=f"{row.need.organisation.name}, proposed on {day(row.proposed_at)}",
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Let the new HIN broker it."""
        row = handover.session.get_one(Introduction, item.id)
        row.hin_id = to[0].id
        handover.ledger.take(item)
        handover.ledger.put(to[0].id, item)
        handover.note(item, to[0].id)


class Passports:
    """Passports that an NHS body has issued."""

    kind: ClassVar[str] = "passport"
    heading: ClassVar[str] = "Passports that it issued"
    hint: ClassVar[str] = "The assessors of the new organisation can suspend and revoke them."
    columns: ClassVar[tuple[str, ...]] = ("passport.issuer_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the passports, by number."""
        rows = session.scalars(
            select(Passport)
            .where(Passport.issuer_id.in_(organisation_ids))
            .order_by(Passport.issuer_id, Passport.number)
        ).all()
        today = clock.today()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.issuer_id,
                state=row.standing(today).label,
                title=row.number,
                detail=f"Valid until {day(row.valid_to)}",
                href=f"/passports/{row.number}",
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Make the new organisation answer for it."""
        row = handover.session.get_one(Passport, item.id)
        row.issuer_id = to[0].id
        handover.ledger.take(item)
        handover.ledger.put(to[0].id, item)
        handover.note(item, to[0].id)


class SavedSearches:
    """Searches that people keep and that are narrowed to it: their alerts would fall silent."""

    kind: ClassVar[str] = "search"
    heading: ClassVar[str] = "Saved searches for its needs"
    hint: ClassVar[str] = (
        "The e-mails and the feed of the search go on with the organisation that you choose."
    )
    columns: ClassVar[tuple[str, ...]] = ()

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the searches that name one of the organisations, by name; whose they are is not told."""
        codes = {
            code: id_
            for id_, code in session.execute(
                select(Organisation.id, Organisation.code).where(Organisation.id.in_(organisation_ids))
            ).all()
        }
        wanted = or_(*(SavedSearch.query.contains(f"={code}", autoescape=True) for code in codes))
        rows = (
            session.scalars(select(SavedSearch).where(wanted).order_by(SavedSearch.id)).all() if codes else ()
        )
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=codes[code],
                state=row.frequency.label,
                title=row.name,
                # The filter by one organisation has room for one.
                options=(EVERY,) if ("ics", code) in parse_qsl(row.query) else (),
            )
            for row in rows
            for code in dict.fromkeys(value for name, value in parse_qsl(row.query) if name in NAMING)
            if code in codes
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Name the new organisations in the search, each once."""
        row = handover.session.get_one(SavedSearch, item.id)
        old = handover.session.get_one(Organisation, item.owner_id).code
        pairs: list[tuple[str, str]] = []
        for name, value in parse_qsl(row.query):
            ours = name in NAMING and value == old
            pairs += [(name, one.code) for one in to] if ours else [(name, value)]
        before = {
            (found.owner_id, found.id) for found in self.items(handover.session, [one.id for one in to])
        }
        row.query = urlencode(list(dict.fromkeys(pairs)))
        handover.session.flush()
        handover.ledger.take(item)
        for organisation in to:
            handover.note(item, organisation.id)
            if (organisation.id, item.id) not in before:
                handover.ledger.put(organisation.id, item)


#: Filters of a search whose values are codes of organisations.
NAMING = frozenset({"organisation", "ics"})

#: In the order in which pages list them, and in which they move.
MOVERS: list[Mover] = [
    Needs(),
    CoSigned(),
    People(),
    Invitations(),
    Patches(),
    Covered(),
    Trusts(),
    Brokered(),
    Passports(),
    SavedSearches(),
]

#: References to organisations that stay as they are, and why.
HISTORY: dict[str, str] = {
    "priority.organisation_id": "Chosen anew for cycles that count; the places of past cycles say who gave them",
    "places_record.organisation_id": "The past places, for reading the board as of a day",
    "organisation.region_id": "Regions do not change here; an import of the registry brings their changes",
    "question.supplier_id": "Suppliers are companies and have no successions here",
    "technology.supplier_id": "Suppliers are companies and have no successions here",
    "family.settled_by_hin_id": "Who settled a family stays as it was",
    "sign_off.hin_id": "Who checked a submission stays as it was",
    "cycle_letter.organisation_id": "A letter that was sent stays as it was",
    "succession_link.from_id": "The change itself",
    "succession_link.to_id": "The change itself",
    "succession_move.from_id": "The change itself",
    "succession_move.to_id": "The change itself",
    "former_code.organisation_id": "An old address; it is followed on to the successors",
}


def register(mover: Mover) -> None:
    """Add what a further room moves, once."""
    if all(one.kind != mover.kind for one in MOVERS):
        MOVERS.append(mover)


def mover_of(kind: str) -> Mover | None:
    """Return the mover of a kind."""
    return next((one for one in MOVERS if one.kind == kind), None)


def tally(session: Session, organisation_ids: Collection[int]) -> Mapping[Key, int]:
    """Count everything that belongs to these organisations, by organisation, kind and state."""
    counted: Counter[Key] = Counter()
    for mover in MOVERS:
        for item in mover.items(session, organisation_ids):
            counted[item.owner_id, item.kind, item.state] += 1
    for place in places_that_count(session, organisation_ids):
        counted[place_key(place.organisation_id)] += 1
    return counted
