"""Do what the demo's people did: each thing on its day, by the person who did it, through the page's own action.

Every method looks first whether the result is there, so that a replay that was killed can be taken up again. What
to look for follows from the content: a need by organisation and title, a technology by supplier and name, evidence
by its type, a passport by its technology, an introduction by its two sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import assert_never

from flask import current_app
from sqlalchemy import or_, select

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.accounts import actions as accounts
from marketplace.accounts import queries as people
from marketplace.accounts.models import User
from marketplace.cycles import actions as cycles
from marketplace.database import db, transaction
from marketplace.demand import actions as saving
from marketplace.demand import emails as digests
from marketplace.demand import queries as searches
from marketplace.demand.finder import World
from marketplace.demand.saving import Frequency
from marketplace.demo import shapes, timeline
from marketplace.demo.shapes import DemoContent
from marketplace.families import actions as families
from marketplace.families.models import CoSignature
from marketplace.introductions import actions as introductions
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Side
from marketplace.needs import actions as needs
from marketplace.needs import queries as needs_read
from marketplace.needs import submitting
from marketplace.needs.models import Cycle, Need, NeedDraft, NeedVersion
from marketplace.needs.rounds import Round
from marketplace.needs.rules import NeedContent, Wanted
from marketplace.needs.signing import Step
from marketplace.notices import actions as notices
from marketplace.notices.models import Email
from marketplace.organisations.actions import SERVICE_CODE
from marketplace.organisations.models import Kind, Organisation
from marketplace.organisations.queries import by_code
from marketplace.outbox.actions import Job, claim
from marketplace.passports import actions as passports
from marketplace.passports.models import Passport
from marketplace.passports.rules import PassportContent
from marketplace.questions import actions as questions
from marketplace.questions.models import Question
from marketplace.reviews import actions as reviews
from marketplace.settings import Settings
from marketplace.technologies import actions as technologies
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyDraft, TechnologyVersion
from marketplace.technologies.rules import EvidenceContent, TechnologyContent
from marketplace.worker import one_by_one

#: Where the made-up people registered from, as far as limits on tries are concerned.
_ADDRESS = "demo"
_MORNING, _EVENING = time(8, 30), time(17, 30)
_APART = timedelta(minutes=4)
#: The submission of a whole top three, and the one of a need's new version.
FIRST, SECOND = 1, 2
_SEASONS = ("Winter", "Spring", "Summer", "Autumn")


class History:
    """The demo's past. ``today`` is the day from which the content counts; needs an application context."""

    def __init__(self, content: DemoContent, *, today: date, password: str) -> None:
        self._today = today
        self._password = password
        self._people = {person.key: person for person in content.people}
        self._suppliers = {supplier.key: supplier.name for supplier in content.suppliers}
        self._needs = {need.key: need for need in content.needs}
        self._technologies = {technology.key: technology for technology in content.technologies}
        self._first_proposal = min((one.proposed for one in content.introductions), default=0)
        rounds = (*content.past_cycles, *([content.cycle] if content.cycle is not None else []))
        #: The days whose evening brings news of a cycle, or the lock of one is over.
        self._news = {day for one in rounds for day in (one.opened, one.reminds, one.locks + 1) if day < 0}
        self._first_edit = min((edit.submitted for edit in content.need_edits), default=1)
        settings: Settings = current_app.extensions["settings"]
        attempts = settings.sign_in_attempts
        self._limits = accounts.Limits(attempts, attempts * 10, settings.session_hours)
        self._invitation_days = settings.invitation_days
        self._deliver = one_by_one(partial(notices.deliver, made_up=True))

    def live_through(self, day: int, events: Sequence[timeline.Event]) -> Iterator[None]:
        """Do the events of a day (counted from today), then what its evening brings; yield after each event."""
        for number, event in enumerate(events):
            with clock.pretend(self._moment(day, _MORNING, number * _APART)):
                self._do(event)
                self._post()
            yield
        if day in self._news:
            with clock.pretend(self._moment(day, _EVENING)):
                cycles.catch_up()
                self._post()
        if self._first_proposal <= day < 0:
            with clock.pretend(self._moment(day, _EVENING)):
                introductions.expire_overdue()
                self._post()
        if self._first_edit <= day:
            self._remind(day)

    def _remind(self, day: int) -> None:
        with clock.pretend(self._moment(day, _EVENING)):
            reviews.tell_silence()
            reviews.tell_of_owners_who_left()
            self._post()

    def _moment(self, day: int, at: time, later: timedelta = timedelta(0)) -> datetime:
        """Return a moment of a day, never one that lies ahead."""
        start = datetime.combine(self._today + timedelta(days=day), at, clock.LONDON)
        return min(start + later, datetime.combine(start.date(), time(23, 59), clock.LONDON), clock.now())

    def _post(self) -> None:
        """Put the letters that were written into the mailbox at once: they must not go out years late."""
        while jobs := self._claimed():
            self._deliver(jobs)

    def _claimed(self) -> list[Job]:
        with transaction() as session:
            return claim(session, 50, [notices.TOPIC])

    def _do(self, event: timeline.Event) -> None:
        match event:
            case timeline.Joined(person, supplier):
                self._join(person, supplier)
            case timeline.CycleOpened(cycle):
                self._open_cycle(cycle)
            case timeline.NeedKept(need):
                cycles.confirm(self._member(shapes.Role.NEED_LEAD, need.organisation), self._need(need))
            case timeline.TopThreeSubmitted(organisation, wanted):
                self._submit(organisation, wanted)
            case timeline.TopThreeApproved(organisation, wanted):
                self._approve(organisation, [self._need(need) for need in wanted], FIRST)
            case timeline.TopThreePublished(_, wanted):
                for need in wanted:
                    self._check(self._need(need), FIRST)
            case timeline.EditSubmitted(edit):
                self._edit(edit)
            case timeline.EditApproved(edit):
                self._approve(*self._edited(edit), SECOND)
            case timeline.EditChecked(edit):
                self._check(self._edited(edit)[1][0], SECOND)
            case timeline.EditReturned(edit, why):
                self._return(edit, why)
            case timeline.Left(person):
                self._leave(person)
            case timeline.SearchSaved(search):
                self._save_search(search)
            case timeline.CoSigned(signature):
                self._co_sign(signature)
            case timeline.NeedWithdrawn(withdrawal):
                self._withdraw(withdrawal)
            case timeline.QuestionAsked(question):
                self._ask(question)
            case timeline.QuestionAnswered(question):
                self._answer_question(question)
            case timeline.NeedDrafted(need_draft):
                self._need(need_draft)
            case timeline.Listed(technology):
                self._list(technology)
            case timeline.TechnologyDrafted(technology_draft):
                self._technology(technology_draft)
            case timeline.EvidenceAdded(technology, item):
                self._add_evidence(technology, item)
            case timeline.PassportIssued(passport):
                self._issue(passport)
            case timeline.PassportSuspended(passport, why):
                number, suspended, _ = self._passport(passport)
                if not suspended:
                    passports.suspend(self._actor(passport.assessor), number, why.reason)
            case timeline.PassportRevoked(passport, why):
                number, _, revoked = self._passport(passport)
                if not revoked:
                    passports.revoke(self._actor(passport.assessor), number, why.reason)
            case timeline.Proposed(introduction):
                self._propose(introduction)
            case timeline.NeedSideAnswered(introduction, answer):
                self._answer(introduction, Side.NEED, answer)
            case timeline.SupplierAnswered(introduction, answer):
                self._answer(introduction, Side.SUPPLIER, answer)
            case timeline.Withdrawn(introduction, why):
                found = self._introduction(introduction)
                if found is not None and found.closed_at is None:
                    introductions.close(self._actor(introduction.broker), found.ref, why.reason)
            case _:
                assert_never(event)

    # People

    def _join(self, person: shapes.DemoPerson, supplier: shapes.DemoSupplier | None) -> None:
        user = people.user_by_email(db.session, person.email)
        if user is None:
            details = accounts.Details(person.name, person.job_title)
            if supplier is None:
                accounts.invite(
                    SERVICE,
                    person.organisation or SERVICE_CODE,
                    email=person.email,
                    role=Role(person.role.value),
                    days=self._invitation_days,
                )
                token = _token_sent_to(person.email)
                accounts.accept_as_new(token, details, password=self._password, limits=self._limits)
            else:
                accounts.register(
                    details,
                    email=person.email,
                    password=self._password,
                    company=supplier.name,
                    about=supplier.about,
                    address=_ADDRESS,
                )
                accounts.confirm_registration(_token_sent_to(person.email), limits=self._limits)
            user = people.user_by_email(db.session, person.email)
        if person.shown and user is not None and user.demo_label is None:
            name = self._organisation(person.organisation or SERVICE_CODE).name
            accounts.offer_in_demo(user.id, f"{Role(person.role.value).label}, {name}")

    def _actor(self, key: str) -> Actor:
        """Return a person of the content as the actor that they were on the pretended day."""
        user = db.session.scalars(select(User).where(User.email == self._people[key].email)).one()
        return people.actor_of(db.session, user)

    def _member(self, role: shapes.Role, organisation: str) -> Actor:
        """Return who does this for an organisation (its code, or a supplier's key)."""
        return self._actor(
            next(
                person.key
                for person in self._people.values()
                if person.role is role and person.organisation == organisation
            )
        )

    def _organisation(self, key: str) -> Organisation:
        if key in self._suppliers:
            named = select(Organisation).where(
                Organisation.kind == Kind.SUPPLIER, Organisation.name == self._suppliers[key]
            )
            return db.session.scalars(named).one()
        found = by_code(db.session, key)
        if found is None:
            raise LookupError(f"the registry holds no organisation {key}")
        return found

    # Needs

    def _open_cycle(self, cycle: shapes.DemoCycle) -> None:
        opens = self._today + timedelta(days=cycle.opened)
        name = f"{_SEASONS[opens.month % 12 // 3]} {opens.year}"
        if db.session.scalar(select(Cycle).where(Cycle.name == name)) is None:
            cycles.enter(
                SERVICE,
                Round(
                    name=name,
                    opens_on=opens,
                    reminds_on=self._today + timedelta(days=cycle.reminds),
                    locks_on=self._today + timedelta(days=cycle.locks),
                    closes_on=self._today + timedelta(days=cycle.closes),
                ),
            )

    def _submit(self, organisation: str, wanted: Sequence[shapes.DemoNeed]) -> None:
        refs = [self._need(need) for need in wanted]
        submitted = select(Need.id).where(Need.ref.in_(refs), Need.round > 0)
        if db.session.scalars(submitted).first() is None:
            lead = self._member(shapes.Role.NEED_LEAD, organisation)
            for need, ref in zip(wanted, refs, strict=True):
                owner = self._owner(need)
                submitting.name_deputy(owner, ref, self._deputy(organisation, owner))
            submitting.submit_top_three(lead, self._organisation(organisation).code, refs)

    def _approve(self, organisation: str, refs: Sequence[str], round_: int) -> None:
        looked = {ref: self._seen(ref, round_, Step.SUBMITTED) for ref in refs}
        seen = {ref: what for ref, what in looked.items() if what is not None}
        if seen:
            reviews.approve(self._member(shapes.Role.SPONSOR, organisation), seen)

    def _check(self, ref: str, round_: int) -> None:
        """Let a broker of the HIN check what waits for it; a need that no HIN checks is public already."""
        looked = self._seen(ref, round_, Step.APPROVED)
        if looked is None:
            return
        organisation = db.session.scalars(select(Need).where(Need.ref == ref)).one().organisation
        codes = {hin.code for hin in needs_read.checking_hins(organisation)}
        broker = next(
            person.key
            for person in self._people.values()
            if person.role is shapes.Role.BROKER and person.organisation in codes
        )
        reviews.check(self._actor(broker), ref, looked)

    def _seen(self, ref: str, round_: int, step: Step) -> tuple[int, int] | None:
        """Return what a reviewer sees who looks at a need now, or None when it is not at this step of the round."""
        sign_off = db.session.scalars(select(Need).where(Need.ref == ref)).one().sign_off
        if sign_off is None or sign_off.round != round_ or sign_off.step is not step:
            return None
        return sign_off.round, sign_off.lock_version

    def _edited(self, edit: shapes.DemoEdit) -> tuple[str, list[str]]:
        need = self._needs[edit.need]
        return need.organisation, [self._need(need)]

    def _edit(self, edit: shapes.DemoEdit) -> None:
        _, [ref] = self._edited(edit)
        lead = self._owner(self._needs[edit.need])
        found = db.session.scalars(select(Need).where(Need.ref == ref)).one()
        if found.round > 1 or found.version > 1:
            return
        needs.start_edit(lead, ref)
        draft = db.session.scalars(select(NeedDraft).join(NeedDraft.need).where(Need.ref == ref)).one()
        number = needs.save_draft(lead, ref, dict(edit.changes), lock_version=draft.lock_version)
        submitting.submit_edit(lead, ref, change_note=edit.note, lock_version=number)

    def _return(self, edit: shapes.DemoEdit, why: shapes.DemoReturn) -> None:
        organisation, [ref] = self._edited(edit)
        looked = self._seen(ref, SECOND, Step.SUBMITTED)
        if looked is not None:
            sponsor = self._member(shapes.Role.SPONSOR, organisation)
            reviews.send_back(sponsor, ref, looked, why.comments, why.note)

    def _leave(self, person: shapes.DemoPerson) -> None:
        organisation = self._organisation(person.organisation or SERVICE_CODE)
        members = people.members_of(db.session, organisation.id)
        own = next((member for member in members if member.email == person.email), None)
        if own is not None:
            sponsor = self._member(shapes.Role.SPONSOR, person.organisation or "")
            accounts.end_membership(sponsor, organisation.code, own.membership_id)

    def _owner(self, need: shapes.DemoNeed | shapes.DemoNeedDraft) -> Actor:
        """Return who wrote a need: its owner in the content, or else the organisation's lead."""
        if isinstance(need, shapes.DemoNeed) and need.owner is not None:
            return self._actor(need.owner)
        return self._member(shapes.Role.NEED_LEAD, need.organisation)

    def _deputy(self, organisation: str, owner: Actor) -> int:
        """Return another lead of the organisation who is still there, or else its sponsor."""
        own = [one for one in self._people.values() if one.organisation == organisation and one.left is None]
        leads = [one.key for one in own if one.role is shapes.Role.NEED_LEAD]
        sponsors = [one.key for one in own if one.role is shapes.Role.SPONSOR]
        actors = [self._actor(key) for key in (*leads, *sponsors)]
        return next(one.user_id for one in actors if one.user_id not in (None, owner.user_id))

    def _save_search(self, wanted: shapes.DemoSearch) -> None:
        actor = self._actor(wanted.person)
        if wanted.name not in {search.name for search in searches.saved_by(actor)}:
            there = digests.there_now(World.read(ANONYMOUS), digests.asked_of(wanted.query))
            db.session.rollback()
            saving.save(
                actor,
                query=wanted.query,
                name=wanted.name,
                frequency=Frequency(wanted.frequency),
                there=there,
            )

    def _co_sign(self, wanted: shapes.DemoCoSignature) -> None:
        need, organisation = self._need(self._needs[wanted.need]), self._organisation(wanted.organisation)
        signed = (
            select(CoSignature.id)
            .join(Need)
            .where(Need.ref == need, CoSignature.organisation_id == organisation.id)
        )
        if db.session.scalars(signed).first() is None:
            lead = self._member(shapes.Role.NEED_LEAD, wanted.organisation)
            families.co_sign(lead, need, organisation.code, note=wanted.note, how_many=wanted.how_many)

    def _withdraw(self, wanted: shapes.DemoWithdrawal) -> None:
        need = self._needs[wanted.need]
        ref = self._need(need)
        if db.session.scalars(select(Need.withdrawn_at).where(Need.ref == ref)).one() is None:
            needs.withdraw(self._member(shapes.Role.NEED_LEAD, need.organisation), ref, wanted.reason)

    def _ask(self, wanted: shapes.DemoQuestion) -> None:
        if self._question(wanted) is None:
            questions.ask(self._actor(wanted.person), self._need(self._needs[wanted.need]), wanted.text)

    def _answer_question(self, wanted: shapes.DemoQuestion) -> None:
        found = self._question(wanted)
        if found is None or found.answered_at is not None or wanted.answer is None:
            return
        lead = self._member(shapes.Role.NEED_LEAD, self._needs[wanted.need].organisation)
        questions.answer(lead, found.ref, found.text, wanted.answer, lock_version=found.lock_version)

    def _question(self, wanted: shapes.DemoQuestion) -> Question | None:
        """Return a question, by its need and its text."""
        need = self._need(self._needs[wanted.need])
        return db.session.scalar(
            select(Question).join(Question.need).where(Need.ref == need, Question.text == wanted.text)
        )

    def _need(self, need: shapes.DemoNeed | shapes.DemoNeedDraft) -> str:
        """Return the ref of a need, written now unless it is there."""
        organisation_id = self._organisation(need.organisation).id
        written = (
            select(Need.ref)
            .outerjoin(NeedDraft)
            .outerjoin(NeedVersion, NeedVersion.need_id == Need.id)
            .where(
                Need.organisation_id == organisation_id,
                or_(NeedDraft.title == need.title, NeedVersion.title == need.title),
            )
        )
        if (ref := db.session.scalars(written).first()) is not None:
            return ref
        return needs.create_draft(self._owner(need), organisation_id, _need_content(need))

    # Technologies and passports

    def _list(self, technology: shapes.DemoTechnology) -> None:
        ref = self._technology(technology)
        if db.session.scalars(select(Technology.version).where(Technology.ref == ref)).one() == 0:
            technologies.list_technology(self._member(shapes.Role.INNOVATOR, technology.supplier), ref)

    def _technology(self, technology: shapes.DemoTechnology | shapes.DemoTechnologyDraft) -> str:
        """Return the ref of a technology, written now unless it is there."""
        supplier_id = self._organisation(technology.supplier).id
        written = (
            select(Technology.ref)
            .outerjoin(TechnologyDraft)
            .outerjoin(TechnologyVersion, TechnologyVersion.technology_id == Technology.id)
            .where(
                Technology.supplier_id == supplier_id,
                or_(TechnologyDraft.name == technology.name, TechnologyVersion.name == technology.name),
            )
        )
        if (ref := db.session.scalars(written).first()) is not None:
            return ref
        innovator = self._member(shapes.Role.INNOVATOR, technology.supplier)
        return technologies.create_draft(innovator, supplier_id, _technology_content(technology))

    def _add_evidence(self, technology: shapes.DemoTechnology, item: shapes.DemoEvidence) -> None:
        ref = self._technology(technology)
        if item.type in self._evidence(ref):
            return
        content = EvidenceContent(
            type=item.type,
            issuer=item.issuer,
            issued_on=self._today + timedelta(days=item.issued),
            number=item.number or "",
            scope=item.scope,
            summary=item.summary,
            expires_on=None if item.expires is None else self._today + timedelta(days=item.expires),
        )
        technologies.add_evidence(self._member(shapes.Role.INNOVATOR, technology.supplier), ref, content)

    def _evidence(self, technology_ref: str) -> dict[str, str]:
        """Return the references of a technology's evidence by its type; the content has one of each."""
        held = (
            select(EvidenceItem.type, EvidenceItem.ref)
            .join(EvidenceItem.technology)
            .where(Technology.ref == technology_ref)
        )
        return dict(db.session.execute(held).all())

    def _issue(self, passport: shapes.DemoPassport) -> None:
        ref = self._technology(self._technologies[passport.technology])
        if db.session.scalar(select(Passport).join(Passport.technology).where(Technology.ref == ref)):
            return
        held = self._evidence(ref)
        content = PassportContent(
            scope=passport.scope,
            valid_from=clock.today(),
            valid_to=self._today + timedelta(days=passport.expires),
            evidence=tuple(held[kind] for kind in passport.evidence),
            conditions="\n".join(passport.conditions),
        )
        passports.issue(self._actor(passport.assessor), ref, content)

    def _passport(self, passport: shapes.DemoPassport) -> tuple[str, bool, bool]:
        """Return a passport's number, and whether it is suspended and revoked."""
        ref = self._technology(self._technologies[passport.technology])
        found = select(Passport).join(Passport.technology).where(Technology.ref == ref)
        one = db.session.scalars(found).one()
        return one.number, one.suspended_at is not None, one.revoked_at is not None

    # Introductions

    def _propose(self, introduction: shapes.DemoIntroduction) -> None:
        if self._introduction(introduction) is None:
            need, technology = self._sides(introduction)
            introductions.propose(self._actor(introduction.broker), need, technology, introduction.note)

    def _answer(self, introduction: shapes.DemoIntroduction, side: Side, answer: shapes.Answer) -> None:
        found = self._introduction(introduction)
        if found is None or found.course.answer(side) is not None:
            return
        ref, number = found.ref, found.side_lock_version(side)
        actor = self._actor(answer.by)
        introductions.decide(actor, ref, side, answer.accepted, answer.reason or "", lock_version=number)

    def _introduction(self, introduction: shapes.DemoIntroduction) -> Introduction | None:
        need, technology = self._sides(introduction)
        return db.session.scalar(
            select(Introduction)
            .join(Introduction.need)
            .join(Introduction.technology)
            .where(Need.ref == need, Technology.ref == technology)
        )

    def _sides(self, introduction: shapes.DemoIntroduction) -> tuple[str, str]:
        return (
            self._need(self._needs[introduction.need]),
            self._technology(self._technologies[introduction.technology]),
        )


