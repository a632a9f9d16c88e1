"""What a HIN's broker settles of families: accept, take a need out, join, split, rename, dissolve. One use case each.

Any HIN with a member in its patch may settle a family; the others with one are told. See `docs/decisions`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts.queries import people_with
from marketplace.audit.actions import record
from marketplace.database import transaction
from marketplace.errors import DomainError, NotPermitted
from marketplace.families import letters, queries, rules
from marketplace.families.actions import address
from marketplace.families.models import Family, FamilyExclusion, FamilyMember
from marketplace.needs.models import Need
from marketplace.notices.actions import send
from marketplace.organisations.models import Organisation
from marketplace.organisations.queries import covering_hins


class _Settling:
    """One settlement in the making: the family, locked, the HIN that settles, and what is told afterwards."""

    def __init__(self, session: Session, actor: Actor, family: Family, hin: Organisation) -> None:
        self.session = session
        self.actor = actor
        self.family = family
        self.hin = hin
        self.told = ""
        self.concerned = {member.need.organisation_id for member in family.members}

    def settle_all(self, family: Family) -> None:
        """Mark every member as put there by a HIN."""
        for member in family.members:
            member.settled = True
        self.sign(family)

    def sign(self, family: Family) -> None:
        """Say who settled a family last, and when."""
        family.settled_at, family.settled_by_hin_id = clock.now(), self.hin.id
        family.changed_at = family.settled_at
        family.lock_version += 1

    def move(self, need: Need, family: Family) -> None:
        """Put a need into a family, from wherever it is."""
        member = self.session.get(FamilyMember, need.id)
        if member is None:
            member = FamilyMember(need_id=need.id)
            self.session.add(member)
        member.family_id, member.settled, member.since = family.id, True, clock.now()
        self.concerned.add(need.organisation_id)

    def keep_out(self, family: Family, needs: Collection[int]) -> None:
        """Remember that needs do not belong to a family."""
        known = {one.need_id for one in family.exclusions}
        for need_id in sorted(set(needs) - known):
            family.exclusions.append(FamilyExclusion(need_id=need_id, since=clock.now()))

    def let_in(self, family: Family, needs: Collection[int]) -> None:
        """Forget that needs did not belong to a family."""
        family.exclusions = [one for one in family.exclusions if one.need_id not in set(needs)]

    def note(self, action: str, words: str, **detail: object) -> None:
        """Write the audit row, and what the other HINs are told."""
        self.told = words
        record(
            self.session,
            self.actor,
            f"family.{action}",
            "family",
            self.family.ref,
            organisation_id=self.hin.id,
            **detail,
        )


@contextmanager
def _settling(actor: Actor, ref: str, lock_version: int) -> Iterator[_Settling]:
    with transaction() as session:
        family = queries.locked_family(session, ref)
        hin = queries.settling_hin(session, actor, family)
        if hin is None:
            raise NotPermitted
        if family.lock_version != lock_version or family.dissolved_at is not None:
            raise rules.Settled(
                "Somebody else settled this family after you opened the page. Look at it as it is now"
            )
        settling = _Settling(session, actor, family, hin)
        name = queries.name_of(family)
        yield settling
        session.flush()
        _tell(session, settling, name)


def _tell(session: Session, settling: _Settling, name: str) -> None:
    others = {
        hin.id
        for organisation_id in sorted(settling.concerned)
        for hin in covering_hins(session, organisation_id)
        if hin.id != settling.hin.id
    }
    people = {person.email for hin_id in others for person in people_with(session, hin_id, Role.BROKER)}
    letter = letters.family_settled(
        settling.family.name or name,
        settling.hin.name,
        settling.told,
        address(f"/families/{settling.family.ref}"),
    )
    for email in sorted(people):
        send(session, email, letter.subject, letter.body)


def accept(actor: Actor, ref: str, *, lock_version: int) -> None:
    """Say that all needs that are in the family now belong there."""
    with _settling(actor, ref, lock_version) as settling:
        settling.settle_all(settling.family)
        needs = [member.need.ref for member in settling.family.members]
        settling.note("accepted", "They have said that its needs belong together.", needs=needs)


def take_out(actor: Actor, ref: str, need_ref: str, *, lock_version: int) -> None:
    """Take a need out of a family for good, and settle the others."""
    with _settling(actor, ref, lock_version) as settling:
        family = settling.family
        member = next((one for one in family.members if one.need.ref == need_ref), None)
        if member is None:
            raise rules.Settled("This need is not in the family any more")
        family.members.remove(member)
        settling.keep_out(family, [member.need_id])
        settling.settle_all(family)
        settling.note("need-taken-out", "They have taken a need out.", need=need_ref)


def join(actor: Actor, ref: str, typed: str, *, lock_version: int) -> None:
    """Put another family, or a single need, into this one; the other family's address leads here from now on.

    ``typed`` is the reference or the address of either. Raises `DomainError` where it is neither.
    """
    with _settling(actor, ref, lock_version) as settling:
        session, family = settling.session, settling.family
        other, joined = queries.to_join(session, rules.reference_in(typed))
        if other is not None and other.id == family.id:
            raise DomainError("That is this family itself, or a need that is in it", "other")
        if not joined:
            raise DomainError(
                "Enter the address of another family, or of a published need, as you see it in your browser",
                "other",
            )
        settling.let_in(family, [need.id for need in joined])
        if other is not None:
            settling.let_in(other, [member.need_id for member in family.members])
        for need in joined:
            settling.move(need, family)
        session.flush()
        session.expire(family, ["members"])
        settling.settle_all(family)
        if other is not None:
            other.merge_into(family, clock.now())
            settling.sign(other)
        settling.note(
            "joined",
            "They have joined another family to it."
            if other is not None
            else "They have put a need into it.",
            other=other.ref if other is not None else "",
            needs=[need.ref for need in joined],
        )


def split(actor: Actor, ref: str, need_refs: Collection[str], *, lock_version: int) -> str:
    """Make some of the needs a family of their own; return its reference. The two are kept apart."""
    with _settling(actor, ref, lock_version) as settling:
        session, family = settling.session, settling.family
        rules.check_split(need_refs, [member.need.ref for member in family.members])
        moved = [member.need for member in family.members if member.need.ref in set(need_refs)]
        eldest = min(moved, key=lambda need: (need.published_at or clock.now(), need.ref))
        now = clock.now()
        part = Family(
            ref=queries.free_ref(session, eldest.ref),
            created_at=now,
            changed_at=now,
            members=[],
            exclusions=[],
        )
        session.add(part)
        session.flush()
        left = [member.need_id for member in family.members if member.need not in moved]
        for need in moved:
            settling.move(need, part)
        session.flush()
        session.expire(family, ["members"])
        session.expire(part, ["members"])
        settling.keep_out(family, [need.id for need in moved])
        settling.keep_out(part, left)
        settling.settle_all(family)
        settling.sign(part)
        settling.note(
            "split", "They have split it in two.", into=part.ref, needs=[need.ref for need in moved]
        )
        return part.ref


def rename(actor: Actor, ref: str, name: str, *, lock_version: int) -> None:
    """Give the family a name."""
    with _settling(actor, ref, lock_version) as settling:
        rules.check_name(name)
        settling.family.name = name
        settling.sign(settling.family)
        settling.note("renamed", f"They call it “{name}” now.", name=name)


def dissolve(actor: Actor, ref: str, *, lock_version: int) -> None:
    """Say that these needs are no family; none of them is suggested together with another of them again."""
    with _settling(actor, ref, lock_version) as settling:
        family = settling.family
        needs = [member.need.ref for member in family.members]
        settling.keep_out(family, [member.need_id for member in family.members])
        family.members = []
        family.dissolved_at = clock.now()
        settling.sign(family)
        settling.note("dissolved", "They have dissolved it: its needs are not the same.", needs=needs)
