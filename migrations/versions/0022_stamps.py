"""Create the stamp that changes with whatever lists of demand are made of, and the triggers that draw it."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = {
    "board": ("organisation", "cycle", "need", "need_version", "priority", "family", "family_member"),
    "picture": ("theme", "theme_member", "co_signature", "need_fit"),
}
VERBS = ("INSERT", "UPDATE", "DELETE")

#: Draws a new stamp once in a transaction. It runs at the commit (deferred), so that the row, for which all writers
#: queue, is held for the length of a commit and nobody waits for anything while holding it.
FUNCTION = """CREATE FUNCTION draw_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    drawn text := 'demand_signal.drawn_' || TG_ARGV[0];
    this text := pg_current_xact_id()::text;
BEGIN
    IF current_setting(drawn, true) IS DISTINCT FROM this THEN
        PERFORM set_config(drawn, this, true);
        IF TG_ARGV[0] = 'board' THEN
            UPDATE stamp SET board = gen_random_uuid()::text;
        ELSE
            UPDATE stamp SET picture = gen_random_uuid()::text;
        END IF;
    END IF;
    RETURN NULL;
END $$"""


def upgrade() -> None:
    op.create_table(
        "stamp",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("board", sa.String(), nullable=False),
        sa.Column("picture", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_stamp_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stamp")),
    )
    op.execute("INSERT INTO stamp (id, board, picture) VALUES (1, '', '')")
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(FUNCTION)
    for part, names in TABLES.items():
        for table in names:
            if sqlite:
                for verb in VERBS:
                    op.execute(
                        f"CREATE TRIGGER {table}_draws_stamp_{verb.lower()} AFTER {verb} ON {table} "  # noqa: S608 - no input
                        f"BEGIN UPDATE stamp SET {part} = hex(randomblob(16)); END"
                    )
            else:
                op.execute(
                    f"CREATE CONSTRAINT TRIGGER {table}_draws_stamp AFTER {' OR '.join(VERBS)} ON {table} "
                    f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION draw_stamp('{part}')"
                )


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for names in TABLES.values():
        for table in names:
            if sqlite:
                for verb in VERBS:
                    op.execute(f"DROP TRIGGER IF EXISTS {table}_draws_stamp_{verb.lower()}")
            else:
                op.execute(f"DROP TRIGGER IF EXISTS {table}_draws_stamp ON {table}")
    if not sqlite:
        op.execute("DROP FUNCTION draw_stamp")
    op.drop_table("stamp")
