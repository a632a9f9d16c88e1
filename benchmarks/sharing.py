"""What joins the needs of a filled database, from a seed: families, themes, co-signatures, what fits, and places."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.database import make_engine
from marketplace.families.models import CoSignature, Family, FamilyMember, Theme, ThemeMember
from marketplace.matches.models import NeedFit
from marketplace.needs.models import Cycle, Need, PlacesRecord, Priority

THEMES = 40
#: The needs of each family, and one in so many that are co-signed.
MEMBERS, SIGNED = 5, 10


def share(url: str, seed: int = 20261122) -> None:
    """Give the open needs families of five, themes, co-signatures, and whether anything fits; once.

    Their meaning is made up: what is measured is how long they take to be read and drawn. Every cycle has the record
    of its places, from which past days are read.
    """
    engine = make_engine(url)
    with Session(engine) as session:
        session.connection(execution_options={"writes": True})
        if session.scalar(sa.select(sa.func.count()).select_from(Theme)):
            return
        latest = session.scalars(sa.select(Cycle).order_by(Cycle.opens_on.desc())).first()
        if latest is None:
            raise RuntimeError("the database has not been filled")
        _families(session, random.Random(seed), latest.id)
        _places(session)
        session.commit()
    engine.dispose()


def _families(session: Session, chosen: random.Random, cycle_id: int) -> None:
    now = clock.now()
    needs = session.execute(
        sa.select(Need.id, Need.organisation_id)
        .join(Priority, Priority.need_id == Need.id)
        .where(Priority.cycle_id == cycle_id)
        .order_by(Need.id)
    ).all()
    owners = sorted({owner for _, owner in needs})
    ids = [need_id for need_id, _ in needs]
    chosen.shuffle(ids)
    groups = [ids[at : at + MEMBERS] for at in range(0, len(ids) * 9 // 10, MEMBERS)]
    rows: dict[type, list[dict[str, object]]] = {
        Family: [
            {"id": at, "ref": f"f{at:07x}", "name": "", "created_at": now, "lock_version": 1}
            for at in range(1, len(groups) + 1)
        ],
        Theme: [
            {"id": at, "key": f"theme-{at}", "name": f"A theme called by its words {at}", "said": []}
            for at in range(1, THEMES + 1)
        ],
        FamilyMember: [
            {"need_id": need_id, "family_id": at, "settled": False, "since": now}
            for at, group in enumerate(groups, start=1)
            for need_id in group
        ],
        ThemeMember: [
            {"need_id": need_id, "theme_id": at % THEMES + 1}
            for at, group in enumerate(groups)
            for need_id in group
        ],
        CoSignature: [
            {
                "ref": f"c{at:07x}",
                "need_id": need_id,
                "organisation_id": chosen.choice(owners),
                "cycle_id": cycle_id,
                "version": 1,
                "told_version": 1,
                "note": "",
                "signed_at": now,
            }
            for at, need_id in enumerate(ids[: len(ids) // SIGNED])
        ],
        NeedFit: [
            {
                "need_id": need_id,
                "version": 1,
                "fits": chosen.choice((0, 1, 3)),
                "words_only": False,
                "generation": 1,
                "sequence": 1,
                "looked_at": now,
            }
            for need_id in ids[: len(ids) * 19 // 20]
        ],
    }
    for table, values in rows.items():
        session.execute(sa.insert(table), values)


def _places(session: Session) -> None:
    held: dict[tuple[int, int], list[int]] = defaultdict(list)
    opened = dict(session.execute(sa.select(Cycle.id, Cycle.opens_on)).all())
    for organisation_id, cycle_id, need_id in session.execute(
        sa.select(Priority.organisation_id, Priority.cycle_id, Priority.need_id).order_by(
            Priority.cycle_id, Priority.organisation_id, Priority.rank
        )
    ):
        held[organisation_id, cycle_id].append(need_id)
    noon = clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
    session.execute(
        sa.insert(PlacesRecord),
        [
            {
                "organisation_id": organisation_id,
                "cycle_id": cycle_id,
                "needs": needs,
                "at": noon - (clock.today() - opened[cycle_id]) + timedelta(hours=1),
            }
            for (organisation_id, cycle_id), needs in held.items()
        ],
    )
