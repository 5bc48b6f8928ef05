"""How long the dose-finding engine takes, and how much memory: `python -m tests.bench.engine`.

Every row runs in a process of its own, so that its peak memory is its own; "from nothing" means that no table and no
walk was kept from before. The limits are those that the workbench promises.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from dosing.engine import (
    BoinDesign,
    CrmDesign,
    DoseTally,
    ThreePlusThreeDesign,
    Timing,
    TiteBoinDesign,
    lookahead,
    operating_characteristics,
    simulate_trials,
)
from dosing.engine.exact import all_final_tallies
from dosing.engine.interval import kept_limits

TRUTH = [0.05, 0.15, 0.30, 0.45, 0.60]
COHORTS_OF_3 = BoinDesign(target=0.3, max_patients=30, cohort_size=3)
CRM = CrmDesign(target=0.3, max_patients=30, skeleton=(0.06, 0.14, 0.25, 0.38, 0.50))
TITE = TiteBoinDesign(target=0.3, max_patients=30)


def _thousand() -> list[list[float]]:
    return [[min(1.0, p * (0.5 + i / 1000)) for p in TRUTH] for i in range(1000)]


def _timed_tite() -> object:
    timing = Timing(window=28, accrual_rate=0.1)
    return simulate_trials(TITE, TRUTH, trials=10_000, seed=7, timing=timing)


ROWS: dict[str, tuple[str, float, Callable[[], object]]] = {
    "exact-5x10x3": (
        "exact, 5 doses, 10 cohorts of 3, from nothing",
        0.020,
        lambda: operating_characteristics(COHORTS_OF_3, [TRUTH]),
    ),
    "exact-1000": (
        "exact, 1,000 scenarios of it",
        1.0,
        lambda: operating_characteristics(COHORTS_OF_3, _thousand()),
    ),
    "exact-3x12": (
        "exact, 3 doses, 12 single patients, from nothing",
        0.010,
        lambda: operating_characteristics(BoinDesign(target=0.3, max_patients=12, cohort_size=1), [TRUTH[1:4]]),
    ),
    "exact-5x30": (
        "exact, 5 doses, 30 single patients, from nothing",
        2.0,
        lambda: operating_characteristics(BoinDesign(target=0.3, max_patients=30, cohort_size=1), [TRUTH]),
    ),
    "simulate": (
        "100,000 simulated trials, 5 doses, 10 cohorts of 3",
        1.0,
        lambda: simulate_trials(COHORTS_OF_3, TRUTH, trials=100_000, seed=7),
    ),
    "crm": (
        "exact CRM, 5 doses, 10 cohorts of 3, from nothing",
        1.0,
        lambda: operating_characteristics(CRM, [TRUTH]),
    ),
    "3+3": (
        "exact 3+3, 5 doses, from nothing",
        0.150,
        lambda: operating_characteristics(ThreePlusThreeDesign(), [TRUTH]),
    ),
    "tite": ("10,000 simulated trials of TITE-BOIN in time", 2.0, _timed_tite),
    "advise": (
        "advice with look-ahead over 2 pending patients",
        0.010,
        lambda: lookahead(COHORTS_OF_3, DoseTally((3, 4, 0), (0, 1, 0)), 2, (0, 2, 0)),
    ),
}


def _forget() -> None:
    all_final_tallies.cache_clear()
    kept_limits.cache_clear()


def measure(name: str, repeats: int = 7) -> dict[str, float]:
    """Median and largest seconds of `repeats` runs after one to warm up, and the process's peak memory in MB."""
    run = ROWS[name][2]
    run()
    taken = []
    for _ in range(repeats):
        _forget()
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return {"median": median(taken), "largest": max(taken), "peak": peak}


def main() -> None:
    """Print the table, with a word where a median is above its limit: figures to read, on a machine that is quiet."""
    print(f"{'':<52}{'median':>10}{'largest':>10}{'limit':>9}{'peak memory':>13}")
    for name, (title, limit, _) in ROWS.items():
        command = [sys.executable, "-m", "tests.bench.engine", name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        mark = "" if found["median"] <= limit else "  above"
        print(
            f"{title:<52}{1000 * found['median']:>7.1f} ms{1000 * found['largest']:>7.1f} ms"
            f"{1000 * limit:>6.0f} ms{found['peak']:>10.0f} MB{mark}"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
