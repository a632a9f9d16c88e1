"""Rules about figures: where things stand today, what is counted, and what should be reached by when."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marketplace.needs.noticing.reading import (
    FIGURE,
    PLACEHOLDER,
    Hit,
    Reading,
    any_of,
    phrase,
    rule,
    whole,
)

_NOT_MEASURED = phrase(
    """
    not (yet )?(been )?(measured|counted|recorded|audited|known) / never (been )?(measured|counted)
    (do|does|did) not (yet )?(measure|count|record|know) / (do|does|did)n[’'o]t (measure|count|record|know)
    nobody (has )?(ever )?(measure|count|record|know)* / no (data|figures?|count|measure)
    """
)


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
        if not _NOT_MEASURED.search(passage.text) and not FIGURE.search(passage.text):
            yield whole(passage, question)
    for passage in reading.begun_without("baseline"):
        yield whole(passage, question)


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
        if vague or PLACEHOLDER.search(passage.text):
            yield whole(passage, question)
    for passage in reading.begun_without("measure"):
        yield whole(passage, question)


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
        figure = FIGURE.search(_WHEN.sub(" ", passage.text)) is not None
        if PLACEHOLDER.search(passage.text) or not (timed or figure):
            yield whole(passage, both)
        elif not figure:
            yield whole(passage, "Which figure do you want to reach?")
        elif not timed:
            yield whole(passage, "By when do you want to reach it?")
    for passage in reading.begun_without("target"):
        yield whole(passage, both)
