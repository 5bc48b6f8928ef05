"""Where settings come from: the environment, then a `.env` file beside manage.py; the environment goes first."""

import hashlib
import os
import secrets
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("RUNG_VAR_DIR") or BASE_DIR / "var")

WHAT_MAKES_THE_TABLES = (
    "*/migrations/*.py",
    "*/migrations/*.sql",
    "audit/ddl.py",
    "config/roles.sql",
    "requirements.lock",
)


def fingerprint_of_the_tables() -> str:
    """Changes whenever `manage.py migrate` on an empty database would make anything else than before."""
    whole = hashlib.sha256()
    for path in sorted(path for pattern in WHAT_MAKES_THE_TABLES for path in BASE_DIR.glob(pattern)):
        whole.update(str(path.relative_to(BASE_DIR)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()[:16]


def load_dot_env() -> None:
    """Add what `.env` says to the environment, leaving alone what is there already. For the owner `.env.owner` too."""
    owner = os.environ.get("RUNG_DATABASE_ROLE") == "owner"
    for name in [".env.owner", ".env"] if owner else [".env"]:
        if (BASE_DIR / name).is_file():
            environ.Env.read_env(BASE_DIR / name)


def admin_url() -> str:
    """The server's administrator, named for one command at a time (`restore`); empty everywhere else."""
    load_dot_env()
    return os.environ.get("DATABASE_ADMIN_URL", "")


def kept_secret(path: Path) -> str:
    """A random text that is made at the first call and read from `path` (mode 0600) ever after.

    Safe when several processes make the first call at once: all of them get the same text.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(draft, path)  # fails, unlike a rename, where another process was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