def _token_sent_to(email: str) -> str:
    """Return the token of the last letter to an address, read from its link as the person would follow it."""
    newest = select(Email.body).where(Email.to == email).order_by(Email.id.desc()).limit(1)
    body = db.session.scalars(newest).one()
    link = next(word for word in body.split() if word.startswith(("http://", "https://")))
    return link.rpartition("/")[2]


def _need_content(need: shapes.DemoNeed | shapes.DemoNeedDraft) -> NeedContent:
    return NeedContent(
        title=need.title,
        problem=need.problem,
        who_affected=need.who_affected,
        how_many=need.how_many,
        how_many_note=need.how_many_note,
        pathway_today=need.pathway_today,
        outcome=need.outcome,
        measure=need.measure,
        baseline=need.baseline,
        target=need.target,
        must=need.must,
        evidence_wanted=tuple(Wanted(wanted.type, wanted.detail) for wanted in need.evidence_wanted),
        clinical_area=need.clinical_area,
        care_setting=need.care_setting,
        shift=need.shift,
        timing=need.timing,
        funding_state=need.funding_state,
    )


def _technology_content(technology: shapes.DemoTechnology | shapes.DemoTechnologyDraft) -> TechnologyContent:
    return TechnologyContent(
        name=technology.name,
        summary=technology.summary,
        intended_use=technology.intended_use,
        replaces=technology.replaces,
        claims=technology.claims,
        settings=technology.settings,
        clinical_areas=technology.clinical_areas,
        readiness=technology.readiness,
    )
