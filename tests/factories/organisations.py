"""Organisations, valid by default. Codes of tests are made up and marked so (ZZ...)."""

from __future__ import annotations

from itertools import count

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.organisations.models import Kind, Organisation

_numbers = count(1)


def make_organisation(session: Session, kind: Kind = Kind.ICB, **values: object) -> Organisation:
    """Return a committed organisation of the kind."""
    number = next(_numbers)
    code = str(values.pop("code", f"ZZ{number}"))
    organisation = Organisation(
        **{
            "code": code,
            "ods_code": code if kind in (Kind.REGION, Kind.ICB, Kind.TRUST) else None,
            "name": f"Test {kind.label} {number}",
            "kind": kind,
            "source": "test",
            "updated_at": clock.now(),
        }
        | values
    )
    session.add(organisation)
    session.commit()
    return organisation
