"""Run every measurement and print one table and one JSON object: ``python -m benchmarks [--json]``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import freshness, pages, world

SMALL, LARGE = {"needs": 100, "technologies": 1000}, {"needs": 1000, "technologies": 10000}


def starting(url: str) -> dict[str, object]:
    """Measure a start in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.starting", url], check=True, capture_output=True, text=True
    )
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Fill two databases, measure both, and print."""
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, size in (("small", SMALL), ("large", LARGE)):
            print(f"Filling {size}", file=sys.stderr, flush=True)
            url = world.prepared(Path(folder), **size)
            print(f"Measuring {size}", file=sys.stderr, flush=True)
            found[name] = {
                "size": size,
                "pages": pages.measure(url),
                "start": starting(url),
                "saved to found": freshness.measure(url),
            }
    if "--json" in sys.argv:
        print(json.dumps(found, indent=2))
        return
    for name, part in found.items():
        print(name, json.dumps(part["size"]))  # type: ignore[index] # made above
        rows = {**part["pages"], "start": part["start"], "saved to found": part["saved to found"]}  # type: ignore[index]
        for what, row in rows.items():
            print(f"  {what}: " + ", ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
