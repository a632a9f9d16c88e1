"""Run everything in one process for a person at a laptop: database, demo data, index, worker and web server."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from flask import Flask
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from waitress.server import create_server

from marketplace import demo, migrating
from marketplace.database import db, make_engine
from marketplace.factory import create_app
from marketplace.matches import finder
from marketplace.matches.finder import Finders, State
from marketplace.organisations.actions import load_reference
from marketplace.outbox import actions as outbox
from marketplace.settings import Settings
from marketplace.worker import Chore, build_worker, build_workers, work

STEPS = 5


class Steps:
    """A progress line for each step: what, and how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Print the step, and its time at the end."""
        self._number += 1
        started = monotonic()
        self._console.print(
            f"[{self._number}/{STEPS}] {what} ...", markup=False, highlight=False, soft_wrap=True
        )
        yield
        self._console.print(f"      done in {monotonic() - started:.1f} s", highlight=False)


class AddressTaken(Exception):
    """The service cannot listen where it was told to; the message says why and what to do."""


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address, so that a port in use is told before minutes of set-up, not after."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise AddressTaken(f"{host} is not an address of this machine.") from None
    reserved = socket.socket(family, kind, protocol)
    try:
        # Without it a port stays blocked for a minute after each stop.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(address)
    except OSError as error:
        reserved.close()
        raise AddressTaken(taken(host, port, error)) from error
    return reserved


def taken(host: str, port: int, error: OSError) -> str:
    """Say in plain words why the service cannot listen."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use by another program, perhaps by Demand Signal itself. "
            f"Stop that one, or choose another port: make run PORT={port + 1}"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is kept for the administrator of this machine. Choose one above 1023."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."


def run(settings: Settings, *, with_demo: bool, host: str, port: int) -> None:
    """Bring everything up and serve until Ctrl-C. Every step is safe to repeat, so a second start is quick.

    Raises `AddressTaken` before anything is done, and `demo.DemoRefused`.
    """
    if with_demo:
        demo.check_mode(settings)
    with reserve(host, port) as reserved:
        bring_up(settings, reserved, with_demo=with_demo, host=host, port=port)


def bring_up(settings: Settings, reserved: socket.socket, *, with_demo: bool, host: str, port: int) -> None:
    """Do each step and serve on the reserved socket."""
    console = Console()
    steps = Steps(console)
    with steps.step("Database: bring the schema up to date"):
        engine = make_engine(settings.database_url, create=True)
        migrating.upgrade(engine)
        engine.dispose()
    app = create_app(settings)
    with steps.step("Organisations: regions, ICBs, HINs and trusts"), app.app_context():
        load_reference()
    with steps.step("Demo data" if with_demo else "Demo data: not asked for"), app.app_context():
        if with_demo:
            demo.load(console)
    with steps.step("Search index: read what changed (the first time this loads the language model)"):
        fill_index(app, console)
    with steps.step("Web server"):
        settling = Chore(timedelta(minutes=1), demo.settle_families, "settle families of the demo")
        workers = build_workers(app, [settling] if with_demo else [])
        stop = threading.Event()
        thread = threading.Thread(
            target=work, args=(workers, stop, settings.worker_poll_seconds), name="worker", daemon=True
        )
        thread.start()
        finder.warm_beside(app)
        try:
            server = create_server(app, sockets=[reserved], threads=8, ident=None)
        except OSError as error:  # somebody else began to listen meanwhile
            raise AddressTaken(taken(host, port, error)) from error
    say_where(console, app, host, port, with_demo=with_demo)
    try:
        server.run()  # until Ctrl-C, which it takes itself
        console.print("Stopping")
    finally:
        stop.set()
        server.close()
        thread.join(timeout=10)


def fill_index(app: Flask, console: Console) -> None:
    """Do the waiting outbox rows that feed the index, with a progress bar; returns at once when there are none."""
    own: Finders = app.extensions["finders"]
    worker = build_worker(app)
    with app.app_context():
        waiting = outbox.backlog(db.session).waiting
        db.session.rollback()
    if waiting == 0:
        return
    columns = (TextColumn("      "), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("rows", total=waiting)
        while done := worker.run_once():
            progress.update(task, advance=done)
    if finder.probe(own.encoder) is State.WORDS_ONLY:
        console.print(
            "      The language model could not be loaded: matching goes by words alone, and says so.",
            soft_wrap=True,
        )


def say_where(console: Console, app: Flask, host: str, port: int, *, with_demo: bool) -> None:
    """Print the address and, in the demo, who can sign in."""
    console.print()
    if with_demo:
        with app.app_context():
            accounts = demo.accounts()
        console.print(
            "Demo accounts (one click each on the sign-in page, or type the address and the password):",
            soft_wrap=True,
        )
        width = max(len(account.email) for account in accounts)
        for account in accounts:
            console.print(f"  {account.email:<{width}}  {account.label}", highlight=False, soft_wrap=True)
        console.print(f"  Password of all of them: {demo.PASSWORD}", highlight=False)
        console.print()
    console.print(
        f"Demand Signal is running: {address_of(host, port)}  (stop it with Ctrl-C)", highlight=False
    )


def address_of(host: str, port: int) -> str:
    """Return the address to type on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - read, not bound
    return f"http://{name}:{port}"
