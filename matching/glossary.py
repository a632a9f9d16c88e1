"""Read NHS language: abbreviations, and the many ways in which people say the same thing.

The words are in ``data/glossary.csv``, a table that a clinician can read and edit:

* ``forms``: abbreviations and headwords, each of which means the row's concept outright; an abbreviation may say
  what it alone stands for (``SAH = subarachnoid haemorrhage``), else it stands for the first meaning;
* ``meaning``: what they stand for; the first is what the encoder is given in place of an abbreviation;
* ``related``: what others, innovators above all, say about the same thing; it counts for less;
* ``context``: beginnings of words, one of which must stand in the text for the short form to be read so. A
  form on several rows (DNA, PE, MS) is read by the row with most of its context; where nothing settles it, each
  row counts a share. A form of four letters or more that is on one row alone is read without context.

``docs/glossary.md`` tells a clinician how to edit the table; ``python -m matching.glossary_check`` checks it.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

from matching.text import Word, stem, words

_EVERYDAY_TEXT = """
able ace aces act ad add age ago ai aid aids aim aims air all am amp an and ant any apt arc are ark arm arms
art as ask at ate aux awe axe bad bag ball ban bar bare base bat bay be bed beds bee best bet big bin bins
bit bow box boy bug bus but buy by cab cage call came can cap caps car card care cart case cast cat cats
chat clap clip co code cop core cow cows cry cup cut dad dam dark dart day days den dial did die diet dig
dim dip do dog dose dot dots dry due dust ear earn ears eat echo ed edge eg egg elf else end era etc eu ever
ex eye face fact fan far fast fat few fib fig film find fine fire fist fit fits fix flag flap flat flex flow
fly foot for form fox free from fun gain gap gaps gas gate gem get gift give goal goals god gold golf good
got grace grow guide gum guy had half ham hand hang hard harm has hat have he head hear heat held help her
here hers hi hid high hip his hit hits hold home hope hot hour how hub huge i ice id idea ids ie if ill in
ink inn into ion iris is it its jam jar job join joy just keen keep key kid kids kind kit knew la lab lack
lad lamp land lap las last late law lay lead leaf lean led leg lens less let lid lie life lift light like
line link lip lips list lit live load log long look lot lots loud love low lows mad made mail main make mall
man map maps mar mart mas mask mass mat max may me mean meet men mesh met mid mile milk mind mine minor mix
mo mode mom moment moon more most move ms mum must my nap near neat neck need nest net new news next nick
nil no nod noise nor nose not note now nut oak oar odd of off oh oil ok old on once one ones only or orbit
ore other our out oven over own pa pace pack pad pads page paid pain pair pal pals pam pan par park part
pass past pat path pave paws pay peace peak peer pen pep per perc pet pets pick pie pig pill pin pink pip
pit place plan play plus pod pods poem point pool pop pops port post pot ppe pre prep press pub pull pump
push put quit raft rail rain ran rap rare ras rat rate raw ray re read real rear red relay respect rest rice
rid ring rip rise risk roar rob rod role roll room root rope rose rot round row rub rule run rush sad safe
safer said salt same sand sat saw say scan scarf scope score scram sea seat see seen self sell send sent set
sets sex shall share she ship shoe shop short shot show shut side sift sign silk sin sing sip sips sir sit
site six skin skip sky slam sleep slip slot slow small smart snap so soap soar sob soc sofa soft some son
song soon sop sops sort soul span spin spot star stark start stay steam stem step steps still stomp stop
stopp storm strain suit sum sun sure swab swap sweat tab tag take talk tall tap tape tar task tax tea team
tear ten tend term tern test text than that the their them then they thin this thrive tie ties tight time
times tin tip tips tire to toe toes told tom ton too tool top tops tow town toy trap tray tree trial trim
trip trips true try tub tube tug turn two un under up us use van vest via vic view vip visit voice vote walk
wall want war warm was wash wave way we wear web week well went were wet what when who why wide will win
wind wing wise wish with woe wolf won word work worm worn wow yak yard yarn yeah year years yes yet you
young zip zone zones
"""
EVERYDAY = frozenset(_EVERYDAY_TEXT.split())
"""Lower-case words of everyday English: an abbreviation that looks like one must be written in capitals."""

_SHORT = re.compile(r"[A-Z0-9#][A-Za-z0-9#]{0,6}")
_PLAIN = 4
"""Letters from which an abbreviation that is on one row alone needs no context."""
_A_WORD = 2
"""Letters up to which a context is a whole word: "ed" must not be found in "education"."""
_TYPED = 6
"""Words up to which a text is taken for something typed in haste, where an abbreviation has no context."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the glossary; ``concept`` names it, for good."""

    concept: str
    section: str
    forms: tuple[str, ...]
    meanings: tuple[str, ...]
    related: tuple[str, ...]
    context: tuple[str, ...]
    own: Mapping[str, str] = field(default_factory=dict)
    """What a form stands for, where that is not the first meaning."""

    def stands_for(self, form: str) -> str:
        """Return the words behind one of the forms."""
        return self.own.get(form, self.meanings[0])


