"""Atom feeds (RFC 4287): the one writer, and how a feed is answered to readers that ask again and again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as Tree

from flask import Response, current_app, request

from marketplace.settings import Settings

ATOM = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml"
#: So many entries a feed holds at most: a reader asks often, and what is older stands on the pages.
ENTRIES = 50
#: Since when a feed without entries has not changed; any fixed moment does.
NEVER = datetime(2026, 1, 1, tzinfo=UTC)
#: What XML 1.0 cannot hold, however it is escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing in a feed. ``id`` comes from `tag_uri` and never changes; ``href`` is a whole address.

    ``updated`` is when what a reader would read again changed; ``author`` is an organisation, never a person.
    """

    id: str
    title: str
    href: str
    updated: datetime
    published: datetime | None = None
    author: str = ""
    summary: str = ""
    categories: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed: ``self_href`` is its own whole address, ``href`` that of the page with the same things.

    ``public`` feeds may be kept by shared caches; others stay with the reader who asked.
    """

    id: str
    title: str
    self_href: str
    href: str
    entries: Sequence[Entry]
    subtitle: str = ""
    author: str = "Demand Signal"
    rights: str = ""
    public: bool = True

    @property
    def updated(self) -> datetime:
        """Return when the newest change was."""
        return max((entry.updated for entry in self.entries), default=NEVER)


def tag_uri(*parts: str | int) -> str:
    """Return a lasting id (RFC 4151) for a thing of this service, such as ``tag:example.org,2026:need/ab12``."""
    settings: Settings = current_app.extensions["settings"]
    host = urlsplit(settings.public_url).hostname or "localhost"
    return f"tag:{host},2026:{'/'.join(str(part) for part in parts)}"


def written(feed: Feed) -> bytes:
    """Return the feed as UTF-8 XML, the same bytes for the same feed."""
    Tree.register_namespace("", ATOM)
    root = Tree.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en-GB"})
    _text(root, "id", feed.id)
    _text(root, "title", feed.title)
    _text(root, "subtitle", feed.subtitle)
    _text(root, "updated", moment(feed.updated))
    _link(root, "self", feed.self_href, MEDIA_TYPE)
    _link(root, "alternate", feed.href, "text/html")
    _author(root, feed.author)
    _text(root, "rights", feed.rights)
    for entry in feed.entries[:ENTRIES]:
        item = Tree.SubElement(root, f"{{{ATOM}}}entry")
        _text(item, "id", entry.id)
        _text(item, "title", entry.title)
        _link(item, "alternate", entry.href, "text/html")
        _text(item, "updated", moment(entry.updated))
        if entry.published is not None:
            _text(item, "published", moment(entry.published))
        if entry.author:
            _author(item, entry.author)
        for term, label in entry.categories:
            Tree.SubElement(item, f"{{{ATOM}}}category", {"term": _plain(term), "label": _plain(label)})
        _text(item, "summary", entry.summary)
    body: bytes = Tree.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def answer(feed: Feed) -> Response:
    """Return the feed over HTTP, or 304 to a reader that has it already."""
    response = Response(written(feed), content_type=f"{MEDIA_TYPE}; charset=utf-8")
    response.headers["Cache-Control"] = "public, no-cache" if feed.public else "private, no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def moment(when: datetime) -> str:
    """Return a moment as RFC 3339 writes it, in UTC."""
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _plain(text: str) -> str:
    return _NOT_XML.sub("", text)


def _text(parent: Tree.Element, name: str, text: str) -> None:
    if text:
        Tree.SubElement(parent, f"{{{ATOM}}}{name}").text = _plain(text)


def _link(parent: Tree.Element, relation: str, href: str, kind: str) -> None:
    Tree.SubElement(parent, f"{{{ATOM}}}link", {"rel": relation, "href": href, "type": kind})


def _author(parent: Tree.Element, name: str) -> None:
    _text(Tree.SubElement(parent, f"{{{ATOM}}}author"), "name", name)
