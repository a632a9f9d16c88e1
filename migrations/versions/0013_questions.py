"""Create the tables of public questions and their answers."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("asker_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("declined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("declined_reason", sa.String(), nullable=True),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("answered_at IS NULL OR declined_at IS NULL", name=op.f("ck_question_one_end")),
        sa.CheckConstraint(
            "(declined_at IS NULL) = (declined_reason IS NULL)", name=op.f("ck_question_declined_whole")
        ),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_question_need_id_need")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["organisation.id"], name=op.f("fk_question_supplier_id_organisation")
        ),
        sa.ForeignKeyConstraint(["asker_id"], ["person.id"], name=op.f("fk_question_asker_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("ref", name=op.f("uq_question_ref")),
    )
    op.create_index(op.f("ix_question_need_id"), "question", ["need_id"])
    op.create_index(op.f("ix_question_supplier_id"), "question", ["supplier_id"])
    op.create_table(
        "answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("question_text", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["question_id"], ["question.id"], name=op.f("fk_answer_question_id_question")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["person.id"], name=op.f("fk_answer_answered_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("question_id", "number", name=op.f("uq_answer_question_id")),
    )


def downgrade() -> None:
    op.drop_table("answer")
    op.drop_table("question")
