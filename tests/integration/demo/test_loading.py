"""The demo, loaded whole on both databases, is what its content says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from rich.console import Console
from sqlalchemy import and_, event, func, select
from sqlalchemy.orm import Session

from marketplace import clock, demo
from marketplace.access.actor import SERVICE
from marketplace.access.policy import Role
from marketplace.accounts import actions as accounts
from marketplace.accounts.models import User
from marketplace.audit.models import AuditEvent
from marketplace.database import db
from marketplace.demo import content, shapes, timeline
from marketplace.demo.history import History
from marketplace.demo.shapes import DemoContent, IntroductionState
from marketplace.factory import create_app
from marketplace.families.models import CoSignature, Family, FamilyRun
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import State, Stop, state, stop
from marketplace.matches.finder import Finders
from marketplace.matches.indexer import Indexer
from marketplace.matches.models import IndexEntry
from marketplace.needs import queries, signing, submitting
from marketplace.needs.models import Cycle, Need, NeedDraft, NeedVersion, Priority, SignOff
from marketplace.needs.rounds import Standing
from marketplace.needs.signing import Step
from marketplace.notices.models import Email
from marketplace.organisations.actions import load_reference
from marketplace.organisations.models import Organisation
from marketplace.outbox.models import OutboxRow
from marketplace.passports.models import Passport
from marketplace.questions.models import Question
from marketplace.reviews.queries import without_owner
from marketplace.settings import Settings
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyDraft, TechnologyVersion
from marketplace.worker import build_worker
from matching.types import Kind
from tests.conftest import BOTH, administer
from tests.factories.families import make_family
from tests.factories.people import make_actor
from tests.fakes.matching import HashEncoder

DEMO = content.load()
QUIET = Console(quiet=True)
#: The needs that nobody confirmed in the cycle before this one.
LAPSED = ["secamb-medicines"]

SHOWN = {
    IntroductionState.PROPOSED: (State.PROPOSED, None),
    IntroductionState.NEED_ACCEPTED: (State.WAITING_FOR_SUPPLIER, None),
    IntroductionState.SUPPLIER_ACCEPTED: (State.WAITING_FOR_NEED, None),
    IntroductionState.BOTH_ACCEPTED: (State.INTRODUCED, None),
    IntroductionState.WITHDRAWN: (State.STOPPED, Stop.CLOSED),
    IntroductionState.TIMED_OUT: (State.STOPPED, Stop.NO_ANSWER),
}


def opened(url: str, **changes: object) -> Flask:
    settings = Settings(
        DATABASE_URL=url, password_memory_kib=64, password_rounds=1, log_level="ERROR", mode="demo"
    )
    return create_app(settings.model_copy(update=changes), HashEncoder())


@pytest.fixture(scope="module", params=BOTH)
def loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> Iterator[Flask]:
    """Load the demo once for all the tests that only read it."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("demo") / "demo.db"
        shutil.copy(migrated_file, path)
        url = f"sqlite:///{path}"
    else:
        server: str = request.getfixturevalue("postgresql_server")
        name = f"demo_{uuid4().hex[:12]}"
        administer(
            server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('postgresql_template')}"
        )
        url = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    app = opened(url)
    with app.app_context():
        load_reference()
        demo.load(QUIET)
    yield app
    app.extensions["engine"].dispose()
    if request.param != "sqlite":
        administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def session(loaded: Flask) -> Iterator[Session]:
    with loaded.app_context():
        yield db.session
        db.session.rollback()


def published(session: Session) -> set[tuple[str, int, str]]:
    rows = session.execute(
        select(Organisation.code, Priority.rank, NeedVersion.title)
        .select_from(Priority)
        .join(Need, and_(Need.id == Priority.need_id, Need.organisation_id == Priority.organisation_id))
        .join(Organisation, Organisation.id == Need.organisation_id)
        .join(Need.current)
        .where(Priority.organisation_id == Need.organisation_id)
    )
    return {(code, rank, title) for code, rank, title in rows}


