"""Print precision and recall of the coach on its judged lists, and what it asks about the demo's needs."""

from __future__ import annotations

import sys
from collections import Counter

from marketplace.demo import content
from marketplace.needs import coach
from tests.unit.needs.coach.demo import need_content
from tests.unit.needs.coach.judged import HALVES, table


def main() -> None:
    """Print the tables."""
    for half in HALVES:
        sys.stdout.write(table(half) + "\n\n")
    asked = Counter(
        finding.rule for need in content.needs() for finding in coach.look_over(need_content(need))
    )
    sys.stdout.write(f"{len(content.needs())} published needs of the demo: {dict(asked.most_common())}\n")


if __name__ == "__main__":
    main()
