"""The ladder, the path, accrual over time and the isotonic curve of a study: from the tally to what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from dosing.accrual import Accrual, draw_accrual
from dosing.conclusion import design_of
from dosing.dots import Dot, DotStatus
from dosing.ladder import Ladder, Rung, draw_ladder
from dosing.path import Path, Step, draw_path
from dosing.queries.reader import Reader
from dosing.queries.shown import levels_table
from dosing.queries.tally import TrialTally, level_of
from patients.evaluability import PatientStanding, Standing
from patients.models import Patient
from trials.access import StudyPage
from trials.clock import day_of
from trials.permissions import Permission

STATUS = {
    Standing.EVALUABLE_DLT: DotStatus.DLT,
    Standing.EVALUABLE_NO_DLT: DotStatus.NO_DLT,
    Standing.PENDING: DotStatus.PENDING,
    Standing.NOT_EVALUABLE: DotStatus.NOT_EVALUABLE,
}
UrlOf = Callable[[Patient], str]


def patient_urls(page: StudyPage) -> UrlOf:
    """The address of a patient's page, empty for one whom the reader may not open."""

    def url_of(patient: Patient) -> str:
        if not page.may(Permission.VIEW_PATIENTS, patient.site):
            return ""
        return reverse("labs:patient", args=[page.study.key, patient.code])

    return url_of


def ladder_of(tally: TrialTally, inputs: dict[str, Any], url_of: UrlOf, reader: Reader) -> Ladder:
    """inputs: of a recommendation, as they are now; the estimates are made of them."""
    design = design_of(inputs)
    estimates = {row["level"]: row for row in levels_table(inputs)}
    rungs = [
        Rung(
            ordinal=level.ordinal,
            label=level.label,
            dots=_dots_at(tally, level.ordinal, url_of, reader),
            current=level.ordinal == inputs["current_dose"],
            closed=level.closed_at is not None,
            estimate=estimates[level.ordinal]["estimate"],
            interval=estimates[level.ordinal]["interval"],
        )
        for level in tally.levels
    ]
    low, high = getattr(design, "escalation_boundary", None), getattr(design, "de_escalation_boundary", None)
    band = (low, high) if low is not None and high is not None else None
    counts_only = not design.estimates_toxicity
    target = None if counts_only else design.target
    return draw_ladder(rungs, target=target, boundaries=band, counts_only=counts_only)


def path_of(tally: TrialTally, url_of: UrlOf, reader: Reader) -> Path:
    steps = [Step(ordinal=level_of(s).ordinal, dot=_dot(s, url_of, reader)) for s in tally.standings]
    return draw_path(steps, levels=[(level.ordinal, level.label) for level in tally.levels])


def accrual_of(tally: TrialTally) -> Accrual | None:
    """Registrations over time; None before the first."""
    days = [
        day_of(s.patient.registered_at, s.patient.site.time_zone) for s in tally.standings if s.patient.registered_at
    ]
    if not days or not tally.cohorts:
        return None
    zone = tally.study.time_zone
    return draw_accrual(
        days,
        start=day_of(tally.cohorts[0].opened_at, zone),
        today=day_of(tally.moment, zone),
        planned=sum(p.planned_patients for p in tally.parts if p.opened_at is not None),
    )


def _dots_at(tally: TrialTally, ordinal: int, url_of: UrlOf, reader: Reader) -> tuple[Dot, ...]:
    people = [_dot(s, url_of, reader) for s in tally.standings if level_of(s).ordinal == ordinal]
    cohort = tally.open_cohort
    if cohort is None or cohort.level.ordinal != ordinal:
        return tuple(people)
    held = {slot.pk for slot in tally.reserved_slots}
    places = [DotStatus.RESERVED if slot.pk in held else DotStatus.OPEN for slot in tally.free_slots]
    return (*people, *(Dot(status=status) for status in places))


def _dot(standing: PatientStanding, url_of: UrlOf, reader: Reader) -> Dot:
    status = STATUS[Standing(standing.standing)]
    elapsed = standing.fraction if status is DotStatus.PENDING else None
    code = reader.text(standing.patient.code)
    return Dot(status=status, code=code, elapsed=elapsed, url=url_of(standing.patient))
