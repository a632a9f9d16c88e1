"""The demo's needs as the coach reads them."""

from __future__ import annotations

from marketplace.demo.shapes import DemoNeed
from marketplace.needs.rules import FIELD_NAMES, NeedContent, Wanted


def need_content(need: DemoNeed) -> NeedContent:
    """Return the answers of a demo need."""
    answers = {name: getattr(need, name) for name in FIELD_NAMES if name != "evidence_wanted"}
    wanted = tuple(Wanted(one.type, one.detail) for one in need.evidence_wanted)
    return NeedContent(**answers, evidence_wanted=wanted)
