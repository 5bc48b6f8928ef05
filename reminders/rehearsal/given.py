"""Height and weight, and infusions: each given on its planned day, as it is computed."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial

from accounts.models import User
from patients import schedule
from patients.evaluability import planned_in_window
from patients.infusions import PlannedInfusion, planned_infusions, to_give
from patients.models import Cycle, Patient
from patients.operations import record_administration, record_measurement, record_not_given
from reminders.rehearsal.course import Body, Course
from reminders.rehearsal.tasks import Task
from reminders.rehearsal.visits import registered_on

TENTH = Decimal("0.1")
LIGHTEST_KG = Decimal(40)


def measurements(patient: Patient, course: Course, cycles: Sequence[Cycle], by: User) -> Iterator[Task]:
    """At registration and as each cycle starts, where a dose follows from height or weight."""
    if not schedule.protocol_of(patient).by_body_size:
        return
    known = {row.measured_on for row in patient.measurements.all()}
    for count, on in enumerate([registered_on(patient), *(cycle.started_on for cycle in cycles)]):
        if on not in known:
            known.add(on)
            yield _measured(patient, course.body, on, count, by)


def infusions(patient: Patient, course: Course, cycles: Sequence[Cycle], by: User) -> Iterator[Task]:
    """The next one of each agent: what is given after it depends on it."""
    seen: set[str] = set()
    left_out = _left_out(patient, course, cycles)
    for infusion in planned_infusions(patient, cycles):
        agent, on = infusion.dose.agent, infusion.planned_on
        if agent in seen or not infusion.open:
            continue
        seen.add(agent)
        if (agent, on) in left_out:
            reason = "The patient did not come"
            yield Task(on, partial(record_not_given, patient=patient, agent=agent, planned_on=on, reason=reason, by=by))
        else:
            yield _given(patient, course.body, cycles, infusion, by)


def _given(patient: Patient, body: Body, cycles: Sequence[Cycle], infusion: PlannedInfusion, by: User) -> Task:
    """The infusion; height and weight before it, where they are missing or out of date."""
    on, dose = infusion.planned_on, to_give(patient, infusion, infusion.planned_on)
    if dose.amount is None or dose.out_of_date:
        return _measured(patient, body, on, len(cycles), by)
    return Task(
        on,
        partial(
            record_administration,
            patient=patient,
            agent=dose.agent,
            planned_on=on,
            given_on=on,
            given_amount=dose.amount,
            by=by,
        ),
        plain=True,
    )


def _measured(patient: Patient, body: Body, on: dt.date, cycles_before: int, by: User) -> Task:
    weight = Decimal(str(body.weight_kg + body.change_kg * cycles_before)).quantize(TENTH)
    height = Decimal(str(body.height_cm)).quantize(TENTH)
    weighed = max(weight, LIGHTEST_KG)
    return Task(
        on,
        partial(record_measurement, patient=patient, measured_on=on, height_cm=height, weight_kg=weighed, by=by),
    )


def _left_out(patient: Patient, course: Course, cycles: Sequence[Cycle]) -> set[tuple[str, dt.date]]:
    """The last infusions of the DLT window, where the patient takes fewer than planned of the agent that counts."""
    window = schedule.dlt_window(patient, cycles)
    if window is None or course.taken is None:
        return set()
    agent = schedule.protocol_of(patient).dlt.minimum_exposure.agent
    return {(agent, day) for day in sorted(planned_in_window(patient, window))[course.taken :]}
