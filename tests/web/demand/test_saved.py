"""Saved searches as people meet them: on pages, in letters, and with one click without signing in."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.demand import actions
from marketplace.demand.models import SavedSearch, ToldItem
from marketplace.demand.saving import Frequency
from marketplace.notices import actions as notices
from marketplace.notices.models import Email
from marketplace.web.limits import Turns
from marketplace.web.search import Found
from tests.conftest import Browser, statements
from tests.factories.demand import make_saved
from tests.factories.needs import make_cycle, make_need
from tests.factories.people import make_user
from tests.fakes.smtp import FakeMailServer

FORM: dict[str, object] = {"name": "Falls", "frequency": "weekly"}


def letters(session: Session, to: str) -> list[Email]:
    session.rollback()
    return list(session.scalars(select(Email).where(Email.to == to).order_by(Email.id)))


def link(body: str, part: str) -> str:
    found = re.search(rf"http://127\.0\.0\.1:8000(/\S*{part}\S*)", body)
    assert found, body
    return found[1]


def saved(session: Session) -> list[SavedSearch]:
    session.rollback()
    return list(session.scalars(select(SavedSearch).order_by(SavedSearch.id)))


def told(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(ToldItem)) or 0


# With an account


def test_a_person_saves_a_search_and_sees_what_is_new_since(browser: Browser, session: Session) -> None:
    make_cycle(session)
    make_need(session, title="There before")
    browser.sign_in(make_user(session, Role.INNOVATOR))
    browser.get("/demand?area=frailty&page=1")
    browser.get("/demand/save?area=frailty")
    assert "It looks for clinical area: Older people and frailty." in browser.text
    browser.post("/demand/save?area=frailty", FORM)
    assert "Your search is saved." in browser.text
    assert "Nothing is new since you saved it" in browser.text
    (search,) = saved(session)
    assert (search.query, search.name, search.frequency) == ("area=frailty", "Falls", Frequency.WEEKLY)
    # when a need is published, it is new until the person has seen it
    make_need(session, title="Came after")
    make_need(session, title="Something else", clinical_area="cancer")
    browser.get("/demand/saved")
    assert "Falls 1 new" in browser.text
    browser.get(f"/demand/saved/{search.ref}")
    assert "Came after New" in browser.text
    assert "There before" not in browser.text
    assert "Something else" not in browser.text
    browser.post(f"/demand/saved/{search.ref}/seen")
    assert "Nothing is new for this search now." in browser.text
    assert "Came after" not in browser.text
    # and no letter was written about any of it
    assert letters(session, search.address) == []


def test_a_search_is_renamed_told_at_other_times_and_deleted(browser: Browser, session: Session) -> None:
    person = make_user(session)
    search = make_saved(session, person)
    make_need(session)
    browser.sign_in(person)
    browser.get(f"/demand/saved/{search.ref}")
    response = browser.post(f"/demand/saved/{search.ref}", {"name": " ", "frequency": "hourly"})
    assert response.status_code == 422
    assert "Enter a name for this search" in browser.text
    browser.post(f"/demand/saved/{search.ref}", {"name": "Other", "frequency": "none"})
    assert [(one.name, one.frequency) for one in saved(session)] == [("Other", Frequency.NONE)]
    browser.post(f"/demand/saved/{search.ref}/seen")
    assert told(session) == 1
    browser.get(f"/demand/saved/{search.ref}")
    browser.post(f"/demand/saved/{search.ref}/delete")
    assert "You have not saved a search yet" in browser.text
    assert saved(session) == []
    assert told(session) == 0


def test_sending_the_form_twice_saves_once(browser: Browser, session: Session) -> None:
    browser.sign_in(make_user(session))
    browser.get("/demand/save?q=falls")
    data = browser.hidden() | FORM
    for _ in range(2):
        assert browser.client.post("/demand/save?q=falls", data=data).status_code == 303
    assert len(saved(session)) == 1


def test_nobody_keeps_more_searches_than_can_be_told(
    browser: Browser, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.demand.saving.SAVED_MOST", 2)
    person = make_user(session)
    for _ in range(2):
        make_saved(session, person)
    browser.sign_in(person)
    browser.get("/demand/save")
    response = browser.post("/demand/save", FORM)
    assert response.status_code == 422
    assert "You have 2 saved searches already. Delete one first" in browser.text


def test_a_list_of_many_searches_asks_no_more_of_the_database(
    app: Flask, browser: Browser, session: Session
) -> None:
    person = make_user(session)
    make_need(session)
    browser.sign_in(person)
    counts = []
    for _ in range(2):
        session.rollback()
        make_saved(session, person)
        make_saved(session, person, query="q=residents")
        browser.get("/demand/saved")
        with statements(app) as sent:
            browser.get("/demand/saved")
        # Each search by words asks whether what this process holds is still true: one row each of two tables.
        fresh = ("index_", "need_version", "FROM stamp")
        counts.append(len([line for line in sent if not any(part in line for part in fresh)]))
    assert counts[0] == counts[1]


def test_an_innovator_finds_on_the_start_page_how_much_is_new(browser: Browser, session: Session) -> None:
    person = make_user(session, Role.INNOVATOR)
    make_saved(session, person, name="Quiet one", query="area=cancer")
    make_saved(session, person, name="Falls here", query="area=frailty")
    for _ in range(2):
        make_need(session)
    browser.sign_in(person)
    browser.get("/")
    assert (
        "Saved searches Falls here E-mails: every day, when there is something new 2 new Quiet one"
        in browser.text
    )
    assert "Nothing new" in browser.text


def test_the_start_page_looks_up_three_searches_and_leads_to_the_others(
    app: Flask, browser: Browser, session: Session
) -> None:
    person = make_user(session, Role.INNOVATOR)
    for number in range(5):
        make_saved(session, person, name=f"Search {number}", query=f"q=word{number}")
    make_need(session)
    looked: list[str] = []

    def found(text: str, *_: object) -> Found:
        looked.append(text)
        return Found((), frozenset())

    browser.sign_in(person)
    app.extensions["need_search"] = found
    looked.clear()
    browser.get("/")
    assert looked == ["word4", "word3", "word2"]
    assert re.findall(r'<a href="/demand/saved">([^<]*)</a>', browser.page) == ["And 2 more saved searches"]


def test_pages_of_saved_searches_take_turns_as_searching_does(
    app: Flask, browser: Browser, session: Session
) -> None:
    person = make_user(session)
    searches = [make_saved(session, person, query=f"q=word{number}").ref for number in range(2)]
    browser.sign_in(person)
    browser.get(f"/demand/saved/{searches[0]}")
    with time_machine.travel(clock.now(), tick=False):
        for path, again in (
            ("/demand/saved", "/demand/saved"),
            (f"/demand/saved/{searches[0]}", f"/demand/saved/{searches[0]}"),
        ):
            app.extensions["search_turns"] = Turns(each_minute=2)
            statuses = [browser.client.get(path).status_code for _ in range(3)]
            assert statuses == ([200, 429, 429] if path == "/demand/saved" else [200, 200, 429])
            assert f'href="{again}">search again' in browser.client.get(path).get_data(as_text=True)
        assert browser.post(f"/demand/saved/{searches[0]}/seen").status_code == 429


# By an address alone


@pytest.fixture
def asked(browser: Browser, session: Session) -> Email:
    make_cycle(session)
    make_need(session, title="There before")
    browser.get("/demand/save?area=frailty")
    browser.post("/demand/save?area=frailty", FORM | {"email": "Somebody@Example.com"})
    assert "We have sent a message" in browser.text
    (letter,) = letters(session, "somebody@example.com")
    return letter


def test_an_address_is_asked_first_and_its_button_confirms(
    browser: Browser, session: Session, asked: Email
) -> None:
    assert "Looks for: clinical area: Older people and frailty" in asked.body
    path = link(asked.body, "confirm")
    # Opening the link, as mail scanners do, changes nothing.
    browser.get(path)
    assert saved(session)[0].confirmed_at is None
    browser.post(path)
    assert "Your search is saved" in browser.text
    (search,) = saved(session)
    assert search.confirmed_at is not None
    assert search.user_id is None
    # A second press says the same, and leads to where it is changed.
    browser.post(path)
    assert len(saved(session)) == 1
    manage = re.search(r'href="(/demand/by-mail/[^"]+)"', browser.page)
    assert manage
    browser.get(manage[1])
    browser.post(manage[1], {"name": "Renamed", "frequency": "daily"})
    assert [(one.name, one.frequency) for one in saved(session)] == [("Renamed", Frequency.DAILY)]


def test_what_is_not_confirmed_is_deleted_with_its_letter_after_three_days(
    app: Flask, browser: Browser, session: Session, asked: Email
) -> None:
    path = link(asked.body, "confirm")
    for days, left in ((2, 1), (4, 0)):
        with time_machine.travel(clock.now() + timedelta(days=days), tick=False), app.app_context():
            actions.prune()
            assert browser.get(path).status_code == (200 if left else 410)
        assert len(saved(session)) == left
    assert letters(session, "somebody@example.com") == []


def test_asking_again_sends_another_link_or_says_that_it_is_saved(
    browser: Browser, session: Session, asked: Email
) -> None:
    def ask() -> Email:
        browser.get("/demand/save?area=frailty")
        browser.post("/demand/save?area=frailty", FORM | {"email": "somebody@example.com"})
        assert "We have sent a message" in browser.text
        return letters(session, "somebody@example.com")[-1]

    again = ask()
    assert len(saved(session)) == 1
    assert browser.get(link(asked.body, "confirm")).status_code == 410
    browser.get(link(again.body, "confirm"))
    browser.post(link(again.body, "confirm"))
    third = ask()
    assert third.subject == "You have saved this search already"
    assert browser.get(link(third.body, "by-mail")).status_code == 200
    assert len(saved(session)) == 1


def test_nobody_is_written_to_over_and_over(browser: Browser, session: Session) -> None:
    for number in range(4):
        browser.get(f"/demand/save?q={number}")
        response = browser.post(f"/demand/save?q={number}", FORM | {"email": "victim@example.com"})
    assert response.status_code == 429
    assert "There were too many tries" in browser.text
    assert len(letters(session, "victim@example.com")) == 3


def test_nobody_can_have_words_of_their_own_sent_to_an_address(browser: Browser, session: Session) -> None:
    where = "/demand/save?q=buy-now.example&area=frailty&organisation=buy-now.example"
    browser.get(where)
    browser.post(where, FORM | {"name": "Buy at buy-now.example", "email": "victim@example.com"})
    (letter,) = letters(session, "victim@example.com")
    assert "buy-now" not in letter.subject + letter.body
    assert "Looks for: clinical area: Older people and frailty\n" in letter.body
    # The page of the link, which only the owner opens, tells all of it.
    browser.get(link(letter.body, "confirm"))
    assert "Buy at buy-now.example" in browser.text
    assert "“buy-now.example”" in browser.text
    browser.get("/demand/save?q=buy-now.example")
    browser.post("/demand/save?q=buy-now.example", FORM | {"email": "victim@example.com"})
    second = letters(session, "victim@example.com")[1]
    assert "buy-now" not in second.body
    assert "Looks for: your search\n" in second.body


def test_a_second_request_changes_nothing_of_a_search_that_waits(
    browser: Browser, session: Session, asked: Email
) -> None:
    browser.get("/demand/save?area=frailty")
    stranger = {"name": "Buy now", "frequency": "daily", "email": asked.to}
    browser.post("/demand/save?area=frailty", stranger)
    assert [(one.name, one.frequency) for one in saved(session)] == [("Falls", Frequency.WEEKLY)]
    letter = letters(session, asked.to)[1]
    assert "E-mails: Every Monday" in letter.body
    assert browser.get(link(letter.body, "confirm")).status_code == 200


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_stranger_does_not_learn_how_many_searches_an_address_has(
    browser: Browser, session: Session, monkeypatch: pytest.MonkeyPatch, confirmed: bool
) -> None:
    monkeypatch.setattr("marketplace.demand.saving.SAVED_MOST", 1)
    make_saved(session, "somebody@example.com", query="area=cancer", confirmed=confirmed)
    browser.get("/demand/save?area=frailty")
    response = browser.post("/demand/save?area=frailty", FORM | {"email": "somebody@example.com"})
    assert response.status_code == 200
    assert "We have sent a message" in browser.text
    assert [one.query for one in saved(session)] == ["area=cancer"]
    # Its owner, and nobody else, is told, where one has proved to be that.
    told_owner = letters(session, "somebody@example.com")
    assert [one.subject for one in told_owner] == ["You have 1 saved searches already"] * confirmed
    for letter in told_owner:
        assert browser.get(link(letter.body, "by-mail")).status_code == 200


@pytest.mark.parametrize("email", ["", "no address", "a@b", "x" * 300 + "@example.com"])
def test_an_address_that_is_none_is_told_beside_its_field(
    browser: Browser, session: Session, email: str
) -> None:
    browser.get("/demand/save?q=falls")
    response = browser.post("/demand/save?q=falls", FORM | {"email": email})
    assert response.status_code == 422
    assert 'href="#email"' in browser.page
    assert 'value="Falls"' in browser.page
    assert saved(session) == []


def test_all_that_is_wrong_is_told_at_once(browser: Browser) -> None:
    browser.get("/demand/save?q=falls")
    assert browser.post("/demand/save?q=falls", FORM | {"name": "", "email": "nobody"}).status_code == 422
    assert "Enter a name for this search" in browser.text
    assert "Enter an e-mail address in the correct format" in browser.text


# Stopping


def stop_path(app: Flask, search: SavedSearch) -> str:
    with app.app_context():
        return actions.stop_link(search.ref).removeprefix("http://127.0.0.1:8000")


def test_one_click_stops_the_letters_of_an_address_and_deletes_all_of_it(
    app: Flask, browser: Browser, session: Session, asked: Email
) -> None:
    (search,) = saved(session)
    path = stop_path(app, search)
    browser.get(path)
    assert len(saved(session)) == 1
    assert "Stop these e-mails" in browser.text
    browser.post(path)
    assert "You will get no more of these e-mails" in browser.text
    assert saved(session) == []
    assert told(session) == 0
    assert letters(session, "somebody@example.com") == []
    for response in (browser.get(path), browser.post(path)):
        assert response.status_code == 200
        assert "You will get no more of these e-mails" in browser.text


def test_an_address_always_gets_letters_until_it_is_deleted(
    app: Flask, browser: Browser, session: Session
) -> None:
    search = make_saved(session, "somebody@example.com")
    with app.app_context():
        manage = f"/demand/by-mail/{actions.token(actions.MANAGE, search.ref)}"
    browser.get(manage)
    assert 'value="weekly"' in browser.page
    assert 'value="none"' not in browser.page
    assert browser.post(manage, {"name": "Falls", "frequency": "none"}).status_code == 422
    assert [one.frequency for one in saved(session)] == [Frequency.DAILY]


def test_an_address_that_gets_no_letters_is_deleted_as_the_page_says(
    app: Flask, browser: Browser, session: Session
) -> None:
    search = make_saved(session, "somebody@example.com", frequency=Frequency.NONE)
    path = stop_path(app, search)
    browser.get(path)
    assert "your address with it" in browser.text
    assert "You will get no more of these e-mails" not in browser.text
    browser.post(path)
    assert "The search is deleted, and your address with it." in browser.text
    assert saved(session) == []


def test_a_mail_program_presses_the_button_without_cookie_or_token(app: Flask, session: Session) -> None:
    search = make_saved(session, "somebody@example.com")
    path = stop_path(app, search)
    response = app.test_client().post(path, data={"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200
    assert saved(session) == []
    # Another website's page cannot press it, whatever it knows.
    other = make_saved(session, "other@example.com")
    foreign = app.test_client().post(stop_path(app, other), headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert len(saved(session)) == 1


def test_a_person_who_stops_the_letters_keeps_the_search(
    app: Flask, browser: Browser, session: Session
) -> None:
    person = make_user(session)
    search = make_saved(session, person)
    browser.post(stop_path(app, search))
    assert "is still among your saved searches" in browser.text
    assert [one.frequency for one in saved(session)] == [Frequency.NONE]


def test_a_link_of_years_ago_still_stops(app: Flask, browser: Browser, session: Session) -> None:
    search = make_saved(session, "somebody@example.com")
    path = stop_path(app, search)
    with time_machine.travel(clock.now() + timedelta(days=3650), tick=False):
        assert browser.post(path).status_code == 200
    assert saved(session) == []


def test_a_changed_link_stops_nothing(app: Flask, browser: Browser, session: Session) -> None:
    search = make_saved(session, "somebody@example.com")
    path = stop_path(app, search)
    with app.app_context():
        manage = actions.token(actions.MANAGE, search.ref)
    # Not the last letter: two of its bits say nothing, so that another letter may stand for the same signature.
    changed = path[:-2] + ("A" if path[-2] != "A" else "B") + path[-1]
    for wrong in (path[:-1], changed, f"/demand/unsubscribe/{manage}"):
        assert browser.post(wrong).status_code == 404
        assert "copy all of it into your browser" in browser.text
    assert len(saved(session)) == 1


def test_letters_say_in_their_headers_how_they_are_stopped(
    app: Flask, session: Session, asked: Email, socket_enabled: None
) -> None:
    id_ = asked.id
    session.rollback()
    with FakeMailServer() as server, app.app_context():
        app.extensions["settings"] = app.extensions["settings"].model_copy(
            update={
                "smtp_host": "127.0.0.1",
                "smtp_port": server.port,
                "smtp_tls": False,
                "public_url": "https://" + "a-long-name." * 6 + "example",
            }
        )
        notices.deliver(id_)
    raw = server.accepted[0]
    message = message_from_bytes(raw.encode(), EmailMessage, policy=policy.default)
    assert message["List-Unsubscribe"] == f"<{asked.stop}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # Not cut or encoded on the way: mail programs read it as it stands.
    assert f"List-Unsubscribe: <{asked.stop}>" in unescape(raw)


def test_letters_about_oneself_cannot_be_stopped(
    app: Flask, browser: Browser, session: Session, socket_enabled: None
) -> None:
    person = make_user(session)
    browser.get("/forgotten-password")
    browser.post("/forgotten-password", {"email": person.email})
    (letter,) = letters(session, person.email)
    id_ = letter.id
    session.rollback()
    with FakeMailServer() as server, app.app_context():
        app.extensions["settings"] = app.extensions["settings"].model_copy(
            update={"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_tls": False}
        )
        notices.deliver(id_)
    assert "List-Unsubscribe" not in server.accepted[0]
