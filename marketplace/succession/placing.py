"""Whose needs hold the three places of a successor: one choice for each need that held a place before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session, joinedload

from marketplace.errors import DomainError
from marketplace.needs import places
from marketplace.needs.actions import take_off
from marketplace.needs.models import Cycle, Need, Priority, by_its_own
from marketplace.needs.rounds import Round, Standing, stand
from marketplace.needs.rules import State
from marketplace.organisations.models import Organisation
from marketplace.succession import rules
from marketplace.succession.movers.mover import Handover, cycles_that_count, place_key
from marketplace.succession.movers.needs import (
    DRAFT,
    NO_PLACE,
    SIGNED_OFF,
    STANDINGS,
    WITHDRAWN,
    CoSigned,
    Needs,
)
from marketplace.succession.queries import Holdings
from marketplace.succession.rules import PLACES, UNPLACED, WITHDRAW, Item, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A need that held a place of a predecessor, or of the successor itself, before the handover.

    ``own`` tells that it belongs to the successor afterwards, and is not co-signed.
    """

    need_id: int
    ref: str
    title: str
    by: str
    rank: int
    own: bool
    published: bool
    suggestion: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """Return every choice for it."""
        ends = (WITHDRAW,) if self.own and self.published else ()
        return (*(str(place) for place in range(1, PLACES + 1)), UNPLACED, *ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The places of one successor in one cycle, and the needs that held places before."""

    cycle: Cycle
    successor: Organisation
    candidates: tuple[Candidate, ...]

    @property
    def kind(self) -> str:
        """Return what its saved choices are kept under."""
        return f"place-{self.cycle.id}"

    def subject(self, candidate: Candidate) -> str:
        """Return what a saved choice calls a candidate."""
        return f"{self.successor.id}-{candidate.need_id}"

    def chosen(self, holdings: Holdings) -> list[Place]:
        """Return what was chosen for each candidate so far."""
        return [
            Place(
                one.ref,
                one.title,
                choice
                if (choice := holdings.chosen.get((self.kind, self.subject(one)), "")) in one.options
                else "",
                holdings.words.get((self.kind, self.subject(one)), ""),
            )
            for one in self.candidates
        ]

    def problem(self, holdings: Holdings) -> DomainError | None:
        """Return why the choices do not do yet, or None."""
        try:
            rules.check_places(self.chosen(holdings))
        except DomainError as error:
            return error
        return None


def contests(session: Session, holdings: Holdings) -> list[Contest]:
    """Return the places that have to be chosen, as far as it is chosen which need goes where."""
    change = holdings.change
    starts = {one.id: one for one in change.predecessors}
    ends = {one.code: one for one in change.successors}
    by_id = starts | {one.id: one for one in ends.values()}
    targets = {
        (item.owner_id, item.about): holdings.targets(item)
        for item in (*holdings.of(Needs.kind), *holdings.of(CoSigned.kind))
    }
    moving = {item.id: codes[0] for item in holdings.of(Needs.kind) if (codes := holdings.targets(item))}
    rows = _rows(session, list(by_id))
    found = []
    for cycle in cycles_that_count(session):
        for end in ends.values():
            # A need that was withdrawn after its cycle had closed left its place to history, not to the successor.
            held = [row for row in rows if row.cycle_id == cycle.id and row.need.withdrawn_at is None]
            coming = [row for row in held if end.code in targets.get((row.organisation_id, row.need_id), [])]
            own = [row for row in held if row.organisation_id == end.id]
            if not coming:
                continue
            one_each: dict[int, Candidate] = {}
            for row in [*own, *coming]:
                belongs = moving.get(row.need_id) == end.code or (
                    row.need.organisation_id == end.id and row.need_id not in moving
                )
                one_each.setdefault(row.need_id, _candidate(row, by_id[row.organisation_id], own=belongs))
            found.append(Contest(cycle=cycle, successor=end, candidates=_suggested(list(one_each.values()))))
    return found


def _rows(session: Session, organisation_ids: Sequence[int]) -> Sequence[Priority]:
    return session.scalars(
        select(Priority)
        .where(
            Priority.organisation_id.in_(organisation_ids),
            Priority.cycle_id.in_([cycle.id for cycle in cycles_that_count(session)]),
        )
        .options(
            joinedload(Priority.need).joinedload(Need.current),
            joinedload(Priority.need).joinedload(Need.draft),
            joinedload(Priority.need).joinedload(Need.sign_off),
        )
        .order_by(Priority.rank, Priority.organisation_id)
    ).all()


def _candidate(row: Priority, by: Organisation, *, own: bool) -> Candidate:
    need = row.need
    text = need.current or need.draft
    return Candidate(
        need_id=need.id,
        ref=need.ref,
        title=(text.title if text is not None else "") or "Need without a title",
        by=by.name,
        rank=row.rank,
        own=own,
        published=need.state is State.PUBLISHED,
    )


def _suggested(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    # Where all find room the order of before is offered; where they do not, nobody but a person chooses.
    if len(candidates) > PLACES:
        return tuple(candidates)
    ranked = sorted(candidates, key=lambda one: (one.rank, one.by, one.need_id))
    return tuple(replace(one, suggestion=str(place)) for place, one in enumerate(ranked, start=1))


def settle(handover: Handover, holdings: Holdings, contested: Sequence[Contest]) -> None:
    """Give the places of all organisations of the change as they were chosen; needs have changed hands before."""
    session, change = handover.session, handover.succession
    starts = {one.id for one in change.predecessors}
    closing = starts if change.kind.ends else set()
    involved = sorted(starts | {one.id for one in change.successors})
    moved = {item.id for item in holdings.of(Needs.kind) if holdings.targets(item)}
    left = {(item.owner_id, item.about) for item in holdings.of(CoSigned.kind) if not holdings.remains(item)}
    rows = [(row.cycle_id, row.organisation_id, row.need_id) for row in _rows(session, involved)]
    states = {item.id: item for item in Needs().items(session, involved)}
    for _, organisation_id, _ in rows:
        handover.ledger.entries[place_key(organisation_id)] -= 1
    withdrawn = _withdraw(handover, holdings, contested, states)
    placed: dict[tuple[int, int], list[Round]] = {}
    for cycle in cycles_that_count(session):
        held: dict[int, list[int]] = {id_: [] for id_ in involved}
        for cycle_id, organisation_id, need_id in rows:
            gone = organisation_id in starts and (
                organisation_id in closing or need_id in moved or (organisation_id, need_id) in left
            )
            if cycle_id == cycle.id and not gone and need_id not in withdrawn:
                held[organisation_id].append(need_id)
        for contest in contested:
            if contest.cycle.id == cycle.id:
                ids = {one.ref: one.need_id for one in contest.candidates}
                ranked = [ids[ref] for ref in rules.check_places(contest.chosen(holdings))]
                held[contest.successor.id] = [need_id for need_id in ranked if need_id not in withdrawn]
                for one in contest.candidates:
                    if not one.own and one.need_id not in ranked:
                        CoSigned().end(handover, one.need_id, contest.successor.id, taken_back=True)
        for organisation_id, need_ids in held.items():
            for need_id in need_ids:
                placed.setdefault((organisation_id, need_id), []).append(cycle.round)
        _write(handover, cycle, held)
    had = {need_id for _, _, need_id in rows} - withdrawn
    _note_standing(handover, [item for id_, item in states.items() if id_ in had], placed)


def _note_standing(
    handover: Handover, items: Sequence[Item], placed: Mapping[tuple[int, int], Sequence[Round]]
) -> None:
    """Enter how published needs stand that had a place before: by the places they got, or those of past cycles."""
    session = handover.session
    rounds = [one.round for one in session.scalars(select(Cycle))]
    counting = [cycle.id for cycle in cycles_that_count(session)]
    earlier = set(
        session.scalars(
            select(Need.id)
            .join(Priority, Priority.need_id == Need.id)
            .where(
                Need.id.in_([item.id for item in items]),
                by_its_own(Priority),
                Priority.cycle_id.not_in(counting),
            )
        )
    )
    for item in items:
        if item.state in (DRAFT, SIGNED_OFF, WITHDRAWN):
            continue
        got = placed.get((item.owner_id, item.id), ())
        if got:
            latest = max(got, key=lambda one: one.opens_on)
            state = STANDINGS[stand(latest, rounds, handover.today).standing]
        else:
            state = STANDINGS[Standing.LAPSED] if item.id in earlier else NO_PLACE
        handover.ledger.take(item)
        handover.ledger.put(item.owner_id, item, state)


def _withdraw(
    handover: Handover, holdings: Holdings, contested: Sequence[Contest], states: Mapping[int, Item]
) -> set[int]:
    gone: set[int] = set()
    for contest in contested:
        for candidate, place in zip(contest.candidates, contest.chosen(holdings), strict=True):
            if place.choice != WITHDRAW or candidate.need_id in gone:
                continue
            need = handover.session.get_one(Need, candidate.need_id)
            item = states[need.id]
            handover.ledger.take(item)
            take_off(handover.session, handover.actor, need, place.words)
            handover.ledger.put(item.owner_id, item, WITHDRAWN)
            gone.add(candidate.need_id)
    return gone


def _write(handover: Handover, cycle: Cycle, held: Mapping[int, Sequence[int]]) -> None:
    session = handover.session
    session.flush()
    session.execute(
        delete(Priority).where(Priority.organisation_id.in_(list(held)), Priority.cycle_id == cycle.id),
        execution_options={"synchronize_session": False},
    )
    values = [
        {"organisation_id": id_, "cycle_id": cycle.id, "rank": rank, "need_id": need_id}
        for id_, need_ids in held.items()
        for rank, need_id in enumerate(need_ids, start=1)
    ]
    if values:
        session.execute(insert(Priority), values)
    session.expire_all()
    for id_, need_ids in held.items():
        handover.ledger.entries[place_key(id_)] += len(need_ids)
        places.note(session, id_, cycle.id)
