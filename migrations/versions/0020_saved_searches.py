"""Create saved searches and the ledger of what each has told, and let e-mails say how they are stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("frequency", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirm_hash", sa.String(), nullable=True),
        sa.Column("confirm_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period", sa.Date(), nullable=True),
        sa.CheckConstraint("(user_id IS NULL) != (email IS NULL)", name=op.f("ck_saved_search_one_owner")),
        sa.ForeignKeyConstraint(["user_id"], ["person.id"], name=op.f("fk_saved_search_user_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
        sa.UniqueConstraint("ref", name=op.f("uq_saved_search_ref")),
        sa.UniqueConstraint("confirm_hash", name=op.f("uq_saved_search_confirm_hash")),
    )
    op.create_index(op.f("ix_saved_search_user_id"), "saved_search", ["user_id"])
    op.create_index(op.f("ix_saved_search_email"), "saved_search", ["email"])
    op.create_table(
        "told_item",
        sa.Column("saved_search_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["saved_search_id"], ["saved_search.id"], name=op.f("fk_told_item_saved_search_id_saved_search")
        ),
        sa.PrimaryKeyConstraint("saved_search_id", "kind", "ref", "version", name=op.f("pk_told_item")),
    )
    op.add_column("email", sa.Column("stop", sa.String(), server_default="", nullable=False))
    op.create_index(op.f("ix_email_stop"), "email", ["stop"])


def downgrade() -> None:
    op.drop_index(op.f("ix_email_stop"), table_name="email")
    op.drop_column("email", "stop")
    op.drop_table("told_item")
    op.drop_table("saved_search")
