"""A supplier's own technologies: the workspace, and the pages on which a listing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import url_for

from marketplace import clock
from marketplace.technologies import rules
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyDraft
from marketplace.technologies.pages.words import (
    SECTIONS,
    WORDS,
    Evidence,
    name_of,
    passport_tag,
    slug,
    words_of,
)
from marketplace.technologies.rules import EvidenceState, PassportBadge, TechnologyContent
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.search import Uncounted
from marketplace.web.words import count, day, listed, moment


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
