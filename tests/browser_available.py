"""Make sure that there is a Chromium for the browser tests: ``python -m tests.browser_available``.

It is a system package. As root on Debian or Ubuntu this installs it; otherwise it says how, and the browser tests
are skipped, unless DEMAND_SIGNAL_NO_SKIP is set (as CI does): then it fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Install Chromium where that is possible; return an exit code."""
    if find():
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
            check=False,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        )
    if find():
        return 0
    print(
        "There is no Chromium, so the browser tests will be skipped. Install it: sudo apt-get install chromium",
        file=sys.stderr,
    )
    return 1 if os.environ.get("DEMAND_SIGNAL_NO_SKIP") else 0


if __name__ == "__main__":
    raise SystemExit(main())
