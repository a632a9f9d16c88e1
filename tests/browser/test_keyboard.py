"""Publishing without a mouse, and a mistake told in three places."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.organisations.models import Kind
from tests.browser.conftest import Visitor
from tests.factories.needs import make_cycle, make_draft
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user
from tests.factories.signing import name_deputies

MOST_STOPS = 60


class Keyboard:
    """Hands that never leave the keys. Wherever they stop, one sees where they are."""

    def __init__(self, somebody: Visitor) -> None:
        self.somebody = somebody
        self.page = somebody.page

    def to(self, words: str, tag: str = "") -> Keyboard:
        """Press Tab until the thing with these words (or the field with this label) has the focus."""
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            if words in self._focused() and self._tag().endswith(tag):
                assert self._shows_focus(), f"one cannot see that “{words}” has the focus"
                return self
        raise AssertionError(f"Tab does not lead to “{words}” on {self.page.url}")

    def press(self, key: str, *, leads_on: bool = False) -> Keyboard:
        """Press a key; ``leads_on`` when it opens a page."""
        if leads_on:
            with self.page.expect_navigation():
                self.page.keyboard.press(key)
            self.somebody.check()
        else:
            self.page.keyboard.press(key)
        return self

    def type(self, text: str) -> Keyboard:
        """Type where the focus is, in place of what is there."""
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        return self

    def _focused(self) -> str:
        words: str = self.page.evaluate(
            "(() => { const it = document.activeElement;"
            " return [it.labels?.length ? it.labels[0].innerText : '', it.innerText ?? ''].join(' ') })()"
        )
        return words

    def _tag(self) -> str:
        tag: str = self.page.evaluate("document.activeElement.tagName")
        return tag

    def _shows_focus(self) -> bool:
        shown: bool = self.page.evaluate(
            "(() => { const it = document.activeElement, style = getComputedStyle(it),"
            " label = it.labels?.length ? getComputedStyle(it.labels[0], '::before') : style;"
            " return it.matches(':focus-visible') && [style, label].some("
            "   s => s.boxShadow !== 'none' || s.outlineStyle !== 'none') })()"
        )
        return shown


def test_a_need_is_finished_and_submitted_by_keys_alone(
    visitor: Callable[..., Visitor], session: Session
) -> None:
    # given a lead whose need lacks one answer
    make_cycle(session)
    trust = make_organisation(session, Kind.TRUST)
    name_deputies(session, make_draft(session, trust, title="Fewer falls at night", timing=None).ref)
    email = make_user(session, Role.NEED_LEAD, trust).email
    session.rollback()
    somebody = visitor().open("/")
    keys = Keyboard(somebody)
    # when they skip the menu, then they are in the main part
    keys.press("Tab")
    assert "Skip to main content" in keys._focused()
    keys.press("Enter")
    expect(somebody.page.locator("#maincontent")).to_be_focused()
    # when they sign in and follow their next step
    keys.to("Sign in").press("Enter", leads_on=True)
    keys.to("E-mail address").type(email).to("Password").type(PASSWORD).press("Enter", leads_on=True)
    keys.to("Finish your draft").press("Enter", leads_on=True)
    # when they make a mistake, then the focus is on the summary, and its link leads to the field
    keys.to("What do you need?").press("Enter", leads_on=True)
    keys.to("What do you need, in one sentence?").type("x" * 121).press("Enter", leads_on=True)
    expect(somebody.page.locator(".nhsuk-error-summary")).to_be_focused()
    keys.to("Title must be 120 characters or fewer").press("Enter")
    field = somebody.page.get_by_label("What do you need, in one sentence?")
    expect(field).to_be_focused()
    keys.type("Fewer falls").to("Save and come back later").press("Enter", leads_on=True)
    # when they answer what is missing, check it all and submit
    keys.to("When, and is there money?").press("Enter", leads_on=True)
    keys.to("Now").press("Space").to("Save and continue").press("Enter", leads_on=True)
    keys.to("Continue to your top three").press("Enter", leads_on=True)
    keys.to("Fewer falls", "SELECT").press("ArrowDown").to("Submit in this order").press(
        "Enter", leads_on=True
    )
    # then it waits for the sponsor
    somebody.sees("1 need submitted").sees("Waiting for the sponsor")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_mistake_is_told_in_the_title_in_the_summary_and_beside_the_field(
    visitor: Callable[..., Visitor], session: Session, script: bool
) -> None:
    # given a lead at a question with several fields
    draft = make_draft(session, make_organisation(session, Kind.TRUST), how_many=None)
    email = make_user(session, Role.NEED_LEAD, draft.organisation).email
    path = f"/needs/{draft.ref}/questions/people"
    session.rollback()
    lead = visitor(script=script).sign_in(email, PASSWORD).open(path)
    # when one answer is no number and another too long
    lead.fill("Who is affected?", "Residents").fill("How many people?", "lots")
    lead.fill("What does the number count?", "y" * 201).click("Save and continue").picture(
        f"mistakes-{script}"
    )
    # then each is told in the title, in the summary with a link to its field, and beside the field
    assert lead.page.title().startswith("Error: Who is affected, and how many?")
    for label, words in (
        ("How many people?", "How many people must be a whole number, such as 1,200"),
        (
            "What does the number count?",
            "What the number counts must be 200 characters or fewer. Take out 1.",
        ),
    ):
        field = lead.page.get_by_label(label, exact=False)
        link = lead.page.locator(".nhsuk-error-summary").get_by_role("link", name=words)
        assert link.get_attribute("href") == f"#{field.get_attribute('id')}"
        described = (field.get_attribute("aria-describedby") or "").split()
        assert any(words in lead.page.locator(f"[id='{one}']").inner_text() for one in described)
    # and nothing typed is lost
    assert lead.page.get_by_label("Who is affected?").input_value() == "Residents"
    assert lead.page.get_by_label("How many people?").input_value() == "lots"
    assert lead.page.get_by_label("What does the number count?").input_value() == "y" * 201
