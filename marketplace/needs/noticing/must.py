"""Rules about must-haves: what cannot be tested, is not counted, or asks two things at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marketplace.needs.noticing.reading import Hit, Reading, any_of, first_of, phrase, rule, whole

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
            yield whole(
                passage, f"“{passage.text}”: what must a solution do, so that somebody could test it?"
            )
        elif not _LIMIT.search(passage.text):
            yield from first_of(_PRAISE, passage, "How would somebody test “{}”?")


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
            yield from first_of(_QUANTITY, passage, "“{}”: how much would be enough?")


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