def shared(session: Session) -> set[tuple[str, str, int | None]]:
    rows = session.execute(
        select(Organisation.code, NeedVersion.title, CoSignature.how_many)
        .select_from(CoSignature)
        .join(Organisation, Organisation.id == CoSignature.organisation_id)
        .join(Need, Need.id == CoSignature.need_id)
        .join(Need.current)
    )
    return {(code, title, how_many) for code, title, how_many in rows}


def passports(session: Session) -> dict[str, str]:
    today = clock.today()
    found = session.scalars(select(Passport))
    return {one.technology.current.name: one.standing(today).value for one in found if one.technology.current}


def introduced(session: Session) -> dict[tuple[str, str], tuple[State, Stop | None]]:
    now = clock.now()
    return {
        (one.need.current.title, one.technology.current.name): (state(one.course, now), stop(one.course, now))
        for one in session.scalars(select(Introduction))
        if one.need.current and one.technology.current
    }


def expected_introductions(demo: DemoContent) -> dict[tuple[str, str], tuple[State, Stop | None]]:
    titles = {need.key: need.title for need in demo.needs}
    names = {technology.key: technology.name for technology in demo.technologies}
    expected = {}
    for one in demo.introductions:
        if one.state is IntroductionState.DECLINED:
            refused = one.need_side is not None and not one.need_side.accepted
            wanted = (State.STOPPED, Stop.DECLINED_BY_NEED if refused else Stop.DECLINED_BY_SUPPLIER)
        else:
            wanted = SHOWN[one.state]
        expected[titles[one.need], names[one.technology]] = wanted
    return expected


def test_every_organisation_has_its_top_three_on_the_board(session: Session) -> None:
    assert published(session) == {(need.organisation, need.rank, need.title) for need in DEMO.needs}
    *past, cycle = session.scalars(select(Cycle).order_by(Cycle.opens_on)).all()
    assert cycle.opens_on < clock.today() < cycle.locks_on
    assert [one.closes_on < clock.today() for one in past] == [True] * len(DEMO.past_cycles)


def test_some_needs_are_kept_some_wait_and_one_has_lapsed(session: Session) -> None:
    stands: dict[str, list[str]] = {}
    titles = {need.title: need.key for need in DEMO.needs}
    standing = select(Need.ref).where(Need.published_at.is_not(None), Need.withdrawn_at.is_(None))
    for ref in session.scalars(standing.order_by(Need.id)):
        need = queries.need_for(SERVICE, ref)
        if (stood := queries.stand_of(need)) is not None and need.current is not None:
            stands.setdefault(stood.standing, []).append(titles[need.current.title])
    rounds = {
        titles[need.current.title]: len(need.priorities)
        for need in session.scalars(select(Need))
        if need.current is not None
    }
    for carried in DEMO.carried:
        assert {rounds[key] for key in carried.kept[-1]} <= {1 + carried.back}
    assert sorted(stands[Standing.TO_CONFIRM]) == [
        "leicester-imaging-follow-up",
        "north-west-coast-antibiotics",
        "north-west-coast-supplier-assurance",
    ]
    assert stands[Standing.LAPSED] == LAPSED


def test_leads_were_reminded_of_what_waits(session: Session) -> None:
    reminded = set(
        session.scalars(
            select(Email.to).where(Email.subject.startswith("Reminder: name"), Email.sent_at.is_not(None))
        )
    )
    leads = {
        person.organisation: person.email for person in DEMO.people if person.role is shapes.Role.NEED_LEAD
    }
    assert {leads["RWE"], leads["hin-north-west-coast"]} <= reminded
    assert leads["QOP"] not in {
        email.to
        for email in session.scalars(select(Email).where(Email.subject.startswith("Reminder: name")))
        if email.created_at > clock.now() - timedelta(days=30)
    }


def test_needs_that_are_shared_are_co_signed_with_what_the_others_say_of_themselves(session: Session) -> None:
    titles = {need.key: need.title for need in DEMO.needs}
    assert shared(session) == {
        (one.organisation, titles[one.need], one.how_many) for one in DEMO.co_signatures
    }


