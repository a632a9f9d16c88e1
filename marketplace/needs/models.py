"""What a trust, ICS or HIN wants: needs, their versions and drafts, and the ranked top three of a cycle."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, UniqueConstraint, and_, select
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from marketplace.database import Base, Choice
from marketplace.needs.rules import FIELD_NAMES, NeedContent, State, Wanted
from marketplace.organisations.models import Organisation
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

    need: Mapped[Need] = relationship(back_populates="draft")


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
    """A published need's place in an organisation's top three of a cycle. Places of earlier cycles stay.

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


def _last_place_of_its_own() -> ColumnElement[bool]:
    place, cycle = aliased(Priority), aliased(Cycle)
    last = (
        select(cycle.id)
        .join(place, place.cycle_id == cycle.id)
        .where(place.need_id == Need.id, place.organisation_id == Need.organisation_id)
        .order_by(cycle.opens_on.desc())
        .limit(1)
        .correlate(Need)
        .scalar_subquery()
    )
    return and_(
        Need.id == Priority.need_id,
        Need.organisation_id == Priority.organisation_id,
        Priority.cycle_id == last,
    )
