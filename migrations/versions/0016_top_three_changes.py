"""Create the table that says when each organisation's top three of a cycle last changed, and what keeps it.

Places are moved by several use cases (publishing, ranking, withdrawing, carrying forward, mergers) and leave no
trace when they are emptied, but whoever mirrors the open data has to learn of each change. The database notes it,
so that no writer can forget to.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

#: The moment as SQLAlchemy writes it on SQLite, which knows milliseconds here.
NOTE_ON_SQLITE = """INSERT INTO top_three_change (organisation_id, cycle_id, changed_at)
    VALUES ({row}.organisation_id, {row}.cycle_id, strftime('%Y-%m-%d %H:%M:%f000', 'now'))
    ON CONFLICT (organisation_id, cycle_id) DO UPDATE SET changed_at = excluded.changed_at;"""

SQLITE = [
    f"CREATE TRIGGER priority_{verb.lower()}_noted AFTER {verb} ON priority BEGIN "
    + " ".join(NOTE_ON_SQLITE.format(row=row) for row in rows)
    + " END"
    for verb, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",)))
]

NOTE_ON_POSTGRESQL = """INSERT INTO top_three_change (organisation_id, cycle_id, changed_at)
    VALUES ({row}.organisation_id, {row}.cycle_id, clock_timestamp())
    ON CONFLICT (organisation_id, cycle_id) DO UPDATE SET changed_at = excluded.changed_at;"""

POSTGRESQL = [
    f"""CREATE FUNCTION note_top_three_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN {NOTE_ON_POSTGRESQL.format(row="OLD")} END IF;
        IF TG_OP <> 'DELETE' THEN {NOTE_ON_POSTGRESQL.format(row="NEW")} END IF;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER priority_noted AFTER INSERT OR UPDATE OR DELETE ON priority
    FOR EACH ROW EXECUTE FUNCTION note_top_three_change()""",
]


def upgrade() -> None:
    op.create_table(
        "top_three_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_top_three_change_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_top_three_change_cycle_id_cycle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_top_three_change")),
        sa.UniqueConstraint("organisation_id", "cycle_id", name=op.f("uq_top_three_change_organisation_id")),
    )
    op.create_index(op.f("ix_top_three_change_cycle_id"), "top_three_change", ["cycle_id"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')" if sqlite else "clock_timestamp()"
    op.execute(
        "INSERT INTO top_three_change (organisation_id, cycle_id, changed_at) "  # noqa: S608 - nothing from outside
        f"SELECT organisation_id, cycle_id, {now} FROM priority GROUP BY organisation_id, cycle_id "
        "ORDER BY organisation_id, cycle_id"
    )
    for statement in SQLITE if sqlite else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER IF EXISTS priority_{verb}_noted")
    else:
        op.execute("DROP TRIGGER IF EXISTS priority_noted ON priority")
        op.execute("DROP FUNCTION note_top_three_change")
    op.drop_index(op.f("ix_top_three_change_cycle_id"), table_name="top_three_change")
    op.drop_table("top_three_change")
