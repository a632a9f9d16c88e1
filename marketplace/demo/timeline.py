"""Put the demo content in the order in which it happened.

Whoever loads the demo goes through `events` from first to last, with `clock.pretend` for each day, and calls the
action that a person would have used. So a passport was issued before it expired, and an answer was given in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from marketplace.demo.shapes import (
    Answer,
    DatedReason,
    DemoContent,
    DemoCoSignature,
    DemoCycle,
    DemoEdit,
    DemoEvidence,
    DemoIntroduction,
    DemoNeed,
    DemoNeedDraft,
    DemoPassport,
    DemoPerson,
    DemoQuestion,
    DemoReturn,
    DemoSearch,
    DemoSupplier,
    DemoTechnology,
    DemoTechnologyDraft,
    DemoWithdrawal,
)

#: Days between the last person's joining and the first thing that anybody did.
DAYS_TO_SETTLE = 10
#: Days between the opening of an earlier round and the first top three in it, or the first word that a need is kept.
DAYS_TO_WRITE, DAYS_TO_CONFIRM = 14, 12
#: Days that a HIN took to check a top three.
DAYS_TO_READ = 2


@dataclass(frozen=True)
class Joined:
    """Somebody gets an account; an innovator registers the supplier with it."""

    person: DemoPerson
    supplier: DemoSupplier | None = None


@dataclass(frozen=True)
class CycleOpened:
    """The administrator opens a round of needs."""

    cycle: DemoCycle


@dataclass(frozen=True)
class NeedKept:
    """An organisation says that a need of the last round is still true."""

    need: DemoNeed


@dataclass(frozen=True)
class TopThreeSubmitted:
    """A lead writes the organisation's needs and submits them, in order of rank."""

    organisation: str
    needs: tuple[DemoNeed, ...]


@dataclass(frozen=True)
class CoSigned:
    """An organisation takes another's need for one of its own three."""

    signature: DemoCoSignature


@dataclass(frozen=True)
class TopThreeApproved:
    """The sponsor approves them, all at once."""

    organisation: str
    needs: tuple[DemoNeed, ...]


@dataclass(frozen=True)
class TopThreePublished:
    """The HIN checks them, where one has people here; by the evening they are public."""

    organisation: str
    needs: tuple[DemoNeed, ...]


@dataclass(frozen=True)
class EditSubmitted:
    """A lead submits a new version of a published need."""

    edit: DemoEdit


@dataclass(frozen=True)
class EditApproved:
    """The sponsor approves a new version."""

    edit: DemoEdit


@dataclass(frozen=True)
class EditChecked:
    """The HIN checks a new version."""

    edit: DemoEdit


@dataclass(frozen=True)
class EditReturned:
    """The sponsor returns a new version with comments."""

    edit: DemoEdit
    why: DemoReturn


@dataclass(frozen=True)
class Left:
    """Somebody leaves the organisation."""

    person: DemoPerson


@dataclass(frozen=True)
class NeedWithdrawn:
    """A lead withdraws a need."""

    withdrawal: DemoWithdrawal


@dataclass(frozen=True)
class QuestionAsked:
    """An innovator asks about a need."""

    question: DemoQuestion


@dataclass(frozen=True)
class QuestionAnswered:
    """A lead answers in public."""

    question: DemoQuestion


@dataclass(frozen=True)
class SearchSaved:
    """Somebody keeps a search, to be told what is new."""

    search: DemoSearch


@dataclass(frozen=True)
class NeedDrafted:
    """An organisation begins a need that is still being written today."""

    draft: DemoNeedDraft


@dataclass(frozen=True)
class TechnologyDrafted:
    """A supplier begins a technology that is still being written today."""

    draft: DemoTechnologyDraft


@dataclass(frozen=True)
class Listed:
    """A supplier lists a technology."""

    technology: DemoTechnology


@dataclass(frozen=True)
class EvidenceAdded:
    """A supplier adds an evidence item to a listed technology."""

    technology: DemoTechnology
    evidence: DemoEvidence


@dataclass(frozen=True)
class PassportIssued:
    """An assessor issues a passport."""

    passport: DemoPassport


