"""What the coach notices in a need: its rules, each with its reason and its own examples.

Pure functions over plain values. A rule finds exact words and asks a question about them. To add or change one, write
its examples first (the tests run them), then the function, then its part of ``docs/coach.md``.

Phrases are written as people write them: "/" parts them, ``*`` is the rest of a word, ``-`` a hyphen or a space, and
what stands before ``?`` may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

from marketplace.needs.questions import ASKS, Shape
from marketplace.needs.rules import NeedContent, Wanted, page_of
from marketplace.vocabulary import EvidenceType

#: Tells what an abbreviation may stand for in a text; empty when it is not known.
Meanings: TypeAlias = Callable[[str, str], Sequence[str]]


def no_meanings(_abbreviation: str, _text: str) -> Sequence[str]:
    """Know no abbreviation: the rules work without a glossary too."""
    return ()


class Passage(NamedTuple):
    """One text of a need: ``item`` is its place among the statements or the types of evidence, else 0."""

    field: str
    item: int
    text: str


class Hit(NamedTuple):
    """What a rule noticed: the words from ``start`` to ``end`` of a passage, and what it asks about them."""

    passage: Passage
    start: int
    end: int
    question: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A need as the rules read it, with what is known of abbreviations."""

    content: NeedContent
    meanings: Meanings = no_meanings

    def passages(self, *names: str) -> Iterator[Passage]:
        """Yield the texts of these fields, or of all, that are not empty."""
        for name in names or TEXTS:
            yield from (passage for passage in self.all_of(name) if passage.text)

    def all_of(self, name: str) -> Iterator[Passage]:
        """Yield the texts of a field, also the empty ones."""
        answer = getattr(self.content, name)
        if ASKS[name].shape is Shape.STATEMENTS:
            yield from (Passage(name, item, text) for item, text in enumerate(answer))
        elif ASKS[name].shape is Shape.EVIDENCE:
            yield from (Passage(name, item, wanted.detail) for item, wanted in enumerate(answer))
        else:
            yield Passage(name, 0, answer)

    def begun_without(self, name: str) -> Iterator[Passage]:
        """Yield the field's passage where it is empty although its page has been begun."""
        others = (getattr(self.content, other) for other in page_of(name).names if other != name)
        if not getattr(self.content, name) and any(other not in ("", None, ()) for other in others):
            yield Passage(name, 0, "")


TEXTS = tuple(
    name
    for name, ask in ASKS.items()
    if ask.shape in (Shape.LINE, Shape.PARAGRAPH, Shape.STATEMENTS, Shape.EVIDENCE)
)


class Example(NamedTuple):
    """An answer to one question, to show what a rule asks about or leaves alone."""

    field: str
    text: str

    def need(self) -> NeedContent:
        """Return a need with this answer alone."""
        if self.field == "must":
            return NeedContent(must=(self.text,))
        if self.field == "evidence_wanted":
            return NeedContent(evidence_wanted=(Wanted(EvidenceType.REAL_WORLD, self.text),))
        answer: dict[str, Any] = {self.field: self.text}
        return replace(NeedContent(), **answer)


