"""The texts of everything that was published, to be looked through word by word.

Databases find words inside texts by reading all of them, a tenth of a second for 10,000 needs, and each kind folds
letters in its own way. So each process holds the texts, some 2 KiB for a need, and reads only versions that are new.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, String, and_, func, type_coerce

from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.database import db
from marketplace.demand import rules
from marketplace.demand.queries import NEED
from marketplace.demand.saving import Key
from marketplace.needs import queries as needs
from marketplace.needs.models import Need, NeedVersion
from marketplace.remembered import Part, renewed

#: Between the texts of a version: no word, and in none of them.
_BETWEEN = "\x1f"
#: If more versions than this are new, all are read: a statement takes only so many values.
_ASKED_MOST = 500

#: By a need's ref, when its version was published or the need withdrawn (only compared, so as the database's driver
#: gives it) and all its texts in folded letters, as UTF-8: half the size of a `str` with a dash in it.
Texts = Mapping[str, tuple[object, bytes]]
_MOMENT = type_coerce(func.coalesce(Need.withdrawn_at, NeedVersion.published_at), String)


def saying(actor: Actor, phrases: Sequence[str]) -> set[Key]:
    """Return what says each of these phrases word for word, whatever stands between the words but no other word."""
    # Each once by its words: "to", "To" and "to." ask for the same, and every phrase is looked for in every text.
    folded = list(dict.fromkeys(" ".join(rules.words_of(phrase.casefold())) for phrase in phrases))
    words = [word for phrase in folded for word in rules.words_of(phrase)]
    texts = _texts(actor)
    return {
        (NEED, ref)
        for ref in _with_all(texts, texts, words)
        if _says(texts[ref][1].decode().split(_BETWEEN), folded)
    }


def _says(parts: Sequence[str], phrases: Sequence[str]) -> bool:
    return all(any(rules.says(part, phrase) for part in parts) for phrase in phrases)


def with_words(actor: Actor, words: Sequence[str], among: Iterable[str]) -> set[Key]:
    """Return those of the needs (by ref) whose texts have all of these words, as they are or longer."""
    return {(NEED, ref) for ref in _with_all(_texts(actor), among, words)} if words else set()


def _with_all(texts: Texts, among: Iterable[str], words: Iterable[str]) -> Collection[str]:
    found = [ref for ref in among if ref in texts]
    for word in sorted((word.casefold().encode() for word in words), key=len, reverse=True):
        found = [ref for ref in found if word in texts[ref][1]]  # the longest first: it leaves the fewest
    return found


def _texts(_actor: Actor) -> Texts:
    return renewed("texts", (Part.BOARD,), _renewed)


def _renewed(before: Texts | None) -> Texts:
    rows = db.session.connection().execute(_published(Need.ref, _MOMENT))
    moments: dict[str, object] = {ref: moment for ref, moment in rows}  # noqa: C416 - rows are not pairs to the type checker
    known = {ref: one for ref, one in (before or {}).items() if moments.get(ref) == one[0]}
    missing = [ref for ref in moments if ref not in known]
    if missing:
        known.update(_read(missing if len(missing) <= _ASKED_MOST else None))
    return known


def _read(refs: Collection[str] | None) -> Texts:
    """Return texts as pages show them: of a need that was withdrawn the title and the reason alone.

    Whoever guesses what such a need said must not find it by that.
    """
    statement = _published(
        Need.ref,
        _MOMENT,
        Need.withdrawn_at.is_not(None),
        Need.withdrawn_reason,
        NeedVersion.must,
        NeedVersion.title,
        NeedVersion.problem,
        NeedVersion.who_affected,
        NeedVersion.pathway_today,
        NeedVersion.outcome,
        NeedVersion.measure,
    )
    if refs is not None:
        statement = statement.where(Need.ref.in_(refs))
    return {
        ref: (moment, _BETWEEN.join((title, reason) if gone else (title, *texts, *must)).casefold().encode())
        for ref, moment, gone, reason, must, title, *texts in db.session.connection().execute(statement)
    }


def _published(*columns: Any) -> Select[Any]:
    return (
        needs.visible_to(ANONYMOUS)
        .with_only_columns(*columns)
        .join(NeedVersion, and_(NeedVersion.need_id == Need.id, NeedVersion.number == Need.version))
        .where(Need.published_at.is_not(None))
    )
