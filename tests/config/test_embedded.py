"""The servers that come along: shared safely, stopped by the last, started again with what they held."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded import Addresses, CannotStart, Servers, redis_answers, run_roles_sql
from config.environment import BASE_DIR

USE_THEM = """
import sys
from pathlib import Path
from config.embedded import Servers
servers = Servers(Path(sys.argv[1]), durable=False)
print(servers.start().database_url, flush=True)
sys.stdin.read()
servers.leave()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "servers"
    Servers(tmp_path / "servers", durable=False).remove()


def another_user(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USE_THEM, str(folder)],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def address_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def is_up(addresses: Addresses) -> bool:
    try:
        psycopg.connect(addresses.database_url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_data_are_there_after_a_restart(folder: Path) -> None:
    servers = Servers(folder, durable=False)
    with psycopg.connect(servers.start().database_owner_url) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    servers.leave()
    with psycopg.connect(servers.start().database_url) as application:
        assert application.execute("SELECT answer FROM kept").fetchone() == (42,)
    servers.leave()


def test_several_that_start_at_once_share_one_server_and_the_last_one_stops_it(folder: Path) -> None:
    users = [another_user(folder) for _ in range(4)]
    addresses = {address_of(user) for user in users}
    assert len(addresses) == 1

    servers = Servers(folder, durable=False)
    mine = servers.start()
    for user in users[:3]:
        user.communicate("")
        assert is_up(mine)
    users[3].kill()
    users[3].wait()
    servers.leave()
    assert not is_up(mine)
    assert not redis_answers(mine.redis_url)


def test_they_are_not_removed_while_somebody_uses_them(folder: Path) -> None:
    user = another_user(folder)
    address_of(user)
    with pytest.raises(CannotStart, match="stop it first"):
        Servers(folder).remove()
    user.communicate("")


def test_a_stranger_cannot_sign_in_and_secrets_are_the_owners_alone(folder: Path) -> None:
    servers = Servers(folder, durable=False)
    addresses = servers.start()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(addresses.database_url.replace("rung_app:", "rung_app:not"))
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.glob("password-*"))
    servers.leave()


def test_a_server_that_does_not_start_is_told_in_one_sentence(folder: Path) -> None:
    servers = Servers(folder, durable=False)
    servers.start()
    servers.leave()
    (folder / "postgres" / "postgresql.conf").write_text("no such setting = 1\n")
    with pytest.raises(CannotStart, match=r"PostgreSQL did not start; .*postgres.log says why, and `make demo-reset`"):
        servers.start()


# --- The roles ---


def test_running_the_roles_again_changes_nothing(folder: Path) -> None:
    servers = Servers(folder, durable=False)
    addresses = servers.start()
    run_roles_sql(addresses.database_admin_url, "rung", {"RUNG_OWNER_PASSWORD": "other", "RUNG_APP_PASSWORD": "other"})
    assert is_up(addresses)
    servers.leave()


def test_what_the_roles_may_do(folder: Path) -> None:
    servers = Servers(folder, durable=False)
    addresses = servers.start()
    with psycopg.connect(addresses.database_admin_url) as admin:
        rows = admin.execute(
            "SELECT rolname, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication"
            " FROM pg_roles WHERE rolname LIKE 'rung%' ORDER BY rolname"
        ).fetchall()
    assert rows == [("rung_app", True, False), ("rung_audit", False, False), ("rung_owner", True, False)]
    with psycopg.connect(addresses.database_url, autocommit=True) as application:
        for forbidden in (
            "SET ROLE rung_audit",
            "SET ROLE rung_owner",
            "CREATE TABLE mine (id int)",
            "CREATE SCHEMA s",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(forbidden)
    servers.leave()


# --- Which servers a command uses ---


@pytest.mark.parametrize("named", [{"DATABASE_URL": "postgresql://theirs/rung"}, {"REDIS_URL": "redis://theirs"}, {}])
def test_a_server_that_is_named_goes_first(monkeypatch: pytest.MonkeyPatch, named: dict[str, str]) -> None:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    ours = Addresses("ours", "ours", "ours", "ours").for_what_is_unnamed()
    assert not ours.keys() & os.environ.keys()
    assert ("DATABASE_OWNER_URL" in ours) == ("DATABASE_URL" not in named)
    assert ("REDIS_URL" in ours) == ("REDIS_URL" not in named)
