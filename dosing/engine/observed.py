"""What was seen at each dose, without a model: the share with a DLT and its exact interval.

Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of the binomial.
Biometrika 1934;26:404-413.
"""

from __future__ import annotations

from scipy.special import betaincinv

from dosing.engine.tally import DoseTally

Interval = tuple[float, float]


def exact_interval(n: int, y: int, level: float = 0.95) -> Interval:
    """The exact confidence interval of a probability after y of n."""
    tail = (1 - level) / 2
    lower = 0.0 if y == 0 else float(betaincinv(y, n - y + 1, tail))
    upper = 1.0 if y == n else float(betaincinv(y + 1, n - y, 1 - tail))
    return lower, upper


def shares(tally: DoseTally) -> tuple[tuple[float | None, ...], tuple[Interval | None, ...]]:
    """Per dose the share with a DLT and its exact 95 % interval; None where nobody was treated."""
    seen = list(zip(tally.treated, tally.dlts, strict=True))
    return (
        tuple(y / n if n else None for n, y in seen),
        tuple(exact_interval(n, y) if n else None for n, y in seen),
    )
