"""DEMAND_SIGNAL_NO_SKIP, which CI sets: a test that was skipped is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# Text, not tests of this run: it skips in every way there is, in a run of its own, to see that the hook catches each.
TESTS = """
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="marked")
def test_marked(): pass

def test_inside(): pytest.skip("left in its middle")

@pytest.mark.xfail(reason="known", strict=True)
def test_known(): assert False
"""


def run(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the hooks of tests/conftest.py on a folder of tests that skip in three ways."""
    (folder / "test_some.py").write_text(TESTS, "utf-8")
    # Text too: a whole module that skips itself, for the run below.
    (folder / "test_whole.py").write_text(
        "import pytest\npytest.skip('whole module', allow_module_level=True)\n", "utf-8"
    )
    own = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "DEMAND_SIGNAL_"))
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "-c", "pyproject.toml", "--rootdir", str(folder), *options, str(folder)],
        cwd=PROJECT,
        env=own | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_skipped_test_fails_the_run_when_nothing_may_be_skipped(tmp_path: Path) -> None:
    done = run(tmp_path, "--continue-on-collection-errors", DEMAND_SIGNAL_NO_SKIP="1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed, 1 xfailed, 2 errors" in done.stdout
    for reason in ("marked", "left in its middle", "whole module"):
        assert f"{reason}\nNothing may be skipped while DEMAND_SIGNAL_NO_SKIP is set." in done.stdout


def test_it_holds_in_the_processes_of_a_parallel_run(tmp_path: Path) -> None:
    done = run(tmp_path, "-n", "1", "--continue-on-collection-errors", DEMAND_SIGNAL_NO_SKIP="1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed, 1 xfailed, 2 errors" in done.stdout


def test_otherwise_a_skip_is_told_and_the_run_goes_on(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 3 skipped, 1 xfailed" in done.stdout
