"""How fast audited writes are, and how long 1,000,000 entries take to verify: `python -m tests.bench.audit [entries]`.

Each write is a transaction of its own: actor and reason told, one row changed, committed. The server's disk flushes are
off, as in the tests, so that what is compared is the work and not the disk.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import django
import psycopg
from psycopg import sql

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
django.setup()

from audit.ddl import AuditTable  # noqa: E402
from config.environment import BASE_DIR  # noqa: E402
from tests import databases  # noqa: E402
from tests.databases import Database  # noqa: E402
from tests.settings import addresses, servers  # noqa: E402

ENTRIES = 1_000_000
SECONDS = 4.0
WAYS = (("1 writer", 1, 1), ("8 writers, one study", 8, 1), ("8 writers, 8 studies", 8, 8))
# A row as wide as an adverse event's.
TABLE = """
    CREATE TABLE bench_row (id bigint PRIMARY KEY, study_id bigint NOT NULL, patient_id bigint, term text, detail text,
        grade int, onset_on date, resolved_on date, serious boolean, recorded_at timestamptz, recorded_by_id bigint);
    INSERT INTO bench_row SELECT n, 1 + n % 8, n, 'Fatigue', '', 2, '2026-01-13', null, false, now(), 1
        FROM generate_series(1, 64) n;
"""
TELL = (
    "SELECT set_config('rung.actor_id', '1', true), set_config('rung.actor_name', 'bench', true),"
    " set_config('rung.reason', 'measuring', true)"
)
CHAIN = """
DO $$
DECLARE e audit.entry; before text := {before};
BEGIN
    e.study_id := 999; e.operation := 'UPDATE'; e.table_name := 'bench_row'; e.row_id := '1'; e.patient_id := 1;
    e.actor_id := '1'; e.actor_name := 'bench'; e.reason := 'measuring'; e.request_id := repeat('0', 32);
    e.client_address := '192.0.2.1'; e.session_role := 'rung_app'; e.old := {row}; e.new := {row};
    FOR n IN {first}..{last} LOOP
        e.position := n; e.at := clock_timestamp(); e.previous_hash := before;
        before := audit.digest(e);
        INSERT INTO audit.entry (study_id, position, at, operation, table_name, row_id, patient_id, old, new, actor_id,
            actor_name, reason, request_id, client_address, session_role, previous_hash, hash)
        VALUES (999, n, e.at, e.operation, e.table_name, e.row_id, e.patient_id, e.old, e.new, e.actor_id,
            e.actor_name, e.reason, e.request_id, e.client_address, e.session_role, e.previous_hash, before);
    END LOOP;
    INSERT INTO audit.chain VALUES (999, {last}, before)
        ON CONFLICT (study_id) DO UPDATE SET entries = excluded.entries, head = excluded.head;
END $$
"""


def main() -> None:
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    with databases.clone(addresses, databases.template(servers, addresses)) as database:
        print("audited writes a second", flush=True)
        for line in measured_writes(database):
            print(line, flush=True)
        print(f"\nverifying {entries:,} entries", flush=True)
        for line in measured_verification(database, entries):
            print(line, flush=True)


def measured_writes(database: Database) -> list[str]:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(TABLE)
        without = [_writes(database, *way[1:]) for way in WAYS]
        owner.execute(str(AuditTable("bench_row").sql))
        audited = [_writes(database, *way[1:]) for way in WAYS]
    lines = [f"{'':24}{'without trigger':>18}{'with trigger':>15}{'ratio':>8}"]
    for (name, _, _), one, two in zip(WAYS, without, audited, strict=True):
        lines.append(f"{name:24}{one:18,.0f}{two:15,.0f}{one / two:8.2f}")
    return lines


def _writes(database: Database, writers: int, studies: int) -> float:
    """Writes a second of so many writers, each on rows of its own; rows 8, 16, 24 … are of study 1."""
    until = time.perf_counter() + SECONDS
    counts = [0] * writers

    def write(number: int) -> None:
        row = 8 * (number + 1) if studies == 1 else number + 1
        with psycopg.connect(database.url) as connection:
            while time.perf_counter() < until:
                with connection.transaction():
                    connection.execute(TELL)
                    connection.execute("UPDATE bench_row SET detail = %s WHERE id = %s", [str(counts[number]), row])
                counts[number] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def measured_verification(database: Database, entries: int) -> list[str]:
    start = time.perf_counter()
    _make_chain(database, entries)
    lines = [f"made by the database's owner in {time.perf_counter() - start:.0f} s"]
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "export.zip"
        online = [sys.executable, "manage.py", "verify_audit", "--chains-only"]
        lines.append(_timed("online, verify_audit", online, database, entries))
        export = [sys.executable, "manage.py", "export_audit", str(exported)]
        lines.append(_timed("export_audit", export, database, entries))
        lines.append(f"{'':24}{exported.stat().st_size / 1e6:10.0f} MB")
        zipfile.ZipFile(exported).extract("verify.py", folder)
        offline = [sys.executable, "-I", "-S", f"{folder}/verify.py", str(exported)]
        lines.append(_timed("offline, verify.py", offline, database, entries))
    return lines


def _make_chain(database: Database, entries: int) -> None:
    """A valid chain, put in past the trigger: a hundred thousand entries a transaction."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        row = owner.execute("SELECT to_jsonb(b)::text FROM bench_row b WHERE id = 8").fetchone()
        assert row is not None
        owner.execute("SET ROLE rung_audit")
        before = "0" * 64
        for first in range(1, entries + 1, 100_000):
            told = {"before": before, "row": row[0], "first": first, "last": min(first + 99_999, entries)}
            owner.execute(sql.SQL(CHAIN).format(**told))
            found = owner.execute("SELECT head FROM audit.chain WHERE study_id = 999").fetchone()
            assert found is not None
            before = found[0]
        owner.execute("RESET ROLE")
    with psycopg.connect(database.admin_url, dbname=database.name, autocommit=True) as admin:
        admin.execute("VACUUM ANALYZE audit.entry")


def _timed(name: str, command: list[str], database: Database, entries: int) -> str:
    """Seconds, entries a second and the process's peak memory."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=BASE_DIR, env=database.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0
    while process.poll() is None:
        peak = _peak(process.pid) or peak
        time.sleep(0.05)
    took = time.perf_counter() - start
    outcome = "" if process.returncode == 0 else "  FAILED"
    return f"{name:24}{took:8.1f} s{entries / took:14,.0f} a second{peak / 1024:8.0f} MB at most{outcome}"


def _peak(pid: int) -> int:
    """A running process's peak memory in kB, where the system tells it (Linux)."""
    try:
        told = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in told.splitlines() if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    main()
