"""What a trust, ICS or HIN wants: needs, their versions and drafts, and the ranked top three of a cycle."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    UniqueConstraint,
    and_,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from marketplace.accounts.models import User
from marketplace.database import Base, Choice
from marketplace.needs import signing
from marketplace.needs.rounds import Round
from marketplace.needs.rules import FIELD_NAMES, NeedContent, State, Wanted
from marketplace.needs.signing import Step, Unchecked
from marketplace.organisations.models import Organisation, SuccessionMove
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, FundingState, Shift, Timing


class EvidenceWanted(TypedDict):
    """A type of evidence (a value of `EvidenceType`) and what exactly is asked for."""

    type: str
    detail: str


class Cycle(Base):
    """A round in which organisations name their top three. The current one is the latest that has opened.

    All four are days in England. Places may change from ``opens_on`` to ``locks_on``, both included; who has not
    answered is reminded on ``reminds_on``; from the day after ``closes_on`` the cycle is history.
    """

    __tablename__ = "cycle"
    __table_args__ = (
        CheckConstraint(
            "opens_on < reminds_on AND reminds_on <= locks_on AND locks_on <= closes_on", name="in_order"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    opens_on: Mapped[date] = mapped_column(unique=True)
    reminds_on: Mapped[date]
    locks_on: Mapped[date]
    closes_on: Mapped[date]

    @property
    def round(self) -> Round:
        """Return the cycle as plain values."""
        return Round(
            name=self.name,
            opens_on=self.opens_on,
            reminds_on=self.reminds_on,
            locks_on=self.locks_on,
            closes_on=self.closes_on,
        )


class NeedFields:
    """What a need lead writes; the same in the draft and in each version. Empty means not yet answered."""

    title: Mapped[str] = mapped_column(default="")
    problem: Mapped[str] = mapped_column(default="")
    who_affected: Mapped[str] = mapped_column(default="")
    how_many: Mapped[int | None]
    how_many_note: Mapped[str] = mapped_column(default="")
    pathway_today: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")
    measure: Mapped[str] = mapped_column(default="")
    baseline: Mapped[str] = mapped_column(default="")
    target: Mapped[str] = mapped_column(default="")
    must: Mapped[list[str]] = mapped_column(JSON, default=list)
    evidence_wanted: Mapped[list[EvidenceWanted]] = mapped_column(JSON, default=list)
    clinical_area: Mapped[ClinicalArea | None] = mapped_column(Choice(ClinicalArea), index=True)
    care_setting: Mapped[CareSetting | None] = mapped_column(Choice(CareSetting), index=True)
    shift: Mapped[Shift | None] = mapped_column(Choice(Shift), index=True)
    timing: Mapped[Timing | None] = mapped_column(Choice(Timing))
    funding_state: Mapped[FundingState | None] = mapped_column(Choice(FundingState))

    def content(self) -> NeedContent:
        """Return what is written as plain values."""
        plain = {name: getattr(self, name) for name in FIELD_NAMES}
        wanted = [Wanted(EvidenceType(item["type"]), item["detail"]) for item in self.evidence_wanted or ()]
        return NeedContent(**plain | {"must": tuple(self.must or ()), "evidence_wanted": tuple(wanted)})

    def fill(self, content: NeedContent) -> None:
        """Write the plain values into the row."""
        for name in FIELD_NAMES:
            setattr(self, name, getattr(content, name))
        self.must = list(content.must)
        self.evidence_wanted = [
            {"type": wanted.type.value, "detail": wanted.detail} for wanted in content.evidence_wanted
        ]


class Need(Base):
    """A need's identity and state: draft until ``published_at``; ``withdrawn_at`` ends it, with a public reason.

    ``ref`` is random and stands in addresses.
    """

    __tablename__ = "need"

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime | None] = mapped_column(index=True)
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str] = mapped_column(default="")
    #: Number of the version that people see; 0 before the first.
    version: Mapped[int] = mapped_column(default=0)
    #: Number of the latest submission for sign-off; 0 before the first.
    round: Mapped[int] = mapped_column(default=0, server_default="0")

    organisation: Mapped[Organisation] = relationship()
    draft: Mapped[NeedDraft | None] = relationship(back_populates="need", cascade="all, delete-orphan")
    versions: Mapped[list[NeedVersion]] = relationship(back_populates="need", order_by="NeedVersion.number")
    current: Mapped[NeedVersion | None] = relationship(
        primaryjoin="and_(Need.id == NeedVersion.need_id, Need.version == NeedVersion.number)",
        viewonly=True,
        uselist=False,
    )
    #: Every place that any organisation gave the need, in any cycle.
    priorities: Mapped[list[Priority]] = relationship(back_populates="need", passive_deletes="all")
    #: The place that its own organisation gave it last.
    priority: Mapped[Priority | None] = relationship(
        primaryjoin=lambda: _last_place_of_its_own(), viewonly=True, uselist=False
    )

    #: Its latest submission for sign-off, open or not.
    sign_off: Mapped[SignOff | None] = relationship(
        primaryjoin="and_(Need.id == SignOff.need_id, Need.round == SignOff.round)",
        viewonly=True,
        uselist=False,
    )
    sign_offs: Mapped[list[SignOff]] = relationship(
        back_populates="need", order_by="SignOff.round", cascade="all, delete-orphan"
    )
    people: Mapped[NeedPeople | None] = relationship(back_populates="need", cascade="all, delete-orphan")

    @property
    def waiting(self) -> SignOff | None:
        """Return the submission that somebody has to decide on, if there is one."""
        return self.sign_off if self.sign_off is not None and self.sign_off.step.open else None

    @property
    def comments_to_settle(self) -> list[ReviewComment]:
        """Return what a reviewer said last, when the need was returned or since it is public unchecked."""
        if self.draft is None or self.sign_off is None:
            return []
        asked = self.sign_off.asked_at is not None and self.sign_off.unseen
        if self.sign_off.step is not Step.RETURNED and not asked:
            return []
        return self.sign_off.comments

    @property
    def state(self) -> State:
        """Return where the need stands, from its moments."""
        if self.withdrawn_at is not None:
            return State.WITHDRAWN
        return State.DRAFT if self.published_at is None else State.PUBLISHED


class NeedDraft(NeedFields, Base):
    """What is being written and only the organisation sees. ``lock_version`` grows with each save."""

    __tablename__ = "need_draft"

    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), primary_key=True)
    lock_version: Mapped[int] = mapped_column(default=1)
    #: Keys of the coach's findings that the writers left as they are; see `Finding.key`.
    left_as_is: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    saved_at: Mapped[datetime]
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    #: Everybody who wrote in it since the last published version: none of them may sign it off.
    writers: Mapped[list[int]] = mapped_column(JSON, default=list, server_default="[]")

    need: Mapped[Need] = relationship(back_populates="draft")

    def written_by(self, user_id: int | None) -> None:
        """Note who has written in the draft."""
        if user_id is not None and user_id not in (self.writers or ()):
            self.writers = sorted([*(self.writers or ()), user_id])


class NeedVersion(NeedFields, Base):
    """A version as it was published; never changed afterwards."""

    __tablename__ = "need_version"
    __table_args__ = (UniqueConstraint("need_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"))
    number: Mapped[int]
    change_note: Mapped[str] = mapped_column(default="")
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    need: Mapped[Need] = relationship(back_populates="versions")


class Priority(Base):
    """A need's place in an organisation's top three of a cycle. Places of earlier cycles stay.

    A place is held from the submission on, so that it cannot be lost while the need is signed off; it counts once
    the need is published.

    The unique place and the check make a fourth need impossible, whatever runs at the same time: the primary
    key is the place itself, and a place is 1, 2 or 3. A need has one place at most with each organisation and
    cycle.
    """

    __tablename__ = "priority"
    __table_args__ = (
        CheckConstraint("rank BETWEEN 1 AND 3", name="top_three"),
        UniqueConstraint("organisation_id", "cycle_id", "need_id"),
    )

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), primary_key=True, index=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), index=True)

    need: Mapped[Need] = relationship(back_populates="priorities")
    cycle: Mapped[Cycle] = relationship()


class PlacesRecord(Base):
    """Which needs an organisation's places of a cycle held from a moment on, first place first; never changed.

    Written beside every change of places by `marketplace.needs.places.note`, so that any past day can be read again.
    """

    __tablename__ = "places_record"
    __table_args__ = (Index("ix_places_record_of", "cycle_id", "organisation_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    needs: Mapped[list[int]] = mapped_column(JSON)
    at: Mapped[datetime]


def _last_place_of_its_own() -> ColumnElement[bool]:
    place, cycle = aliased(Priority), aliased(Cycle)
    last = (
        select(cycle.id)
        .join(place, place.cycle_id == cycle.id)
        .where(place.need_id == Need.id, by_its_own(place))
        .order_by(cycle.opens_on.desc())
        .limit(1)
        .correlate(Need)
        .scalar_subquery()
    )
    return and_(Need.id == Priority.need_id, by_its_own(Priority), Priority.cycle_id == last)


def by_its_own(place: type[Priority]) -> ColumnElement[bool]:
    """Return the condition that a place was given by the need's own organisation.

    Or by one that it belonged to before: places of past cycles stay with who gave them.
    """
    earlier = select(SuccessionMove.from_id).where(
        SuccessionMove.kind == "need", SuccessionMove.subject_id == Need.id
    )
    return or_(
        place.organisation_id == Need.organisation_id,
        place.organisation_id.in_(earlier.correlate(Need).scalar_subquery()),
    )


class NeedPeople(Base):
    """Who leads a need, and the second person of the organisation who takes over when that person leaves."""

    __tablename__ = "need_people"

    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    #: When the others were told that the owner has left.
    told_at: Mapped[datetime | None]

    need: Mapped[Need] = relationship(back_populates="people")
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    deputy: Mapped[User | None] = relationship(foreign_keys=[deputy_id])


class SignOff(NeedFields, Base):
    """One submission of a need: the text as it was submitted, never changed, and what became of it.

    Where it stands follows from its moments. ``version`` is the number of the version that it became, ``based_on``
    of the one that people saw when it was submitted. Of two reviewers at once, ``lock_version`` lets one through.
    """

    __tablename__ = "sign_off"
    __table_args__ = (
        UniqueConstraint("need_id", "round"),
        Index(
            "uq_sign_off_open",
            "need_id",
            unique=True,
            sqlite_where=text("returned_at IS NULL AND taken_back_at IS NULL AND version IS NULL"),
            postgresql_where=text("returned_at IS NULL AND taken_back_at IS NULL AND version IS NULL"),
        ),
        CheckConstraint(
            "(returned_at IS NULL OR taken_back_at IS NULL) AND (returned_at IS NULL OR version IS NULL) "
            "AND (taken_back_at IS NULL OR version IS NULL)",
            name="one_end",
        ),
        CheckConstraint("version IS NULL OR approved_at IS NOT NULL", name="approved_first"),
        CheckConstraint(
            "version IS NULL OR checked_at IS NOT NULL OR unchecked IS NOT NULL", name="checked_or_why_not"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"))
    round: Mapped[int]
    based_on: Mapped[int]
    change_note: Mapped[str] = mapped_column(default="")
    #: Everybody who wrote in it: none of them may approve or check it.
    writers: Mapped[list[int]] = mapped_column(JSON, default=list)
    submitted_at: Mapped[datetime] = mapped_column(index=True)
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    checked_at: Mapped[datetime | None]
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    #: The HIN that checked it.
    hin_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    #: Why it was published without a HIN's check. It stays when a HIN checks it later, beside ``checked_at``.
    unchecked: Mapped[Unchecked | None] = mapped_column(Choice(Unchecked))
    #: When the sponsors were told that the HIN's time is over.
    silence_told_at: Mapped[datetime | None]
    #: When a HIN that read it after it was published asked for changes; what it said is in the comments and the note.
    asked_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    returned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    return_note: Mapped[str] = mapped_column(default="")
    taken_back_at: Mapped[datetime | None]
    version: Mapped[int | None]
    lock_version: Mapped[int] = mapped_column(default=1)

    need: Mapped[Need] = relationship(back_populates="sign_offs")
    hin: Mapped[Organisation | None] = relationship()
    comments: Mapped[list[ReviewComment]] = relationship(
        back_populates="sign_off", order_by="ReviewComment.id", cascade="all, delete-orphan"
    )

    @property
    def unseen(self) -> bool:
        """Tell whether it is public and a HIN may still check it."""
        return (
            self.version is not None
            and self.checked_at is None
            and self.unchecked in (Unchecked.SILENT, Unchecked.NO_HIN)
        )

    @property
    def step(self) -> Step:
        """Return where it stands, from its moments."""
        return signing.step(
            approved=self.approved_at is not None,
            returned=self.returned_at is not None,
            taken_back=self.taken_back_at is not None,
            published=self.version is not None,
        )


class ReviewComment(Base):
    """What a reviewer says about one field of a returned need, and how the writers settled it."""

    __tablename__ = "review_comment"
    __table_args__ = (UniqueConstraint("sign_off_id", "field"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sign_off_id: Mapped[int] = mapped_column(ForeignKey("sign_off.id"))
    #: A name of `NeedContent`.
    field: Mapped[str]
    text: Mapped[str]
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    #: What the writers answer; empty where they changed the text as asked.
    reply: Mapped[str] = mapped_column(default="")

    sign_off: Mapped[SignOff] = relationship(back_populates="comments")
