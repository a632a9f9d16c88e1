"""Create the tables of introductions."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "introduction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.Column("technology_id", sa.Integer(), nullable=False),
        sa.Column("hin_id", sa.Integer(), nullable=False),
        sa.Column("broker_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("need_decision", sa.String(), nullable=True),
        sa.Column("need_decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("need_decided_by_id", sa.Integer(), nullable=True),
        sa.Column("need_reason", sa.String(), nullable=False),
        sa.Column("supplier_decision", sa.String(), nullable=True),
        sa.Column("supplier_decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("supplier_decided_by_id", sa.Integer(), nullable=True),
        sa.Column("supplier_reason", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_reason", sa.String(), nullable=False),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(need_decision IS NULL) = (need_decided_at IS NULL)",
            name=op.f("ck_introduction_need_side_whole"),
        ),
        sa.CheckConstraint(
            "(supplier_decision IS NULL) = (supplier_decided_at IS NULL)",
            name=op.f("ck_introduction_supplier_side_whole"),
        ),
        sa.ForeignKeyConstraint(["broker_id"], ["person.id"], name=op.f("fk_introduction_broker_id_person")),
        sa.ForeignKeyConstraint(
            ["hin_id"], ["organisation.id"], name=op.f("fk_introduction_hin_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["need_decided_by_id"], ["person.id"], name=op.f("fk_introduction_need_decided_by_id_person")
        ),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_introduction_need_id_need")),
        sa.ForeignKeyConstraint(
            ["supplier_decided_by_id"],
            ["person.id"],
            name=op.f("fk_introduction_supplier_decided_by_id_person"),
        ),
        sa.ForeignKeyConstraint(
            ["technology_id"], ["technology.id"], name=op.f("fk_introduction_technology_id_technology")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_introduction")),
        sa.UniqueConstraint("ref", name=op.f("uq_introduction_ref")),
    )
    op.create_index(op.f("ix_introduction_hin_id"), "introduction", ["hin_id"], unique=False)
    op.create_index(op.f("ix_introduction_technology_id"), "introduction", ["technology_id"], unique=False)
    op.create_index(
        "uq_introduction_open",
        "introduction",
        ["need_id", "technology_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_introduction_open",
        table_name="introduction",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index(op.f("ix_introduction_technology_id"), table_name="introduction")
    op.drop_index(op.f("ix_introduction_hin_id"), table_name="introduction")
    op.drop_table("introduction")
