from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from marketplace.accounts.models import User
from marketplace.organisations.models import Organisation
from tests.conftest import Browser
from tests.factories.needs import make_draft, make_need
from tests.web.needs.reading import draft_of


def test_the_second_editor_sees_both_texts_and_can_keep_theirs_or_merge(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_draft(session, trust)
    path = f"/needs/{need.ref}/questions/outcome"
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(path)
    theirs.get(path)
    answer = {"outcome": "O", "measure": "M", "baseline": "B"}
    theirs.post(path, answer | {"target": "Their target"})
    response = mine.post(path, answer | {"target": "My target"})
    assert response.status_code == 409
    assert "This answer was changed while you were writing" in mine.text
    assert f"by {colleague.name}" in mine.text
    assert "<pre>Their target</pre>" in mine.page
    assert "<pre>My target</pre>" in mine.page
    assert draft_of(session, need).target == "Their target"
    response = mine.post(path, answer | {"target": "Merged target"})
    assert response.status_code == 200
    assert draft_of(session, need).target == "Merged target"


def test_a_merged_answer_that_is_wrong_stays_on_the_page(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_draft(session, trust)
    path = f"/needs/{need.ref}/questions/title"
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(path)
    theirs.get(path)
    theirs.post(path, {"title": "Theirs"})
    mine.post(path, {"title": "Mine"})
    assert mine.post(path, {"title": "m" * 121}).status_code == 422
    assert "m" * 121 in mine.page
    assert draft_of(session, need).title == "Theirs"


def test_people_who_answer_different_questions_do_not_collide(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_draft(session, trust)
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(f"/needs/{need.ref}/questions/title")
    theirs.get(f"/needs/{need.ref}/questions/problem")
    theirs.post(f"/needs/{need.ref}/questions/problem", {"problem": "Theirs"})
    assert mine.post(f"/needs/{need.ref}/questions/title", {"title": "Mine"}).status_code == 200
    draft = draft_of(session, need)
    assert (draft.title, draft.problem) == ("Mine", "Theirs")


@pytest.mark.parametrize("act", ["next", "add"])
def test_what_was_typed_is_shown_when_the_draft_was_deleted_meanwhile(
    session: Session,
    trust: Organisation,
    lead: User,
    colleague: User,
    new_browser: Callable[[], Browser],
    act: str,
) -> None:
    need = make_draft(session, trust)
    path = f"/needs/{need.ref}/questions/must"
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(path)
    theirs.get(f"/needs/{need.ref}/discard")
    theirs.post(f"/needs/{need.ref}/discard")
    response = mine.post(path, {"must-0": "My careful words", "must-1": "More of them", "act": act})
    assert response.status_code == 409
    assert "This draft was deleted while you were writing" in mine.text
    assert "My careful words More of them" in mine.text


def test_what_was_typed_is_shown_when_the_need_was_withdrawn_meanwhile(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_need(session, trust)
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(f"/needs/{need.ref}")
    mine.post(f"/needs/{need.ref}/edit")
    mine.get(f"/needs/{need.ref}/questions/title")
    theirs.get(f"/needs/{need.ref}/withdraw")
    theirs.post(f"/needs/{need.ref}/withdraw", {"reason": "We joined a regional scheme"})
    response = mine.post(f"/needs/{need.ref}/questions/title", {"title": "My careful words"})
    assert response.status_code == 409
    assert "Reason: We joined a regional scheme" in mine.text
    assert "My careful words" in mine.text
