from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.audit.models import AuditEvent
from marketplace.needs.models import Priority
from marketplace.organisations.models import Kind, Organisation
from tests.conftest import Browser
from tests.factories.needs import make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.signing import name_deputies
from tests.web.needs.reading import errors_of


def test_a_fourth_need_is_refused_and_the_choices_stay(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    published = [make_need(session, trust, rank=n) for n in (1, 2, 3)]
    fourth = make_draft(session, trust, title="The fourth")
    browser.sign_in(lead)
    browser.get(f"/organisations/{trust.code}/top-three")
    sent = {
        f"place-{published[0].ref}": "2",
        f"place-{published[1].ref}": "3",
        f"place-{published[2].ref}": "",
        f"place-{fourth.ref}": "1",
    }
    assert browser.post(f"/organisations/{trust.code}/top-three", sent).status_code == 422
    assert "must keep a place. To free its place, withdraw it first" in errors_of(browser)[0]
    assert f'href="#place-{published[2].ref}"' in browser.page
    chosen = re.search(rf'name="place-{fourth.ref}".*?value="(\d)" selected', browser.page, re.S)
    assert chosen
    assert chosen[1] == "1"
    forged = sent | {f"place-{published[2].ref}": "4"}
    assert browser.post(f"/organisations/{trust.code}/top-three", forged).status_code == 422
    assert "Choose a place from 1 to 3" in errors_of(browser)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Priority)) == 3


def test_a_place_given_twice_is_told_beside_the_need(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    one, two = make_draft(session, trust), make_draft(session, trust)
    browser.sign_in(lead)
    browser.get(f"/organisations/{trust.code}/top-three")
    browser.post(f"/organisations/{trust.code}/top-three", {f"place-{one.ref}": "1", f"place-{two.ref}": "1"})
    assert errors_of(browser) == ["You gave place 1 to two needs. Choose a different place"]


def test_a_need_withdrawn_while_it_is_ranked_is_told_and_the_other_choices_stay(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    gone, kept = make_need(session, trust, rank=1, title="Gone need"), make_draft(session, trust)
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(f"/organisations/{trust.code}/top-three")
    theirs.get(f"/needs/{gone.ref}/withdraw")
    theirs.post(f"/needs/{gone.ref}/withdraw", {"reason": "Solved"})
    sent = {f"place-{gone.ref}": "1", f"place-{kept.ref}": "2", f"seen-{kept.ref}": "1"}
    assert mine.post(f"/organisations/{trust.code}/top-three", sent).status_code == 422
    assert "“Gone need” was withdrawn on" in errors_of(mine)[0]
    assert re.search(rf'name="place-{kept.ref}".*?value="2" selected', mine.page, re.S)
    assert f'name="place-{gone.ref}"' not in mine.page


def test_a_draft_that_a_colleague_changed_meanwhile_is_not_submitted_unseen(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_draft(session, trust)
    name_deputies(session, need.ref)
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(f"/organisations/{trust.code}/top-three")
    theirs.get(f"/needs/{need.ref}/questions/title")
    theirs.post(f"/needs/{need.ref}/questions/title", {"title": "Surprise"})
    assert mine.post(f"/organisations/{trust.code}/top-three", {f"place-{need.ref}": "1"}).status_code == 422
    assert f"by {colleague.name}" in errors_of(mine)[0]
    assert mine.post(f"/organisations/{trust.code}/top-three", {f"place-{need.ref}": "1"}).status_code == 200


def test_a_second_press_of_submit_has_one_effect(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    name_deputies(session, need.ref)
    browser.sign_in(lead)
    browser.get(f"/organisations/{trust.code}/top-three")
    sent = browser.hidden() | {f"place-{need.ref}": "1"}
    answers = [
        browser.client.post(f"/organisations/{trust.code}/top-three", data=sent).status_code for _ in range(3)
    ]
    assert answers == [303, 303, 303]
    submitted = select(func.count()).where(AuditEvent.action == "top-three.submitted")
    session.rollback()
    assert session.scalar(submitted) == 1


def test_without_an_open_cycle_the_page_says_so(browser: Browser, session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    need = make_draft(session, trust)
    browser.sign_in(make_user(session, Role.NEED_LEAD, trust))
    browser.get(f"/organisations/{trust.code}/top-three")
    assert "No cycle is open yet." in browser.text
    assert "Publish in this order" not in browser.text
    browser.post(f"/organisations/{trust.code}/top-three", {f"place-{need.ref}": "1"})
    assert errors_of(browser) == ["No cycle is open yet. Your drafts are kept until one opens"]
