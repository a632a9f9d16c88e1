"""What a process tells of its matchers follows what they can do, also when that changes."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from marketplace.factory import create_app
from marketplace.matches import finder, queries
from marketplace.matches.finder import Finders, State
from marketplace.settings import Settings
from matching.errors import EncoderUnavailable
from matching.types import Kind, Vectors
from tests.factories.technologies import make_technology
from tests.fakes.matching import HashEncoder


class Moody(HashEncoder):
    """A model that can be loaded only while it is well."""

    well = False

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        if not self.well:
            raise EncoderUnavailable("The model could not be loaded.")
        return super().encode_queries(texts)


@pytest.fixture
def own(settings: Settings, session: Session, reindex: Callable[[], None]) -> Iterator[tuple[Flask, Finders]]:
    """Return a service of its own with one indexed technology, and its matchers."""
    make_technology(session, name="Nightlight", summary="A mat that tells staff of a fall at night.")
    reindex()
    made = create_app(settings, Moody())
    yield made, made.extensions["finders"]
    made.extensions["engine"].dispose()


def wait_for_warm_up() -> int:
    """Wait until no warm-up runs; return how many ran."""
    running = [thread for thread in threading.enumerate() if thread.name == finder.WARM_UP]
    for thread in running:
        thread.join(10)
    return len(running)


def health(app: Flask) -> object:
    return app.test_client().get("/health").get_json()["encoder"]


def test_a_warm_up_that_failed_is_tried_again_after_a_while(
    own: tuple[Flask, Finders], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, finders = own
    finders.encoder.well = True
    whole = queries.sequence

    def away(_session: Session) -> int:
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(queries, "sequence", away)
    finder.warm_beside(app)
    wait_for_warm_up()
    assert health(app) == "starting"
    monkeypatch.setattr(queries, "sequence", whole)
    monkeypatch.setattr(finder, "PATIENCE", 0)
    with app.app_context():
        finder.ready(finder.db.session)
        assert wait_for_warm_up() == 0
        finders.began -= finder.AGAIN
        finder.ready(finder.db.session)
        wait_for_warm_up()
    assert health(app) == "ready"


def test_a_model_that_came_back_is_noticed_by_the_next_warm_up(own: tuple[Flask, Finders]) -> None:
    app, finders = own
    finder.warm_beside(app)
    wait_for_warm_up()
    assert health(app) == "words-only"
    finders.encoder.well = True
    finders.began -= finder.AGAIN
    with app.app_context():
        finder.ready(finder.db.session)
    wait_for_warm_up()
    assert health(app) == "ready"


def test_the_state_follows_what_searches_can_do(own: tuple[Flask, Finders]) -> None:
    app, finders = own
    states = []
    with app.app_context():
        for well, text in (
            (False, "fall"),
            (True, "fall at night"),
            (True, "   "),
            (False, "mat"),
            (False, " "),
        ):
            finders.encoder.well = well
            finder.search(Kind.TECHNOLOGY, text, 5)
            states.append(finders.state)
    words, fine = State.WORDS_ONLY, State.READY
    assert states == [words, fine, fine, words, words]


def test_collections_are_held_while_the_index_is_loaded_and_go_on_also_when_that_fails() -> None:
    with finder.no_collections():
        assert not gc.isenabled()
        with finder.no_collections():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(OSError, match="away"), finder.no_collections():
        raise OSError("away")
    assert gc.isenabled()


def test_what_was_loaded_is_left_out_of_later_collections(own: tuple[Flask, Finders]) -> None:
    before = gc.get_freeze_count()
    finder.warm(own[0])
    assert gc.get_freeze_count() > before
    gc.unfreeze()
