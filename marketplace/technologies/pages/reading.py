"""The public register and one technology, as its readers see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import current_app, url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.technologies.models import Technology, TechnologyVersion
from marketplace.technologies.pages.words import Evidence, passport_tag, words_of
from marketplace.technologies.rules import PassportBadge, TechnologyContent
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.paging import Paging
from marketplace.web.search import Found
from marketplace.web.words import count, day


@dataclass(frozen=True, slots=True)
class Result:
    """A line of the register: what is needed to decide whether to open it."""

    name: str
    href: str
    supplier: str
    summary: str
    tags: tuple[Tag, ...]
    meta: str


@dataclass(frozen=True, kw_only=True)
class Register(Page):
    """The public register with its filters."""

    template = "technologies/register.html"
    partial = "technologies/_found.html"

    title: str = "Technologies"
    count: str
    note: str = ""
    results: tuple[Result, ...]
    paging: Paging
    action: str
    filtered: bool
    narrowed: bool

    @classmethod
    def build(
        cls,
        technologies: Sequence[Technology],
        badges: Mapping[int, PassportBadge],
        *,
        total: int,
        paging: Paging,
        query: str,
        filtered: bool,
        found: Found | None,
    ) -> Register:
        """Build it for a page of results."""
        number = count(total, "technology", "technologies")
        words = f"{number} found" if query or filtered else f"{number} on the register"
        return cls(
            title=f"“{query}” – Technologies" if query else "Technologies",
            count=words,
            note=_note(found, total),
            results=tuple(_result(one, badges.get(one.id)) for one in technologies),
            paging=paging,
            action=url_for("technologies.register"),
            filtered=bool(query) or filtered,
            narrowed=filtered,
        )


def _note(found: Found | None, total: int) -> str:
    if found is None or not total:
        return ""
    if found.degraded:
        return "Just now we compare words only, not meaning. Try other words if you do not find what you look for."
    if not found.fits:
        return "Nothing on the register fits this well. These come nearest."
    return ""


def _result(technology: Technology, badge: PassportBadge | None) -> Result:
    version = technology.current
    if version is None:
        raise ValueError("not on the register")
    content = version.content
    return Result(
        name=version.name,
        href=url_for("technologies.technology", ref=technology.ref),
        supplier=technology.supplier.name,
        summary=shortened(version.summary),
        tags=(passport_tag(badge), *((Tag(content.readiness.label, "white"),) if content.readiness else ())),
        meta=" · ".join(
            ("; ".join(words_of(content, "clinical_areas")), f"updated {day(version.listed_at)}")
        ),
    )


def shortened(text: str, limit: int = 220) -> str:
    """Return the beginning of a text, cut between words."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0].rstrip(",;:.") + " …"


@dataclass(frozen=True, slots=True)
class Past:
    """A line of the version history."""

    number: int
    listed: str
    note: str
    href: str


@dataclass(frozen=True, kw_only=True)
class TechnologyPage(Page):
    """Everything that is public about a technology; ``banner_text`` warns of an old version or an archived one."""

    template = "technologies/technology.html"

    supplier: str
    about_supplier: str
    tags: tuple[Tag, ...]
    warning: str
    warning_link: Link | None
    content: TechnologyContent
    settings: str
    clinical_areas: str
    readiness: str
    evidence: tuple[Evidence, ...]
    withdrawn: tuple[Evidence, ...]
    passport: str
    passport_links: tuple[Link, ...]
    history: tuple[Past, ...]
    links: tuple[Link, ...]
    register: str

    @classmethod
    def build(
        cls,
        technology: Technology,
        badge: PassportBadge | None,
        actor: Actor,
        *,
        version: TechnologyVersion | None = None,
    ) -> TechnologyPage:
        """Build it for the version that people see now, or for an older one."""
        shown = version or technology.current
        if shown is None:
            raise ValueError("never listed")
        content, on = shown.content, clock.today()
        here = url_for("technologies.technology", ref=technology.ref)
        warning, link = "", None
        if technology.archived_at is not None:
            warning = (
                f"You took this technology off the register on {day(technology.archived_at)}. "
                "Only your company sees this page."
            )
        elif shown.number != technology.version:
            warning = (
                f"This is version {shown.number} of {day(shown.listed_at)}. A later version replaced it."
            )
            link = Link(f"Go to version {technology.version}, which is the current one", here)
        public = [
            item
            for item in technology.evidence
            # What was withdrawn before the first listing was never public.
            if item.withdrawn_at is None
            or (technology.listed_at is not None and item.withdrawn_at > technology.listed_at)
        ]
        shown_evidence = [(item, Evidence.build(item, on)) for item in public]
        return cls(
            title=shown.name,
            supplier=technology.supplier.name,
            about_supplier=technology.supplier.about,
            tags=(
                passport_tag(badge),
                *((Tag(content.readiness.label, "white"),) if content.readiness else ()),
            ),
            warning=warning,
            warning_link=link,
            content=content,
            settings="; ".join(words_of(content, "settings")),
            clinical_areas="; ".join(words_of(content, "clinical_areas")),
            readiness=content.readiness.label if content.readiness else "",
            evidence=tuple(line for item, line in shown_evidence if item.withdrawn_at is None),
            withdrawn=tuple(line for item, line in shown_evidence if item.withdrawn_at is not None),
            passport=_passport_words(badge),
            passport_links=_passport_links(technology, badge),
            history=tuple(
                Past(
                    one.number,
                    day(one.listed_at),
                    one.change_note or "First listed",
                    here
                    if one.number == technology.version
                    else url_for("technologies.past_version", ref=technology.ref, number=one.number),
                )
                for one in reversed(technology.versions)
            ),
            links=_actor_links(technology, actor),
            register=url_for("technologies.register"),
        )


def _passport_words(badge: PassportBadge | None) -> str:
    if badge is None:
        return (
            "No NHS body has recorded a passport for this technology here. A listing does not need one. "
            "What is said on this page comes from the supplier and has not been checked by us."
        )
    if badge.in_force:
        return f"{badge.issuer} assessed this technology. Its passport runs until {day(badge.valid_to)}."
    return (
        f"{badge.issuer} assessed this technology, but its passport is not in force: {badge.label.lower()}."
    )


def _passport_links(technology: Technology, badge: PassportBadge | None) -> tuple[Link, ...]:
    if badge is None:
        return ()
    return (
        Link(f"Passport {badge.number}", url_for("passports.passport", number=badge.number)),
        Link("All passports for this technology", url_for("passports.register", technology=technology.ref)),
    )


def _actor_links(technology: Technology, actor: Actor) -> tuple[Link, ...]:
    links = []
    own = actor.may(Permission.TECHNOLOGY_WRITE, technology.supplier_id)
    if own and technology.archived_at is None:
        links.append(Link("Change this technology", url_for("technologies.tasks", ref=technology.ref)))
    may_match = own or (actor.may(Permission.TECHNOLOGY_MATCHES_READ) and not _is_supplier(actor))
    if technology.is_listed and may_match and "matches.for_technology" in current_app.view_functions:
        links.append(
            Link("Needs that this may answer", url_for("matches.for_technology", ref=technology.ref))
        )
    if technology.is_listed and actor.may(Permission.PASSPORT_ISSUE):
        links.append(Link("Issue a passport", url_for("passports.compose", ref=technology.ref)))
    return tuple(links)


def _is_supplier(actor: Actor) -> bool:
    return actor.may(Permission.TECHNOLOGY_WRITE)
