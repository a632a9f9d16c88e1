"""The one question set of a need: pages, fields, words and limits.

It feeds the question pages, the task list, check-your-answers and the check before publication, so that they cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, FundingState, Shift, Term, Timing

MUST_LEAST, MUST_MOST = 2, 8
MUST_LIMIT = 250
DETAIL_LIMIT = 250
PEOPLE_MOST = 70_000_000


class Shape(StrEnum):
    """How an answer is given."""

    LINE = "line"
    PARAGRAPH = "paragraph"
    NUMBER = "number"
    CHOICE = "choice"
    STATEMENTS = "statements"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One field of a question page. ``gap`` is what to say when it is missing; empty means optional."""

    name: str
    label: str
    shape: Shape
    short: str
    hint: str = ""
    limit: int = 0
    rows: int = 5
    gap: str = ""
    terms: type[Term] | None = None

    @property
    def optional(self) -> bool:
        """Tell whether a need may be published without it."""
        return not self.gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One page: its address, its heading and its fields."""

    slug: str
    heading: str
    asks: tuple[Ask, ...]
    lead: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the page's fields."""
        return tuple(ask.name for ask in self.asks)


@dataclass(frozen=True, slots=True)
class Section:
    """A group of questions on the task list."""

    heading: str
    questions: tuple[Question, ...]


SECTIONS: tuple[Section, ...] = (
    Section(
        "The problem",
        (
            Question(
                slug="title",
                heading="What do you need?",
                lead="This is the first thing that innovators and other NHS organisations read.",
                asks=(
                    Ask(
                        name="title",
                        label="What do you need, in one sentence?",
                        short="Title",
                        shape=Shape.LINE,
                        limit=120,
                        hint="Say what should be different, not which product you want. "
                        "For example, “Fewer falls in care homes at night”",
                        gap="Enter what you need in one sentence",
                    ),
                ),
            ),
            Question(
                slug="problem",
                heading="What is the problem?",
                asks=(
                    Ask(
                        name="problem",
                        label="What is the problem?",
                        short="The problem",
                        shape=Shape.PARAGRAPH,
                        limit=3000,
                        rows=10,
                        hint="What goes wrong, for whom, how often, and why now. Write it as you would tell a "
                        "colleague. Do not include anything about a person who could be recognised.",
                        gap="Describe the problem",
                    ),
                ),
            ),
            Question(
                slug="people",
                heading="Who is affected, and how many?",
                asks=(
                    Ask(
                        name="who_affected",
                        label="Who is affected?",
                        short="Who is affected",
                        shape=Shape.PARAGRAPH,
                        limit=400,
                        rows=3,
                        hint="Patients, carers and staff. For example, adults going home from medical wards, "
                        "and ward pharmacists.",
                        gap="Enter who is affected",
                    ),
                    Ask(
                        name="how_many",
                        label="How many people?",
                        short="How many",
                        shape=Shape.NUMBER,
                        hint="Your best estimate is fine, for example 2,400",
                        gap="Enter how many people are affected",
                    ),
                    Ask(
                        name="how_many_note",
                        label="What does the number count? (optional)",
                        short="What the number counts",
                        shape=Shape.LINE,
                        limit=200,
                        hint="For example, discharges a year across three sites",
                    ),
                ),
            ),
            Question(
                slug="pathway",
                heading="What happens today?",
                asks=(
                    Ask(
                        name="pathway_today",
                        label="What happens today?",
                        short="Today’s pathway",
                        shape=Shape.PARAGRAPH,
                        limit=3000,
                        rows=8,
                        hint="Go through it step by step: who does what, with which systems, and where it breaks. "
                        "A solution is compared with this.",
                        gap="Describe what happens today",
                    ),
                ),
            ),
        ),
    ),
    Section(
        "What good looks like",
        (
            Question(
                slug="outcome",
                heading="What outcome do you want?",
                asks=(
                    Ask(
                        name="outcome",
                        label="What outcome do you want?",
                        short="Wanted outcome",
                        shape=Shape.PARAGRAPH,
                        limit=1500,
                        rows=4,
                        gap="Describe the outcome you want",
                    ),
                    Ask(
                        name="measure",
                        label="How will you measure it?",
                        short="Measure",
                        shape=Shape.LINE,
                        limit=250,
                        hint="For example, share of discharges before noon with medicines in hand",
                        gap="Enter how you will measure the outcome",
                    ),
                    Ask(
                        name="baseline",
                        label="Where are you now?",
                        short="Baseline",
                        shape=Shape.LINE,
                        limit=200,
                        hint="For example, 15 in 100. If nobody has measured it, say so.",
                        gap="Enter where you are now, or say that it has not been measured",
                    ),
                    Ask(
                        name="target",
                        label="Where do you want to be, and by when?",
                        short="Target",
                        shape=Shape.LINE,
                        limit=200,
                        hint="For example, 33 in 100 within 9 months",
                        gap="Enter where you want to be, and by when",
                    ),
                ),
            ),
            Question(
                slug="must",
                heading="What must a solution do?",
                lead="Write 2 to 8 statements. Each technology is checked against them one by one, so make each "
                "a single thing that can be tested. For example, “Works for people with no smartphone”.",
                asks=(
                    Ask(
                        name="must",
                        label="A solution must",
                        short="A solution must",
                        shape=Shape.STATEMENTS,
                        limit=MUST_LIMIT,
                        gap=f"Enter at least {MUST_LEAST} things that a solution must do",
                    ),
                ),
            ),
            Question(
                slug="evidence",
                heading="What evidence do you want to see?",
                lead="Choose what would convince you, and no more than you need: "
                "small companies may not have all of it yet.",
                asks=(
                    Ask(
                        name="evidence_wanted",
                        label="Which types of evidence do you want to see?",
                        short="Evidence wanted",
                        shape=Shape.EVIDENCE,
                        limit=DETAIL_LIMIT,
                        terms=EvidenceType,
                        gap="Choose at least one type of evidence",
                    ),
                ),
            ),
        ),
    ),
    Section(
        "Where, when and with what money",
        (
            Question(
                slug="place",
                heading="Where does it belong?",
                asks=(
                    Ask(
                        name="clinical_area",
                        label="Clinical area",
                        short="Clinical area",
                        shape=Shape.CHOICE,
                        terms=ClinicalArea,
                        gap="Choose a clinical area",
                    ),
                    Ask(
                        name="care_setting",
                        label="Care setting",
                        short="Care setting",
                        shape=Shape.CHOICE,
                        terms=CareSetting,
                        gap="Choose a care setting",
                    ),
                    Ask(
                        name="shift",
                        label="Which shift of the 10 Year Health Plan does it support? (optional)",
                        short="10 Year Health Plan shift",
                        shape=Shape.CHOICE,
                        terms=Shift,
                    ),
                ),
            ),
            Question(
                slug="timing",
                heading="When, and is there money?",
                asks=(
                    Ask(
                        name="timing",
                        label="When do you want to start?",
                        short="Timing",
                        shape=Shape.CHOICE,
                        terms=Timing,
                        gap="Choose when you want to start",
                    ),
                    Ask(
                        name="funding_state",
                        label="Is there money for it?",
                        short="Funding",
                        shape=Shape.CHOICE,
                        terms=FundingState,
                        hint="Everybody sees this. You do not have to say how much.",
                        gap="Choose whether there is money for it",
                    ),
                ),
            ),
        ),
    ),
)

QUESTIONS: tuple[Question, ...] = tuple(question for section in SECTIONS for question in section.questions)
ASKS: Mapping[str, Ask] = {ask.name: ask for question in QUESTIONS for ask in question.asks}
