"""Seconds from saving a listing to finding it, with the real model and a worker beside, as ``make run`` has it."""

from __future__ import annotations

import statistics
import threading
import time

from marketplace import clock
from marketplace.access.actor import Actor, Grant
from marketplace.access.policy import Role
from marketplace.database import db, transaction
from marketplace.factory import create_app
from marketplace.matches import finder
from marketplace.organisations.models import Kind, Organisation
from marketplace.settings import Settings
from marketplace.technologies import actions
from marketplace.technologies.rules import TechnologyContent
from marketplace.vocabulary import CareSetting, ClinicalArea, Readiness
from marketplace.worker import build_worker
from matching.types import Kind as DocumentKind

PATIENCE = 30.0


def measure(url: str, listings: int = 10) -> dict[str, object]:
    """List so many technologies one after another, and search for each until it is found."""
    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR"))
    finder.warm(app)
    stop = threading.Event()
    worker = build_worker(app)
    thread = threading.Thread(target=worker.run, args=(stop, 0.5), daemon=True)
    thread.start()
    try:
        with app.app_context():
            actor = _supplier()
            waits = [_list_and_find(actor, f"Warmline {number}") for number in range(listings)]
    finally:
        stop.set()
        thread.join(timeout=10)
        app.extensions["engine"].dispose()
    return {
        "listings": listings,
        "median_seconds": round(statistics.median(waits), 2),
        "worst_seconds": round(max(waits), 2),
    }


def _supplier() -> Actor:
    with transaction() as session:
        code = f"freshness-{clock.now():%Y%m%d%H%M%S%f}"
        supplier = Organisation(code=code, name="Freshness", kind=Kind.SUPPLIER, updated_at=clock.now())
        session.add(supplier)
        session.flush()
        grant = Grant(supplier.id, supplier.code, supplier.name, Role.INNOVATOR)
    return Actor(user_id=None, grants=(grant,))


def _list_and_find(actor: Actor, name: str) -> float:
    content = TechnologyContent(
        name=name,
        summary=f"{name} is a pump that warms fluids before they are given.",
        intended_use="Adults on wards.",
        replaces="Water baths",
        claims=("Warms a litre in four minutes.",),
        settings=(CareSetting.ACUTE_WARD,),
        clinical_areas=(ClinicalArea.SURGERY,),
        readiness=Readiness.PILOT,
    )
    ref = actions.create_draft(actor, actor.grants[0].organisation_id, content)
    actions.list_technology(actor, ref)
    saved = time.perf_counter()
    while ref not in finder.search(DocumentKind.TECHNOLOGY, name, 5).refs:
        db.session.rollback()
        if time.perf_counter() - saved > PATIENCE:
            raise RuntimeError(f"not found within {PATIENCE} s")
        time.sleep(0.05)
    return time.perf_counter() - saved
