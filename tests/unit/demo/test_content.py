"""The demo content: enough of it, within limits, and without contradictions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from marketplace.demo import checks, content
from marketplace.demo.shapes import DemoContent, IntroductionState, PassportState, Role
from marketplace.organisations import reference
from marketplace.vocabulary import Readiness, Shift

DEMO = content.load()


def test_the_content_contradicts_itself_nowhere() -> None:
    assert list(checks.problems_in(DEMO)) == []


def test_at_least_twelve_organisations_of_all_three_kinds_have_their_top_three() -> None:
    ranks = defaultdict(list)
    for need in DEMO.needs:
        ranks[need.organisation].append(need.rank)
    assert len(ranks) >= 12
    assert {
        organisation: sorted(found) for organisation, found in ranks.items() if sorted(found) != [1, 2, 3]
    } == {}
    trusts = {trust.ods_code for trust in reference.trusts()}
    boards = {board.ods_code for board in reference.icbs()}
    networks = {network.slug for network in reference.hins()}
    assert len(ranks.keys() & trusts) >= 3
    assert len(ranks.keys() & boards) >= 3
    assert len(ranks.keys() & networks) >= 3


def test_the_needs_are_spread_over_every_region_and_shift() -> None:
    region_of_board = {board.ods_code: board.region_code for board in reference.icbs()}
    board_of_trust = {trust.ods_code: trust.icb_code for trust in reference.trusts()}
    regions = {
        region_of_board[board_of_trust.get(need.organisation, need.organisation)]
        for need in DEMO.needs
        if not need.organisation.startswith("hin-")
    }
    assert regions == {region.ods_code for region in reference.regions()}
    assert {need.shift for need in DEMO.needs} == set(Shift)


def test_a_need_names_no_product_and_no_supplier() -> None:
    names = [technology.name for technology in DEMO.technologies]
    names += [supplier.name.split()[0] for supplier in DEMO.suppliers]
    for need in DEMO.needs:
        text = " ".join([need.title, need.problem, need.pathway_today, need.outcome, *need.must]).casefold()
        assert [name for name in names if name.casefold() in text] == []


def test_every_figure_about_an_organisation_is_marked_as_made_up() -> None:
    assert [need.key for need in DEMO.needs if not need.how_many_note.endswith("(demo figure)")] == []


def test_there_are_sixty_technologies_of_some_25_suppliers() -> None:
    assert len(DEMO.technologies) >= 60
    assert len(DEMO.suppliers) >= 25
    assert {technology.supplier for technology in DEMO.technologies} == {
        supplier.key for supplier in DEMO.suppliers
    }
    assert {technology.readiness for technology in DEMO.technologies} >= set(Readiness) - {
        Readiness.PROTOTYPE
    }


def test_nothing_on_the_register_is_about_two_of_the_needs() -> None:
    keys = {need.key for need in DEMO.needs}
    assert {"durham-nitrous-oxide", "north-west-coast-supplier-assurance"} <= keys
    texts = [" ".join([t.summary, t.intended_use, *t.claims]).casefold() for t in DEMO.technologies]
    assert [text for text in texts if "nitrous" in text or "questionnaires from" in text] == []


@pytest.mark.parametrize(
    "real",
    [
        "accurx",
        "drdoctor",
        "doccla",
        "huma",
        "oxehealth",
        "kooth",
        "pulsepoint",
        "cinapsis",
        "brainomix",
        "optum",
    ],
)
def test_no_demo_name_is_that_of_a_real_company(real: str) -> None:
    names = [supplier.name for supplier in DEMO.suppliers] + [t.name for t in DEMO.technologies]
    words = {word.casefold() for name in names for word in name.split()}
    assert real not in words


def test_numbers_of_certificates_cannot_be_taken_for_real_ones() -> None:
    numbers = [item.number for t in DEMO.technologies for item in t.evidence if item.number]
    assert [number for number in numbers if not number.startswith("DEMO-")] == []


def test_passports_and_introductions_come_in_every_state() -> None:
    assert {passport.state for passport in DEMO.passports} == set(PassportState)
    assert {introduction.state for introduction in DEMO.introductions} == set(IntroductionState)


def test_one_technology_has_one_passport() -> None:
    assert [key for key, n in Counter(p.technology for p in DEMO.passports).items() if n > 1] == []


def test_every_need_and_technology_has_somebody_to_own_it() -> None:
    leads = {person.organisation for person in DEMO.people if person.role is Role.NEED_LEAD}
    innovators = {person.organisation for person in DEMO.people if person.role is Role.INNOVATOR}
    sharing = {signature.organisation for signature in DEMO.co_signatures}
    assert leads == {need.organisation for need in DEMO.needs} | sharing
    assert innovators == {supplier.key for supplier in DEMO.suppliers}
    contacts = {supplier.contact.email for supplier in DEMO.suppliers}
    assert contacts <= {person.email for person in DEMO.people}


def test_the_sign_in_page_can_offer_every_role_and_every_kind_of_need_lead() -> None:
    shown = Counter(person.role for person in DEMO.people if person.shown)
    assert shown == {
        Role.NEED_LEAD: 3,
        Role.INNOVATOR: 2,
        Role.ASSESSOR: 1,
        Role.BROKER: 1,
        Role.ADMINISTRATOR: 1,
        Role.SPONSOR: 1,
    }


def test_some_needs_and_a_technology_are_still_being_written_at_different_stages() -> None:
    answered = {
        sum(bool(answer) for answer in (draft.title, draft.problem, draft.outcome, draft.must))
        for draft in DEMO.need_drafts
    }
    assert answered == {1, 2, 4}
    shown = {person.organisation for person in DEMO.people if person.shown}
    assert {draft.organisation for draft in DEMO.need_drafts} <= shown
    assert {draft.supplier for draft in DEMO.technology_drafts} <= shown


def changed(**parts: object) -> list[str]:
    return list(checks.problems_in(replace(DEMO, **parts)))  # type: ignore[arg-type]  # parts of any kind


def test_an_unknown_organisation_is_found() -> None:
    wrong = replace(DEMO.needs[0], organisation="ZZZ")
    assert "The need leicester-virtual-ward belongs to ZZZ, which is no known organisation." in changed(
        needs=(wrong, *DEMO.needs[1:])
    )


def test_a_need_given_twice_is_found() -> None:
    problems = changed(needs=(*DEMO.needs, DEMO.needs[0]))
    assert problems == [
        "The need leicester-virtual-ward is there twice.",
        "The pair of organisation and rank RWE 1 is there twice.",
    ]


def test_a_short_problem_is_found() -> None:
    wrong = replace(DEMO.needs[0], problem="Too short.")
    assert changed(needs=(wrong, *DEMO.needs[1:])) == [
        "The problem of leicester-virtual-ward has 2 words, and 60 to 200 are wanted."
    ]


def test_a_passport_whose_dates_say_another_state_is_found() -> None:
    wrong = replace(DEMO.passports[0], expires=-1)
    assert changed(passports=(wrong, *DEMO.passports[1:])) == [
        "The passport of hearthview says valid and its dates say expired."
    ]


def test_a_passport_signed_by_somebody_else_is_found() -> None:
    wrong = replace(DEMO.passports[0], assessor="stephen-oduya")
    assert changed(passports=(wrong, *DEMO.passports[1:])) == [
        "The passport of hearthview is signed by stephen-oduya, who is no assessor of RX1."
    ]


def test_an_introduction_outside_the_brokers_patch_is_found() -> None:
    wrong = replace(DEMO.introductions[0], broker="malcolm-eastwood-ng")
    assert changed(introductions=(wrong, *DEMO.introductions[1:])) == [
        "The introduction leicester-hearthview is for a need outside the patch of malcolm-eastwood-ng."
    ]


def test_a_draft_where_nobody_writes_needs_is_found() -> None:
    wrong = replace(DEMO.need_drafts[0], organisation="RX1")
    assert changed(need_drafts=(wrong, *DEMO.need_drafts[1:])) == [
        "The draft leicester-draft-families belongs to RX1, where nobody writes needs."
    ]


def test_an_introduction_that_nobody_answered_in_time_has_timed_out() -> None:
    waiting = next(i for i in DEMO.introductions if i.state is IntroductionState.PROPOSED)
    assert checks.introduction_state(replace(waiting, proposed=-14)) is IntroductionState.PROPOSED
    assert checks.introduction_state(replace(waiting, proposed=-15)) is IntroductionState.TIMED_OUT


def test_an_empty_demo_has_no_contradictions() -> None:
    assert list(checks.problems_in(DemoContent((), (), ()))) == []
