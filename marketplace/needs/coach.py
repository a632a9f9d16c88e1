"""Read a need as a careful colleague would, and ask about what a reader would stumble over.

Pure functions over plain values. A rule asks a question about some exact words; it never writes the text, never
counts points and never stops anybody from saving or publishing. Each rule stands below with its reason and its own
examples, which the tests run. To add one: write the examples first, then the function, then its line in
``docs/coach.md``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from marketplace.needs.questions import ASKS, QUESTIONS, Shape
from marketplace.needs.rules import NeedContent, Wanted
from marketplace.vocabulary import EvidenceType

#: At most so many findings stand beside one field: more would be a wall to a person who is writing.
SHOWN_MOST = 3

#: Tells what an abbreviation may stand for in a text; empty when it is not known.
Meanings: TypeAlias = Callable[[str, str], Sequence[str]]


def no_meanings(abbreviation: str, text: str) -> Sequence[str]:
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
class Finding:
    """A question about some words of a need, beside the field that they stand in."""

    rule: str
    field: str
    item: int
    start: int
    end: int
    words: str
    question: str
    sentence: str

    @property
    def key(self) -> str:
        """Return what "leave as it is" remembers: the rule, and a digest of the field and the sentence.

        A change to the sentence gives another key, so that the question comes back; one elsewhere does not.
        """
        about = f"{self.field}\n{' '.join(self.sentence.split()).casefold()}\n{self.words.casefold()}"
        return f"{self.rule}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A need as the rules read it, with what is known of abbreviations."""

    content: NeedContent
    meanings: Meanings = no_meanings

    def passages(self, *names: str) -> Iterator[Passage]:
        """Yield the texts of these fields, or of all, that are not empty."""
        for name in names or _TEXTS:
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
        page = next(question for question in QUESTIONS if name in question.names)
        others = (getattr(self.content, other) for other in page.names if other != name)
        if not getattr(self.content, name) and any(other not in ("", None, ()) for other in others):
            yield Passage(name, 0, "")


