"""Clean text and cut it into words and sentences; every other part of the matcher starts from here."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import Stemmer

MAX_CHARACTERS = 20_000
"""What one field may hold before the rest is ignored, so that nobody ranks higher by writing a book."""

_WORD = re.compile(r"[^\W_]+(?:[’'][^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[\"“‘(#£]?[A-Z0-9])|\n+")
_NO_END = re.compile(r"(?:\b(?:[A-Z]|e\.g|i\.e|vs|Dr|Mr|Mrs|Ms|St|No|approx|incl|etc)\.)$")

# Letters of other scripts that look like Latin ones: Cyrillic, Greek, Armenian, and rare Latin letters of their own.
_CONFUSABLE = str.maketrans(
    "аеорсухіјѕԁһӏкмтнвΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρτυικАВЕКМНОРСТУХІЈЅϲСԛԝɡɑıօսһոԌςΣ",
    "aeopcyxijsdhlkmthbABEZHIKMNOPTYXoavptuikABEKMHOPCTYXIJScCqwgaiouhnGcC",
)
_LATIN = re.compile(r"[A-Za-z]")
_LETTERS = re.compile(r"[^\W\d_]+")
_LOOK_ALIKE = re.compile("[\u0131\u0251\u0261\u0370-\u058f]")

_OTHER_SCRIPT = re.compile(r"[^\u0000-\u024f\W]")
"""A letter outside the Latin script, whose marks are part of the writing."""

# Characters that show as nothing although Unicode counts them as letters, marks or symbols.
_EMPTY = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")

_STOP_TEXT = """
a about after all also am an and any are as at be because been before being both but by can cannot could did
do does doing down during each few for from further had has have having he her here hers him his how i if in
into is it its itself just me more most my no nor not now of off on once only or other our ours out over own
same she should so some such than that the their theirs them then there these they this those through to too
under until up us very was we were what when where which while who whom why will with would you your yours
i'm it's don't won't we're they're may might must shall per via
"""
STOP_WORDS = frozenset(_STOP_TEXT.split())


def normalise(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Return ``text`` in one line without hidden characters and look-alike letters, cut to ``limit`` characters.

    Control, format (bidirectional, zero-width, tag), private-use and unassigned characters are dropped, and so are
    empty letters and strokes laid over Latin letters; compatibility forms (full-width, ligatures, styled letters)
    become plain ones.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text[: limit * 2].split())[:limit].rstrip()
    kept: list[str] = []
    for character in unicodedata.normalize("NFKC", text[: limit * 2]):
        category = unicodedata.category(character)
        if character.isspace() or category in {"Zl", "Zp"}:
            kept.append(" ")
        elif category[0] == "C" or character in _EMPTY or "\ufe00" <= character <= "\ufe0f":
            continue
        elif category not in {"Mn", "Me"} or (kept and _OTHER_SCRIPT.match(kept[-1])):
            kept.append(character)
    plain = " ".join("".join(kept).split())
    if _LOOK_ALIKE.search(plain):
        plain = _LETTERS.sub(lambda word: _fold_look_alikes(word.group(), latin=False), plain)
        # Words of nothing but look-alikes are folded in a text that is Latin besides, or would be throughout.
        if sum(map(str.isascii, plain)) > 0.5 * len(plain) or plain.translate(_CONFUSABLE).isascii():
            plain = _LETTERS.sub(lambda word: _fold_look_alikes(word.group(), latin=True), plain)
    return plain[:limit].rstrip()


def collapse(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Return ``text`` in one line, cut to ``limit`` characters, and otherwise as it was written."""
    return " ".join(text.split())[:limit]


