"""What the pages about passports say: finished words, tags and links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.organisations.models import Organisation
from marketplace.passports.models import Passport
from marketplace.passports.queries import Details, Entry, Filters
from marketplace.passports.rules import PassportContent, Standing
from marketplace.technologies.models import EvidenceItem, Technology
from marketplace.technologies.rules import EvidenceState
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.paging import Paging
from marketplace.web.words import count, day

NOT_OFFICIAL = (
    "This is Demand Signal’s record of a passport, not the official register. "
    "Before you rely on it, verify it with the organisation that issued it."
)


def standing_tag(standing: Standing) -> Tag:
    """Return the tag for a standing."""
    return Tag(standing.label, standing.colour)


def evidence_name(item: EvidenceItem) -> str:
    """Return an evidence item on one line."""
    number = f", {item.number}" if item.number else ""
    expires = f", expires {day(item.expires_on)}" if item.expires_on else ""
    return f"{item.type.label}{number}, {item.issuer}, issued {day(item.issued_on)}{expires}"


@dataclass(frozen=True, slots=True)
class Line:
    """A passport in a list."""

    number: str
    href: str
    technology: str
    issuer: str
    tag: Tag
    dates: str
    actions: tuple[Link, ...] = ()


def _line(entry: Entry, on: date, *, own: bool = False) -> Line:
    passport = entry.passport
    standing = passport.standing(on)
    return Line(
        number=passport.number,
        href=url_for("passports.passport", number=passport.number),
        technology=entry.technology_name,
        issuer=passport.issuer.name,
        tag=standing_tag(standing),
        dates=_dates(passport, standing),
        actions=_actions(passport, standing) if own else (),
    )


def _dates(passport: Passport, standing: Standing) -> str:
    if standing is Standing.REVOKED and passport.revoked_at:
        return f"Revoked on {day(passport.revoked_at)}"
    if standing is Standing.SUSPENDED and passport.suspended_at:
        return f"Suspended on {day(passport.suspended_at)}"
    if standing is Standing.NOT_YET_VALID:
        return f"Valid from {day(passport.valid_from)}"
    if standing is Standing.EXPIRED:
        return f"Expired after {day(passport.valid_to)}"
    return f"Valid until {day(passport.valid_to)}"


def _actions(passport: Passport, standing: Standing) -> tuple[Link, ...]:
    place: dict[str, Any] = {"number": passport.number}
    links = []
    if standing is Standing.SUSPENDED:
        links.append(Link("Lift the suspension", url_for("passports.confirm_lift", **place)))
    elif standing not in (Standing.REVOKED, Standing.EXPIRED):
        links.append(Link("Suspend", url_for("passports.confirm_suspension", **place)))
    if standing is not Standing.REVOKED:
        links.append(Link("Revoke", url_for("passports.confirm_revocation", **place)))
    return tuple(links)


@dataclass(frozen=True, kw_only=True)
class Register(Page):
    """The public register of passports."""

    template = "passports/register.html"
    partial = "passports/_found.html"

    title: str = "Passports"
    not_official: str = NOT_OFFICIAL
    count: str
    passports: tuple[Line, ...]
    paging: Paging
    action: str
    filtered: bool
    narrowed: bool

    @classmethod
    def build(cls, entries: Sequence[Entry], filters: Filters, *, total: int, paging: Paging) -> Register:
        """Build it for a page of results."""
        return cls(
            count=f"{count(total, 'passport')} {'found' if filters.any else 'on the register'}",
            passports=tuple(_line(entry, clock.today()) for entry in entries),
            paging=paging,
            action=url_for("passports.register"),
            filtered=filters.any,
            narrowed=bool(filters.standing or filters.issuer),
        )


@dataclass(frozen=True, slots=True)
class ReliedOn:
    """An evidence item that a passport relies on, with how it stands today."""

    name: str
    scope: str
    state: Tag


@dataclass(frozen=True, kw_only=True)
class PassportPage(Page):
    """Everything about one passport."""

    template = "passports/passport.html"

    not_official: str = NOT_OFFICIAL
    number: str
    tag_shown: Tag
    standing: str
    reason: str
    warnings: tuple[str, ...]
    rows: tuple[Row, ...]
    evidence: tuple[ReliedOn, ...]
    technology: Link | None
    technology_note: str
    verify: str
    actions: tuple[Link, ...]
    register: str

    @classmethod
    def build(cls, details: Details, actor: Actor) -> PassportPage:
        """Build it, with the issuer's links where the actor may use them."""
        passport, version, on = details.passport, details.version, clock.today()
        technology, standing = passport.technology, passport.standing(on)
        states = [(item, item.state(on)) for item in passport.relied_on]
        issuer = _with_code(passport.issuer)
        link, note = _technology_link(technology, passport)
        may_change = actor.may(Permission.PASSPORT_ISSUE, passport.issuer_id)
        return cls(
            title=f"Passport for {version.name}",
            number=passport.number,
            tag_shown=standing_tag(standing),
            standing=_standing_words(passport, standing),
            reason=_reason(passport, standing),
            warnings=_warnings(states) if standing is not Standing.REVOKED else (),
            rows=(
                Row("Number", passport.number),
                Row("Issued by", issuer),
                Row("Issued on", day(passport.issued_at)),
                Row("Valid from", day(passport.valid_from)),
                Row("Valid to", f"{day(passport.valid_to)} (the last day)"),
                Row("Technology", f"{version.name}, version {version.number} of {day(version.listed_at)}"),
                Row("Supplier", technology.supplier.name),
                Row("Scope", passport.scope),
                Row("Conditions and limits", passport.conditions or "None recorded"),
            ),
            evidence=tuple(
                ReliedOn(evidence_name(item), item.scope, Tag(state.label, _COLOURS[state]))
                for item, state in states
            ),
            technology=link,
            technology_note=note,
            verify=f"Ask {issuer} for its record of number {passport.number}, and compare scope, version and dates.",
            actions=_actions(passport, standing) if may_change else (),
            register=url_for("passports.register"),
        )


