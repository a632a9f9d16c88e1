"""Approve, check, return and publish what was submitted; tell who has to act when time has passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Permission, Role
from marketplace.accounts.models import User
from marketplace.accounts.queries import people_with
from marketplace.audit.actions import record
from marketplace.errors import DomainError, Gone, NotVisible
from marketplace.needs import letters, queries, signed, signing
from marketplace.needs.actions import use_case, withdrawn_words
from marketplace.needs.letters import Letter
from marketplace.needs.models import Need, ReviewComment, SignOff
from marketplace.needs.questions import ASKS
from marketplace.needs.signing import Decided, Step, Unchecked
from marketplace.needs.submitting import publish
from marketplace.notices.actions import send
from marketplace.organisations import lineage
from marketplace.organisations import queries as registry
from marketplace.organisations.models import Kind, Organisation
from marketplace.reviews import queries as reviews
from marketplace.submissions.actions import once
from marketplace.web.links import path_of, public_link
from marketplace.web.words import listed, moment

#: What a reviewer looked at: the round of the need, and the lock version of the submission.
Seen = tuple[int, int]


def approve(actor: Actor, chosen: Mapping[str, Seen], *, form_key: str = "") -> tuple[int, int]:
    """Approve needs as their sponsor, all or none; return how many go to a HIN, and how many are public now.

    Where no HIN can check, a need is published at once, and its page says why nobody has checked it.

    Raises:
        NotVisible: the actor is no sponsor of such a need. OwnWork: the actor wrote or submitted one of them.
        Decided: one was decided on, taken back or submitted anew meanwhile.
        DomainError: nothing was chosen.
        OrganisationClosed: the organisation has closed; the sponsor of its successor approves.
    """
    if not chosen:
        raise DomainError("Choose at least one need to approve", "needs")
    to_hins: dict[int, list[Need]] = {}
    published: list[Need] = []
    with use_case() as session:
        once(session, actor, form_key, path_of("reviews.queue"))
        for need in _held(session, chosen):
            sign_off = _as_sponsor(actor, need, Step.SUBMITTED, chosen[need.ref])
            lineage.check_open(session, need.organisation)
            signing.check_not_own(actor.user_id, sign_off.writers, "approve")
            sign_off.approved_at, sign_off.approved_by_id = clock.now(), actor.user_id
            sign_off.lock_version += 1
            _record(session, actor, "need.approved", need, sign_off)
            hins = queries.checking_hins(need.organisation)
            if hins:
                to_hins.setdefault(need.organisation_id, []).append(need)
                continue
            own = need.organisation.kind is Kind.HIN
            sign_off.unchecked = Unchecked.OWN if own else Unchecked.NO_HIN
            publish(session, actor, need, sign_off)
            published.append(need)
        for needs in to_hins.values():
            _ask_hins(session, needs)
        _tell_published(session, actor, published)
    return sum(len(needs) for needs in to_hins.values()), len(published)


def check(actor: Actor, ref: str, seen: Seen, *, form_key: str = "") -> None:
    """Check a need as its HIN, and publish it; one that was published unchecked is marked as checked.

    Raises:
        NotVisible: no HIN of the actor covers the organisation. OwnWork: the actor wrote or approved it.
        Decided: it was decided on, taken back or submitted anew meanwhile. Gone: it was withdrawn.
        OrganisationClosed: the organisation has closed; it is checked when its successor has it.
    """
    with use_case() as session:
        once(session, actor, form_key, path_of("reviews.queue"))
        [need] = _held(session, [ref])
        late = _published_unseen(need)
        sign_off, hin = _as_hin(session, actor, need, seen, Step.PUBLISHED if late else Step.APPROVED)
        lineage.check_open(session, need.organisation)
        signing.check_not_own(actor.user_id, _hands_in(sign_off), "check")
        sign_off.checked_at, sign_off.checked_by_id, sign_off.hin_id = clock.now(), actor.user_id, hin.id
        sign_off.lock_version += 1
        if late:
            _record(session, actor, "need.checked-later", need, sign_off)
            title, link = _public_title(need), public_link("needs.need", ref=ref)
            for person in _concerned(session, need, sign_off):
                _send(session, person, letters.checked_later(title, hin.name, link))
            return
        _record(session, actor, "need.checked", need, sign_off)
        publish(session, actor, need, sign_off)
        session.flush()
        session.refresh(sign_off, ["hin"])
        _tell_published(session, actor, [need])


def send_back(
    actor: Actor, ref: str, seen: Seen, comments: Mapping[str, str], note: str = "", *, form_key: str = ""
) -> None:
    """Return a need with comments beside its fields: as sponsor before approval, as HIN afterwards.

    Raises:
        NotVisible: it does not wait for this person. Decided: somebody else was faster.
        DomainError: nothing is said, or too much; its field is the comment's.
    """
    with use_case() as session:
        once(session, actor, form_key, path_of("reviews.queue"))
        [need] = _held(session, [ref])
        if need.sign_off is not None and need.sign_off.approved_at is not None and not _sponsors(actor, need):
            sign_off, hin = _as_hin(session, actor, need, seen, Step.APPROVED)
            sign_off.hin_id = hin.id
        else:
            sign_off = _as_sponsor(actor, need, Step.SUBMITTED, seen)
        said = {name: text for name, text in comments.items() if text}
        signing.check_return(said, note)
        sign_off.returned_at, sign_off.returned_by_id = clock.now(), actor.user_id
        sign_off.return_note = note
        sign_off.lock_version += 1
        for name in ASKS:
            if name in said:
                sign_off.comments.append(ReviewComment(field=name, text=said[name]))
        _record(session, actor, "need.returned", need, sign_off, fields=sorted(said))
        session.flush()
        session.refresh(sign_off, ["hin"])
        letter = letters.returned(
            sign_off.title, signed.reviewer(sign_off), len(said), public_link("needs.check", ref=need.ref)
        )
        for person in _writers(session, need, sign_off):
            _send(session, person, letter)


def ask_for_changes(
    actor: Actor, ref: str, seen: Seen, comments: Mapping[str, str], note: str = "", *, form_key: str = ""
) -> None:
    """Comment, as its HIN, on a need that was published unchecked; it stays public until a new version replaces it.

    The comments stand beside the fields of its next draft, and have to be dealt with before that is submitted.

    Raises:
        NotVisible: no HIN of the actor covers the organisation. Gone: the need was withdrawn.
        Decided: it was checked, or a new version was submitted, meanwhile.
        DomainError: nothing is said, or too much, or the HIN has asked already.
    """
    with use_case() as session:
        once(session, actor, form_key, path_of("reviews.queue"))
        [need] = _held(session, [ref])
        _published_unseen(need)
        sign_off, hin = _as_hin(session, actor, need, seen, Step.PUBLISHED)
        if not sign_off.unseen:
            raise Decided("This need has been checked meanwhile")
        if sign_off.asked_at is not None:
            raise DomainError("Changes were asked for already. You check them when the new version comes")
        said = {name: text for name, text in comments.items() if text}
        signing.check_return(said, note)
        sign_off.asked_at, sign_off.hin_id, sign_off.return_note = clock.now(), hin.id, note
        sign_off.lock_version += 1
        for name in ASKS:
            if name in said:
                sign_off.comments.append(ReviewComment(field=name, text=said[name]))
        _record(session, actor, "need.changes-asked", need, sign_off, fields=sorted(said))
        letter = letters.changes_asked(
            _public_title(need), hin.name, len(said), public_link("needs.need", ref=ref)
        )
        for person in _writers(session, need, sign_off):
            _send(session, person, letter)


def publish_unchecked(actor: Actor, ref: str, seen: Seen, *, form_key: str = "") -> None:
    """Publish an approved need that the HIN has not checked in its time; the page of the need says so.

    Raises:
        NotVisible: the actor is no sponsor of the need. Decided: the HIN was faster, or it was taken back.
        DomainError: the HIN's time is not over.
    """
    with use_case() as session:
        once(session, actor, form_key, path_of("reviews.queue"))
        [need] = _held(session, [ref])
        sign_off = _as_sponsor(actor, need, Step.APPROVED, seen)
        if sign_off.approved_at is not None and not signing.is_silent(sign_off.approved_at, clock.now()):
            until = moment(signing.check_by(sign_off.approved_at))
            raise DomainError(
                f"The HIN has until {until} to check this need. You may publish without it after that"
            )
        sign_off.unchecked = Unchecked.SILENT
        sign_off.lock_version += 1
        _record(session, actor, "need.published-unchecked", need, sign_off)
        publish(session, actor, need, sign_off)
        _tell_published(session, actor, [need])


# Who may, and what they looked at


def _held(session: Session, refs: Iterable[str]) -> list[Need]:
    """Return the needs, held with their organisations until the end; all callers wait in the same order."""
    wanted = list(refs)
    for ref in wanted:
        queries.organisation_code_of(ref)
    organisations = select(Need.organisation_id).where(Need.ref.in_(wanted))
    session.execute(
        select(Organisation.id)
        .where(Organisation.id.in_(organisations))
        .order_by(Organisation.id)
        .with_for_update(of=Organisation, key_share=True)
    )
    held = session.scalars(
        select(Need)
        .where(Need.ref.in_(wanted))
        .order_by(Need.id)
        .with_for_update(of=Need, key_share=True)
        .options(joinedload(Need.organisation))
        .execution_options(populate_existing=True)
    )
    return list(held)


def _sponsors(actor: Actor, need: Need) -> bool:
    return actor.may(Permission.NEED_APPROVE, need.organisation_id)


def _as_sponsor(actor: Actor, need: Need, expected: Step, seen: Seen) -> SignOff:
    if not _sponsors(actor, need):
        raise NotVisible
    return _looked_at(need, expected, seen)


def _published_unseen(need: Need) -> bool:
    """Tell whether a need is public without a HIN's check; raise `Gone` for one that was withdrawn."""
    if need.withdrawn_at is not None:
        raise Gone(withdrawn_words(need))
    return need.sign_off is not None and need.sign_off.unseen


