"""Save searches, confirm them, change them, and let go of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import uuid4

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.accounts import rules as accounts
from marketplace.accounts.actions import take_a_turn
from marketplace.audit.actions import record
from marketplace.database import transaction
from marketplace.demand import letters, queries, saving
from marketplace.demand.models import SavedSearch, ToldItem
from marketplace.demand.saving import BrokenLink, Frequency, Key, News
from marketplace.notices.actions import forget, send
from marketplace.submissions.actions import once
from marketplace.web.links import path_of, public_link
from marketplace.web.words import moment

#: Purposes of the signed tokens in letters. They never run out: who gets an e-mail can always stop it.
STOP, MANAGE = "stop saved search", "manage saved search"


def token(purpose: str, ref: str) -> str:
    """Return a signed token that opens one saved search for one purpose."""
    return str(_serializer(purpose).dumps(ref))


def ref_of(purpose: str, signed: str) -> str:
    """Return the ref that a token was made for, or raise `BrokenLink` for any other text."""
    try:
        found = _serializer(purpose).loads(signed)
    except BadSignature:
        raise BrokenLink from None
    return str(found)


def _serializer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt=purpose)


def stop_link(ref: str) -> str:
    """Return the whole address that stops a saved search's e-mails, for letters."""
    return public_link("demand.unsubscribe", token=token(STOP, ref))


def save(
    actor: Actor,
    *,
    query: str,
    name: str,
    frequency: Frequency,
    there: Mapping[Key, int],
    form_key: str = "",
) -> str:
    """Save a search for a signed-in person, and return its ref; ``there`` is what it finds now, which is no news."""
    saving.checked_name(name)
    with transaction() as session:
        saving.check_number(len(queries.saved_by(actor)))
        found = _added(session, query, name, frequency, user_id=actor.user_id)
        found.confirmed_at, found.period = found.created_at, saving.period(frequency, found.created_at)
        session.flush()
        _note(session, found.id, there.items())
        record(session, actor, "search.saved", "saved_search", found.ref)
        once(session, actor, form_key, path_of("demand.saved_one", ref=found.ref))
        return found.ref


def ask_to_save(
    email: str,
    *,
    query: str,
    name: str,
    looks_for: str,
    frequency: Frequency,
    there: Mapping[Key, int],
    address: str,
    form_key: str = "",
) -> None:
    """Keep a search for an address, and write to it to prove that its owner wants that.

    Whoever typed the address sees no difference between a new one, one that waits, one that is confirmed and one
    that has no room left. ``looks_for`` goes to somebody who may not have asked: no typed word may be in it. Of a
    search that waits already the first name and frequency stay, as the second request may be a stranger's.
    """
    folded = accounts.checked_email(email)
    saving.checked_name(name)
    take_a_turn(
        (f"save-search:{accounts.hashed(folded)}", saving.REQUESTS),
        (f"save-search-from:{accounts.hashed(address)}", saving.REQUESTS * 10),
    )
    secret = accounts.new_token()
    with transaction() as session:
        known = queries.of_address(session, folded)
        same = next((one for one in known if one.query == query), None)
        if same is not None and same.confirmed_at is not None:
            manage = public_link("demand.by_mail", token=token(MANAGE, same.ref))
            letter, ref = letters.already(name=same.name, manage=manage), same.ref
        elif same is None and len(known) >= saving.SAVED_MOST:
            first = next((one for one in known if one.confirmed_at is not None), None)
            if first is None:
                # Nobody has confirmed any of them: nothing more is written to this address until they run out.
                once(session, ANONYMOUS, form_key, path_of("demand.check_email"))
                return
            manage = public_link("demand.by_mail", token=token(MANAGE, first.ref))
            letter, ref = letters.full(most=saving.SAVED_MOST, manage=manage), first.ref
        else:
            found = same or _added(session, query, name, frequency, email=folded)
            found.confirm_hash = accounts.hashed(secret)
            found.confirm_by = clock.now() + saving.CONFIRM_LIFE
            session.flush()
            if same is None:
                _note(session, found.id, there.items())
            letter, ref = (
                letters.confirm(
                    looks_for=looks_for,
                    often=found.frequency.label,
                    link=public_link("demand.confirm", token=secret),
                    until=moment(found.confirm_by),
                ),
                found.ref,
            )
        send(session, folded, letter.subject, letter.body, stop=stop_link(ref))
        record(session, ANONYMOUS, "search.asked-for", "saved_search", ref)
        once(session, ANONYMOUS, form_key, path_of("demand.check_email"))


