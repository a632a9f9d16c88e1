"""Reads about needs. Every query of needs starts from `visible_to`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVarTuple

from sqlalchemy import Select, and_, func, not_, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import POLICY, Permission, Role
from marketplace.accounts.models import Membership, User
from marketplace.accounts.queries import in_force, members_of, people_with
from marketplace.audit.models import AuditEvent
from marketplace.database import db
from marketplace.errors import NotVisible
from marketplace.needs.models import Cycle, Need, NeedDraft, NeedPeople, NeedVersion, Priority, SignOff
from marketplace.needs.rounds import Stand, Standing, stand
from marketplace.needs.rules import Candidate, is_complete
from marketplace.organisations import queries as organisations
from marketplace.organisations.models import NEED_KINDS, Organisation
from marketplace.vocabulary import CareSetting
from marketplace.web.words import day

Columns = TypeVarTuple("Columns")


def visible_to(actor: Actor) -> Select[Need]:
    """Select the needs that this person may know of: all that were ever published, and drafts of their own."""
    own = actor.organisations(Permission.NEED_WRITE)
    published = Need.published_at.is_not(None)
    return select(Need).where(or_(published, Need.organisation_id.in_(own)) if own else published)


def current_cycle() -> Cycle | None:
    """Return the latest cycle that has opened, or None before the first; as it is now, whatever was read before."""
    latest = select(Cycle).where(Cycle.opens_on <= clock.today()).order_by(Cycle.opens_on.desc()).limit(1)
    # What is remembered for everybody is made of it: an object of before would be kept under the stamp of now.
    return db.session.scalar(latest.execution_options(populate_existing=True))


def cycles() -> list[Cycle]:
    """Return every cycle, the latest first."""
    return list(db.session.scalars(select(Cycle).order_by(Cycle.opens_on.desc(), Cycle.id.desc())))


def stand_of(need: Need) -> Stand | None:
    """Tell whether a published need still stands; None for one that never had a place."""
    if need.priority is None:
        return None
    return stand(need.priority.cycle.round, [cycle.round for cycle in cycles()], clock.today())


def has_lapsed(need: Need) -> bool:
    """Tell whether a need lost its standing because nobody confirmed it."""
    found = stand_of(need)
    return found is not None and found.standing is Standing.LAPSED


def published(actor: Actor) -> list[Need]:
    """Return the needs on the board: published, not withdrawn, not lapsed; newest first."""
    return list(db.session.scalars(_on_board(actor).order_by(Need.published_at.desc(), Need.ref)))


def published_by_refs(actor: Actor, refs: Sequence[str]) -> list[Need]:
    """Return those of the refs that are on the board, in the order of the refs, with their organisations."""
    found = {need.ref: need for need in db.session.scalars(_on_board(actor).where(Need.ref.in_(refs)))}
    return [found[ref] for ref in dict.fromkeys(refs) if ref in found]


def published_by_ref(actor: Actor, ref: str) -> Need:
    """Return one need that is on the board, or raise `NotVisible`."""
    found = published_by_refs(actor, [ref])
    if not found:
        raise NotVisible
    return found[0]


def published_refs(actor: Actor, *, care_setting: CareSetting | None = None) -> list[str]:
    """Return the refs of the needs on the board, all or those of one care setting, the oldest first."""
    statement = _board(actor)
    if care_setting is not None:
        statement = statement.join(Need.current).where(NeedVersion.care_setting == care_setting)
    return list(db.session.scalars(statement.with_only_columns(Need.ref).order_by(Need.id)))


def _on_board(actor: Actor) -> Select[Need]:
    return _board(actor).options(
        joinedload(Need.organisation).joinedload(Organisation.region),
        joinedload(Need.current),
        joinedload(Need.priority).joinedload(Priority.cycle),
    )


def _board(actor: Actor) -> Select[Need]:
    return on_board(visible_to(actor))


def on_board(statement: Select[*Columns]) -> Select[*Columns]:
    """Keep of the selected needs those on the board, joined with the `Priority` that puts them there.

    These have a place in the latest cycle; while that is open, also those of the cycle before that wait to be
    confirmed. `rounds.stand` says the same of one need.
    """
    today = clock.today()
    latest = select(func.max(Cycle.opens_on)).where(Cycle.opens_on <= today).scalar_subquery()
    unlocked = select(Cycle.id).where(Cycle.opens_on == latest, Cycle.locks_on >= today).exists()
    before = select(func.max(Cycle.opens_on)).where(Cycle.opens_on < latest, unlocked).scalar_subquery()
    place, its_cycle = aliased(Priority), aliased(Cycle)
    confirmed = (
        select(place.rank)
        .join(its_cycle, its_cycle.id == place.cycle_id)
        .where(
            place.need_id == Need.id,
            place.organisation_id == Need.organisation_id,
            its_cycle.opens_on == latest,
        )
        .correlate(Need)
        .exists()
    )
    return (
        statement.join(
            Priority,
            and_(Priority.need_id == Need.id, Priority.organisation_id == Need.organisation_id),
        )
        .join(
            Cycle,
            and_(
                Cycle.id == Priority.cycle_id,
                or_(Cycle.opens_on == latest, and_(Cycle.opens_on == before, not_(confirmed))),
            ),
        )
        .where(Need.published_at.is_not(None), Need.withdrawn_at.is_(None))
    )


def _lapsed(actor: Actor) -> Select[Need]:
    """Select the needs that lapsed: published, not withdrawn, with a place once, and not on the board any more."""
    return (
        visible_to(actor)
        .join(Need.priority)
        .where(
            Need.published_at.is_not(None),
            Need.withdrawn_at.is_(None),
            Need.id.not_in(on_board(select(Need.id))),
        )
    )


def lapsed_of(actor: Actor, organisation_id: int, limit: int = 20) -> list[Need]:
    """Return the needs of an organisation that have lapsed, the latest first."""
    return list(
        db.session.scalars(
            _lapsed(actor)
            .join(Cycle, Cycle.id == Priority.cycle_id)
            .where(Need.organisation_id == organisation_id)
            .options(joinedload(Need.current), joinedload(Need.priority).joinedload(Priority.cycle))
            .order_by(Cycle.opens_on.desc(), Priority.rank, Need.id)
            .limit(limit)
        )
    )


def lapsed_refs(actor: Actor, among: Select[int]) -> list[str]:
    """Return the refs of those of the needs (selected by id) that have lapsed, the oldest first."""
    statement = _lapsed(actor).where(Need.id.in_(among))
    return list(db.session.scalars(statement.with_only_columns(Need.ref).order_by(Need.id)))


def need_for(actor: Actor, ref: str) -> Need:
    """Return a need with all that its public page shows, or raise `NotVisible`."""
    need = db.session.scalar(
        visible_to(actor)
        .where(Need.ref == ref)
        .options(
            joinedload(Need.organisation).joinedload(Organisation.region),
            joinedload(Need.priority).joinedload(Priority.cycle),
            joinedload(Need.draft),
            joinedload(Need.sign_off),
            joinedload(Need.people),
            selectinload(Need.versions),
        )
    )
    if need is None:
        raise NotVisible
    return need


def own_need(actor: Actor, ref: str) -> Need:
    """Return a need of an organisation that the person writes for, with its draft, or raise `NotVisible`."""
    need = need_for(actor, ref)
    if not actor.may(Permission.NEED_WRITE, need.organisation_id):
        raise NotVisible
    return need


def locked_need(ref: str) -> Need:
    """Return a need for a change, holding its row until the transaction ends, or raise `NotVisible`."""
    need = db.session.scalar(
        select(Need)
        .where(Need.ref == ref)
        .with_for_update(of=Need, key_share=True)
        .options(joinedload(Need.organisation))
        .execution_options(populate_existing=True)
    )
    if need is None:
        raise NotVisible
    return need


def organisation_code_of(ref: str) -> str:
    """Return the code of the organisation that a need belongs to, or raise `NotVisible`."""
    code = db.session.scalar(
        select(Organisation.code).join(Need, Need.organisation_id == Organisation.id).where(Need.ref == ref)
    )
    if code is None:
        raise NotVisible
    return code


def lock_those_who_placed(ref: str) -> None:
    """Hold the row of every organisation that a need belongs to or has a place with, until the transaction ends."""
    concerned = select(Need.organisation_id).where(Need.ref == ref)
    concerned_too = (
        select(Priority.organisation_id).join(Need, Need.id == Priority.need_id).where(Need.ref == ref)
    )
    db.session.execute(
        select(Organisation.id)
        .where(or_(Organisation.id.in_(concerned), Organisation.id.in_(concerned_too)))
        .order_by(Organisation.id)  # all wait in the same order, so that no two wait for each other
        .with_for_update(of=Organisation, key_share=True)
    )


def places_not_over(need_id: int) -> list[Priority]:
    """Return the places that a need has in cycles that have not closed, with any organisation."""
    return list(
        db.session.scalars(
            select(Priority)
            .join(Cycle, Cycle.id == Priority.cycle_id)
            .where(Priority.need_id == need_id, Cycle.closes_on >= clock.today())
            .order_by(Priority.organisation_id, Priority.cycle_id)
        )
    )


def places_of(need_id: int) -> list[Priority]:
    """Return every place of a need, in any cycle and with any organisation."""
    return list(
        db.session.scalars(
            select(Priority)
            .where(Priority.need_id == need_id)
            .order_by(Priority.organisation_id, Priority.cycle_id)
        )
    )


def locked_organisation(code: str) -> Organisation:
    """Return an organisation that can have a top three; whoever changes its places waits for its row."""
    organisation = db.session.scalar(
        select(Organisation)
        .where(Organisation.code == code, Organisation.kind.in_(NEED_KINDS))
        .with_for_update(of=Organisation, key_share=True)
    )
    if organisation is None:
        raise NotVisible
    return organisation


def organisation(code: str) -> Organisation:
    """Return an organisation that can have a top three, with its region, or raise `NotVisible`."""
    found = db.session.scalar(
        select(Organisation)
        .where(Organisation.code == code, Organisation.kind.in_(NEED_KINDS))
        .options(
            joinedload(Organisation.region),
            joinedload(Organisation.parent).joinedload(Organisation.region),
        )
    )
    if found is None:
        raise NotVisible
    return found


def writes_for(actor: Actor) -> list[Organisation]:
    """Return the organisations for which the person may write needs, by name."""
    own = actor.organisations(Permission.NEED_WRITE)
    return list(
        db.session.scalars(
            select(Organisation)
            .where(Organisation.id.in_(own), Organisation.kind.in_(NEED_KINDS))
            .options(
                joinedload(Organisation.parent).joinedload(Organisation.region),
                joinedload(Organisation.region),
            )
            .order_by(Organisation.name, Organisation.id)
        )
    )


def needs_of(actor: Actor, organisation_ids: Collection[int]) -> list[Need]:
    """Return every need of these organisations that the person may know of, with drafts; newest first."""
    return list(
        db.session.scalars(
            visible_to(actor)
            .where(Need.organisation_id.in_(organisation_ids))
            .options(
                joinedload(Need.organisation),
                joinedload(Need.current),
                joinedload(Need.draft),
                joinedload(Need.priority).joinedload(Priority.cycle),
                joinedload(Need.sign_off).selectinload(SignOff.comments),
                joinedload(Need.people).joinedload(NeedPeople.owner),
                joinedload(Need.people).joinedload(NeedPeople.deputy),
            )
            .order_by(Need.created_at.desc(), Need.id.desc())
        )
    )


def top_three(actor: Actor, organisation_id: int) -> list[Need]:
    """Return an organisation’s needs on the board: this cycle’s by place, then those that wait to be confirmed."""
    return list(
        db.session.scalars(
            _on_board(actor)
            .where(Need.organisation_id == organisation_id)
            .order_by(Cycle.opens_on.desc(), Priority.rank)
        )
    )


def co_signed(
    actor: Actor, organisation_ids: Collection[int], cycle: Cycle | None
) -> list[tuple[int, int, Need]]:
    """Return the needs of others that organisations gave a place in a cycle: organisation's id, place and need."""
    if cycle is None:
        return []
    rows = db.session.execute(
        visible_to(actor)
        .add_columns(Priority.organisation_id, Priority.rank)
        .join(Priority, and_(Priority.need_id == Need.id, Priority.organisation_id != Need.organisation_id))
        .where(Priority.organisation_id.in_(organisation_ids), Priority.cycle_id == cycle.id)
        .options(joinedload(Need.organisation), joinedload(Need.current))
        .order_by(Priority.organisation_id, Priority.rank)
    )
    return [(organisation_id, rank, need) for need, organisation_id, rank in rows]


