"""Tells a person at a terminal what is being done, how long it has taken, and that it is alive.

Needs nothing but Python itself: it is used before anything is installed.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 44
DOT_EVERY = 2.0


class Trouble(Exception):
    """Something that only the person can put right. The message is one sentence that says what to do."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print `name`, a sign of life while the block runs, and the seconds it took."""
    began = time.monotonic()
    print(f"  {name} ", end="", flush=True)
    done = threading.Event()
    alive = threading.Thread(target=_show_life, args=(name, began, done), daemon=True)
    alive.start()
    try:
        yield
    except BaseException:
        done.set()
        alive.join()
        print(_line(name, began, "stopped after"), flush=True)
        raise
    done.set()
    alive.join()
    print(_line(name, began), flush=True)


def _show_life(name: str, began: float, done: threading.Event) -> None:
    """The running seconds on a terminal; elsewhere, such as in a log, a dot every two seconds."""
    terminal = sys.stdout.isatty()
    while not done.wait(0.2 if terminal else DOT_EVERY):
        print(_line(name, began) if terminal else ".", end="", flush=True)


def _line(name: str, began: float, word: str = "") -> str:
    seconds = f"{word} {time.monotonic() - began:.1f} s".strip()
    if sys.stdout.isatty():
        return f"\r  {name:{WIDTH}} {seconds}\033[K"
    return f" {seconds}"
