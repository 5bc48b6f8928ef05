"""`make demo`: all of Rung on this machine, in one foreground process tree.

python -m config.demo run --port 8000     starts everything, prints who can sign in, stops at Ctrl-C
python -m config.demo reset               forgets the demo's data
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psycopg

from config.embedded import CannotStart, Servers
from config.environment import BASE_DIR, VAR_DIR, fingerprint_of_the_tables, load_dot_env
from config.healthcheck import is_well
from config.install import folder_must_be_writable
from config.progress import Trouble, step

LOGS = VAR_DIR / "log"
MAIL = VAR_DIR / "mail"
TABLES = VAR_DIR / "servers" / "tables"
PEOPLE = VAR_DIR / "demo-people.json"
HALF_MADE = VAR_DIR / "demo-data-half-made"
WEB_SECONDS = 60
STOP_SECONDS = 10


class Stop(Exception):
    """Somebody asked the demo to stop."""


def main() -> None:
    parser = argparse.ArgumentParser(description="All of Rung on this machine, to try it out.")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("run")
    starting.add_argument("--port", type=int, default=8000)
    starting.add_argument("--empty", action="store_true", help="without any study")
    commands.add_parser("reset")
    chosen = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        run(chosen.port, with_data=not chosen.empty) if chosen.command == "run" else reset()
    except (Trouble, CannotStart) as problem:
        sys.exit(f"\n{problem}")
    except Stop:
        print("\nStopped. `make demo` goes on where it was.")


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stop


def run(port: int, *, with_data: bool) -> None:
    """Start everything and stay until somebody stops it. Raises Trouble or CannotStart with what to do."""
    folder_must_be_writable(VAR_DIR)
    port_must_be_free(port)
    load_dot_env()
    os.environ.setdefault("PUBLIC_URL", f"http://localhost:{port}")
    os.environ.update(RUNG_ENV="local", RUNG_DEMO="true")
    print("\nRung is starting.\n", flush=True)
    with servers() as own:
        _prepare_tables(own)
        if with_data:
            _prepare_data()
        with processes(port) as ours:
            with step("Web, worker and beat"):
                ours.start("web")
                _wait_for_web(port, ours)
                ours.start("worker")
                ours.start("beat")
            _greet(port)
            _stay(ours)


def reset() -> None:
    """Delete the demo's database, its mail and its logs. Raises CannotStart while the demo runs."""
    with step("Forgetting the demo's data"):
        Servers().remove()
        for folder in (LOGS, MAIL, VAR_DIR / "audit"):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (HALF_MADE, PEOPLE):
            file.unlink(missing_ok=True)
    print("\n`make demo` starts over.")


def port_must_be_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise Trouble(f"Port {port} is not yours to use; choose one above 1023: make demo PORT=8123") from None
        except (OSError, OverflowError):
            raise Trouble(f"Port {port} is taken; choose another one: make demo PORT={_another(port)}") from None


def _another(port: int) -> int:
    return port + 123 if port < 65000 else 8123


# --- Servers and data ---


@contextmanager
def servers() -> Iterator[bool]:
    """The servers that the environment names, else our own, stopped at the end unless somebody else uses them.

    Gives whether the database is our own.
    """
    if {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        yield False
        return
    own = Servers()
    try:
        with step("PostgreSQL and Valkey"):
            found = own.start().for_what_is_unnamed()
        os.environ.update(found)
        yield "DATABASE_URL" in found
    finally:
        _hear_no_more()
        own.leave()


def _prepare_tables(own: bool) -> None:
    """Migrate, unless the database is our own and no migration is new."""
    if "DATABASE_OWNER_URL" not in os.environ:
        raise Trouble("DATABASE_URL is set, so set DATABASE_OWNER_URL too: the role that makes the tables.")
    wanted = fingerprint_of_the_tables()
    made = TABLES.read_text() if TABLES.is_file() else ""
    if own and made == wanted:
        return
    with step("Tables"):
        _manage("migrate", "--verbosity=0", as_owner=True)
    if own:
        TABLES.write_text(wanted)


def _prepare_data() -> None:
    """Made once, day by day; a start that was stopped half-way through says so at the next one."""
    if HALF_MADE.exists():
        raise Trouble("Making the demo data was stopped half-way; start over with `make demo-reset`, then `make demo`.")
    if not _there_is_a_study():
        HALF_MADE.touch()
        with step("Demo data, made day by day (first time only)"):
            _manage("load_demo")
        HALF_MADE.unlink()


def _there_is_a_study() -> bool:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM trials_study)").fetchone()
    return bool(row and row[0])


