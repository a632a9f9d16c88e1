"""Let an index be built beside the one that serves."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = "kind, subject_ref, sequence, removed, document, passages, vectors, dimension, encoder, digest, indexed_at"


def upgrade() -> None:
    op.create_table(
        "index_generation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("encoder", sa.String(), nullable=False),
        sa.Column("encoder_name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.String(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_generation")),
    )
    op.create_index(
        "ix_index_generation_serving",
        "index_generation",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'serving'"),
        postgresql_where=sa.text("state = 'serving'"),
    )
    # What is indexed goes on serving, as the first generation. Its recipe is not known any more, so a worker of this
    # release builds the next one beside it.
    op.execute(
        "INSERT INTO index_generation"
        " (key, encoder, encoder_name, state, total, done, started_at, finished_at)"
        " SELECT '', max(encoder), '', 'serving', count(*), count(*), min(indexed_at), max(indexed_at)"
        " FROM index_entry HAVING count(*) > 0"
    )
    # Not altered in place: SQLite cannot drop the old unique constraint. Nothing points at this table.
    op.execute(f"CREATE TABLE index_entry_kept AS SELECT {COLUMNS} FROM index_entry")  # noqa: S608 - no input
    op.drop_table("index_entry")
    op.create_table(
        "index_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("generation_id", sa.Integer(), nullable=False),
        *_columns(),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_entry")),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["index_generation.id"],
            name=op.f("fk_index_entry_generation_id_index_generation"),
        ),
        sa.UniqueConstraint(
            "generation_id", "kind", "subject_ref", name=op.f("uq_index_entry_generation_id")
        ),
    )
    op.create_index("ix_index_entry_sequence", "index_entry", ["generation_id", "sequence"])
    op.execute(
        f"INSERT INTO index_entry (generation_id, checksum, {COLUMNS})"  # noqa: S608 - no input
        f" SELECT (SELECT id FROM index_generation), '', {COLUMNS} FROM index_entry_kept"
    )
    op.drop_table("index_entry_kept")
    for name, kind, *numbers in _vector_tables():
        if len(numbers) == 1:  # those of the one index there was: pgvector_need_384
            op.rename_table(name, f"pgvector_{kind}_1_{numbers[0]}")


def downgrade() -> None:
    kept = "SELECT id FROM index_generation WHERE state = 'serving'"
    serving = op.get_bind().execute(sa.text(kept)).scalar()
    for name, kind, *numbers in _vector_tables():
        if numbers[0] == str(serving):
            op.rename_table(name, f"pgvector_{kind}_{numbers[-1]}")
        else:
            op.drop_table(name)
    op.execute(
        f"CREATE TABLE index_entry_kept AS SELECT {COLUMNS} FROM index_entry"  # noqa: S608 - no input
        f" WHERE generation_id = ({kept})"
    )
    op.drop_table("index_entry")
    op.drop_table("index_generation")
    op.create_table(
        "index_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        *_columns(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_entry")),
        sa.UniqueConstraint("kind", "subject_ref", name=op.f("uq_index_entry_kind")),
    )
    op.create_index(op.f("ix_index_entry_sequence"), "index_entry", ["sequence"])
    op.execute(f"INSERT INTO index_entry ({COLUMNS}) SELECT {COLUMNS} FROM index_entry_kept")  # noqa: S608 - no input
    op.drop_table("index_entry_kept")


def _vector_tables() -> list[list[str]]:
    """Return the name of each of pgvector's tables, its kind, its generation from now on, and its width."""
    names = sorted(sa.inspect(op.get_bind()).get_table_names())
    return [[name, *name.split("_")[1:]] for name in names if name.startswith("pgvector_")]


def _columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_ref", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("passages", sa.JSON(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=True),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("encoder", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("indexed_at", sa.DateTime(timezone=True), nullable=False),
    )
