"""What a supplier does with its technologies: write, list, change, take off, and add or withdraw evidence."""

from __future__ import annotations

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor, ensure
from marketplace.access.policy import Permission
from marketplace.audit.actions import record
from marketplace.database import transaction
from marketplace.errors import Conflict, DomainError
from marketplace.outbox.actions import enqueue
from marketplace.submissions.actions import once
from marketplace.technologies import queries, rules
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyDraft, TechnologyVersion
from marketplace.technologies.rules import EvidenceContent, TechnologyChanges, TechnologyContent


def create_draft(
    actor: Actor, supplier_id: int, content: TechnologyContent | None = None, *, form_key: str = ""
) -> str:
    """Begin a technology of a supplier and return its reference; nobody else sees it before it is listed."""
    content = content or TechnologyContent()
    with transaction() as session:
        ensure(actor, Permission.TECHNOLOGY_WRITE, supplier_id)
        rules.check_limits(content)
        now = clock.now()
        technology = Technology(ref=rules.new_ref(), supplier_id=supplier_id, created_at=now)
        draft = TechnologyDraft(technology=technology, saved_at=now, saved_by_id=actor.user_id)
        draft.fill(content)
        session.add_all((technology, draft))
        _note(session, actor, "technology.begun", technology)
        once(session, actor, form_key, _workspace(technology.ref))
        return technology.ref


def save_draft(actor: Actor, ref: str, changes: TechnologyChanges, *, lock_version: int) -> int:
    """Save new answers and return the draft's new lock version.

    Raises:
        DraftChanged: the draft was saved by somebody else since ``lock_version``, with other answers than these.
    """
    with transaction() as session:
        technology = _open(actor, ref)
        draft = _draft(session, technology)
        changed = rules.with_changes(draft.content, changes)
        if changed == draft.content:
            # The same answers again, as after a double press: nothing to save and nothing lost.
            _note(session, actor, "technology.draft-kept", technology)
            return draft.lock_version
        if draft.lock_version != lock_version:
            raise rules.DraftChanged(
                "Somebody changed this draft after you opened the page. Your answer is not saved yet"
            )
        draft.fill(changed)
        draft.lock_version += 1
        draft.saved_at = clock.now()
        draft.saved_by_id = actor.user_id
        _note(session, actor, "technology.draft-saved", technology, fields=sorted(changes))
        return draft.lock_version


def discard_changes(actor: Actor, ref: str, *, form_key: str = "") -> None:
    """Make the draft equal to the version that people see."""
    with transaction() as session:
        technology = _open(actor, ref)
        once(session, actor, form_key, _workspace(ref))
        if technology.current is None:
            raise DomainError("This technology has not been listed yet, so there is nothing to go back to")
        draft = _draft(session, technology)
        draft.fill(technology.current.content)
        draft.lock_version += 1
        draft.saved_at = clock.now()
        draft.saved_by_id = actor.user_id
        _note(session, actor, "technology.changes-discarded", technology)


def list_technology(
    actor: Actor,
    ref: str,
    *,
    change_note: str = "",
    form_key: str = "",
    lock_version: int | None = None,
) -> int:
    """Put the draft on the register as the next version and return the version's number.

    ``lock_version`` is that of the answers that the person has checked; None accepts the draft as it is.

    Raises:
        Incomplete: a question has no answer.
        DraftChanged: the draft was changed after the person checked it.
    """
    with transaction() as session:
        technology = _open(actor, ref)
        once(session, actor, form_key, f"/technologies/{ref}")
        draft = _draft(session, technology)
        if lock_version is not None and draft.lock_version != lock_version:
            raise rules.DraftChanged(
                "Somebody changed these answers after you opened the page. Check them again before you list them"
            )
        current = technology.current.content if technology.current else None
        rules.check_listing(draft.content, current, change_note)
        now = clock.now()
        technology.version += 1
        technology.listed_at = technology.listed_at or now
        version = TechnologyVersion(
            technology_id=technology.id,
            number=technology.version,
            change_note=change_note if current is not None else "",
            listed_at=now,
            listed_by_id=actor.user_id,
        )
        version.fill(draft.content)
        session.add(version)
        draft.lock_version += 1
        session.flush()
        session.expire(technology, ["current", "versions"])
        _note(session, actor, "technology.listed", technology, version=technology.version)
        enqueue(session, rules.TOPIC, ref)
        return technology.version


