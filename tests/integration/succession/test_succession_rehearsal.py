"""A merger, a split and a new name on real codes, with needs in every state: nothing is lost and nothing doubles.

What belongs to whom is counted by queries that know nothing of the code that moves it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.cycles.queries import answers
from marketplace.cycles.rules import Answer
from marketplace.history import queries as history
from marketplace.needs import queries as needs
from marketplace.needs.models import Need, Priority
from marketplace.organisations import lineage
from marketplace.organisations import queries as registry
from marketplace.organisations.actions import load_reference
from marketplace.organisations.models import HinPatch, Organisation
from marketplace.organisations.rules import Change
from marketplace.succession import actions, placing, queries, staffing
from marketplace.succession.movers.catalogue import MOVERS
from marketplace.succession.rules import UNPLACED, to
from marketplace.succession.wording import kinds
from tests.factories.estates import STATES, Board, Cycles, census, furnish
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.successions import administrator, new, organisation_of, plan

FIRST = date(2026, 4, 1)
MARCH, APRIL = datetime(2026, 3, 31, 12, tzinfo=UTC), datetime(2026, 4, 1, 12, tzinfo=UTC)
LONDON, EAST, WEST = "NHS London Test", "NHS Hertfordshire Test", "NHS West Essex Test"


@dataclass
class World:
    """The registry as it is published, with three furnished boards: two that merge, one that splits."""

    session: Session
    cycles: Cycles
    admin: Actor
    north_west: Board
    north_central: Board
    herts: Board

    def counted(self, *organisations: Organisation) -> Counter[str]:
        self.session.rollback()
        return census(self.session, organisations, [self.cycles.old, self.cycles.before, self.cycles.now])


@pytest.fixture
def world(session: Session) -> Iterator[World]:
    with time_machine.travel(MARCH, tick=False):
        load_reference()
        cycles = Cycles.make(session)
        elsewhere = make_need(session, make_organisation(session), cycle=cycles.now, title="elsewhere")
        codes = ("QRV", "QMJ", "QM7")
        one, two, three = (organisation_of(session, code) for code in codes)
        yield World(
            session,
            cycles,
            administrator(session),
            furnish(session, one, cycles),
            furnish(session, two, cycles, co_signs=elsewhere),
            furnish(session, three, cycles, co_signs=elsewhere),
        )


def choose(world: World, ref: str, kind: str, choices: dict[str, str], fill: str = "suggested") -> None:
    lock = queries.by_ref(world.session, ref).lock_version
    actions.save_choices(world.admin, ref, kind, choices, lock_version=lock, fill=fill)


def choose_places(world: World, ref: str, wanted: dict[tuple[int, str], str]) -> None:
    session = world.session
    contested = placing.contests(session, queries.holdings(session, queries.by_ref(session, ref)))
    for code in {one.successor.code for one in contested}:
        actions.save_places(
            world.admin,
            ref,
            code,
            {
                (contest.cycle.id, one.ref): (wanted.get((contest.cycle.id, one.title), UNPLACED), "")
                for contest in contested
                for one in contest.candidates
                if contest.successor.code == code
            },
            lock_version=queries.by_ref(session, ref).lock_version,
        )


def settle(world: World, ref: str) -> None:
    actions.settle(world.admin, ref, lock_version=queries.by_ref(world.session, ref).lock_version)
    world.session.expire_all()


def of_needs(rows: list[list[str | int]]) -> dict[str, int]:
    """Return how many needs a change's sums hold in each state."""
    found: Counter[str] = Counter()
    for _, kind, state, number in rows:
        if kind == "need":
            found[str(state)] += int(number)
    return dict(found)


def differences(before: Counter[str], after: Counter[str]) -> dict[str, tuple[int, int]]:
    """Return the kinds of which there are not as many after as before."""
    return {
        what: (before[what], after[what]) for what in sorted({*before, *after}) if before[what] != after[what]
    }


def board_on(session: Session, day: date, codes: Collection[str]) -> set[tuple[str, str, int]]:
    """Return ref, owner's name and place of the needs of some organisations on the board of a day."""
    found = history.board_of(session, day)
    return {(one.ref, one.owner.name, one.rank) for one in found.needs if one.owner.code in codes}


def coverage(world: World) -> list[list[Answer]]:
    """Return who had answered in the cycles that are over."""
    return [
        answers(world.session, cycle.id, cycle.closes_on) for cycle in (world.cycles.old, world.cycles.before)
    ]


PER_BOARD = {
    "Draft": 2,
    "Being signed off": 2,
    "Open": 2,
    "Not yet confirmed": 1,
    "Lapsed": 1,
    "Withdrawn": 1,
    "Published, without a place": 1,
}


