"""Put stems and concepts back into words that a person would say, and know the words that say nothing alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from matching.documents import whole_text
from matching.text import STOP_WORDS, stem, words
from matching.types import Document

_GENERIC_TEXT = """
able across add adult another ask average avoid back bad bed begin best big bring build buy call can care case cause
centre change check choose clinic clinical clinician come community compare cost count cover current daily data day
deal decide digital doctor doing early easy end england enough ensure every evidence example existing extra far few
find first fit follow fourth fund general get give go good group growing half hard help high home hospital hour
however identify implement important improve include increase inform instead keep know known large last late lead
least leave less level life like list little local locally long look lose lot low made main make manage many mean
measure meet million minute miss model month morning move much must national near need never new next nhs night
nobody none number nurse offer often old older online open order organisation outcome own part patient pay people
percent person place plan poor possible practice prefer present problem process product programme project provide
provider pull put quality quarter quick rate reach real record reduce region report require result review right rise
rose run safe safely save say scheme second see seek seen send serious serve service set several share short show
side site slow small software solution some sort soon spend staff start state stay step still stop support sure
system take target team tell test them thing third though time today told too tool top track train treat trust try
turn two type unable under unit until use used user value version visit wait waiting want way week well whole wide
within without word work worker world worse year yes yet young
"""
GENERIC = frozenset(stem(word) for word in _GENERIC_TEXT.split())
"""Stems that half of all needs could hold: alone they name nothing."""


def says_something(word: str) -> bool:
    """Tell whether a word alone tells somebody what a text is about: no number, no stop word, nothing general."""
    return (
        len(word) > 2
        and word.isalpha()
        and word.lower() not in STOP_WORDS
        and (_is_short_form(word) or stem(word) not in GENERIC)
    )


def written_as(documents: Iterable[Document]) -> Mapping[str, str]:
    """Return how each telling stem is written most often, capitals only in short forms; ties by the alphabet."""
    counts: dict[str, Counter[str]] = {}
    for document in documents:
        for word in words(whole_text(document)):
            if says_something(word.text):
                plain = word.text if _is_short_form(word.text) else word.text.lower()
                counts.setdefault(stem(word.text), Counter())[plain] += 1
    return {
        key: sorted(found.items(), key=lambda one: (-one[1], one[0]))[0][0] for key, found in counts.items()
    }


def _is_short_form(word: str) -> bool:
    return len(word) < 7 and sum(letter.isupper() for letter in word) > 1
