"""A small client of the open data, written from the published document alone: it knows no collection by name.

`python -m benchmarks.mirror ADDRESS FOLDER` keeps a copy of everything in a folder, one file for each collection, and
asks only for changes when it is run again. It uses nothing but Python's own library, so that it can be copied.

From `/open/v1/openapi.json` it takes: where the service is (`servers`), which addresses give lists in pages (a GET
without parts in its path whose answer has `items`, `next` and `changes`), how many records a page may hold (the
greatest `limit`), and that records have an `id`.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
#: Status, headers and body of an address, asked with some headers.
Fetch = Callable[[str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]
#: So often a refusal for too many requests is waited out before it counts as an error.
PATIENCE = 5


class UnexpectedAnswerError(RuntimeError):
    """The service answered something that its document does not promise."""


def fetch(address: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    """Ask over HTTP."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=dict(headers))) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@dataclass
class Copy:
    """What is known of one collection: its records by id, and where to ask for changes."""

    address: str
    records: dict[str, Json] = field(default_factory=dict)
    tag: str = ""

    @property
    def living(self) -> dict[str, Json]:
        """Return the records of what was not withdrawn."""
        return {key: record for key, record in self.records.items() if record["withdrawn_at"] is None}


class Mirror:
    """A copy of everything that the document lists. A page holds ``limit`` records, or the most that there may be."""

    def __init__(
        self,
        document_address: str,
        ask: Fetch = fetch,
        wait: Callable[[float], None] = time.sleep,
        limit: int | None = None,
    ) -> None:
        self._ask, self._wait = ask, wait
        _, body = self._get(document_address, {})
        self.document: Json = json.loads(body)
        base = self.document["servers"][0]["url"].rstrip("/")
        self.copies = {path: Copy(f"{base}{path}?limit={limit or most}") for path, most in self._lists()}

    def _lists(self) -> Iterator[tuple[str, int]]:
        for path, item in self.document["paths"].items():
            answer = item.get("get", {}).get("responses", {}).get("200", {})
            schema = self._whole(answer.get("content", {}).get("application/json", {}).get("schema", {}))
            if "{" not in path and {"items", "next", "changes"} <= set(schema.get("properties", {})):
                known = {one["name"]: one["schema"] for one in item["get"]["parameters"]}
                yield path, known["limit"]["maximum"]

    def _whole(self, schema: Json) -> Json:
        if "$ref" not in schema:
            return schema
        found: Any = self.document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return self._whole(found)

    def _get(self, address: str, headers: Mapping[str, str]) -> tuple[Mapping[str, str], bytes]:
        for _ in range(PATIENCE):
            status, told, body = self._ask(address, headers)
            if status == 429:
                self._wait(float(told["Retry-After"]))
                continue
            if status not in {200, 304}:
                raise UnexpectedAnswerError(f"{address} answered {status}: {body[:500]!r}")
            return told, b"" if status == 304 else body
        raise UnexpectedAnswerError(f"{address} refused {PATIENCE} times")

    def update(self) -> int:
        """Ask each collection for what is new since last time, and return how many records came."""
        return sum(self._update(copy) for copy in self.copies.values())

    def _update(self, copy: Copy) -> int:
        came, address = 0, copy.address
        headers = {"If-None-Match": copy.tag} if copy.tag else {}
        first_tag = ""
        while address:
            told, body = self._get(address, headers)
            if not body:  # 304: nothing has changed
                return came
            page = json.loads(body)
            first_tag = first_tag or told["ETag"]
            came += len(page["items"])
            copy.records.update({record["id"]: record for record in page["items"]})
            if page["next"] is None:
                # The tag is of use when the same address is asked again.
                copy.tag = first_tag if page["changes"] == copy.address else ""
                copy.address = page["changes"]
            address, headers = page["next"], {}
        return came

    def save(self, folder: Path) -> None:
        """Write everything into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for path, copy in self.copies.items():
            kept = {"address": copy.address, "tag": copy.tag, "records": copy.records}
            (folder / f"{path.strip('/').replace('/', '-')}.json").write_text(
                json.dumps(kept, ensure_ascii=False, indent=1), "utf-8"
            )

    def load(self, folder: Path) -> None:
        """Read what was saved, as far as there is something."""
        for path, copy in self.copies.items():
            file = folder / f"{path.strip('/').replace('/', '-')}.json"
            if file.exists():
                kept = json.loads(file.read_text("utf-8"))
                copy.address, copy.tag, copy.records = kept["address"], kept["tag"], kept["records"]


def main(base: str, folder: str) -> None:
    """Bring the copy in a folder up to date."""
    mirror = Mirror(f"{base.rstrip('/')}/open/v1/openapi.json")
    mirror.load(Path(folder))
    came = mirror.update()
    mirror.save(Path(folder))
    print(f"{came} records came.")
    for path, copy in mirror.copies.items():
        print(f"{path}: {len(copy.living)} there, {len(copy.records) - len(copy.living)} withdrawn")


if __name__ == "__main__":
    main(*sys.argv[1:3])