def withdrawn_of(actor: Actor, organisation_id: int, limit: int = 20) -> list[Need]:
    """Return the needs that an organisation has withdrawn, latest first."""
    return list(
        db.session.scalars(
            visible_to(actor)
            .where(Need.organisation_id == organisation_id, Need.withdrawn_at.is_not(None))
            .options(joinedload(Need.current))
            .order_by(Need.withdrawn_at.desc(), Need.id)
            .limit(limit)
        )
    )


def was_discarded(actor: Actor, ref: str) -> bool:
    """Tell whether a need of the person's organisation was a draft that somebody has deleted."""
    return bool(
        db.session.scalar(
            select(func.count()).where(
                AuditEvent.subject_kind == "need",
                AuditEvent.subject_id == ref,
                AuditEvent.action == "need.discarded",
                AuditEvent.organisation_id.in_(actor.organisations(Permission.NEED_WRITE)),
            )
        )
    )


def roles_in_force(session: Session, organisation_id: int) -> dict[int, set[Role]]:
    """Return the people who belong to an organisation now, each with their roles there."""
    held: dict[int, set[Role]] = {}
    for member in members_of(session, organisation_id):
        held.setdefault(member.user_id, set()).add(member.role)
    return held


def leads(members: Mapping[int, set[Role]], user_id: int | None) -> bool:
    """Tell whether a person may still write for the organisation whose ``members`` these are."""
    return user_id is not None and bool(members.get(user_id, set()) & POLICY[Permission.NEED_WRITE])


