"""The index follows the database: every change reaches every process, and nothing withdrawn is proposed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS
from marketplace.access.policy import Role
from marketplace.database import db, transaction
from marketplace.factory import create_app
from marketplace.matches import finder, queries
from marketplace.matches.finder import Finders
from marketplace.matches.indexer import Indexer
from marketplace.matches.models import IndexEntry
from marketplace.needs.models import Need, NeedVersion
from marketplace.needs.rules import TOPIC
from marketplace.outbox.actions import backlog, claim, enqueue
from marketplace.outbox.models import OutboxRow
from marketplace.settings import Settings
from marketplace.technologies import actions as technologies
from marketplace.technologies.models import Technology
from marketplace.technologies.queries import listed_by_refs
from marketplace.worker import build_worker
from matching.errors import EncoderUnavailable
from matching.types import Kind
from tests.factories.needs import make_need
from tests.factories.people import make_actor
from tests.factories.technologies import make_technology, technology_content
from tests.fakes.matching import DamagedEncoder, HashEncoder

Reindex = Callable[[], None]


@pytest.fixture
def need(session: Session) -> Need:
    return make_need(session)


@pytest.fixture
def technology(session: Session) -> Technology:
    return make_technology(
        session,
        name="Nightlight",
        summary="A mat that tells care home staff of a fall at night in two minutes.",
    )


def refs(text: str) -> list[str]:
    found = finder.search(Kind.TECHNOLOGY, text, 5).refs
    listed = listed_by_refs(ANONYMOUS, list(found))
    return [one.current.name for one in listed if one.current]


def drain(app: Flask) -> None:
    worker = build_worker(app)
    while worker.run_once():
        pass


def test_a_listing_is_found_after_the_worker_has_read_it(
    app: Flask, session: Session, reindex: Reindex
) -> None:
    actor = make_actor(session, Role.INNOVATOR)
    content = technology_content(name="Nightlight", summary="A mat that tells staff of a fall at night.")
    ref = technologies.create_draft(actor, actor.grants[0].organisation_id, content)
    assert finder.search(Kind.TECHNOLOGY, "mat for a fall at night", 5).refs == ()
    technologies.list_technology(actor, ref)
    drain(app)
    assert finder.search(Kind.TECHNOLOGY, "mat for a fall at night", 5).refs == (ref,)


def test_candidates_are_ranked_anew_when_something_was_indexed_and_not_before(
    session: Session, need: Need, technology: Technology, reindex: Reindex
) -> None:
    reindex()
    first = finder.match(Kind.NEED, need.ref, 5)
    assert first is not None
    assert [one.id for one in first.matches] == [technology.ref]
    assert finder.match(Kind.NEED, need.ref, 5) is first
    later = make_technology(
        session, name="Bracelet", summary="A bracelet that calls staff when a resident falls."
    ).ref
    assert finder.match(Kind.NEED, need.ref, 5) is first
    reindex()
    session.rollback()  # a request of its own, which sees what was committed since
    again = finder.match(Kind.NEED, need.ref, 5)
    assert again is not None
    # It says nearly the same, so it comes with the one before.
    assert {ref for one in again.matches for ref in (one.id, *one.also)} == {technology.ref, later}


def test_a_request_that_began_before_a_need_changed_leaves_no_answer_to_its_old_text(
    app: Flask, session: Session, need: Need, technology: Technology, reindex: Reindex
) -> None:
    reindex()
    ref, before = need.ref, finder.match(Kind.NEED, need.ref, 5)
    assert before is not None
    session.rollback()
    queries.sequence(session)  # a request begins: on SQLite it sees the database of this moment to its end
    with app.app_context():
        with transaction() as other:
            changed = other.scalars(select(Need).where(Need.ref == ref)).one()
            version = NeedVersion(need_id=changed.id, number=changed.version + 1, published_at=clock.now())
            version.fill(changed.versions[0].content())
            version.title, version.must = "Parking permits for visitors", ["Prints permits for cars"]
            other.add(version)
            changed.version += 1
            enqueue(other, TOPIC, ref)
        drain(app)
        finder.ready(db.session)
    finder.match(Kind.NEED, ref, 5)
    session.rollback()
    found = finder.match(Kind.NEED, ref, 5)
    assert found is not None
    assert [one.requirement for one in found.matches[0].reasons] == ["Prints permits for cars"]


def test_a_second_process_sees_what_a_worker_elsewhere_has_indexed(
    app: Flask, settings: Settings, session: Session, technology: Technology, reindex: Reindex
) -> None:
    other = create_app(settings, HashEncoder())
    reindex()
    with other.app_context():
        assert finder.search(Kind.TECHNOLOGY, "fall at night", 5).refs == (technology.ref,)
    technology.archived_at = clock.now()
    session.commit()
    reindex()
    with other.app_context():
        assert finder.search(Kind.TECHNOLOGY, "fall at night", 5).refs == ()
    other.extensions["engine"].dispose()


def test_what_was_archived_a_moment_ago_is_not_shown_even_while_it_is_indexed(
    session: Session, technology: Technology, reindex: Reindex
) -> None:
    reindex()
    technology.archived_at = clock.now()
    session.commit()
    assert finder.search(Kind.TECHNOLOGY, "fall at night", 5).refs == (technology.ref,)
    assert refs("fall at night") == []


def test_a_withdrawn_need_leaves_a_tombstone_without_its_text(
    session: Session, need: Need, reindex: Reindex
) -> None:
    reindex()
    need.withdrawn_at = clock.now()
    session.commit()
    reindex()
    entry = session.scalars(select(IndexEntry).where(IndexEntry.subject_ref == need.ref)).one()
    assert (entry.removed, entry.document, entry.passages, entry.vectors) == (True, {}, [], None)


def test_nothing_is_encoded_again_when_nothing_has_changed(
    app: Flask, session: Session, technology: Technology, reindex: Reindex
) -> None:
    reindex()
    before = queries.sequence(session)
    with transaction() as current:
        enqueue(current, "technology", technology.ref)
    drain(app)
    session.rollback()
    assert queries.sequence(session) == before
    assert backlog(session).waiting == 0


def test_a_worker_that_dies_with_claimed_rows_loses_no_change(
    app: Flask, session: Session, technology: Technology, reindex: Reindex
) -> None:
    with transaction() as current:
        enqueue(current, "technology", technology.ref)
    with transaction() as current:
        assert len(claim(current, 10, ["technology"])) == 1  # claimed, and then the process is gone
    drain(app)
    assert finder.search(Kind.TECHNOLOGY, "fall at night", 5).refs == ()
    for row in session.scalars(select(OutboxRow)):
        row.claimed_until = clock.now()  # the lease has run out
    session.commit()
    drain(app)
    assert finder.search(Kind.TECHNOLOGY, "fall at night", 5).refs == (technology.ref,)
    indexer = Indexer(app.extensions["engine"], app.extensions["finders"].encoders)
    assert not indexer.difference(session, Kind.TECHNOLOGY)


def test_the_index_check_finds_what_was_never_enqueued(
    app: Flask, session: Session, technology: Technology, need: Need
) -> None:
    indexer = Indexer(app.extensions["engine"], app.extensions["finders"].encoders)
    assert indexer.difference(session, Kind.TECHNOLOGY).outdated == (technology.ref,)
    assert indexer.difference(session, Kind.NEED).outdated == (need.ref,)


def test_a_row_that_always_fails_is_parked_and_the_others_go_on(
    app: Flask, session: Session, technology: Technology, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_technology(session, name="Poison", summary="A text that makes the encoder fail.")
    poison = session.scalars(select(Technology).order_by(Technology.id.desc())).first()
    assert poison is not None
    own: Finders = app.extensions["finders"]
    whole = own.encoder.encode_documents

    def encode(texts: list[str]) -> object:
        if any("makes the encoder fail" in text for text in texts):
            raise ValueError("poison")
        return whole(texts)

    monkeypatch.setattr(own.encoder, "encode_documents", encode)
    with transaction() as current:
        for ref in (technology.ref, poison.ref):
            enqueue(current, "technology", ref)
    for _ in range(8):
        drain(app)
        for row in session.scalars(select(OutboxRow)):
            row.due_at = clock.now()
        session.commit()
    assert backlog(session).parked == 1
    assert finder.search(Kind.TECHNOLOGY, "fall at night", 5).refs == (technology.ref,)


def test_without_the_model_documents_are_found_by_their_words_and_encoded_when_it_is_back(
    settings: Settings, session: Session, technology: Technology, reindex: Reindex
) -> None:
    broken = create_app(settings, DamagedEncoder())
    with broken.app_context():
        Indexer(broken.extensions["engine"], broken.extensions["finders"].encoders).enqueue_differences()
    drain(broken)
    with broken.app_context():
        found = finder.search(Kind.TECHNOLOGY, "fall at night", 5)
        assert (found.refs, found.degraded) == ((technology.ref,), True)
    reindex()
    found = finder.search(Kind.TECHNOLOGY, "fall at night", 5)
    assert (found.refs, found.degraded) == ((technology.ref,), False)
    broken.extensions["engine"].dispose()


def test_what_is_stored_of_a_document_comes_back_as_it_was(
    app: Flask, session: Session, need: Need, reindex: Reindex
) -> None:
    from marketplace.matches.documents import document_of_need, from_entry

    reindex()
    entry = queries.entry(session, queries.serving(session).id, Kind.NEED, need.ref)
    assert entry is not None
    encoded = from_entry(entry, app.extensions["finders"].encoder.digest)
    assert encoded.document == document_of_need(need)
    again = app.extensions["finders"].matchers[Kind.NEED].encode([encoded.document])[0]
    assert encoded.vectors is not None
    assert again.vectors is not None
    assert (encoded.vectors == again.vectors).all()
    assert encoded.passages == again.passages


def test_a_model_folder_that_is_missing_leaves_the_search_by_words(
    settings: Settings, session: Session, technology: Technology
) -> None:
    broken = create_app(settings.model_copy(update={"encoder": "/nonexistent"}))
    indexer = Indexer(broken.extensions["engine"], broken.extensions["finders"].encoders)
    with broken.app_context():
        assert indexer.enqueue_differences() == 1
    drain(broken)
    with broken.app_context():
        found = finder.search(Kind.TECHNOLOGY, "fall at night", 5)
        assert (found.refs, found.degraded) == ((technology.ref,), True)
        assert finder.match(Kind.TECHNOLOGY, technology.ref, 5) is not None
        assert indexer.enqueue_differences() == 0
    assert broken.test_client().get("/health").status_code == 200
    broken.extensions["engine"].dispose()


class Returning(HashEncoder):
    """A model whose folder is missing until somebody puts it back."""

    missing = True

    def __getattribute__(self, name: str) -> object:
        if name in {"dimension", "digest", "_direction"} and object.__getattribute__(self, "missing"):
            raise EncoderUnavailable("There is no model folder.")
        return object.__getattribute__(self, name)


def test_a_model_that_comes_back_is_used_by_a_worker_that_started_without_it(
    settings: Settings, session: Session, technology: Technology
) -> None:
    encoder = Returning()
    one = create_app(settings, encoder)
    worker = build_worker(one)
    encoder.missing = False
    with transaction() as current:
        enqueue(current, "technology", technology.ref)
    assert worker.run_once() == 1
    another = create_app(settings, HashEncoder())
    for app in (one, another):
        with app.app_context():
            found = finder.search(Kind.TECHNOLOGY, "fall at night", 5)
            assert (found.refs, found.degraded) == ((technology.ref,), False)
            assert len(app.extensions["finders"].matchers[Kind.TECHNOLOGY].register.index) == 1
        app.extensions["engine"].dispose()
