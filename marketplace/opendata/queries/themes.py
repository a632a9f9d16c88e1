"""Themes: all that there were, when each changed, and their records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Executable, Select, and_, case, func, select
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.families.models import CoSignature, Theme, ThemeMember
from marketplace.matches.models import NeedFit
from marketplace.needs.models import Need
from marketplace.needs.queries import on_board
from marketplace.opendata.queries import families, needs
from marketplace.opendata.queries.families import MEMBERED, SIGNED
from marketplace.opendata.queries.moments import Changed, in_order, latest
from marketplace.opendata.records import ThemePart, ThemeRecord
from marketplace.organisations.models import Organisation
from marketplace.web.links import public_link


def public_themes() -> Select[int]:
    """Select every theme that needs were ever in; one that has emptied may come back under its name."""
    membered = (
        needs.public_needs()
        .join(ThemeMember, ThemeMember.need_id == Need.id)
        .with_only_columns(ThemeMember.theme_id, func.max(needs.need_changed()).label("membered"))
        .group_by(ThemeMember.theme_id)
        .subquery("membered")
    )
    signed = families.signed(ThemeMember, ThemeMember.theme_id).subquery("signed")
    return (
        select(Theme.id)
        .outerjoin(membered, membered.c.theme_id == Theme.id)
        .outerjoin(signed, signed.c.theme_id == Theme.id)
    )


def theme_changed() -> ColumnElement[datetime]:
    """Return when a theme's record changed: its needs, who shares them, or what the register has for them."""
    return latest(Theme.changed_at, MEMBERED, SIGNED)


def theme_emptied() -> ColumnElement[datetime | None]:
    """Return since when no need is in a theme; NULL while there are some."""
    some = select(ThemeMember.need_id).where(ThemeMember.theme_id == Theme.id).exists()
    return case((~some, Theme.changed_at))


class _Share(NamedTuple):
    """An organisation's part in a theme, by a need of its own (with what the register has for it) or co-signed."""

    theme_id: int
    need: str
    organisation_id: int
    region: str | None
    own: bool
    fits: int | None


@dataclass
class _Counting:
    organisations: set[int] = field(default_factory=set)
    needs: int = 0
    fits: int = 0
    nothing: int = 0


def theme_records(changed: Changed) -> list[ThemeRecord]:
    """Return the records of some themes."""
    rows = {one.id: one for one in db.session.scalars(select(Theme).where(Theme.id.in_(changed)))}
    filled = set(
        db.session.scalars(select(ThemeMember.theme_id).where(ThemeMember.theme_id.in_(changed)).distinct())
    )
    shares: Mapping[int, list[_Share]] = defaultdict(list)
    for share in _shares(changed):
        shares[share.theme_id].append(share)
    return [
        ThemeRecord(
            id=one.key,
            updated_at=when,
            withdrawn_at=None if one.id in filled else one.changed_at,
            page=public_link("families.listing", theme=one.key) if one.id in filled else None,
            name=one.name,
            needs=sorted({share.need for share in shares[one.id]}),
            parts=_parts(shares[one.id]),
        )
        for one, when in in_order(rows, changed)
    ]


def _shares(themes: Collection[int]) -> list[_Share]:
    """Return who shares the needs of some themes that are on the board."""
    region, parent, upper = aliased(Organisation), aliased(Organisation), aliased(Organisation)

    def placed(statement: Select[Any], organisation_id: Any) -> Executable:
        joined: Select[Any] = (
            statement.join(ThemeMember, ThemeMember.need_id == Need.id)
            .where(ThemeMember.theme_id.in_(themes))
            .outerjoin(NeedFit, and_(NeedFit.need_id == Need.id, NeedFit.version == Need.version))
            .join(Organisation, Organisation.id == organisation_id)
            .outerjoin(region, region.id == Organisation.region_id)
            .outerjoin(parent, parent.id == Organisation.parent_id)
            .outerjoin(upper, upper.id == parent.region_id)
        )
        return joined.with_only_columns(
            ThemeMember.theme_id,
            Need.ref,
            Organisation.id,
            func.coalesce(region.code, upper.code),
            NeedFit.fits,
        )

    board = on_board(select(Need.id))
    own = placed(board, Need.organisation_id)
    signing = board.join(CoSignature, CoSignature.need_id == Need.id).where(
        CoSignature.taken_back_at.is_(None), CoSignature.ended_at.is_(None)
    )
    signed = placed(signing, CoSignature.organisation_id)
    return [
        _Share(theme_id, ref, organisation_id, code, is_own, fits)
        for statement, is_own in ((own, True), (signed, False))
        for theme_id, ref, organisation_id, code, fits in db.session.execute(statement)
    ]


def _parts(shares: Sequence[_Share]) -> list[ThemePart]:
    """Return the sums by region: a need counts where its organisation is, and who co-signs it at its own place."""
    found: dict[str | None, _Counting] = defaultdict(_Counting)
    for share in shares:
        one = found[share.region]
        one.organisations.add(share.organisation_id)
        if share.own:
            one.needs += 1
            one.fits += bool(share.fits)
            one.nothing += share.fits == 0
    return [
        ThemePart(
            region=region,
            organisations=len(one.organisations),
            needs=one.needs,
            fits=one.fits,
            nothing=one.nothing,
        )
        for region, one in sorted(found.items(), key=lambda pair: (pair[0] is None, pair[0] or ""))
    ]
