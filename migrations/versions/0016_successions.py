"""Create the tables of changes of organisations and of past places, and fill the places from the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PLACES = sa.table(
    "priority",
    sa.column("organisation_id", sa.Integer),
    sa.column("cycle_id", sa.Integer),
    sa.column("rank", sa.Integer),
    sa.column("need_id", sa.Integer),
)
NEEDS = sa.table(
    "need",
    sa.column("id", sa.Integer),
    sa.column("ref", sa.String),
    sa.column("published_at", MOMENT),
    sa.column("withdrawn_at", MOMENT),
)
CYCLES = sa.table("cycle", sa.column("id", sa.Integer), sa.column("closes_on", sa.Date))
EVENTS = sa.table(
    "audit_event",
    sa.column("id", sa.Integer),
    sa.column("at", MOMENT),
    sa.column("action", sa.String),
    sa.column("subject_id", sa.String),
    sa.column("organisation_id", sa.Integer),
    sa.column("detail", sa.JSON),
)
RECORDS = sa.table(
    "places_record",
    sa.column("organisation_id", sa.Integer),
    sa.column("cycle_id", sa.Integer),
    sa.column("needs", sa.JSON),
    sa.column("at", MOMENT),
)


def upgrade() -> None:
    op.add_column("organisation", sa.Column("next_name", sa.String(), nullable=True))
    op.add_column("organisation", sa.Column("renamed_on", sa.Date(), nullable=True))
    op.create_table(
        "succession",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("old_name", sa.String(), nullable=False),
        sa.Column("new_name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_date", sa.Date(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("cancelled_at", MOMENT, nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.CheckConstraint("cancelled_at IS NULL OR settled_at IS NULL", name=op.f("ck_succession_one_end")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_succession")),
        sa.UniqueConstraint("ref", name=op.f("uq_succession_ref")),
    )
    op.create_index(op.f("ix_succession_effective_on"), "succession", ["effective_on"])
    op.create_table(
        "succession_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("succession_id", sa.Integer(), nullable=False),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "share IS NULL OR share BETWEEN 1 AND 100", name=op.f("ck_succession_link_percent")
        ),
        _to("succession_link", "succession_id", "succession"),
        _to("succession_link", "from_id", "organisation"),
        _to("succession_link", "to_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_succession_link")),
        sa.UniqueConstraint(
            "succession_id", "from_id", "to_id", name=op.f("uq_succession_link_succession_id")
        ),
    )
    op.create_index(op.f("ix_succession_link_from_id"), "succession_link", ["from_id"])
    op.create_index(op.f("ix_succession_link_to_id"), "succession_link", ["to_id"])
    op.create_table(
        "succession_choice",
        sa.Column("succession_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("choice", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("chosen_at", MOMENT, nullable=False),
        sa.Column("chosen_by_id", sa.Integer(), nullable=True),
        _to("succession_choice", "succession_id", "succession"),
        sa.PrimaryKeyConstraint("succession_id", "kind", "subject", name=op.f("pk_succession_choice")),
    )
    op.create_table(
        "succession_move",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("succession_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        _to("succession_move", "succession_id", "succession"),
        _to("succession_move", "from_id", "organisation"),
        _to("succession_move", "to_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_succession_move")),
    )
    op.create_index(op.f("ix_succession_move_succession_id"), "succession_move", ["succession_id"])
    op.create_index("ix_succession_move_subject", "succession_move", ["kind", "subject_id"])
    op.create_table(
        "former_code",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        _to("former_code", "organisation_id", "organisation"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_former_code")),
    )
    op.create_index(op.f("ix_former_code_organisation_id"), "former_code", ["organisation_id"])
    op.create_table(
        "places_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("needs", sa.JSON(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _to("places_record", "organisation_id", "organisation"),
        _to("places_record", "cycle_id", "cycle"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places_record")),
    )
    op.create_index("ix_places_record_of", "places_record", ["cycle_id", "organisation_id", "at"])
    _fill()


def downgrade() -> None:
    # A name that is in force is kept; one that lies ahead goes with its column.
    op.execute(
        "UPDATE organisation SET name = next_name WHERE next_name IS NOT NULL AND renamed_on <= CURRENT_DATE"
    )
    for table in (
        "places_record",
        "former_code",
        "succession_move",
        "succession_choice",
        "succession_link",
        "succession",
    ):
        op.drop_table(table)
    op.drop_column("organisation", "renamed_on")
    op.drop_column("organisation", "next_name")


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _rows(statement: sa.Executable) -> Sequence[sa.RowMapping]:
    return op.get_bind().execute(statement).mappings().all()


def _fill() -> None:
    """Write the past places: what the audit trail tells, and what stands now where that differs."""
    needs = {row["ref"]: row for row in _rows(sa.select(NEEDS))}
    closes = {row["id"]: row["closes_on"] for row in _rows(sa.select(CYCLES))}
    held: dict[tuple[int, int], list[int]] = {}
    found: list[dict[str, Any]] = []

    def put(key: tuple[int, int], places: list[int], at: datetime) -> None:
        if held.get(key, []) != places:
            held[key] = places
            found.append({"organisation_id": key[0], "cycle_id": key[1], "needs": places, "at": at})

    told = sa.select(EVENTS).where(EVENTS.c.action.in_(("top-three.published", "need.withdrawn")))
    for event in _rows(told.order_by(EVENTS.c.id)):
        if event["action"] == "top-three.published":
            cycle_id = event["detail"].get("cycle")
            if cycle_id in closes and event["organisation_id"] is not None:
                refs = event["detail"].get("refs", [])
                places = [needs[ref]["id"] for ref in refs if ref in needs]
                put((event["organisation_id"], cycle_id), places, event["at"])
        elif event["subject_id"] in needs:
            gone = needs[event["subject_id"]]["id"]
            for key, places in list(held.items()):
                if gone in places and closes[key[1]] >= event["at"].date():
                    put(key, [one for one in places if one != gone], event["at"])
    now: dict[tuple[int, int], dict[int, int]] = {}
    for row in _rows(sa.select(PLACES)):
        now.setdefault((row["organisation_id"], row["cycle_id"]), {})[row["rank"]] = row["need_id"]
    moments = {row["id"]: row["published_at"] for row in needs.values()}
    for key, ranked in sorted(now.items()):
        places = [ranked.get(rank, 0) for rank in range(1, max(ranked) + 1)]
        since = [moments[one] for one in places if moments.get(one) is not None]
        if since:
            put(key, places, max([*since, *(row["at"] for row in found if _same(row, key))]))
    if found:
        op.bulk_insert(RECORDS, found)


def _same(row: dict[str, Any], key: tuple[int, int]) -> bool:
    return (row["organisation_id"], row["cycle_id"]) == key