@dataclass(frozen=True)
class PassportSuspended:
    """The issuer suspends a passport."""

    passport: DemoPassport
    why: DatedReason


@dataclass(frozen=True)
class PassportRevoked:
    """The issuer revokes a passport for good."""

    passport: DemoPassport
    why: DatedReason


@dataclass(frozen=True)
class Proposed:
    """A broker proposes an introduction."""

    introduction: DemoIntroduction


@dataclass(frozen=True)
class NeedSideAnswered:
    """The need's organisation answers an introduction."""

    introduction: DemoIntroduction
    answer: Answer


@dataclass(frozen=True)
class SupplierAnswered:
    """The supplier answers an introduction."""

    introduction: DemoIntroduction
    answer: Answer


@dataclass(frozen=True)
class Withdrawn:
    """The broker withdraws an introduction."""

    introduction: DemoIntroduction
    why: DatedReason


Event = (
    Joined
    | CycleOpened
    | NeedKept
    | TopThreeSubmitted
    | TopThreeApproved
    | TopThreePublished
    | CoSigned
    | NeedWithdrawn
    | QuestionAsked
    | QuestionAnswered
    | SearchSaved
    | EditSubmitted
    | EditApproved
    | EditChecked
    | EditReturned
    | Left
    | NeedDrafted
    | TechnologyDrafted
    | Listed
    | EvidenceAdded
    | PassportIssued
    | PassportSuspended
    | PassportRevoked
    | Proposed
    | NeedSideAnswered
    | SupplierAnswered
    | Withdrawn
)

# Of two events on one day, the one further up comes first.
_ORDER: tuple[type[Event], ...] = (
    Joined,
    CycleOpened,
    NeedKept,
    TopThreeSubmitted,
    TopThreeApproved,
    TopThreePublished,
    CoSigned,
    NeedWithdrawn,
    QuestionAsked,
    QuestionAnswered,
    SearchSaved,
    EditSubmitted,
    EditApproved,
    EditChecked,
    EditReturned,
    Left,
    NeedDrafted,
    TechnologyDrafted,
    Listed,
    EvidenceAdded,
    PassportIssued,
    PassportSuspended,
    PassportRevoked,
    Proposed,
    NeedSideAnswered,
    SupplierAnswered,
    Withdrawn,
)


@dataclass(frozen=True)
class Moment:
    """An event with its day, counted from today: 0 is today and -1 is yesterday."""

    day: int
    event: Event


def events(content: DemoContent) -> tuple[Moment, ...]:
    """Return all that happened, oldest first; events of one day keep an order that makes sense."""
    moments = [
        *_carried(content, list(_needs(content))),
        *_technologies(content),
        *_drafts(content),
        *_edits(content),
        *_passports(content),
        *_introductions(content),
    ]
    moments += _people(content, before=min((moment.day for moment in moments), default=0))
    return tuple(sorted(moments, key=lambda moment: (moment.day, _ORDER.index(type(moment.event)))))


def _people(content: DemoContent, before: int) -> Iterator[Moment]:
    # All on one day and in the order of the file, which is the order in which the sign-in page offers them.
    suppliers = {supplier.key: supplier for supplier in content.suppliers}
    for person in content.people:
        yield Moment(before - DAYS_TO_SETTLE, Joined(person, suppliers.get(person.organisation or "")))


def _needs(content: DemoContent) -> Iterator[Moment]:
    if content.cycle is not None:
        yield Moment(content.cycle.opened, CycleOpened(content.cycle))
    organisations = list(dict.fromkeys(need.organisation for need in content.needs))
    for position, organisation in enumerate(organisations):
        needs = tuple(
            sorted(
                (need for need in content.needs if need.organisation == organisation),
                key=lambda need: need.rank,
            )
        )
        keys = {need.key for need in needs}
        first = min((i.proposed for i in content.introductions if i.need in keys), default=0)
        # Spread over some weeks, so that lists by date have something to sort.
        published = min(first - 4, -8 - 3 * position)
        yield Moment(published - DAYS_TO_READ - 1, TopThreeSubmitted(organisation, needs))
        yield Moment(published - DAYS_TO_READ, TopThreeApproved(organisation, needs))
        yield Moment(published, TopThreePublished(organisation, needs))
    for search in content.searches:
        yield Moment(search.day, SearchSaved(search))
    for signature in content.co_signatures:
        yield Moment(signature.day, CoSigned(signature))
    for withdrawal in content.withdrawals:
        yield Moment(withdrawal.day, NeedWithdrawn(withdrawal))
    for question in content.questions:
        yield Moment(question.asked, QuestionAsked(question))
        if question.answered is not None:
            yield Moment(question.answered, QuestionAnswered(question))


