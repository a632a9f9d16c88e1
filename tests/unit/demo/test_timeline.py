"""The order in which the demo happened."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from marketplace.clock import LONDON
from marketplace.demo import content, timeline
from marketplace.demo.shapes import IntroductionState
from marketplace.demo.timeline import Moment
from marketplace.introductions.rules import answer_by

DEMO = content.load()
MOMENTS = timeline.events(DEMO)


def test_events_go_from_the_oldest_to_today() -> None:
    days = [moment.day for moment in MOMENTS]
    assert days == sorted(days)
    assert days[-1] <= 0


def test_every_entry_happens_once() -> None:
    listed = [m.event.technology.key for m in MOMENTS if isinstance(m.event, timeline.Listed)]
    assert sorted(listed) == sorted(technology.key for technology in DEMO.technologies)
    published = [
        need for m in MOMENTS if isinstance(m.event, timeline.TopThreePublished) for need in m.event.needs
    ]
    assert {need.key for need in published} == {need.key for need in DEMO.needs}
    evidence = [m for m in MOMENTS if isinstance(m.event, timeline.EvidenceAdded)]
    assert len(evidence) == sum(len(technology.evidence) for technology in DEMO.technologies)


def test_an_organisation_publishes_its_three_in_order_of_rank() -> None:
    for moment in MOMENTS:
        if isinstance(moment.event, timeline.TopThreePublished):
            assert [need.rank for need in moment.event.needs] == [1, 2, 3]


def test_a_passport_comes_after_the_listing_and_the_evidence_that_it_relies_on() -> None:
    for passport in DEMO.passports:
        issued = MOMENTS.index(Moment(passport.issued, timeline.PassportIssued(passport)))
        for kind in passport.evidence:
            added = [
                position
                for position, moment in enumerate(MOMENTS)
                if isinstance(moment.event, timeline.EvidenceAdded)
                and moment.event.technology.key == passport.technology
                and moment.event.evidence.type is kind
            ]
            assert max(added) < issued


def test_an_introduction_comes_after_the_need_and_the_technology() -> None:
    known: set[str] = set()
    for moment in MOMENTS:
        event = moment.event
        if isinstance(event, timeline.TopThreePublished):
            known |= {need.key for need in event.needs}
        elif isinstance(event, timeline.Listed):
            known.add(event.technology.key)
        elif isinstance(event, timeline.Proposed):
            assert {event.introduction.need, event.introduction.technology} <= known


def test_evidence_is_added_when_it_exists_and_never_before_the_listing() -> None:
    listed = {m.event.technology.key: m.day for m in MOMENTS if isinstance(m.event, timeline.Listed)}
    for moment in MOMENTS:
        if isinstance(moment.event, timeline.EvidenceAdded):
            event = moment.event
            assert moment.day == max(event.evidence.issued, listed[event.technology.key])


def test_the_history_of_one_introduction_reads_as_it_was_written() -> None:
    [introduction] = [i for i in DEMO.introductions if i.key == "nottingham-lanternsteps"]
    assert introduction.need_side is not None
    assert introduction.supplier_side is not None
    history = [m for m in MOMENTS if getattr(m.event, "introduction", None) == introduction]
    assert history == [
        Moment(-18, timeline.Proposed(introduction)),
        Moment(-16, timeline.SupplierAnswered(introduction, introduction.supplier_side)),
        Moment(-13, timeline.NeedSideAnswered(introduction, introduction.need_side)),
    ]


def test_everybody_joins_before_anything_else_in_the_order_of_the_file() -> None:
    joined = [m for m in MOMENTS if isinstance(m.event, timeline.Joined)]
    assert list(MOMENTS[: len(joined)]) == joined
    assert [m.event.person for m in joined] == list(DEMO.people)
    assert {m.day for m in joined} == {MOMENTS[len(joined)].day - timeline.DAYS_TO_SETTLE}


def test_an_innovator_joins_with_the_company_and_nobody_else_does() -> None:
    companies = {
        m.event.person.organisation: m.event.supplier.name
        for m in MOMENTS
        if isinstance(m.event, timeline.Joined) and m.event.supplier is not None
    }
    assert companies == {supplier.key: supplier.name for supplier in DEMO.suppliers}


def test_the_cycle_is_open_when_a_top_three_is_submitted_and_published() -> None:
    assert DEMO.cycle is not None
    opened = [m.event.cycle for m in MOMENTS if isinstance(m.event, timeline.CycleOpened)]
    assert opened == [*DEMO.past_cycles, DEMO.cycle]
    for moment in MOMENTS:
        if isinstance(
            moment.event, timeline.TopThreeSubmitted | timeline.TopThreePublished | timeline.NeedKept
        ):
            [cycle] = [one for one in opened if one.opened < moment.day <= one.locks]
            if not isinstance(moment.event, timeline.NeedKept):
                back = {one.organisation: one.back for one in DEMO.carried}
                assert opened.index(cycle) == 2 - back.get(moment.event.organisation, 0)


def test_a_top_three_is_submitted_then_approved_then_published() -> None:
    for organisation in {need.organisation for need in DEMO.needs}:
        days = [
            m.day
            for kind in (timeline.TopThreeSubmitted, timeline.TopThreeApproved, timeline.TopThreePublished)
            for m in MOMENTS
            if isinstance(m.event, kind) and m.event.organisation == organisation
        ]
        assert len(days) == 3
        assert days == sorted(set(days))


def test_each_draft_is_begun_on_its_day() -> None:
    begun = {
        m.event.draft.key: m.day
        for m in MOMENTS
        if isinstance(m.event, timeline.NeedDrafted | timeline.TechnologyDrafted)
    }
    assert begun == {draft.key: draft.begun for draft in (*DEMO.need_drafts, *DEMO.technology_drafts)}


@pytest.mark.parametrize("today", [date(2026, 6, 1) + timedelta(days=number) for number in range(7)])
def test_on_every_day_of_the_week_what_waits_is_in_time_and_what_timed_out_is_not(today: date) -> None:
    for one in DEMO.introductions:
        proposed = datetime.combine(today + timedelta(days=one.proposed), time(9), LONDON)
        last = answer_by(proposed).astimezone(LONDON).date()
        answers = [side.day for side in (one.need_side, one.supplier_side) if side is not None]
        answers += [one.withdrawn.day] if one.withdrawn else []
        assert all(today + timedelta(days=answer) < last for answer in answers), one.key
        if one.state in (
            IntroductionState.PROPOSED,
            IntroductionState.NEED_ACCEPTED,
            IntroductionState.SUPPLIER_ACCEPTED,
        ):
            assert last > today, one.key
        if one.state is IntroductionState.TIMED_OUT:
            assert last < today, one.key
