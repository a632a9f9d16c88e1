"""Record, plan and cancel changes of organisations, and hand over what belongs to those that close."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.accounts.queries import people_with
from marketplace.audit.actions import record
from marketplace.database import transaction
from marketplace.errors import DomainError, NotPermitted, NotVisible
from marketplace.needs.rules import TOPIC
from marketplace.notices.actions import send
from marketplace.organisations.actions import SERVICE_CODE
from marketplace.organisations.models import (
    NEED_KINDS,
    FormerCode,
    Organisation,
    Succession,
    SuccessionChoice,
    SuccessionLink,
)
from marketplace.organisations.rules import Change, slug_of
from marketplace.outbox.actions import enqueue
from marketplace.submissions.actions import once
from marketplace.succession import letters, placing, queries, rules, wording
from marketplace.succession.importing import Fault, FaultyFile, Read
from marketplace.succession.movers.catalogue import MOVERS, mover_of, tally
from marketplace.succession.movers.mover import Handover
from marketplace.succession.movers.searches import follow_code
from marketplace.succession.queries import Holdings, Part
from marketplace.succession.rules import ChangePlan, NotReady, Party, State
from marketplace.web.links import public_link
from marketplace.web.words import count, day

#: Fills in what is offered for each thing.
SUGGESTED = "suggested"


class _Undone(Exception):
    """The end of a trial: everything that it did is rolled back."""


def _ensure(actor: Actor) -> None:
    if not queries.may_keep(actor):
        raise NotPermitted


def _history(change: Succession) -> str:
    return public_link("succession.history", organisation_code=change.predecessors[0].code)


# Recording


def check(session: Session, plan: ChangePlan) -> None:
    """Raise `DomainError` unless the change can be recorded as the registry stands."""
    rules.check_plan(plan, clock.today())
    known = queries.known_codes(session)
    starts = [_known(known, party, "from_1") for party in plan.starts]
    kinds = {one.kind for one in starts}
    if not kinds <= set(NEED_KINDS) or len(kinds) > 1:
        raise DomainError(
            "Choose trusts, integrated care systems or health innovation networks, and only one of these kinds",
            "from_1",
        )
    stays = {party.code for party in plan.ends}
    for one in starts:
        if one.opened_on is not None and plan.effective_on < one.opened_on:
            raise DomainError(f"{one.name} opened only on {day(one.opened_on)}", "effective_on")
        if one.code in stays:
            continue
        if (other := queries.other_end(session, one.id)) is not None:
            raise DomainError(
                f"It is recorded already that {one.name} ends on {day(other.effective_on)}. Cancel that first",
                "from_1",
            )
        if one.closed_on is not None and one.closed_on < plan.effective_on:
            raise DomainError(f"{one.name} closed on {day(one.closed_on)}", "from_1")
    if plan.kind is Change.RENAME:
        _check_rename(session, starts[0], plan)
    for party in plan.ends:
        _check_end(session, known, party, plan, starts[0])


def _known(known: Mapping[str, Organisation], party: Party, field: str) -> Organisation:
    if (found := known.get(party.code)) is None:
        raise DomainError(f"The registry holds no organisation with the code {party.code}", field)
    return found


def _check_rename(session: Session, organisation: Organisation, plan: ChangePlan) -> None:
    last = queries.last_rename(session, organisation.id)
    if last is not None and plan.effective_on <= last:
        raise DomainError(
            f"{organisation.name} has a change of name on {day(last)} already. A further one must be later",
            "effective_on",
        )
    if last is not None and last > clock.today():
        raise DomainError(
            f"{organisation.name} gets another name on {day(last)}. Cancel that first", "from_1"
        )
    if plan.new_name == organisation.name:
        raise DomainError("That is its name already", "new_name")


def _check_end(
    session: Session,
    known: Mapping[str, Organisation],
    party: Party,
    plan: ChangePlan,
    first: Organisation,
) -> None:
    if not party.new:
        end = _known(known, party, "to_1")
        if end.kind is not first.kind:
            raise DomainError(f"{end.name} is not of the same kind as {first.name}", "to_1")
        if end.closed_on is not None and end.closed_on <= plan.effective_on:
            raise DomainError(f"{end.name} is closed on that day", "to_1")
        return
    if party.code and queries.code_is_taken(session, party.code):
        raise DomainError(f"The code {party.code} belongs to another organisation", "to_1")
    if any(one.name.casefold() == party.name.casefold() for one in known.values()):
        raise DomainError(f"There is an organisation called {party.name}. Enter its code", "to_1")
    if party.region and (party.region not in known):
        raise DomainError(f"The registry holds no region with the code {party.region}", "to_1")


def record_change(actor: Actor, plan: ChangePlan, *, form_key: str = "") -> str:
    """Record a change and return its ref. Dates and names follow from it at once, for the day it names.

    Raises `DomainError` with the field, and `AlreadyDone` when the form was sent before.
    """
    _ensure(actor)
    with transaction() as session:
        ref = secrets.token_hex(5)
        once(session, actor, form_key, f"/successions/{ref}")
        return _record(session, actor, plan, ref)


def record_file(actor: Actor, found: Read, *, form_key: str = "") -> list[str]:
    """Record the changes of a file, all or none, and return their refs.

    Raises `FaultyFile` with the line of what the registry, or a change above it in the file, does not allow.
    """
    _ensure(actor)
    with transaction() as session:
        once(session, actor, form_key, "/successions")
        return _record_each(session, actor, found)


def check_file(found: Read) -> None:
    """Record the changes of a file on trial and undo it, so that nobody is told; raises as `record_file` does."""
    with suppress(_Undone), transaction() as session:
        _record_each(session, SERVICE, found)
        raise _Undone


def _record_each(session: Session, actor: Actor, found: Read) -> list[str]:
    refs = []
    for plan, line in zip(found.plans, found.lines, strict=True):
        try:
            refs.append(_record(session, actor, plan, secrets.token_hex(5)))
        except DomainError as error:
            raise FaultyFile([Fault(line, error.message)]) from None
    return refs


def _record(session: Session, actor: Actor, plan: ChangePlan, ref: str) -> str:
    check(session, plan)
    known = queries.known_codes(session)
    change = Succession(
        ref=ref,
        kind=plan.kind,
        effective_on=plan.effective_on,
        source=plan.source,
        source_date=plan.source_date,
        note=plan.note,
        recorded_at=clock.now(),
        recorded_by_id=actor.user_id,
    )
    session.add(change)
    if plan.kind is Change.RENAME:
        _rename(known[plan.starts[0].code], change, plan)
    else:
        _link(session, known, change, plan)
    session.flush()
    record(
        session,
        actor,
        "succession.recorded",
        "succession",
        ref,
        kind=plan.kind.value,
        on=plan.effective_on.isoformat(),
        links=[[link.predecessor.code, link.successor.code, link.share] for link in change.links],
    )
    _touch(session, change)
    letter = letters.recorded(
        wording.sentence(change),
        change.effective_on,
        [one.name for one in change.predecessors],
        _history(change),
        ends=change.kind.ends,
    )
    for person in queries.members(session, [one.id for one in change.predecessors]):
        send(session, person.email, letter.subject, letter.body)
    return ref


def _rename(organisation: Organisation, change: Succession, plan: ChangePlan) -> None:
    change.old_name, change.new_name = organisation.name, plan.new_name
    organisation.named = organisation.name
    organisation.next_name, organisation.renamed_on = plan.new_name, plan.effective_on
    organisation.updated_at = clock.now()
    change.links.append(SuccessionLink(predecessor=organisation, successor=organisation))


def _link(session: Session, known: Mapping[str, Organisation], change: Succession, plan: ChangePlan) -> None:
    ends: dict[Party, Organisation] = {}
    former: dict[int, date | None] = {}
    first = known[plan.starts[0].code]
    for party in plan.ends:
        ends[party] = _opened(session, known, party, plan, first) if party.new else known[party.code]
    for link in plan.links:
        start, end = known[link.start.code], ends[link.end]
        if start is end:  # it takes the others in and stays
            continue
        change.links.append(SuccessionLink(predecessor=start, successor=end, share=link.share))
        if plan.kind.ends and start.id not in former:
            former[start.id] = start.closed_on
            start.closed_on = plan.effective_on
            start.updated_at = clock.now()
    change.before = [[id_, on.isoformat()] for id_, on in former.items() if on is not None]


def _opened(
    session: Session,
    known: Mapping[str, Organisation],
    party: Party,
    plan: ChangePlan,
    first: Organisation,
) -> Organisation:
    organisation = Organisation(
        code=party.code or _free_slug(session, party.name),
        ods_code=party.code or None,
        name=party.name,
        kind=first.kind,
        region_id=known[party.region].id if party.region else first.region_id,
        parent_id=first.parent_id,
        opened_on=plan.effective_on,
        source=plan.source,
        source_date=plan.source_date,
        updated_at=clock.now(),
    )
    session.add(organisation)
    session.flush()
    return organisation


def _free_slug(session: Session, name: str) -> str:
    # No code is made up for ODS: until it has published one, the address is made of the name.
    slug = slug_of(name)
    if not queries.code_is_taken(session, slug):
        return slug
    return next(
        f"{slug}-{number}"
        for number in range(2, 100)
        if not queries.code_is_taken(session, f"{slug}-{number}")
    )


def cancel(actor: Actor, ref: str) -> None:
    """Take a change back that is not handed over yet: dates and names are again as before."""
    _ensure(actor)
    with transaction() as session:
        change = queries.by_ref(session, ref, lock=True)
        state = queries.state_of(change)
        if state is State.DONE:
            raise NotReady("It has taken effect, so it cannot be taken back. Record a further change instead")
        if state is State.CANCELLED:
            return
        change.cancelled_at = clock.now()
        for organisation in (*change.predecessors, *change.successors):
            organisation.updated_at = change.cancelled_at
        if change.kind is Change.RENAME:
            organisation = change.predecessors[0]
            organisation.next_name = organisation.renamed_on = None
        elif change.kind.ends:
            former = {id_: date.fromisoformat(str(on)) for id_, on in change.before}
            for organisation in change.predecessors:
                organisation.closed_on = former.get(organisation.id)
            change.before = []
        for organisation in change.successors:
            if organisation.opened_on == change.effective_on and _only_from(session, organisation, change):
                organisation.closed_on = organisation.opened_on  # it never was; rows are not deleted
                organisation.code, organisation.ods_code = f"{organisation.code}-cancelled-{ref}", None
        record(session, actor, "succession.cancelled", "succession", ref)
        _touch(session, change)
        letter = letters.cancelled(wording.sentence(change), change.effective_on)
        for person in queries.members(session, [one.id for one in change.predecessors]):
            send(session, person.email, letter.subject, letter.body)


def _only_from(session: Session, organisation: Organisation, change: Succession) -> bool:
    others = select(SuccessionLink.id).where(
        SuccessionLink.to_id == organisation.id, SuccessionLink.succession_id != change.id
    )
    return session.scalar(others) is None and any(
        link.predecessor is not organisation for link in change.links if link.successor is organisation
    )


def _touch(session: Session, change: Succession) -> None:
    """Have the index look again at the needs of the organisations: their names and places may be others."""
    for ref in queries.refs_of_needs(session, [one.id for one in change.predecessors]):
        enqueue(session, TOPIC, ref)


def give_code(actor: Actor, organisation_code: str, ods_code: str) -> None:
    """Enter the ODS code of an organisation that had none; its old address leads on to the new one."""
    _ensure(actor)
    with transaction() as session:
        organisation = session.scalar(select(Organisation).where(Organisation.code == organisation_code))
        if organisation is None or organisation.ods_code is not None:
            raise NotVisible
        pattern = rules.ODS_CODES.get(organisation.kind.value)
        if pattern is None:
            raise NotVisible
        if not pattern.fullmatch(ods_code):
            raise DomainError("Enter the ODS code as ODS has published it, such as QE1 or RRK", "ods_code")
        if queries.code_is_taken(session, ods_code):
            raise DomainError(f"The code {ods_code} belongs to another organisation", "ods_code")
        old, organisation.code, organisation.ods_code = organisation.code, ods_code, ods_code
        organisation.updated_at = clock.now()
        session.add(FormerCode(code=old, organisation_id=organisation.id, ended_at=clock.now()))
        for row in session.scalars(select(SuccessionChoice).where(SuccessionChoice.choice == rules.to(old))):
            row.choice = rules.to(ods_code)
        follow_code(session, old, ods_code)
        record(session, actor, "organisation.code-entered", "organisation", ods_code, former=old)
        for ref in queries.refs_of_needs(session, [organisation.id]):
            enqueue(session, TOPIC, ref)


# Choosing


@contextmanager
def _planning(actor: Actor, ref: str, lock_version: int) -> Iterator[tuple[Session, Holdings, Part]]:
    with transaction() as session:
        change = queries.by_ref(session, ref, lock=True)
        part = queries.part_of(actor, change)
        if queries.state_of(change) not in (State.PLANNED, State.WAITING) or change.kind is Change.RENAME:
            raise NotReady("This change is done or cancelled, so nothing can be chosen any more")
        if change.lock_version != lock_version:
            raise rules.ChangedMeanwhile(
                "Somebody else saved choices after you opened this page. Nothing of yours is lost: look at the "
                "choices below and save again"
            )
        yield session, queries.holdings(session, change, part), part
        change.lock_version += 1


def save_choices(
    actor: Actor,
    ref: str,
    kind: str,
    choices: Mapping[str, str],
    *,
    lock_version: int,
    fill: str = "",
) -> int:
    """Save what was chosen for things of one kind, and return how many are still to be chosen.

    ``choices`` maps subjects to choices; an empty one takes a choice back. ``fill`` is given to everything of the
    kind that has no choice: a choice, or ``suggested`` for what is offered for each. A lead chooses for needs and
    co-signatures of the own organisation, an administrator for everything; `NotPermitted` for others.
    """
    with _planning(actor, ref, lock_version) as (session, holdings, part):
        if not part.keeps and kind not in queries.BY_LEADS:
            raise NotPermitted
        made = _choose(session, actor, holdings, kind, choices, fill)
        record(
            session,
            actor,
            "succession.chosen",
            "succession",
            ref,
            kind=kind,
            chosen=sum(bool(choice) for choice in made.values()),
        )
        return sum(not choice for choice in made.values())


def _choose(
    session: Session, actor: Actor, holdings: Holdings, kind: str, choices: Mapping[str, str], fill: str
) -> dict[str, str]:
    made: dict[str, str] = {}
    for item in holdings.of(kind):
        choice = choices.get(item.subject, holdings.choice(item))
        if choice and choice not in holdings.allowed(item):
            raise DomainError(f"Choose one of the successors for “{item.title}”", item.subject)
        if not choice and fill:
            filled = holdings.suggestion(item) if fill == SUGGESTED else fill
            choice = filled if filled in holdings.allowed(item) else ""
        made[item.subject] = choice
    _save(session, actor, holdings, kind, {subject: (choice, "") for subject, choice in made.items()})
    return made


def save_places(
    actor: Actor,
    ref: str,
    successor_code: str,
    choices: Mapping[tuple[int, str], tuple[str, str]],
    *,
    lock_version: int,
) -> None:
    """Save the places of one successor: ``choices`` maps cycle and need's ref to a choice and a withdrawal's reason.

    An unfinished plan is saved too; what does not do yet is told by the page, and stops the confirmation. The
    successor's own leads choose, or an administrator; `NotPermitted` for others.
    """
    with _planning(actor, ref, lock_version) as (session, holdings, part):
        if successor_code not in part.ends:
            raise (
                NotPermitted
                if any(one.code == successor_code for one in holdings.change.successors)
                else NotVisible
            )
        contested = [
            one for one in placing.contests(session, holdings) if one.successor.code == successor_code
        ]
        if not contested:
            raise NotVisible
        for contest in contested:
            made = {}
            for candidate in contest.candidates:
                choice, reason = choices.get((contest.cycle.id, candidate.ref), ("", ""))
                if choice and choice not in candidate.options:
                    raise DomainError(
                        "Choose a place from 1 to 3, no place, or to withdraw it", candidate.ref
                    )
                if len(reason) > rules.REASON_LIMIT:
                    over = len(reason) - rules.REASON_LIMIT
                    raise DomainError(
                        f"The reason must be {rules.REASON_LIMIT} characters or fewer. Take out {over}.",
                        candidate.ref,
                    )
                made[contest.subject(candidate)] = (choice, reason)
            _save(session, actor, holdings, contest.kind, made)
        record(session, actor, "succession.places-chosen", "succession", ref, successor=successor_code)


def _save(
    session: Session, actor: Actor, holdings: Holdings, kind: str, made: Mapping[str, tuple[str, str]]
) -> None:
    held = {
        row.subject: row
        for row in session.scalars(
            select(SuccessionChoice).where(
                SuccessionChoice.succession_id == holdings.change.id, SuccessionChoice.kind == kind
            )
        )
    }
    for subject, (choice, reason) in made.items():
        row = held.get(subject)
        if not choice:
            if row is not None:
                session.delete(row)
            continue
        if row is None:
            row = SuccessionChoice(succession_id=holdings.change.id, kind=kind, subject=subject)
            session.add(row)
        elif (row.choice, row.words) == (choice, reason):
            continue
        row.choice, row.words = choice, reason
        row.chosen_at, row.chosen_by_id = clock.now(), actor.user_id


# Handing over


def problems(holdings: Holdings, contested: Sequence[placing.Contest]) -> list[str]:
    """Return in plain words what keeps the handover from being confirmed."""
    found = []
    if holdings.change.effective_on > clock.today():
        found.append(f"It can be confirmed from {day(holdings.change.effective_on)} on, not before")
    if missing := holdings.missing():
        found.append(f"{count(len(missing), 'choice is', 'choices are')} still to be made")
    found += [
        f"Places of {contest.successor.name} in {contest.cycle.name}: {error.message}"
        for contest in contested
        if (error := contest.problem(holdings)) is not None
    ]
    return found


def settle(actor: Actor, ref: str, *, lock_version: int, form_key: str = "") -> None:
    """Hand over everything as it was chosen, once: all of it or nothing.

    Raises:
        NotReady: the day has not come, or choices are missing.
        ChangedMeanwhile: somebody changed a choice after the page was opened.
        DoesNotAddUp: the counts before and after do not fit, so that nothing was changed.
    """
    _ensure(actor)
    with transaction() as session:
        once(session, actor, form_key, f"/successions/{ref}")
        change = queries.by_ref(session, ref, lock=True)
        _hand_over(session, actor, change, lock_version)


def _hand_over(session: Session, actor: Actor, change: Succession, lock_version: int) -> None:
    if queries.state_of(change) in (State.DONE, State.CANCELLED):
        raise NotReady("This change is done or cancelled already")
    if change.lock_version != lock_version:
        raise rules.ChangedMeanwhile(
            "Somebody changed a choice meanwhile. Look at it again before you confirm"
        )
    ids = sorted({one.id for one in (*change.predecessors, *change.successors)})
    session.execute(
        select(Organisation.id).where(Organisation.id.in_(ids)).order_by(Organisation.id).with_for_update()
    )
    if (other := queries.still_coming(session, change)) is not None:
        raise NotReady(
            f"First confirm or cancel this change: {wording.sentence(other)} What it hands over would come to an "
            "organisation that has closed"
        )
    holdings = queries.holdings(session, change)
    contested = placing.contests(session, holdings)
    if found := problems(holdings, contested):
        raise NotReady(found[0])
    before = tally(session, ids)
    handover = Handover(session, actor, change, clock.now(), clock.today())
    by_code = {one.code: one for one in change.successors}
    for item in holdings.items:
        if not holdings.remains(item):
            mover = mover_of(item.kind)
            assert mover is not None  # noqa: S101 - the items come from the movers
            mover.move(
                handover,
                item,
                [by_code[code] for code in holdings.targets(item)],
                holdings.choice(item),
            )
    for successor in change.successors:
        # Records of open data name it now (passports, co-signatures): they have changed, so it has.
        successor.updated_at = handover.at
    session.flush()
    placing.settle(handover, holdings, contested)
    session.flush()
    after = tally(session, ids)
    rules.check_sums(before, handover.ledger, after)
    if change.kind.ends and any(
        mover.items(session, [one.id for one in change.predecessors]) for mover in MOVERS
    ):
        raise rules.DoesNotAddUp("Something would be left behind at an organisation that has closed")
    names = {one.id: one.code for one in (*change.predecessors, *change.successors)}
    change.before, change.after = wording.sums(before, names), wording.sums(after, names)
    change.settled_at, change.settled_by_id = handover.at, actor.user_id
    change.lock_version += 1
    record(
        session,
        actor,
        "succession.settled",
        "succession",
        change.ref,
        before=change.before,
        after=change.after,
    )
    _tell_people(handover)


def _tell_people(handover: Handover) -> None:
    change = handover.succession
    address = _history(change)
    what = wording.sentence(change)
    wanted = select(User).where(User.id.in_(handover.people)).order_by(User.name, User.id)
    for person in handover.session.scalars(wanted):
        names = list(dict.fromkeys(handover.people[person.id]))
        letter = letters.settled(names, what, address)
        send(handover.session, person.email, letter.subject, letter.body)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a handover would do: its sums, and what went where by organisation, kind and state."""

    before: list[list[str | int]]
    after: list[list[str | int]]
    guessed: int


