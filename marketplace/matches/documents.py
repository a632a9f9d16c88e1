"""From rows to the matcher's documents: which parts of a need and of a technology it reads."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

import numpy as np

from marketplace.matches.models import IndexEntry
from marketplace.needs.models import Need, NeedDraft, NeedVersion
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyFields
from marketplace.vocabulary import CareSetting, ClinicalArea
from matching.documents import need_document, technology_document
from matching.duplicates import cut, first_said
from matching.types import Document, Encoded, Kind, Passage


def document_of_need(need: Need) -> Document | None:
    """Return the document of a need's public version, or None where nothing is public."""
    version = need.current
    if version is None or need.published_at is None or need.withdrawn_at is not None:
        return None
    return _document_of(need.ref, version)


def document_of_need_draft(need: Need) -> Document | None:
    """Return the document of what is being written, or None where too little is written to compare."""
    draft = need.draft
    return _document_of(need.ref, draft) if draft is not None and draft.title and draft.problem else None


def _document_of(ref: str, version: NeedVersion | NeedDraft) -> Document:
    outcome = [version.outcome]
    outcome += [f"{label}: {text}." for label, text in _measures(version) if text]
    return need_document(
        id=ref,
        title=version.title,
        statement=version.problem,
        who=version.who_affected,
        pathway=version.pathway_today,
        outcome=" ".join(outcome),
        requirements=version.must or (),
        clinical_area=version.clinical_area.label if version.clinical_area else "",
        settings=(version.care_setting.label,) if version.care_setting else (),
        evidence_wanted=[wanted["type"] for wanted in version.evidence_wanted or ()],
    )


def _measures(version: NeedVersion | NeedDraft) -> tuple[tuple[str, str], ...]:
    return ("Measure", version.measure), ("Today", version.baseline), ("Target", version.target)


def document_of_technology(technology: Technology, today: date) -> Document | None:
    """Return the document of a technology's public version, or None where nothing is public.

    Evidence that was withdrawn or has expired answers nothing, so it is left out.
    """
    version = technology.current
    if version is None or technology.listed_at is None or technology.archived_at is not None:
        return None
    return _dated(technology, version, _holding(technology, today))


def document_of_draft(technology: Technology, now: datetime) -> Document:
    """Return the document that a technology would have if its draft were listed now."""
    if technology.draft is None:
        raise ValueError("a technology has a draft from its beginning")
    return _dated(technology, technology.draft, _holding(technology, now.date()), now)


def _holding(technology: Technology, today: date) -> list[EvidenceItem]:
    return [
        item
        for item in technology.evidence
        if item.withdrawn_at is None and (item.expires_on is None or item.expires_on >= today)
    ]


def _dated(
    technology: Technology,
    shown: TechnologyFields,
    evidence: Sequence[EvidenceItem],
    now: datetime | None = None,
) -> Document:
    """Return a document in which each sentence tells since when it has been public; ``now`` for a draft."""
    document = _of_technology(technology, shown, evidence)
    versions = [(_date(one.listed_at), one) for one in reversed(technology.versions)]
    if now is None and len(versions) == 1 and not evidence:
        return replace(document, since=(versions[0][0],))
    earlier = [(date, _of_technology(technology, one, ())) for date, one in versions]
    if now is not None:
        earlier.insert(0, (_date(now), _of_technology(technology, shown, ())))
    items = iter(evidence)
    added = {
        at: _date(next(items).added_at)
        for at, passage in enumerate(document.passages)
        if passage.source.startswith("evidence:")
    }
    said = zip(cut(document), first_said(document, earlier), strict=True)
    return replace(document, since=tuple(added.get(sentence.passage, date) for sentence, date in said))


def _date(moment: datetime) -> str:
    """Return a moment as text that sorts as the moment does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def _of_technology(
    technology: Technology, version: TechnologyFields, items: Sequence[EvidenceItem]
) -> Document:
    evidence = [
        (
            item.type.value,
            " ".join(part for part in (f"{item.type.label}.", item.scope, item.summary) if part),
        )
        for item in items
    ]
    return technology_document(
        id=technology.ref,
        name=version.name,
        supplier=technology.supplier.name,
        summary=version.summary,
        intended_use=version.intended_use,
        claims=version.claims,
        replaces=version.replaces,
        settings=[CareSetting(value).label for value in version.settings],
        evidence=evidence,
        clinical_area=", ".join(ClinicalArea(value).label for value in version.clinical_areas),
    )


def to_columns(encoded: Encoded, encoder: str) -> dict[str, Any]:
    """Return what is stored of an encoded document, as columns of `IndexEntry`."""
    vectors = encoded.vectors
    columns: dict[str, Any] = {
        # The matcher's own data goes with the text: it is read and written with it, and never searched.
        "document": asdict(encoded.document) | {"extra": b64encode(encoded.extra or b"").decode("ascii")},
        "passages": [[passage.source, passage.text] for passage in encoded.passages],
        "vectors": None if vectors is None else np.ascontiguousarray(vectors, dtype="<f4").tobytes(),
        "dimension": 0 if vectors is None else int(vectors.shape[1]),
        "encoder": encoder if vectors is not None else "",
    }
    return columns | {"digest": encoded.digest, "checksum": checksum(**columns)}


def checksum(
    *,
    document: dict[str, Any],
    passages: list[list[str]],
    vectors: bytes | None,
    dimension: int,
    encoder: str,
) -> str:
    """Return the hash of everything that is stored of a document: what was damaged since does not have it."""
    found = blake2b(vectors or b"", digest_size=16)
    found.update(json.dumps([document, passages, dimension, encoder], sort_keys=True).encode())
    return found.hexdigest()


def intact(entry: IndexEntry) -> bool:
    """Tell whether an entry is what was written. One from before there were checksums is only looked at roughly."""
    if not entry.checksum:
        width = 4 * entry.dimension * len(entry.passages)
        return len(entry.vectors or b"") == (width if entry.vectors is not None else 0)
    return entry.checksum == checksum(
        document=entry.document,
        passages=entry.passages,
        vectors=entry.vectors,
        dimension=entry.dimension,
        encoder=entry.encoder,
    )


def from_entry(entry: IndexEntry, encoder: str) -> Encoded:
    """Return the encoded document of a stored entry.

    Vectors of another encoder than the given one cannot be compared with its, so they are left out: such a
    document is found by its words until the worker has encoded it again. So are vectors that were damaged.
    """
    vectors, extra = None, None
    if entry.vectors is not None and entry.encoder == encoder and intact(entry):
        vectors = np.frombuffer(entry.vectors, dtype="<f4").reshape(-1, entry.dimension)
        extra = b64decode(entry.document.get("extra", "")) or None
    stored = entry.document
    document = Document(
        id=stored["id"],
        kind=Kind(stored["kind"]),
        title=stored["title"],
        passages=tuple(Passage(**passage) for passage in stored["passages"]),
        requirements=tuple(stored["requirements"]),
        clinical_area=stored["clinical_area"],
        settings=tuple(stored["settings"]),
        supplier=stored["supplier"],
        evidence_wanted=tuple(stored["evidence_wanted"]),
        evidence_held=tuple(stored["evidence_held"]),
        since=tuple(stored.get("since", ())),
    )
    passages = tuple(Passage(source, text) for source, text in entry.passages)
    return Encoded(document, passages, vectors, entry.digest, extra)