_TEXTS = tuple(
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
        return NeedContent(**{self.field: self.text})


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the coach notices: its name, why it matters, examples, and the function that looks for it."""

    key: str
    name: str
    why: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    look: Callable[[Reading], Iterator[Hit]]


#: All rules, the most important first: what is shown when there is not room for everything.
RULES: list[Rule] = []


def rule(
    key: str, name: str, *, why: str, bad: Sequence[tuple[str, str]], good: Sequence[tuple[str, str]]
) -> Callable[[Callable[[Reading], Iterator[Hit]]], Callable[[Reading], Iterator[Hit]]]:
    """Add the decorated function to `RULES`; ``bad`` and ``good`` are pairs of field and text."""

    def add(look: Callable[[Reading], Iterator[Hit]]) -> Callable[[Reading], Iterator[Hit]]:
        examples = [tuple(Example(*pair) for pair in pairs) for pairs in (bad, good)]
        RULES.append(Rule(key, name, why, examples[0], examples[1], look))
        return look

    return add


def look_over(content: NeedContent, meanings: Meanings = no_meanings) -> list[Finding]:
    """Return what the rules notice, in the order of the questions and of the words."""
    reading = Reading(content, meanings)
    place = {name: number for number, name in enumerate(ASKS)}
    found = [_finding(one, hit) for one in RULES for hit in one.look(reading)]
    return sorted(found, key=lambda finding: (place[finding.field], finding.item, finding.start))


def still_open(findings: Sequence[Finding], left: Collection[str]) -> list[Finding]:
    """Return the findings that nobody has left as they are; ``left`` holds their keys."""
    return [finding for finding in findings if finding.key not in left]


def beside(findings: Sequence[Finding], name: str, item: int | None = None) -> list[Finding]:
    """Return what to show beside a field (or one of its items): a few, the most important."""
    order = {one.key: number for number, one in enumerate(RULES)}
    here = [one for one in findings if one.field == name and item in (None, one.item)]
    return sorted(here, key=lambda finding: order[finding.rule])[:SHOWN_MOST]


def _finding(one: Rule, hit: Hit) -> Finding:
    passage, start, end, question = hit
    first = max((match.end() for match in _STOP.finditer(passage.text, 0, start)), default=0)
    stop = _STOP.search(passage.text, end)
    return Finding(
        rule=one.key,
        field=passage.field,
        item=passage.item,
        start=start,
        end=end,
        words=passage.text[start:end],
        question=question,
        sentence=passage.text[first : stop.start() if stop else len(passage.text)],
    )


# What several rules look for

_STOP = re.compile(r"[.!?](?=\s|$)|\n")
_WORD = re.compile(r"[\w’'-]+")

#: Words that stand for a figure. Not "one": "one nurse" and "one day" are seldom meant as one.
_NUMBER_WORD = (
    r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|"
    r"eighty|ninety|hundreds?|thousands?|millions?|dozens?|half|halves|halved?|third|thirds|quarter|quarters|"
    r"twice|double|doubled|once|zero|none|nobody|no one|never|every|all|one in|one of|only one|fifths?|tenths?"
)
_FIGURE = re.compile(rf"\d|\b(?:{_NUMBER_WORD})\b", re.IGNORECASE)
_NOT_MEASURED = re.compile(
    r"not (?:yet )?(?:been )?(?:measured|counted|recorded|audited|known)|n[o’']t (?:measure|count|record|know)|"
    r"(?:do|does|did) not (?:yet )?(?:measure|count|record|know)|never (?:been )?(?:measured|counted)|"
    r"nobody (?:has )?(?:ever )?(?:measure|count|record|know)\w*|no (?:data|figures?|count|measure)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"^\W*(?:t\.?b\.?[acd]\.?|n\W?a|unknown|not sure(?: yet)?|do(?: not|n[’']t) (?:know|mind)|see (?:attached|above|below|"
    r"report|paper)\b.*|as above|later|same|various|none|yes|no|any|x+|test|to follow|pending)\W*$|"
    r"\bto be (?:\w+ )?(?:agreed|confirmed|decided|defined|determined|developed|discussed|set)\b|"
    r"\b(?:tbc|tbd)\b",
    re.IGNORECASE,
)


def _whole(passage: Passage, question: str) -> Hit:
    return Hit(passage, 0, len(passage.text), question)


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for stop in _STOP.finditer(text):
        yield start, text[start : stop.end()]
        start = stop.end()
    if start < len(text):
        yield start, text[start:]


def _first(pattern: re.Pattern[str], passage: Passage, question: str, group: int | str = 0) -> Iterator[Hit]:
    """Yield the first match; ``{}`` in the question stands for its words."""
    if match := pattern.search(passage.text):
        yield Hit(passage, *match.span(group), question.format(match[group].strip()))


# The rules

_FIRST_NAMES = (
    "Aaron Abdul Abigail Adam Adrian Ahmed Aisha Alan Albert Alexander Alfie Alice Alison Amanda Amelia Amy Andrew Angela "
    "Anita Ann Anna Anne Anthony Arthur Ava Barbara Barry Beatrice Ben Benjamin Bernard Beryl Betty Brenda Brian Bridget "
    "Callum Carol Caroline Catherine Charles Charlotte Chloe Christine Christopher Claire Clive Colin Craig Daisy Daniel "
    "Darren David Dawn Dean Deborah Denise Dennis Derek Diana Donald Doreen Dorothy Douglas Edith Edward Eileen Elaine "
    "Elizabeth Ella Ellen Elsie Emily Emma Eric Ethan Eva Evelyn Farah Fatima Fiona Frances Francis Frank Frederick "
    "Freya Gareth Gary Geoffrey George Gerald Gillian Gladys Gordon Grace Graham Gregory Hannah Harold Harriet Harry "
    "Hassan Hazel Heather Helen Henry Hilda Hugh Ian Irene Isaac Isabella Isla Ivy Jack Jacob Jacqueline James Jane Janet "
    "Janice Jason Jean Jennifer Jeremy Jessica Jill Joan Joanne John Jonathan Joseph Joshua Joyce Judith Julia Julian "
    "Julie June Karen Kate Katherine Kathleen Keith Kelly Kenneth Kevin Kim Kyle Laura Lauren Lee Leo Leonard Lesley "
    "Lewis Lily Linda Lisa Logan Louise Lucy Luke Malcolm Margaret Maria Marie Marion Mark Martin Mary Matthew Maureen "
    "Mavis Megan Melissa Mia Michael Michelle Mohammed Monica Muhammad Nadia Nancy Natalie Neil Nicholas Nicola Nigel "
    "Noah Nora Norma Norman Oliver Olivia Omar Oscar Pamela Patricia Patrick Paul Pauline Peter Philip Phyllis Poppy Priya "
    "Rachel Ralph Raymond Rebecca Richard Rita Robert Roger Ronald Rosemary Roy Ruby Russell Ruth Ryan Sally Samantha "
    "Samuel Sandra Sara Sarah Sean Sharon Sheila Shirley Simon Sophia Sophie Stanley Stephanie Stephen Steven Stuart Susan "
    "Sylvia Teresa Terence Thelma Thomas Timothy Tina Tracey Trevor Tyler Valerie Vera Veronica Victoria Vincent Violet "
    "Walter Wayne Wendy Wilfred William Winifred Yusuf Yvonne Zainab Zoe"
)
_DAY = (
    r"(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{1,2}(?:st|nd|rd|th)?(?: of)? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"[a-z]*\.? \d{4})"
)
_PERSON = re.compile(
    rf"\b(?:Mr|Mrs|Miss|Ms|Master|Baby)\.? (?:[A-Z][a-z’'-]+ ?){{1,3}}(?<! )"
    rf"|(?<!St )(?<!Saint )(?<!Royal )(?<!Prince )(?<!King )(?<!Queen )(?<!Lady )(?<!Dr )(?<!Professor )"
    rf"\b(?:{'|'.join(_FIRST_NAMES.split())}) [A-Z][a-z’'-]{{2,}}(?! (?:Hospital|Ward|House|Centre|Unit|Street|Road|Trust|"
    rf"Hospice|Infirmary|College|Wing|Foundation|Suite|Lodge|Court))\b"
    rf"(?<!Ward)(?<!House)(?<!Hospital)(?<!Centre)(?<!Unit)(?<!Wing)(?<!Lodge)(?<!Court)(?<!Suite)(?<!Street)(?<!Cancer)"
    rf"|\b(?:date of birth|d\.?o\.?b\.?|born)\b[^.]{{0,15}}?{_DAY}"
)
_NHS_NUMBER = re.compile(r"(?<![\d£])(?P<said>NHS (?:number|no\.?):? ?)?(?P<digits>\d{3}[ -]?\d{3}[ -]?\d{4})(?!\d)", re.I)


@rule(
    "person",
    "A person could be recognised",
    why="Everybody can read a published need. A name, an NHS number or a date of birth of a patient may not stand in it.",
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


_WANTING = (
    r"need(?:s|ed)?|want(?:s|ed)?|wish(?:es)?|would like|’d like|lack(?:s|ing)?|look(?:ing)? (?:for|to)|seek(?:s|ing)?|"
    r"require[sd]?|procur(?:e|ing)|buy(?:ing)?|purchas(?:e|ing)|commission(?:ing)?|implement(?:ing)?|introduc(?:e|ing)|"
    r"roll(?:ing)? out|ask(?:ed|ing)? for|there is no|there are no|do not have|don’t have|have no|interested in|"
    r"intend to|hope to|plan to|propose(?: to)?|invest(?:ing)? in|deploy(?:ing)?"
)
#: What a technology is called before anybody has said what it is for.
_SOLUTION = (
    r"apps?|(?:mobile|web|phone|smartphone|tablet|digital|software) applications?|platforms?|(?:\w+ )?portals?|dashboards?|"
    r"(?:chat|voice)?bots?|chat-bots?|software|web ?sites?|wearables?(?: \w+)?|smart ?watch(?:es)?|robots?|kiosks?|"
    r"AI|A\.I\.|AI[- ](?:powered|based|driven|enabled|led)(?: \w+)*?|artificial intelligence|machine[- ]learning|"
    r"predictive (?:analytics|models?|algorithms?)|algorithms?|blockchain|digital twins?|virtual reality|"
    r"(?:remote|tele)[- ]?monitoring|tele(?:health|medicine|care)|(?:IT|electronic|digital|e-\w+|technology|technological|"
    r"software|AI|online|tech) (?:solutions?|systems?|tools?)|digital front doors?|electronic white-?boards?|"
    r"(?:a|an) (?:\w+ ){0,2}(?:tool|system|solution|device|product) (?:that|which|to|for)|(?:\w+ ){0,2}(?:analytics|prediction) tools?|"
    r"sensors?"
)
#: Before the name of a thing that is there already: it is part of the problem, not what is wished for.
_THERE = r"(?:the|our|this|that|these|those|their|its|existing|current|present|without|no|any|his|her) "
_SOLUTION_NAMED = re.compile(rf"(?:(?P<there>\b{_THERE})|\b)(?P<name>(?:{_SOLUTION}))\b", re.IGNORECASE)
_WANTED = re.compile(rf"\b(?:{_WANTING})\b", re.IGNORECASE)
_BEING = re.compile(
    r"^\W*(?:must )?(?:be|come|include|have|use|provide|offer|consist|contain|run as|is|take the form|deliver)\b", re.IGNORECASE
)


@rule(
    "solution",
    "Names a solution",
    why="A need that asks for an app finds apps. One that tells the problem finds what nobody had thought of.",
    bad=[
        ("title", "An app that reminds people to take their tablets"),
        ("title", "AI tool for the radiology backlog"),
        ("problem", "We want to buy a platform for our ward rounds, because nurses and doctors cannot find each other."),
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
        for start, sentence in _sentences(passage.text):
            begin = 0
            if passage.field == "problem":
                wanted = _WANTED.search(sentence)
                if wanted is None:
                    continue
                # "There is no AI" and "have no app" wish for it as much as "need an app" does.
                begin = wanted.end()
            elif passage.field == "must" and not _BEING.search(sentence):
                continue
            for match in _SOLUTION_NAMED.finditer(sentence, begin):
                if not match["there"] and (passage.field != "problem" or match.start() - begin < 80):
                    question = f"“{match['name']}” is a solution. What is the problem that it would solve?"
                    yield Hit(passage, start + match.start("name"), start + match.end("name"), question)
                    break
            else:
                continue
            break


#: Products that many people know by name. Being here says nothing about them except that each is one product.
_PRODUCTS = (
    r"Microsoft(?: \w+)?|(?:MS )?Teams(?= (?:meeting|call|channel|app)s?)|MS Teams|Power ?BI|Excel|Copilot|ChatGPT|Google \w+|Gemini|"
    r"iPads?|iPhones?|Apple Watch(?:es)?|Android|Fitbits?|Alexa|Siri|Zoom(?= (?:call|meeting)s?)|WhatsApp|Facebook|Slack|"
    r"Salesforce|ServiceNow|Tableau|Qlik|SharePoint|Dragon(?= (?:dictat|speech|medical))|Da Vinci(?= robot)?|Kindle|Roomba|Xbox|"
    r"Zendesk|Oculus|HoloLens"
)
#: Record systems that a trust has already: a need may well say that a solution must work with them.
_RECORDS = (
    r"EMIS|SystmOne|System ?One|Epic|EPIC|Cerner|Oracle Health|Lorenzo|Nervecentre|RiO|Rio|Datix|BadgerNet|Badgernet|"
    r"CareNotes|Meditech|MEDITECH|PatientCentre|AccuRx|Accurx|NHSmail|GitHub|LinkedIn|YouTube|PowerPoint|JavaScript"
)
_NAMED = re.compile(
    rf"\b(?P<name>{_PRODUCTS}|(?!(?:Mc|Mac|De|Di|La|Le|Van|Fitz)[A-Z])[A-Z][a-z]{{2,}}[A-Z][a-z]+\w*)\b[®™]?|"
    rf"\b(?P<marked>[A-Z][\w-]*(?: [A-Z][\w-]*)*)[®™]"
)
_RECORD = re.compile(rf"^(?:{_RECORDS})$")


def _product_in(text: str, begin: int = 0) -> re.Match[str] | None:
    found = _NAMED.finditer(text, begin)
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
        begin = 0
        if passage.field == "problem":
            wanted = _WANTED.search(passage.text)
            if wanted is None:
                continue
            begin = wanted.end()
            stop = _STOP.search(passage.text, begin)
            passage = passage._replace(text=passage.text[: stop.start() if stop else None])
        if match := _product_in(passage.text, begin):
            named = match[0]
            yield Hit(passage, *match.span(), f"“{named}” is a product. What do you need that it would do?")


_CONNECTING = re.compile(
    r"\b(?:work(?:s|ing)? (?:with|alongside|inside)|integrat\w+|connect\w*|link\w*|read\w* from|writ\w+ (?:to|into|back)|"
    r"exchang\w+|import\w*|export\w*|compatible|interoperat\w+|feed\w*|send\w* \w+(?: \w+)* to|open\w* from|sign in with|"
    r"log in with|from within|in addition to|without|instead of|save\w* (?:in|into|to)|pull\w* from|launch\w* from)\b",
    re.IGNORECASE,
)
_SOLE = re.compile(
    r"\b(?:our|the) (?:current|existing|present|incumbent) (?:supplier|vendor|provider|company|partner)\b|"
    r"\b(?:patented|proprietary|sole supplier|exclusive\w*|trade ?mark\w*)\b",
    re.IGNORECASE,
)


@rule(
    "one-supplier",
    "Only one supplier could meet it",
    why="Every technology is checked against each must-have. One that names a make leaves all others out, whatever they do.",
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
    question = "Could more than one supplier meet this? What does “{}” do that you need?"
    for passage in reading.passages("must", "evidence_wanted"):
        if _CONNECTING.search(passage.text):
            continue
        if match := _product_in(passage.text):
            yield Hit(passage, *match.span(), question.format(match[0]))
        else:
            yield from _first(_SOLE, passage, "Could more than one supplier meet this? Why does it have to be “{}”?")


_GENERAL = frozenset(
    "all of our the a an every any each in and or across at within for from to who with by its their other both entire whole "
    "various many different some local own "
    "patient patients people person persons staff everyone everybody public population populations service services user users "
    "clinician clinicians group groups community communities citizen citizens stakeholder stakeholders member members "
    "individuals society workforce employees professionals "
    "nhs trust hospital hospitals organisation organisations system icb ics hin county city town region area areas country "
    "england place places department departments health care".split()
)
_PEOPLE = re.compile(
    r"\b(?:patients?|people|persons?|child(?:ren)?|bab(?:y|ies)|infants?|newborns?|toddlers?|teenagers?|adolescents?|adults?|"
    r"wom[ae]n|m[ae]n|girls?|boys?|parents?|mothers?|mums?|fathers?|famil(?:y|ies)|relatives?|carers?|residents?|tenants?|pupils|"
    r"students?|staff|nurs(?:e|es)|doctors?|medics?|juniors|GPs?|consultants?|clinicians?|registrars?|midwi(?:fe|ves)|"
    r"\w+(?:ologists?|otherapists?|icians?)|therapists?|pharmacists?|dentists?|paramedics?|radiographers?|surgeons?|crews?|"
    r"porters?|clerks?|secretar(?:y|ies)|coordinators?|co-ordinators?|managers?|workers?|users?|members?|survivors?|clients?|"
    r"citizens?|teams?|inpatients?|outpatients|callers?|visitors?|volunteers?|smokers?|veterans?|prisoners?|refugees?|"
    r"miners|farmers|donors?|somebody|someone|anyone|anybody|everyone|everybody|nobody|women’s|cases|practices|homes|HCAs?|"
    r"matrons?|technicians?|assistants?|specialists?|optometrists?|carers’|learners|drivers?|neighbours?|colleagues?|he|she|his|hers?|him|Mr|Mrs|Ms)\b",
    re.IGNORECASE,
)
#: A problem told in fewer words than this is only begun.
_BEGUN = 9


@rule(
    "population",
    "Does not say who",
    why="Suppliers have to know for whom: a technology that helps adults on a ward may be useless to children at home.",
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
    question = "Which people are these? Think of their age, illness, place, or the work that they do."
    for passage in reading.passages("who_affected"):
        told = {word.lower() for word in _WORD.findall(passage.text)}
        if told <= _GENERAL or _PLACEHOLDER.search(passage.text):
            yield _whole(passage, question)
    for passage in reading.begun_without("who_affected"):
        yield _whole(passage, "Who is affected?")
    for passage in reading.passages("problem"):
        if len(_WORD.findall(passage.text)) >= _BEGUN and not _PEOPLE.search(passage.text):
            yield _whole(passage, "Who does this happen to, and how often?")


_VAGUE_AIMS = frozenset(
    "better best good improve improved improving improvement improvements increase increased enhance enhanced enhancing more higher "
    "high great excellent outstanding care outcome outcomes quality service services safety efficiency efficient experience "
    "productivity patient patients health healthcare use of technology digital and the our for all a in staff value performance "
    "modern way ways working innovation data delivery healthier lives wellbeing provide deliver delivering".split()
)
_BROAD = re.compile(
    r"\bfor (?:all|everyone|everybody)(?: (?:our )?(?:patients|people|staff|of \w+))?(?=\W*$|[.,;]| in\b)|"
    r"\b(?:all|every) (?:our |of our )?(?:services|departments|conditions?|pathways|specialt(?:y|ies)|aspects?|areas|stage of life)\b|"
    r"\b(?:all|every) patients? (?:everywhere|outcomes?)\b|"
    r"\beverything (?:about|that we|we do|in|is)\b|\b(?:for|to|by) (?:everyone|everybody) (?:in|across|who|at)\b|\beverywhere\b|"
    r"\b(?:whole|entire) (?:trust|organisation|system|hospital|population|health (?:service|system|economy)|NHS|region|county)\b|"
    r"\bacross (?:the|our) (?:trust|organisation|whole|entire|board|system|hospital)\b|"
    r"\b(?:digital )?transformation (?:of|across|programme)\b|\btransform(?:s|ing)? (?:the |our |how )?"
    r"(?:care|services?|trust|hospital|organisation|outpatients|we work|way)\b|"
    r"\bmak(?:e|ing) (?:the|our) (?:hospital|trust|organisation|system|service|NHS)s? (?:better|safer|more \w+)|"
    r"\bbest possible (?:care|health|outcomes?|experience|service)\b",
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
        ("problem", "People with dementia are moved between every ward that has a bed free that night."),
    ],
)
def too_broad(reading: Reading) -> Iterator[Hit]:
    """Look for the whole organisation, for everybody, and for aims that any organisation has."""
    question = "“{}” is a great deal. Which one problem would you solve first, and for whom?"
    for passage in reading.passages("title", "problem", "outcome"):
        told = [word.lower() for word in _WORD.findall(passage.text)]
        if passage.field != "problem" and set(told) <= _VAGUE_AIMS:
            yield _whole(passage, question.format(passage.text.strip(" .")))
        else:
            yield from _first(_BROAD, passage, question)


_CHANGE = re.compile(
    r"\b(?:reduc\w+|cut(?:s|ting)?|improv\w+|increas\w+|speed(?:s|ing)? up|shorten\w*|lower(?:s|ed|ing)?|rais(?:e|es|ing)|fewer|less|"
    r"shorter|faster|quicker|better|more|higher|safer|modernis\w+|prevent\w*|avoid\w*|stop\w*|halv\w+|doubl\w+|keep(?:s|ing)?|"
    r"recruit\w*|retain\w*|falls? (?:to|by)|rises? (?:to|by)|sav(?:e|es|ing)|boost\w*|tackl\w+|streamlin\w+|replac\w+)\b",
    re.IGNORECASE,
)
_APART = re.compile(r"[,;.]| and | & | plus ", re.IGNORECASE)
_FURTHER = re.compile(
    r"\b(?:separately|(?:a |the )?(?:further|second|third|another|other|additional) (?:issue|problem|challenge|concern|difficulty)|"
    r"(?:we|they) also (?:struggle|want|need|have a problem)|in addition,|secondly|thirdly|on top of (?:this|that)|"
    r"all of these (?:need|must|have|should))\b",
    re.IGNORECASE,
)
_STATE_OF = re.compile(
    r"\b(?:is|are) (?:too |very |so )?(?:long|high|low|old|poor|slow|late|weak|bad|outdated|patchy|tired|short|broken)\b", re.I
)


@rule(
    "several",
    "Several problems at once",
    why="Each need is matched as one thing. Two problems in one need blur both; the second may be a need of its own.",
    bad=[
        ("title", "Reduce falls, cut waiting lists and keep more nurses"),
        ("problem", "Nurses cannot find equipment. Separately, patients miss their appointments."),
    ],
    good=[
        ("title", "Fewer falls and fewer broken hips in care homes"),
        ("problem", "Nurses cannot find pumps, so patients wait, and theatres start late."),
    ],
)
def several_problems(reading: Reading) -> Iterator[Hit]:
    """Look for three changes in one sentence, and for words that begin another problem."""
    question = "These are several problems. Which one is this need about?"
    for passage in reading.passages("title", "outcome"):
        parts = [part for part in _APART.split(passage.text) if _CHANGE.search(part)]
        if len(parts) >= 3:
            yield _whole(passage, question)
    for passage in reading.passages("problem"):
        if match := _FURTHER.search(passage.text):
            yield Hit(passage, *match.span(), question)
        elif len(_STATE_OF.findall(passage.text)) >= 3:
            yield _whole(passage, question)


@rule(
    "baseline",
    "No baseline",
    why="Without today’s figure nobody can tell later whether anything has changed. That it was never measured is an answer too.",
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
    r"\d|%|£|\b(?:number|numbers|share|proportion|percentage|per ?cent|rates?|count|counts|median|mean|average|scores?|scale|index|"
    r"per|for each|for every|how many|how often|how long|minutes?|hours?|days?|weeks?|months?|kilograms?|tonnes?|miles?|costs? of|"
    r"length of|time from|time to|questionnaire|survey|audit|out of|ratio|frequency|hospital admissions|readmissions|"
    r"complaints|incidents|calls|visits|a (?:day|week|month|year))\b",
    re.IGNORECASE,
)
_UNCOUNTED = re.compile(
    r"\b(?:better|improv\w+|satisf\w+|happ(?:y|ier|iness)|success\w*|quality|feedback|benefits?|efficien\w+|savings?|KPIs?|feel\w*|"
    r"tell us|see (?:whether|if|how)|will know|experience|morale|impact|engagement|outcomes?|confidence|wellbeing|well-being|value|"
    r"productivity|safer|evaluation|effectiveness|anecdot\w+)\b",
    re.IGNORECASE,
)


@rule(
    "measure",
    "No measure",
    why="A supplier has to know by what the result will be judged, and two people who count it must get the same.",
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
        vague = _UNCOUNTED.search(passage.text) and not _COUNTED.search(passage.text)
        if vague or _PLACEHOLDER.search(passage.text):
            yield _whole(passage, question)
    for passage in reading.begun_without("measure"):
        yield _whole(passage, question)


_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_WHEN = re.compile(
    rf"\b(?:by|before|until|from|in|during|at|after|within)\b[^,.;]{{0,24}}?\b(?:{_MONTH}|20\d\d|spring|summer|autumn|winter|christmas|"
    rf"easter|year[- ]end|(?:this|next|the) (?:financial )?(?:year|quarter|month|winter|cycle)|end of (?:the |this |next )?\w+)\b"
    rf"(?: (?:to|of|and) (?:20\d\d)| 20\d\d)*(?: financial year)?|"
    rf"\b(?:within|in|over|after|inside)\b (?:the )?(?:next |first |about |under )*(?:a|an|one|two|three|four|five|six|nine|twelve|eighteen|\d+)"
    rf"[ -](?:days?|weeks?|months?|years?|quarters?)(?:[’']s?)?(?: time)?|\b20\d\d\b",
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
    for passage in reading.passages("target"):
        timed = _WHEN.search(passage.text) is not None
        figure = _FIGURE.search(_WHEN.sub(" ", passage.text)) is not None
        if _PLACEHOLDER.search(passage.text) or not (timed or figure):
            yield _whole(passage, "Which figure do you want to reach, and by when?")
        elif not figure:
            yield _whole(passage, "Which figure do you want to reach?")
        elif not timed:
            yield _whole(passage, "By when do you want to reach it?")
    for passage in reading.begun_without("target"):
        yield _whole(passage, "Which figure do you want to reach, and by when?")


#: What makes a must-have testable: a figure, or a limit.
_LIMIT = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|half|at least|at most|no more than|without|less than|as \w+ as)\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:user[- ]friendly|eas(?:y|ier|ily)[- ](?:to[- ]use|used?)|ease of use|easy to (?:\w+)|intuitive(?:ly)?|innovative|innovation|"
    r"seamless(?:ly)?|robust|scalable|state[- ]of[- ]the[- ]art|cutting[- ]edge|leading[- ]edge|world[- ]class|(?:best|market)[- ](?:in[- ]class|"
    r"leading|of[- ]breed)|(?:high|good|best|excellent)[- ]quality|fit for purpose|flexible|agile|modern|future[- ]proof\w*|holistic|"
    r"(?:patient|person|user)[- ](?:cent(?:red|ric|ered)|focused)|(?:good|great|better|excellent|positive) (?:\w+ )?(?:user |patient )?"
    r"(?:experience|usability|support|performance|value)|work(?:s|ing)? (?:well|properly|smoothly|effectively|efficiently)|"
    r"simple|effective(?:ly)?|efficient(?:ly)?|appropriate(?:ly)?|reliabl[ey]|optimal(?:ly)?|streamlined?|comprehensive|engaging|"
    r"adequate(?:ly)?|suitable|convenient|smooth(?:ly)?|advanced|sophisticated|powerful|well[- ]designed|best practice|safe and effective|"
    r"sustainable|transparent|trustworthy|inclusive|smart|dynamic|clinically (?:sound|relevant)|user experience|accurate(?:ly)?)\b",
    re.IGNORECASE,
)


@rule(
    "untestable",
    "Cannot be tested",
    why="Every supplier says that its product is user friendly. A must-have works when two people would test it and agree.",
    bad=[("must", "Be user friendly"), ("must", "Integrate seamlessly"), ("must", "Offer a robust service")],
    good=[
        ("must", "Be easy to use: 9 of 10 nurses can enter a score without help"),
        ("must", "Work for people with dark skin as reliably as for people with light skin"),
        ("must", "Show who changed a record and when"),
    ],
)
def untestable(reading: Reading) -> Iterator[Hit]:
    """Look for praise in place of a demand; a figure or a limit in the same statement makes it one."""
    for passage in reading.passages("must"):
        if not _LIMIT.search(passage.text):
            yield from _first(_PRAISE, passage, "How would somebody test “{}”?")


_QUANTITY = re.compile(
    r"\b(?:fast|faster|quick(?:ly|er)?|rapid(?:ly)?|prompt(?:ly)?|timely|(?:as )?soon|swift(?:ly)?|affordable|cheap\w*|low[- ]costs?|low in cost|"
    r"inexpensive|good value|cost[- ]effective|value for money|(?:minimal|minimum|little|limited|low) (?:\w+ )?(?:training|effort|maintenance|disruption|"
    r"set-?up|impact|support|input|staff|cost|space|time|supervision|downtime)|most (?:of )?(?:\w+ )?(?:patients|people|users|devices|staff|cases|phones)|"
    r"(?:a )?(?:large|high|great|wide|broad|big|small|huge)[- ](?:\w+ )?(?:numbers?|volumes?|range|variety|amounts?|majority)|(?:a )?(?:range|variety) of|"
    r"many (?:\w+)|(?:multiple|several|various|numerous) (?:\w+)|long (?:battery|range|life|shelf)|long[- ]lasting|significant(?:ly)?|"
    r"substantial(?:ly)?|considerabl[ey]|reasonabl[ey]|regular(?:ly)?|frequent(?:ly)?|lightweight|light ?weight|sufficient(?:ly)?|enough|as \w+ as possible|"
    r"wherever possible|where possible|if possible|often|short (?:time|training|delay)|high (?:accuracy|uptime|availability|speed)|small)\b",
    re.IGNORECASE,
)


@rule(
    "quantity",
    "How much is not said",
    why="“Fast” is a minute to one reader and a day to another. A figure is met or it is not.",
    bad=[("must", "Give results quickly"), ("must", "Be affordable"), ("must", "Support a large number of users")],
    good=[("must", "Give results within 10 minutes"), ("must", "Cost less than £12 for each patient a month")],
)
def vague_quantity(reading: Reading) -> Iterator[Hit]:
    """Look for amounts without a figure in must-haves."""
    for passage in reading.passages("must"):
        if not _LIMIT.sub("", passage.text) != passage.text:
            yield from _first(_QUANTITY, passage, "“{}”: how much would be enough?")


#: Verbs that begin a demand. Those in the second list are nouns as well: they count before "the", "a", "its" ...
_VERBS = (
    r"be|become|send|tell|warn|keep|let|have|integrate|connect|reduce|improve|give|allow|provide|include|detect|identify|notify|remind|"
    r"ensure|enable|store|save|meet|comply|support|reach|take|make|need|collect|follow|offer|prevent|protect|run|write|read|create|"
    r"generate|upload|download|share|explain|measure|calculate|translate|track|remove|avoid|find|cost|fit|learn|work|cut|increase|lower"
)
_NOUNS_TOO = r"show|print|report|record|alert|book|order|display|list|plan|call|text|message|log|score|link|map|test|check|flag|charge|export|import|update|use|help|count|monitor|review|schedule"
_AFTER = r"(?=\W+(?:the|a|an|each|every|its|their|our|which|who|what|when|where|how|any|all|them|it|to|for|in|on|from|with|no)\b)"
_TWO = re.compile(
    rf"\band/or\b|\bas well as\b|;|\bin addition to\b|\b(?:and|but|,) (?:also|must|should|it must|it should)\b|\bplus\b|"
    rf"\band (?:{_VERBS}|(?:{_NOUNS_TOO}){_AFTER})\b|^(?:must )?be \w+ and \w+\W*$",
    re.IGNORECASE,
)
_PAIRED = re.compile(rf"\b(?:{_VERBS}|see|change|open|close|edit) $", re.IGNORECASE)
_WHOSE = re.compile(r"\b(?:who|that|which|when|if|where|whether|without|how|to)\b", re.IGNORECASE)


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
    for passage in reading.passages("must"):
        for match in _TWO.finditer(passage.text):
            before = passage.text[: match.start()]
            if match[0].lower().startswith("and ") and (_PAIRED.search(before) or _WHOSE.search(before)):
                continue
            question = "Are these two demands? A technology could meet one and miss the other."
            yield Hit(passage, *match.span(), question)
            break


_NOTHING_ASKED = frozenset(
    "any some good strong robust quality high evidence proof data that it works work of benefit benefits whatever you have got can show "
    "something relevant appropriate suitable the a an and is are effective effectiveness results result to support available "
    "everything anything impact your product solution safe clear solid convincing best reliable enough sufficient useful we will "
    "consider please provide".split()
)


@rule(
    "evidence",
    "Asks for no evidence in particular",
    why="A supplier who knows what would convince you can show it, or tell you that it is not there yet.",
    bad=[("evidence_wanted", "Any evidence"), ("evidence_wanted", "Proof that it works"), ("evidence_wanted", "TBC")],
    good=[
        ("evidence_wanted", "Results from at least 10 care homes"),
        ("evidence_wanted", "How people without a smartphone were reached"),
    ],
)
def no_evidence(reading: Reading) -> Iterator[Hit]:
    """Look for details of evidence that ask for nothing, or are missing."""
    question = "What would convince you: which result, in how many people, and where?"
    for passage in reading.all_of("evidence_wanted"):
        told = {word.lower() for word in _WORD.findall(passage.text)}
        if told <= _NOTHING_ASKED or _PLACEHOLDER.search(passage.text):
            yield _whole(passage, question)


#: Letters that the public knows, units, and names of standards and bodies that suppliers know by their letters.
_KNOWN = frozenset(
    "NHS GP GPs A&E UK US USA EU UN IT AI HIV AIDS DNA MRI CT COVID BBC ID IDs OK TV PC PCs PDF PDFs SMS GPS USB ADHD BMI CPR CCTV PIN "
    "QR CD DVD FAQ URL VAT HR CEO NI IVF PPE DIY MP RAF WHO IQ PE AM PM GCSE MOT LED LCD SIM VIP UV KPI KPIs API APIs WIFI "
    "ICB ICBs ICS ICSs HIN HINs "
    "TBC TBD TBA NA N/A "
    "NICE MHRA CQC FHIR HL7 ISO IEC DTAC DSPT DCB CE UKCA GDPR SNOMED WCAG AA AAA SQL XML JSON DICOM UKAS CSV EPIC EMIS MEDITECH EQ-5D "
    "ICD-10 ICD-11 ICD".split()
)
_LETTERS = re.compile(r"(?<![\w&/-])(?:[a-z]?[A-Z0-9](?:[A-Za-z0-9&]|[/-](?=[A-Z0-9])){1,6})(?![\w-])(?!/\w)")
_ROMAN = re.compile(r"^[IVX]+$")
_CODE = re.compile(r"^(?:DCB|ISO|EN|BS|ICD|IEC)[\d-]+$|^\d+[A-Z]?$|^\d+\w{1,2}$")
_SMALL = r"(?:of|and|the|to|in|for|with|or|a|an|on|at|by)"


def _abbreviations(text: str) -> Iterator[re.Match[str]]:
    for match in _LETTERS.finditer(text):
        letters = match[0]
        capitals = sum(letter.isupper() for letter in letters)
        plain = letters.removesuffix("s")
        if capitals < 2 or capitals * 2 < len(plain) or plain in _KNOWN or letters in _KNOWN:
            continue
        if _ROMAN.match(letters) or _CODE.match(letters) or _RECORD.match(letters):
            continue
        # "BI" in "Power BI" is part of a name.
        if not any(named.start() <= match.start() < named.end() for named in _NAMED.finditer(text)):
            yield match


def _is_spelled_out(letters: str, text: str) -> bool:
    """Tell whether the words stand in the text: beside it in brackets, or anywhere with these first letters."""
    escaped = re.escape(letters)
    if re.search(rf"\b{escaped} \((?:\w[\w’-]*\W+){{1,}}\w+\W*\)|\w\w+ \w[\w ’-]+\({escaped}s?\)", text):
        return True
    firsts = [letter for letter in letters.removesuffix("s").lower() if letter.isalpha()]
    between = rf"[\w’]*[\W_]+(?:{_SMALL}[\W_]+)*"
    return re.search(rf"\b{between.join(firsts)}\w{{2,}}", text, re.IGNORECASE) is not None


@rule(
    "abbreviation",
    "Abbreviation that is not spelled out",
    why="Innovators, the public and other organisations read this. The same letters mean different things in two hospitals.",
    bad=[("title", "Fewer DTOCs"), ("pathway_today", "The CNS rings the patient.")],
    good=[
        ("problem", "Chronic obstructive pulmonary disease (COPD) brings people back: COPD is our largest cause of readmission."),
        ("pathway_today", "The clinical nurse specialist rings the patient. The CNS then writes to the GP."),
        ("must", "Have a UKCA or CE mark"),
        ("title", "Fewer people leave A&E before they are seen"),
    ],
)
def an_abbreviation(reading: Reading) -> Iterator[Hit]:
    """Look for the first use of each abbreviation that nothing in the need spells out and the public does not know."""
    passages = list(reading.passages())
    everything = "\n".join(passage.text for passage in passages)
    asked: set[str] = set()
    for passage in passages:
        for match in _abbreviations(passage.text):
            letters = match[0]
            if (plain := letters.removesuffix("s")) in asked or _is_spelled_out(letters, everything):
                continue
            asked.add(plain)
            meant = list(reading.meanings(letters, passage.text))
            guess = f"Does “{letters}” mean {' or '.join(meant)} here?" if meant else f"What does “{letters}” stand for?"
            yield Hit(passage, *match.span(), f"{guess} Readers outside your organisation may not know.")
