"""Reads of passports: the public register, an assessor's own, and the best passport of each technology."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.errors import NotPermitted, NotVisible
from marketplace.organisations.models import Organisation
from marketplace.passports.models import Passport
from marketplace.passports.rules import BEST_FIRST, Best, Standing, tidy_number
from marketplace.technologies.models import Technology, TechnologyVersion
from marketplace.technologies.rules import EXPIRING


@dataclass(frozen=True, slots=True)
class Filters:
    """What the register is narrowed to.

    ``issuer`` is an organisation's code, ``technology`` a reference, ``text`` a number or words of a name.
    """

    standing: Standing | None = None
    issuer: str = ""
    technology: str = ""
    text: str = ""

    @property
    def any(self) -> bool:
        """Tell whether anything is filtered."""
        return self != Filters()


def stands(standing: Standing, on: date) -> ColumnElement[bool]:
    """Return the condition under which `standing_of` gives this standing on a day; a test holds them together."""
    alive = and_(Passport.revoked_at.is_(None), Passport.valid_to >= on)
    running = and_(alive, Passport.suspended_at.is_(None))
    begun = and_(running, Passport.valid_from <= on)
    return {
        Standing.REVOKED: Passport.revoked_at.is_not(None),
        Standing.EXPIRED: and_(Passport.revoked_at.is_(None), Passport.valid_to < on),
        Standing.SUSPENDED: and_(alive, Passport.suspended_at.is_not(None)),
        Standing.NOT_YET_VALID: and_(running, Passport.valid_from > on),
        Standing.EXPIRING: and_(begun, Passport.valid_to <= on + EXPIRING),
        Standing.VALID: and_(begun, Passport.valid_to > on + EXPIRING),
    }[standing]


def in_force() -> Select[int]:
    """Return a selection of the ids of technologies with a passport in force today."""
    today = clock.today()
    return select(Passport.technology_id).where(
        or_(*(stands(standing, today) for standing in Standing if standing.in_force))
    )


def best_standing(technology_ids: Collection[int]) -> dict[int, Best]:
    """Return the best passport of each technology that has one, in one query.

    The standing decides, then the later last day, then the older passport.
    """
    if not technology_ids:
        return {}
    today = clock.today()
    rows = db.session.execute(
        select(Passport, Organisation.name)
        .join(Organisation, Organisation.id == Passport.issuer_id)
        .where(Passport.technology_id.in_(technology_ids))
        .order_by(Passport.id)
    ).all()
    best: dict[int, tuple[tuple[int, int, int], Best]] = {}
    for passport, issuer in rows:
        standing = passport.standing(today)
        rank = (BEST_FIRST.index(standing), -passport.valid_to.toordinal(), passport.id)
        if passport.technology_id not in best or rank < best[passport.technology_id][0]:
            best[passport.technology_id] = (
                rank,
                Best(
                    number=passport.number,
                    issuer=issuer,
                    label=standing.label,
                    colour=standing.colour,
                    in_force=standing.in_force,
                    valid_to=passport.valid_to,
                    standing=standing,
                ),
            )
    return {technology_id: found for technology_id, (_, found) in best.items()}


def _narrowed(filters: Filters) -> Select[Passport]:
    statement = (
        select(Passport)
        .join(Passport.issuer)
        .join(Passport.technology)
        .join(
            TechnologyVersion,
            and_(
                TechnologyVersion.technology_id == Passport.technology_id,
                TechnologyVersion.number == Passport.technology_version,
            ),
        )
    )
    if filters.standing:
        statement = statement.where(stands(filters.standing, clock.today()))
    if filters.issuer:
        statement = statement.where(Organisation.code == filters.issuer)
    if filters.technology:
        statement = statement.where(Technology.ref == filters.technology)
    if number := tidy_number(filters.text):
        statement = statement.where(Passport.number == number)
    else:
        for word in filters.text.split()[:10]:
            statement = statement.where(
                or_(
                    TechnologyVersion.name.icontains(word, autoescape=True),
                    Passport.number.icontains(word, autoescape=True),
                )
            )
    return statement


@dataclass(frozen=True, slots=True)
class Entry:
    """A passport with the name that the technology had in the version that was assessed."""

    passport: Passport
    technology_name: str


def registered(filters: Filters, *, limit: int, offset: int = 0) -> list[Entry]:
    """Return a page of the public register, the latest first."""
    statement = (
        _narrowed(filters)
        .options(contains_eager(Passport.issuer), contains_eager(Passport.technology))
        .add_columns(TechnologyVersion.name)
        .order_by(Passport.issued_at.desc(), Passport.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [Entry(passport, name) for passport, name in db.session.execute(statement)]


def count_registered(filters: Filters) -> int:
    """Count what `registered` has in all pages."""
    return db.session.scalar(_narrowed(filters).with_only_columns(func.count(Passport.id))) or 0


def issuers() -> list[tuple[str, str]]:
    """Return code and name of each organisation that has issued a passport, by name."""
    statement = (
        select(Organisation.code, Organisation.name)
        .where(Organisation.id.in_(select(Passport.issuer_id)))
        .order_by(Organisation.name, Organisation.id)
    )
    return [(code, name) for code, name in db.session.execute(statement)]


@dataclass(frozen=True, slots=True)
class Details:
    """A passport with the version that was assessed and whether the technology is still offered."""

    passport: Passport
    version: TechnologyVersion


def by_number(number: str) -> Details:
    """Return a passport with all that its page shows; the register is public. `NotVisible` where there is none."""
    found = db.session.execute(
        select(Passport, TechnologyVersion)
        .join(
            TechnologyVersion,
            and_(
                TechnologyVersion.technology_id == Passport.technology_id,
                TechnologyVersion.number == Passport.technology_version,
            ),
        )
        .where(Passport.number == tidy_number(number))
        .options(
            joinedload(Passport.issuer),
            joinedload(Passport.technology).joinedload(Technology.supplier),
            selectinload(Passport.relied_on),
        )
    ).one_or_none()
    if found is None:
        raise NotVisible
    return Details(found[0], found[1])


def own(actor: Actor) -> list[Entry]:
    """Return the passports of the bodies for which the actor assesses: what ends soonest first."""
    statement = (
        _narrowed(Filters())
        .where(Passport.issuer_id.in_(actor.organisations(Permission.PASSPORT_ISSUE)))
        .options(contains_eager(Passport.issuer), contains_eager(Passport.technology))
        .add_columns(TechnologyVersion.name)
        .order_by(Passport.revoked_at.is_not(None), Passport.valid_to, Passport.id)
    )
    return [Entry(passport, name) for passport, name in db.session.execute(statement)]


def own_by_number(actor: Actor, number: str, *, lock: bool = False) -> Passport:
    """Return a passport of a body for which the actor assesses; ``lock`` its row against other writers.

    Raises:
        NotVisible: there is no such number.
        NotPermitted: another body issued it.
    """
    statement = select(Passport).where(Passport.number == tidy_number(number))
    if lock:
        statement = statement.with_for_update(of=Passport).execution_options(populate_existing=True)
    passport = db.session.scalar(statement)
    if passport is None:
        raise NotVisible
    if not actor.may(Permission.PASSPORT_ISSUE, passport.issuer_id):
        raise NotPermitted
    return passport


def technology_to_assess(ref: str, *, lock: bool = False) -> Technology:
    """Return a technology that is on the register, with its evidence; ``lock`` its row against other writers."""
    statement = (
        select(Technology)
        .where(Technology.ref == ref, Technology.listed_at.is_not(None))
        .options(selectinload(Technology.evidence), selectinload(Technology.supplier))
    )
    if lock:
        statement = statement.with_for_update(of=Technology).execution_options(populate_existing=True)
    technology = db.session.scalar(statement)
    if technology is None:
        raise NotVisible
    return technology


def number_taken(number: str) -> bool:
    """Tell whether a passport has this number."""
    return db.session.scalar(select(Passport.id).where(Passport.number == number)) is not None