def test_one_need_is_withdrawn_and_says_why(session: Session) -> None:
    titles = {need.key: need.title for need in DEMO.needs}
    [gone] = session.scalars(select(Need).where(Need.withdrawn_at.is_not(None)))
    [wanted] = DEMO.withdrawals
    assert gone.current is not None
    assert (gone.current.title, gone.withdrawn_reason) == (titles[wanted.need], wanted.reason)
    assert gone.withdrawn_at is not None
    assert gone.withdrawn_at.date() == clock.today() + timedelta(days=wanted.day)


def test_one_public_question_is_answered_and_one_waits(session: Session) -> None:
    titles = {need.key: need.title for need in DEMO.needs}
    found = {
        (one.need.current.title, one.text, tuple(answer.text for answer in one.answers))
        for one in session.scalars(select(Question))
        if one.need.current is not None
    }
    assert found == {
        (titles[one.need], one.text, (one.answer,) if one.answer else ()) for one in DEMO.questions
    }
    assert sorted(one.answer is None for one in DEMO.questions) == [False, True]


def test_every_technology_is_listed_by_its_supplier(session: Session) -> None:
    rows = session.execute(
        select(Organisation.name, TechnologyVersion.name, TechnologyVersion.number)
        .join(Technology, Technology.supplier_id == Organisation.id)
        .join(Technology.current)
    )
    suppliers = {supplier.key: supplier.name for supplier in DEMO.suppliers}
    assert {tuple(row) for row in rows} == {
        (suppliers[technology.supplier], technology.name, 1) for technology in DEMO.technologies
    }


def test_evidence_has_the_numbers_and_dates_of_the_content(session: Session) -> None:
    rows = session.execute(
        select(
            TechnologyVersion.name,
            EvidenceItem.type,
            EvidenceItem.number,
            EvidenceItem.issued_on,
            EvidenceItem.expires_on,
        )
        .join(EvidenceItem.technology)
        .join(Technology.current)
    )

    def on(day: int | None) -> date | None:
        return None if day is None else clock.today() + timedelta(days=day)

    assert {tuple(row) for row in rows} == {
        (technology.name, item.type, item.number or "", on(item.issued), on(item.expires))
        for technology in DEMO.technologies
        for item in technology.evidence
    }


def test_passports_stand_as_the_content_says(session: Session) -> None:
    names = {technology.key: technology.name for technology in DEMO.technologies}
    assert passports(session) == {names[one.technology]: one.state.value for one in DEMO.passports}


def test_introductions_have_come_as_far_as_the_content_says(session: Session) -> None:
    assert introduced(session) == expected_introductions(DEMO)


def test_what_is_being_written_waits_as_drafts(session: Session) -> None:
    new = select(NeedDraft.title).join(NeedDraft.need).where(Need.published_at.is_(None))
    needs = session.scalars(new).all()
    assert set(needs) == {draft.title for draft in DEMO.need_drafts}
    assert len(needs) >= 2
    unlisted = (
        select(TechnologyDraft.name).join(TechnologyDraft.technology).where(Technology.listed_at.is_(None))
    )
    assert session.scalars(unlisted).all() == [draft.name for draft in DEMO.technology_drafts]


def test_new_versions_wait_at_each_step_of_their_sign_off(session: Session) -> None:
    titles = {need.key: need.title for need in DEMO.needs}
    found = {}
    for one in session.scalars(select(SignOff).where(SignOff.based_on == 1)):
        overdue = one.step is Step.APPROVED and signing.is_silent(one.approved_at, clock.now())
        found[one.title] = (one.step, overdue, [comment.field for comment in one.comments])
    assert found == {
        titles["leicester-virtual-ward"]: (Step.RETURNED, False, ["who_affected", "target"]),
        titles["leicester-take-home-medicines"]: (Step.SUBMITTED, False, []),
        titles["leicester-imaging-follow-up"]: (Step.SUBMITTED, False, []),
        titles["nottingham-care-home-falls"]: (Step.APPROVED, False, []),
        titles["nottingham-cyp-waiting"]: (Step.APPROVED, True, []),
        titles["nottingham-diabetic-foot"]: (Step.PUBLISHED, False, []),
    }


