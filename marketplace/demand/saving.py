"""Decisions about saved searches: when a digest is due, what it tells, and what makes a new version worth telling.

Pure functions over plain values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import SequenceMatcher

from marketplace.clock import LONDON
from marketplace.errors import DomainError, NotVisible
from marketplace.needs.rules import NeedContent
from marketplace.vocabulary import Term

NAME_LIMIT = 80
#: Searches that one person or one address can keep.
SAVED_MOST = 30
#: How long the link that proves an address works. What was not confirmed by then is deleted.
CONFIRM_LIFE = timedelta(days=3)
#: Requests to save in one window: for one address of e-mail, and (times ten) from one place.
REQUESTS = 3
#: Things that one e-mail lists; the others are counted, and lead to the page.
LISTED_MOST = 30
#: From this hour on, in England, the day's digests are sent.
DIGEST_HOUR = 7
#: A text in which at least so much of the words is another says something else.
REWORDED = 0.2

#: What names a thing among things of all kinds: its kind and its ref.
Key = tuple[str, str]


class BrokenLink(NotVisible):
    """A link of an e-mail that we did not make, or not all of it."""


class Frequency(Term):
    """How often a saved search is told by e-mail."""

    DAILY = "daily", "Every day, when there is something new"
    WEEKLY = "weekly", "Every Monday, when there is something new"
    NONE = "none", "No e-mails"

    @property
    def told(self) -> str:
        """Say it where it is not clear that e-mails are meant, such as E-mails: every Monday ..."""
        return self.label if self is Frequency.NONE else f"E-mails: {self.label[:1].lower()}{self.label[1:]}"


@dataclass(frozen=True, slots=True)
class News:
    """Something that a saved search has not told in this version; ``changed`` when it told an earlier one."""

    key: Key
    version: int
    changed: bool = False


def period(frequency: Frequency, now: datetime) -> date | None:
    """Return the day whose digest is the last that was due: today, yesterday before 7am, or the Monday before that.

    None where no e-mails are wanted. Days and hours are those in England, in summer and in winter.
    """
    if frequency is Frequency.NONE:
        return None
    local = now.astimezone(LONDON)
    day = local.date() if local.hour >= DIGEST_HOUR else local.date() - timedelta(days=1)
    return day if frequency is Frequency.DAILY else day - timedelta(days=day.weekday())


def can_stop(frequency: Frequency, *, of_address: bool) -> bool:
    """Tell whether there is anything to stop: an address is deleted then, also where it gets no e-mails."""
    return of_address or frequency is not Frequency.NONE


def awake(now: datetime) -> bool:
    """Tell whether it is an hour at which digests are sent: what was missed at night waits for the morning."""
    return now.astimezone(LONDON).hour >= DIGEST_HOUR


def news(
    found: Mapping[Key, int], told: Mapping[Key, int], is_material: Callable[[Key, int, int], bool]
) -> list[News]:
    """Return what is found and was not told, in the order of finding; of new versions only those worth telling.

    ``found`` has the version of each thing now, ``told`` the last that was told.
    """
    fresh = []
    for key, version in found.items():
        before = told.get(key)
        if before is None:
            fresh.append(News(key, version))
        elif version > before and is_material(key, before, version):
            fresh.append(News(key, version, changed=True))
    return fresh


_FACTS = (
    "must",
    "evidence_wanted",
    "how_many",
    "baseline",
    "target",
    "measure",
    "clinical_area",
    "care_setting",
    "shift",
    "timing",
    "funding_state",
)
_PROSE = ("title", "problem", "who_affected", "pathway_today", "outcome")


def material(before: NeedContent, after: NeedContent) -> bool:
    """Tell whether a need says something else now: another fact or must-have, or a text with a fifth of it reworded.

    Punctuation, capitals and mended typing errors in a long text are no news.
    """
    if any(_plain(getattr(before, name)) != _plain(getattr(after, name)) for name in _FACTS):
        return True
    return any(_reworded(getattr(before, name), getattr(after, name)) for name in _PROSE)


def _plain(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Term):
        return _words(value)
    if isinstance(value, tuple):
        return [_plain(one) if isinstance(one, str) else (one.type, _words(one.detail)) for one in value]
    return value


def _reworded(before: str, after: str) -> bool:
    same = SequenceMatcher(None, _words(before), _words(after), autojunk=False).ratio()
    return 1 - same >= REWORDED


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def checked_name(name: str) -> str:
    """Return the name, or raise for none and for one that is too long."""
    if not name:
        raise DomainError("Enter a name for this search", "name")
    if len(name) > NAME_LIMIT:
        raise DomainError(f"Name must be {NAME_LIMIT} characters or fewer", "name")
    return name


def check_number(already: int) -> None:
    """Raise when so many searches are kept that there is no room for one more."""
    if already >= SAVED_MOST:
        raise DomainError(f"You have {SAVED_MOST} saved searches already. Delete one first", "name")


def last_told(rows: Iterable[tuple[str, str, int]]) -> dict[Key, int]:
    """Return the last version told of each thing, from the ledger's rows of kind, ref and version."""
    told: dict[Key, int] = {}
    for kind, ref, version in rows:
        told[kind, ref] = max(version, told.get((kind, ref), 0))
    return told