def _as_hin(
    session: Session, actor: Actor, need: Need, seen: Seen, expected: Step
) -> tuple[SignOff, Organisation]:
    sign_off = need.sign_off
    if sign_off is None or sign_off.approved_at is None:
        raise NotVisible
    if need.organisation_id not in reviews.checked_patch(session, actor):
        raise NotVisible
    own = actor.organisations(Permission.NEED_CHECK)
    hin = next((one for one in queries.checking_hins(need.organisation) if one.id in own), None)
    if hin is None:  # it has closed, and its broker still belongs to it
        raise NotVisible
    return _looked_at(need, expected, seen), hin


def _looked_at(need: Need, expected: Step, seen: Seen) -> SignOff:
    """Return the submission if it is the one that the reviewer read and nobody has decided on it since."""
    latest, (round_, lock) = need.sign_off, seen
    if latest is None:
        raise NotVisible
    if latest.round != round_:
        earlier = next((one for one in need.sign_offs if one.round == round_), None)
        step = earlier.step if earlier is not None and not earlier.step.open else Step.SUBMITTED
        signing.check_current(expected, step, lock, -1)
    signing.check_current(expected, latest.step, lock, latest.lock_version)
    return latest


def _hands_in(sign_off: SignOff) -> set[int]:
    approver = {sign_off.approved_by_id} if sign_off.approved_by_id is not None else set()
    return {*sign_off.writers, *approver}


