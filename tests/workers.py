"""Real workers on a test's own database and Valkey, to be killed without warning."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import Celery

from config.environment import BASE_DIR
from tests.databases import Database

PATIENCE = 90


class Workers:
    """Starts workers, each with one process at work, and kills them by signal 9. folder: where they write their log."""

    def __init__(self, database: Database, redis_url: str, folder: Path) -> None:
        self.database, self.redis_url, self.folder = database, redis_url, folder
        self.app = Celery(broker=redis_url)
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "--app=config.celery", "worker", "--concurrency=1"]
        ours = {**self.database.environment, "REDIS_URL": self.redis_url, "PYTHONPATH": str(BASE_DIR), **environment}
        with (self.folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(command, cwd=BASE_DIR, env=ours, stdout=log, stderr=log, start_new_session=True)
        self.running.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """The whole worker with its pool at once, by signal 9."""
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself, and `until` says why
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        self.running.remove(worker)

    def kill_all(self) -> None:
        for worker in list(self.running):
            self.kill(worker)

    def ask(self, task: str, *ids: int) -> None:
        self.app.send_task(task, ids)

    def log(self) -> str:
        path = self.folder / "worker.log"
        return path.read_text()[-4000:] if path.exists() else ""

    def until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.log()
            assert all(worker.poll() is None for worker in self.running), self.log()
            time.sleep(0.1)
