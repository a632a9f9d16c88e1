"""Where organisations stand, and the needs on the board as facts."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, SERVICE, Actor, Grant
from marketplace.access.policy import Role
from marketplace.errors import NotVisible
from marketplace.needs import queries as needs
from marketplace.organisations.models import (
    FormerCode,
    HinPatch,
    Kind,
    Organisation,
    Succession,
    SuccessionLink,
)
from marketplace.organisations.rules import Change
from marketplace.picture import finder, pages, queries, rules
from marketplace.picture.drawings import grid, hexmap
from marketplace.picture.finder import NETWORKS, UNKNOWN, Wanted
from marketplace.picture.rules import Asked, Held, Register
from tests.conftest import statements
from tests.factories.families import make_co_signature, make_family, make_theme
from tests.factories.fits import make_fit
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation


@pytest.fixture
def region(session: Session) -> Organisation:
    return make_organisation(session, Kind.REGION, name="North")


@pytest.fixture
def icb(session: Session, region: Organisation) -> Organisation:
    return make_organisation(session, Kind.ICB, name="NHS Dale Integrated Care Board", region_id=region.id)


@pytest.fixture
def trusts(session: Session, icb: Organisation, region: Organisation) -> list[Organisation]:
    return [
        make_organisation(session, Kind.TRUST, name=name, parent_id=icb.id, region_id=region.id)
        for name in ("Ash Trust", "Birch Trust")
    ]


def patch(session: Session, hin: Organisation, covered: Organisation) -> None:
    session.add(
        HinPatch(hin_id=hin.id, organisation_id=covered.id, source="test", source_date=date(2026, 1, 1))
    )
    session.commit()


def went_into(
    session: Session,
    starts: list[Organisation],
    end: Organisation,
    *,
    on: date,
    share: int | None = None,
    cancelled_at: datetime | None = None,
    kind: Change = Change.MERGE,
) -> None:
    change = Succession(
        ref=f"change-{end.code}-{'-'.join(start.code for start in starts)}",
        kind=kind,
        effective_on=on,
        source="test",
        source_date=date(2026, 1, 5),
        recorded_at=clock.now(),
        cancelled_at=cancelled_at,
    )
    change.links = [SuccessionLink(from_id=start.id, to_id=end.id, share=share) for start in starts]
    session.add(change)
    session.commit()


def names(place: queries.Place) -> list[str]:
    return [one.name for one in place.members]


def test_an_ics_is_its_board_and_its_trusts(
    session: Session, icb: Organisation, trusts: list[Organisation]
) -> None:
    make_organisation(session, Kind.TRUST, name="A trust elsewhere")
    found = queries.place(Kind.ICB, icb.code)
    assert names(found) == [icb.name, "Ash Trust", "Birch Trust"]
    assert {one.ics for one in found.members} == {icb.code}


def test_a_region_holds_its_boards_and_trusts_also_those_it_knows_by_their_board_alone(
    session: Session, region: Organisation, icb: Organisation, trusts: list[Organisation]
) -> None:
    make_organisation(session, Kind.TRUST, name="Cedar Trust", parent_id=icb.id)
    make_organisation(session, Kind.TRUST, name="Lost Trust", region_id=region.id)
    found = queries.place(Kind.REGION, region.code)
    assert names(found) == [icb.name, "Ash Trust", "Birch Trust", "Cedar Trust", "Lost Trust"]
    assert [one.ics for one in found.members] == [icb.code] * 4 + [""]
    assert {one.region for one in found.members} == {region.code}


def test_a_patch_tells_what_another_network_covers_too(
    session: Session, icb: Organisation, trusts: list[Organisation]
) -> None:
    hin, other = (make_organisation(session, Kind.HIN, name=name) for name in ("HIN One", "HIN Two"))
    patch(session, hin, icb)
    patch(session, other, trusts[1])
    found = queries.place(Kind.HIN, hin.code)
    assert names(found) == ["HIN One", icb.name, "Ash Trust", "Birch Trust"]
    assert found.elsewhere == (trusts[1].code,)
    patch(session, other, icb)
    assert queries.place(Kind.HIN, hin.code).elsewhere == (icb.code, trusts[0].code, trusts[1].code)


@pytest.mark.parametrize("kind", [Kind.ICB, Kind.HIN, Kind.REGION])
def test_a_place_of_another_kind_is_not_there(session: Session, kind: Kind) -> None:
    trust = make_organisation(session, Kind.TRUST)
    for code in (trust.code, "nowhere"):
        with pytest.raises(NotVisible):
            queries.place(kind, code)


def test_facts_are_the_needs_on_the_board_and_no_other(session: Session, icb: Organisation) -> None:
    shown = make_need(session, icb, title="Shown")
    make_draft(session, icb)
    make_need(session, icb, withdrawn="Solved")
    make_need(session, icb, rank=None)
    [fact] = queries.facts(ANONYMOUS)
    assert (fact.ref, fact.title, fact.rank, fact.organisation_id) == (shown.ref, "Shown", 1, icb.id)
    assert (fact.theme, fact.family, fact.register, fact.co_signers) == ("", "", Register.NOT_LOOKED, ())


def test_a_fact_has_theme_family_co_signers_and_what_fits(
    session: Session, icb: Organisation, trusts: list[Organisation]
) -> None:
    need = make_need(session, icb)
    theme, family = make_theme(session, need), make_family(session, need)
    make_co_signature(session, need, trusts[1])
    make_co_signature(session, need, trusts[0], taken_back_at=clock.now())
    make_fit(session, need, 2)
    [fact] = queries.facts(ANONYMOUS)
    assert (fact.theme, fact.family, fact.fits) == (theme.key, family.ref, 2)
    assert fact.co_signers == (trusts[1].id,)


def test_a_family_that_is_no_more_shares_nothing(session: Session, icb: Organisation) -> None:
    need = make_need(session, icb)
    make_family(session, need, dissolved_at=clock.now())
    [fact] = queries.facts(ANONYMOUS)
    assert fact.family == ""


def test_a_new_version_of_a_need_has_not_been_looked_at(session: Session, icb: Organisation) -> None:
    need = make_need(session, icb)
    make_fit(session, need, 0, version=need.version - 1)
    [fact] = queries.facts(ANONYMOUS)
    assert fact.register is Register.NOT_LOOKED


def test_a_place_shows_its_needs_shared_and_alone_and_what_it_co_signs_elsewhere(
    session: Session, icb: Organisation, trusts: list[Organisation]
) -> None:
    shared = [make_need(session, one, title=f"Falls {one.name}") for one in trusts]
    make_family(session, *shared, name="Falls at night")
    alone = make_need(session, icb, title="Alone")
    far = make_need(session, title="Far away")
    make_co_signature(session, far, icb)
    seen = finder.seen(ANONYMOUS, Kind.ICB, icb.code)
    assert [(one.held, [fact.ref for fact in one.facts]) for one in seen.found] == [
        (Held.SHARED, [one.ref for one in shared]),
        (Held.ALONE, [alone.ref]),
    ]
    assert [fact.ref for one in seen.foreign for fact in one.facts] == [far.ref]
    assert seen.families == {
        seen.found[0].family: queries.FamilyFact("Falls at night", 2),
    }


def england(session: Session, region: Organisation, icb: Organisation, trusts: list[Organisation]) -> None:
    """Publish needs everywhere: in a system, in a network, and where the system or the region is not known."""
    cycle = make_cycle(session)
    hin = make_organisation(session, Kind.HIN)
    lost = make_organisation(session, Kind.TRUST, region_id=region.id)
    nowhere = make_organisation(session, Kind.ICB)
    made = [
        make_need(session, one, rank=rank, cycle=cycle)
        for one in (icb, *trusts, hin, lost, nowhere)
        for rank in (1, 2)
    ]
    make_theme(session, *made[:5], name="Falls")
    make_theme(session, made[7], made[9], name="Waiting lists")
    for at, need in enumerate(made[:8]):
        make_fit(session, need, at % 3)


def test_map_grid_and_tables_add_up_to_the_board(
    session: Session,
    app: Flask,
    region: Organisation,
    icb: Organisation,
    trusts: list[Organisation],
) -> None:
    england(session, region, icb, trusts)
    board = len(needs.published_refs(ANONYMOUS))
    assert board == 12
    on = finder.england(ANONYMOUS)
    by_ics, by_theme = finder.by_ics(on, Wanted()), finder.by_theme(on, Wanted())
    assert sum(cell.needs for cell in by_ics.values()) == board
    assert sum(cell.needs for cell in by_theme.values()) == board
    assert by_ics[NETWORKS].needs == by_ics[UNKNOWN].needs == 2
    assert sum(cell.nothing for cell in by_ics.values()) == 3
    assert sum(cell.nothing for cell in by_theme.values()) == 3
    with app.test_request_context():
        page = hexmap.map_page(on, Wanted())
        assert sum(one.needs for one in (*page.lines, *page.beside)) == page.sum.needs == board
        table = grid.themes_page(on, Wanted())
        assert sum(one.needs for one in table.lines) == table.sum.needs == board
        needs_at, at = hexmap.MAP_COLUMNS.index("needs"), grid.THEME_COLUMNS.index("needs")
        assert sum(int(str(row[needs_at])) for row in hexmap.map_rows(on, Wanted())) == board
        assert sum(int(str(row[at])) for row in grid.theme_rows(on, Wanted())) == board
        regions = [
            pages.place_page(finder.seen(ANONYMOUS, Kind.REGION, region.code), Asked(), ""),
        ]
    assert [one.sum.needs for one in regions] == [8]
    assert [sum(part.needs for part in one.parts) for one in regions] == [8]


def test_a_theme_and_the_rest_add_up_to_all(
    session: Session, region: Organisation, icb: Organisation, trusts: list[Organisation]
) -> None:
    england(session, region, icb, trusts)
    on = finder.england(ANONYMOUS)
    parts = [Wanted(theme=theme) for theme in (*on.themes, rules.NO_THEME)]
    sums = [sum(cell.needs for cell in finder.by_ics(on, part).values()) for part in parts]
    assert sums == [5, 2, 5]


def test_a_board_without_a_hexagon_stands_beside_the_map_and_a_future_one_does_not(
    session: Session, app: Flask, region: Organisation
) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    made = make_organisation(session, Kind.ICB, name="NHS New Integrated Care Board", region_id=region.id)
    make_organisation(session, Kind.ICB, name="NHS Planned Integrated Care Board", opened_on=tomorrow)
    make_need(session, made)
    with app.test_request_context():
        page = hexmap.map_page(finder.england(ANONYMOUS), Wanted())
    assert [(one.link.text, one.note, one.needs) for one in page.beside] == [
        ("New", "It has no place on the map yet", 1)
    ]
    assert page.shapes == ()


def test_a_merged_board_stands_on_the_map_where_its_predecessors_stood(
    session: Session, app: Flask, region: Organisation
) -> None:
    today = clock.today()
    closed = [
        make_organisation(session, Kind.ICB, code=code, region_id=region.id, closed_on=today)
        for code in ("QRV", "QMJ")
    ]
    first = make_organisation(session, Kind.ICB, name="NHS First", closed_on=today, region_id=region.id)
    second = make_organisation(session, Kind.ICB, code="nhs-second", name="NHS Second", region_id=region.id)
    went_into(session, closed, first, on=today)
    went_into(session, [first], second, on=today, share=70)
    make_need(session, second)
    with app.test_request_context():
        on = finder.england(ANONYMOUS)
        page, rows = hexmap.map_page(on, Wanted()), hexmap.map_rows(on, Wanted())
    assert on.came_from[second.code] == {"QRV": 70, "QMJ": 70, first.code: 70}
    assert [(one.label, [name for _, _, name in one.hexes]) for one in page.shapes] == [
        (
            "NW London NC London 1. Second, North: 1 organisation, 1 need",
            [("NW", "London"), ("NC", "London")],
        )
    ]
    assert page.beside == ()
    assert [row[-1] for row in rows] == ["yes"]


def test_a_change_that_is_ahead_or_was_cancelled_moves_no_hexagon(session: Session) -> None:
    old = make_organisation(session, Kind.ICB)
    new, other = make_organisation(session, Kind.ICB), make_organisation(session, Kind.ICB)
    went_into(session, [old], new, on=clock.today() + timedelta(days=1))
    went_into(session, [old], other, on=clock.today(), cancelled_at=clock.now())
    assert finder.england(ANONYMOUS).came_from == {}


def test_what_came_by_two_ways_adds_up_and_a_transfer_takes_no_place(session: Session) -> None:
    today = clock.today()
    old, one, two, other, last, taker = (make_organisation(session, Kind.ICB) for _ in range(6))
    for end, share in ((one, 30), (two, 30), (other, 40)):
        went_into(session, [old], end, on=today, share=share, kind=Change.SPLIT)
    went_into(session, [one, two], last, on=today)
    went_into(session, [old], taker, on=today, kind=Change.TRANSFER)
    found = finder.england(ANONYMOUS).came_from
    assert (found[last.code][old.code], found[other.code][old.code]) == (60, 40)
    assert taker.code not in found


def test_a_board_with_a_new_code_keeps_its_hexagon(session: Session, app: Flask) -> None:
    board = make_organisation(session, Kind.ICB, code="QZZ9")
    session.add(FormerCode(code="QNQ", organisation_id=board.id, ended_at=clock.now()))
    session.commit()
    with app.test_request_context():
        page = hexmap.map_page(finder.england(ANONYMOUS), Wanted())
    assert [(one.code, one.label.split(".")[0]) for one in page.shapes] == [("QZZ9", "Frimley – QZZ9")]


def test_a_closed_board_leaves_the_map_when_its_needs_have_gone(session: Session, app: Flask) -> None:
    closed = make_organisation(session, Kind.ICB, code="QJK", closed_on=clock.today())
    make_organisation(session, Kind.ICB, code="QT6")
    need = make_need(session, closed)

    def drawn() -> list[str]:
        with app.test_request_context():
            return [one.code for one in hexmap.map_page(finder.england(ANONYMOUS), Wanted()).shapes]

    assert drawn() == ["QJK", "QT6"]
    need.withdrawn_at, need.withdrawn_reason = clock.now(), "Moved"
    session.commit()
    assert drawn() == ["QT6"]


def test_people_see_more_of_the_needs_whose_matches_they_may_read(
    session: Session, icb: Organisation, trusts: list[Organisation]
) -> None:
    hin = make_organisation(session, Kind.HIN)
    patch(session, hin, icb)

    def somebody(one: Organisation, role: Role) -> Actor:
        return Actor(user_id=1, grants=(Grant(one.id, one.code, one.name, role),))

    assert needs.reads_matches_of(ANONYMOUS) == frozenset()
    assert needs.reads_matches_of(somebody(trusts[0], Role.NEED_LEAD)) == {trusts[0].id}
    assert needs.reads_matches_of(somebody(trusts[0], Role.INNOVATOR)) == frozenset()
    assert needs.reads_matches_of(somebody(hin, Role.BROKER)) == {
        hin.id,
        icb.id,
        *(trust.id for trust in trusts),
    }


def test_the_number_of_queries_does_not_grow(
    session: Session, app: Flask, region: Organisation, icb: Organisation, trusts: list[Organisation]
) -> None:
    def sent() -> list[int]:
        counts = []
        for read in (
            lambda: finder.england(SERVICE),
            lambda: finder.seen(SERVICE, Kind.REGION, region.code),
            lambda: finder.seen(SERVICE, Kind.ICB, icb.code),
        ):
            session.rollback()
            session.expire_all()
            with statements(app) as found:
                read()
            counts.append(len([line for line in found if line.startswith("SELECT")]))
        return counts

    england(session, region, icb, trusts)
    few = sent()
    for number in range(20):
        trust = make_organisation(session, Kind.TRUST, parent_id=icb.id, region_id=region.id)
        need = make_need(session, trust)
        if number % 2:
            make_theme(session, need)
            make_family(session, need)
            make_co_signature(session, need, icb, placed=False)
    assert sent() == few
