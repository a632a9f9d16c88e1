"""Keep when families, themes and looks at the register changed, and what families ask for together."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
#: For what nothing is known of: earlier than anything of this service.
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
AS_STORED = "%Y-%m-%d %H:%M:%S.%f"

FAMILY = sa.table(
    "family",
    sa.column("id", sa.Integer),
    sa.column("ref", sa.String),
    sa.column("created_at", MOMENT),
    sa.column("settled_at", MOMENT),
    sa.column("dissolved_at", MOMENT),
    sa.column("merged_into_id", sa.Integer),
    sa.column("changed_at", MOMENT),
    sa.column("merged_at", MOMENT),
)
MEMBER = sa.table("family_member", sa.column("family_id", sa.Integer), sa.column("since", MOMENT))
AUDIT = sa.table(
    "audit_event",
    sa.column("subject_kind", sa.String),
    sa.column("subject_id", sa.String),
    sa.column("action", sa.String),
    sa.column("at", MOMENT),
)
RUN = sa.table("family_run", sa.column("ran_at", MOMENT), sa.column("fingerprint", sa.String))
THEME = sa.table("theme", sa.column("changed_at", MOMENT))
FIT = sa.table("need_fit", sa.column("looked_at", MOMENT), sa.column("changed_at", MOMENT))


def upgrade() -> None:
    # Not batch_alter_table: it makes the table anew, which SQLite refuses while members point at a family. The
    # default is for rows that are there, which get their own moment at once; the models always give one.
    for table in ("family", "theme", "need_fit"):
        column = sa.Column("changed_at", MOMENT, nullable=False, server_default=LONG_AGO.strftime(AS_STORED))
        op.add_column(table, column)
    op.add_column("family", sa.Column("merged_at", MOMENT, nullable=True))
    op.add_column("family", sa.Column("joint", sa.JSON(), nullable=False, server_default="[]"))
    if op.get_bind().dialect.name == "postgresql":
        # Triggers that wait for the commit would keep the tables from being changed by what follows.
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    _fill()


def downgrade() -> None:
    op.drop_column("family", "joint")
    op.drop_column("family", "merged_at")
    for table in ("need_fit", "theme", "family"):
        op.drop_column(table, "changed_at")


def _fill() -> None:
    """Take the moments from what is written down: rows' own, their members', the audit trail's, the last run's."""
    connection = op.get_bind()
    joined = _moments(sa.select(MEMBER.c.family_id, sa.func.max(MEMBER.c.since)).group_by(MEMBER.c.family_id))
    noted = sa.select(AUDIT.c.subject_id, sa.func.max(AUDIT.c.at)).where(AUDIT.c.subject_kind == "family")
    audited = _moments(noted.group_by(AUDIT.c.subject_id))
    merges = ("family.merged", "family.joined")
    merged = _moments(noted.where(AUDIT.c.action.in_(merges)).group_by(AUDIT.c.subject_id))
    for row in connection.execute(sa.select(FAMILY)).mappings().all():
        known = [row["created_at"], row["settled_at"], row["dissolved_at"], joined.get(row["id"])]
        known.append(audited.get(row["ref"]))
        last = max(moment for moment in known if moment is not None)
        gone = row["merged_into_id"] is not None
        connection.execute(
            sa.update(FAMILY)
            .where(FAMILY.c.id == row["id"])
            .values(
                changed_at=last,
                merged_at=(merged.get(row["ref"]) or row["settled_at"] or last) if gone else None,
            )
        )
    ran = connection.scalar(sa.select(sa.func.max(RUN.c.ran_at)))
    connection.execute(sa.update(THEME).values(changed_at=ran or LONG_AGO))
    connection.execute(sa.update(FIT).values(changed_at=FIT.c.looked_at))
    # The next run brings together what families ask for, though nothing else has changed since the last.
    connection.execute(sa.update(RUN).values(fingerprint=""))


def _moments(statement: sa.Select) -> dict:
    return {key: moment for key, moment in op.get_bind().execute(statement).all() if moment is not None}
