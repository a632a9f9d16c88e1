"""The board's query and the rule about one need say the same on every day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, SERVICE
from marketplace.demand import queries as demand
from marketplace.needs import queries
from marketplace.needs.models import Priority
from marketplace.needs.rounds import Standing
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation

FIRST = date(2026, 1, 5)


def on(day: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=day), time(12), clock.LONDON)


def test_on_every_day_the_board_holds_the_needs_that_stand_and_the_lapsed_ones_are_the_rest(
    session: Session,
) -> None:
    cycles = [
        make_cycle(
            session,
            opens_on=FIRST + timedelta(days=start),
            reminds_on=FIRST + timedelta(days=start + 1),
            locks_on=FIRST + timedelta(days=start + 3),
            closes_on=FIRST + timedelta(days=start + 5),
        )
        for start in (0, 8, 14)
    ]
    trust, neighbour = make_organisation(session), make_organisation(session)
    wanted = {
        "first only": (0,), "kept once": (0, 1), "kept always": (0, 1, 2), "taken up again": (0, 2), "last": (2,)
    }  # fmt: skip
    needs = {}
    for rank, (title, places) in enumerate(wanted.items()):
        owner = trust if rank < 3 else neighbour
        needs[title] = make_need(
            session, owner, rank=rank % 3 + 1, cycle=cycles[places[0]], published_at=on(-1), title=title
        )
        session.add_all(
            Priority(
                organisation_id=owner.id,
                cycle_id=cycles[number].id,
                rank=rank % 3 + 1,
                need_id=needs[title].id,
            )
            for number in places[1:]
        )
    # Somebody else's place neither keeps a need on the board nor shows it twice.
    session.add(
        Priority(organisation_id=neighbour.id, cycle_id=cycles[1].id, rank=3, need_id=needs["first only"].id)
    )
    session.commit()
    seen = []
    for day in range(20):
        with clock.pretend(on(day)):
            board = [need.ref for need in queries.published(ANONYMOUS)]
            assert board == list(dict.fromkeys(board))
            opened = {place for place, cycle in enumerate(cycles) if cycle.opens_on <= clock.today()}
            stands = {}
            for title, need in needs.items():
                # Places of cycles ahead are there in this test alone: nobody can give them.
                if max(wanted[title]) in opened:
                    stood = queries.stand_of(queries.need_for(SERVICE, need.ref))
                    assert stood is not None
                    stands[need.ref] = stood.standing
            lapsed = {
                fact.ref for fact in demand.everything(ANONYMOUS).facts if fact.values[0] == ("lapsed",)
            }
            assert {ref for ref in board if ref in stands} == {
                ref for ref, standing in stands.items() if standing is not Standing.LAPSED
            }
            assert {ref for ref in lapsed if ref in stands} == {
                ref for ref, standing in stands.items() if standing is Standing.LAPSED
            }
            seen.append(needs["first only"].ref in board)
    # Its own cycle until the next opens on day 8, then until that locks at the end of day 11.
    assert seen == [True] * 12 + [False] * 8