_COLOURS = {
    EvidenceState.CURRENT: "green",
    EvidenceState.EXPIRING: "yellow",
    EvidenceState.EXPIRED: "red",
    EvidenceState.WITHDRAWN: "grey",
}


def _with_code(organisation: Organisation) -> str:
    return f"{organisation.name} ({organisation.ods_code})" if organisation.ods_code else organisation.name


def _standing_words(passport: Passport, standing: Standing) -> str:
    if standing is Standing.VALID:
        return f"This passport is valid until {day(passport.valid_to)}."
    if standing is Standing.EXPIRING:
        return f"This passport is valid, but it ends soon: on {day(passport.valid_to)}."
    if standing is Standing.NOT_YET_VALID:
        return f"This passport begins on {day(passport.valid_from)}. Do not rely on it before that."
    if standing is Standing.SUSPENDED and passport.suspended_at:
        return f"This passport was suspended on {day(passport.suspended_at)}. Do not rely on it meanwhile."
    if standing is Standing.REVOKED and passport.revoked_at:
        return f"This passport was revoked on {day(passport.revoked_at)}. Do not rely on it."
    return f"This passport ended on {day(passport.valid_to)}. Do not rely on it."


def _reason(passport: Passport, standing: Standing) -> str:
    if standing is Standing.REVOKED:
        return passport.revoked_reason
    return passport.suspended_reason if standing is Standing.SUSPENDED else ""


def _warnings(states: Sequence[tuple[EvidenceItem, EvidenceState]]) -> tuple[str, ...]:
    found = []
    for item, state in states:
        if state is EvidenceState.EXPIRED and item.expires_on:
            found.append(f"{item.type.label}: expired after {day(item.expires_on)}.")
        if state is EvidenceState.WITHDRAWN and item.withdrawn_at:
            found.append(
                f"{item.type.label}: withdrawn or replaced by the supplier on {day(item.withdrawn_at)}."
            )
    return tuple(found)


