"""The order in which the demo happened."""

from __future__ import annotations

from marketplace.demo import content, timeline
from marketplace.demo.timeline import Moment

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