def test_every_published_need_was_approved_and_checked_where_a_hin_has_people_here(session: Session) -> None:
    first = select(SignOff).where(SignOff.version == 1)
    kinds = {
        (one.need.organisation.code, one.hin.code if one.hin else (one.unchecked and one.unchecked.value))
        for one in session.scalars(first)
    }
    assert {code for code, _ in kinds} == {need.organisation for need in DEMO.needs}
    assert {("RWE", "hin-east-midlands"), ("hin-east-midlands", "own"), ("QOP", "no-hin")} <= kinds
    assert session.scalar(select(func.count()).select_from(first.subquery())) == len(DEMO.needs)


def test_a_need_whose_owner_left_is_told_to_its_deputy(session: Session) -> None:
    [left] = without_owner(session)
    assert left.current is not None
    assert left.current.title.startswith("Make sure the follow-up")
    told = select(Email.to).where(Email.subject.startswith("Nobody leads"))
    assert "helen.marsh-obi@leicester-demo.example" in session.scalars(told).all()


def test_the_history_happened_in_the_past_and_in_its_order(session: Session) -> None:
    oldest = min(passport.issued for passport in DEMO.passports)
    joined = session.scalars(select(User.created_at)).all()
    assert len(joined) == len(DEMO.people)
    assert max(joined).date() < clock.today() + timedelta(days=oldest)
    wrong = select(func.count()).select_from(Introduction).where(Introduction.proposed_at > clock.now())
    assert session.scalar(wrong) == 0
    for one in session.scalars(select(Introduction)):
        assert one.need.published_at is not None
        assert one.technology.listed_at is not None
        assert one.need.published_at < one.proposed_at > one.technology.listed_at


def test_each_role_is_offered_by_one_click_in_the_order_of_the_file(session: Session) -> None:
    offered = demo.accounts()
    assert [account.email for account in offered] == [p.email for p in DEMO.people if p.shown]
    assert offered[1].label == "Need lead, University Hospitals of Leicester NHS Trust"
    assert offered[-1].label == "Innovator, Marrowdale Diagnostics Ltd"


def test_anybody_in_the_demo_can_sign_in_with_its_password(session: Session) -> None:
    limits = accounts.Limits(account=5, address=50, hours=1)
    someone = DEMO.people[-1].email
    assert len(accounts.sign_in(someone, demo.PASSWORD, address="here", limits=limits)) > 20


def test_the_letters_of_the_past_lie_in_the_mailbox_and_none_waits_to_be_sent(session: Session) -> None:
    letters = session.execute(select(Email.created_at, Email.sent_at)).all()
    assert len(letters) > len(DEMO.people)
    assert [letter for letter in letters if letter.sent_at != letter.created_at] == []
    waiting = select(OutboxRow.id).where(OutboxRow.topic == "email", OutboxRow.finished_at.is_(None))
    assert session.scalars(waiting).all() == []


def test_a_second_load_reads_one_row_and_changes_nothing(loaded: Flask, session: Session) -> None:
    before = session.scalar(select(func.max(AuditEvent.id)))
    session.rollback()
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = loaded.extensions["engine"]
    event.listen(engine, "before_cursor_execute", note)
    demo.load(QUIET)
    event.remove(engine, "before_cursor_execute", note)
    [read] = [statement for statement in statements if not statement.startswith("BEGIN")]
    assert read.startswith("SELECT")
    assert session.scalar(select(func.max(AuditEvent.id))) == before


