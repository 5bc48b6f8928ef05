"""`make demo` as a person meets it: it starts, says where it is, and stops with everything that it started."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.demo import port_must_be_free
from config.embedded import free_port
from config.environment import BASE_DIR
from config.progress import Trouble

NAMED = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PUBLIC_URL")


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"


def start(var: Path, port: int) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in NAMED}
    return subprocess.Popen(
        [sys.executable, "-m", "config.demo", "run", "--empty", "--port", str(port)],
        cwd=BASE_DIR,
        env={**environment, "RUNG_VAR_DIR": str(var)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(demo: subprocess.Popen[str], words: str) -> str:
    assert demo.stdout is not None
    said = ""
    for line in demo.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"The demo ended without saying {words!r}:\n{said}")


def processes_using(var: Path) -> list[str]:
    """Command lines of running processes that name the folder or were told of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(var) in (process / "environ").read_text() + (process / "cmdline").read_text():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        yield somebody.getsockname()[1]


@pytest.mark.slow
def test_it_starts_serves_stops_and_starts_again(var: Path) -> None:
    port = free_port()
    demo = start(var, port)
    said = read_until(demo, "Ctrl-C stops all of it")
    assert f"Rung is at http://localhost:{port}" in said
    assert "Tables" in said
    with urllib.request.urlopen(f"http://localhost:{port}/sign-in/") as page:
        assert page.status == 200
    demo.send_signal(signal.SIGINT)
    assert demo.wait(120) == 0
    if Path("/proc").exists():
        assert processes_using(var) == []

    demo = start(var, port)
    assert "Tables" not in read_until(demo, "Ctrl-C stops all of it"), "what the first start made is made once"
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(120) == 0


def test_a_taken_port_gets_one_sentence(var: Path, taken_port: int) -> None:
    demo = start(var, taken_port)
    said, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert said.strip() == f"Port {taken_port} is taken; choose another one: make demo PORT={taken_port + 123}"


def test_a_port_that_is_no_port_gets_one_sentence() -> None:
    with pytest.raises(Trouble, match="choose another one: make demo PORT=8123"):
        port_must_be_free(70000)


def test_a_folder_that_cannot_be_written_gets_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    demo = start(tmp_path / "file" / "var", free_port())
    said, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert said.strip().startswith(f"The folder {tmp_path}/file/var can't be written; copy Rung into one of your own")
