"""The index's commands, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from marketplace import cli, clock
from marketplace.factory import create_app
from marketplace.matches import finder
from marketplace.matches.documents import checksum
from marketplace.matches.models import IndexEntry, IndexGeneration
from marketplace.technologies.models import Technology
from marketplace.worker import build_worker, make_indexer
from matching.types import Kind
from tests.factories.needs import make_need
from tests.factories.technologies import make_technology
from tests.fakes.matching import HashEncoder

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DEMAND_SIGNAL_LOG_LEVEL", "ERROR")
    monkeypatch.setattr(cli, "create_app", lambda settings: create_app(settings, HashEncoder()))

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(cli.main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


@pytest.fixture
def subjects(session: Session, reindex: Callable[[], None]) -> tuple[str, str]:
    """Return the references of a need and a technology that are indexed."""
    found = make_need(session).ref, make_technology(session).ref
    reindex()
    return found


def work(app: Flask) -> None:
    """Do what waits, and what is long, as the worker does."""
    made = build_worker(app)
    made.do_chores()
    while made.run_once() or made.go_on():
        pass


SOUND = (
    "Index 1, made by hash-encoder, serves.\n"
    "needs: 1 public, 1 in the index. Nothing is wrong.\n"
    "technologies: 1 public, 1 in the index. Nothing is wrong.\n"
)


def test_check_of_an_index_that_equals_the_database_says_so(run: Run, subjects: tuple[str, str]) -> None:
    checked = run("index", "check")
    assert (checked.output, checked.exit_code) == (SOUND, 0)


def test_check_before_there_is_an_index_says_what_will_make_it(
    app: Flask, session: Session, run: Run
) -> None:
    make_need(session)
    make_technology(session)
    assert run("index", "check").exit_code == 1
    assert run("index", "check", "--repair").exit_code == 0
    work(app)
    assert run("index", "check").output == SOUND


def entry(session: Session, ref: str) -> IndexEntry:
    session.rollback()
    return session.scalars(select(IndexEntry).where(IndexEntry.subject_ref == ref)).one()


def delete_entry(session: Session, ref: str) -> None:
    session.delete(entry(session, ref))


def change_text(session: Session, ref: str) -> None:
    technology = session.scalars(select(Technology).where(Technology.ref == ref)).one()
    assert technology.current is not None
    technology.current.summary = "Another text, of which nobody told the worker."


def flip_a_byte(session: Session, ref: str) -> None:
    row = entry(session, ref)
    assert row.vectors is not None
    row.vectors = bytes([row.vectors[0] ^ 1]) + row.vectors[1:]


def cut_the_vectors(session: Session, ref: str) -> None:
    row = entry(session, ref)
    assert row.vectors is not None
    row.vectors = row.vectors[:-3]


def lose_the_document(session: Session, ref: str) -> None:
    entry(session, ref).document = {}


def change_a_passage(session: Session, ref: str) -> None:
    row = entry(session, ref)
    row.passages = [[source, text.upper()] for source, text in row.passages]


def name_another_model(session: Session, ref: str) -> None:
    row = entry(session, ref)
    row.encoder = "another-model"
    row.checksum = checksum(
        document=row.document,
        passages=row.passages,
        vectors=row.vectors,
        dimension=row.dimension,
        encoder=row.encoder,
    )


def archive_without_a_word(session: Session, ref: str) -> None:
    session.execute(update(Technology).where(Technology.ref == ref).values(archived_at=clock.now()))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (delete_entry, "missing"),
        (change_text, "out of date"),
        (flip_a_byte, "damaged"),
        (cut_the_vectors, "damaged"),
        (lose_the_document, "damaged"),
        (change_a_passage, "damaged"),
        (name_another_model, "of another model"),
        (archive_without_a_word, "not public any more"),
    ],
)
def test_check_names_what_is_wrong_and_repair_puts_it_right(
    app: Flask,
    session: Session,
    run: Run,
    subjects: tuple[str, str],
    damage: Callable[[Session, str], None],
    words: str,
) -> None:
    _, technology = subjects
    session.rollback()
    damage(session, technology)
    session.commit()
    checked = run("index", "check")
    assert checked.exit_code == 1
    assert f"  1 {words}: {technology}\n" in checked.output
    assert "needs: 1 public, 1 in the index. Nothing is wrong.\n" in checked.output
    with app.app_context():  # damaged or not, a search answers
        finder.search(Kind.TECHNOLOGY, "pulse and breathing", 5)
    repaired = run("index", "check", "--repair")
    assert repaired.exit_code == 0
    assert "1 entry will be put right by the worker." in repaired.output
    work(app)
    assert run("index", "check").exit_code == 0


def test_check_finds_entries_that_belong_to_no_index(
    app: Flask, session: Session, run: Run, subjects: tuple[str, str]
) -> None:
    make_indexer(app).begin(anew=True)
    session.rollback()
    work(app)
    session.execute(update(IndexGeneration).where(IndexGeneration.id == 1).values(state="removed"))
    session.commit()
    checked = run("index", "check")
    assert (checked.exit_code, checked.output.count("2 entries belong to no index.")) == (1, 1)
    assert run("index", "check", "--repair").exit_code == 0
    assert run("index", "check").exit_code == 0


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("DELETE FROM pgvector_technology_1_64", "{technology}"),
        (
            "UPDATE pgvector_technology_1_64 SET vector = (SELECT vector FROM pgvector_need_1_64)",
            "{technology}",
        ),
        (
            "INSERT INTO pgvector_technology_1_64 SELECT 'stranger', vector FROM pgvector_need_1_64",
            "stranger",
        ),
    ],
)
def test_check_compares_the_vector_index_of_the_database_too(
    app: Flask, session: Session, run: Run, subjects: tuple[str, str], damage: str, found: str
) -> None:
    session.execute(text(damage))
    session.commit()
    checked = run("index", "check")
    named = found.format(technology=subjects[1])
    assert (checked.exit_code, f"  1 wrong in the vector index: {named}\n" in checked.output) == (1, True)
    run("index", "check", "--repair")
    work(app)
    assert run("index", "check").output == SOUND


def test_what_the_worker_found_in_its_own_check_is_told_by_health_and_put_right(
    app: Flask, session: Session, subjects: tuple[str, str]
) -> None:
    flip_a_byte(session, subjects[1])
    session.commit()
    work(app)
    told = app.test_client().get("/health").get_json()["index"]
    assert told["findings"]["technology"] == {
        "documents": 1,
        "entries": 1,
        "missing": 0,
        "stale": 0,
        "extra": 0,
        "damaged": 1,
        "wrong_model": 0,
        "vectors": 0,
    }
    work(app)
    session.rollback()
    told = app.test_client().get("/health").get_json()["index"]
    assert told["findings"]["technology"]["damaged"] == 0
    assert (told["serving"], told["building"], told["encoder_fault"]) == (1, None, None)


def test_rebuild_makes_a_new_index_beside_the_one_that_serves(
    app: Flask, session: Session, run: Run, subjects: tuple[str, str]
) -> None:
    assert run("index", "rebuild").output == (
        "The worker builds index 2 of 2 documents beside the one that serves. To see how far it is: "
        "python -m marketplace index progress\n"
    )
    assert run("index", "progress").output == (
        "Index 2, made by hash-encoder, is being built: 0 of 2 documents.\n"
        "Index 1, made by hash-encoder, serves.\n"
    )
    work(app)
    assert run("index", "progress").output == (
        "Index 2, made by hash-encoder, serves.\nIndex 1, made by hash-encoder, has been replaced.\n"
    )
    assert run("index", "check").exit_code == 0


def test_the_progress_of_a_build_can_be_watched_to_its_end(
    app: Flask, run: Run, subjects: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "sleep", lambda _seconds: work(app))
    watched = run("index", "rebuild", "--watch").output
    assert "0/2" in watched
    assert watched.endswith("Index 2 serves.\n")