def test_a_broker_settles_a_suggested_family_once_and_leaves_the_others(
    loaded: Flask, session: Session
) -> None:
    needs = {need.key: need.title for need in DEMO.needs}

    def of(*keys: str) -> list[Need]:
        titles = [needs[key] for key in keys]
        return list(session.scalars(select(Need).join(Need.current).where(NeedVersion.title.in_(titles))))

    demo.settle_families()
    assert session.scalars(select(Family)).all() == []
    settled = [make_family(session, *of(*wanted.needs)) for wanted in DEMO.settlements]
    other = make_family(session, *of("leeds-leg-wounds", "nottingham-diabetic-foot"))
    session.add(FamilyRun(fingerprint="x", ran_at=clock.now(), milliseconds=1, needs=4, degraded=False))
    session.commit()
    for _ in range(2):
        demo.settle_families()
    session.expire_all()
    assert [[member.settled for member in one.members] for one in settled] == [[True, True]] * 2
    assert [member.settled for member in other.members] == [False, False]
    accepted = select(AuditEvent.id).where(AuditEvent.action == "family.accepted")
    assert len(session.scalars(accepted).all()) == 2


def test_the_index_equals_the_database_when_the_worker_has_done_what_waits(
    loaded: Flask, session: Session
) -> None:
    worker = build_worker(loaded)
    while worker.run_once():
        pass
    session.rollback()
    own: Finders = loaded.extensions["finders"]
    indexer = Indexer(loaded.extensions["engine"], own.encoders)
    assert [indexer.difference(session, kind) for kind in Kind if indexer.difference(session, kind)] == []
    counted = select(IndexEntry.kind, func.count()).where(~IndexEntry.removed).group_by(IndexEntry.kind)
    assert dict(session.execute(counted).all()) == {
        "need": 42 - len(LAPSED) - len(DEMO.withdrawals),
        "technology": len(DEMO.technologies),
    }


# A small part of the demo, with everything that can happen in it


def part() -> DemoContent:
    """Return one organisation's needs with the introductions about them, and whom and what those want."""
    introductions = [one for one in DEMO.introductions if one.need.startswith("nottingham-")]
    used = {one.technology for one in introductions}
    technologies = tuple(one for one in DEMO.technologies if one.key in used)
    passports = tuple(one for one in DEMO.passports if one.technology in used)
    codes = {"QT1", "hin-east-midlands", *(one.supplier for one in technologies)}
    signers = {one.assessor for one in passports}
    return replace(
        DEMO,
        needs=tuple(one for one in DEMO.needs if one.organisation == "QT1"),
        suppliers=tuple(one for one in DEMO.suppliers if one.key in codes),
        technologies=technologies,
        passports=passports,
        introductions=tuple(introductions),
        people=tuple(one for one in DEMO.people if one.organisation in codes or one.key in signers),
        need_drafts=tuple(one for one in DEMO.need_drafts if one.organisation == "QT1"),
        need_edits=tuple(one for one in DEMO.need_edits if one.need.startswith("nottingham-")),
        technology_drafts=(),
        co_signatures=(),
        searches=(),
        withdrawals=(),
        questions=(),
    )


PART = part()


@pytest.fixture
def fresh(app: Flask) -> Iterator[Session]:
    """Return a session on a database that holds the registry alone."""
    with app.app_context():
        load_reference()
        yield db.session
        db.session.rollback()


def picture(session: Session) -> tuple[object, ...]:
    """Return what counts of a loaded demo, without what is random."""
    session.rollback()
    actions = select(AuditEvent.action, func.count()).where(
        AuditEvent.action.in_(
            (
                "membership.started",
                "cycle.opened",
                "need.drafted",
                "need.published",
                "top-three.submitted",
                "need.submitted",
                "need.approved",
                "need.checked",
                "need.returned",
                "need.deputy-named",
                "technology.begun",
                "technology.listed",
                "evidence.added",
                "passport.issued",
                "introduction.proposed",
                "introduction.accepted",
                "introduction.closed",
                "introduction.expired",
                "demo.begun",
                "demo.ended",
            )
        )
    )
    return (
        published(session),
        passports(session),
        introduced(session),
        sorted(tuple(row) for row in session.execute(actions.group_by(AuditEvent.action))),
        sorted(session.scalars(select(User.email))),
        [account.email for account in demo.accounts()],
    )


class Killed(BaseException):
    """Stands for a process that ended here."""


