"""Needs that organisations share: co-signatures, families of like needs, and the themes that families form."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import User
from marketplace.database import Base, Choice
from marketplace.families import rules
from marketplace.families.rules import Ending, State
from marketplace.needs.models import Cycle, Need
from marketplace.organisations.models import Organisation


class CoSignature(Base):
    """An organisation takes another's need for one of its own three of a cycle; the place itself is a `Priority`.

    ``version`` is the version of the need that was signed or confirmed last, ``told_version`` the one that the
    co-signers were last told of. It ends with the need or the cycle, or is taken back; it is never deleted.
    """

    __tablename__ = "co_signature"
    __table_args__ = (
        Index(
            "uq_co_signature_standing",
            "need_id",
            "organisation_id",
            unique=True,
            sqlite_where=text("taken_back_at IS NULL AND ended_at IS NULL"),
            postgresql_where=text("taken_back_at IS NULL AND ended_at IS NULL"),
        ),
        CheckConstraint("taken_back_at IS NULL OR ended_at IS NULL", name="one_end"),
        CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ended_whole"),
        CheckConstraint("how_many IS NULL OR how_many > 0", name="people"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    version: Mapped[int]
    told_version: Mapped[int]
    note: Mapped[str] = mapped_column(default="")
    how_many: Mapped[int | None]
    signed_at: Mapped[datetime]
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    taken_back_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ending: Mapped[Ending | None] = mapped_column(Choice(Ending))

    need: Mapped[Need] = relationship()
    organisation: Mapped[Organisation] = relationship()
    cycle: Mapped[Cycle] = relationship()
    signed_by: Mapped[User | None] = relationship()

    @property
    def state(self) -> State:
        """Return where it stands."""
        return rules.state(self.taken_back_at, self.ended_at)


class Family(Base):
    """Needs that say the same. The matcher suggests; a HIN settles, and nothing overrides that.

    ``ref`` stands in addresses for good. A family that went into another leads on to it (``merged_into``); one that
    was dissolved says so. ``name`` is empty until a HIN gives one. Of two who settle at once, ``lock_version`` lets
    one through. ``changed_at`` is when its needs, its name, how it stands or ``joint`` changed last.

    ``joint`` holds must-haves that mean the same, as the last run brought them together: of each its wordings, the
    one that stands nearest to all of them first, as (need's reference, its version, place in the version's list).
    Texts are not copied, so that none outlives its need.
    """

    __tablename__ = "family"

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by_hin_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    dissolved_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("family.id"))
    merged_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    joint: Mapped[list[list[list[str | int]]]] = mapped_column(JSON, default=list)
    lock_version: Mapped[int] = mapped_column(default=1)

    members: Mapped[list[FamilyMember]] = relationship(
        back_populates="family", cascade="all, delete-orphan", order_by="FamilyMember.need_id"
    )
    exclusions: Mapped[list[FamilyExclusion]] = relationship(cascade="all, delete-orphan")
    settled_by_hin: Mapped[Organisation | None] = relationship()
    merged_into: Mapped[Family | None] = relationship(remote_side=[id])

    def merge_into(self, other: Family, at: datetime) -> None:
        """Lead on to another family from a moment on."""
        self.merged_into_id, self.merged_at, self.changed_at = other.id, at, at


class FamilyMember(Base):
    """A need in a family; in one at most. ``settled`` tells that a HIN put or left it there."""

    __tablename__ = "family_member"

    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), primary_key=True)
    family_id: Mapped[int] = mapped_column(ForeignKey("family.id"), index=True)
    settled: Mapped[bool] = mapped_column(default=False)
    since: Mapped[datetime]

    family: Mapped[Family] = relationship(back_populates="members")
    need: Mapped[Need] = relationship()


class FamilyExclusion(Base):
    """A need that a HIN took out of a family: it is not suggested there again."""

    __tablename__ = "family_exclusion"

    family_id: Mapped[int] = mapped_column(ForeignKey("family.id"), primary_key=True)
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), primary_key=True, index=True)
    since: Mapped[datetime]


class Theme(Base):
    """A field of need that families form; kept when it empties, so that it can come back under its name.

    ``said`` holds the phrases that the name is made of, as the matcher's keys. ``changed_at`` is when its name or its
    needs changed last.
    """

    __tablename__ = "theme"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    said: Mapped[list[str]] = mapped_column(JSON, default=list)
    changed_at: Mapped[datetime]

    members: Mapped[list[ThemeMember]] = relationship(
        back_populates="theme", cascade="all, delete-orphan", order_by="ThemeMember.need_id"
    )


class ThemeMember(Base):
    """A need of a theme; in one at most."""

    __tablename__ = "theme_member"

    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), primary_key=True)
    theme_id: Mapped[int] = mapped_column(ForeignKey("theme.id"), index=True)

    theme: Mapped[Theme] = relationship(back_populates="members")


class FamilyRun(Base):
    """One run of the matcher over all needs: over what (``fingerprint``), when, how long it took, what came out."""

    __tablename__ = "family_run"
    __table_args__ = (UniqueConstraint("ran_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    ran_at: Mapped[datetime]
    milliseconds: Mapped[int]
    needs: Mapped[int]
    degraded: Mapped[bool] = mapped_column(default=False)
