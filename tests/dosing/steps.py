"""Steps of a trial, by the operations: a patient treated to the end of the DLT window, a decision made and signed."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from accounts.models import User
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation, propose_decision, sign_decision
from patients.evaluability import planned_in_window
from patients.models import AdverseEvent, Patient
from patients.operations.assessments import assess_window
from patients.operations.events import record_adverse_event
from patients.schedule import dlt_window
from tests.cast import DAY_ONE, PASSWORD, moment
from tests.patients.steps import again, registered, start, treated
from trials.models import Membership, Role, Study

WINDOW = dt.timedelta(days=28)


def on_treatment(study: Study, by: User, on: dt.date, site: str = "A") -> Patient:
    """Registered and in the DLT window since `on`."""
    patient = registered(study.sites.get(code=site), by, on)
    start(patient, on, by)
    return again(patient)


def with_dlt(patient: Patient, by: User, on: dt.date, recorded_on: dt.date | None = None) -> AdverseEvent:
    """A DLT that begins on a day, recorded that day unless said otherwise."""
    return record_adverse_event(
        patient=patient,
        term="Febrile neutropenia",
        grade=3,
        onset_on=on,
        relations={"lenalidomide": "probable", "dexamethasone": "unrelated"},
        is_dlt=True,
        by=by,
        at=moment(recorded_on or on),
    )


def window_closed(patient: Patient, by: User, share: float = 1.0) -> dt.date:
    """The window's end assessed the day after it, with a share of the planned doses taken. Returns that day."""
    patient = again(patient)
    window = dlt_window(patient, list(patient.cycles.all()))
    assert window is not None
    after = window[1] + dt.timedelta(days=1)
    planned = len(planned_in_window(patient, window))
    assess_window(patient=patient, taken=int(planned * share), by=by, at=moment(after))
    return after


def evaluated(study: Study, by: User, on: dt.date, dlt: bool = False) -> tuple[Patient, dt.date]:
    """A patient from registration to being evaluable; also the day on which that is so."""
    patient = on_treatment(study, by, on)
    if dlt:
        onset = on + dt.timedelta(days=9)
        with_dlt(patient, by, onset)
        return again(patient), onset
    return again(patient), window_closed(patient, by)


def signer(study: Study, role: str) -> User:
    return Membership.objects.in_force().select_related("user").get(study=study, role=role, site=None).user


def decide(
    study: Study,
    on: dt.date,
    choice: Decision.Choice = Decision.Choice.ACCEPT,
    size: int = 1,
    level: int | None = None,
    comment: str = "",
) -> Decision:
    """Issue, propose and sign with every role asked for, all on one day."""
    pi, at = signer(study, Role.PRINCIPAL_INVESTIGATOR), moment(on)
    issued = issue_recommendation(study=study, by=pi, at=at)
    return sign_all(propose(issued, on, choice, size, level, comment), on)


def propose(
    recommendation: Recommendation,
    on: dt.date,
    choice: Decision.Choice = Decision.Choice.ACCEPT,
    size: int = 1,
    level: int | None = None,
    comment: str = "",
) -> Decision:
    study = recommendation.study
    return propose_decision(
        recommendation=recommendation,
        choice=choice,
        level=study.levels.get(ordinal=level) if level else None,
        cohort_size=size,
        comment=comment,
        by=signer(study, Role.PRINCIPAL_INVESTIGATOR),
        at=moment(on),
    )


def sign_all(decision: Decision, on: dt.date) -> Decision:
    for role in decision.roles_required:
        decision = sign_as(decision, role, on)
    as_if_committed()
    return decision


def as_if_committed() -> None:
    """Let the database ask now what it asks at the end of a transaction, the interlock above all."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def sign_as(decision: Decision, role: str, on: dt.date) -> Decision:
    by = signer(decision.study, role)
    return sign_decision(decision=decision, role=role, password=PASSWORD, by=by, at=moment(on))


def walk(study: Study, by: User, pattern: str, start_on: dt.date = DAY_ONE) -> dt.date:
    """Run a trial in cohorts of one, a patient a letter: N no DLT, T a DLT; every recommendation is accepted.

    Returns the day after the last decision. Leaves the study after that decision.
    """
    on = start_on
    for letter in pattern:
        _, on = evaluated(study, by, on, dlt=letter == "T")
        decide(study, on)
        on += dt.timedelta(days=1)
    return on


__all__ = [
    "again",
    "decide",
    "evaluated",
    "on_treatment",
    "propose",
    "registered",
    "sign_all",
    "sign_as",
    "treated",
    "walk",
]
