"""Create the sign-off of needs: submissions, comments of reviewers, and who leads a need."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

OPEN = "returned_at IS NULL AND taken_back_at IS NULL AND version IS NULL"

BEGUN = ("need.drafted", "need.edit-started")


def _moment(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("need", sa.Column("round", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("need_draft", sa.Column("writers", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "need_people",
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("deputy_id", sa.Integer(), nullable=True),
        _moment("told_at"),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_need_people_need_id_need")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_need_people_owner_id_person")),
        sa.ForeignKeyConstraint(["deputy_id"], ["person.id"], name=op.f("fk_need_people_deputy_id_person")),
        sa.PrimaryKeyConstraint("need_id", name=op.f("pk_need_people")),
    )
    op.create_index(op.f("ix_need_people_owner_id"), "need_people", ["owner_id"])
    op.create_index(op.f("ix_need_people_deputy_id"), "need_people", ["deputy_id"])
    op.create_table(
        "sign_off",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("change_note", sa.String(), nullable=False),
        sa.Column("writers", sa.JSON(), nullable=False),
        _moment("submitted_at", nullable=False),
        sa.Column("submitted_by_id", sa.Integer(), nullable=True),
        _moment("approved_at"),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        _moment("checked_at"),
        sa.Column("checked_by_id", sa.Integer(), nullable=True),
        sa.Column("hin_id", sa.Integer(), nullable=True),
        sa.Column("unchecked", sa.String(), nullable=True),
        _moment("silence_told_at"),
        _moment("returned_at"),
        sa.Column("returned_by_id", sa.Integer(), nullable=True),
        sa.Column("return_note", sa.String(), nullable=False),
        _moment("taken_back_at"),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("lock_version", sa.Integer(), nullable=False),
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
        sa.CheckConstraint(
            "(returned_at IS NULL OR taken_back_at IS NULL) AND (returned_at IS NULL OR version IS NULL) "
            "AND (taken_back_at IS NULL OR version IS NULL)",
            name=op.f("ck_sign_off_one_end"),
        ),
        sa.CheckConstraint(
            "version IS NULL OR approved_at IS NOT NULL", name=op.f("ck_sign_off_approved_first")
        ),
        sa.CheckConstraint(
            "version IS NULL OR checked_at IS NOT NULL OR unchecked IS NOT NULL",
            name=op.f("ck_sign_off_checked_or_why_not"),
        ),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_sign_off_need_id_need")),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["person.id"], name=op.f("fk_sign_off_submitted_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["person.id"], name=op.f("fk_sign_off_approved_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["checked_by_id"], ["person.id"], name=op.f("fk_sign_off_checked_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["returned_by_id"], ["person.id"], name=op.f("fk_sign_off_returned_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["hin_id"], ["organisation.id"], name=op.f("fk_sign_off_hin_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_off")),
        sa.UniqueConstraint("need_id", "round", name=op.f("uq_sign_off_need_id")),
    )
    for name in ("care_setting", "clinical_area", "shift", "submitted_at"):
        op.create_index(op.f(f"ix_sign_off_{name}"), "sign_off", [name])
    op.create_index(
        "uq_sign_off_open",
        "sign_off",
        ["need_id"],
        unique=True,
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )
    op.create_table(
        "review_comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sign_off_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        _moment("settled_at"),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("reply", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sign_off_id"], ["sign_off.id"], name=op.f("fk_review_comment_sign_off_id_sign_off")
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["person.id"], name=op.f("fk_review_comment_settled_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_comment")),
        sa.UniqueConstraint("sign_off_id", "field", name=op.f("uq_review_comment_sign_off_id")),
    )
    _fill_writers()
    # Whoever began a need leads it until somebody else takes it over.
    op.execute("INSERT INTO need_people (need_id, owner_id) SELECT id, created_by_id FROM need")


def _fill_writers() -> None:
    """Name who wrote each draft that is there, so that none of them can approve it.

    The audit trail tells who began the draft and who saved it since; what came before its beginning was published
    or thrown away.
    """
    connection = op.get_bind()
    drafts = sa.table(
        "need_draft", sa.column("need_id"), sa.column("saved_by_id"), sa.column("writers", sa.JSON())
    )
    needs = sa.table(
        "need", sa.column("id"), sa.column("ref"), sa.column("version"), sa.column("created_by_id")
    )
    events = sa.table(
        "audit_event",
        *(sa.column(name) for name in ("id", "actor_id", "action", "subject_kind", "subject_id")),
    )
    writers: dict[str, set[int | None]] = {}
    for ref, action, actor_id in connection.execute(
        sa.select(events.c.subject_id, events.c.action, events.c.actor_id)
        .where(events.c.subject_kind == "need", events.c.action.in_((*BEGUN, "need.saved")))
        .order_by(events.c.id)
    ):
        if action in BEGUN:
            writers[ref] = set()
        writers.setdefault(ref, set()).add(actor_id)
    for need_id, ref, version, saved_by, created_by in connection.execute(
        sa.select(needs.c.id, needs.c.ref, needs.c.version, drafts.c.saved_by_id, needs.c.created_by_id).join(
            drafts, drafts.c.need_id == needs.c.id
        )
    ).all():
        began = created_by if version == 0 else None
        wrote = (writers.get(ref, set()) | {saved_by, began}) - {None}
        connection.execute(drafts.update().where(drafts.c.need_id == need_id).values(writers=sorted(wrote)))


def downgrade() -> None:
    op.drop_table("review_comment")
    op.drop_table("sign_off")
    op.drop_table("need_people")
    # A place that was held for a need never published has no meaning before sign-off.
    op.execute("DELETE FROM priority WHERE need_id IN (SELECT id FROM need WHERE published_at IS NULL)")
    op.drop_column("need_draft", "writers")
    op.drop_column("need", "round")
