"""A changed model or recipe is built beside the index that serves, and takes over at once, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock, migrating
from marketplace.factory import create_app
from marketplace.matches import actions, builder, finder, queries
from marketplace.matches.finder import Finders
from marketplace.matches.indexer import Indexer
from marketplace.matches.models import IndexEntry, IndexGeneration
from marketplace.matches.rules import BUILD_LEASE, RETIRED_FOR, GenerationState
from marketplace.outbox.actions import enqueue
from marketplace.settings import Settings
from marketplace.technologies.models import Technology
from marketplace.worker import Worker, build_worker, make_indexer
from matching import documents as recipe
from matching.types import Kind, Vectors
from tests.factories.needs import make_need
from tests.factories.technologies import make_technology
from tests.fakes.matching import HashEncoder

Reindex = Callable[[], None]
WHAT = ("A mat", "A sensor in the ceiling", "A wristband", "A door alarm", "A camera", "A slipper")
NUMBER = len(WHAT)
QUESTION = "mat for a fall at night"


class OtherEncoder(HashEncoder):
    """Another model: other digest, other width, and it counts the texts that it was given."""

    name = "other-encoder"

    def __init__(self) -> None:
        super().__init__(32)
        self.digest = "other-encoder"
        self.given: list[str] = []
        self.fails_at = ""
        self.refused = 0

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        if self.fails_at and any(self.fails_at in text for text in texts):
            self.refused += 1
            raise ValueError("no model likes this text")
        self.given += texts
        return super().encode_documents(texts)


@pytest.fixture
def technologies(session: Session, reindex: Reindex) -> list[Technology]:
    """Return listed technologies that are indexed by the model of before, with one need."""
    made = [
        make_technology(
            session, name=f"Nightlight {number}", summary=f"{what} that tells of a fall at night."
        )
        for number, what in enumerate(WHAT)
    ]
    make_need(session)
    reindex()
    return made


@pytest.fixture
def new(settings: Settings) -> Iterator[Flask]:
    """Return the service as it is after the model was changed, without the model of before."""
    made = create_app(settings, OtherEncoder())
    yield made
    made.extensions["engine"].dispose()


def model(app: Flask) -> OtherEncoder:
    encoder: OtherEncoder = app.extensions["finders"].encoder
    return encoder


def worker_of(app: Flask) -> Worker:
    """Return a worker that has begun what is long, and has made no step of it."""
    made = build_worker(app)
    made.do_chores()
    return made


def finish(worker: Worker) -> None:
    """Do all long work, and the rows that it enqueues."""
    while worker.go_on() or worker.run_once():
        pass


def answer(app: Flask) -> tuple[frozenset[str], bool, int]:
    """Return what a process finds, whether by words alone, and the index it was found in."""
    with app.app_context():
        found = finder.search(Kind.TECHNOLOGY, QUESTION, 20)
        return frozenset(found.refs), found.degraded, app.extensions["finders"].serving.generation


def states(session: Session) -> dict[int, GenerationState]:
    session.rollback()
    return {one.id: one.state for one in session.scalars(sa.select(IndexGeneration))}


def held(session: Session, generation: int) -> dict[str, tuple[bool, str]]:
    """Return of each entry of a generation whether it is a tombstone, and its encoder."""
    session.rollback()
    rows = session.scalars(sa.select(IndexEntry).where(IndexEntry.generation_id == generation))
    return {row.subject_ref: (row.removed, row.encoder) for row in rows}


def test_the_old_index_answers_in_every_process_until_the_new_one_takes_over_at_once(
    app: Flask, new: Flask, settings: Settings, session: Session, technologies: list[Technology]
) -> None:
    both = create_app(settings, OtherEncoder(), [HashEncoder()])
    every = frozenset(one.ref for one in technologies)
    worker = worker_of(new)
    steps = 0
    while queries.unfinished(session) is not None or not steps:
        session.rollback()
        assert answer(app) == (every, False, 1)
        assert answer(new) == (every, True, 1)  # it has the new model alone, so it compares words
        assert answer(both) == (every, False, 1)
        assert worker.go_on()
        steps += 1
    assert steps > NUMBER / 4
    assert states(session) == {1: GenerationState.RETIRED, 2: GenerationState.SERVING}
    assert answer(new) == (every, False, 2)
    assert answer(both) == (every, False, 2)
    assert answer(app) == (every, False, 1)  # the model of before, until this process is started again
    assert {encoder for _, encoder in held(session, 2).values()} == {"other-encoder"}
    assert {len(matcher.wholes()) for matcher in new.extensions["finders"].matchers.values()} == {1, NUMBER}
    both.extensions["engine"].dispose()


def test_a_match_uses_what_its_own_index_holds_of_the_asker(
    app: Flask, new: Flask, session: Session, technologies: list[Technology]
) -> None:
    finish(worker_of(new))
    need = queries.public_refs(session, Kind.NEED)[0]
    for made in (app, new):
        with made.app_context():
            results = finder.match(Kind.NEED, need, 20)
            assert results is not None
            assert not results.degraded
            # One of them stands for all, as their texts are so alike.
            assert {one.id for one in results.matches} & {one.ref for one in technologies}


def test_a_build_that_was_killed_goes_on_where_it_was(
    new: Flask, session: Session, technologies: list[Technology], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "LARGEST_STEP", 2)
    killed = worker_of(new)
    for _ in range(4):
        killed.go_on()
    part = held(session, 2)
    assert 0 < len(part) < NUMBER + 1
    encoded = list(model(new).given)
    model(new).given.clear()
    with time_machine.travel(clock.now() + BUILD_LEASE + timedelta(seconds=1)):
        finish(worker_of(new))
    assert states(session)[2] is GenerationState.SERVING
    assert len(held(session, 2)) == NUMBER + 1
    texts = {text for text in model(new).given if text in encoded and "Nightlight" in text}
    assert texts == set()


def test_a_worker_that_is_stopped_gives_its_build_back_at_once(
    new: Flask, session: Session, technologies: list[Technology]
) -> None:
    stopped = worker_of(new)
    stopped.go_on()
    stopped.go_on()
    stopped.give_back()
    finish(worker_of(new))
    assert states(session)[2] is GenerationState.SERVING


def test_of_two_workers_one_builds_and_one_that_overslept_its_lease_changes_nothing_more(
    new: Flask, session: Session, technologies: list[Technology], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "LARGEST_STEP", 2)
    first = worker_of(new)
    first.go_on()
    first.go_on()
    second = worker_of(new)
    finish(second)  # the first one's claim is alive: nothing to do but the rest of its work
    assert states(session)[2] is GenerationState.BUILDING
    with time_machine.travel(clock.now() + BUILD_LEASE + timedelta(seconds=1)):
        finish(worker_of(new))
        assert states(session) == {1: GenerationState.RETIRED, 2: GenerationState.SERVING}
        before = held(session, 2), queries.sequence(session)
        session.rollback()
        finish(first)
    assert states(session) == {1: GenerationState.RETIRED, 2: GenerationState.SERVING}
    assert (held(session, 2), queries.sequence(session)) == before


def test_what_changes_while_an_index_is_built_is_written_to_both(
    app: Flask,
    new: Flask,
    settings: Settings,
    session: Session,
    technologies: list[Technology],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(builder, "LARGEST_STEP", 1)
    both = create_app(settings, OtherEncoder(), [HashEncoder()])
    worker = worker_of(both)
    for _ in range(5):
        worker.go_on()
    built = [ref for ref in held(session, 2) if ref in {one.ref for one in technologies}]
    waiting = [one.ref for one in technologies if one.ref not in built]
    assert built
    assert waiting
    withdrawn = {built[0], waiting[0]}
    for one in technologies:
        if one.ref in withdrawn:
            one.archived_at = clock.now()
    added = make_technology(session, name="Nightlight new", summary="A mat that tells of a fall at night.")
    for ref in (*withdrawn, added.ref):
        enqueue(session, "technology", ref)
    session.commit()
    assert worker.run_once() == 3
    assert answer(app)[0] == {one.ref for one in technologies} - withdrawn | {added.ref}
    assert held(session, 2)[added.ref] == (False, "other-encoder")
    finish(worker)
    assert answer(both) == ({one.ref for one in technologies} - withdrawn | {added.ref}, False, 2)
    assert answer(app) == ({one.ref for one in technologies} - withdrawn | {added.ref}, False, 1)
    for generation in (1, 2):
        assert {ref for ref, (removed, _) in held(session, generation).items() if not removed} >= {added.ref}
        assert not [ref for ref in withdrawn if held(session, generation).get(ref, (True, ""))[0] is False]
    both.extensions["engine"].dispose()


def test_a_document_that_changes_between_its_encoding_and_its_storing_is_not_stored_as_it_was(
    new: Flask, session: Session, technologies: list[Technology], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = actions.still_claimed
    ref = technologies[0].ref

    def change(current: Session, own: actions.Claim, **values: object) -> bool:
        if any("Nightlight 0" in text for text in model(new).given):  # it has been encoded, as it was
            current.execute(
                sa.update(Technology).where(Technology.ref == ref).values(archived_at=clock.now())
            )
        return whole(current, own, **values)

    monkeypatch.setattr(actions, "still_claimed", change)
    finish(worker_of(new))
    assert states(session)[2] is GenerationState.SERVING
    assert ref not in held(session, 2)  # not even as a tombstone, which the check would have left


def test_a_worker_without_the_new_model_leaves_the_new_index_to_one_that_has_it(
    app: Flask, new: Flask, session: Session, technologies: list[Technology]
) -> None:
    building = worker_of(new)
    building.go_on()
    added = make_technology(session, name="Nightlight new", summary="A mat that tells of a fall at night.")
    enqueue(session, "technology", added.ref)
    session.commit()
    old = build_worker(app)
    assert old.run_once() == 1
    assert held(session, 1)[added.ref] == (False, "hash-encoder-64")
    assert held(session, 2)[added.ref] == (False, "")  # found by its words
    finish(building)
    assert states(session)[2] is GenerationState.SERVING
    assert held(session, 2)[added.ref] == (False, "other-encoder")


def test_the_same_model_can_be_indexed_anew_beside_itself(
    app: Flask, session: Session, technologies: list[Technology]
) -> None:
    make_indexer(app).begin(anew=True)
    session.rollback()
    worker = worker_of(app)
    assert answer(app)[2] == 1
    finish(worker)
    assert states(session) == {1: GenerationState.RETIRED, 2: GenerationState.SERVING}
    assert answer(app) == ({one.ref for one in technologies}, False, 2)


def test_going_back_to_the_model_of_before_takes_up_its_index_with_what_changed_since(
    app: Flask, new: Flask, session: Session, technologies: list[Technology]
) -> None:
    finish(worker_of(new))
    added = make_technology(session, name="Nightlight new", summary="A mat that tells of a fall at night.")
    enqueue(session, "technology", added.ref)
    session.commit()
    build_worker(new).run_once()  # it has not got the model of before
    assert held(session, 1)[added.ref] == (False, "")
    finish(worker_of(app))
    assert states(session) == {1: GenerationState.SERVING, 2: GenerationState.RETIRED}
    assert held(session, 1)[added.ref] == (False, "hash-encoder-64")
    assert answer(app) == ({one.ref for one in (*technologies, added)}, False, 1)


def test_an_index_that_was_replaced_is_removed_after_a_day_and_what_used_it_goes_on_by_words(
    app: Flask, new: Flask, session: Session, technologies: list[Technology]
) -> None:
    every = {one.ref for one in technologies}
    finish(worker_of(new))
    finish(worker_of(new))
    assert answer(app) == (every, False, 1)
    with time_machine.travel(clock.now() + RETIRED_FOR + timedelta(minutes=1)):
        finish(worker_of(new))
        assert states(session) == {1: GenerationState.REMOVED, 2: GenerationState.SERVING}
        assert held(session, 1) == {}
        assert answer(app) == (every, True, 2)
        finish(worker_of(new))
    names = sa.inspect(app.extensions["engine"]).get_table_names()
    assert [name for name in names if name.startswith(("pgvector_need_1_", "pgvector_technology_1_"))] == []


def test_there_are_never_more_than_one_index_that_serves_one_that_is_built_and_one_of_before(
    app: Flask, session: Session, technologies: list[Technology]
) -> None:
    for _ in range(3):
        make_indexer(app).begin(anew=True)
        session.rollback()
        finish(worker_of(app))
    kept = [number for number, state in states(session).items() if held(session, number)]
    assert len(kept) <= 3
    finish(worker_of(app))
    assert states(session) == {
        1: GenerationState.REMOVED,
        2: GenerationState.REMOVED,
        3: GenerationState.RETIRED,
        4: GenerationState.SERVING,
    }


def test_one_text_that_no_model_can_read_does_not_keep_the_new_index_from_serving(
    new: Flask, session: Session, technologies: list[Technology]
) -> None:
    model(new).fails_at = "Nightlight 3"
    worker = worker_of(new)
    while states(session).get(2) is not GenerationState.SERVING:
        assert worker.go_on()
    assert technologies[3].ref not in held(session, 2)
    assert len(held(session, 2)) == NUMBER
    serving = queries.serving(session)
    assert serving is not None
    assert serving.findings["technology"]["missing"] == 1


def test_an_index_of_which_much_cannot_be_made_never_takes_over(
    app: Flask, new: Flask, session: Session, technologies: list[Technology]
) -> None:
    model(new).fails_at = "Nightlight"
    finish(worker_of(new))
    assert states(session)[1] is GenerationState.SERVING
    assert answer(app) == ({one.ref for one in technologies}, False, 1)


def test_a_process_loads_the_new_index_in_the_background_and_answers_from_the_old_meanwhile(
    app: Flask, session: Session, technologies: list[Technology], monkeypatch: pytest.MonkeyPatch
) -> None:
    finder.warm_beside(app)
    wait_for(finder.WARM_UP)
    own: Finders = app.extensions["finders"]
    load, may_go_on = own.load, threading.Event()

    def slowly(generation: int, made_by: str) -> finder.Serving:
        may_go_on.wait(30)
        return load(generation, made_by)

    monkeypatch.setattr(own, "load", slowly)
    make_indexer(app).begin(anew=True)
    session.rollback()
    finish(worker_of(app))
    every = frozenset(one.ref for one in technologies)
    assert answer(app) == (every, False, 1)
    technologies[0].archived_at = clock.now()
    enqueue(session, "technology", technologies[0].ref)
    session.commit()
    build_worker(app).run_once()
    assert answer(app) == (every - {technologies[0].ref}, False, 1)  # fresh while the other is loaded
    may_go_on.set()
    wait_for(finder.CHANGE_OVER)
    assert answer(app) == (every - {technologies[0].ref}, False, 2)


def wait_for(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(30)


def test_a_request_that_began_in_the_old_index_ends_in_it(
    app: Flask, session: Session, technologies: list[Technology]
) -> None:
    before = finder.ready(session)
    make_indexer(app).begin(anew=True)
    session.rollback()
    finish(worker_of(app))
    after = finder.ready(session)
    assert (before.generation, after.generation) == (1, 2)
    ids = {one.id for one in before.matchers[Kind.TECHNOLOGY].search(QUESTION, 20).matches}
    assert ids == {one.ref for one in technologies}


def test_a_restored_database_is_read_from_its_beginning(
    app: Flask, session: Session, technologies: list[Technology]
) -> None:
    every = {one.ref for one in technologies}
    assert answer(app)[0] == every
    gone = technologies[0].ref
    session.execute(sa.delete(IndexEntry).where(IndexEntry.subject_ref == gone))
    session.execute(sa.text("UPDATE index_clock SET sequence = sequence - 1"))
    session.commit()
    assert answer(app)[0] == every - {gone}


def test_an_index_made_without_a_model_takes_up_the_first_that_comes(
    settings: Settings, session: Session
) -> None:
    made = make_technology(session, name="Nightlight", summary="A mat that tells of a fall at night.")
    bare = create_app(settings.model_copy(update={"encoder": "/nonexistent"}))
    with bare.app_context():
        Indexer(bare.extensions["engine"], bare.extensions["finders"].encoders).enqueue_differences()
    finish(worker_of(bare))
    assert answer(bare) == ({made.ref}, True, 1)
    whole = create_app(settings, HashEncoder())
    finish(worker_of(whole))
    finish(worker_of(whole))
    assert states(session) == {1: GenerationState.SERVING}
    assert answer(whole) == ({made.ref}, False, 1)
    for app in (bare, whole):
        app.extensions["engine"].dispose()


def test_a_build_that_cannot_go_on_is_left_alone_for_a_minute(
    new: Flask, session: Session, technologies: list[Technology]
) -> None:
    model(new).fails_at = "Nightlight"
    worker = build_worker(new)
    refused = []
    for later in (0, 30, 70):
        with time_machine.travel(clock.now() + timedelta(seconds=later)):
            worker.do_chores()
            finish(worker)
            refused.append(model(new).refused)
    assert 0 < refused[0] == refused[1] < refused[2]


def test_what_was_indexed_before_there_were_generations_goes_on_serving_while_the_first_is_built(
    app: Flask, settings: Settings, session: Session, technologies: list[Technology]
) -> None:
    every = frozenset(one.ref for one in technologies)
    engine = app.extensions["engine"]
    session.close()
    migrating.downgrade(engine, "0010")
    engine.dispose()
    migrating.upgrade(engine)
    after = create_app(settings, HashEncoder())
    assert states(session) == {1: GenerationState.SERVING}
    assert answer(after) == (every, False, 1)
    worker = worker_of(after)
    worker.go_on()
    assert states(session) == {1: GenerationState.SERVING, 2: GenerationState.BUILDING}
    assert answer(after) == (every, False, 1)
    finish(worker)
    assert answer(after) == (every, False, 2)
    after.extensions["engine"].dispose()


def test_a_changed_glossary_or_recipe_builds_a_new_index_that_old_processes_do_not_use(
    app: Flask,
    settings: Settings,
    session: Session,
    technologies: list[Technology],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every = frozenset(one.ref for one in technologies)
    assert answer(app) == (every, False, 1)  # it has worked out its own recipe
    monkeypatch.setattr(recipe, "RECIPE_VERSION", "another")
    release = create_app(settings, HashEncoder())
    assert answer(release) == (every, False, 1)  # the same model, so the old index serves in full
    finish(worker_of(release))
    assert states(session) == {1: GenerationState.RETIRED, 2: GenerationState.SERVING}
    assert answer(release) == (every, False, 2)
    assert answer(app) == (every, False, 1)
    release.extensions["engine"].dispose()
