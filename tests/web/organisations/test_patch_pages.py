"""The pages of patches and of the registry."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.errors import NotPermitted
from marketplace.organisations import actions
from marketplace.organisations.models import HinPatch, Kind, Organisation
from tests.conftest import Browser
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor, make_user

FACTS = {
    "source": "Board paper",
    "source_date-day": "5",
    "source_date-month": "1",
    "source_date-year": "2026",
}


@pytest.fixture
def hin(session: Session) -> Organisation:
    return make_organisation(session, Kind.HIN, name="Test HIN")


@pytest.fixture
def broker(browser: Browser, session: Session, hin: Organisation) -> Browser:
    browser.sign_in(make_user(session, Role.BROKER, hin))
    session.rollback()  # the test's own session has read from before the sign-in
    return browser


@pytest.fixture
def admin(browser: Browser, session: Session) -> Browser:
    browser.sign_in(make_user(session, Role.ADMINISTRATOR))
    session.rollback()  # the test's own session has read from before the sign-in
    return browser


def rows(session: Session) -> list[tuple[str, date, bool]]:
    session.rollback()
    return [(row.source, row.source_date, row.confirmed) for row in session.scalars(select(HinPatch))]


def test_an_administrator_enters_what_the_hin_covers_with_source_date_and_mark(
    admin: Browser, session: Session, hin: Organisation
) -> None:
    icb = make_organisation(session, name="Test ICB")
    make_organisation(session, Kind.TRUST, parent_id=icb.id)
    path = f"/hins/{hin.code}/patch"
    session.rollback()
    admin.get(path)
    assert "No organisation is entered yet" in admin.text
    admin.post(path, FACTS | {"organisation": icb.code})
    assert "The organisation is added to the patch" in admin.text
    assert "1 integrated care system and 1 trust." in admin.text
    assert "Integrated care system with 1 trust" in admin.text
    assert "Board paper, 5 January 2026" in admin.text
    assert "Unconfirmed" in admin.text
    admin.get(f"{path}/{icb.code}")
    assert 'value="Board paper"' in admin.page
    admin.post(f"{path}/{icb.code}", FACTS | {"source": "Letter", "confirmed": "y"})
    assert rows(session) == [("Letter", date(2026, 1, 5), True)]
    assert "Confirmed" in admin.text
    admin.get(f"{path}/{icb.code}")
    admin.post(f"{path}/{icb.code}/remove")
    assert "no longer in the patch" in admin.text
    assert rows(session) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"organisation": ""}, "Choose an organisation"),
        ({"organisation": "NONE"}, "Choose an organisation from the list"),
        ({"source": ""}, "Enter where you know this from"),
        ({"source": "x" * 301}, "must be 300 characters or fewer. Take out 1."),
        ({"source_date-day": "31", "source_date-month": "2"}, "Date of the source must be a real date"),
        ({"source_date-year": "2099"}, "The date of the source must be today or in the past"),
    ],
)
def test_a_mistake_is_told_twice_and_nothing_typed_is_lost(
    admin: Browser, session: Session, hin: Organisation, change: dict[str, str], words: str
) -> None:
    icb = make_organisation(session)
    path = f"/hins/{hin.code}/patch"
    session.rollback()
    admin.get(path)
    data = FACTS | {"organisation": icb.code} | change
    assert admin.post(path, data).status_code == 422
    assert admin.text.count(words) >= 2  # the list of organisations begins with such words too
    assert f'value="{data["source"]}"' in admin.page or not data["source"]
    assert f'value="{data["source_date-year"]}"' in admin.page
    assert rows(session) == []


def test_an_organisation_that_is_in_the_patch_already_is_told(
    admin: Browser, session: Session, hin: Organisation
) -> None:
    icb = make_organisation(session, name="Test ICB")
    path = f"/hins/{hin.code}/patch"
    session.rollback()
    admin.get(path)
    for _ in range(2):
        response = admin.post(path, FACTS | {"organisation": icb.code})
    assert response.status_code == 422
    assert admin.text.count("Test ICB is in this patch already") == 2
    assert len(rows(session)) == 1


def test_a_broker_reads_the_patch_and_who_changes_it_and_cannot_change_it(
    broker: Browser, session: Session, hin: Organisation
) -> None:
    icb = make_organisation(session, name="Test ICB")
    facts: dict[str, object] = {"source": "Guess", "source_date": date(2026, 1, 1), "confirmed": False}
    session.add(HinPatch(hin_id=hin.id, organisation_id=icb.id, source="Guess", source_date=date(2026, 1, 1)))
    other = make_organisation(session, Kind.TRUST)
    session.commit()
    path = f"/hins/{hin.code}/patch"
    broker.get(path)
    assert "Test ICB" in broker.text
    assert "Unconfirmed" in broker.text
    assert "An administrator of Demand Signal adds, confirms and takes out organisations" in broker.text
    assert "Add to the patch" not in broker.text
    assert f"{path}/{icb.code}" not in broker.page
    assert broker.post(path, FACTS | {"organisation": other.code}).status_code == 403
    assert broker.post(f"{path}/{icb.code}", FACTS | {"confirmed": "y"}).status_code == 403
    assert broker.post(f"{path}/{icb.code}/remove").status_code == 403
    actor = make_actor(session, Role.BROKER, hin)
    with broker.client.application.app_context():
        for act in (
            lambda: actions.add_to_patch(actor, hin.code, other.code, **facts),
            lambda: actions.change_patch(actor, hin.code, icb.code, **facts | {"confirmed": True}),
            lambda: actions.remove_from_patch(actor, hin.code, icb.code),
        ):
            with pytest.raises(NotPermitted):
                act()
    assert rows(session) == [("Guess", date(2026, 1, 1), False)]


def test_a_broker_sees_the_own_hin_and_an_administrator_all_fifteen(
    broker: Browser, session: Session, hin: Organisation, new_browser: object
) -> None:
    with broker.client.application.app_context():
        actions.load_reference()
        actions.load_demo_patches()
    broker.get("/hins")
    assert "Test HIN" in broker.text
    assert "UCLPartners" not in broker.text
    session.rollback()
    admin: Browser = new_browser()  # type: ignore[operator]
    admin.sign_in(make_user(session, Role.ADMINISTRATOR))
    admin.get("/hins")
    assert "UCLPartners" in admin.text
    assert "Health Innovation East 4 entries, 0 confirmed" in admin.text


def test_the_registry_is_searched_by_name_code_and_kind(browser: Browser, session: Session) -> None:
    browser.sign_in(make_user(session, Role.ADMINISTRATOR))
    with browser.client.application.app_context():
        actions.load_reference()
    browser.get("/organisations")
    assert "The first 25 of more. Narrow your search." in browser.text
    assert "Nothing has been imported yet" in browser.text
    browser.get("/organisations?text=leicester")
    assert "3 organisations" in browser.text
    browser.get("/organisations?text=leicester&kind=icb")
    assert "1 organisation" in browser.text
    assert "code QK1" in browser.text
    browser.get("/organisations?text=rwe")
    assert "University Hospitals of Leicester NHS Trust" in browser.text
    assert "31 August 2024" in browser.text
    browser.get("/organisations?text=100%25_none&kind=nonsense")
    assert "No organisation has this name or code" in browser.text


def test_htmx_gets_the_list_alone(browser: Browser, session: Session) -> None:
    browser.sign_in(make_user(session, Role.ADMINISTRATOR))
    response = browser.client.get(
        "/organisations?text=nothing", headers={"HX-Request": "true", "HX-Request-Type": "partial"}
    )
    text = response.get_data(as_text=True)
    assert "<html" not in text
    assert "0 organisations" in text


@pytest.mark.parametrize("size", [1, 25])
def test_lists_ask_the_database_as_often_for_many_rows_as_for_few(
    app: Flask, browser: Browser, session: Session, size: int
) -> None:
    hin = make_organisation(session, Kind.HIN)
    for _ in range(size):
        icb = make_organisation(session)
        make_organisation(session, Kind.TRUST, parent_id=icb.id)
        session.add(HinPatch(hin_id=hin.id, organisation_id=icb.id, source="x", source_date=date(2026, 1, 1)))
    session.commit()
    browser.sign_in(make_user(session, Role.ADMINISTRATOR))
    statements: list[str] = []

    @event.listens_for(app.extensions["engine"], "before_cursor_execute")
    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            statements.append(statement)

    counts = []
    for path in ("/organisations", "/hins", f"/hins/{hin.code}/patch"):
        statements.clear()
        assert browser.get(path).status_code == 200
        counts.append(len(statements))
    assert counts == [4, 3, 6]
