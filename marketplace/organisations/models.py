"""NHS organisations as dated facts, suppliers, and which organisations a HIN covers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    UniqueConstraint,
    and_,
    case,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import clock
from marketplace.database import Base, Choice
from marketplace.organisations.rules import Change


class Kind(StrEnum):
    """What an organisation is. An ICS acts through its ICB."""

    REGION = "region"
    ICB = "icb"
    TRUST = "trust"
    HIN = "hin"
    SUPPLIER = "supplier"
    SERVICE = "service"

    @property
    def label(self) -> str:
        """Return the kind as people read it."""
        return {
            Kind.REGION: "NHS England region",
            Kind.ICB: "Integrated care system",
            Kind.TRUST: "NHS trust",
            Kind.HIN: "Health innovation network",
            Kind.SUPPLIER: "Supplier",
            Kind.SERVICE: "Demand Signal",
        }[self]


#: The kinds that publish a top three.
NEED_KINDS = (Kind.TRUST, Kind.ICB, Kind.HIN)


class Organisation(Base):
    """One organisation. ``code`` stands in addresses: the ODS code, or our own slug where ODS has none.

    Never deleted: ``closed_on``, the first day on which it is no more, is set. ``region_id`` and ``parent_id`` (the
    ICB of a trust) are geography. ``name`` is the name of today: from ``renamed_on`` on it is ``next_name``, without
    anything having to run on that day.
    """

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("kind IN ('region','icb','trust','hin','supplier','service')", name="kind_known"),
        CheckConstraint(
            "closed_on IS NULL OR opened_on IS NULL OR closed_on >= opened_on", name="closes_after_open"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    ods_code: Mapped[str | None] = mapped_column(unique=True)
    ons_code: Mapped[str | None]
    named: Mapped[str] = mapped_column("name", index=True)
    next_name: Mapped[str | None]
    renamed_on: Mapped[date | None]
    kind: Mapped[Kind] = mapped_column(Choice(Kind), index=True)
    region_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    opened_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    about: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    source_date: Mapped[date | None]
    updated_at: Mapped[datetime]

    region: Mapped[Organisation | None] = relationship(foreign_keys=[region_id], remote_side=[id])
    parent: Mapped[Organisation | None] = relationship(foreign_keys=[parent_id], remote_side=[id])

    @property
    def closed(self) -> bool:
        """Tell whether it has closed by today."""
        return self.closed_on is not None and self.closed_on <= clock.today()

    @hybrid_property
    def name(self) -> str:
        """Return the name of today."""
        if self.next_name and self.renamed_on is not None and self.renamed_on <= clock.today():
            return self.next_name
        return self.named

    @name.inplace.setter
    def _set_name(self, value: str) -> None:
        # Whoever says what it is called today settles a change of name that has come into force.
        if self.renamed_on is not None and self.renamed_on <= clock.today():
            self.next_name = self.renamed_on = None
        self.named = value

    @name.inplace.expression
    @classmethod
    def _name_in_sql(cls) -> ColumnElement[str]:
        renamed = and_(cls.next_name.is_not(None), cls.renamed_on <= clock.today())
        return case((renamed, cls.next_name), else_=cls.named).label("name")


class OrganisationImport(Base):
    """One file that was imported: its hash and what it changed."""

    __tablename__ = "organisation_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    filename: Mapped[str]
    sha256: Mapped[str]
    rows: Mapped[int]
    opened: Mapped[int]
    changed: Mapped[int]
    closed: Mapped[int]
    imported_at: Mapped[datetime]


class HinPatch(Base):
    """A HIN covers an organisation (an ICB with its trusts, or one trust): data with a source and a date."""

    __tablename__ = "hin_patch"
    __table_args__ = (UniqueConstraint("hin_id", "organisation_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hin_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    source: Mapped[str]
    source_date: Mapped[date]
    confirmed: Mapped[bool] = mapped_column(default=False)

    hin: Mapped[Organisation] = relationship(foreign_keys=[hin_id])
    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])


# Organisations change


class Succession(Base):
    """A change of organisations on a day, recorded before or after it.

    What it does to dates and names stands in the organisations from the moment it is recorded, so that the day itself
    needs nothing to run. What belongs to the organisations that close is handed over once, by choices that a person
    made: ``settled_at``. ``before`` and ``after`` are the counts of that handover. Until then ``before`` holds the
    days on which predecessors were to close anyway, as id and date, so that a cancellation can put them back.
    """

    __tablename__ = "succession"
    __table_args__ = (CheckConstraint("cancelled_at IS NULL OR settled_at IS NULL", name="one_end"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[Change] = mapped_column(Choice(Change))
    effective_on: Mapped[date] = mapped_column(index=True)
    #: What a renamed organisation was called before, and from that day; empty for other changes.
    old_name: Mapped[str] = mapped_column(default="")
    new_name: Mapped[str] = mapped_column(default="")
    source: Mapped[str]
    source_date: Mapped[date]
    note: Mapped[str] = mapped_column(default="")
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None]
    cancelled_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None]
    #: When the administrators were told that the day has come.
    told_at: Mapped[datetime | None]
    lock_version: Mapped[int] = mapped_column(default=1)
    before: Mapped[list[list[str | int]]] = mapped_column(JSON, default=list)
    after: Mapped[list[list[str | int]]] = mapped_column(JSON, default=list)

    links: Mapped[list[SuccessionLink]] = relationship(
        back_populates="succession", order_by="SuccessionLink.id", cascade="all, delete-orphan"
    )

    @property
    def predecessors(self) -> list[Organisation]:
        """Return the organisations that it starts from, in the order in which they were named."""
        return list({link.from_id: link.predecessor for link in self.links}.values())

    @property
    def successors(self) -> list[Organisation]:
        """Return the organisations that it leads to, in the order in which they were named."""
        return list({link.to_id: link.successor for link in self.links}.values())


class SuccessionLink(Base):
    """One organisation goes, whole or with a share in percent, to another."""

    __tablename__ = "succession_link"
    __table_args__ = (
        UniqueConstraint("succession_id", "from_id", "to_id"),
        CheckConstraint("share IS NULL OR share BETWEEN 1 AND 100", name="percent"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    succession_id: Mapped[int] = mapped_column(ForeignKey("succession.id"))
    from_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    share: Mapped[int | None]

    succession: Mapped[Succession] = relationship(back_populates="links")
    predecessor: Mapped[Organisation] = relationship(foreign_keys=[from_id])
    successor: Mapped[Organisation] = relationship(foreign_keys=[to_id])


class SuccessionChoice(Base):
    """What somebody chose for one thing of a predecessor; it has no effect until the handover is confirmed."""

    __tablename__ = "succession_choice"

    succession_id: Mapped[int] = mapped_column(ForeignKey("succession.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    choice: Mapped[str]
    #: Why a need is withdrawn, for everybody to read.
    words: Mapped[str] = mapped_column(default="")
    chosen_at: Mapped[datetime]
    chosen_by_id: Mapped[int | None]


class SuccessionMove(Base):
    """One thing that changed hands at a handover; never changed afterwards. ``to_id`` is empty where it ended.

    ``subject_id`` is the row's id in the table of its kind. The owner of a need on a past day follows from here.
    """

    __tablename__ = "succession_move"
    __table_args__ = (Index("ix_succession_move_subject", "kind", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    succession_id: Mapped[int] = mapped_column(ForeignKey("succession.id"), index=True)
    kind: Mapped[str]
    subject_id: Mapped[int]
    from_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    to_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    at: Mapped[datetime]


class FormerCode(Base):
    """A code under which an organisation stood in addresses before; they lead on to where it stands now."""

    __tablename__ = "former_code"

    code: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    ended_at: Mapped[datetime]
