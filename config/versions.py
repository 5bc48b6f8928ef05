"""Which Rung this is: what a backup, a qualification and a run of the tests say of themselves."""

import platform
import subprocess
import tomllib
from importlib.metadata import version

from config.environment import BASE_DIR


def rung_version() -> str:
    """The release, as pyproject.toml says."""
    return str(tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"])


def revision() -> str:
    """The commit that is checked out, `+changes` where files differ from it; empty where this is no checkout."""
    if not (BASE_DIR / ".git").exists():
        return ""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return f"{commit}+changes" if _git("status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*arguments: str) -> str:
    outcome = subprocess.run(["git", *arguments], cwd=BASE_DIR, capture_output=True, text=True, check=True)  # noqa: S607
    return outcome.stdout.strip()


def program_versions() -> dict[str, str]:
    """Name → version of what needs no database to be asked: Rung, its engine, Python, Django."""
    from dosing.engine import ENGINE_VERSION

    return {
        "Rung": f"{rung_version()} ({commit})" if (commit := revision()) else rung_version(),
        "Dose-finding engine": ENGINE_VERSION,
        "Python": platform.python_version(),
        "Django": version("django"),
    }
