"""Studies by other designs than the anti-MAG trial's, and whole cohorts treated in them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import User
from dosing.operations import go_live
from patients.models import Patient
from tests.cast import ANTI_MAG, DAY_ONE, moment
from tests.dosing.steps import as_if_committed, decide, on_treatment, window_closed, with_dlt
from trials.models import Study
from trials.operations import add_site, adopt_protocol
from trials.protocol_checks import read_study_file

DAY = dt.timedelta(days=1)
THREE_PLUS_THREE = {"name": "three_plus_three", "parameters": {"de_escalate": True, "complete_highest": True}}
THREES = {"maximum_patients": 18, "cohort_size": 3, "maximum_cohort_size": 3}


def definition_with(design: dict[str, Any], **escalation: int) -> dict[str, Any]:
    """The anti-MAG study file with another design: three levels, an expansion of eight."""
    definition, _ = read_study_file(ANTI_MAG.read_text())
    return {**definition, "design": design, "escalation": {**definition["escalation"], **escalation}}


def draft(definition: dict[str, Any]) -> Study:
    """As loaded, a rehearsal on DAY_ONE, with two sites."""
    by, at = User.objects.system(), moment(DAY_ONE)
    study = adopt_protocol(definition=definition, rehearsal_day=DAY_ONE, by=by, at=at).study
    add_site(study=study, code="A", name="Northfield", time_zone="America/New_York", by=by, at=at)
    add_site(study=study, code="B", name="Lindby", time_zone="Europe/Stockholm", by=by, at=at)
    return study


def live(definition: dict[str, Any]) -> Study:
    study = draft(definition)
    go_live(study=study, by=User.objects.system(), at=moment(DAY_ONE))
    return Study.objects.get(pk=study.pk)


def treat(study: Study, by: User, on: dt.date, outcomes: str, dlts_last: bool = False) -> tuple[list[Patient], dt.date]:
    """A cohort from registration to being evaluable, a patient a letter: N no DLT, T a DLT. Also the day after it.

    dlts_last: the DLTs are recorded when everybody else is evaluable, so that the safety stop sees the whole cohort.
    """
    patients, after = [on_treatment(study, by, on) for _ in outcomes], on + 28 * DAY
    ordered = sorted(zip(patients, outcomes, strict=True), key=lambda pair: (pair[1] == "T") is dlts_last)
    for patient, outcome in ordered:
        if outcome == "T":
            with_dlt(patient, by, on + 9 * DAY, after if dlts_last else None)
        else:
            window_closed(patient, by)
    return patients, after


def run(study: Study, by: User, cohorts: str, on: dt.date = DAY_ONE, size: int = 3) -> tuple[list[str], dt.date]:
    """Treat cohorts ("NNN NNT") and accept what is recommended after each: "escalate to 15 mg", "stop"; and the day."""
    answers = []
    for outcomes in cohorts.split():
        _, on = treat(study, by, on, outcomes)
        issued = decide(study, on, size=size).recommendation
        answers.append(said(issued.kind, issued.action, issued.level.label if issued.level else None))
        on += DAY
        as_if_committed()
    return answers, on


def said(kind: str, action: str, label: str | None) -> str:
    if kind == "mtd":
        return f"MTD {label}"
    return f"{action} {label}" if label else action
