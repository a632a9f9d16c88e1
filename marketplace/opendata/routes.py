"""The page about open data for people."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from marketplace.access.doors import public
from marketplace.opendata import pages
from marketplace.web.pages import fragment

open_data = Blueprint("open_data", __name__)


@open_data.get("/open-data")
@public("everybody may learn how to read what is public")
def explained() -> ResponseReturnValue:
    """Explain open data."""
    return fragment(pages.OpenDataPage.build())
