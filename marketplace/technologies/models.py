"""What innovators offer: a technology, its versions, the draft being written, and its evidence."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.database import Base, Choice
from marketplace.organisations.models import Organisation
from marketplace.technologies.rules import EvidenceContent, EvidenceState, TechnologyContent, evidence_state
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, Readiness


class TechnologyFields:
    """What an innovator writes; the same in the draft and in each version. Empty texts mean not yet answered."""

    name: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    intended_use: Mapped[str] = mapped_column(default="")
    replaces: Mapped[str] = mapped_column(default="")
    claims: Mapped[list[str]] = mapped_column(JSON, default=list)
    settings: Mapped[list[str]] = mapped_column(JSON, default=list)
    clinical_areas: Mapped[list[str]] = mapped_column(JSON, default=list)
    readiness: Mapped[Readiness | None] = mapped_column(Choice(Readiness))

    @property
    def content(self) -> TechnologyContent:
        """Return the answers as plain values."""
        return TechnologyContent(
            name=self.name,
            summary=self.summary,
            intended_use=self.intended_use,
            replaces=self.replaces,
            claims=tuple(self.claims),
            settings=tuple(CareSetting(value) for value in self.settings),
            clinical_areas=tuple(ClinicalArea(value) for value in self.clinical_areas),
            readiness=self.readiness,
        )

    def fill(self, content: TechnologyContent) -> None:
        """Store the answers."""
        self.name = content.name
        self.summary = content.summary
        self.intended_use = content.intended_use
        self.replaces = content.replaces
        self.claims = list(content.claims)
        self.settings = [setting.value for setting in content.settings]
        self.clinical_areas = [area.value for area in content.clinical_areas]
        self.readiness = content.readiness


class Technology(Base):
    """A technology's identity and state: draft until ``listed_at``, gone from sight when ``archived_at``.

    ``ref`` is random and stands in addresses.
    """

    __tablename__ = "technology"

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    created_at: Mapped[datetime]
    listed_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    #: Number of the version that people see; 0 before the first.
    version: Mapped[int] = mapped_column(default=0)

    supplier: Mapped[Organisation] = relationship()
    draft: Mapped[TechnologyDraft | None] = relationship(back_populates="technology")
    versions: Mapped[list[TechnologyVersion]] = relationship(
        back_populates="technology", order_by="TechnologyVersion.number"
    )
    current: Mapped[TechnologyVersion | None] = relationship(
        primaryjoin="and_(Technology.id == TechnologyVersion.technology_id, "
        "Technology.version == TechnologyVersion.number)",
        viewonly=True,
        uselist=False,
    )
    evidence: Mapped[list[EvidenceItem]] = relationship(
        back_populates="technology", order_by="EvidenceItem.id"
    )

    @property
    def is_listed(self) -> bool:
        """Tell whether everybody sees it."""
        return self.listed_at is not None and self.archived_at is None

    def evidence_held(self, on: date) -> list[EvidenceItem]:
        """Return the items on which a passport may rely on this day."""
        return [item for item in self.evidence if item.state(on).holds]


class TechnologyDraft(TechnologyFields, Base):
    """What is being written and nobody else sees. It stays beside the listed version, equal to it until changed.

    ``lock_version`` grows with each save and never starts again, so that a stale form is always told.
    """

    __tablename__ = "technology_draft"

    technology_id: Mapped[int] = mapped_column(ForeignKey("technology.id"), primary_key=True)
    lock_version: Mapped[int] = mapped_column(default=1)
    saved_at: Mapped[datetime]
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    technology: Mapped[Technology] = relationship(back_populates="draft")


class TechnologyVersion(TechnologyFields, Base):
    """A version as it was listed; never changed afterwards."""

    __tablename__ = "technology_version"
    __table_args__ = (UniqueConstraint("technology_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    technology_id: Mapped[int] = mapped_column(ForeignKey("technology.id"))
    number: Mapped[int]
    change_note: Mapped[str] = mapped_column(default="")
    listed_at: Mapped[datetime]
    listed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    technology: Mapped[Technology] = relationship(back_populates="versions")


class EvidenceItem(Base):
    """A claim that evidence exists, with what is needed to check it. Public with the listing."""

    __tablename__ = "evidence_item"
    __table_args__ = (
        CheckConstraint("expires_on IS NULL OR expires_on >= issued_on", name="expires_after_issue"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    technology_id: Mapped[int] = mapped_column(ForeignKey("technology.id"), index=True)
    type: Mapped[EvidenceType] = mapped_column(Choice(EvidenceType))
    number: Mapped[str]
    issuer: Mapped[str]
    scope: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    issued_on: Mapped[date]
    expires_on: Mapped[date | None]
    added_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    technology: Mapped[Technology] = relationship(back_populates="evidence")

    @property
    def content(self) -> EvidenceContent:
        """Return the item as plain values."""
        return EvidenceContent(
            type=self.type,
            number=self.number,
            issuer=self.issuer,
            scope=self.scope,
            summary=self.summary,
            issued_on=self.issued_on,
            expires_on=self.expires_on,
        )

    def state(self, on: date) -> EvidenceState:
        """Return how the item stands on a day."""
        return evidence_state(self.expires_on, self.withdrawn_at, on=on)
