"""Rules about what is named: a person, a solution, a product, one supplier."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marketplace.needs.noticing.reading import (
    STOP,
    Hit,
    Passage,
    Reading,
    any_of,
    first_of,
    phrase,
    rule,
    sentences,
)

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
        yield from first_of(_PERSON, passage, question)
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
            hit for start, sentence in sentences(passage.text) for hit in _wished(passage, start, sentence)
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
RECORD = re.compile(
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
NAMED = re.compile(
    rf"\b(?P<name>{_PRODUCTS}|(?!(?:Mc|Mac|De|Di|La|Le|Van|Fitz)[A-Z])[A-Z][a-z]{{2,}}[A-Z][a-z]+\w*)\b[®™]?|"
    r"\b(?P<marked>[A-Z][\w-]*(?: [A-Z][\w-]*)*)[®™]"
)


def _product_in(text: str, begin: int = 0, until: int | None = None) -> re.Match[str] | None:
    found = NAMED.finditer(text, begin, len(text) if until is None else until)
    return next((match for match in found if not RECORD.match(match["name"] or match["marked"])), None)


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
            yield from first_of(_SOLE, passage, question)
