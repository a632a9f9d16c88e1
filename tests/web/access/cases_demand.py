"""Who gets through the doors of finding demand."""

from __future__ import annotations

from collections.abc import Callable

from itsdangerous import URLSafeSerializer

from marketplace.demand import actions
from marketplace.demand.models import SavedSearch
from marketplace.settings import DEMO_SECRET
from tests.factories.demand import CONFIRM, make_saved
from tests.factories.needs import make_need
from tests.web.access.world import EVERYBODY, SIGNED_IN, Case, Who, World


def published(world: World, path: str) -> tuple[str, dict[str, object]]:
    make_need(world.session, world.organisations[Who.LEAD])
    return path, {}


OWNER = frozenset({Who.INNOVATOR})
STRANGERS = dict.fromkeys(SIGNED_IN - OWNER, 404)
FORM: dict[str, object] = {"name": "Falls", "frequency": "daily"}


def own(world: World) -> SavedSearch:
    return make_saved(world.session, world.people[Who.INNOVATOR])


def of_address(world: World, **values: object) -> SavedSearch:
    return make_saved(world.session, "somebody@example.com", **values)


def on_own(path: str, **data: object) -> Callable[[World], tuple[str, dict[str, object]]]:
    return lambda world: (path.format(ref=own(world).ref), data)


def by_mail(path: str, purpose: str, **data: object) -> Callable[[World], tuple[str, dict[str, object]]]:
    # The token needs the service's key, which tests know: the demo's.
    return lambda world: (path.format(token=signed(purpose, of_address(world).ref)), data)


def signed(purpose: str, ref: str) -> str:
    return str(URLSafeSerializer(DEMO_SECRET, salt=purpose).dumps(ref))


CASES = [
    Case("demand.save", "GET", "any search", lambda _: ("/demand/save?q=falls", {}), allowed=EVERYBODY),
    Case(
        "demand.do_save",
        "POST",
        "with name and address",
        lambda _: ("/demand/save?q=falls", FORM | {"email": "new@example.com"}),
        allowed=EVERYBODY,
        status=303,
    ),
    Case("demand.check_email", "GET", "always", lambda _: ("/demand/check-email", {}), allowed=EVERYBODY),
    Case(
        "demand.confirm",
        "GET",
        "waiting",
        lambda w: (f"/demand/confirm/{of_address(w, confirmed=False) and CONFIRM}", {}),
        allowed=EVERYBODY,
    ),
    Case(
        "demand.confirm",
        "GET",
        "no such link",
        lambda _: ("/demand/confirm/x", {}),
        allowed=EVERYBODY,
        status=410,
    ),
    Case(
        "demand.do_confirm",
        "POST",
        "waiting",
        lambda w: (f"/demand/confirm/{of_address(w, confirmed=False) and CONFIRM}", {}),
        allowed=EVERYBODY,
        status=303,
    ),
    Case("demand.saved", "GET", "some have one", on_own("/demand/saved"), allowed=SIGNED_IN),
    Case(
        "demand.saved_one",
        "GET",
        "of one person",
        on_own("/demand/saved/{ref}"),
        allowed=OWNER,
        others=STRANGERS,
    ),
    Case(
        "demand.saved_one",
        "GET",
        "of an address",
        lambda w: (f"/demand/saved/{of_address(w).ref}", {}),
        allowed=frozenset(),
        refused=404,
    ),
    Case(
        "demand.change",
        "POST",
        "of one person",
        on_own("/demand/saved/{ref}", **FORM),
        allowed=OWNER,
        status=303,
        others=STRANGERS,
    ),
    Case(
        "demand.seen",
        "POST",
        "of one person",
        on_own("/demand/saved/{ref}/seen"),
        allowed=OWNER,
        status=303,
        others=STRANGERS,
    ),
    Case(
        "demand.delete",
        "POST",
        "of one person",
        on_own("/demand/saved/{ref}/delete"),
        allowed=OWNER,
        status=303,
        others=STRANGERS,
    ),
    Case(
        "demand.by_mail",
        "GET",
        "with the letter's link",
        by_mail("/demand/by-mail/{token}", actions.MANAGE),
        allowed=EVERYBODY,
    ),
    Case(
        "demand.by_mail",
        "GET",
        "with the link that stops",
        by_mail("/demand/by-mail/{token}", actions.STOP),
        allowed=frozenset(),
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case(
        "demand.change_by_mail",
        "POST",
        "with the letter's link",
        by_mail("/demand/by-mail/{token}", actions.MANAGE, **FORM),
        allowed=EVERYBODY,
        status=303,
    ),
    Case(
        "demand.unsubscribe",
        "GET",
        "with the letter's link",
        by_mail("/demand/unsubscribe/{token}", actions.STOP),
        allowed=EVERYBODY,
    ),
    Case(
        "demand.stop",
        "POST",
        "with the letter's link",
        by_mail("/demand/unsubscribe/{token}", actions.STOP),
        allowed=EVERYBODY,
    ),
    Case(
        "demand.stop",
        "POST",
        "with a link that nobody signed",
        lambda _: ("/demand/unsubscribe/x", {}),
        allowed=frozenset(),
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case("demand.find", "GET", "with a need", lambda w: published(w, "/demand"), allowed=EVERYBODY),
    Case(
        "demand.find",
        "GET",
        "with a search and filters",
        lambda w: published(w, "/demand?q=falls+at+night&state=lapsed&state=open&area=frailty"),
        allowed=EVERYBODY,
    ),
    Case(
        "demand.find",
        "GET",
        "in unusual words",
        lambda w: published(w, "/demand?area=frailty&q=falls"),
        allowed=EVERYBODY,
        status=302,
    ),
    Case(
        "demand.feed", "GET", "of a search", lambda w: published(w, "/demand.atom?q=falls"), allowed=EVERYBODY
    ),
    Case(
        "demand.board", "GET", "from before", lambda w: published(w, "/needs"), allowed=EVERYBODY, status=301
    ),
    Case(
        "demand.search",
        "GET",
        "from before",
        lambda w: published(w, "/search?q=falls"),
        allowed=EVERYBODY,
        status=301,
    ),
]
