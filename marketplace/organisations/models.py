"""NHS organisations as dated facts, suppliers, and which organisations a HIN covers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.database import Base, Choice


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

    Never deleted: ``closed_on`` is set. ``region_id`` and ``parent_id`` (the ICB of a trust) are geography.
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
    name: Mapped[str] = mapped_column(index=True)
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
