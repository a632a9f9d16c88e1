"""The words and tags that every page of technologies uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for

from marketplace.technologies.models import EvidenceItem, TechnologyFields
from marketplace.technologies.rules import EvidenceState, PassportBadge, TechnologyContent
from marketplace.web.pages import Tag
from marketplace.web.words import day

#: The questions as people read them: field, words on the task list, words on check-your-answers and elsewhere.
WORDS = {
    "name": "Name",
    "summary": "What it is and does",
    "intended_use": "Intended use",
    "replaces": "What it replaces",
    "claims": "Claims",
    "settings": "Care settings",
    "clinical_areas": "Clinical areas",
    "readiness": "Readiness",
}
SECTIONS = (
    ("Describe the technology", ("name", "summary", "intended_use", "replaces")),
    ("Say what it achieves", ("claims",)),
    ("Say where it fits", ("settings", "clinical_areas", "readiness")),
)

STATE_COLOURS = {
    EvidenceState.CURRENT: "green",
    EvidenceState.EXPIRING: "yellow",
    EvidenceState.EXPIRED: "red",
    EvidenceState.WITHDRAWN: "grey",
}
NO_PASSPORT = Tag("No passport yet", "grey")


def slug(field: str) -> str:
    """Return a question's part of its address."""
    return field.replace("_", "-")


def words_of(content: TechnologyContent, field: str) -> tuple[str, ...]:
    """Return an answer as people read it, one entry for each part."""
    value = getattr(content, field)
    if field in ("settings", "clinical_areas"):
        return tuple(term.label for term in value)
    if field == "readiness":
        return (value.label,) if value else ()
    if field == "claims":
        return tuple(value)
    return (value,) if value else ()


def name_of(fields: TechnologyFields | None) -> str:
    """Return the name, or what to call a technology without one."""
    return (fields.name if fields else "") or "A technology without a name"


def passport_tag(badge: PassportBadge | None) -> Tag:
    """Return the badge that says what passport there is."""
    if badge is None:
        return NO_PASSPORT
    return Tag(f"Passport: {badge.label.lower()}", badge.colour)


@dataclass(frozen=True, slots=True)
class Evidence:
    """An evidence item as shown; ``change`` and ``withdraw`` are empty where the reader may not."""

    type: str
    number: str
    issuer: str
    scope: str
    summary: str
    issued: str
    expires: str
    state: Tag
    change: str = ""
    withdraw: str = ""

    @classmethod
    def build(cls, item: EvidenceItem, on: date, *, technology_ref: str = "") -> Evidence:
        """Build it; with ``technology_ref``, the links of the supplier's workspace too."""
        state = item.state(on)
        place: dict[str, Any] = {"ref": technology_ref, "evidence_ref": item.ref}
        editable = bool(technology_ref) and state is not EvidenceState.WITHDRAWN
        return cls(
            type=item.type.label,
            number=item.number,
            issuer=item.issuer,
            scope=item.scope,
            summary=item.summary,
            issued=day(item.issued_on),
            expires=day(item.expires_on) if item.expires_on else "No expiry date",
            state=Tag(state.label, STATE_COLOURS[state]),
            change=url_for("technologies.edit_evidence", **place) if editable else "",
            withdraw=url_for("technologies.confirm_withdrawal", **place) if editable else "",
        )
