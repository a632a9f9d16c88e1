"""A worker process that can be killed at a known place: ``python -m tests.fakes.worker stalls|dies|works``.

It is ``python -m marketplace worker`` with the tests' encoder, so that no model is loaded, and leases of a second.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from unittest.mock import patch

from sqlalchemy.orm import Session

from marketplace import cli
from marketplace.factory import create_app
from marketplace.matches import indexer
from marketplace.outbox import actions as outbox
from marketplace.outbox.actions import Job, finish
from matching.types import Vectors
from tests.fakes.matching import HashEncoder

#: A process that is not killed ends by itself after so long.
PATIENCE_SECONDS = 120


class StallingEncoder(HashEncoder):
    """An encoder that never comes to an end: who waits for it holds claimed rows."""

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        threading.Event().wait(PATIENCE_SECONDS)
        os._exit(3)


def die_before_the_commit(session: Session, job: Job) -> bool:
    """Send everything that the transaction holds, and die before its commit as with the power cut."""
    finish(session, job)
    session.flush()
    os.kill(os.getpid(), signal.SIGKILL)
    return True


def main(what: str) -> None:
    """Run the worker's command."""
    encoder = StallingEncoder() if what == "stalls" else HashEncoder()
    with (
        patch.object(outbox, "LEASE", timedelta(seconds=1)),
        patch.object(indexer, "finish", die_before_the_commit if what == "dies" else finish),
        patch.object(cli, "create_app", lambda settings: create_app(settings, encoder)),
    ):
        cli.main(["worker"])


if __name__ == "__main__":
    main(sys.argv[1])
