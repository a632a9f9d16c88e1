"""Families: suggested by the matcher, settled by a HIN, shown to everybody; the same whatever the order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.families import queries, suggesting
from marketplace.families.models import Family, FamilyMember
from marketplace.families.suggesting import suggest, suggest_now
from marketplace.matches import grouping
from marketplace.needs.models import Need, Priority
from marketplace.notices.models import Email
from marketplace.organisations.models import HinPatch, Kind, Organisation
from tests.conftest import Browser, statements
from tests.factories.families import make_co_signature, make_family
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.technologies import make_technology

NewBrowser = Callable[[], Browser]
Reindex = Callable[[], None]

NIGHT = {
    "Elmbrook": "Residents fall at night in their own rooms and nobody sees it.",
    "Fernside": "Nobody sees when residents fall in their rooms at night.",
    "Oakhurst": "At night residents fall in their own rooms, and nobody sees the fall.",
}
PUMPS = {
    "problem": "Infusion pumps are lost and porters search every store for them.",
    "who_affected": "Porters and ward nurses",
    "pathway_today": "A list on paper says which ward had the pump last.",
    "outcome": "A pump is found within five minutes.",
    "measure": "Minutes of searching",
    "baseline": "21",
    "target": "5",
    "must": ("Show the room that a pump is in",),
    "evidence_wanted": (),
    "clinical_area": None,
    "care_setting": None,
    "shift": None,
}


@dataclass
class World:
    needs: dict[str, Need]
    pumps: Need
    hin: Organisation
    broker: User


def falls(session: Session, name: str, *, age: int) -> Need:
    organisation = make_organisation(session, Kind.TRUST, name=name, region_id=region(session).id)
    return make_need(
        session,
        organisation,
        title=f"Falls at night in {name}",
        problem=NIGHT[name],
        published_at=clock.now() - timedelta(days=age),
        how_many=1400,
    )


def region(session: Session) -> Organisation:
    found = session.scalar(select(Organisation).where(Organisation.kind == Kind.REGION))
    return found or make_organisation(session, Kind.REGION, name="North")


@pytest.fixture
def world(session: Session) -> World:
    make_cycle(session)
    needs = {name: falls(session, name, age=20 - place) for place, name in enumerate(NIGHT)}
    pumps = make_need(session, title="Lost infusion pumps", **PUMPS)
    hin = make_organisation(session, Kind.HIN, name="Health Innovation North")
    session.add(cover(hin, needs["Elmbrook"].organisation))
    session.commit()
    return World(needs, pumps, hin, make_user(session, Role.BROKER, hin))


def cover(hin: Organisation, organisation: Organisation) -> HinPatch:
    return HinPatch(
        hin_id=hin.id,
        organisation_id=organisation.id,
        source="test",
        source_date=clock.today(),
        confirmed=True,
    )


def grouped(app: Flask, session: Session, reindex: Reindex) -> dict[str, set[str]]:
    reindex()
    with app.app_context():
        suggest_now()
    return families(session)


def families(session: Session) -> dict[str, set[str]]:
    session.rollback()
    rows = session.execute(
        select(Family.ref, Need.ref)
        .join(FamilyMember, FamilyMember.family_id == Family.id)
        .join(Need, Need.id == FamilyMember.need_id)
    )
    found: dict[str, set[str]] = {}
    for family, need in rows:
        found.setdefault(family, set()).add(need)
    return found


def settle(browser: Browser, ref: str, act: str, **data: object) -> int:
    browser.get(f"/families/{ref}/settle")
    return browser.post(f"/families/{ref}/settle", {"act": act, **data}, follow=False).status_code


def refs(world: World, *names: str) -> set[str]:
    return {world.needs[name].ref for name in names or NIGHT}


def test_like_needs_become_a_family_called_by_its_oldest(
    app: Flask, session: Session, world: World, reindex: Reindex
) -> None:
    assert grouped(app, session, reindex) == {world.needs["Elmbrook"].ref: refs(world)}


def test_a_run_where_nothing_has_changed_does_nothing(
    app: Flask, session: Session, world: World, reindex: Reindex
) -> None:
    grouped(app, session, reindex)
    with app.app_context(), statements(app) as sent:
        for _ in suggest():
            pass
    assert [line for line in sent if line.startswith(("INSERT", "UPDATE", "DELETE"))] == []


def test_a_run_that_looks_up_only_what_has_changed_finds_what_a_whole_run_finds(
    app: Flask, session: Session, world: World, reindex: Reindex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggesting, "REST", 0)
    asked: list[str] = []
    really = grouping.neighbours

    def neighbours(near: grouping.Near, refs: Sequence[str], among: Collection[str]) -> None:
        asked.extend(refs)
        really(near, refs, among)

    monkeypatch.setattr(grouping, "neighbours", neighbours)

    def again() -> dict[str, set[str]]:
        asked.clear()
        reindex()
        with app.app_context():
            for _ in suggest():
                pass
        return families(session)

    again()
    assert set(asked) == {*refs(world), world.pumps.ref}
    lost = make_need(session, title="Lost pumps again", **PUMPS)
    found = again()
    assert asked[0] == lost.ref
    assert not set(asked) & refs(world) or found
    assert found == {
        world.needs["Elmbrook"].ref: refs(world),
        world.pumps.ref: {world.pumps.ref, lost.ref},
    }
    withdraw(session, world.needs["Oakhurst"])
    found = again()
    assert refs(world, "Elmbrook", "Fernside") <= set(asked)
    assert found == grouped(app, session, reindex)
    assert found[world.needs["Elmbrook"].ref] == refs(world, "Elmbrook", "Fernside")


def test_a_family_keeps_its_address_when_needs_come_and_go_even_when_it_empties(
    app: Flask, session: Session, world: World, reindex: Reindex, browser: Browser
) -> None:
    ref = world.needs["Elmbrook"].ref
    grouped(app, session, reindex)
    withdraw(session, world.needs["Elmbrook"])
    assert grouped(app, session, reindex) == {ref: refs(world, "Fernside", "Oakhurst")}
    for name in ("Fernside", "Oakhurst"):
        withdraw(session, world.needs[name])
    assert grouped(app, session, reindex) == {}
    assert browser.get(f"/families/{ref}").status_code == 200
    assert "No need is in this family at present." in browser.text


def withdraw(session: Session, need: Need) -> None:
    session.execute(delete(Priority).where(Priority.need_id == need.id))
    need = session.get_one(Need, need.id)
    need.withdrawn_at, need.withdrawn_reason = clock.now(), "Solved"
    session.commit()


def test_everybody_sees_who_shares_a_family_how_many_people_and_how_the_statements_differ(
    app: Flask, session: Session, world: World, reindex: Reindex, browser: Browser
) -> None:
    signer = make_organisation(session, Kind.ICB, name="Wold")
    make_co_signature(session, world.needs["Fernside"], signer, how_many=600)
    grouped(app, session, reindex)
    browser.get("/families")
    assert "1 family of needs" in browser.text
    assert "4 organisations share it, in North." in browser.text
    browser.get(f"/families/{world.needs['Elmbrook'].ref}")
    assert browser.text.count("Suggested by our matching, not checked yet") == 1
    assert "4 organisations share 3 needs. About 4,800 people in all" in browser.text
    assert "Wold co-signs the need of Fernside, 600 people affected" in browser.text
    assert "How the statements differ" in browser.text
    assert all(said in browser.text for said in NIGHT.values())
    assert "Asked for by all 3" in browser.text
    browser.get(f"/needs/{world.needs['Oakhurst'].ref}")
    assert "This need is one of a family: Falls at night in Elmbrook" in browser.text


def test_what_a_hin_accepts_is_said_and_stays(
    app: Flask, session: Session, world: World, reindex: Reindex, browser: Browser
) -> None:
    ref = world.needs["Elmbrook"].ref
    grouped(app, session, reindex)
    browser.sign_in(world.broker)
    assert settle(browser, ref, "accept") == 303
    browser.get(f"/families/{ref}")
    assert "Settled by Health Innovation North" in browser.text
    assert "not checked yet" not in browser.text
    assert grouped(app, session, reindex) == {ref: refs(world)}


def test_a_need_that_was_taken_out_is_not_put_back(
    app: Flask, session: Session, world: World, reindex: Reindex, browser: Browser
) -> None:
    ref, out = world.needs["Elmbrook"].ref, world.needs["Oakhurst"].ref
    grouped(app, session, reindex)
    browser.sign_in(world.broker)
    assert settle(browser, ref, f"out:{out}") == 303
    assert grouped(app, session, reindex) == {ref: refs(world, "Elmbrook", "Fernside")}


def test_a_dissolved_family_is_never_suggested_again(
    app: Flask, session: Session, world: World, reindex: Reindex, browser: Browser
) -> None:
    ref = world.needs["Elmbrook"].ref
    grouped(app, session, reindex)
    browser.sign_in(world.broker)
    assert settle(browser, ref, "dissolve") == 303
    assert grouped(app, session, reindex) == {}
    browser.get(f"/families/{ref}")
    assert "This family was dissolved: its needs are not the same." in browser.text


def test_a_split_makes_two_families_that_stay_apart_and_a_join_makes_them_one_again(
    app: Flask, session: Session, world: World, reindex: Reindex, browser: Browser
) -> None:
    ref, part = world.needs["Elmbrook"].ref, world.needs["Oakhurst"].ref
    grouped(app, session, reindex)
    browser.sign_in(world.broker)
    assert settle(browser, ref, "split", needs=[part]) == 303
    two = {ref: refs(world, "Elmbrook", "Fernside"), part: {part}}
    assert grouped(app, session, reindex) == two
    assert settle(browser, ref, "join", other=f"https://demand.example/families/{part}?x=1") == 303
    assert grouped(app, session, reindex) == {ref: refs(world)}
    answer = browser.client.get(f"/families/{part}")
    assert (answer.status_code, answer.location) == (301, f"/families/{ref}")


def test_a_need_in_no_family_can_be_put_into_one(
    app: Flask, session: Session, world: World, reindex: Reindex, browser: Browser
) -> None:
    ref = world.needs["Elmbrook"].ref
    grouped(app, session, reindex)
    browser.sign_in(world.broker)
    assert settle(browser, ref, "join", other=world.pumps.ref) == 303
    assert grouped(app, session, reindex) == {ref: refs(world) | {world.pumps.ref}}


@pytest.mark.parametrize(
    ("act", "data", "words"),
    [
        ("join", {"other": "nothing-like-it"}, "Enter the address of another family, or of a published need"),
        ("rename", {"name": ""}, "Enter a name for the family"),
        ("split", {}, "Choose the needs that will be a family of their own"),
        ("other", {}, "Choose what you want to settle"),
    ],
)
def test_what_cannot_be_settled_is_said_in_words(
    session: Session, world: World, browser: Browser, act: str, data: dict[str, object], words: str
) -> None:
    family = make_family(session, *world.needs.values())
    browser.sign_in(world.broker)
    assert settle(browser, family.ref, act, **data) == 422
    assert words in browser.text


def test_of_two_who_settle_at_once_the_second_is_told(
    session: Session, world: World, browser: Browser
) -> None:
    family = make_family(session, *world.needs.values())
    browser.sign_in(world.broker)
    browser.get(f"/families/{family.ref}/settle")
    stale = {"act": "rename", "name": "Mine", "lock_version": "1"}
    assert settle(browser, family.ref, "rename", name="Theirs") == 303
    assert browser.post(f"/families/{family.ref}/settle", stale, follow=False).status_code == 409
    assert "Somebody else settled this family after you opened the page." in browser.text
    session.rollback()
    assert session.scalars(select(Family.name)).one() == "Theirs"


def test_other_hins_with_a_need_in_the_family_are_told(
    session: Session, world: World, browser: Browser
) -> None:
    south = make_organisation(session, Kind.HIN, name="Health Innovation South")
    session.add(cover(south, world.needs["Fernside"].organisation))
    other = make_user(session, Role.BROKER, south)
    family = make_family(session, *world.needs.values())
    browser.sign_in(world.broker)
    settle(browser, family.ref, "rename", name="Unseen falls")
    session.rollback()
    [mail] = session.scalars(select(Email)).all()
    assert (mail.to, mail.subject) == (
        other.email,
        "Health Innovation North has settled a family of needs: “Unseen falls”",
    )


def test_two_settled_families_are_never_joined_by_the_matcher(
    app: Flask, session: Session, world: World, reindex: Reindex
) -> None:
    one = make_family(session, world.needs["Elmbrook"], world.needs["Fernside"], settled=True)
    other = make_family(session, world.needs["Oakhurst"], settled=True)
    assert grouped(app, session, reindex) == {
        one.ref: refs(world, "Elmbrook", "Fernside"),
        other.ref: refs(world, "Oakhurst"),
    }


def test_themes_come_from_the_needs_and_are_counted_by_region(
    app: Flask, session: Session, world: World, reindex: Reindex, browser: Browser
) -> None:
    falls_too = make_need(
        session,
        title="Falls at night on wards",
        problem="Patients fall on wards at night and nobody sees the fall.",
    )
    grouped(app, session, reindex)
    with app.app_context():
        cells = [
            (cell.region_name, cell.organisations, cell.needs) for cell in queries.theme_regions(ANONYMOUS)
        ]
        names = queries.themes()
    if names:
        assert ("North", 3, 3) in cells
        key, name, _ = names[0]
        browser.get(f"/families?theme={key}")
        assert f"about “{name}”" in browser.text
    browser.get("/families?theme=nothing")
    assert "We did not know one of the filters" in browser.text
    assert falls_too.ref


def test_ten_families_cost_as_many_queries_as_one(
    app: Flask, session: Session, world: World, browser: Browser
) -> None:
    make_family(session, *world.needs.values())
    counts = []
    for _ in range(2):
        browser.get("/families")
        with statements(app) as sent:
            browser.get("/families")
        counts.append(len(sent))
        for _number in range(5):
            make_family(session, make_need(session), make_need(session))
    assert counts[0] == counts[1]


def test_technologies_for_a_family_are_shown_to_its_brokers_and_sharers_alone(
    session: Session, world: World, new_browser: NewBrowser, reindex: Reindex
) -> None:
    family = make_family(session, *world.needs.values())
    reindex()
    path = f"/families/{family.ref}/matches"
    sharer = make_user(session, Role.NEED_LEAD, world.needs["Fernside"].organisation)
    stranger = make_user(session, Role.NEED_LEAD)
    statuses = []
    for person in (world.broker, sharer, stranger):
        somebody = new_browser().sign_in(person)
        statuses.append(somebody.client.get(path).status_code)
    assert statuses == [200, 200, 403]


def test_a_share_in_a_family_opens_what_fits_its_own_needs_and_no_others(
    session: Session, world: World, new_browser: NewBrowser, reindex: Reindex
) -> None:
    family = make_family(session, *world.needs.values())
    signer = make_organisation(session, Kind.TRUST, name="Signing Trust")
    make_co_signature(session, world.needs["Oakhurst"], signer)
    make_technology(
        session,
        make_organisation(session, Kind.SUPPLIER),
        name="Night Watch",
        summary="A sensor that sees when residents fall in their own rooms at night.",
        intended_use="A sensor in the room sees when residents fall at night and calls staff to the fall.",
    )
    reindex()
    path = f"/families/{family.ref}/matches"
    seen = {}
    for name, person in (
        ("broker", world.broker),
        ("lead", make_user(session, Role.NEED_LEAD, world.needs["Fernside"].organisation)),
        ("co-signer", make_user(session, Role.NEED_LEAD, signer)),
    ):
        page = new_browser().sign_in(person)
        page.get(path)
        assert "Night Watch" in page.page
        assert "What fits the family’s 2 other needs is for their organisations" in page.page
        assert "Fits 1 of 1 need of the family that you can see matches of" in page.page
        seen[name] = {one for one in NIGHT if f"Falls at night in {one}" in page.page.split("<ol")[-1]}
    assert seen == {"broker": {"Elmbrook"}, "lead": {"Fernside"}, "co-signer": {"Oakhurst"}}


def test_a_broker_finds_the_families_to_check_on_the_start_page(
    session: Session, world: World, browser: Browser
) -> None:
    family = make_family(session, *world.needs.values(), name="Unseen falls")
    browser.sign_in(world.broker).get("/")
    assert "Unseen falls 3 needs, suggested by our matching" in browser.text
    settle(browser, family.ref, "accept")
    browser.get("/")
    assert "Unseen falls" not in browser.text
    assert "When needs of your patch and of others say the same" in browser.text