def load_until(monkeypatch: pytest.MonkeyPatch, room: ModuleType, action: str) -> None:
    """Load the part, and be killed when it comes to an action."""

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(room, action, killed)
        with pytest.raises(Killed):
            demo.load(QUIET, PART)


def test_a_load_that_was_killed_anywhere_is_taken_up_where_it_stopped(
    app: Flask, fresh: Session, monkeypatch: pytest.MonkeyPatch, another: Callable[[], Flask]
) -> None:
    demo.load(QUIET, PART)
    whole = picture(fresh)
    assert whole[2] == expected_introductions(PART)
    do = History._do
    left = 0

    def killed(self: History, happened: timeline.Event) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        do(self, happened)

    events = len(timeline.events(PART))
    with another().app_context():
        load_reference()
        monkeypatch.setattr(History, "_do", killed)
        for done in range(0, events, 9):
            left = done
            with pytest.raises(Killed):
                demo.load(QUIET, PART)
            db.session.rollback()
        left = events
        demo.load(QUIET, PART)
        assert picture(db.session) == whole


def test_a_load_killed_between_writing_needs_and_ranking_them_writes_none_twice(
    fresh: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_until(monkeypatch, submitting, "submit_top_three")
    assert fresh.scalar(select(func.count()).select_from(Need)) == 3
    demo.load(QUIET, PART)
    assert published(fresh) == {(need.organisation, need.rank, need.title) for need in PART.needs}
    assert fresh.scalar(select(func.count()).select_from(Need)) == 3 + len(PART.need_drafts)


def test_a_load_killed_between_invitation_and_acceptance_makes_one_account(
    fresh: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_until(monkeypatch, accounts, "accept_as_new")
    demo.load(QUIET, PART)
    assert sorted(fresh.scalars(select(User.email))) == sorted(person.email for person in PART.people)


def test_a_load_taken_up_on_a_later_day_keeps_the_day_on_which_it_began(
    fresh: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = clock.today()
    load_until(monkeypatch, submitting, "submit_top_three")
    with clock.pretend(clock.now() + timedelta(days=3)):
        demo.load(QUIET, PART)
    assert PART.cycle is not None
    rounds = (*PART.past_cycles, PART.cycle)
    assert fresh.scalars(select(Cycle.opens_on).order_by(Cycle.opens_on)).all() == [
        began + timedelta(days=one.opened) for one in rounds
    ]


def test_letters_of_made_up_people_never_go_to_a_mail_server(another: Callable[..., Flask]) -> None:
    with another(smtp_host="mail.invalid").app_context():
        load_reference()
        demo.load(QUIET, PART)
        unsent = select(func.count()).select_from(Email).where(Email.sent_at.is_(None))
        assert db.session.scalar(unsent) == 0


def test_a_database_in_which_others_work_is_left_alone(fresh: Session) -> None:
    make_actor(fresh, Role.INNOVATOR)
    with pytest.raises(demo.DemoRefused, match="name another database"):
        demo.load(QUIET, PART)
    assert (
        fresh.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "demo.begun"))
        == 0
    )
    assert fresh.scalar(select(func.count()).select_from(Need)) == 0


@pytest.fixture
def another(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, migrated_file: Path
) -> Iterator[Callable[..., Flask]]:
    """Return what opens the service on one more fresh database of the same kind."""
    made: list[Flask] = []
    names: list[str] = []

    def make(**changes: object) -> Flask:
        if database_url.startswith("sqlite"):
            path = tmp_path / f"another-{len(made)}.db"
            shutil.copy(migrated_file, path)
            url = f"sqlite:///{path}"
        else:
            names.append(f"another_{uuid4().hex[:12]}")
            template = request.getfixturevalue("postgresql_template")
            administer(database_url, f"CREATE DATABASE {names[-1]} TEMPLATE {template}")
            url = sa.make_url(database_url).set(database=names[-1]).render_as_string(hide_password=False)
        made.append(opened(url, **changes))
        return made[-1]

    yield make
    for app in made:
        app.extensions["engine"].dispose()
    for name in names:
        administer(database_url, f"DROP DATABASE {name} WITH (FORCE)")
