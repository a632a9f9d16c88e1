"""Atom feeds of what is new: needs that were published, changed or withdrawn, and questions that were answered."""

from __future__ import annotations

from sqlalchemy import Select

from marketplace.database import db
from marketplace.needs.models import Need
from marketplace.opendata import rules
from marketplace.opendata.catalogue import NEEDS, QUESTIONS, Collection
from marketplace.opendata.queries import needs, questions
from marketplace.opendata.rules import Asked
from marketplace.questions.models import Question
from marketplace.web.feeds import ENTRIES, Entry, Feed, tag_uri
from marketplace.web.links import public_link
from marketplace.web.words import day

#: The collections of which there is a feed, with what stands at its head.
TITLES = {
    NEEDS.name: ("New and changed needs", "What NHS organisations in England need, from Demand Signal."),
    QUESTIONS.name: (
        "New answers about needs",
        "Questions that were answered in public, from Demand Signal.",
    ),
}


def feed(collection: Collection, asked: Asked, self_href: str) -> Feed:
    """Return the feed of a collection, narrowed as its address asks."""
    title, subtitle = TITLES[collection.name]
    entries = _needs(asked) if collection is NEEDS else _questions(asked)
    return Feed(
        id=tag_uri("feed", collection.name, *([asked.fingerprint] if asked.lasting else [])),
        title=title,
        subtitle=subtitle,
        self_href=self_href,
        href=public_link("demand.board"),
        entries=entries,
        rights=f"Open Government Licence v3.0, {rules.LICENCE}",
    )


def _narrowed(statement: Select[int], collection: Collection, asked: Asked) -> Select[int]:
    for narrow in collection.filters:
        if (value := asked.values.get(narrow.parameter.name)) is not None:
            statement = statement.where(narrow.where(value))
    return statement


def _needs(asked: Asked) -> list[Entry]:
    rows = _narrowed(needs.public_needs(), NEEDS, asked)
    newest = rows.order_by(needs.need_told().desc(), Need.id.desc()).limit(ENTRIES)
    ids = list(db.session.scalars(newest))
    found = needs.needs_by_id(ids)
    entries = []
    for need in (found[row] for row in ids if row in found):
        version = need.current
        if version is None:
            continue
        gone = need.withdrawn_at
        changed = f" Changed: {version.change_note}" if version.change_note else ""
        entries.append(
            Entry(
                id=tag_uri("need", need.ref),
                title=f"Withdrawn: {version.title}" if gone else version.title,
                href=public_link("needs.need", ref=need.ref),
                updated=gone or version.published_at,
                published=need.published_at,
                author=need.organisation.name,
                summary=f"Withdrawn on {day(gone)}. {need.withdrawn_reason}"
                if gone
                else f"{version.problem}{changed}",
                categories=[(version.clinical_area.value, version.clinical_area.label)]
                if version.clinical_area and not gone
                else (),
            )
        )
    return entries


def _questions(asked: Asked) -> list[Entry]:
    rows = _narrowed(questions.public_questions(), QUESTIONS, asked).where(Need.withdrawn_at.is_(None))
    changed = questions.question_changed()
    newest = rows.order_by(changed.desc(), Question.id.desc()).limit(ENTRIES)
    ids = list(db.session.scalars(newest))
    found = questions.questions_by_id(ids)
    return [
        Entry(
            id=tag_uri("question", one.ref),
            title=given.question_text,
            href=f"{public_link('needs.need', ref=one.need.ref)}#questions",
            updated=given.answered_at,
            published=one.answered_at,
            author=one.need.organisation.name,
            summary=given.text,
        )
        for one in (found[row] for row in ids if row in found)
        if (given := one.answer) is not None
    ]