def sponsors_of(organisation_id: int) -> Sequence[User]:
    """Return the people who may approve an organisation's needs, by name."""
    return people_with(db.session, organisation_id, Role.SPONSOR)


def checking_hins(organisation: Organisation) -> list[Organisation]:
    """Return the HINs that check an organisation's needs: they cover it, have a broker here, and are another body."""
    brokers = (
        select(Membership.organisation_id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.role == Role.BROKER, in_force())
    )
    covering = [one.id for one in organisations.covering_hins(db.session, organisation.id)]
    return list(
        db.session.scalars(
            select(Organisation)
            .where(
                Organisation.id.in_(covering),
                Organisation.id != organisation.id,
                Organisation.id.in_(brokers),
            )
            .order_by(Organisation.name, Organisation.id)
        )
    )


def sign_off_of(need_id: int, version: int) -> SignOff | None:
    """Return how a published version was signed off; None for one from before there was sign-off."""
    return db.session.scalar(
        select(SignOff)
        .where(SignOff.need_id == need_id, SignOff.version == version)
        .options(joinedload(SignOff.hin))
    )


def taken_places(organisation_id: int, cycle_id: int) -> set[int]:
    """Return the places of an organisation's top three that are given or held in a cycle."""
    return set(
        db.session.scalars(
            select(Priority.rank).where(
                Priority.organisation_id == organisation_id, Priority.cycle_id == cycle_id
            )
        )
    )


