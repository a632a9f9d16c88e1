"""What the pages about technologies say: finished words, tags and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import current_app, url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.technologies import rules
from marketplace.technologies.models import (
    EvidenceItem,
    Technology,
    TechnologyDraft,
    TechnologyFields,
    TechnologyVersion,
)
from marketplace.technologies.rules import EvidenceState, PassportBadge, TechnologyContent
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.paging import Paging
from marketplace.web.search import Found, Uncounted
from marketplace.web.words import count, day, listed, moment

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


# The public register ---------------------------------------------------------------------------------------------


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


# A supplier's own ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Own:
    """A technology in its supplier's workspace."""

    name: str
    href: str
    supplier: str
    tags: tuple[Tag, ...]
    meta: str
    to_do: str
    public: str


@dataclass(frozen=True, kw_only=True)
class Workspace(Page):
    """All technologies of the person's companies."""

    template = "technologies/workspace.html"

    title: str = "Our technologies"
    technologies: tuple[Own, ...]
    start: str

    @classmethod
    def build(cls, technologies: Sequence[Technology], badges: Mapping[int, PassportBadge]) -> Workspace:
        """Build it."""
        return cls(
            technologies=tuple(_own(one, badges.get(one.id)) for one in technologies),
            start=url_for("technologies.start"),
        )


def _own(technology: Technology, badge: PassportBadge | None) -> Own:
    on = clock.today()
    draft = _draft(technology)
    tags: list[Tag] = []
    public = ""
    if technology.archived_at is not None:
        tags.append(Tag("Archived", "grey"))
        meta = f"Archived on {day(technology.archived_at)}"
    elif technology.current is not None:
        tags += [Tag("On the register", "green"), passport_tag(badge)]
        if draft.content != technology.current.content:
            tags.append(Tag("Changes not listed yet", "yellow"))
        meta = f"Version {technology.version}, listed on {day(technology.current.listed_at)}"
        public = url_for("technologies.technology", ref=technology.ref)
    else:
        tags.append(Tag("Draft", "blue"))
        left = len(rules.unanswered(draft.content))
        meta = f"Saved on {day(draft.saved_at)}. " + (
            f"{count(left, 'question')} left" if left else "Ready to be listed"
        )
    states = [item.state(on) for item in technology.evidence] if technology.archived_at is None else []
    to_do = [
        f"{count(states.count(state), 'evidence item')} {word}"
        for state, word in (
            (EvidenceState.EXPIRED, "expired"),
            (EvidenceState.EXPIRING, "will expire within 90 days"),
        )
        if state in states
    ]
    return Own(
        name=name_of(draft),
        href=url_for("technologies.tasks", ref=technology.ref),
        supplier=technology.supplier.name,
        tags=tuple(tags),
        meta=meta,
        to_do=listed(to_do).capitalize(),
        public=public,
    )


def _draft(technology: Technology) -> TechnologyDraft:
    if technology.draft is None:
        raise ValueError("a technology has a draft from its beginning")
    return technology.draft


@dataclass(frozen=True, kw_only=True)
class Start(Page):
    """The first question."""

    template = "technologies/start.html"

    title: str = "List a technology"
    workspace: str

    @classmethod
    def build(cls) -> Start:
        """Build it."""
        return cls(workspace=url_for("technologies.workspace"))


