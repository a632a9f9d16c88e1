from flask import Flask

from marketplace.access.doors import Access


def test_every_view_declares_who_may_come_in(app: Flask) -> None:
    undeclared = [
        endpoint
        for endpoint, view in app.view_functions.items()
        if endpoint != "static" and not isinstance(getattr(view, "access", None), Access)
    ]
    assert undeclared == []


def test_every_public_view_says_why(app: Flask) -> None:
    silent = [
        endpoint
        for endpoint, view in app.view_functions.items()
        if endpoint != "static" and view.access.permission is None and len(view.access.why) < 15
    ]
    assert silent == []
