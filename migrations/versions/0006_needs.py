"""Create the tables of needs."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cycle",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle")),
        sa.UniqueConstraint("name", name=op.f("uq_cycle_name")),
        sa.UniqueConstraint("opens_on", name=op.f("uq_cycle_opens_on")),
    )
    op.create_table(
        "need",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_reason", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_need_created_by_id_person")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_need_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need")),
        sa.UniqueConstraint("ref", name=op.f("uq_need_ref")),
    )
    op.create_index(op.f("ix_need_organisation_id"), "need", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_need_published_at"), "need", ["published_at"], unique=False)
    op.create_table(
        "need_draft",
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("who_affected", sa.String(), nullable=False),
        sa.Column("how_many", sa.Integer(), nullable=True),
        sa.Column("how_many_note", sa.String(), nullable=False),
        sa.Column("pathway_today", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("baseline", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("must", sa.JSON(), nullable=False),
        sa.Column("evidence_wanted", sa.JSON(), nullable=False),
        sa.Column("clinical_area", sa.String(), nullable=True),
        sa.Column("care_setting", sa.String(), nullable=True),
        sa.Column("shift", sa.String(), nullable=True),
        sa.Column("timing", sa.String(), nullable=True),
        sa.Column("funding_state", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_need_draft_need_id_need")),
        sa.ForeignKeyConstraint(
            ["saved_by_id"], ["person.id"], name=op.f("fk_need_draft_saved_by_id_person")
        ),
        sa.PrimaryKeyConstraint("need_id", name=op.f("pk_need_draft")),
    )
    op.create_index(op.f("ix_need_draft_care_setting"), "need_draft", ["care_setting"], unique=False)
    op.create_index(op.f("ix_need_draft_clinical_area"), "need_draft", ["clinical_area"], unique=False)
    op.create_index(op.f("ix_need_draft_shift"), "need_draft", ["shift"], unique=False)
    op.create_table(
        "need_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("change_note", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("who_affected", sa.String(), nullable=False),
        sa.Column("how_many", sa.Integer(), nullable=True),
        sa.Column("how_many_note", sa.String(), nullable=False),
        sa.Column("pathway_today", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("baseline", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("must", sa.JSON(), nullable=False),
        sa.Column("evidence_wanted", sa.JSON(), nullable=False),
        sa.Column("clinical_area", sa.String(), nullable=True),
        sa.Column("care_setting", sa.String(), nullable=True),
        sa.Column("shift", sa.String(), nullable=True),
        sa.Column("timing", sa.String(), nullable=True),
        sa.Column("funding_state", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_need_version_need_id_need")),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["person.id"], name=op.f("fk_need_version_published_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_version")),
        sa.UniqueConstraint("need_id", "number", name=op.f("uq_need_version_need_id")),
    )
    op.create_index(op.f("ix_need_version_care_setting"), "need_version", ["care_setting"], unique=False)
    op.create_index(op.f("ix_need_version_clinical_area"), "need_version", ["clinical_area"], unique=False)
    op.create_index(op.f("ix_need_version_shift"), "need_version", ["shift"], unique=False)
    op.create_table(
        "priority",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("rank BETWEEN 1 AND 3", name=op.f("ck_priority_top_three")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_priority_cycle_id_cycle")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_priority_need_id_need")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_priority_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "cycle_id", "rank", name=op.f("pk_priority")),
        sa.UniqueConstraint("need_id", name=op.f("uq_priority_need_id")),
    )


def downgrade() -> None:
    op.drop_table("priority")
    op.drop_index(op.f("ix_need_version_shift"), table_name="need_version")
    op.drop_index(op.f("ix_need_version_clinical_area"), table_name="need_version")
    op.drop_index(op.f("ix_need_version_care_setting"), table_name="need_version")
    op.drop_table("need_version")
    op.drop_index(op.f("ix_need_draft_shift"), table_name="need_draft")
    op.drop_index(op.f("ix_need_draft_clinical_area"), table_name="need_draft")
    op.drop_index(op.f("ix_need_draft_care_setting"), table_name="need_draft")
    op.drop_table("need_draft")
    op.drop_index(op.f("ix_need_published_at"), table_name="need")
    op.drop_index(op.f("ix_need_organisation_id"), table_name="need")
    op.drop_table("need")
    op.drop_table("cycle")