def _technology_link(technology: Technology, passport: Passport) -> tuple[Link | None, str]:
    if technology.archived_at is not None:
        return None, f"The supplier took the technology off the register on {day(technology.archived_at)}."
    link = Link("See the technology", url_for("technologies.technology", ref=technology.ref))
    if technology.version == passport.technology_version:
        return link, ""
    return (
        Link(
            "See the version that was assessed",
            url_for("technologies.past_version", ref=technology.ref, number=passport.technology_version),
        ),
        (
            f"The supplier has listed version {technology.version} since. The passport is about version "
            f"{passport.technology_version}: ask the issuer whether the change matters."
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Workspace(Page):
    """The passports that the assessor's organisations have issued."""

    template = "passports/workspace.html"

    title: str = "Our passports"
    passports: tuple[Line, ...]
    start: str

    @classmethod
    def build(cls, entries: Sequence[Entry]) -> Workspace:
        """Build it."""
        return cls(
            passports=tuple(_line(entry, clock.today(), own=True) for entry in entries),
            start=url_for("passports.pick"),
        )


@dataclass(frozen=True, slots=True)
class Pickable:
    """A technology that may be assessed."""

    name: str
    supplier: str
    evidence: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Pick(Page):
    """Choose the technology to be assessed."""

    template = "passports/pick.html"

    title: str = "Which technology did you assess?"
    technologies: tuple[Pickable, ...]
    query: str
    back: str

    @classmethod
    def build(cls, technologies: Sequence[Technology], query: str) -> Pick:
        """Build it for what a search has found."""
        on = clock.today()
        return cls(
            technologies=tuple(
                Pickable(
                    one.current.name if one.current else "",
                    one.supplier.name,
                    count(len(one.evidence_held(on)), "current evidence item"),
                    url_for("passports.compose", ref=one.ref),
                )
                for one in technologies
            ),
            query=query,
            back=url_for("passports.workspace"),
        )


@dataclass(frozen=True, kw_only=True)
class Compose(Page):
    """Record an assessment."""

    template = "passports/compose.html"

    title: str = "Record your assessment"
    caption: str
    technology: Link
    has_evidence: bool
    action: str
    back: str

    @classmethod
    def build(cls, technology: Technology) -> Compose:
        """Build it."""
        name = technology.current.name if technology.current else ""
        return cls(
            caption=f"{name}, version {technology.version}, {technology.supplier.name}",
            technology=Link(
                f"Read version {technology.version} of {name}",
                url_for("technologies.technology", ref=technology.ref),
            ),
            has_evidence=bool(technology.evidence_held(clock.today())),
            action=url_for("passports.issue", ref=technology.ref),
            back=url_for("passports.pick"),
        )


@dataclass(frozen=True, kw_only=True)
class Check(Page):
    """Check your answers before the passport is issued. What was typed travels in hidden fields."""

    template = "passports/check.html"

    title: str = "Check your answers"
    caption: str
    rows: tuple[Row, ...]
    action: str
    selected: tuple[str, ...]

    @classmethod
    def build(cls, technology: Technology, content: PassportContent, issuer: str) -> Check:
        """Build it."""
        name = technology.current.name if technology.current else ""
        return cls(
            caption=f"{name}, version {technology.version}",
            rows=(
                Row("Technology", f"{name}, version {technology.version}, {technology.supplier.name}"),
                Row("Issued by", issuer),
                Row("Scope", content.scope),
                Row("Conditions and limits", content.conditions or "None"),
                Row("Valid from", day(content.valid_from)),
                Row("Valid to", f"{day(content.valid_to)} (the last day)"),
                Row(
                    "Evidence relied on",
                    "",
                    items=tuple(
                        evidence_name(item) for item in technology.evidence if item.ref in content.evidence
                    ),
                ),
            ),
            action=url_for("passports.issue", ref=technology.ref),
            selected=content.evidence,
        )


@dataclass(frozen=True, kw_only=True)
class Confirm(Page):
    """Ask once more, and for a reason where one is needed."""

    template = "passports/confirm.html"

    caption: str
    paragraphs: tuple[str, ...]
    button: str
    back: str
    warning: bool = True

    @classmethod
    def suspension(cls, passport: Passport) -> Confirm:
        """Ask about suspending."""
        return _confirm(
            passport,
            "Suspend this passport?",
            "Nobody should rely on it until you lift the suspension. The register shows it as suspended at once.",
            "Suspend the passport",
        )

    @classmethod
    def lifting(cls, passport: Passport) -> Confirm:
        """Ask about lifting a suspension."""
        return _confirm(
            passport,
            "Lift the suspension?",
            f"The passport stands again as its dates say: valid until {day(passport.valid_to)}.",
            "Lift the suspension",
            warning=False,
        )

    @classmethod
    def revocation(cls, passport: Passport) -> Confirm:
        """Ask about revoking."""
        return _confirm(
            passport,
            "Revoke this passport?",
            "You cannot undo this. The number stays on the register as revoked, with your reason.",
            "Revoke the passport",
        )


def _confirm(passport: Passport, title: str, words: str, button: str, *, warning: bool = True) -> Confirm:
    return Confirm(
        title=title,
        caption=f"{passport.number}, {passport.technology.current.name if passport.technology.current else ''}",
        paragraphs=(words,),
        button=button,
        back=url_for("passports.passport", number=passport.number),
        warning=warning,
    )