def members_in_force(organisation_id: int) -> dict[int, set[Role]]:
    """Return the people who belong to an organisation now, each with their roles there."""
    return roles_in_force(db.session, organisation_id)


def usual_deputy(session: Session, organisation_id: int, owner_id: int | None) -> int | None:
    """Return who was named as deputy for the person's last need of this organisation, while they belong to it."""
    if owner_id is None:
        return None
    last = session.scalar(
        select(NeedPeople.deputy_id)
        .join(Need, Need.id == NeedPeople.need_id)
        .where(
            Need.organisation_id == organisation_id,
            NeedPeople.owner_id == owner_id,
            NeedPeople.deputy_id.is_not(None),
        )
        .order_by(Need.id.desc())
        .limit(1)
    )
    return last if last in roles_in_force(session, organisation_id) else None


def name_of(user_id: int | None) -> str:
    """Return a colleague's name, or the empty text."""
    user = db.session.get(User, user_id) if user_id is not None else None
    return user.name if user is not None else ""


def may_read_matches(actor: Actor, need: Need) -> bool:
    """Tell whether the person may see which technologies answer this need: its leads, and brokers of its patch."""
    return need.organisation_id in reads_matches_of(actor)


def reads_matches_of(actor: Actor) -> frozenset[int]:
    """Return the organisations whose needs' matches the person may see: their own, and those of their patch."""
    hins = [grant.organisation_id for grant in actor.grants if grant.role is Role.BROKER]
    return actor.organisations(Permission.NEED_MATCHES_READ) | organisations.patch_of(db.session, hins)


