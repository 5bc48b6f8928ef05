"""Outcomes in the field's notation: "1NNN 2NTN" is three patients at dose 1 without, three at dose 2 with one DLT."""

from dosing.engine import DoseTally


def tally_of(outcomes: str, doses: int) -> tuple[DoseTally, int]:
    """The tally, and the dose of the last cohort."""
    tally, current = DoseTally.empty(doses), 1
    for cohort in outcomes.split():
        current = int(cohort[0])
        tally = tally.after_cohort(current, len(cohort) - 1, cohort.count("T"))
    return tally, current
