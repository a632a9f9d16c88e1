"""The public register: search, filters, paging, and a number of queries that does not grow."""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.organisations.models import Kind
from marketplace.vocabulary import ClinicalArea
from marketplace.web.search import Found
from tests.conftest import Browser, statements
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_user
from tests.factories.technologies import make_evidence, make_technology


def test_the_register_shows_who_offers_what_with_its_badge(browser: Browser, session: Session) -> None:
    supplier = make_organisation(session, Kind.SUPPLIER, name="Silverthrush Ltd")
    with_passport = make_technology(session, supplier, name="Hearthview")
    make_passport(session, with_passport)
    make_technology(session, supplier, name="Stepdown Desk")
    make_technology(session, supplier, name="Secret draft", listed=False)
    browser.get("/technologies")
    assert "2 technologies on the register" in browser.text
    assert "Hearthview Silverthrush Ltd" in browser.text
    assert "Passport: valid" in browser.text
    assert "No passport yet" in browser.text
    assert "Secret draft" not in browser.text


def test_an_empty_register_says_what_will_appear(browser: Browser) -> None:
    browser.get("/technologies")
    assert "0 technologies on the register" in browser.text
    assert "Technologies will appear here as soon as suppliers list them." in browser.text


def test_filters_are_in_the_address_and_stay_chosen(browser: Browser, session: Session) -> None:
    make_technology(session, name="For hearts", clinical_areas=(ClinicalArea.CARDIOVASCULAR,))
    make_technology(session, name="For lungs")
    browser.get("/technologies?clinical_area=cardiovascular&passport=no")
    assert "1 technology found" in browser.text
    assert "For hearts" in browser.text
    assert "For lungs" not in browser.text
    assert '<option value="cardiovascular" selected>' in browser.page
    browser.get("/technologies?clinical_area=cancer")
    assert "0 technologies found" in browser.text
    assert "Take away a filter" in browser.text


def test_an_unknown_filter_is_told_and_the_rest_of_the_page_works(browser: Browser, session: Session) -> None:
    make_technology(session, name="For lungs")
    assert browser.get("/technologies?clinical_area=moon&setting=home").status_code == 422
    assert "Select a clinical area from the list" in browser.text
    assert "For lungs" in browser.text


def test_an_over_long_search_is_told_and_kept(browser: Browser) -> None:
    assert browser.get(f"/technologies?q={'falls+' * 50}").status_code == 422
    assert "What you search for must be 200 characters or fewer. Take out 99." in browser.text
    assert "falls falls" in browser.page


def test_pages_can_be_bookmarked_and_a_page_too_far_is_the_last(browser: Browser, session: Session) -> None:
    for number in range(23):
        make_technology(session, name=f"Kit {number:02}")
    browser.get("/technologies?setting=home")
    assert "Kit 22" in browser.text
    assert "Kit 02" not in browser.text
    assert 'href="/technologies?setting=home&amp;page=2"' in browser.page
    browser.get("/technologies?setting=home&page=2")
    assert [name for name in ("Kit 03", "Kit 02", "Kit 00") if name in browser.text] == ["Kit 02", "Kit 00"]
    for page in ("9999999999999999999999", "-1", "x", "²"):
        assert browser.get(f"/technologies?page={page}").status_code == 200


def test_a_search_keeps_the_order_found_and_shows_only_what_is_public(
    app: Flask, browser: Browser, session: Session
) -> None:
    one, two = make_technology(session, name="Kit one"), make_technology(session, name="Kit two")
    archived = make_technology(session, name="Kit gone", archived=True)
    asked: list[tuple[str, Collection[str] | None]] = []

    def search(text: str, limit: int, among: Collection[str] | None = None) -> Found:
        asked.append((text, among))
        return Found(refs=(one.ref, archived.ref, two.ref), fits=frozenset({one.ref}))

    app.extensions["technology_search"] = search
    browser.get("/technologies?q=falls+at+night")
    assert asked == [("falls at night", None)]
    assert "2 technologies found" in browser.text
    assert browser.text.index("Kit one") < browser.text.index("Kit two")
    assert "Kit gone" not in browser.text

    browser.get("/technologies?q=falls&clinical_area=respiratory")
    assert set(asked[1][1] or ()) == {one.ref, two.ref}


def test_a_search_that_fits_nothing_or_compares_words_only_says_so(
    app: Flask, browser: Browser, session: Session
) -> None:
    one = make_technology(session)
    app.extensions["technology_search"] = lambda text, limit, among=None: Found(refs=(one.ref,))
    browser.get("/technologies?q=falls")
    assert "Nothing on the register fits this well. These come nearest." in browser.text
    app.extensions["technology_search"] = lambda text, limit, among=None: Found((one.ref,), degraded=True)
    browser.get("/technologies?q=falls")
    assert "Just now we compare words only, not meaning." in browser.text
    app.extensions["technology_search"] = lambda text, limit, among=None: Found(())
    browser.get("/technologies?q=falls")
    assert "describe in other words what you look for" in browser.text


def test_htmx_gets_the_results_and_the_count_alone(browser: Browser, session: Session) -> None:
    make_technology(session, name="For lungs")
    response = browser.get("/technologies", headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    assert "For lungs" in browser.page
    assert '<p id="count">1 technology on the register</p>' in browser.page
    assert "<html" not in browser.page
    assert "HX-Request-Type" in response.headers["Vary"]


def test_the_number_of_queries_does_not_grow_with_the_register(
    app: Flask, browser: Browser, session: Session
) -> None:
    supplier = make_organisation(session, Kind.SUPPLIER)
    user = make_user(session, Role.INNOVATOR, supplier)

    def add(number: int) -> None:
        session.rollback()
        for _ in range(number):
            one = make_technology(session, supplier)
            make_evidence(session, one)
            make_passport(session, one)

    def count() -> dict[str, int]:
        found = {}
        for address in (
            "/technologies",
            "/technologies?clinical_area=respiratory&passport=yes",
            "/our-technologies",
            "/passports",
        ):
            with statements(app) as sent:
                assert browser.get(address).status_code == 200
            found[address] = len(sent)
        return found

    browser.sign_in(user)
    add(2)
    few = count()
    add(16)
    assert count() == few
    assert max(few.values()) <= 12
