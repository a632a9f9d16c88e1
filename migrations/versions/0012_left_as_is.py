"""Keep with each draft which questions of the coach its writers left as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("need_draft", sa.Column("left_as_is", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("need_draft", "left_as_is")
