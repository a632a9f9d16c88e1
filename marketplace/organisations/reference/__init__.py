"""Read the organisations that the registry starts with, each with its source and date.

The data files beside this module hold facts only; what is not known is left empty and said so at the top of the
file. Codes are the real ones of the Organisation Data Service (ODS): none is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True)
class ReferenceRegion:
    """An NHS England region."""

    ods_code: str
    name: str
    valid_from: date | None
    source: str
    as_of: date


@dataclass(frozen=True)
class ReferenceIcb:
    """An integrated care board (ICB) and the region that it lies in."""

    ods_code: str
    name: str
    region_code: str
    ons_code: str
    valid_from: date
    source: str
    as_of: date


@dataclass(frozen=True)
class ReferenceHin:
    """A health innovation network (HIN). ODS has no code for it, so `slug` is our own."""

    slug: str
    name: str
    ods_code: None
    valid_from: date | None
    source: str
    as_of: date


@dataclass(frozen=True)
class ReferenceTrust:
    """An NHS trust and the ICB in whose area most of its places lie."""

    ods_code: str
    name: str
    icb_code: str
    source: str
    as_of: date


@dataclass(frozen=True)
class ReferencePatch:
    """One ICB in the patch of one HIN, and whether anybody has confirmed it."""

    hin_slug: str
    icb_code: str
    confirmed: bool
    source: str
    as_of: date


def regions() -> tuple[ReferenceRegion, ...]:
    """Return the seven regions in order of code."""
    content = _content("regions.yaml")
    return tuple(
        ReferenceRegion(code, name, content["valid_from"], content["source"], content["as_of"])
        for code, name in sorted(content["regions"].items())
    )


def icbs() -> tuple[ReferenceIcb, ...]:
    """Return the 42 ICBs in order of code."""
    content = _content("icbs.yaml")
    return tuple(
        ReferenceIcb(code, name, region, ons_code, content["valid_from"], content["source"], content["as_of"])
        for code, (region, ons_code, name) in sorted(content["icbs"].items())
    )


def hins() -> tuple[ReferenceHin, ...]:
    """Return the 15 HINs in order of slug."""
    content = _content("hins.yaml")
    return tuple(
        ReferenceHin(slug, name, None, content["valid_from"], content["source"], content["as_of"])
        for slug, name in sorted(content["hins"].items())
    )


def trusts() -> tuple[ReferenceTrust, ...]:
    """Return the trusts in order of code."""
    content = _content("trusts.yaml")
    found = [
        ReferenceTrust(code, name, icb_code, content["source"], content["as_of"])
        for icb_code, members in content["trusts"].items()
        for code, name in members.items()
    ]
    return tuple(sorted(found, key=lambda trust: trust.ods_code))


def demo_hin_patches() -> tuple[ReferencePatch, ...]:
    """Return the demo's guess of which ICBs each HIN covers; no row of it is confirmed."""
    content = _content("hin_patches.yaml")
    return tuple(
        ReferencePatch(slug, icb_code, content["confirmed"], content["source"], content["as_of"])
        for slug, icb_codes in sorted(content["patches"].items())
        for icb_code in sorted(icb_codes)
    )


def _content(file_name: str) -> Mapping[str, Any]:
    text = resources.files(__name__).joinpath(file_name).read_text(encoding="utf-8")
    content: Mapping[str, Any] = yaml.safe_load(text)
    return content
