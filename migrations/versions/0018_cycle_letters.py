"""Create the tables that say which news of a cycle was told, so that none is told twice."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cycle_letter",
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("news", sa.String(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_cycle_letter_cycle_id_cycle")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_cycle_letter_organisation_id_organisation"),
        ),
        sa.PrimaryKeyConstraint("cycle_id", "organisation_id", "news", name=op.f("pk_cycle_letter")),
    )
    op.create_table(
        "cycle_sweep",
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_cycle_sweep_cycle_id_cycle")),
        sa.PrimaryKeyConstraint("cycle_id", name=op.f("pk_cycle_sweep")),
    )


def downgrade() -> None:
    op.drop_table("cycle_sweep")
    op.drop_table("cycle_letter")