def _manage(*command: str, as_owner: bool = False) -> None:
    role = {"RUNG_DATABASE_ROLE": "owner"} if as_owner else {}
    outcome = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=BASE_DIR, env={**os.environ, **role},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if outcome.returncode:
        LOGS.mkdir(parents=True, exist_ok=True)
        log = LOGS / f"{command[0]}.log"
        log.write_text(outcome.stdout)
        raise Trouble(f"`manage.py {command[0]}` failed; {log} says why, and `make demo-reset` starts over.")


# --- Processes ---


CELERY = (sys.executable, "-m", "celery", "--app=config.celery")
COMMANDS = {
    "web": (sys.executable, "-m", "gunicorn", "--config=config/gunicorn.py", "config.wsgi"),
    "worker": (*CELERY, "worker", "--concurrency=2", "--without-gossip", "--without-mingle", "--loglevel=INFO"),
    "beat": (*CELERY, "beat", "--scheduler=celery.beat:Scheduler", "--pidfile=", "--loglevel=INFO"),
}


class Processes:
    """Web, worker and beat, each with a log of its own."""

    def __init__(self, port: int) -> None:
        self.environment = {**os.environ, "BIND": f"127.0.0.1:{port}"}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        LOGS.mkdir(parents=True, exist_ok=True)

    def start(self, name: str) -> None:
        with open(LOGS / f"{name}.log", "ab") as log:
            # A session of its own: Ctrl-C reaches only this process, which then stops them in order.
            self.running[name] = subprocess.Popen(
                COMMANDS[name], cwd=BASE_DIR, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def must_all_run(self) -> None:
        """Raises Trouble where one has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise Trouble(f"The {name} process ended by itself; {LOGS / f'{name}.log'} says why. All is stopped.")

    def end(self) -> None:
        """Ask all of them to end, and insist where one does not."""
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self.running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def processes(port: int) -> Iterator[Processes]:
    """All that were started inside have ended at the end."""
    ours = Processes(port)
    try:
        yield ours
    finally:
        _hear_no_more()
        ours.end()


def _hear_no_more() -> None:
    """A second Ctrl-C while stopping must not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _wait_for_web(port: int, ours: Processes) -> None:
    deadline = time.monotonic() + WEB_SECONDS
    while not is_well(f"127.0.0.1:{port}", "localhost"):
        ours.must_all_run()
        if time.monotonic() > deadline:
            raise Trouble(f"The web server does not answer; {LOGS / 'web.log'} says why.")
        time.sleep(0.1)


def _stay(ours: Processes) -> None:
    while True:
        ours.must_all_run()
        time.sleep(0.5)


# --- What the person reads ---


def _greet(port: int) -> None:
    print(f"\nRung is at http://localhost:{port}\n")
    if PEOPLE.is_file():
        print(_who_can_sign_in())
    print(f"E-mails are written to {_short(MAIL)}, log lines to {_short(LOGS)}. Ctrl-C stops all of it.", flush=True)


def _who_can_sign_in() -> str:
    """The table that the demo data's maker left, as the sign-in page shows it too."""
    columns = ("username", "password", "name", "role")
    people: list[dict[str, str]] = json.loads(PEOPLE.read_text())
    widths = {column: max(len(person[column]) for person in people) for column in columns}
    lines = ("  ".join(person[column].ljust(widths[column]) for column in columns) for person in people)
    return "Sign in as one of these, who are all invented (name, password, person, role):\n\n" + "".join(
        f"  {line.rstrip()}\n" for line in lines
    )


def _short(path: Path) -> str:
    return f"{path.relative_to(BASE_DIR) if path.is_relative_to(BASE_DIR) else path}/"


if __name__ == "__main__":
    main()
