"""What an administrator sees of the search index, and that what was withdrawn is gone from every page at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.matches import queries
from marketplace.matches.indexer import doubt
from marketplace.organisations.models import HinPatch, Kind
from marketplace.worker import Worker, build_worker, make_indexer
from matching.types import Kind as DocumentKind
from tests.conftest import Browser
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.technologies import make_technology


@pytest.fixture
def administrator(browser: Browser, session: Session) -> Browser:
    signed_in = browser.sign_in(make_user(session, Role.ADMINISTRATOR))
    session.rollback()
    return signed_in


def building(app: Flask) -> Worker:
    """Return a worker that has begun a new index."""
    with app.app_context():
        make_indexer(app).begin(anew=True)
    worker = build_worker(app)
    worker.do_chores()
    return worker


def finish(worker: Worker) -> None:
    while worker.run_once() or worker.go_on():
        pass


def test_before_anything_is_public_the_page_says_who_makes_the_index(administrator: Browser) -> None:
    administrator.get("/index")
    assert "There is no index yet. The worker makes it when the first need or technology is public." in (
        administrator.text
    )


def test_the_page_shows_how_far_a_new_index_is_and_then_that_it_serves(
    app: Flask, administrator: Browser, session: Session, reindex: Callable[[], None]
) -> None:
    for number in range(6):
        make_technology(session, name=f"Nightlight {number}")
    reindex()
    administrator.get("/index")
    assert "The index is complete. No other is being built." in administrator.text
    assert "<progress" not in administrator.page
    worker = building(app)
    administrator.get("/index")
    assert '<progress class="app-progress" value="0" max="6"' in administrator.page
    worker.go_on()
    administrator.get("/index")
    assert '<progress class="app-progress" value="4" max="6"' in administrator.page
    assert "Index 2 is being built 4 of 6 documents, 66 %" in administrator.text
    finish(worker)
    administrator.get("/index")
    assert "<progress" not in administrator.page
    assert "Index Index 2" in administrator.text
    assert "Compared with the database on" in administrator.text
    assert "6 public documents, and nothing was wrong." in administrator.text
    assert "Index 1 Kept for a day" in administrator.text


def test_the_page_tells_what_the_last_check_found(
    app: Flask, administrator: Browser, session: Session, reindex: Callable[[], None]
) -> None:
    refs = [make_technology(session, name=f"Nightlight {number}").ref for number in range(3)]
    reindex()
    session.rollback()
    serving = queries.serving(session)
    assert serving is not None
    doubt(session, serving.id, DocumentKind.TECHNOLOGY, refs[:2])
    session.commit()
    finish_check(build_worker(app))
    administrator.get("/index")
    assert "Of the technologies 2 out of date." in administrator.text


def finish_check(worker: Worker) -> None:
    """Do what is long, and leave the rows that it enqueues."""
    worker.do_chores()
    while worker.go_on():
        pass


def test_the_page_asks_again_only_while_an_index_is_built(
    app: Flask, administrator: Browser, session: Session, reindex: Callable[[], None]
) -> None:
    make_technology(session, name="Nightlight")
    reindex()
    part = {"HX-Request": "true", "HX-Request-Type": "partial"}
    administrator.get("/index")
    assert "hx-trigger" not in administrator.page
    assert '<a href="/index">Refresh this page</a>' in administrator.page
    worker = building(app)
    administrator.get("/index")
    assert 'hx-trigger="every 2s"' in administrator.page
    during = administrator.client.get("/index", headers=part)
    assert "<h1>" not in during.text
    assert "<progress" in during.text
    assert "HX-Refresh" not in during.headers
    finish(worker)
    # The page is loaded anew, as one that does not ask.
    assert administrator.client.get("/index", headers=part).headers["HX-Refresh"] == "true"
    assert "HX-Refresh" not in administrator.client.get("/index").headers


def test_the_administrators_desk_leads_to_the_page(administrator: Browser) -> None:
    administrator.get("/")
    assert 'href="/index"' in administrator.page


def test_what_was_withdrawn_is_gone_from_every_page_at_once_though_the_index_still_has_it(
    app: Flask, new_browser: Callable[[], Browser], session: Session, reindex: Callable[[], None]
) -> None:
    icb, hin = make_organisation(session, Kind.ICB), make_organisation(session, Kind.HIN)
    trust = make_organisation(session, Kind.TRUST, parent_id=icb.id)
    session.add(
        HinPatch(
            hin_id=hin.id,
            organisation_id=icb.id,
            source="test",
            source_date=clock.today(),
            confirmed=True,
        )
    )
    technology = make_technology(session, name="Nightlight", summary="A mat that tells of a fall at night.")
    kept = make_technology(session, name="Daylight", summary="A lamp that tells of a fall by day.")
    need = make_need(session, trust, title="Falls at night go unseen")
    other = make_organisation(session, Kind.TRUST, parent_id=icb.id)
    stays = make_need(session, other, title="Falls by day go unseen")
    reindex()
    session.rollback()
    users = {
        "lead": make_user(session, Role.NEED_LEAD, other),
        "broker": make_user(session, Role.BROKER, hin),
        "innovator": make_user(session, Role.INNOVATOR, kept.supplier),
    }
    people = {who: new_browser().sign_in(user) for who, user in users.items()} | {"nobody": new_browser()}
    pages = [
        ("nobody", "/technologies?q=fall+at+night"),
        ("nobody", "/demand?q=fall+at+night"),
        ("lead", f"/needs/{stays.ref}/matches"),
        ("broker", f"/needs/{stays.ref}/matches"),
        ("broker", "/patch"),
        ("innovator", f"/technologies/{kept.ref}/needs"),
        ("lead", "/"),
        ("innovator", "/"),
    ]
    session.rollback()
    named = 0
    for who, path in pages:
        response = people[who].get(path)
        assert response.status_code == 200, path
        named += sum(words in people[who].page for words in ("Nightlight", "Falls at night go unseen"))
    assert named >= len(pages) - 3  # what a desk shows depends on what fits
    session.rollback()
    technology.archived_at = need.withdrawn_at = clock.now()
    session.commit()
    for who, path in pages:
        people[who].get(path)
        for words in ("Nightlight", "Falls at night go unseen"):
            assert words not in people[who].page, f"{words} on {path} of {who}"
    for path in (f"/needs/{need.ref}/matches", f"/technologies/{technology.ref}/needs"):
        assert people["broker"].client.get(path).status_code in {404, 410}
    with app.app_context():
        serving = queries.serving(session)
        assert serving is not None
        held = {
            entry.subject_ref
            for entry in queries.entries(session, serving.id, DocumentKind.TECHNOLOGY, [technology.ref])
        }
    assert held == {technology.ref}  # the worker has not been there yet
