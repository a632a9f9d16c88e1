from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from tests.browser.conftest import Visitor
from tests.factories.people import PASSWORD, make_user


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_the_first_page_fits_every_width(visitor: Callable[..., Visitor], width: int) -> None:
    page = visitor(width=width).open("/").picture(f"start-{width}").page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_signing_in_and_out(visitor: Callable[..., Visitor], session: Session, script: bool) -> None:
    # given a need lead with an account
    lead = make_user(session, Role.NEED_LEAD)
    somebody = visitor(script=script)
    # when they sign in with a wrong password, then they are told beside the field and in the summary
    somebody.sign_in(lead.email, "wrong password here").sees("There is a problem")
    assert somebody.page.title().startswith("Error: ")
    # when they sign in with the right one, then they are known, and can leave
    somebody.sign_in(lead.email, PASSWORD).sees(lead.name)
    somebody.click("Sign out").sees("You have signed out")