# Ranking


def candidates(needs: Iterable[Need], organisation_id: int, cycle_id: int) -> dict[str, Candidate]:
    """Return the needs as the ranking's rules see them."""
    return {need.ref: _candidate(need, organisation_id, cycle_id) for need in needs}


def _candidate(need: Need, organisation_id: int, cycle_id: int) -> Candidate:
    text = need.draft or need.current
    problem = ""
    placed = {(place.organisation_id, place.cycle_id) for place in need.priorities}
    if need.organisation_id != organisation_id and (organisation_id, cycle_id) in placed:
        title = need.current.title if need.current is not None else ""
        return Candidate(ref=need.ref, title=title, published=True, co_signed=True)
    if need.organisation_id != organisation_id:
        # Not even the title of another organisation's need is told.
        return Candidate(ref=need.ref, title="That need", problem="belongs to another organisation")
    if need.withdrawn_at is not None:
        problem = f"was withdrawn on {day(need.withdrawn_at)}. Choose another need for its place"
    return Candidate(
        ref=need.ref,
        title=(text.title if text is not None else "") or "Untitled need",
        published=(
            need.published_at is not None
            and need.priority is not None
            and need.priority.cycle_id == cycle_id
            and not problem
        ),
        waiting=need.published_at is None and need.waiting is not None,
        complete=need.published_at is not None
        or (need.draft is not None and is_complete(need.draft.content())),
        problem=problem,
    )


def to_rank(organisation_id: int, cycle_id: int, refs: Collection[str], *, lock: bool = False) -> list[Need]:
    """Return the needs asked for and those that have a place already, in the order of their ids."""
    placed = select(Priority.need_id).where(
        Priority.organisation_id == organisation_id, Priority.cycle_id == cycle_id
    )
    query = (
        select(Need)
        .where(or_(Need.ref.in_(refs), Need.id.in_(placed)))
        .order_by(Need.id)
        .options(
            selectinload(Need.draft),
            selectinload(Need.current),
            selectinload(Need.priority),
            selectinload(Need.priorities),
            selectinload(Need.sign_off).selectinload(SignOff.comments),
            selectinload(Need.people),
        )
    )
    if lock:
        query = query.with_for_update(of=Need, key_share=True).execution_options(populate_existing=True)
    return list(db.session.scalars(query))


# The board


def board_size(actor: Actor) -> tuple[int, int]:
    """Return how many needs are on the board, and of how many organisations."""
    needs, owners = db.session.execute(
        _board(actor).with_only_columns(func.count(Need.id), func.count(Need.organisation_id.distinct()))
    ).one()
    return needs, owners


def newest(actor: Actor, limit: int) -> list[Need]:
    """Return the needs on the board that were published last, the newest first; a new version makes none newer."""
    ordered = _on_board(actor).order_by(Need.published_at.desc(), Priority.rank, Need.ref)
    return list(db.session.scalars(ordered.limit(limit)))


def has_draft(need: Need) -> NeedDraft:
    """Return the need's draft or raise `NotVisible`."""
    if need.draft is None:
        raise NotVisible
    return need.draft