def _carried(content: DemoContent, moments: list[Moment]) -> Iterator[Moment]:
    """Move the needs of some organisations to an earlier round, and add what they said of them since."""
    if content.cycle is None:
        yield from moments
        return
    rounds = (*content.past_cycles, content.cycle)
    for cycle in content.past_cycles:
        yield Moment(cycle.opened, CycleOpened(cycle))
    shifts: dict[str, int] = {}
    for number, carried in enumerate(content.carried):
        own = [one.day for one in moments if getattr(one.event, "organisation", "") == carried.organisation]
        if not own:
            continue
        first = len(rounds) - 1 - carried.back
        shifts[carried.organisation] = min(own) - (rounds[first].opened + DAYS_TO_WRITE + number)
        needs = {need.key: need for need in content.needs}
        for cycle, kept in zip(rounds[first + 1 :], carried.kept, strict=True):
            for key in kept:
                yield Moment(cycle.opened + DAYS_TO_CONFIRM + number, NeedKept(needs[key]))
    for one in moments:
        yield replace(one, day=one.day - shifts.get(getattr(one.event, "organisation", ""), 0))


def _edits(content: DemoContent) -> Iterator[Moment]:
    for edit in content.need_edits:
        yield Moment(edit.submitted, EditSubmitted(edit))
        if edit.returned is not None:
            yield Moment(edit.returned.day, EditReturned(edit, edit.returned))
        if edit.approved is not None:
            yield Moment(edit.approved, EditApproved(edit))
        if edit.checked is not None:
            yield Moment(edit.checked, EditChecked(edit))
    for person in content.people:
        if person.left is not None:
            yield Moment(person.left, Left(person))


def _technologies(content: DemoContent) -> Iterator[Moment]:
    for position, technology in enumerate(content.technologies):
        used = [i.proposed for i in content.introductions if i.technology == technology.key]
        used += [passport.issued for passport in content.passports if passport.technology == technology.key]
        listed = min(min(used, default=0) - 5, -3 - 2 * position)
        yield Moment(listed, Listed(technology))
        for item in technology.evidence:
            yield Moment(max(listed, item.issued), EvidenceAdded(technology, item))


def _drafts(content: DemoContent) -> Iterator[Moment]:
    for need_draft in content.need_drafts:
        yield Moment(need_draft.begun, NeedDrafted(need_draft))
    for draft in content.technology_drafts:
        yield Moment(draft.begun, TechnologyDrafted(draft))


def _passports(content: DemoContent) -> Iterator[Moment]:
    for passport in content.passports:
        yield Moment(passport.issued, PassportIssued(passport))
        if passport.suspended:
            yield Moment(passport.suspended.day, PassportSuspended(passport, passport.suspended))
        if passport.revoked:
            yield Moment(passport.revoked.day, PassportRevoked(passport, passport.revoked))


def _introductions(content: DemoContent) -> Iterator[Moment]:
    for introduction in content.introductions:
        yield Moment(introduction.proposed, Proposed(introduction))
        if introduction.need_side:
            answer = introduction.need_side
            yield Moment(answer.day, NeedSideAnswered(introduction, answer))
        if introduction.supplier_side:
            answer = introduction.supplier_side
            yield Moment(answer.day, SupplierAnswered(introduction, answer))
        if introduction.withdrawn:
            yield Moment(introduction.withdrawn.day, Withdrawn(introduction, introduction.withdrawn))
