"""What the settings add to every page, or leave out."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from marketplace.factory import create_app
from marketplace.settings import Settings
from tests.conftest import Browser
from tests.fakes.matching import HashEncoder

NHS_LOGO = 'class="nhsuk-header__logo"'


@pytest.mark.parametrize(("changes", "shown"), [({}, False), ({"nhs_logo": True}, True)])
def test_the_nhs_logo_is_shown_only_where_the_settings_allow_it(
    settings: Settings, changes: dict[str, object], shown: bool
) -> None:
    page = about(settings.model_copy(update=changes))
    assert (NHS_LOGO in page) is shown
    assert ("<title>NHS</title>" in page) is shown


@pytest.mark.parametrize(
    ("changes", "shown"),
    [({}, True), ({"smtp_host": "mail.example"}, False), ({"mode": "production"}, False)],
)
def test_the_footer_leads_to_the_mailbox_only_where_there_is_one(
    settings: Settings, changes: dict[str, object], shown: bool
) -> None:
    assert ('href="/mailbox"' in about(settings.model_copy(update=changes))) is shown


def about(settings: Settings) -> str:
    app = create_app(settings, HashEncoder())
    browser = Browser(app.test_client())
    assert browser.get("/about", base_url=settings.public_url).status_code == 200
    engine: Engine = app.extensions["engine"]
    engine.dispose()
    return browser.page
