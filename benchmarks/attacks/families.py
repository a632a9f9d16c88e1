"""The families of attack on the ranking: each turns an honest listing into one that wants to be found for a need.

Every family is a function of a seeded random source, a `Listing`, the need that is aimed at and the pool of honest
texts. It returns the listings that the attacker puts on the register: one that stands in place of the honest one,
or several new ones. Nothing here knows how the matcher defends itself.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from matching import glossary
from matching.documents import technology_document
from matching.text import sentences
from matching.types import Document

ATTACKED = "attacked"
"""Id of what the attacker lists; several are numbered."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A technology as its supplier writes it."""

    name: str
    supplier: str
    summary: str
    category: str = ""
    settings: tuple[str, ...] = ()
    clinical_area: str = ""
    claims: tuple[str, ...] = ()
    evidence: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(document: Document) -> Listing:
        """Read a listing back from its document."""
        found = {passage.source: passage.text for passage in document.passages}
        return Listing(
            name=document.title,
            supplier=document.supplier,
            summary=found.get("summary", ""),
            category=found.get("category", ""),
            settings=document.settings,
        )

    def document(self, id: str) -> Document:
        """Build the document that the matcher sees."""
        return technology_document(
            id=id,
            name=self.name,
            supplier=self.supplier,
            summary=self.summary,
            category=self.category,
            settings=self.settings,
            clinical_area=self.clinical_area,
            claims=self.claims,
            evidence=self.evidence,
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """The honest texts that attackers draw on. ``answers`` holds for each need the listings that answer it."""

    listings: tuple[Listing, ...]
    needs: tuple[Document, ...]
    answers: dict[str, tuple[Listing, ...]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an attacker has in hand: chance, an honest listing of theirs, the need they aim at, and others' texts."""

    chance: random.Random
    honest: Listing
    need: Document
    pool: Pool


Family = Callable[[Plan], list[Listing]]


def part(need: Document, source: str) -> str:
    """Return one part of a need's text, or nothing."""
    return " ".join(passage.text for passage in need.passages if passage.source.startswith(source))


def asked(need: Document) -> str:
    """Return all that a need says, as one text."""
    return " ".join([need.title + ".", part(need, "statement"), *(must + "." for must in need.requirements)])


def telling(text: str) -> list[str]:
    """Return the different longer words of a text in order."""
    return list(dict.fromkeys(re.findall(r"[^\W\d_]{4,}", text)))


@lru_cache(maxsize=1)
def _entries() -> tuple[glossary.Entry, ...]:
    return glossary.load().entries


def keyword_stuffing(plan: Plan) -> list[Listing]:
    """Add a list of terms without sentences: the need's own words shuffled, or eighty phrases of the glossary."""
    if plan.chance.random() < 0.5:
        terms = telling(asked(plan.need))
        plan.chance.shuffle(terms)
    else:
        terms = [
            plan.chance.choice(entry.meanings + entry.related) for entry in plan.chance.sample(_entries(), 80)
        ]
    return [replace(plan.honest, summary=f"{plan.honest.summary} Keywords: {', '.join(terms)}.")]


def repetition(plan: Plan) -> list[Listing]:
    """Say one thing over and over: the need's title, its field, or three of its words."""
    phrase = plan.chance.choice(
        [
            plan.need.title,
            plan.need.clinical_area or plan.need.title,
            " ".join(plan.chance.sample(telling(asked(plan.need)), 3)),
        ]
    )
    return [replace(plan.honest, summary=f"{plan.honest.summary} " + f"{phrase}. " * 40)]


def copied_need(plan: Plan) -> list[Listing]:
    """Copy the need: the whole of it into the summary, its statement alone, or its title into the name."""
    way = plan.chance.randrange(3)
    if way == 0:
        return [replace(plan.honest, summary=f"{plan.honest.summary} {asked(plan.need)}")]
    if way == 1:
        return [replace(plan.honest, summary=f"{part(plan.need, 'statement')} {plan.honest.summary}")]
    return [replace(plan.honest, name=f"{plan.honest.name}: {plan.need.title}")]


_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u3164\u115f\u17b4\u180b\u2063"


def hidden_characters(plan: Plan) -> list[Listing]:
    """Copy the need so that people do not see it, or programs do not: tags, empty letters, direction, strokes."""
    way = plan.chance.randrange(4)
    text = asked(plan.need)
    if way == 0:
        hidden = "".join(chr(0xE0000 + ord(one)) if " " <= one <= "~" else one for one in text)
    elif way == 1:
        hidden = "".join(one + plan.chance.choice(_INVISIBLE) for one in text)
    elif way == 2:
        hidden = f"\u202e{text}\u202c\u2066{text[::-1]}\u2069"
    else:
        hidden = "".join(one + "\u0336" if one.isalpha() else one for one in text)
    return [replace(plan.honest, summary=f"{plan.honest.summary} {hidden}")]


_LIKENESS = {
    "a": "\u0430\u0251",
    "c": "\u0441\u03f2",
    "e": "\u0435",
    "i": "\u0456\u0131",
    "j": "\u0458",
    "o": "\u043e\u03bf\u0585",
    "p": "\u0440\u03c1",
    "s": "\u0455",
    "x": "\u0445",
    "y": "\u0443",
    "h": "\u04bb",
    "A": "\u0410\u0391",
    "B": "\u0412\u0392",
    "C": "\u0421",
    "E": "\u0415\u0395",
    "H": "\u041d\u0397",
    "I": "\u0406\u0399",
    "K": "\u041a\u039a",
    "M": "\u041c\u039c",
    "N": "\u039d",
    "O": "\u041e\u039f",
    "P": "\u0420\u03a1",
    "S": "\u0405",
    "T": "\u0422\u03a4",
    "X": "\u0425\u03a7",
    "Z": "\u0396",
}


def look_alikes(plan: Plan) -> list[Listing]:
    """Copy the need with letters of other scripts that look the same, some or all of those that can be."""
    share = plan.chance.choice([0.3, 1.0])
    text = "".join(
        plan.chance.choice(_LIKENESS[one]) if one in _LIKENESS and plan.chance.random() < share else one
        for one in asked(plan.need)
    )
    if plan.chance.random() < 0.3:
        text = "".join(chr(0x1D5BA + ord(one) - 97) if "a" <= one <= "z" else one for one in asked(plan.need))
    return [replace(plan.honest, summary=f"{plan.honest.summary} {text}")]


def pasted_musts(plan: Plan) -> list[Listing]:
    """Paste the need's must-haves as claims, as evidence, or as both."""
    claims = plan.need.requirements if plan.chance.random() < 0.7 else ()
    evidence = (
        tuple(("pilot", must) for must in plan.need.requirements)
        if not claims or plan.chance.random() < 0.5
        else ()
    )
    return [replace(plan.honest, claims=claims, evidence=evidence)]


_SWAPS = {
    "people": "individuals",
    "patients": "people",
    "staff": "teams",
    "shows": "displays",
    "nurses": "nursing staff",
    "and": "as well as",
    "with": "using",
    "without": "with no",
    "before": "ahead of",
    "reads": "measures",
    "records": "logs",
    "gives": "provides",
    "finds": "detects",
    "lets": "allows",
    "checks": "verifies",
    "sends": "transmits",
    "makes": "creates",
    "keeps": "holds",
    "tells": "informs",
    "can": "is able to",
    "each": "every",
    "fewer": "less",
    "quickly": "rapidly",
    "small": "compact",
    "a": "one",
    "who": "that",
    "so": "therefore",
    "while": "as",
    "every": "each",
    "day": "24 hours",
    "minutes": "mins",
    "the": "its",
    "uses": "employs",
    "helps": "assists",
}


def clones(plan: Plan) -> list[Listing]:
    """List somebody's answer to the need again under other names, word for word or lightly reworded."""
    model = plan.chance.choice(plan.pool.answers[plan.need.id])
    light = plan.chance.random() < 0.5
    made = []
    for number in range(plan.chance.choice([1, 5])):
        summary = model.summary
        if light:
            summary = re.sub(
                r"\w+",
                lambda found: (
                    _SWAPS.get(found.group(), found.group()) if plan.chance.random() < 0.8 else found.group()
                ),
                summary,
            )
        made.append(
            replace(
                model, name=f"{plan.honest.name} {number + 1}", supplier=plan.honest.supplier, summary=summary
            )
        )
    return made


def past_the_limits(plan: Plan) -> list[Listing]:
    """Write a book: the texts of sixty others, the need in the middle or behind every limit."""
    others = [one.summary for one in plan.chance.sample(plan.pool.listings, 60)]
    others.insert(plan.chance.choice([0, 30, 60]), asked(plan.need))
    text = " ".join([plan.honest.summary, *others])
    if plan.chance.random() < 0.3:
        text = f"{plan.honest.summary} " + text * (25_000 // len(text) + 1) + asked(plan.need)
    return [replace(plan.honest, summary=text)]


def abbreviations(plan: Plan) -> list[Listing]:
    """Name a hundred and twenty abbreviations, those of the need among them."""
    shorts = [form for entry in _entries() for form in entry.forms if form.isupper()]
    own = re.findall(r"\b[A-Z][A-Z0-9]+\b", asked(plan.need))
    named = [*own, *plan.chance.sample(shorts, 120 - len(own))]
    plan.chance.shuffle(named)
    return [replace(plan.honest, summary=f"{plan.honest.summary} ({', '.join(named)})")]


def every_box(plan: Plan) -> list[Listing]:
    """Tick every box: all categories, settings and clinical areas that anybody names."""
    areas = sorted({one.clinical_area for one in plan.pool.needs if one.clinical_area})
    settings = sorted({setting for one in plan.pool.listings for setting in one.settings if setting})
    categories = sorted({one.category for one in plan.pool.listings if one.category})
    return [
        replace(
            plan.honest,
            category=", ".join(categories),
            settings=tuple(settings),
            clinical_area=", ".join(areas),
        )
    ]


_EDITIONS = ["Plus", "Lite", "Home", "Ward", "Care", "Pro"]


def splitting(plan: Plan) -> list[Listing]:
    """Split one product into eight short listings, each with one sentence, another category and another setting."""
    pieces = [plan.honest.summary[start:end] for start, end in sentences(plan.honest.summary)] or [
        plan.honest.summary
    ]
    others = plan.chance.sample(plan.pool.listings, 8)
    return [
        replace(
            plan.honest,
            name=f"{plan.honest.name} {number}",
            summary=pieces[number % len(pieces)],
            category=other.category,
            settings=other.settings,
        )
        for number, other in enumerate(others, start=1)
    ]


def flooding(plan: Plan) -> list[Listing]:
    """Split a product that does answer the need into twelve, each with its own beginning and all the rest."""
    pieces = [plan.honest.summary[start:end] for start, end in sentences(plan.honest.summary)] or [
        plan.honest.summary
    ]
    made = []
    for number in range(12):
        plan.chance.shuffle(pieces)
        kept = pieces[: max(1, len(pieces) - 1)]
        made.append(
            replace(
                plan.honest,
                name=f"{plan.honest.name} {plan.chance.choice(_EDITIONS)} {number + 1}",
                summary=" ".join(kept),
            )
        )
    return made


def invisible_padding(plan: Plan) -> list[Listing]:
    """Copy the need's words and pad them, to seem short, long or broken: blanks, dots, dashes, empty letters."""
    pad = plan.chance.choice(
        ["\u200b" * 50, "\u3164" * 20, " " * 200, " . " * 10, "\u2800" * 20, " - " * 10, "\u034f" * 40]
    )
    words = asked(plan.need).split()
    return [
        replace(plan.honest, summary=f"{plan.honest.summary} " + "".join(f"{word} {pad} " for word in words))
    ]


def foreign_claims(plan: Plan) -> list[Listing]:
    """Keep the honest listing, and claim with the sentences of others what they do for the need."""
    borrowed = [
        model.summary[start:end]
        for model in plan.pool.answers[plan.need.id][:2]
        for start, end in sentences(model.summary)
    ]
    return [replace(plan.honest, claims=tuple(borrowed[:8]))]


_TEMPLATES = [
    "It helps {} teams to see more people sooner and at lower cost.",
    "For {}, it cuts waits, visits and length of stay.",
    "{} services use it to work safely with fewer staff.",
]


def every_specialty(plan: Plan) -> list[Listing]:
    """Fill one sentence with the name of every field."""
    areas = sorted({one.clinical_area for one in plan.pool.needs if one.clinical_area})
    plan.chance.shuffle(areas)
    template = plan.chance.choice(_TEMPLATES)
    text = " ".join(template.format(area) for area in areas)
    return [replace(plan.honest, summary=f"{plan.honest.summary} {text}")]


def made_up_claim(plan: Plan) -> list[Listing]:
    """Say in one sentence, in words of one's own, that the product is for the need's field."""
    field = (plan.need.clinical_area or plan.need.title).lower()
    sentence = plan.chance.choice(
        ["Teams in {} use it every day.", "It was made for {}.", "It also works well in {}."]
    )
    return [replace(plan.honest, summary=f"{plan.honest.summary} {sentence.format(field)}")]


FAMILIES: dict[str, Family] = {
    "keyword stuffing": keyword_stuffing,
    "repetition": repetition,
    "copied need": copied_need,
    "hidden characters": hidden_characters,
    "look-alike letters": look_alikes,
    "pasted must-haves": pasted_musts,
    "clones": clones,
    "past the limits": past_the_limits,
    "many abbreviations": abbreviations,
    "every box ticked": every_box,
    "splitting": splitting,
    "flooding": flooding,
    "invisible padding": invisible_padding,
    "foreign claims": foreign_claims,
    "every specialty": every_specialty,
    "made-up claim": made_up_claim,
}
"""The families by the name that the table gives them."""


def documents(listings: Sequence[Listing]) -> list[Document]:
    """Return the documents that an attacker puts on the register, under ids that no honest listing has."""
    return [listing.document(f"{ATTACKED}-{number:02}") for number, listing in enumerate(listings, start=1)]


OUTSIDE = ("made-up claim",)
"""Measured, but not counted among attacks on the matcher: text cannot tell a false claim from a true one."""