def _record(
    session: Session, actor: Actor, action: str, need: Need, sign_off: SignOff, **detail: object
) -> None:
    record(
        session,
        actor,
        action,
        "need",
        need.ref,
        organisation_id=need.organisation_id,
        round=sign_off.round,
        **detail,
    )


# Letters: one for each person, however many needs


def _send(session: Session, person: User, letter: Letter) -> None:
    send(session, person.email, letter.subject, letter.body)


def _title(need: Need) -> str:
    if need.waiting is not None:
        return need.waiting.title
    text = need.draft or need.current
    return (text.title if text is not None else "") or "Untitled need"


def _public_title(need: Need) -> str:
    """Return the title that everybody reads: never that of a draft or a submission."""
    return (need.current.title if need.current is not None else "") or "Untitled need"


def _ask_hins(session: Session, needs: Sequence[Need]) -> None:
    organisation = needs[0].organisation
    until = max(
        signing.check_by(need.sign_off.approved_at)
        for need in needs
        if need.sign_off is not None and need.sign_off.approved_at is not None
    )
    letter = letters.to_check(
        organisation.name, [_title(need) for need in needs], moment(until), public_link("reviews.queue")
    )
    told: set[int] = set()
    for hin in queries.checking_hins(organisation):
        for person in people_with(session, hin.id, Role.BROKER):
            if person.id not in told:
                told.add(person.id)
                _send(session, person, letter)


def _writers(session: Session, need: Need, sign_off: SignOff) -> list[User]:
    """Return who is told about a submission: its owner and who submitted it; where both have left, all leads."""
    people = need.people
    wanted = {sign_off.submitted_by_id, people.owner_id if people is not None else None} - {None}
    leads = people_with(session, need.organisation_id, Role.NEED_LEAD)
    return [one for one in leads if one.id in wanted] or list(leads)


def _concerned(session: Session, need: Need, sign_off: SignOff) -> list[User]:
    """Return the writers and the sponsors of a need, each once."""
    sponsors = people_with(session, need.organisation_id, Role.SPONSOR)
    return list({one.id: one for one in (*_writers(session, need, sign_off), *sponsors)}.values())