Look: TypeAlias = Callable[[Reading], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the coach notices: its name, why it matters, examples, and the function that looks for it."""

    key: str
    name: str
    why: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    look: Look


#: All rules, the most important first: what is shown when there is not room for everything.
RULES: list[Rule] = []


def rule(
    key: str, name: str, *, why: str, bad: Sequence[tuple[str, str]], good: Sequence[tuple[str, str]]
) -> Callable[[Look], Look]:
    """Add the decorated function to `RULES`; ``bad`` and ``good`` are pairs of field and text."""

    def add(look: Look) -> Look:
        as_examples = [tuple(Example(*pair) for pair in pairs) for pairs in (bad, good)]
        RULES.append(Rule(key, name, why, as_examples[0], as_examples[1], look))
        return look

    return add


# Phrases


def any_of(phrases: str) -> str:
    """Return a pattern for phrases that "/" and line ends part."""
    parts = (part.strip() for part in re.split(r"[/\n]", phrases))
    return "|".join(part.replace("-", "[- ]").replace("*", r"\w*") for part in parts if part)


def phrase(phrases: str) -> re.Pattern[str]:
    """Return a pattern that finds these phrases as whole words, in capitals or not."""
    return re.compile(rf"\b(?:{any_of(phrases)})\b", re.IGNORECASE)


def words_of(text: str) -> frozenset[str]:
    """Return the words of a list as a set."""
    return frozenset(text.split())


#: Where a sentence ends.
STOP = re.compile(r"[.!?](?=\s|$)|\n")
_WORD = re.compile(r"[\w’'-]+")

#: Words that stand for a figure. Not "one": "one nurse" and "one day" are seldom meant as one.
_FIGURE = re.compile(
    r"\d|\b(?:"
    + any_of(
        """
        two / three / four / five / six / seven / eight / nine / ten / eleven / twelve / fifteen / twenty
        thirty
        forty / fifty / sixty / seventy / eighty / ninety / hundreds? / thousands? / millions? / dozens?
        half
        halves / halved? / thirds? / quarters? / fifths? / tenths? / twice / doubled? / once / zero / none
        nobody
        no one / never / every / all / one in / one of
        """
    )
    + r")\b",
    re.IGNORECASE,
)
_NOT_MEASURED = phrase(
    """
    not (yet )?(been )?(measured|counted|recorded|audited|known) / never (been )?(measured|counted)
    (do|does|did) not (yet )?(measure|count|record|know) / (do|does|did)n[’'o]t (measure|count|record|know)
    nobody (has )?(ever )?(measure|count|record|know)* / no (data|figures?|count|measure)
    """
)
_PLACEHOLDER = re.compile(
    r"^\W*(?:n\W?a|(?:see|as) (?:attached|above|below|report|paper)\b.*|do(?: not|n[’']t) (?:know|mind)|"
    + any_of(
        """
        unknown / not sure( yet)? / later / same / various / none / yes / no / any / x+ / test / to follow
        pending
        """
    )
    + r")\W*$|\b(?:tbc|tbd|tba|to be (?:\w+ )?(?:"
    + any_of("agreed / confirmed / decided / defined / determined / developed / discussed / set")
    + r"))\b",
    re.IGNORECASE,
)


def _whole(passage: Passage, question: str) -> Hit:
    return Hit(passage, 0, len(passage.text), question)


def _first(pattern: re.Pattern[str], passage: Passage, question: str) -> Iterator[Hit]:
    """Yield the first match; ``{}`` in the question stands for its words."""
    if match := pattern.search(passage.text):
        yield Hit(passage, *match.span(), question.format(match[0]))


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield each sentence with the place where it starts."""
    start = 0
    for stop in STOP.finditer(text):
        yield start, text[start : stop.end()]
        start = stop.end()
    if start < len(text):
        yield start, text[start:]


def _told(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


# The rules

_FIRST_NAME = any_of(
    """
    Aaron / Abdul / Abigail / Adam / Adrian / Ahmed / Aisha / Alan / Albert / Alexander / Alfie / Alice
    Alison
    Amanda / Amelia / Amy / Andrew / Angela / Anita / Anna? / Anne / Anthony / Arthur / Ava / Barbara
    Barry / Beatrice
    Benjamin / Ben / Bernard / Beryl / Betty / Brenda / Brian / Bridget / Callum / Carol / Caroline
    Catherine / Charles
    Charlotte / Chloe / Christine / Christopher / Claire / Clive / Colin / Craig / Daisy / Daniel / Darren
    David / Dawn
    Dean / Deborah / Denise / Dennis / Derek / Diana / Donald / Doreen / Dorothy / Douglas / Edith / Edward
    Eileen
    Elaine / Elizabeth / Ella / Ellen / Elsie / Emily / Emma / Eric / Ethan / Eva / Evelyn / Farah / Fatima
    Fiona
    Frances / Francis / Frank / Frederick / Freya / Gareth / Gary / Geoffrey / George / Gerald / Gillian
    Gladys / Gordon
    Grace / Graham / Gregory / Hannah / Harold / Harriet / Harry / Hassan / Hazel / Heather / Helen / Henry
    Hilda / Hugh
    Ian / Irene / Isaac / Isabella / Isla / Ivy / Jack / Jacob / Jacqueline / James / Jane / Janet / Janice
    Jason / Jean
    Jennifer / Jeremy / Jessica / Jill / Joan / Joanne / John / Jonathan / Joseph / Joshua / Joyce / Judith
    Julia
    Julian / Julie / Karen / Kate / Katherine / Kathleen / Keith / Kelly / Kenneth / Kevin / Kim / Kyle
    Laura / Lauren
    Leo / Leonard / Lesley / Lewis / Lily / Linda / Lisa / Logan / Louise / Lucy / Luke / Malcolm
    Margaret / Maria / Marie
    Marion / Mark / Martin / Mary / Matthew / Maureen / Mavis / Megan / Melissa / Mia / Michael / Michelle
    Mohammed
    Monica / Muhammad / Nadia / Nancy / Natalie / Neil / Nicholas / Nicola / Nigel / Noah / Nora / Norma
    Norman / Oliver
    Olivia / Omar / Oscar / Pamela / Patricia / Patrick / Paul / Pauline / Peter / Philip / Phyllis / Poppy
    Priya
    Rachel / Ralph / Raymond / Rebecca / Richard / Rita / Robert / Roger / Ronald / Rosemary / Roy / Ruby
    Russell / Ruth
    Ryan / Sally / Samantha / Samuel / Sandra / Sarah? / Sean / Sharon / Sheila / Shirley / Simon / Sophia
    Sophie
    Stanley / Stephanie / Stephen / Steven / Stuart / Susan / Sylvia / Teresa / Terence / Thelma / Thomas
    Timothy / Tina
    Tracey / Trevor / Tyler / Valerie / Vera / Veronica / Victoria / Vincent / Violet / Walter / Wayne
    Wendy / Wilfred
    William / Winifred / Yusuf / Yvonne / Zainab / Zoe
    """
)
#: Words that make a name one of a place: "Margaret Stanhope Centre", "Queen Elizabeth Hospital".
_PLACE = "(?:Hospital|Ward|House|Centre|Unit|Street|Road|Trust|Hospice|Infirmary|College|Wing|Foundation|Lodge|Court)"
_DATE = (
    r"(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|"
    r"\d{1,2}(?:st|nd|rd|th)?(?: of)? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d{4})"
)
_PERSON = re.compile(
    r"\b(?:Mr|Mrs|Miss|Ms|Master|Baby)\.?(?: [A-Z][a-z’'-]+){1,3}"
    r"|(?<!St )(?<!Saint )(?<!Royal )(?<!Prince )(?<!King )(?<!Queen )(?<!Lady )(?<!Dr )(?<!Professor )"
    rf"\b(?:{_FIRST_NAME}) (?!{_PLACE})[A-Z][a-z’'-]{{2,}}\b(?! {_PLACE})"
    rf"|\b(?:[Dd]ate of birth|[Dd]\.?[Oo]\.?[Bb]\.?|born)\b[^.]{{0,15}}?{_DATE}"
)
_NHS_NUMBER = re.compile(
    r"(?<![\d£])(?P<said>NHS (?:number|no\.?):? ?)?(?P<digits>\d{3}[ -]?\d{3}[ -]?\d{4})(?!\d)", re.IGNORECASE
)


@rule(
    "person",
    "A person could be recognised",
    why="Everybody can read a published need. A patient’s name, NHS number or date of birth must not stand in it.",
    bad=[
        ("problem", "Mrs Ada Hill, 91, was moved between wards five times."),
        ("problem", "One patient (NHS number 943 476 5919) was never called."),
        ("pathway_today", "A man born on 3 May 1950 waited in the corridor."),
    ],
    good=[
        ("problem", "A woman in her nineties was moved between wards five times in a week."),
        ("problem", "People ring 020 7946 0018 and nobody answers."),
        ("problem", "Two wards at the Margaret Stanhope Centre have no pharmacist."),
    ],
)
def a_person(reading: Reading) -> Iterator[Hit]:
    """Look for names of patients, NHS numbers and dates of birth."""
    question = "Could somebody recognise a person by “{}”? Can you tell it without?"
    for passage in reading.passages():
        yield from _first(_PERSON, passage, question)
        for match in _NHS_NUMBER.finditer(passage.text):
            if match["said"] or _is_nhs_number(re.sub(r"\D", "", match["digits"])):
                yield Hit(passage, *match.span("digits"), question.format(match["digits"]))
                break


def _is_nhs_number(digits: str) -> bool:
    """Check the last of ten digits, which is made from the nine before it (modulus 11)."""
    check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return int(digits[9]) == (0 if check == 11 else check)


_WANTED = phrase(
    """
    need(s|ed)? / want(s|ed)? / wish(es)? / would like / ’d like / lack(s|ing)? / look(ing)? (for|to)
    seek(s|ing)?
    require(s|d)? / procur(e|ing) / buy(ing)? / purchas(e|ing) / commission(ing)? / implement(ing)?
    introduc(e|ing)
    roll(ing)? out / ask(ed|ing)? for / there (is|are) no / (do not|don’t) have / have no / interested in
    intend to
    hope to / plan to / propose( to)? / invest(ing)? in / deploy(ing)?
    """
)
#: Kinds of technology: what a thing is called before anybody has said what it is for.
_SOLUTION = any_of(
    r"""
    apps? / (mobile|web|phone|smartphone|tablet|digital|software) applications? / platforms? / (\w+ )?portals?
    dashboards? / (chat|voice)?bots? / chat-bots? / software / web ?sites? / wearables?( \w+)?
    smart ?watch(es)?
    robots? / kiosks? / AI / AI-(powered|based|driven|enabled|led) / artificial intelligence
    machine-learning
    predictive (analytics|models?|algorithms?) / algorithms? / blockchain / digital twins? / virtual reality
    remote-monitoring / tele(-)?monitoring / tele(health|medicine|care)
    (IT|electronic|digital|e-\w+|technology|technological|software|AI|online|tech) (solutions?|systems?|tools?)
    digital front doors? / electronic white(-)?boards? / (smart|bed|motion|wireless|fall|floor) sensors?
    an? (\w+ ){0,2}(tool|system|solution) (that|which|to|for) / (\w+ ){0,2}(analytics|prediction) tools?
    """
)
#: A thing that is there already is part of the problem, not what is wished for.
_THERE = r"(?:the|our|this|that|these|those|their|its|existing|current|present|without|no|any|his|her) "
_SOLUTION_NAMED = re.compile(rf"(?:(?P<there>\b{_THERE})|\b)(?P<name>(?:{_SOLUTION}))\b", re.IGNORECASE)
#: How a must-have begins that says what the solution is, rather than what it does.
_BEING = re.compile(
    rf"^\W*(?:must )?(?:{any_of('be / come / include / have / use / provide / offer / run as / is / deliver')})\b",
    re.IGNORECASE,
)
#: Letters between "we need" and what is needed.
_REACH = 80


@rule(
    "solution",
    "Names a solution",
    why="A need that asks for an app finds apps. One that tells the problem finds what nobody had thought of.",
    bad=[
        ("title", "An app that reminds people to take their tablets"),
        ("title", "AI tool for the radiology backlog"),
        ("problem", "We want to buy a platform for our ward rounds, because doctors cannot find each other."),
        ("must", "Have a dashboard for matrons"),
    ],
    good=[
        ("title", "People remember to take their tablets"),
        ("problem", "The app that we have is not used by people over 75."),
        ("must", "Works for people who do not use apps"),
        ("pathway_today", "The nurse enters the score on a dashboard and in a portal."),
    ],
)
def a_solution(reading: Reading) -> Iterator[Hit]:
    """Look for kinds of technology in what is wanted; in what goes wrong today they may well be named."""
    for passage in reading.passages("title", "outcome", "problem", "must"):
        hits = (
            hit for start, sentence in _sentences(passage.text) for hit in _wished(passage, start, sentence)
        )
        yield from list(hits)[:1]


def _wished(passage: Passage, start: int, sentence: str) -> Iterator[Hit]:
    begin, until = 0, len(sentence)
    if passage.field == "problem":
        wanted = _WANTED.search(sentence)
        if wanted is None:
            return
        begin, until = wanted.end(), wanted.end() + _REACH
    elif passage.field == "must" and not _BEING.search(sentence):
        return
    for match in _SOLUTION_NAMED.finditer(sentence, begin):
        if not match["there"] and match.start() < until:
            question = f"“{match['name']}” is a solution. What is the problem that it would solve?"
            yield Hit(passage, start + match.start("name"), start + match.end("name"), question)


#: Products that many people know by name. To stand here says nothing of a product, except that it is one.
_PRODUCTS = any_of(
    r"""
    Microsoft( \w+)? / MS Teams / Teams (meeting|call|channel|app)s? / Power ?BI / Excel / Copilot
    ChatGPT / Google \w+
    Gemini / iPads? / iPhones? / Apple Watch(es)? / Android / Fitbits? / Alexa / Siri
    Zoom (call|meeting)s? / WhatsApp
    Facebook / Slack / Salesforce / ServiceNow / Tableau / Qlik / SharePoint / Da Vinci robot / Kindle
    Xbox / Zendesk
    Oculus / HoloLens
    """
)
#: Record systems that organisations have already: a need may well say that a solution must work with them.
_RECORD = re.compile(
    "^(?:"
    + any_of(
        """
        EMIS / SystmOne / Epic / EPIC / Cerner / Oracle Health / Lorenzo / Nervecentre / RiO / Rio / Datix
        BadgerNet
        Badgernet / CareNotes / Meditech / MEDITECH / PatientCentre / AccuRx / Accurx / YouTube
        PowerPoint / LinkedIn
        """
    )
    + ")$"
)
#: A known product, a name with a capital inside it, or one with a mark.
_NAMED = re.compile(
    rf"\b(?P<name>{_PRODUCTS}|(?!(?:Mc|Mac|De|Di|La|Le|Van|Fitz)[A-Z])[A-Z][a-z]{{2,}}[A-Z][a-z]+\w*)\b[®™]?|"
    r"\b(?P<marked>[A-Z][\w-]*(?: [A-Z][\w-]*)*)[®™]"
)


def _product_in(text: str, begin: int = 0, until: int | None = None) -> re.Match[str] | None:
    found = _NAMED.finditer(text, begin, len(text) if until is None else until)
    return next((match for match in found if not _RECORD.match(match["name"] or match["marked"])), None)


@rule(
    "product",
    "Names a product",
    why="A need that names a product invites one supplier. Others that could help do not answer.",
    bad=[
        ("title", "WhatsApp for our community midwives"),
        ("problem", "We want to buy Fitbits for patients who wait for surgery."),
    ],
    good=[
        ("title", "Community midwives reach each other at night"),
        ("problem", "Midwives use WhatsApp on their own phones, and nothing of it reaches the record."),
        ("pathway_today", "The clerk copies the list from SystmOne into Excel."),
    ],
)
def a_product(reading: Reading) -> Iterator[Hit]:
    """Look for names of products where something is wanted."""
    for passage in reading.passages("title", "outcome", "problem"):
        begin, until = 0, len(passage.text)
        if passage.field == "problem":
            wanted = _WANTED.search(passage.text)
            if wanted is None:
                continue
            stop = STOP.search(passage.text, wanted.end())
            begin, until = wanted.end(), stop.start() if stop else until
        if match := _product_in(passage.text, begin, until):
            yield Hit(
                passage, *match.span(), f"“{match[0]}” is a product. What do you need that it would do?"
            )


_CONNECTING = phrase(
    r"""
    work(s|ing)? (with|alongside|inside) / integrat* / connect* / link* / read* from / writ* (to|into|back)
    exchang*
    import* / export* / compatible / interoperat* / feed* / send* \w+( \w+){0,4} to / open* from
    (sign|log) in with
    from within / in addition to / without / instead of / save* (in|into|to) / pull* from / launch* from
    """
)
_SOLE = phrase(
    """
    (our|the) (current|existing|present|incumbent) (supplier|vendor|provider|company|partner)
    patented / proprietary / sole supplier / exclusive* / trade ?mark*
    """
)


@rule(
    "one-supplier",
    "Only one supplier could meet it",
    why="Each technology is checked against each must-have. One that names a make leaves the others out.",
    bad=[
        ("must", "Be built on Salesforce"),
        ("must", "Use the SureBeat® patch"),
        ("must", "Be made by our current supplier"),
    ],
    good=[
        ("must", "Work with SystmOne and EMIS"),
        ("must", "Send results to Microsoft Outlook calendars"),
        ("must", "Measure the heart rate without wires"),
    ],
)
def one_supplier(reading: Reading) -> Iterator[Hit]:
    """Look for names of products and rights in must-haves; to connect with a named system is a fair demand."""
    for passage in reading.passages("must", "evidence_wanted"):
        if _CONNECTING.search(passage.text):
            continue
        if match := _product_in(passage.text):
            question = f"Could more than one supplier meet this? What does “{match[0]}” do that you need?"
            yield Hit(passage, *match.span(), question)
        else:
            question = "Could more than one supplier meet this? Why does it have to be “{}”?"
            yield from _first(_SOLE, passage, question)


#: An answer of these words alone could mean anybody.
_ANYBODY = words_of(
    """
    all of our the a an every any each in and or across at within for from to who with by its their other
    both entire whole
    various many different some local own patient patients people person persons staff everyone everybody
    public population
    populations service services user users clinician clinicians group groups community communities citizen
    citizens
    stakeholder stakeholders member members individuals society workforce employees professionals nhs trust
    hospital
    hospitals organisation organisations system icb ics hin county city town region area areas country
    england place places
    department departments health care
    """
)
_SOMEBODY = phrase(
    """
    patients? / pts? / people / persons? / child(ren)? / bab(y|ies) / infants? / newborns? / toddlers?
    teenagers?
    adolescents? / adults? / wom(a|e)n / m(a|e)n / girls? / boys? / parents? / mothers? / mums? / fathers?
    famil(y|ies)
    relatives? / carers? / residents? / tenants? / pupils? / students? / learners? / staff / nurses?
    matrons? / doctors?
    medics? / GPs? / consultants? / clinicians? / registrars? / trainees? / midwi(fe|ves) / *ologists?
    *therapists?
    *icians? / *graphers? / *scopists? / pharmacists? / dentists? / optometrists? / paramedics? / surgeons?
    scientists?
    crews? / responders? / porters? / clerks? / coders? / secretar(y|ies) / co(-)?ordinators? / managers?
    officers?
    workers? / technicians? / assistants? / specialists? / users? / members? / survivors? / clients?
    citizens? / teams?
    inpatients? / outpatients / callers? / visitors? / volunteers? / smokers? / veterans? / prisoners?
    refugees? / miners
    farmers? / drivers? / donors? / neighbours? / colleagues? / somebody / someone / anyone / anybody
    everyone / everybody
    nobody / cases / practices / homes / he / she / his / hers? / him / Mrs? / Ms
    """
)
#: A problem told in fewer words than this is only begun.
_BEGUN = 9


@rule(
    "population",
    "Does not say who",
    why="What helps adults on a ward may be useless to children at home. Suppliers have to know whom it is for.",
    bad=[
        ("who_affected", "All our patients and staff"),
        ("problem", "The process is slow and errors are made at each step of the way, week after week."),
    ],
    good=[
        ("who_affected", "Adults with heart failure who live alone, and the nurses who visit them"),
        ("problem", "Parents wait nine weeks for the result and ring the ward in the meantime."),
    ],
)
def no_population(reading: Reading) -> Iterator[Hit]:
    """Look for answers that could mean anybody, and for problems without people."""
    for passage in reading.passages("who_affected"):
        if _told(passage.text) <= _ANYBODY or _PLACEHOLDER.search(passage.text):
            yield _whole(
                passage,
                "Which people are these? Think of their age, illness, place, or the work that they do.",
            )
    for passage in reading.begun_without("who_affected"):
        yield _whole(passage, "Who is affected?")
    for passage in reading.passages("problem"):
        if len(_WORD.findall(passage.text)) >= _BEGUN and not _SOMEBODY.search(passage.text):
            yield _whole(passage, "Who does this happen to, and how often?")


#: An aim of these words alone is one that every organisation has.
_ANY_AIM = words_of(
    """
    better best good improve improved improving improvement improvements increase increased enhance enhanced
    enhancing more
    higher high great excellent outstanding care outcome outcomes quality service services safety efficiency
    efficient
    experience productivity patient patients health healthcare use of technology digital and the our for all
    a in staff value
    performance modern way ways working innovation data delivery healthier lives wellbeing provide deliver
    delivering
    """
)
_EVERYTHING = any_of(
    """
    everything (about|that we|we do)
    every (aspect|condition|specialty|stage of life)
    (whole|entire) (trust|organisation|system|hospital|population|health (service|system|economy)|NHS|region|county)
    """
)
#: A problem may well be found everywhere, or matter to everyone who lives there: only this is too much for one.
_TOO_MUCH_TO_SOLVE = re.compile(rf"\b(?:{_EVERYTHING})\b", re.IGNORECASE)
_TOO_MUCH_TO_WANT = re.compile(
    r"\bfor (?:all|everyone|everybody)(?: (?:our )?(?:patients|people|staff|of \w+))?(?=\W*$|[.,;]| in\b)|"
    rf"\b(?:{_EVERYTHING}|"
    + any_of(
        r"""
        (all|every) (our |of our )?(services|departments|conditions?|pathways|specialt(y|ies)|aspects?|areas)
        (all|every) patients? (everywhere|outcomes?) / everything (in|is) / everywhere
        (for|to|by) (everyone|everybody) (in|across|who|at)
        across (the|our) (trust|organisation|board|system|hospital)
        (digital )?transformation (of|across|programme) / best possible (care|health|outcomes?|experience|service)
        transform(s|ing)? (the |our |how )?(care|services?|trust|hospital|organisation|outpatients|we work|way)
        mak(e|ing) (the|our) (hospital|trust|organisation|system|service|NHS)s? (better|safer|more \w+)
        """
    )
    + r")\b",
    re.IGNORECASE,
)


@rule(
    "broad",
    "Too broad",
    why="Nothing fits a need for everything. One problem, for some people, can be answered.",
    bad=[
        ("title", "Improve outcomes for all patients"),
        ("title", "Transform care across the whole trust"),
        ("outcome", "Better quality of care"),
    ],
    good=[
        ("title", "Fewer pressure ulcers in people who cannot turn in bed"),
        ("outcome", "All 14 wards know by noon who goes home"),
        ("problem", "Waits are long everywhere, and people with dementia are moved from ward to ward."),
    ],
)
def too_broad(reading: Reading) -> Iterator[Hit]:
    """Look for the whole organisation, for everybody, and for aims that any organisation has."""
    question = "“{}” is a great deal. Which one problem would you solve first, and for whom?"
    for passage in reading.passages("title", "problem", "outcome"):
        if passage.field == "problem":
            yield from _first(_TOO_MUCH_TO_SOLVE, passage, question)
        elif _told(passage.text) <= _ANY_AIM:
            yield _whole(passage, question.format(passage.text.strip(" .")))
        else:
            yield from _first(_TOO_MUCH_TO_WANT, passage, question)


#: A change that somebody wants. "More than" and "no more" compare and change nothing.
_CHANGE = re.compile(
    r"(?<!no )\b(?:"
    + any_of(
        """
        reduc* / cut(s|ting)? / improv* / increas* / speed(s|ing)? up / shorten* / lower(s|ed|ing)?
        rais(e|es|ing) / fewer
        less / shorter / faster / quicker / better / more / higher / safer / modernis* / prevent* / avoid*
        stop* / halv*
        doubl* / keep(s|ing)? / recruit* / retain* / falls? (to|by) / rises? (to|by) / sav(e|es|ing)
        boost* / tackl*
        streamlin* / replac*
        """
    )
    + r")\b(?! than\b)",
    re.IGNORECASE,
)
_APART = re.compile(r"[,;.]| and | & | plus ", re.IGNORECASE)
_FURTHER = phrase(
    """
    separately
    (a |the )?(further|second|third|another|other|additional) (issue|problem|challenge|concern|difficulty)
    (we|they) also (struggle|want|need|have a problem) / secondly / thirdly / on top of (this|that)
    all of these (need|must|have|should)
    """
)
_STATE = phrase(
    "(is|are) (too |very |so )?(long|high|low|old|poor|slow|late|weak|bad|outdated|patchy|tired|short|broken)"
)
#: So many changes, or things that are bad, are more than one problem.
_SEVERAL = 3


@rule(
    "several",
    "Several problems at once",
    why="Each need is matched as one thing. Two problems in one blur both; the second may be a need of its own.",
    bad=[
        ("title", "Reduce falls, cut waiting lists and keep more nurses"),
        ("problem", "Nurses cannot find equipment. Separately, patients miss their appointments."),
    ],
    good=[
        ("title", "Fewer falls and fewer broken hips in care homes"),
        ("outcome", "Falls are fewer, and nobody lies on the floor for more than ten minutes"),
        ("problem", "Nurses cannot find pumps, so patients wait, and theatres start late."),
    ],
)
def several_problems(reading: Reading) -> Iterator[Hit]:
    """Look for three changes in one answer, and for words that begin another problem."""
    question = "These are several problems. Which one is this need about?"
    for passage in reading.passages("title", "outcome"):
        if sum(_CHANGE.search(part) is not None for part in _APART.split(passage.text)) >= _SEVERAL:
            yield _whole(passage, question)
    for passage in reading.passages("problem"):
        if match := _FURTHER.search(passage.text):
            yield Hit(passage, *match.span(), question)
        elif len(_STATE.findall(passage.text)) >= _SEVERAL:
            yield _whole(passage, question)


@rule(
    "baseline",
    "No baseline",
    why="Without today’s figure nobody can tell whether anything changed. “Never measured” is an answer too.",
    bad=[("baseline", "Too high"), ("baseline", "TBC"), ("baseline", "Worse than our neighbours")],
    good=[
        ("baseline", "15 in 100"),
        ("baseline", "About a third"),
        ("baseline", "Nobody has measured it; an audit starts in May"),
    ],
)
def no_baseline(reading: Reading) -> Iterator[Hit]:
    """Look for an answer without a figure that does not say that there is none."""
    question = "What is the figure today? If nobody has measured it, say so."
    for passage in reading.passages("baseline"):
        if not _NOT_MEASURED.search(passage.text) and not _FIGURE.search(passage.text):
            yield _whole(passage, question)
    for passage in reading.begun_without("baseline"):
        yield _whole(passage, question)


_COUNTED = re.compile(
    r"\d|%|£|\b(?:"
    + any_of(
        """
        numbers? / share / proportion / percentage / per ?cent / rates? / counts? / median / mean / average
        scores? / scale
        index / per / for each / for every / how (many|often|long) / minutes? / hours? / days? / weeks?
        months? / kilograms?
        tonnes? / miles? / costs? of / length of / time (from|to) / questionnaire / survey / audit / out of
        ratio / frequency
        readmissions / complaints / incidents / calls / visits / a (day|week|month|year)
        """
    )
    + r")\b",
    re.IGNORECASE,
)
_NOT_COUNTED = phrase(
    """
    better / improv* / satisf* / happ(y|ier|iness) / success* / quality / feedback / benefits? / efficien*
    savings? / KPIs?
    feel* / tell us / see (whether|if|how) / will know / experience / morale / impact / engagement
    outcomes? / confidence
    well(-)?being / value / productivity / safer / evaluation / effectiveness / anecdot*
    """
)


@rule(
    "measure",
    "No measure",
    why="Two people who count it must get the same figure, or nobody will agree whether it has worked.",
    bad=[("measure", "Better experience"), ("measure", "To be agreed"), ("measure", "Staff feedback")],
    good=[
        ("measure", "Falls for each 1,000 bed days"),
        ("measure", "Share of patients who rate their care 8 or more out of 10"),
        ("measure", "Missed doses a week"),
    ],
)
def no_measure(reading: Reading) -> Iterator[Hit]:
    """Look for an aim in place of something to be counted."""
    question = "What would you count, and among whom, to know that it has worked?"
    for passage in reading.passages("measure"):
        vague = _NOT_COUNTED.search(passage.text) and not _COUNTED.search(passage.text)
        if vague or _PLACEHOLDER.search(passage.text):
            yield _whole(passage, question)
    for passage in reading.begun_without("measure"):
        yield _whole(passage, question)


_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_WHEN = re.compile(
    rf"\b(?:by|before|until|from|in|during|at|after|within)\b[^,.;]{{0,24}}?\b(?:{_MONTH}|20\d\d|"
    + any_of(
        r"""
        spring / summer / autumn / winter / christmas / easter / year-end
        (this|next|the) (financial )?(year|quarter|month|winter|cycle) / end of (the |this |next )?\w+
        """
    )
    + r")\b(?: (?:to|of|and) 20\d\d| 20\d\d)*(?: financial year)?|\b20\d\d\b|"
    r"\b(?:within|in|over|after|inside) (?:the )?(?:next |first |about |under )*"
    r"(?:an?|one|two|three|four|five|six|nine|twelve|eighteen|\d+)[ -]"
    r"(?:day|week|month|year|quarter)s?(?:[’']s?)?(?: time)?",
    re.IGNORECASE,
)


@rule(
    "target",
    "No target",
    why="How far, and by when, tells a supplier whether a small step is enough or the whole way is asked for.",
    bad=[("target", "As low as possible"), ("target", "20% fewer"), ("target", "By March 2028")],
    good=[("target", "6 within 12 months"), ("target", "Half as many by April 2028")],
)
def no_target(reading: Reading) -> Iterator[Hit]:
    """Look for an answer without a figure or without a time."""
    both = "Which figure do you want to reach, and by when?"
    for passage in reading.passages("target"):
        timed = _WHEN.search(passage.text) is not None
        figure = _FIGURE.search(_WHEN.sub(" ", passage.text)) is not None
        if _PLACEHOLDER.search(passage.text) or not (timed or figure):
            yield _whole(passage, both)
        elif not figure:
            yield _whole(passage, "Which figure do you want to reach?")
        elif not timed:
            yield _whole(passage, "By when do you want to reach it?")
    for passage in reading.begun_without("target"):
        yield _whole(passage, both)


#: What makes a must-have testable: a figure, or a limit.
_LIMIT = re.compile(
    r"\d|\b(?:"
    + any_of(
        r"""
        two / three / four / five / six / seven / eight / nine / ten / twelve / half / at least / at most
        no more than
        without / less than / as \w+ as
        """
    )
    + r")\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"(?<!-)\b(?:"
    + any_of(
        r"""
        user-friendly / easy to \w+ / easy-use / easily used / easier to use / ease of use / intuitive(ly)?
        innovative
        innovation / seamless(ly)? / robust / scalable / state-of-the-art / cutting-edge / leading-edge
        world-class
        best-in-class / market-leading / (high|good|best|excellent)-quality / fit for purpose / flexible
        agile / modern
        future-proof* / holistic / (patient|person|user)-(cent(red|ric|ered)|focused) / user experience
        (good|great|better|excellent|positive) (\w+ )?(user |patient )?(experience|usability|support|value)
        work(s|ing)? (well|properly|smoothly|effectively|efficiently) / simple / effective(ly)?
        efficient(ly)?
        appropriate(ly)? / reliabl(e|y) / optimal(ly)? / streamlined? / comprehensive / engaging
        adequate(ly)? / be suitable
        convenient / smooth(ly)? / advanced / sophisticated / powerful / well-designed / best practice
        sustainable
        transparent / trustworthy / inclusive / dynamic / clinically (sound|relevant) / accurate(ly)?
        """
    )
    + r")\b",
    re.IGNORECASE,
)


@rule(
    "untestable",
    "Cannot be tested",
    why="Every supplier says that its product is user friendly. Two people who test a must-have have to agree.",
    bad=[
        ("must", "Be user friendly"),
        ("must", "Integrate seamlessly"),
        ("must", "Offer a robust service"),
        ("must", "Training"),
    ],
    good=[
        ("must", "Be easy to use: 9 of 10 nurses can enter a score without help"),
        ("must", "Work for people with dark skin as reliably as for people with light skin"),
        ("must", "Show who changed a record and when"),
    ],
)
def untestable(reading: Reading) -> Iterator[Hit]:
    """Look for praise, or a single word, in place of a demand; a figure or a limit beside it makes it one."""
    for passage in reading.passages("must"):
        if passage.text.strip(" .").isalpha() and not passage.text.isupper():
            yield _whole(
                passage, f"“{passage.text}”: what must a solution do, so that somebody could test it?"
            )
        elif not _LIMIT.search(passage.text):
            yield from _first(_PRAISE, passage, "How would somebody test “{}”?")


_QUANTITY = phrase(
    r"""
    fast / faster / quick(ly|er)? / rapid(ly)? / prompt(ly)? / timely / soon / swift(ly)? / affordable
    cheap* / low-costs?
    low in cost / low energy / inexpensive / good value / cost-effective / value for money / minimal \w+
    minimum training
    (little|limited|low) (\w+ )?(training|effort|maintenance|disruption|impact|support|staff|cost|space|time)
    most (of )?(\w+ )?(patients|people|users|devices|staff|cases|phones) / (range|variety) of / many \w+
    (large|high|great|wide|broad|big|small|huge)-(\w+ )?(numbers?|volumes?|range|variety|amounts?|majority)
    (multiple|several|various|numerous) \w+ / long (battery|range|life|shelf) / long-lasting / significant(ly)?
    substantial(ly)? / considerabl(e|y) / reasonabl(e|y) / regular(ly)? / frequent(ly)? / light(-)?weight
    sufficient(ly)?
    enough / as \w+ as possible / (wherever|where|if) possible / often / short (time|training|delay) / small
    high (accuracy|uptime|availability|speed)
    """
)


@rule(
    "quantity",
    "How much is not said",
    why="“Fast” is a minute to one reader and a day to another. A figure is met or it is not.",
    bad=[
        ("must", "Give results quickly"),
        ("must", "Be affordable"),
        ("must", "Support a large number of users"),
    ],
    good=[
        ("must", "Give results within 10 minutes"),
        ("must", "Cost less than £12 for each patient a month"),
    ],
)
def vague_quantity(reading: Reading) -> Iterator[Hit]:
    """Look for amounts without a figure in must-haves."""
    for passage in reading.passages("must"):
        if not _LIMIT.search(passage.text):
            yield from _first(_QUANTITY, passage, "“{}”: how much would be enough?")


#: Verbs that begin a demand; the second list are nouns as well, and count before "the", "a", "which" and the like.
_VERBS = any_of(
    """
    be / become / send / tell / warn / keep / let / have / integrate / connect / reduce / improve / give
    allow / provide
    include / detect / identify / notify / remind / ensure / enable / store / save / meet / comply
    support / reach / take
    make / need / collect / follow / offer / prevent / protect / run / write / read / create / generate
    upload / download
    share / explain / measure / calculate / translate / track / remove / avoid / find / cost / fit / learn
    work / cut
    increase / lower
    """
)
_NOUNS_TOO = any_of(
    """
    show / print / report / record / alert / book / order / display / list / plan / call / text / message
    log / score / link
    map / test / check / flag / charge / export / import / update / use / help / count / monitor / review
    schedule
    """
)
_AFTER = any_of(
    """
    the / a / an / each / every / its / their / our / which / who / what / when / where / how / any / all
    them / it / to / for
    in / on / from / with / no
    """
)
_TWO = re.compile(
    rf"\band/or\b|;|\band (?:{_VERBS}|(?:{_NOUNS_TOO})(?=\W+(?:{_AFTER})\b))\b|^(?:must )?be \w+ and \w+\W*$|\b(?:"
    + any_of("as well as / in addition to / (and|but) (also|must|should|it must|it should) / plus")
    + r")\b",
    re.IGNORECASE,
)
_SIDE_BY_SIDE = re.compile(rf"\b(?:{_VERBS}|see|change|open|close|edit) $", re.IGNORECASE)
_INSIDE = phrase("who / that / which / when / if / where / whether / without / how / to")


@rule(
    "two-demands",
    "Two demands in one",
    why="A technology that meets one half and misses the other can be answered neither with yes nor with no.",
    bad=[
        ("must", "Detect falls and/or wandering"),
        ("must", "Read the record and send a text to the carer"),
        ("must", "Be safe and portable"),
    ],
    good=[
        ("must", "Support patients and carers who cannot read"),
        ("must", "Show who changed a record and when"),
        ("must", "Let a carer see and change bookings"),
        ("must", "Tell apart people who sit down and people who fall"),
    ],
)
def two_demands(reading: Reading) -> Iterator[Hit]:
    """Look for a second demand after "and"; two verbs side by side ("read and write") are one."""
    question = "Are these two demands? A technology could meet one and miss the other."
    for passage in reading.passages("must"):
        for match in _TWO.finditer(passage.text):
            before = passage.text[: match.start()]
            joined = match[0].lower().startswith("and ")
            if not joined or not (_SIDE_BY_SIDE.search(before) or _INSIDE.search(before)):
                yield Hit(passage, *match.span(), question)
                break


#: A detail of these words alone asks for nothing in particular.
_ANY_EVIDENCE = words_of(
    """
    any some good strong robust quality high evidence proof data that it works work of benefit benefits
    whatever you have got
    can show something relevant appropriate suitable the a an and is are effective effectiveness results
    result to support
    available everything anything impact your product solution safe clear solid convincing best reliable
    enough sufficient
    useful we will consider please provide
    """
)


@rule(
    "evidence",
    "Asks for no evidence in particular",
    why="A supplier who knows what would convince you can show it, or tell you that it is not there yet.",
    bad=[
        ("evidence_wanted", "Any evidence"),
        ("evidence_wanted", "Proof that it works"),
        ("evidence_wanted", "TBC"),
    ],
    good=[
        ("evidence_wanted", "Results from at least 10 care homes"),
        ("evidence_wanted", "How people without a smartphone were reached"),
    ],
)
def no_evidence(reading: Reading) -> Iterator[Hit]:
    """Look for details of evidence that ask for nothing, or are missing."""
    for passage in reading.all_of("evidence_wanted"):
        if _told(passage.text) <= _ANY_EVIDENCE or _PLACEHOLDER.search(passage.text):
            yield _whole(passage, "What would convince you: which result, in how many people, and where?")


#: Letters that the public knows, those of this service's own organisations, and names of standards and bodies that
#: suppliers know by their letters.
_KNOWN = words_of(
    """
    NHS GP A&E UK US USA EU UN IT AI HIV AIDS DNA MRI CT COVID BBC ID OK TV PC PDF SMS GPS USB ADHD BMI CPR
    CCTV PIN QR CD DVD
    FAQ URL VAT HR CEO NI IVF PPE DIY MP RAF WHO IQ PE AM PM GCSE MOT LED LCD SIM VIP UV KPI API WIFI ECG R&D
    TBC TBD TBA NA
    ICB ICS HIN
    NICE MHRA CQC FHIR HL7 ISO IEC DTAC DSPT DCB CE UKCA GDPR SNOMED WCAG AA AAA SQL XML JSON DICOM UKAS CSV
    EQ-5D ICD
    """
)
_LETTERS = re.compile(r"(?<![\w&-])[a-z]?[A-Z0-9](?:[A-Za-z0-9&]|-(?=[A-Z0-9])){1,6}(?![\w-])")
#: Roman numbers with the classes of devices, numbered standards, and words that begin with a number.
_NO_LETTERS = re.compile(r"^[IVX]+[ab]?$|^(?:DCB|ISO|EN|BS|ICD|IEC)[\d-]+$|^\d+\w?$|^\d+\w{1,2}$")
_SMALL = "(?:of|and|the|to|in|for|with|or|a|an|on|at|by)"


def _abbreviations(text: str) -> Iterator[re.Match[str]]:
    named = [match.span() for match in _NAMED.finditer(text)]
    for match in _LETTERS.finditer(text):
        letters = match[0].removesuffix("s")
        capitals = sum(letter.isupper() for letter in letters)
        if capitals < 2 or capitals * 2 < len(letters) or letters in _KNOWN:
            continue
        if _NO_LETTERS.match(letters) or _RECORD.match(letters):
            continue
        # "BI" in "Power BI" is part of a name.
        if not any(start <= match.start() < end for start, end in named):
            yield match


def _is_spelled_out(letters: str, text: str) -> bool:
    """Tell whether the words stand in the text: beside it in brackets, or anywhere with these first letters."""
    escaped = re.escape(letters)
    if re.search(rf"\b{escaped} \((?:\w[\w’-]*\W+)+\w+\W*\)|\w\w+ \w[\w ’-]+\({escaped}s?\)", text):
        return True
    firsts = [letter for letter in letters.removesuffix("s").lower() if letter.isalpha()]
    between = rf"[\w’]*[\W_]+(?:{_SMALL}[\W_]+)*"
    return re.search(rf"\b{between.join(firsts)}\w{{2,}}", text, re.IGNORECASE) is not None


@rule(
    "abbreviation",
    "Abbreviation that is not spelled out",
    why="Innovators and the public read this, and the same letters mean different things in two hospitals.",
    bad=[("title", "Fewer DTOCs"), ("pathway_today", "The CNS rings the patient.")],
    good=[
        (
            "problem",
            "Chronic obstructive pulmonary disease (COPD) brings people back: COPD is our first cause.",
        ),
        ("pathway_today", "The clinical nurse specialist rings the patient. The CNS then writes to the GP."),
        ("must", "Have a UKCA or CE mark"),
        ("title", "Fewer people leave A&E before they are seen"),
    ],
)
def an_abbreviation(reading: Reading) -> Iterator[Hit]:
    """Look for the first use of each abbreviation that the need does not spell out and the public does not know."""
    passages = list(reading.passages())
    everything = "\n".join(passage.text for passage in passages)
    asked: set[str] = set()
    for passage in passages:
        for match in _abbreviations(passage.text):
            letters = match[0].removesuffix("s")
            if letters in asked or _is_spelled_out(match[0], everything):
                continue
            asked.add(letters)
            meant = " or ".join(reading.meanings(match[0], passage.text))
            question = (
                f"Does “{match[0]}” mean {meant} here?" if meant else f"What does “{match[0]}” stand for?"
            )
            yield Hit(passage, *match.span(), f"{question} Readers elsewhere may not know.")
