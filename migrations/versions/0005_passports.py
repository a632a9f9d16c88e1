"""Create the tables of passports."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "passport",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("technology_id", sa.Integer(), nullable=False),
        sa.Column("technology_version", sa.Integer(), nullable=False),
        sa.Column("issuer_id", sa.Integer(), nullable=False),
        sa.Column("assessor_id", sa.Integer(), nullable=True),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("conditions", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_reason", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.String(), nullable=False),
        sa.CheckConstraint("valid_to > valid_from", name=op.f("ck_passport_valid_for_a_time")),
        sa.ForeignKeyConstraint(["assessor_id"], ["person.id"], name=op.f("fk_passport_assessor_id_person")),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["organisation.id"], name=op.f("fk_passport_issuer_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["technology_id"], ["technology.id"], name=op.f("fk_passport_technology_id_technology")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passport")),
        sa.UniqueConstraint("number", name=op.f("uq_passport_number")),
    )
    op.create_index(op.f("ix_passport_issuer_id"), "passport", ["issuer_id"], unique=False)
    op.create_index(op.f("ix_passport_technology_id"), "passport", ["technology_id"], unique=False)
    op.create_table(
        "passport_evidence",
        sa.Column("passport_id", sa.Integer(), nullable=False),
        sa.Column("evidence_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence_item.id"], name=op.f("fk_passport_evidence_evidence_id_evidence_item")
        ),
        sa.ForeignKeyConstraint(
            ["passport_id"], ["passport.id"], name=op.f("fk_passport_evidence_passport_id_passport")
        ),
        sa.PrimaryKeyConstraint("passport_id", "evidence_id", name=op.f("pk_passport_evidence")),
    )


def downgrade() -> None:
    op.drop_table("passport_evidence")
    op.drop_index(op.f("ix_passport_technology_id"), table_name="passport")
    op.drop_index(op.f("ix_passport_issuer_id"), table_name="passport")
    op.drop_table("passport")
