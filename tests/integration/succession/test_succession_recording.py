"""Changes are recorded by hand or from a file, ahead of their day or after it, and take effect by dates alone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.errors import DomainError
from marketplace.needs.models import Need
from marketplace.notices.models import Email
from marketplace.organisations import lineage
from marketplace.organisations import queries as registry
from marketplace.organisations.actions import load_reference
from marketplace.organisations.models import Kind, Organisation, Succession
from marketplace.organisations.rules import Change
from marketplace.succession import actions, importing, queries
from marketplace.succession.rules import NotReady, State
from tests.factories.organisations import make_organisation
from tests.factories.successions import administrator, make_estate, new, organisation_of, plan

FIRST = date(2026, 4, 1)
MARCH, APRIL = datetime(2026, 3, 31, 12, tzinfo=UTC), datetime(2026, 4, 1, 12, tzinfo=UTC)


def open_names(session: Session) -> set[str]:
    session.rollback()
    return set(
        session.scalars(select(Organisation.name).where(Organisation.kind == Kind.ICB, registry.is_open()))
    )


def test_predecessors_close_and_the_successor_opens_on_the_day_with_nothing_running(session: Session) -> None:
    with time_machine.travel(MARCH, tick=False):
        one, two = make_organisation(session), make_organisation(session)
        names = {one.name, two.name}
        actions.record_change(
            administrator(session), plan(Change.MERGE, [one, two], [new("NHS Merged Test")], on=FIRST)
        )
        assert open_names(session) == names
    with time_machine.travel(APRIL, tick=False):
        assert open_names(session) == {"NHS Merged Test"}


def test_a_new_name_holds_from_its_day_on_in_pages_and_queries(session: Session) -> None:
    with time_machine.travel(MARCH, tick=False):
        one = make_organisation(session, name="NHS Old Test")
        ref = actions.record_change(
            administrator(session), plan(Change.RENAME, [one], [], on=FIRST, new_name="NHS New Test")
        )
        assert (one.name, open_names(session)) == ("NHS Old Test", {"NHS Old Test"})
    with time_machine.travel(APRIL, tick=False):
        assert (one.name, open_names(session)) == ("NHS New Test", {"NHS New Test"})
        change = queries.by_ref(session, ref)
        assert queries.state_of(change) is State.DONE
        assert lineage.name_on(one, [change], date(2026, 3, 31)) == "NHS Old Test"
        assert lineage.name_on(one, [change], FIRST) == "NHS New Test"


def test_a_cancelled_change_leaves_everything_as_it_was(session: Session) -> None:
    one, two = make_organisation(session), make_organisation(session)
    actor = administrator(session)
    ref = actions.record_change(actor, plan(Change.MERGE, [one, two], [new("NHS Merged Test", "QZ9")]))
    actions.cancel(actor, ref)
    assert open_names(session) == {one.name, two.name}
    again = actions.record_change(actor, plan(Change.MERGE, [one, two], [new("NHS Merged Again", "QZ9")]))
    assert queries.by_ref(session, again).successors[0].code == "QZ9"


def test_a_cancelled_change_puts_back_the_day_on_which_an_organisation_was_to_close_anyway(
    session: Session,
) -> None:
    with time_machine.travel(MARCH, tick=False):
        closing, open_ = make_organisation(session, closed_on=date(2026, 9, 30)), make_organisation(session)
        same_day = make_organisation(session, closed_on=FIRST)
        starts = [closing, open_, same_day]
        actor = administrator(session)
        for kind, ends in (
            (Change.MERGE, [new("NHS Merged Test")]),
            (Change.MIXED, [new("NHS East Test"), new("NHS West Test")]),
        ):
            before = [one.closed_on for one in starts]
            ref = actions.record_change(actor, plan(kind, starts, ends, on=FIRST, shares=[50, 50]))
            assert [one.closed_on for one in starts] == [FIRST] * 3
            actions.cancel(actor, ref)
            session.expire_all()
            assert [one.closed_on for one in starts] == before == [date(2026, 9, 30), None, FIRST]
            assert queries.by_ref(session, ref).before == []


def test_a_settled_change_cannot_be_cancelled(session: Session) -> None:
    one, two = make_organisation(session), make_organisation(session)
    actor = administrator(session)
    ref = actions.record_change(actor, plan(Change.MERGE, [one, two], [new("NHS Merged Test")]))
    actions.settle(actor, ref, lock_version=queries.by_ref(session, ref).lock_version)
    with pytest.raises(NotReady):
        actions.cancel(actor, ref)


def test_an_organisation_ends_once(session: Session) -> None:
    one, two, three = (make_organisation(session) for _ in range(3))
    actor = administrator(session)
    actions.record_change(actor, plan(Change.MERGE, [one, two], [new("NHS Merged Test")]))
    with pytest.raises(DomainError, match="recorded already"):
        actions.record_change(actor, plan(Change.MERGE, [one, three], [new("NHS Other Test")]))


def test_no_code_is_made_up_and_the_real_one_takes_the_address_over(session: Session) -> None:
    one, two = make_organisation(session), make_organisation(session)
    actor = administrator(session)
    ref = actions.record_change(actor, plan(Change.MERGE, [one, two], [new("NHS Merged Test")]))
    merged = queries.by_ref(session, ref).successors[0]
    assert (merged.code, merged.ods_code) == ("nhs-merged-test", None)
    with pytest.raises(DomainError, match="published"):
        actions.give_code(actor, "nhs-merged-test", "made up")
    actions.give_code(actor, "nhs-merged-test", "QZ9")
    former = lineage.by_former_code(session, "nhs-merged-test")
    assert former is not None
    assert (former.code, former.ods_code) == ("QZ9", "QZ9")


def test_people_are_told_when_it_is_recorded_and_administrators_when_the_day_has_come(
    session: Session,
) -> None:
    with time_machine.travel(MARCH, tick=False):
        estate, other = make_estate(session), make_organisation(session)
        actor = administrator(session)
        service = organisation_of(session, actor.grants[0].organisation_code)
        service.code = "demand-signal"
        session.commit()
        actions.record_change(
            actor, plan(Change.MERGE, [estate.organisation, other], [new("NHS Merged Test")], on=FIRST)
        )
        assert actions.tell_due() == 0
        told = session.scalars(select(Email.subject)).all()
        assert told == ["Your organisation changes on 1 April 2026"] * 3
    with time_machine.travel(APRIL, tick=False):
        assert (actions.tell_due(), actions.tell_due()) == (1, 0)
        last = session.scalars(select(Email).order_by(Email.id.desc())).first()
        assert last is not None
        assert (last.to, last.subject) == (actor.email, "The handover of 1 April 2026 waits for you")


HEADER = "change,kind,effective_on,from,to,to_name,to_region,share,new_name,source,source_date,note\n"


def test_a_file_of_real_codes_is_read_and_recorded_as_a_whole(session: Session) -> None:
    load_reference()
    text = HEADER + (
        "London,merge,2026-04-01,QRV,,NHS London Test,,,,Statement,2025-09-09,\n"
        "London,merge,2026-04-01,QMJ,,NHS London Test,,,,Statement,2025-09-09,\n"
        "Herts,split,2026-04-01,QM7,,NHS Hertfordshire Test,,60,,Statement,2025-09-09,\n"
        "Herts,split,2026-04-01,QM7,QH8,,,40,,Statement,2025-09-09,To Essex\n"
    )
    found = importing.read(session, text)
    assert found.lines == (2, 4)
    actor = administrator(session)
    refs = actions.record_file(actor, found)
    merger, split = (queries.by_ref(session, ref) for ref in refs)
    assert [one.code for one in merger.predecessors] == ["QRV", "QMJ"]
    assert [(link.successor.name, link.share) for link in split.links] == [
        ("NHS Hertfordshire Test", 60),
        (organisation_of(session, "QH8").name, 40),
    ]
    assert organisation_of(session, "QM7").closed_on == FIRST
    assert merger.successors[0].region_id == organisation_of(session, "QRV").region_id


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("1,melt,2026-04-01,QRV,,A,,,,S,2025-09-09,\n", "Line 2: kind must be one of"),
        ("1,merge,1 April,QRV,,A,,,,S,2025-09-09,\n", "Line 2: effective_on must be a date"),
        ("1,merge,2026-04-01,QXX,,A,,,,S,2025-09-09,\n", "Line 2: The registry holds no organisation"),
        ("1,merge,2026-04-01,QRV,,A,,,,,2025-09-09,\n", "Line 2: Fill in source"),
        ("1,merge,2026-04-01,QRV,,A,,,,S,2025-09-09,\n", "Line 2: A merger needs at least two"),
        (
            "1,split,2026-04-01,QRV,,A,,50,,S,2025-09-09,\n1,split,2026-04-01,QRV,,B,,40,,S,2025-09-09,\n",
            "add up to 90 percent",
        ),
        ("1,split,2026-04-01,QRV,,A,,half,,S,2025-09-09,\n", "Line 2: share must be a whole number"),
        (
            f"1,split,2026-04-01,QRV,,A,,{'9' * 5000},,S,2025-09-09,\n",
            "Line 2: share must be at most 100 percent",
        ),
        ("1,merge,2026-04-01,QRV,ABC,,,,,S,2025-09-09,\n", "Fill in to_name"),
        (
            "1,merge,2026-04-01,QRV,,A,,,,S,2025-09-09,\n1,merge,2026-05-01,QMJ,,A,,,,S,2025-09-09,\n",
            "Line 3: effective_on differs from line 2",
        ),
    ],
)
def test_each_fault_of_a_file_is_told_with_its_line(session: Session, lines: str, wanted: str) -> None:
    load_reference()
    with pytest.raises(importing.FaultyFile) as caught:
        importing.read(session, HEADER + lines)
    assert any(wanted in fault.words for fault in caught.value.faults), caught.value.faults


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", HEADER + '"open\n', HEADER + "x" * 300_000])
def test_a_file_that_is_none_is_refused_in_plain_words(session: Session, text: str) -> None:
    with pytest.raises(importing.FaultyFile):
        importing.read(session, text)


def test_a_merger_and_a_split_of_real_boards_rehearse_with_sums_that_add_up(session: Session) -> None:
    load_reference()
    for code in ("QRV", "QMJ", "QM7"):
        make_estate(session, organisation_of(session, code))
    text = HEADER + (
        "London,merge,2026-04-01,QRV,,NHS London Test,,,,Statement,2025-09-09,\n"
        "London,merge,2026-04-01,QMJ,,NHS London Test,,,,Statement,2025-09-09,\n"
        "Herts,split,2026-04-01,QM7,,NHS Hertfordshire Test,,60,,Statement,2025-09-09,\n"
        "Herts,split,2026-04-01,QM7,QH8,,,40,,Statement,2025-09-09,\n"
    )
    refs = actions.record_file(administrator(session), importing.read(session, text))
    for ref, needs in zip(refs, (14, 7), strict=True):
        found = actions.rehearse(ref)
        for rows in (found.before, found.after):
            assert sum(int(row[3]) for row in rows if row[1] == "need") == needs
        assert {row[0] for row in found.after} & {"QRV", "QMJ", "QM7"} == set()
    assert session.scalars(select(Succession).where(Succession.settled_at.is_not(None))).all() == []
    assert session.scalars(select(Need.organisation_id).distinct()).all() != []
