"""Words and phrases are looked for in the texts as they are now, whatever this process has read before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS
from marketplace.demand import rules, texts
from marketplace.needs.models import NeedVersion
from tests.conftest import statements
from tests.factories.needs import content, make_draft, make_need

Found = Callable[[str], set[str]]


@pytest.fixture
def say(session: Session) -> Found:
    """Return what finds the refs of the needs that say a phrase."""

    def run(phrase: str) -> set[str]:
        session.rollback()
        return {ref for _, ref in texts.saying(ANONYMOUS, [phrase])}

    return run


def test_a_phrase_is_found_in_each_text_and_in_none_that_is_not_published(
    session: Session, say: Found
) -> None:
    title = make_need(session, title="Kites in blue barns").ref
    must = make_need(session, must=("Works in blue-barns – at noon",)).ref
    make_need(session, title="Blue", problem="Barns")
    make_draft(session, title="Kites in blue barns")
    assert say("BLUE barns") == {title, must}
    assert say("barns at noon") == {must}
    assert say("blue at noon") == set()


def test_letters_are_folded_alike_on_both_databases(session: Session, say: Found) -> None:
    need = make_need(session, title="Café ÉLAN", must=("Ärzte wählen 5 µg",)).ref
    assert say("café élan") == say("CAFÉ") == say("ärzte WÄHLEN") == {need}


def test_phrases_of_the_same_words_are_looked_for_once(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    need = make_need(session, title="Kites to blue barns").ref
    asked, says = [], rules.says

    def noting(text: str, phrase: str) -> bool:
        asked.append(phrase)
        return says(text, phrase)

    monkeypatch.setattr(rules, "says", noting)
    phrases = ["to", "To", "TO", "to.", "–to", "blue barns", "Blue, barns"]
    assert texts.saying(ANONYMOUS, phrases) == {("need", need)}
    assert asked == ["to", "blue barns"]


def test_a_new_version_is_read_and_nothing_else_again(app: Flask, session: Session, say: Found) -> None:
    need, other = make_need(session, title="Falls by day"), make_need(session, title="Falls by day too")
    assert say("falls by day") == {need.ref, other.ref}
    version = NeedVersion(need_id=need.id, number=2, published_at=clock.now())
    version.fill(content(title="Falls at night"))
    session.add(version)
    need.version = 2
    session.commit()
    with statements(app) as sent:
        assert say("falls by day") == {other.ref}
    assert say("falls at night") == {need.ref}
    [read] = [statement for statement in sent if "pathway_today" in statement]
    assert "need.ref IN" in read


def test_words_are_found_as_they_are_or_longer_and_all_of_them(session: Session) -> None:
    one = make_need(session, title="Flying kites").ref
    two = make_need(session, title="Flying leaves").ref
    refs = [one, two]
    assert texts.with_words(ANONYMOUS, ["fly", "kite"], refs) == {("need", one)}
    assert texts.with_words(ANONYMOUS, ["fly"], [two]) == {("need", two)}
    assert texts.with_words(ANONYMOUS, [], refs) == set()


def test_what_a_need_said_is_forgotten_when_it_is_withdrawn(session: Session, say: Found) -> None:
    need = make_need(session, title="Kites by day", problem="Names of patients")
    assert say("names of patients") == {need.ref}
    need.withdrawn_at, need.withdrawn_reason = clock.now(), "Bought a net"
    session.commit()
    assert say("names of patients") == set()
    assert say("bought a net") == say("kites by day") == {need.ref}
    assert texts.with_words(ANONYMOUS, ["patient"], [need.ref]) == set()
    assert texts.with_words(ANONYMOUS, ["kite", "net"], [need.ref]) == {("need", need.ref)}
