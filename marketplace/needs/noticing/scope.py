"""Rules about how much a need takes on: nobody in particular, too much, several problems at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marketplace.needs.noticing.reading import (
    PLACEHOLDER,
    WORD,
    Hit,
    Reading,
    any_of,
    first_of,
    phrase,
    rule,
    told,
    whole,
    words_of,
)

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
        if told(passage.text) <= _ANYBODY or PLACEHOLDER.search(passage.text):
            yield whole(
                passage,
                "Which people are these? Think of their age, illness, place, or the work that they do.",
            )
    for passage in reading.begun_without("who_affected"):
        yield whole(passage, "Who is affected?")
    for passage in reading.passages("problem"):
        if len(WORD.findall(passage.text)) >= _BEGUN and not _SOMEBODY.search(passage.text):
            yield whole(passage, "Who does this happen to, and how often?")


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
            yield from first_of(_TOO_MUCH_TO_SOLVE, passage, question)
        elif told(passage.text) <= _ANY_AIM:
            yield whole(passage, question.format(passage.text.strip(" .")))
        else:
            yield from first_of(_TOO_MUCH_TO_WANT, passage, question)


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
            yield whole(passage, question)
    for passage in reading.passages("problem"):
        if match := _FURTHER.search(passage.text):
            yield Hit(passage, *match.span(), question)
        elif len(_STATE.findall(passage.text)) >= _SEVERAL:
            yield whole(passage, question)
