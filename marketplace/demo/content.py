"""Read the demo content: made-up needs, technologies and people, on real NHS organisations.

Nothing here writes to the database; loading goes through the same actions as the pages.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml
from pydantic import TypeAdapter

from marketplace.demo.checks import problems_in
from marketplace.demo.shapes import (
    ContentError,
    DemoCarried,
    DemoContent,
    DemoCoSignature,
    DemoCycle,
    DemoEdit,
    DemoIntroduction,
    DemoNeed,
    DemoNeedDraft,
    DemoPassport,
    DemoPerson,
    DemoQuestion,
    DemoSearch,
    DemoSettlement,
    DemoSupplier,
    DemoTechnology,
    DemoTechnologyDraft,
    DemoWithdrawal,
)


@cache
def load() -> DemoContent:
    """Read all demo content. Raises `ContentError`, or pydantic's `ValidationError` with the place of a mistake."""
    content = DemoContent(
        needs=needs(),
        suppliers=suppliers(),
        technologies=technologies(),
        passports=passports(),
        introductions=introductions(),
        people=people(),
        need_drafts=need_drafts(),
        need_edits=need_edits(),
        technology_drafts=technology_drafts(),
        co_signatures=co_signatures(),
        searches=searches(),
        withdrawals=withdrawals(),
        questions=questions(),
        settlements=settlements(),
        cycle=cycle(),
        past_cycles=past_cycles(),
        carried=carried(),
    )
    for problem in problems_in(content):
        raise ContentError(problem)
    return content


def needs() -> tuple[DemoNeed, ...]:
    """Read the needs in the order of the file."""
    return TypeAdapter(tuple[DemoNeed, ...]).validate_python(_section("needs.yaml", "needs"))


def suppliers() -> tuple[DemoSupplier, ...]:
    """Read the suppliers in the order of the file."""
    return TypeAdapter(tuple[DemoSupplier, ...]).validate_python(_section("technologies.yaml", "suppliers"))


def technologies() -> tuple[DemoTechnology, ...]:
    """Read the technologies in the order of the file."""
    return TypeAdapter(tuple[DemoTechnology, ...]).validate_python(
        _section("technologies.yaml", "technologies")
    )


def passports() -> tuple[DemoPassport, ...]:
    """Read the passports in the order of the file."""
    return TypeAdapter(tuple[DemoPassport, ...]).validate_python(_section("passports.yaml", "passports"))


def introductions() -> tuple[DemoIntroduction, ...]:
    """Read the introductions in the order of the file."""
    return TypeAdapter(tuple[DemoIntroduction, ...]).validate_python(
        _section("introductions.yaml", "introductions")
    )


def people() -> tuple[DemoPerson, ...]:
    """Read the people in the order of the file."""
    return TypeAdapter(tuple[DemoPerson, ...]).validate_python(_section("people.yaml", "people"))


def need_drafts() -> tuple[DemoNeedDraft, ...]:
    """Read the needs that are being written, in the order of the file."""
    return TypeAdapter(tuple[DemoNeedDraft, ...]).validate_python(_section("needs.yaml", "drafts"))


def need_edits() -> tuple[DemoEdit, ...]:
    """Read the new versions of needs, in the order of the file."""
    return TypeAdapter(tuple[DemoEdit, ...]).validate_python(_section("needs.yaml", "edits"))


def technology_drafts() -> tuple[DemoTechnologyDraft, ...]:
    """Read the technologies that are being written, in the order of the file."""
    return TypeAdapter(tuple[DemoTechnologyDraft, ...]).validate_python(
        _section("technologies.yaml", "drafts")
    )


def searches() -> tuple[DemoSearch, ...]:
    """Read which searches people keep, in the order of the file."""
    return TypeAdapter(tuple[DemoSearch, ...]).validate_python(_section("people.yaml", "searches"))


def co_signatures() -> tuple[DemoCoSignature, ...]:
    """Read which organisations share others' needs, in the order of the file."""
    return TypeAdapter(tuple[DemoCoSignature, ...]).validate_python(_section("needs.yaml", "co_signatures"))


def withdrawals() -> tuple[DemoWithdrawal, ...]:
    """Read which needs were withdrawn, in the order of the file."""
    return TypeAdapter(tuple[DemoWithdrawal, ...]).validate_python(_section("needs.yaml", "withdrawals"))


def questions() -> tuple[DemoQuestion, ...]:
    """Read what innovators have asked, in the order of the file."""
    return TypeAdapter(tuple[DemoQuestion, ...]).validate_python(_section("needs.yaml", "questions"))


def settlements() -> tuple[DemoSettlement, ...]:
    """Read which families brokers settle, in the order of the file."""
    return TypeAdapter(tuple[DemoSettlement, ...]).validate_python(_section("needs.yaml", "settlements"))


def cycle() -> DemoCycle:
    """Read the round in which the needs are published."""
    return TypeAdapter(DemoCycle).validate_python(_section("needs.yaml", "cycle"))


def past_cycles() -> tuple[DemoCycle, ...]:
    """Read the rounds before that one, the oldest first."""
    return TypeAdapter(tuple[DemoCycle, ...]).validate_python(_section("cycles.yaml", "past"))


def carried() -> tuple[DemoCarried, ...]:
    """Read whose needs come from an earlier round."""
    return TypeAdapter(tuple[DemoCarried, ...]).validate_python(_section("cycles.yaml", "carried"))


def _section(file_name: str, name: str) -> object:
    text = resources.files(__name__.rpartition(".")[0]).joinpath(file_name).read_text(encoding="utf-8")
    return yaml.safe_load(text)[name]