def rehearse(ref: str) -> Rehearsal:
    """Hand over on trial and undo all of it: nothing is changed and nobody is told.

    Where a person has not chosen yet, the suggestion is taken, and places in the order of before. For a change that
    lies ahead its day is pretended.

    Raises as `settle` where even that does not work out.
    """
    with transaction() as session:
        on = queries.by_ref(session, ref).effective_on
    day_itself = datetime.combine(on, time(9), clock.LONDON)
    result: list[Rehearsal] = []
    with (
        clock.pretend(max(clock.now(), day_itself.astimezone(UTC))),
        suppress(_Undone),
        transaction() as session,
    ):
        result.append(_on_trial(session, ref))
        raise _Undone
    return result[0]


def _on_trial(session: Session, ref: str) -> Rehearsal:
    change = queries.by_ref(session, ref, lock=True)
    guessed = len(queries.holdings(session, change).missing())
    for mover in MOVERS:
        _choose(session, SERVICE, queries.holdings(session, change), mover.kind, {}, SUGGESTED)
    session.flush()
    holdings = queries.holdings(session, change)
    for contest in placing.contests(session, holdings):
        if contest.problem(holdings) is not None:
            ranked = sorted(contest.candidates, key=lambda one: (one.rank, one.by, one.need_id))
            _save(
                session,
                SERVICE,
                holdings,
                contest.kind,
                {
                    contest.subject(one): (str(number) if number <= rules.PLACES else rules.UNPLACED, "")
                    for number, one in enumerate(ranked, start=1)
                },
            )
            session.flush()
    _hand_over(session, SERVICE, change, change.lock_version)
    return Rehearsal(change.before, change.after, guessed)


def tell_due() -> int:
    """Tell the administrators of changes whose day has come, once each; return how many.

    Only mail and the index wait for this: what is open on a day follows from dates.
    """
    today = clock.today()
    told = 0
    due = select(Succession.ref).where(
        Succession.told_at.is_(None), Succession.cancelled_at.is_(None), Succession.effective_on <= today
    )
    with transaction() as session:
        for ref in session.scalars(due.order_by(Succession.id)).all():
            change = queries.by_ref(session, ref, lock=True)
            if change.told_at is not None:
                continue
            change.told_at = clock.now()
            _touch(session, change)
            if change.kind is not Change.RENAME and change.settled_at is None:
                _tell_administrators(session, change)
            told += 1
    return told


def _tell_administrators(session: Session, change: Succession) -> None:
    service = session.scalar(select(Organisation).where(Organisation.code == SERVICE_CODE))
    if service is None:
        return
    letter = letters.due(
        wording.sentence(change),
        change.effective_on,
        len(queries.holdings(session, change).missing()),
        public_link("succession.change", ref=change.ref),
    )
    for person in people_with(session, service.id, Role.ADMINISTRATOR):
        send(session, person.email, letter.subject, letter.body)
