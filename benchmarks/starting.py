"""Memory of a web process and time from its start to the first match, with the vectors stored.

Run in a process of its own: ``python -m benchmarks.starting DATABASE_URL``; prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import time

STARTED = time.perf_counter()


def resident_mib() -> float:
    """Return the resident memory of this process in MiB (Linux)."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - a kernel file
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main(url: str) -> None:
    """Start the service on the database, match one need, and print what it took."""
    from marketplace.factory import create_app
    from marketplace.matches import finder
    from marketplace.settings import Settings
    from matching.types import Kind

    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR"))
    imported = time.perf_counter()
    bare = resident_mib()
    finder.warm(app)
    warm = time.perf_counter()
    with app.app_context():
        results = finder.match(Kind.NEED, f"{0:012x}", 20)
        typed = finder.search(Kind.TECHNOLOGY, "falls at night in care homes", 20)
    if results is None or len(results.matches) != 20 or len(typed.refs) != 20:
        raise SystemExit("the first match did not give 20 results")
    print(
        json.dumps(
            {
                "seconds_to_application": round(imported - STARTED, 2),
                "seconds_to_warm": round(warm - STARTED, 2),
                "seconds_to_first_match": round(time.perf_counter() - STARTED, 2),
                "mib_before_index_and_model": round(bare),
                "mib_resident": round(resident_mib()),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
