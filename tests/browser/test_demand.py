"""Find demand in a browser: as one types, without JavaScript, on a phone, and by an address that was kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, timedelta

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.demand import emails
from marketplace.demand.models import SavedSearch
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind, Organisation
from marketplace.vocabulary import CareSetting, ClinicalArea
from marketplace.web.limits import Turns
from tests.browser.conftest import Visitor
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user

BOTH_WAYS = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


@pytest.fixture
def trust(session: Session, reindex: Callable[[], None]) -> Organisation:
    make_cycle(session, name="Spring")
    region = make_organisation(session, Kind.REGION, name="North")
    trust = make_organisation(session, Kind.TRUST, name="Fernside NHS Trust", region_id=region.id)
    make_need(session, trust, title="Fewer falls in care homes")
    make_need(session, trust, rank=2, title="Faster scans for cancer", problem="Waiting for scans",
              clinical_area=ClinicalArea.CANCER, care_setting=CareSetting.DIAGNOSTIC_CENTRE)  # fmt: skip
    reindex()
    return trust


@pytest.mark.usefixtures("trust")
def test_demand_is_searched_as_one_types_and_can_be_bookmarked(visitor: Callable[..., Visitor]) -> None:
    somebody = visitor().open("/demand").sees("2 needs").picture("demand")
    # when a person types
    box = somebody.page.get_by_label("Search by problem")
    box.press_sequentially("faster scans", delay=20)
    # then the list follows, the box keeps the focus, and the address can be kept
    somebody.sees("for “faster scans”")
    assert box.evaluate("box => box === document.activeElement")
    somebody.page.wait_for_url("**/demand?q=faster+scans")
    somebody.check().picture("demand-found")
    # when they choose filters instead
    box.fill("")
    somebody.sees("2 needs")
    somebody.page.locator("summary", has_text="Clinical area").click()
    somebody.page.locator("summary", has_text="Care setting").click()
    choice = somebody.page.get_by_label("Cancer (1)")
    choice.check()
    somebody.sees("1 need with these filters")
    # then what was unfolded stays so, and the focus where it was
    assert choice.evaluate("choice => choice === document.activeElement")
    expect(
        somebody.page.get_by_label("Diagnostic department or community diagnostic centre (1)")
    ).to_be_visible()
    somebody.check().picture("demand-filtered")
    somebody.page.wait_for_url("**/demand?area=cancer")
    # and somebody else sees the same under that address, also without script
    kept = somebody.page.url.removeprefix(somebody.address)
    other = visitor(script=False).open(kept).sees("1 need with these filters")
    assert other.page.get_by_role("heading", level=3).all_inner_texts() == ["Faster scans for cancer"]


@BOTH_WAYS
@pytest.mark.usefixtures("trust")
def test_everybody_finds_demand_in_their_own_words(visitor: Callable[..., Visitor], script: bool) -> None:
    reader = visitor(script=script, width=375).open("/")
    if script:
        reader.open("/demand")
    else:
        reader.follow("Find demand")
    box = reader.page.get_by_label("Search by problem")
    if script:
        box.press_sequentially("faster scans", delay=5)
    else:
        box.fill("faster scans")
        reader.click("Search")
    expect(reader.page.get_by_role("status")).to_contain_text("1 need for")
    reader.page.wait_for_url("**/demand?q=faster+scans")
    reader.check().fits().picture(f"demand-phone-{script}")
    # when nothing fits, then the page says so and leads on
    reader.open("/demand?q=zymurgy").sees("No need fits “zymurgy” well")
    expect(reader.page.get_by_role("link", name="Look for technologies for “zymurgy”")).to_be_visible()
    reader.follow("look at all needs").sees("2 needs")


@pytest.mark.usefixtures("trust")
def test_filters_work_without_script(visitor: Callable[..., Visitor]) -> None:
    reader = visitor(script=False).open("/demand")
    reader.page.locator("summary", has_text="Clinical area").click()
    reader.choose("Cancer (1)")
    reader.page.get_by_label("Order").select_option("rank")
    reader.click("Show these needs").sees("1 need with these filters")
    reader.page.wait_for_url("**/demand?area=cancer&sort=rank")
    reader.follow("Remove the filter Cancer").sees("2 needs")
    assert reader.page.get_by_role("heading", level=3).all_inner_texts() == [
        "Fewer falls in care homes",
        "Faster scans for cancer",
    ]


@pytest.mark.usefixtures("trust")
def test_who_searches_too_often_keeps_what_was_found(visitor: Callable[..., Visitor], app: Flask) -> None:
    app.extensions["search_turns"] = Turns(each_minute=1)
    reader = visitor().open("/demand")
    box = reader.page.get_by_label("Search by problem")
    box.fill("faster scans")
    reader.sees("1 need for “faster scans”")
    box.fill("residents fall")
    reader.sees("You have searched very often")
    expect(reader.page.get_by_role("status")).to_have_text("1 need for “faster scans”")
    reader.check().picture("demand-wait")
    reader.open("/demand?q=residents").sees("Wait").picture("demand-wait-page")


def letter_link(session: Session, to: str, part: str) -> str:
    """Return the path of the link in the last letter to an address."""
    session.rollback()
    body = session.scalars(select(Email.body).where(Email.to == to).order_by(Email.id.desc())).first()
    session.rollback()
    found = re.search(rf"http://127\.0\.0\.1:8000(/\S*{part}\S*)", body or "")
    assert found, body
    return found[1]


@BOTH_WAYS
def test_somebody_without_an_account_saves_a_search_and_stops_it(
    visitor: Callable[..., Visitor], app: Flask, session: Session, trust: Organisation, script: bool
) -> None:
    # given somebody who found something
    width = 1280 if script else 375
    reader = visitor(script=script, width=width).open("/demand?area=cancer")
    reader.follow("Save this search and hear of new needs").picture(f"demand-save-{script}")
    # when they leave out their address, then they are told beside it
    reader.click("Save this search").sees("Enter your e-mail address").check()
    reader.fill("E-mail address", "somebody@example.com").choose("Every day, when there is something new")
    reader.click("Save this search").sees("We have sent a message").fits()
    # and the letter's button confirms
    reader.open(letter_link(session, "somebody@example.com", "confirm")).picture(f"demand-confirm-{script}")
    reader.click("Yes, save this search").sees("Your search is saved").fits()
    # when a need is published, then the next morning's letter tells it
    make_need(session, trust, rank=3, title="Earlier cancer scans", clinical_area=ClinicalArea.CANCER)
    session.rollback()
    tomorrow = clock.now().astimezone(clock.LONDON) + timedelta(days=1)
    with app.app_context(), clock.pretend(tomorrow.replace(hour=8).astimezone(UTC)):
        for _ in emails.digests():
            pass
    reader.open(letter_link(session, "somebody@example.com", "by-mail")).picture(f"demand-by-mail-{script}")
    reader.sees("Nothing is new since you saved it").fits()
    reader.fill("Name of this search", "Scans").click("Save changes").sees("Your changes are saved")
    # and one click stops it
    reader.open(letter_link(session, "somebody@example.com", "unsubscribe")).picture(f"demand-stop-{script}")
    reader.click("Stop these e-mails").sees("You will get no more of these e-mails").fits()
    assert session.scalars(select(SavedSearch)).all() == []


@BOTH_WAYS
def test_an_innovator_keeps_searches_and_sees_what_is_new(
    visitor: Callable[..., Visitor], session: Session, trust: Organisation, script: bool
) -> None:
    email = make_user(session, Role.INNOVATOR).email
    session.rollback()
    width = 1280 if script else 375
    reader = visitor(script=script, width=width).sign_in(email, PASSWORD)
    reader.open("/demand?area=frailty").follow("Save this search and hear of new needs")
    reader.fill("Name of this search", "").click("Save this search").sees("Enter a name for this search")
    reader.fill("Name of this search", "Frailty").choose("No e-mails").click("Save this search")
    reader.sees("Your search is saved")
    make_need(session, trust, rank=3, title="Hip fractures seen sooner")
    session.rollback()
    reader.open("/").sees("1 new").picture(f"demand-desk-{script}").follow("Frailty")
    reader.sees("Hip fractures seen sooner").check().fits().picture(f"demand-saved-one-{script}")
    reader.click("I have seen these").sees("Nothing is new for this search now")
    reader.follow("Saved searches").picture(f"demand-saved-{script}").fits().follow("Frailty")
    reader.click("Delete this search").sees("You have not saved a search yet").check()
