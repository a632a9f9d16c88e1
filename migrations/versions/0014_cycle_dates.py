"""Give cycles their reminder and their lock, and let a need keep its places of several cycles."""

from collections.abc import Sequence
from datetime import date, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

#: Days before the lock on which those who have not answered are reminded, for the cycles that are there.
REMIND = timedelta(days=14)
DAY = timedelta(days=1)

CYCLES = sa.table(
    "cycle",
    sa.column("id", sa.Integer),
    sa.column("name", sa.String),
    sa.column("opens_on", sa.Date),
    sa.column("reminds_on", sa.Date),
    sa.column("locks_on", sa.Date),
    sa.column("closes_on", sa.Date),
)
PLACES = sa.table(
    "priority",
    sa.column("organisation_id", sa.Integer),
    sa.column("cycle_id", sa.Integer),
    sa.column("rank", sa.Integer),
    sa.column("need_id", sa.Integer),
)


def upgrade() -> None:
    # Made anew with their rows, not altered: SQLite can neither drop a constraint nor add one.
    cycles = _rows(sa.select(CYCLES.c.id, CYCLES.c.name, CYCLES.c.opens_on, CYCLES.c.closes_on))
    places = _rows(sa.select(PLACES))
    op.drop_table("priority")
    op.drop_table("cycle")
    _create_cycle(
        sa.Column("reminds_on", sa.Date(), nullable=False),
        sa.Column("locks_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "opens_on < reminds_on AND reminds_on <= locks_on AND locks_on <= closes_on",
            name=op.f("ck_cycle_in_order"),
        ),
    )
    _create_priority(
        sa.UniqueConstraint(
            "organisation_id", "cycle_id", "need_id", name=op.f("uq_priority_organisation_id")
        ),
    )
    op.create_index(op.f("ix_priority_cycle_id"), "priority", ["cycle_id"])
    op.create_index(op.f("ix_priority_need_id"), "priority", ["need_id"])
    op.bulk_insert(CYCLES, [dict(cycle) | _dates(cycle) for cycle in cycles])
    op.bulk_insert(PLACES, [dict(place) for place in places])
    _go_on_counting()


def downgrade() -> None:
    # A need keeps the last place that its own organisation gave it: there was room for one.
    kept = sa.text(
        "SELECT p.organisation_id, p.cycle_id, p.rank, p.need_id FROM priority p"
        " JOIN need n ON n.id = p.need_id AND n.organisation_id = p.organisation_id"
        " JOIN cycle c ON c.id = p.cycle_id"
        " WHERE c.opens_on = (SELECT max(d.opens_on) FROM priority q JOIN cycle d ON d.id = q.cycle_id"
        " WHERE q.need_id = p.need_id AND q.organisation_id = p.organisation_id)"
    )
    cycles, places = _rows(sa.select(CYCLES)), _rows(kept)
    op.drop_table("priority")
    op.drop_table("cycle")
    _create_cycle()
    _create_priority(sa.UniqueConstraint("need_id", name=op.f("uq_priority_need_id")))
    old = ("id", "name", "opens_on", "closes_on")
    op.bulk_insert(CYCLES, [{name: cycle[name] for name in old} for cycle in cycles])
    op.bulk_insert(PLACES, [dict(place) for place in places])
    _go_on_counting()


def _rows(statement: sa.Executable) -> Sequence[sa.RowMapping]:
    return op.get_bind().execute(statement).mappings().all()


def _dates(cycle: sa.RowMapping) -> dict[str, date]:
    first: date = cycle["opens_on"]
    # A reminder comes after the first day, so a cycle of one day (nothing forbade it) gets a second.
    last: date = max(cycle["closes_on"], first + DAY)
    return {"locks_on": last, "closes_on": last, "reminds_on": max(last - REMIND, first + DAY)}


def _create_cycle(*more: sa.Column[date] | sa.CheckConstraint) -> None:
    op.create_table(
        "cycle",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle")),
        sa.UniqueConstraint("name", name=op.f("uq_cycle_name")),
        sa.UniqueConstraint("opens_on", name=op.f("uq_cycle_opens_on")),
    )


def _create_priority(unique: sa.UniqueConstraint) -> None:
    op.create_table(
        "priority",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("rank BETWEEN 1 AND 3", name=op.f("ck_priority_top_three")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_priority_cycle_id_cycle")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_priority_need_id_need")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_priority_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "cycle_id", "rank", name=op.f("pk_priority")),
        unique,
    )


def _go_on_counting() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('cycle', 'id'), max(id)) FROM cycle HAVING max(id) > 0"
        )