def _added(
    session: Session,
    query: str,
    name: str,
    frequency: Frequency,
    *,
    user_id: int | None = None,
    email: str | None = None,
) -> SavedSearch:
    found = SavedSearch(
        ref=uuid4().hex[:12],
        user_id=user_id,
        email=email,
        name=name,
        query=query,
        frequency=frequency,
        created_at=clock.now(),
    )
    session.add(found)
    return found


def _note(session: Session, id_: int, items: Iterable[tuple[Key, int]], period: date | None = None) -> None:
    """Write into the ledger what was told, in which version."""
    now = clock.now()
    rows = [
        {
            "saved_search_id": id_,
            "kind": kind,
            "ref": ref,
            "version": version,
            "told_at": now,
            "period": period,
        }
        for (kind, ref), version in items
    ]
    if rows:
        session.execute(insert(ToldItem), rows)


def confirm(secret: str) -> SavedSearch:
    """Confirm a search by the link in its letter; again it changes nothing. Raises `DeadLink` for any other link."""
    with transaction() as session:
        found = queries.to_confirm(session, secret, lock=True)
        if found.confirmed_at is None:
            found.confirmed_at = clock.now()
            found.period = saving.period(found.frequency, found.confirmed_at)
            record(session, ANONYMOUS, "search.confirmed", "saved_search", found.ref)
    return found


def change(actor: Actor, ref: str, *, name: str, frequency: Frequency) -> None:
    """Change the name of a search and how often it is told; the caller has checked that it is this person's."""
    saving.checked_name(name)
    with transaction() as session:
        found = queries.locked(session, ref)
        found.name = name
        if found.frequency is not frequency:
            found.frequency = frequency
            latest = saving.period(frequency, clock.now())
            # A period that had its digest has no second one; none is owed for the time without.
            found.period = max(filter(None, (found.period, latest)), default=None)
        record(session, actor, "search.changed", "saved_search", ref)


def mark_seen(actor: Actor, ref: str, there: Mapping[Key, int]) -> None:
    """Count what a search finds now as told; the caller has checked that it is this person's."""
    with transaction() as session:
        found = queries.locked(session, ref)
        told = queries.ledger(session, found.id)
        _note(session, found.id, [(key, v) for key, v in there.items() if v > told.get(key, 0)])
        record(session, actor, "search.seen", "saved_search", ref)


def remove(actor: Actor, ref: str) -> None:
    """Delete a search with its ledger; of an address also the letters about it, so that nothing of it stays."""
    with transaction() as session:
        found = queries.locked(session, ref)
        _delete(session, found)
        record(session, actor, "search.deleted", "saved_search", ref)


def stop(ref: str) -> bool:
    """Stop a search's e-mails: a person keeps the search, of an address everything is deleted.

    Returns False where there was nothing to stop any more.
    """
    with transaction() as session:
        found = session.scalar(select(SavedSearch).where(SavedSearch.ref == ref).with_for_update())
        if found is None or not saving.can_stop(found.frequency, of_address=found.user_id is None):
            return False
        if found.user_id is None:
            _delete(session, found)
        else:
            found.frequency = Frequency.NONE
        record(session, ANONYMOUS, "search.stopped", "saved_search", ref)
    return True


def _delete(session: Session, found: SavedSearch) -> None:
    session.execute(delete(ToldItem).where(ToldItem.saved_search_id == found.id))
    if found.user_id is None:
        forget(session, stop_link(found.ref))
    session.delete(found)


def take_period(session: Session, id_: int, period: date) -> SavedSearch | None:
    """Take a period's digest of a search in the caller's transaction; None where another has it or nobody wants it.

    One statement decides, so that of two workers one gets through; the row is held until the transaction ends.
    """
    taken = session.execute(
        update(SavedSearch)
        .where(
            SavedSearch.id == id_,
            SavedSearch.confirmed_at.is_not(None),
            SavedSearch.frequency != Frequency.NONE,
            or_(SavedSearch.period.is_(None), SavedSearch.period < period),
        )
        .values(period=period)
        .returning(SavedSearch.id)
    ).scalar()
    return None if taken is None else session.get(SavedSearch, id_, populate_existing=True)


def tell(session: Session, found: SavedSearch, fresh: Iterable[News], letter: letters.Letter) -> None:
    """Write a digest's e-mail, and into the ledger what it tells, in the caller's transaction."""
    _note(session, found.id, [(one.key, one.version) for one in fresh], found.period)
    send(session, found.address, letter.subject, letter.body, stop=stop_link(found.ref))


def prune() -> None:
    """Delete what nobody confirmed in time: it holds somebody's address without their leave."""
    with transaction() as session:
        waiting = session.scalars(
            select(SavedSearch).where(
                SavedSearch.confirmed_at.is_(None), SavedSearch.confirm_by < clock.now()
            )
        ).all()
        for found in waiting:
            _delete(session, found)
