from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.accounts.models import User
from marketplace.database import db
from marketplace.organisations.models import Organisation
from tests.conftest import Browser, statements
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.signing import name_deputies, sign_off
from tests.web.needs.reading import assert_told_in_three_places


def test_an_edit_is_published_as_a_new_version_with_its_note(
    app: Flask,
    browser: Browser,
    session: Session,
    lead: User,
    trust: Organisation,
    new_browser: Callable[[], Browser],
) -> None:
    need = make_need(session, trust, title="Old title")
    name_deputies(session, need.ref)
    public = new_browser()
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}")
    browser.post(f"/needs/{need.ref}/edit")
    browser.get(f"/needs/{need.ref}/questions/title")
    browser.post(f"/needs/{need.ref}/questions/title", {"title": "New title"})
    public.get(f"/needs/{need.ref}")
    assert "Old title" in public.text
    assert "New title" not in public.text
    browser.get(f"/needs/{need.ref}/check")
    assert browser.post(f"/needs/{need.ref}/check", {"change_note": ""}).status_code == 422
    assert_told_in_three_places(browser, "Enter what you changed and why", "change_note")
    browser.post(f"/needs/{need.ref}/check", {"change_note": "Clearer <b>words</b>"})
    assert "The new version is submitted" in browser.text
    public.get(f"/needs/{need.ref}")
    assert "Old title" in public.text
    with app.app_context():
        sign_off(db.session, need.ref)
    public.get(f"/needs/{need.ref}")
    assert "New title" in public.text
    assert "Version 2" in public.text
    assert "Clearer &lt;b&gt;words&lt;/b&gt;" in public.page
    public.get(f"/needs/{need.ref}/versions/1")
    assert "Old title" in public.text
    assert "This is version 1. The need has changed since" in public.text


def test_a_withdrawn_need_tells_when_and_why_with_410(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_need(session, trust, title="Quieter wards")
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/withdraw")
    assert browser.post(f"/needs/{need.ref}/withdraw", {"reason": " \u200b "}).status_code == 422
    assert_told_in_three_places(browser, "Enter why you withdraw this need", "reason")
    assert browser.post(f"/needs/{need.ref}/withdraw", {"reason": "r" * 601}).status_code == 422
    assert "r" * 601 in browser.page
    browser.post(f"/needs/{need.ref}/withdraw", {"reason": "We found a <em>shared</em> solution"})
    assert "The need is withdrawn" in browser.text
    browser.client.delete_cookie("demand_signal")
    assert browser.get(f"/needs/{need.ref}").status_code == 410
    assert "Quieter wards" in browser.text
    assert "This need was withdrawn on" in browser.text
    assert "We found a &lt;em&gt;shared&lt;/em&gt; solution" in browser.page
    assert browser.get(f"/needs/{need.ref}/versions/1").status_code == 410
    browser.get("/demand")
    assert "Quieter wards" not in browser.text
    browser.get(f"/organisations/{trust.code}")
    assert "Quieter wards" in browser.text


def test_the_workspace_tells_each_need_its_next_step(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    make_need(session, trust, rank=1, title="Published one")
    make_draft(session, trust, title="Ready one")
    make_draft(session, trust, title="Half written", problem="")
    make_need(session, trust, withdrawn="No longer needed", title="Gone one")
    past = make_cycle(
        session,
        name="Long ago",
        opens_on=clock.today() - timedelta(days=300),
        closes_on=clock.today() - timedelta(days=200),
    )
    make_need(session, trust, cycle=past, title="Older one")
    make_draft(session, title="Somebody else's secret")
    browser.sign_in(lead)
    browser.get("/top-three")
    for words in (
        "1 of 3 published in this cycle", "Rank and submit 1 need that is ready", "First priority Published one",
        "Ready to submit Ready one", "Draft Half written 8 of 9 questions completed",
        "Withdrawn Gone one", "No longer needed",
        "Not yet confirmed for Spring Older one", "It lapses unless you confirm it by",
    ):  # fmt: skip
        assert words in browser.text, words
    assert "Somebody else" not in browser.text


def test_an_organisation_without_needs_says_what_will_appear(browser: Browser, trust: Organisation) -> None:
    browser.get(f"/organisations/{trust.code}")
    assert "Fernside NHS Trust has not published a need in this cycle" in browser.text


def test_the_organisation_page_shows_its_needs_in_order(
    browser: Browser, session: Session, trust: Organisation
) -> None:
    for rank, title in ((2, "Second thing"), (1, "First thing")):
        make_need(session, trust, rank=rank, title=title)
    browser.get(f"/organisations/{trust.code}")
    assert browser.text.index("First priority First thing") < browser.text.index(
        "Second priority Second thing"
    )
    assert "6 within 12 months" in browser.text


def test_no_page_of_a_lead_grows_its_queries_with_the_number_of_needs(
    app: Flask, browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    def sent(path: str) -> int:
        with statements(app) as found:
            browser.get(path)
        return len(found)

    browser.sign_in(lead)
    session.rollback()
    make_need(session, trust, rank=1)
    make_draft(session, trust)
    paths = ("/top-three", f"/organisations/{trust.code}/top-three", f"/organisations/{trust.code}")
    before = [sent(path) for path in paths]
    session.rollback()
    for rank in (2, 3):
        make_need(session, trust, rank=rank)
    for _ in range(5):
        make_draft(session, trust)
        make_need(session, trust, withdrawn="x")
    assert [sent(path) for path in paths] == before
