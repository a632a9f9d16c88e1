"""A mirror learns where everything went when organisations merge."""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import Session

from benchmarks.mirror import Fetch
from marketplace.access.actor import Actor
from marketplace.database import db
from marketplace.organisations.models import Kind
from marketplace.organisations.rules import Change
from marketplace.succession import actions, placing, queries
from marketplace.succession.movers.catalogue import MOVERS
from marketplace.succession.rules import UNPLACED, Party
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.successions import administrator, co_sign, make_estate, plan
from tests.integration.opendata.changes import changing, up_to_date
from tests.web.opendata.world import make_world


def hand_over(session: Session, actor: Actor, ref: str) -> None:
    """Take what is suggested, and places in the order in which they stand."""
    for mover in MOVERS:
        lock = queries.by_ref(session, ref).lock_version
        actions.save_choices(actor, ref, mover.kind, {}, lock_version=lock, fill="suggested")
    for contest in placing.contests(session, queries.holdings(session, queries.by_ref(session, ref))):
        places = [(str(rank), "") for rank in (1, 2, 3)] + [(UNPLACED, "")] * len(contest.candidates)
        chosen = {
            (contest.cycle.id, one.ref): place for one, place in zip(contest.candidates, places, strict=False)
        }
        lock = queries.by_ref(session, ref).lock_version
        actions.save_places(actor, ref, contest.successor.code, chosen, lock_version=lock)
    actions.settle(actor, ref, lock_version=queries.by_ref(session, ref).lock_version)


def test_what_a_merger_hands_to_an_organisation_that_was_there_comes_with_its_new_owner(
    app: Flask, session: Session, ask: Fetch
) -> None:
    make_world(session)
    one, two = make_estate(session).organisation, make_estate(session).organisation
    signing, heir = make_organisation(session, Kind.ICB), make_organisation(session, Kind.ICB)
    signed = co_sign(session, signing, make_need(session, make_organisation(session, Kind.TRUST), rank=1)).ref
    actor, before, after = administrator(session), [one.code, two.code, signing.code], heir.code
    merger = plan(Change.MERGE, [one, two, signing], [Party(heir.code, heir.name)])
    session.rollback()
    with app.app_context():
        ref = actions.record_change(actor, merger)
    mirror = up_to_date(app, session, ask)
    session.rollback()
    with changing(app, mirror, 26), app.app_context():
        hand_over(db.session, actor, ref)
    assert mirror.copies["/co-signatures"].records[signed]["organisation"] == after
    assert not {record["issuer"] for record in mirror.copies["/passports"].records.values()} & set(before)
    emptied = {
        record["organisation"]: (record["first"], record["second"], record["third"])
        for record in mirror.copies["/priorities"].records.values()
    }
    assert [emptied[code] for code in before] == [(None, None, None)] * 3