def test_a_merger_of_two_real_boards_keeps_every_need_in_its_state_and_all_that_hangs_on_it(
    world: World,
) -> None:
    session, cycles = world.session, world.cycles
    starts = [world.north_west.organisation, world.north_central.organisation]
    ref = actions.record_change(world.admin, plan(Change.MERGE, starts, [new(LONDON)], on=FIRST))
    past, answered = board_on(session, MARCH.date(), {"QRV", "QMJ"}), coverage(world)
    assert len(past) == 6
    with time_machine.travel(APRIL, tick=False):
        merged = queries.by_ref(session, ref).successors[0]
        before = world.counted(*starts, merged)
        for mover in MOVERS:
            choose(world, ref, mover.kind, {})
        choose_places(
            world,
            ref,
            {
                (cycles.now.id, "published of QRV"): "1",
                (cycles.now.id, "carried forward of QMJ"): "2",
                (cycles.now.id, "elsewhere"): "3",
                (cycles.before.id, "carried forward of QRV"): "1",
                (cycles.before.id, "carried forward of QMJ"): "2",
                (cycles.before.id, "not yet confirmed of QRV"): "3",
            },
        )
        settle(world, ref)
        after = world.counted(merged)

        # Places of the two cycles that make the board of today were chosen anew; those of before are history.
        assert differences(before, after) == {
            f"places in {cycles.now.name}": (6, 3),
            f"places in {cycles.before.name}": (4, 3),
            f"places in {cycles.old.name}": (4, 0),
        }
        left = world.counted(*starts)
        assert {what: number for what, number in left.items() if number} == {
            f"places in {cycles.old.name}": 4
        }
        assert queries.orphans(session) == []

        change = queries.by_ref(session, ref)
        assert of_needs(change.before) == {state: 2 * number for state, number in PER_BOARD.items()}
        assert of_needs(change.after) == of_needs(change.before) | {
            "Open": 2,
            "Not yet confirmed": 2,
            "Published, without a place": 4,
        }
        for kind, was, now in kinds(change.before, change.after):
            assert (was, now) == ((10, 6) if kind == "place" else (was, was)), kind
        assert {row[0] for row in change.after} == {merged.code}

        # Each need stands as it stood, under its new owner, and people find it again.
        owned = session.scalars(select(Need).where(Need.organisation_id == merged.id)).all()
        every = {
            need.id for board in (world.north_west, world.north_central) for need in board.needs.values()
        }
        assert {need.id for need in owned} == every
        lapsed = {need.id for need in needs.lapsed_of(ANONYMOUS, merged.id)}
        assert lapsed == {world.north_west.needs["lapsed"].id, world.north_central.needs["lapsed"].id}
        on_board = {need.id for need in needs.top_three(ANONYMOUS, merged.id)}
        assert on_board == {
            world.north_west.needs["published"].id,
            world.north_west.needs["carried forward"].id,
            world.north_west.needs["not yet confirmed"].id,
            world.north_central.needs["carried forward"].id,
        }
        assert [one.code for one in lineage.successors_of(session, starts[0].id)] == [merged.code]

        # What was public, and who had answered, reads as it did.
        assert board_on(session, MARCH.date(), {"QRV", "QMJ"}) == past
        assert board_on(session, FIRST, {"QRV", "QMJ"}) == set()
        assert {ref for ref, _, _ in board_on(session, FIRST, {merged.code})} == {
            need.ref for need in owned if need.id in on_board
        }
        assert coverage(world) == answered