def archive(actor: Actor, ref: str, *, form_key: str = "") -> None:
    """Take a technology off the register for good; a draft that was never listed is put away."""
    with transaction() as session:
        technology = queries.own_by_ref(actor, ref, lock=True)
        once(session, actor, form_key, "/our-technologies")
        if technology.archived_at is not None:
            raise Conflict("This technology has already been archived")
        technology.archived_at = clock.now()
        _note(session, actor, "technology.archived", technology)
        enqueue(session, rules.TOPIC, ref)


def add_evidence(actor: Actor, ref: str, content: EvidenceContent, *, form_key: str = "") -> str:
    """Add an evidence item and return its reference."""
    with transaction() as session:
        technology = _open(actor, ref)
        once(session, actor, form_key, _workspace(ref))
        _check_room(technology)
        rules.check_evidence(content, today=clock.today())
        item = _item(session, technology, content)
        _note(session, actor, "evidence.added", technology, evidence=item.ref)
        enqueue(session, rules.TOPIC, ref)
        return item.ref


def change_evidence(
    actor: Actor, ref: str, evidence_ref: str, content: EvidenceContent, *, form_key: str = ""
) -> str:
    """Replace an evidence item by a corrected one and return the new one's reference.

    The old one stays as withdrawn: a passport may rely on it, and what its assessor saw must not change.

    Raises:
        EvidenceGone: somebody changed or withdrew the item first.
    """
    with transaction() as session:
        technology = _open(actor, ref)
        once(session, actor, form_key, _workspace(ref))
        old = _current_item(technology, evidence_ref)
        rules.check_evidence(content, today=clock.today())
        if content == old.content:
            raise DomainError("You have not changed anything about this evidence")
        old.withdrawn_at = clock.now()
        item = _item(session, technology, content)
        _note(session, actor, "evidence.changed", technology, evidence=item.ref, replaces=old.ref)
        enqueue(session, rules.TOPIC, ref)
        return item.ref


def withdraw_evidence(actor: Actor, ref: str, evidence_ref: str, *, form_key: str = "") -> None:
    """Withdraw an evidence item; passports that rely on it say so from now on."""
    with transaction() as session:
        technology = _open(actor, ref)
        once(session, actor, form_key, _workspace(ref))
        item = _current_item(technology, evidence_ref)
        item.withdrawn_at = clock.now()
        _note(session, actor, "evidence.withdrawn", technology, evidence=item.ref)
        enqueue(session, rules.TOPIC, ref)


def _workspace(ref: str) -> str:
    # Where a second press of a button leads. Actions know no routes; a web test follows each of these.
    return f"/our-technologies/{ref}"


def _open(actor: Actor, ref: str) -> Technology:
    technology = queries.own_by_ref(actor, ref, lock=True)
    if technology.archived_at is not None:
        raise Conflict("This technology has been archived, so it cannot be changed any more")
    return technology


def _draft(session: Session, technology: Technology) -> TechnologyDraft:
    return session.get_one(TechnologyDraft, technology.id, populate_existing=True)


def _check_room(technology: Technology) -> None:
    if sum(item.withdrawn_at is None for item in technology.evidence) >= rules.EVIDENCE_MOST:
        raise DomainError(
            f"A technology can have {rules.EVIDENCE_MOST} evidence items. Withdraw one that is no longer needed"
        )


def _current_item(technology: Technology, evidence_ref: str) -> EvidenceItem:
    item = queries.evidence_of(technology, evidence_ref)
    if item.withdrawn_at is not None:
        raise rules.EvidenceGone(
            "This evidence was changed or withdrawn after you opened the page. Nothing of yours is saved yet"
        )
    return item


def _item(session: Session, technology: Technology, content: EvidenceContent) -> EvidenceItem:
    item = EvidenceItem(
        ref=rules.new_ref(),
        technology=technology,
        type=content.type,
        number=content.number,
        issuer=content.issuer,
        scope=content.scope,
        summary=content.summary,
        issued_on=content.issued_on,
        expires_on=content.expires_on,
        added_at=clock.now(),
    )
    session.add(item)
    return item


def _note(session: Session, actor: Actor, action: str, technology: Technology, **detail: object) -> None:
    record(
        session,
        actor,
        action,
        "technology",
        technology.ref,
        organisation_id=technology.supplier_id,
        **detail,
    )
