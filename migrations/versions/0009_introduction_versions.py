"""Give each side of an introduction a version of its own, and remember the reminder."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("introduction", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    for side in ("need", "supplier"):
        op.add_column(
            "introduction",
            sa.Column(f"{side}_lock_version", sa.Integer(), nullable=False, server_default="1"),
        )


def downgrade() -> None:
    for column in ("supplier_lock_version", "need_lock_version", "reminded_at"):
        op.drop_column("introduction", column)