@dataclass(frozen=True, slots=True)
class Mention:
    """A concept found in a text: the words from ``first`` to ``last`` (exclusive), and how surely it is meant.

    ``short`` tells an abbreviation, ``meaning`` what it stands for (of a phrase: the first meaning).
    """

    entry: Entry
    first: int
    last: int
    weight: float
    short: bool
    meaning: str


Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read an abbreviation: the row, the words it stands for there, whether it needs context."""

    entry: Entry
    meaning: str
    needs_context: bool


class Glossary:
    """Find the concepts of the glossary in a text. ``related_weight`` is what a related phrase counts."""

    def __init__(self, entries: Sequence[Entry], related_weight: float = 0.5) -> None:
        self.entries = tuple(entries)
        self._shorts: dict[Words, list[Reading]] = defaultdict(list)
        self._phrases: dict[Words, list[tuple[Entry, float]]] = defaultdict(list)
        for entry in self.entries:
            for form in entry.forms:
                if is_short(form):
                    self._short(form, entry)
                else:
                    self._phrase(form, entry, 1.0)
            for phrase in (*entry.meanings, *entry.own.values()):
                self._phrase(phrase, entry, 1.0)
            for phrase in entry.related:
                self._phrase(phrase, entry, related_weight)
        # Most words begin nothing: the sizes of what a word does begin are looked up first, longest first.
        self._short_sizes = _sizes(self._shorts)
        self._phrase_sizes = _sizes(self._phrases)

    def _short(self, form: str, entry: Entry) -> None:
        parts = tuple(word.text for word in words(form))
        reading = Reading(entry, entry.stands_for(form), bool(entry.context))
        for written in (parts, _plural(parts)):
            self._read(written, reading)
            folded = tuple(part.lower() for part in written)
            if folded != written and not EVERYDAY & {*folded, *(part.lower() for part in parts)}:
                self._read(folded, reading)

    def _read(self, written: Words, reading: Reading) -> None:
        known = self._shorts[written]
        if all(other.entry is not reading.entry for other in known):
            known.append(reading)

    def _phrase(self, phrase: str, entry: Entry, weight: float) -> None:
        key = phrase_key(phrase)
        known = self._phrases[key]
        if key and all(other.concept != entry.concept for other, _ in known):
            known.append((entry, weight))

    def knows(self, short: str) -> bool:
        """Tell whether an abbreviation has a row."""
        return tuple(word.text for word in words(short)) in self._shorts

    def mentions(self, found: Sequence[Word]) -> Iterator[Mention]:
        """Yield the concepts that the words of a text mention; of abbreviations and of phrases the longest."""
        yield from self._short_mentions(found)
        yield from self._phrase_mentions(found)

    def _short_mentions(self, found: Sequence[Word]) -> Iterator[Mention]:
        plain = tuple(word.text for word in found)
        lower = ""
        taken = 0
        for at, word in enumerate(plain):
            if at < taken:
                continue
            for size in self._short_sizes.get(word, ()):
                written = plain[at : at + size]
                readings = self._shorts.get(written)
                if readings is None or len(written) < size:
                    continue
                # Words are joined by single spaces, so that "d-dimer" is looked for as " d dimer".
                lower = lower or f" {' '.join(plain).lower()} "
                for reading, weight in _chosen(readings, written, lower, len(plain)):
                    yield Mention(reading.entry, at, at + size, weight, short=True, meaning=reading.meaning)
                taken = at + size
                break

    def _phrase_mentions(self, found: Sequence[Word]) -> Iterator[Mention]:
        stemmed = tuple(stem(word.text) for word in found)
        longest: dict[str, int] = {}
        for at, first in enumerate(stemmed):
            for size in self._phrase_sizes.get(first, ()):
                if at + size > len(stemmed):
                    continue
                for entry, weight in self._phrases.get(stemmed[at : at + size], ()):
                    if longest.get(entry.concept, 0) < at + size:
                        longest[entry.concept] = at + size
                        yield Mention(entry, at, at + size, weight, short=False, meaning=entry.meanings[0])

    def spell_out(self, text: str) -> str:
        """Return normalised ``text`` with each abbreviation followed by what it stands for, once each."""
        found = words(text)
        pieces, end, told = [], 0, set()
        for mention in self._short_mentions(found):
            if mention.weight > 0.5 and mention.meaning not in told:
                told.add(mention.meaning)
                upto = found[mention.last - 1].end
                pieces.append(f"{text[end:upto]} ({mention.meaning})")
                end = upto
        return "".join([*pieces, text[end:]])


def phrase_key(phrase: str) -> Words:
    """Return the stems by which a phrase is found."""
    return tuple(stem(word.text) for word in words(phrase))


def _sizes(keys: Iterable[Words]) -> dict[str, tuple[int, ...]]:
    """Return for each first word how many words the keys have that begin with it, longest first."""
    found: dict[str, set[int]] = defaultdict(set)
    for key in keys:
        if key:
            found[key[0]].add(len(key))
    return {first: tuple(sorted(sizes, reverse=True)) for first, sizes in found.items()}


def _plural(parts: Words) -> Words:
    """Return an abbreviation with the s of its plural; one that ends in s has none of its own."""
    *rest, last = parts
    return parts if last.endswith(("s", "S")) or len(last) < 2 else (*rest, f"{last}s")


def is_short(form: str) -> bool:
    """Tell whether a form is an abbreviation, to be matched as it is written, rather than words."""
    parts = words(form)
    return any(
        sum(letter.isupper() or letter.isdigit() for letter in part.text) >= 2
        or (len(part.text) <= 2 and part.text[0].isupper())
        for part in parts
    ) and all(_SHORT.fullmatch(part.text) or len(part.text) <= 7 for part in parts)


def _chosen(
    readings: Sequence[Reading], written: Words, lower: str, length: int
) -> list[tuple[Reading, float]]:
    """Return how an abbreviation is read in a text (``lower``, of ``length`` words), with a share for each way."""
    support = [sum(f" {start}" in lower for start in reading.entry.context) for reading in readings]
    if max(support) > 0:
        return [(readings[support.index(max(support))], 1.0)]
    free = [reading for reading in readings if not reading.needs_context]
    if free:
        return [(free[0], 1.0)]
    if len(readings) == 1:
        if sum(map(len, written)) >= _PLAIN and not EVERYDAY & {part.lower() for part in written}:
            return [(readings[0], 1.0)]
        return [] if length > _TYPED else [(readings[0], 0.5)]
    return [(reading, 1 / len(readings)) for reading in readings]


def read(text: str) -> list[Entry]:
    """Read the table; raises ValueError with the line for a row without a form or a meaning."""
    entries = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        cells = {
            name: tuple(part.strip() for part in (row[name] or "").split(";") if part.strip()) for name in row
        }
        if not cells["forms"] or not cells["meaning"]:
            raise ValueError(f"glossary, line {number}: forms and meaning are wanted")
        told = [form.partition("=") for form in cells["forms"]]
        entries.append(
            Entry(
                concept="§" + cells["meaning"][0].lower(),
                section=row["section"],
                forms=tuple(form.strip() for form, _, _ in told),
                meanings=cells["meaning"],
                related=cells["related"],
                context=tuple(_beginning(start) for start in cells["context"]),
                own={form.strip(): words.strip() for form, _, words in told if words.strip()},
            )
        )
    return entries


def _beginning(start: str) -> str:
    """Return what is looked for in a text for a cell's context; two letters are a word, not the start of one."""
    plain = " ".join(part.text for part in words(start.lower()))
    return plain if len(plain) > _A_WORD else f"{plain} "


@lru_cache(maxsize=4)
def load(related_weight: float = 0.5) -> Glossary:
    """Return the glossary that is shipped."""
    text = resources.files("matching").joinpath("data/glossary.csv").read_text(encoding="utf-8")
    return Glossary(read(text), related_weight)


def concepts(glossary: Glossary, found: Sequence[Word]) -> Mapping[str, float]:
    """Return the weight of each concept that the words of a text mention."""
    total: dict[str, float] = defaultdict(float)
    for mention in glossary.mentions(found):
        total[mention.entry.concept] += mention.weight
    return total