def _fold_look_alikes(word: str, *, latin: bool) -> str:
    """Fold a word that also holds Latin letters, where nobody writes others by honest means.

    In a text that is mostly ``latin`` also a word that would be a Latin one throughout; single letters stay.
    """
    folded = word.translate(_CONFUSABLE)
    return folded if _LATIN.search(word) or (latin and len(word) > 1 and folded.isascii()) else word


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text as it was written, with its place (character offsets)."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """Return the words of ``text`` with their offsets; hyphens and slashes part words."""
    return [Word(found.group(), found.start(), found.end()) for found in _WORD.finditer(text)]


# British spellings that American writers spell otherwise; both become the American one, which is shorter.
_SPELLINGS = [
    (re.compile(pattern), plain)
    for pattern, plain in [
        (r"(?<=h)aem(?!o$)", "em"),
        (r"(?<=p)aed", "ed"),
        (r"an(?:a)?esth", "anesth"),
        (r"(?<=[rnspt])aesth", "esth"),
        (r"aemi", "emi"),
        (r"gynae", "gyne"),
        (r"(?<=[fc])aec", "ec"),
        (r"^palae", "pale"),
        (r"caesar", "cesar"),
        (r"aetiol", "etiol"),
        (r"oedem", "edem"),
        (r"oesoph", "esoph"),
        (r"oestr", "estr"),
        (r"rrhoea", "rrhea"),
        (r"pnoea", "pnea"),
        (r"^foet", "fet"),
        (r"^amoeb", "ameb"),
        (r"^homoeo", "homeo"),
        (r"coeliac", "celiac"),
        (r"manoeuv", "maneuv"),
        (r"sulph", "sulf"),
        (r"(?<=\w[bdhlmnpv])our(?=(?:s|al|ing|ed|able|ful|less|hood)?$)", "or"),
        (r"(?<=[aeiou]vi)our(?=s?$|al)", "or"),
        (r"(?<=t)um(?:ou|o)r", "umor"),
        (r"(?<=[a-z][bt]|uv)re(?=s?$)", "er"),
        (r"(?<=[a-z][bt])red$", "ered"),
        (r"(?<=[a-z]{2}l)ogue(?=s?$)", "og"),
        (r"^(def|lic|off|pret)ence", r"\1ense"),
        (r"(?<=dg)ement", "ment"),
        (r"specialit(?=y|ies)", "specialt"),
        (r"^scept", "skept"),
        (r"^mould", "mold"),
        (r"^grey", "gray"),
        (r"^tyre", "tire"),
        (r"^pyjama", "pajama"),
        (r"aluminium", "aluminum"),
        (r"programme(?!d|r)", "program"),
        (r"practis", "practic"),
        (r"(?<=\w{3}[a-z])is(?=(?:e|ed|es|er|ing|ation)$)", "iz"),
        (r"(?<=l)ys(?=(?:e|ed|er|ing)$)", "yz"),
        # Two syllables or more: travelling, labelled; but spelling and swelling keep their letters.
        (r"([aeiouy][a-z]{1,2}e)ll(?=(?:ed|ing|er)$)", r"\1l"),
        (r"(?<=gna|dia)ll(?=(?:ed|ing|er)$)", "l"),
    ]
]

_stemmers = threading.local()


def american(word: str) -> str:
    """Return a lower-case word in American spelling, which is never the longer one."""
    for pattern, plain in _SPELLINGS:
        word = pattern.sub(plain, word)
    return word


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the Snowball English stem of one word, in lower case, with British spellings folded first."""
    stemmer = getattr(_stemmers, "english", None)
    if stemmer is None:
        # PyStemmer objects are not safe to share between threads.
        stemmer = _stemmers.english = Stemmer.Stemmer("english")
    stemmed: str = stemmer.stemWord(american(word.lower().replace("’", "'").removesuffix("'s")))
    return stemmed


def stems(text: str) -> list[str]:
    """Return the stems of the words of normalised ``text`` in order, without stop words."""
    return [stem(found) for found in _WORD.findall(text) if found.lower() not in STOP_WORDS]


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sentence of ``text``, without the white space between them."""
    start = 0
    # One letter for another, so that places stay as they are.
    plain = text if text.isascii() else text.translate(_CONFUSABLE)
    for end in _SENTENCE_END.finditer(plain):
        piece = text[start : end.start()]
        if end.group().strip('"”’)') and "\n" not in end.group() and _NO_END.search(piece):
            continue
        yield from _trimmed(text, start, end.start())
        start = end.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = end - (len(piece) - len(piece.rstrip()))
    if left < right:
        yield left, right
