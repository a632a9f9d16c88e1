"""Create the tables of shared needs: co-signatures, families, their settlements, and themes."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

STANDING = "taken_back_at IS NULL AND ended_at IS NULL"


def _moment(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "co_signature",
        _number("id"),
        sa.Column("ref", sa.String(), nullable=False),
        _number("need_id"),
        _number("organisation_id"),
        _number("cycle_id"),
        _number("version"),
        _number("told_version"),
        sa.Column("note", sa.String(), nullable=False),
        _number("how_many", nullable=True),
        _moment("signed_at", nullable=False),
        _number("signed_by_id", nullable=True),
        _moment("taken_back_at"),
        _moment("ended_at"),
        sa.Column("ending", sa.String(), nullable=True),
        sa.CheckConstraint("taken_back_at IS NULL OR ended_at IS NULL", name=op.f("ck_co_signature_one_end")),
        sa.CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name=op.f("ck_co_signature_ended_whole")),
        sa.CheckConstraint("how_many IS NULL OR how_many > 0", name=op.f("ck_co_signature_people")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_co_signature_need_id_need")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_co_signature_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_co_signature_cycle_id_cycle")),
        sa.ForeignKeyConstraint(
            ["signed_by_id"], ["person.id"], name=op.f("fk_co_signature_signed_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_co_signature")),
        sa.UniqueConstraint("ref", name=op.f("uq_co_signature_ref")),
    )
    op.create_index(op.f("ix_co_signature_need_id"), "co_signature", ["need_id"])
    op.create_index(op.f("ix_co_signature_organisation_id"), "co_signature", ["organisation_id"])
    op.create_index(
        "uq_co_signature_standing",
        "co_signature",
        ["need_id", "organisation_id"],
        unique=True,
        sqlite_where=sa.text(STANDING),
        postgresql_where=sa.text(STANDING),
    )
    op.create_table(
        "family",
        _number("id"),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        _moment("created_at", nullable=False),
        _moment("settled_at"),
        _number("settled_by_hin_id", nullable=True),
        _moment("dissolved_at"),
        _number("merged_into_id", nullable=True),
        _number("lock_version"),
        sa.ForeignKeyConstraint(
            ["settled_by_hin_id"], ["organisation.id"], name=op.f("fk_family_settled_by_hin_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["family.id"], name=op.f("fk_family_merged_into_id_family")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family")),
        sa.UniqueConstraint("ref", name=op.f("uq_family_ref")),
    )
    op.create_table(
        "family_member",
        _number("need_id"),
        _number("family_id"),
        sa.Column("settled", sa.Boolean(), nullable=False),
        _moment("since", nullable=False),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_family_member_need_id_need")),
        sa.ForeignKeyConstraint(["family_id"], ["family.id"], name=op.f("fk_family_member_family_id_family")),
        sa.PrimaryKeyConstraint("need_id", name=op.f("pk_family_member")),
    )
    op.create_index(op.f("ix_family_member_family_id"), "family_member", ["family_id"])
    op.create_table(
        "family_exclusion",
        _number("family_id"),
        _number("need_id"),
        _moment("since", nullable=False),
        sa.ForeignKeyConstraint(
            ["family_id"], ["family.id"], name=op.f("fk_family_exclusion_family_id_family")
        ),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_family_exclusion_need_id_need")),
        sa.PrimaryKeyConstraint("family_id", "need_id", name=op.f("pk_family_exclusion")),
    )
    op.create_index(op.f("ix_family_exclusion_need_id"), "family_exclusion", ["need_id"])
    op.create_table(
        "theme",
        _number("id"),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_theme")),
        sa.UniqueConstraint("key", name=op.f("uq_theme_key")),
    )
    op.create_table(
        "theme_member",
        _number("need_id"),
        _number("theme_id"),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_theme_member_need_id_need")),
        sa.ForeignKeyConstraint(["theme_id"], ["theme.id"], name=op.f("fk_theme_member_theme_id_theme")),
        sa.PrimaryKeyConstraint("need_id", name=op.f("pk_theme_member")),
    )
    op.create_index(op.f("ix_theme_member_theme_id"), "theme_member", ["theme_id"])
    op.create_table(
        "family_run",
        _number("id"),
        sa.Column("fingerprint", sa.String(), nullable=False),
        _moment("ran_at", nullable=False),
        _number("milliseconds"),
        _number("needs"),
        sa.Column("degraded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_run")),
        sa.UniqueConstraint("ran_at", name=op.f("uq_family_run_ran_at")),
    )


def downgrade() -> None:
    for table in (
        "family_run",
        "theme_member",
        "theme",
        "family_exclusion",
        "family_member",
        "family",
        "co_signature",
    ):
        op.drop_table(table)
