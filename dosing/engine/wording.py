"""The sentences in which advice gives its reason."""

from __future__ import annotations

from dosing.engine.advice import Action

MOVES = {
    Action.ESCALATE: "escalate to",
    Action.STAY: "stay at",
    Action.DE_ESCALATE: "de-escalate to",
}


def seen(n: int, y: int) -> str:
    """2 of 6 had a DLT."""
    return f"{y} of {n} had a DLT"


def patients(count: int) -> str:
    """1 patient, 2 patients."""
    return "1 patient" if count == 1 else f"{count} patients"


def probability_as_given(value: float) -> str:
    """A probability as somebody wrote it: with two decimals, or up to four where it has them (0.30, 0.175, 0.3333)."""
    whole, decimals = f"{value:.4f}".split(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def _order(left: float, right: float) -> int:
    return (left > right) - (left < right)


def rate(n: int, y: int, *limits: float) -> str:
    """y / n with as few decimals, from two on, as keep it visibly on its side of limits shown with three."""
    exact = y / n
    for decimals in range(2, 6):
        shown = float(f"{exact:.{decimals}f}")
        if all(_order(shown, float(f"{limit:.3f}")) == _order(exact, limit) for limit in limits):
            return f"{exact:.{decimals}f}"
    return f"{exact:.6f}"


def probability(value: float, cutoff: float) -> str:
    """A probability with two decimals, or as many as show on which side of the cut-off it is."""
    for decimals in range(2, 6):
        shown = f"{value:.{decimals}f}"
        if _order(float(shown), cutoff) == _order(value, cutoff):
            return shown
    return f"{value:.6f}"
