"""What of a listing does not count towards matching, told to its author in plain words, and to nobody else.

Everything is found when the page is asked for, from the draft as it stands and from what is public now: nothing is
stored, so nothing goes stale when a need is withdrawn or an older listing is archived.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, url_for

from marketplace import clock
from marketplace.database import db
from marketplace.matches import finder, queries
from marketplace.matches.documents import document_of_draft
from marketplace.web.search import Uncounted
from matching.duplicates import NOTHING, Spoken, copied, copied_from, loans
from matching.honesty import MOST_BOXES, NAME_WORDS, SAME_WORD, Note, Oddity, counted
from matching.types import Document, Kind

#: Notes shown; whoever has more begins with these.
MOST = 12
#: Characters of a sentence that is quoted.
QUOTED = 120

FIELDS = {
    "name": "name",
    "summary": "summary",
    "intended-use": "intended_use",
    "claims": "claims",
    "replaces": "replaces",
    "settings": "settings",
    "clinical-area": "clinical_areas",
}
"""The question that a part of the document answers."""


def init(app: Flask) -> None:
    """Let the pages of technologies ask."""
    app.extensions["uncounted"] = of_draft


def of_draft(ref: str) -> tuple[Uncounted, ...]:
    """Return what of a technology's draft does not count; call it for pages of its own supplier only."""
    technology = queries.technology_with_draft(db.session, ref)
    if technology is None or technology.draft is None or technology.archived_at is not None:
        return ()
    document = document_of_draft(technology, clock.now())
    found = [*_odd(document), *_same(document)]
    return tuple(dict.fromkeys(found))[:MOST]


def _odd(document: Document) -> Iterator[Uncounted]:
    for note in counted(document).notes:
        yield Uncounted(FIELDS.get(note.source, ""), _words(note))


def _words(note: Note) -> str:
    quote = quoted(note.text)
    match note.oddity:
        case Oddity.LIST:
            return f"{quote} reads as a list of terms. Only sentences count towards matching."
        case Oddity.REPEATED_SENTENCE if note.count > 1:
            return f"{quote} stands {note.count} times. A sentence that is repeated so often does not count."
        case Oddity.REPEATED_SENTENCE:
            return f"{quote} says the same words again and again. It does not count towards matching."
        case Oddity.REPEATED_WORD:
            return f"{quote} stands {note.count} times. Above {SAME_WORD} times a word soon stops counting."
        case Oddity.TEMPLATE:
            return f"{quote} is one of several sentences that differ by a word or two. None of them counts."
        case Oddity.BOXES:
            return (
                f"You chose {note.count}. Who chooses more than {MOST_BOXES} is taken to be there for everybody, so "
                "none of them counts."
            )
        case Oddity.LONG_LABEL:
            return f"This has {note.count} words. Only the first {NAME_WORDS} count towards matching."
        case Oddity.LONG:
            return f"From {quote} on the text is longer than what counts towards matching."


def _same(document: Document) -> Iterator[Uncounted]:
    """Yield what stands in a need or in an older listing, as far as this process knows them yet."""
    own = finder.at_once(db.session)
    if own is None:
        return
    spoken = Spoken(document)
    fields = {one.written: document.passages[one.passage].source for one in spoken.sentences}
    for need in own.matchers[Kind.NEED].resembling(document):
        foreign = copied_from(need, spoken)
        if foreign is not NOTHING:
            title, href = quoted(need.document.title), url_for("needs.need", ref=need.document.id)
            by_field: dict[str, list[str]] = {}
            for sentence in copied(spoken, foreign):
                by_field.setdefault(fields[sentence], []).append(sentence)
            for field, texts in by_field.items():
                quotes = " ".join(quoted(text) for text in dict.fromkeys(texts))
                yield Uncounted(
                    FIELDS.get(field, ""),
                    f"{quotes} These are words of the need {title}. They do not count towards matching that need.",
                    href,
                )
    others = own.matchers[Kind.TECHNOLOGY].resembling(document)
    for loan in loans([spoken, *others]):
        if loan.borrower == 0:
            older = others[loan.lender - 1].document
            href = url_for("technologies.technology", ref=older.id)
            if loan.same:
                yield Uncounted(
                    "",
                    f"This listing is nearly the same as {quoted(older.title)}. Only the older of the two has a "
                    "place in results; the other is named beside it.",
                    href,
                )
            elif older.supplier != document.supplier:
                yield Uncounted(
                    "",
                    f"Some sentences stand in the older listing {quoted(older.title)} too. They do not count "
                    "for this one.",
                    href,
                )


def quoted(text: str) -> str:
    """Return the beginning of a text in quotation marks."""
    plain = " ".join(text.split())
    if len(plain) > QUOTED:
        plain = plain[:QUOTED].rsplit(" ", 1)[0] + " …"
    return f"“{plain}”"
