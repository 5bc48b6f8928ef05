"""Infusions on the patient's time line: those recorded, and those planned in cycles that have started."""

from collections.abc import Iterator

from labs.patient_case import PatientCase
from labs.patient_doses import infusion_row, infusions_of
from labs.timeline_entry import FIRM, PAST, Entry


def infusion_entries(case: PatientCase) -> Iterator[Entry]:
    for infusion in infusions_of(case):
        if infusion.interrupted and infusion.recorded is None:
            continue  # the interruption says it
        row = infusion_row(case, infusion)
        recorded = infusion.recorded
        day = recorded.given_on if recorded is not None and recorded.given_on is not None else infusion.planned_on
        protocol = case.protocol_of_cycle(infusion.cycle)
        name = protocol.agent(infusion.dose.agent).name
        chip, kind = ("", "") if row.chip == "given" else (row.chip, row.chip_kind)
        detail = f"{infusion.day_words(protocol)} · {row.detail}"
        yield Entry(day, "dose", f"{name}, {row.amount}", PAST if recorded else FIRM, detail, row.url, chip, kind)