def test_a_split_of_a_real_board_gives_each_thing_to_the_one_that_was_chosen(world: World) -> None:
    session, cycles, board = world.session, world.cycles, world.herts
    start = board.organisation
    ref = actions.record_change(
        world.admin, plan(Change.SPLIT, [start], [new(EAST), new(WEST)], shares=[60, 40], on=FIRST)
    )
    past, answered = board_on(session, MARCH.date(), {"QM7"}), coverage(world)
    eastward = {"published", "carried forward", "drafted", "approved", "lapsed"}
    with time_machine.travel(APRIL, tick=False):
        east, west = queries.by_ref(session, ref).successors
        before = world.counted(start, east, west)
        holdings = queries.holdings(session, queries.by_ref(session, ref))
        ids = {board.needs[state].id for state in eastward}
        goes = {item.subject: to(east.code if item.id in ids else west.code) for item in holdings.of("need")}
        choose(world, ref, "need", goes)
        # Everybody goes to one of the two, so that roles add up too; the suggestion would be both.
        names = {board.people["lead"].name, board.people["deputy"].name}
        choose(
            world,
            ref,
            "person",
            {
                item.subject: to(east.code if item.title in names else west.code)
                for item in holdings.of("person")
            },
        )
        for mover in MOVERS:
            choose(world, ref, mover.kind, {})
        choose_places(
            world,
            ref,
            {
                (cycles.now.id, "published of QM7"): "1",
                (cycles.now.id, "carried forward of QM7"): "2",
                (cycles.now.id, "elsewhere"): "3",
                (cycles.before.id, "carried forward of QM7"): "1",
                (cycles.before.id, "not yet confirmed of QM7"): "1",
            },
        )
        told = staffing.missing(session, queries.holdings(session, queries.by_ref(session, ref)))
        settle(world, ref)

        gone_east, gone_west = world.counted(east), world.counted(west)
        patches = session.scalars(
            select(HinPatch).where(HinPatch.organisation_id.in_([east.id, west.id]))
        ).all()
        # A network that covered the board covers both; of the two searches, the one by area has room for both.
        assert differences(before, gone_east + gone_west) == {
            "patches": (before["patches"], 2 * before["patches"]),
            f"places in {cycles.old.name}": (2, 0),
        }
        assert {row.confirmed for row in patches} == {False}
        assert world.counted(start)["needs"] == 0
        assert queries.orphans(session) == []
        for state in STATES:
            need = session.get_one(Need, board.needs[state].id)
            assert need.organisation_id == (east.id if state in eastward else west.id), state
        assert (gone_east["questions"], gone_west["questions"]) == (3, 0)
        assert (gone_east["introductions"], gone_west["introductions"]) == (2, 0)
        assert (gone_east["needs"], gone_west["needs"]) == (5, 5)
        assert (gone_east["sponsors"], gone_west["sponsors"]) == (0, 1)

        change = queries.by_ref(session, ref)
        assert of_needs(change.before) == of_needs(change.after) == PER_BOARD
        held = session.execute(
            select(Priority.organisation_id, Priority.rank, Need.id)
            .join(Need, Need.id == Priority.need_id)
            .where(Priority.organisation_id.in_([east.id, west.id]), Priority.cycle_id == cycles.now.id)
            .order_by(Priority.organisation_id, Priority.rank)
        ).all()
        assert [(owner, rank) for owner, rank, _ in held] == [(east.id, 1), (east.id, 2), (east.id, 3)]

        # Who would be missing was told before, and left to people.
        alone = f"4 needs go to {WEST} without the person who leads them."
        assert told == [
            f"{EAST} would have no sponsor, so nobody could approve its needs. Invite one",
            f"{WEST} would have no need lead, so nobody could write its needs or answer for them. Invite one",
            f"{alone} The deputy, or another lead there, is asked to take over",
        ]
        assert board_on(session, MARCH.date(), {"QM7"}) == past
        assert coverage(world) == answered
        assert {one.name for one in lineage.successors_of(session, start.id)} == {EAST, WEST}


def test_a_new_name_of_a_real_board_moves_nothing(world: World) -> None:
    session, board = world.session, world.herts
    own, old_name = board.organisation, board.organisation.name
    before, answered = world.counted(own), coverage(world)
    ref = actions.record_change(world.admin, plan(Change.RENAME, [own], [], on=FIRST, new_name=EAST))
    assert world.counted(own) == before
    with time_machine.travel(APRIL, tick=False):
        assert world.counted(own) == before
        assert own.name == EAST
        assert session.scalars(select(Organisation.code).where(Organisation.name == EAST)).all() == ["QM7"]
        past, now = (board_on(session, day, {"QM7"}) for day in (MARCH.date(), FIRST))
        assert {name for _, name, _ in past} == {old_name}
        assert {name for _, name, _ in now} == {EAST}
        assert {(ref, rank) for ref, _, rank in past} == {(ref, rank) for ref, _, rank in now}
        assert [(a.code, a.named) for rows in coverage(world) for a in rows if a.code == "QM7"] == [
            (a.code, a.named) for rows in answered for a in rows if a.code == "QM7"
        ]
        assert queries.orphans(session) == []
        assert queries.by_ref(session, ref).new_name == EAST
        assert registry.by_code(session, "QM7") is own


def test_hins_that_merge_hand_over_their_patches_and_the_introductions_that_they_broker(world: World) -> None:
    session = world.session
    [hin] = {
        row.hin
        for row in session.scalars(select(HinPatch).where(HinPatch.source == "test"))
        if row.organisation_id == world.herts.organisation.id
    }
    other = organisation_of(session, "hin-east")
    covered = set(
        session.scalars(select(HinPatch.organisation_id).where(HinPatch.hin_id.in_([hin.id, other.id])))
    )
    party = new("Health Innovation Test")
    change = plan(Change.MERGE, [hin, other], [party], on=FIRST)
    ref = actions.record_change(world.admin, change)
    with time_machine.travel(APRIL, tick=False):
        for mover in MOVERS:
            choose(world, ref, mover.kind, {})
        settle(world, ref)
        merged = queries.by_ref(session, ref).successors[0]
        rows = session.scalars(select(HinPatch.organisation_id).where(HinPatch.hin_id == merged.id)).all()
        assert set(rows) == covered
        assert len(rows) == len(covered)
        sums = {kind: (was, now) for kind, was, now in kinds(*_sides(session, ref))}
        assert sums["introduction"] == (2, 2)
        assert queries.orphans(session) == []


def _sides(session: Session, ref: str) -> tuple[list[list[str | int]], list[list[str | int]]]:
    change = queries.by_ref(session, ref)
    return change.before, change.after