def _tell_published(session: Session, actor: Actor, needs: Sequence[Need]) -> None:
    found: dict[User, list[Need]] = {}
    for need in needs:
        if need.sign_off is not None:
            for person in _writers(session, need, need.sign_off):
                found.setdefault(person, []).append(need)
    for person, theirs in found.items():
        if person.id == actor.user_id:
            continue
        organisation, sign_off = theirs[0].organisation, theirs[0].sign_off
        letter = letters.published(
            [sign_off_title(need) for need in theirs],
            signed.signed_words(sign_off),
            public_link("needs.organisation", organisation_code=organisation.code),
        )
        _send(session, person, letter)


def sign_off_title(need: Need) -> str:
    """Return the title under which a need was signed off last."""
    return need.sign_off.title if need.sign_off is not None else _title(need)


# What time brings


def tell_silence() -> None:
    """Tell the sponsors, once for each submission and by one letter for each person, that a HIN's time is over."""
    now = clock.now()
    with use_case() as session:
        late = [one for one in _approved_untold(session) if signing.is_silent(one.approved_at, now)]
        by_organisation: dict[int, list[SignOff]] = {}
        for one in late:
            one.silence_told_at = now
            by_organisation.setdefault(one.need.organisation_id, []).append(one)
        for organisation_id, theirs in by_organisation.items():
            names = [hin.name for hin in queries.checking_hins(theirs[0].need.organisation)]
            letter = letters.silent(
                [one.title for one in theirs], listed(names) or "The HIN", public_link("reviews.queue")
            )
            for sponsor in people_with(session, organisation_id, Role.SPONSOR):
                _send(session, sponsor, letter)
            for one in theirs:
                _record(session, SERVICE, "need.check-overdue", one.need, one)


def _approved_untold(session: Session) -> Sequence[SignOff]:
    """Return, locked, what a HIN has not checked and no sponsor was told of; another worker's are left to it."""
    return session.scalars(
        select(SignOff)
        .join(SignOff.need)
        .join(Need.organisation)
        .options(joinedload(SignOff.need).joinedload(Need.organisation))
        .where(
            registry.is_open(),  # of one that has closed nothing can be published; its successor is told
            SignOff.approved_at.is_not(None),
            SignOff.returned_at.is_(None),
            SignOff.taken_back_at.is_(None),
            SignOff.version.is_(None),
            SignOff.silence_told_at.is_(None),
        )
        .order_by(Need.organisation_id, SignOff.id)
        .with_for_update(of=SignOff, skip_locked=True)
    ).all()


def tell_of_owners_who_left() -> None:
    """Tell the deputy, the other leads and the HIN, once, that nobody leads some needs any more."""
    now = clock.now()
    with use_case() as session:
        orphans = [
            need
            for need in reviews.without_owner(session, lock=True)
            if need.people is not None and need.people.told_at is None
        ]
        by_organisation: dict[int, list[Need]] = {}
        for need in orphans:
            if need.people is not None:
                need.people.told_at = now
            by_organisation.setdefault(need.organisation_id, []).append(need)
            record(
                session, SERVICE, "need.owner-left", "need", need.ref, organisation_id=need.organisation_id
            )
        for theirs in by_organisation.values():
            _tell_left(session, theirs)


def _tell_left(session: Session, needs: Sequence[Need]) -> None:
    organisation = needs[0].organisation
    deputies: dict[User, list[Need]] = {}
    for need in needs:
        deputy = _deputy_in_force(session, need)
        if deputy is not None:
            deputies.setdefault(deputy, []).append(need)
    for person, theirs in deputies.items():
        _send(session, person, _left_letter(organisation, theirs, deputy=True))
    others = {one.id: one for one in people_with(session, organisation.id, Role.NEED_LEAD)}
    public = [need for need in needs if need.published_at is not None]
    for person in others.values():
        if person not in deputies:
            _send(session, person, _left_letter(organisation, needs, deputy=False))
    for hin in queries.checking_hins(organisation) if public else ():
        for person in people_with(session, hin.id, Role.BROKER):
            if person.id not in others and person not in deputies:
                _send(session, person, _left_letter(organisation, public, deputy=False, outside=True))


def _left_letter(
    organisation: Organisation, needs: Sequence[Need], *, deputy: bool, outside: bool = False
) -> Letter:
    endpoint = "needs.need" if outside else "reviews.people"
    titles = [_public_title(need) if outside else _title(need) for need in needs]
    lines = [
        f"{title}\n  {public_link(endpoint, ref=need.ref)}" for title, need in zip(titles, needs, strict=True)
    ]
    return letters.owner_left(organisation.name, titles, lines, deputy=deputy)


def _deputy_in_force(session: Session, need: Need) -> User | None:
    if need.people is None or need.people.deputy_id is None:
        return None
    members = queries.roles_in_force(session, need.organisation_id)
    return need.people.deputy if need.people.deputy_id in members else None