@dataclass(frozen=True, slots=True)
class Task:
    """A line of the task list."""

    text: str
    href: str
    status: str
    tag: Tag | None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the task list."""

    heading: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class DoesNotCount:
    """A part of the answers that does not count towards matching: to which question, why, and links."""

    question: str
    text: str
    links: tuple[Link, ...]


def does_not_count(ref: str, found: Sequence[Uncounted]) -> tuple[DoesNotCount, ...]:
    """Return lines with links to the question, and to what it was compared with."""
    lines = []
    for one in found:
        links = []
        if one.href:
            links.append(Link("Look at it", one.href))
        if one.field:
            place: dict[str, Any] = {"ref": ref, "question": slug(one.field)}
            links.append(Link("Change your answer", url_for("technologies.question", **place)))
        lines.append(DoesNotCount(WORDS[one.field] if one.field else "", one.text, tuple(links)))
    return tuple(lines)


@dataclass(frozen=True, kw_only=True)
class Tasks(Page):
    """The task list of one technology, with its evidence and what can be done with it."""

    template = "technologies/tasks.html"

    caption: str
    tags: tuple[Tag, ...]
    state: str
    sections: tuple[Section, ...]
    evidence: tuple[Evidence, ...]
    withdrawn: tuple[Evidence, ...]
    add_evidence: str
    check: Link | None
    discard: str
    archive: str
    public: str
    workspace: str
    uncounted: tuple[DoesNotCount, ...]

    @classmethod
    def build(
        cls, technology: Technology, badge: PassportBadge | None, uncounted: Sequence[Uncounted] = ()
    ) -> Tasks:
        """Build it; an archived technology is shown without links to change it."""
        draft, current = _draft(technology), technology.current
        content, on = draft.content, clock.today()
        own = _own(technology, badge)
        is_open = technology.archived_at is None
        changed = current is None or content != current.content
        evidence = [
            (item, Evidence.build(item, on, technology_ref=technology.ref if is_open else ""))
            for item in technology.evidence
        ]
        place: dict[str, Any] = {"ref": technology.ref}
        check = None
        if is_open and changed:
            left = len(rules.unanswered(content))
            words = "Check your answers and list it" if current is None else "Check and list your changes"
            check = Link(words, url_for("technologies.check", **place)) if not left else None
        return cls(
            title=name_of(draft),
            caption=technology.supplier.name,
            tags=own.tags,
            state=_state_words(technology, changed=changed),
            sections=tuple(
                Section(
                    heading,
                    tuple(_task(technology, content, field, is_open=is_open) for field in fields),
                )
                for heading, fields in SECTIONS
            ),
            evidence=tuple(line for item, line in evidence if item.withdrawn_at is None),
            withdrawn=tuple(line for item, line in evidence if item.withdrawn_at is not None),
            add_evidence=url_for("technologies.new_evidence", **place) if is_open else "",
            check=check,
            discard=url_for("technologies.confirm_discard", **place)
            if is_open and changed and current is not None
            else "",
            archive=url_for("technologies.confirm_archive", **place) if is_open else "",
            public=url_for("technologies.technology", **place) if current is not None else "",
            workspace=url_for("technologies.workspace"),
            uncounted=does_not_count(technology.ref, uncounted),
        )


def _state_words(technology: Technology, *, changed: bool) -> str:
    draft, current = _draft(technology), technology.current
    if technology.archived_at is not None:
        return f"Archived on {day(technology.archived_at)}. It cannot be changed any more."
    if current is None:
        left = len(rules.unanswered(draft.content))
        if left:
            return f"Nobody else sees this draft. {count(left, 'question')} left. Your answers are kept."
        return "Nobody else sees this draft. All questions are answered: you can check and list it."
    if changed:
        return (
            f"Everybody sees version {current.number}. Your changes, last saved on {moment(draft.saved_at)}, "
            "are not public until you list them."
        )
    return f"Everybody sees version {current.number}, listed on {day(current.listed_at)}."


def _task(technology: Technology, content: TechnologyContent, field: str, *, is_open: bool) -> Task:
    answered = field not in rules.unanswered(content)
    current = technology.current
    tag = None if answered else Tag("Not started", "blue")
    if current is not None and getattr(current.content, field) != getattr(content, field):
        tag = Tag("Changed", "yellow")
    return Task(
        text=WORDS[field],
        href=url_for("technologies.question", ref=technology.ref, question=slug(field)) if is_open else "",
        status="Completed" if answered else "",
        tag=tag,
    )


@dataclass(frozen=True, kw_only=True)
class Question(Page):
    """One question. ``stored`` is the draft's answer, where somebody saved it after this page was opened."""

    template = "technologies/question.html"

    caption: str
    back: str
    field: str
    can_add: bool
    can_remove: bool
    stored: tuple[str, ...]
    stored_when: str
    keep_stored: str
    uncounted: tuple[DoesNotCount, ...]

    @classmethod
    def build(
        cls,
        technology: Technology,
        field: str,
        title: str,
        *,
        entries: int,
        from_check: bool,
        conflict: bool = False,
        uncounted: Sequence[Uncounted] = (),
    ) -> Question:
        """Build it. ``entries`` is the number of fields for claims."""
        draft = _draft(technology)
        place = "technologies.check" if from_check else "technologies.tasks"
        back = url_for(place, ref=technology.ref)
        return cls(
            title=title,
            caption=name_of(draft),
            back=back,
            field=field,
            can_add=entries < rules.CLAIMS_MOST,
            can_remove=entries > 1,
            stored=(words_of(draft.content, field) or ("No answer",)) if conflict else (),
            stored_when=moment(draft.saved_at),
            keep_stored=back,
            # No way to the question, nor its name: this is its page.
            uncounted=does_not_count(
                technology.ref, [replace(one, field="") for one in uncounted if one.field == field]
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Check(Page):
    """Check your answers before the technology, or its next version, is listed."""

    template = "technologies/check.html"

    caption: str
    back: str
    rows: tuple[Row, ...]
    evidence: tuple[Evidence, ...]
    missing: tuple[Link, ...]
    first: bool
    changed: bool
    button: str
    uncounted: tuple[DoesNotCount, ...]

    @classmethod
    def build(cls, technology: Technology, uncounted: Sequence[Uncounted] = ()) -> Check:
        """Build it."""
        draft, current = _draft(technology), technology.current
        content, on = draft.content, clock.today()

        def change(field: str) -> str:
            place: dict[str, Any] = {"ref": technology.ref, "question": slug(field), "from": "check"}
            return url_for("technologies.question", **place)

        return cls(
            title="Check your answers",
            caption=name_of(draft),
            back=url_for("technologies.tasks", ref=technology.ref),
            rows=tuple(
                Row(
                    WORDS[field],
                    "Not answered yet",
                    change=change(field),
                    items=words_of(content, field),
                )
                for field in rules.QUESTIONS
            ),
            evidence=tuple(
                Evidence.build(item, on) for item in technology.evidence if item.withdrawn_at is None
            ),
            missing=tuple(Link(WORDS[field], change(field)) for field in rules.unanswered(content)),
            first=current is None,
            changed=current is None or content != current.content,
            button="List this technology" if current is None else f"List as version {technology.version + 1}",
            uncounted=does_not_count(technology.ref, uncounted),
        )


@dataclass(frozen=True, kw_only=True)
class EvidencePage(Page):
    """Add or change an evidence item; ``now`` is what there is, where somebody was faster."""

    template = "technologies/evidence.html"

    caption: str
    back: str
    action: str
    button: str
    changing: bool
    now: tuple[Evidence, ...]
    was_faster: bool

    @classmethod
    def build(
        cls, technology: Technology, evidence_ref: str = "", *, was_faster: bool = False
    ) -> EvidencePage:
        """Build it for a new item, for a change, or for a change that came too late."""
        changing = bool(evidence_ref) and not was_faster
        place: dict[str, Any] = {"ref": technology.ref}
        return cls(
            title="Change evidence" if changing else "Add evidence",
            caption=name_of(_draft(technology)),
            back=url_for("technologies.tasks", **place),
            action=url_for("technologies.edit_evidence", **place, evidence_ref=evidence_ref)
            if changing
            else url_for("technologies.new_evidence", **place),
            button="Save" if changing else ("Save as a new item" if was_faster else "Add this evidence"),
            changing=changing and technology.listed_at is not None,
            now=tuple(
                Evidence.build(item, clock.today())
                for item in technology.evidence
                if item.withdrawn_at is None
            )
            if was_faster
            else (),
            was_faster=was_faster,
        )


@dataclass(frozen=True, kw_only=True)
class Confirm(Page):
    """Ask once more before something that cannot be undone."""

    template = "technologies/confirm.html"

    caption: str
    paragraphs: tuple[str, ...]
    button: str
    back: str

    @classmethod
    def archive(cls, technology: Technology) -> Confirm:
        """Ask about taking a technology off the register."""
        if technology.listed_at is None:
            words: tuple[str, ...] = ("The draft is put away. Nobody else has seen it.",)
        else:
            words = (
                "People can no longer find it, and it is no longer matched with needs.",
                "Passports that were issued for it stay on the register of passports.",
            )
        return cls(
            title="Archive this technology?",
            caption=name_of(_draft(technology)),
            paragraphs=(
                *words,
                "You cannot undo this. To offer it again you would list it as a new technology.",
            ),
            button="Archive it",
            back=url_for("technologies.tasks", ref=technology.ref),
        )

    @classmethod
    def discard(cls, technology: Technology) -> Confirm:
        """Ask about throwing away changes."""
        return cls(
            title="Discard your changes?",
            caption=name_of(_draft(technology)),
            paragraphs=(
                f"All answers go back to those of version {technology.version}, which people see now.",
                "Evidence is not affected.",
            ),
            button="Discard changes",
            back=url_for("technologies.tasks", ref=technology.ref),
        )

    @classmethod
    def withdrawal(cls, technology: Technology, item: EvidenceItem) -> Confirm:
        """Ask about withdrawing an evidence item."""
        called = f"{item.type.label}{f', {item.number}' if item.number else ''}"
        return cls(
            title="Withdraw this evidence?",
            caption=called,
            paragraphs=(
                "It no longer counts for matches or for new passports.",
                "It stays in the list of withdrawn evidence, and passports that rely on it will say so.",
            ),
            button="Withdraw it",
            back=url_for("technologies.tasks", ref=technology.ref),
        )
