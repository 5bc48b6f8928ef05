"""Signers at the same moment, and a DLT while somebody signs: over real connections, each committing."""

import datetime as dt
import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from accounts.errors import CannotSign
from accounts.models import Signature, User
from dosing.models import Decision
from dosing.operations import issue_recommendation, sign_decision
from dosing.queries import inputs_changed_since_signing
from dosing.queries.replay import replay
from patients.models import Patient
from patients.operations.events import record_adverse_event
from tests.cast import DAY_ONE, PASSWORD, moment
from tests.databases import Database
from tests.dosing.steps import evaluated, propose, sign_as
from trials.errors import Refused
from trials.models import Study

ROLES = ("principal_investigator", "medical_monitor")


@pytest.fixture
def waiting(own_database: Database, request: pytest.FixtureRequest) -> tuple[Decision, dt.date]:
    """'Escalate to 15 mg', proposed; nobody has signed."""
    study: Study = request.getfixturevalue("study")
    pi: User = request.getfixturevalue("pi")
    request.getfixturevalue("medical_monitor")
    _, on = evaluated(study, request.getfixturevalue("coordinator_a"), DAY_ONE)
    return propose(issue_recommendation(study=study, by=pi, at=moment(on)), on), on


class Together:
    """Runs calls at once, each on a connection of its own, and keeps what they answered."""

    def __init__(self) -> None:
        self.answers: list[str] = []

    def run(self, *calls: Callable[[], object]) -> list[str]:
        barrier = threading.Barrier(len(calls))
        threads = [threading.Thread(target=self._one, args=[call, barrier]) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(self.answers)

    def _one(self, call: Callable[[], object], barrier: threading.Barrier) -> None:
        try:
            barrier.wait()
            call()
            self.answers.append("done")
        except (Refused, CannotSign) as refused:
            self.answers.append(refused.code)
        finally:
            connection.close()


def sign(decision: Decision, by: User, role: str, on: dt.date) -> Callable[[], object]:
    return lambda: sign_decision(decision=decision, role=role, password=PASSWORD, by=by, at=moment(on))


def record_dlt(patient: Patient, by: User, on: dt.date) -> object:
    return record_adverse_event(
        patient=patient,
        term="Febrile neutropenia",
        grade=3,
        onset_on=DAY_ONE + dt.timedelta(days=14),
        relations={"lenalidomide": "probable", "dexamethasone": "unrelated"},
        is_dlt=True,
        by=by,
        at=moment(on),
    )


def test_two_signers_at_once_open_one_cohort(
    waiting: tuple[Decision, dt.date], study: Study, pi: User, medical_monitor: User
) -> None:
    decision, on = waiting
    signers = zip((pi, medical_monitor), ROLES, strict=True)
    answers = Together().run(*(sign(decision, by, role, on) for by, role in signers))
    assert answers == ["done", "done"]
    decision.refresh_from_db()
    assert decision.status == Decision.Status.SIGNED
    assert Signature.objects.count() == 2
    assert study.cohorts.count() == 2
    assert study.cohorts.get(number=2) == decision.opened_cohort


def test_of_twenty_signatures_of_one_role_one_is_given(
    waiting: tuple[Decision, dt.date], study: Study, pi: User
) -> None:
    decision, on = waiting
    answers = Together().run(*(sign(decision, pi, ROLES[0], on) for _ in range(20)))
    assert answers == ["already-signed"] * 19 + ["done"]
    assert Signature.objects.count() == 1
    assert study.cohorts.count() == 1


def test_of_twenty_last_signatures_one_takes_effect(
    waiting: tuple[Decision, dt.date], study: Study, medical_monitor: User
) -> None:
    decision, on = waiting
    sign_as(decision, ROLES[0], on)
    answers = Together().run(*(sign(decision, medical_monitor, ROLES[1], on) for _ in range(20)))
    assert answers == ["already-signed"] * 19 + ["done"]
    assert study.cohorts.count() == 2


def test_a_dlt_and_the_last_signature_at_once_leave_a_consistent_study(
    waiting: tuple[Decision, dt.date], study: Study, medical_monitor: User, coordinator_a: User
) -> None:
    decision, on = waiting
    sign_as(decision, ROLES[0], on)
    patient = study.patients.get()
    answers = Together().run(
        sign(decision, medical_monitor, ROLES[1], on), lambda: record_dlt(patient, coordinator_a, on)
    )
    decision.refresh_from_db()
    if answers == ["done", "done"]:
        signed_before_the_dlt(decision, study, on)
    else:
        assert answers == ["data-changed", "done"]
        refused_after_the_dlt(decision, study)
    assert replay(study) == []


def test_a_signature_that_waits_for_a_dlt_to_be_recorded_is_refused(
    waiting: tuple[Decision, dt.date], study: Study, medical_monitor: User, coordinator_a: User
) -> None:
    decision, on = waiting
    sign_as(decision, ROLES[0], on)
    together = Together()
    with transaction.atomic():
        record_dlt(study.patients.get(), coordinator_a, on)
        signing = in_the_background(together, sign(decision, medical_monitor, ROLES[1], on))
    signing.join()
    assert together.answers == ["data-changed"]
    decision.refresh_from_db()
    refused_after_the_dlt(decision, study)


def test_a_dlt_that_waits_for_the_last_signature_marks_the_decision(
    waiting: tuple[Decision, dt.date], study: Study, medical_monitor: User, coordinator_a: User
) -> None:
    decision, on = waiting
    sign_as(decision, ROLES[0], on)
    patient, together = study.patients.get(), Together()
    with transaction.atomic():
        sign(decision, medical_monitor, ROLES[1], on)()
        recording = in_the_background(together, lambda: record_dlt(patient, coordinator_a, on))
    recording.join()
    assert together.answers == ["done"]
    decision.refresh_from_db()
    signed_before_the_dlt(decision, study, on)


def in_the_background(together: Together, call: Callable[[], object]) -> threading.Thread:
    """Starts a call that has to wait for the lock that this transaction holds, and sees that it does wait."""
    thread = threading.Thread(target=together._one, args=[call, threading.Barrier(1)])
    thread.start()
    time.sleep(0.5)
    assert thread.is_alive()
    assert together.answers == []
    return thread


def signed_before_the_dlt(decision: Decision, study: Study, on: dt.date) -> None:
    assert decision.status == Decision.Status.SIGNED
    assert study.cohorts.count() == 2
    assert [c.patient for c in inputs_changed_since_signing(decision, moment(on))] == ["A-001"]


def refused_after_the_dlt(decision: Decision, study: Study) -> None:
    assert decision.status == Decision.Status.WITHDRAWN
    assert study.cohorts.count() == 1
    assert Signature.objects.count() == 1
    newest = study.recommendations.get(number=2)
    assert newest.inputs["tally"]["dlts"] == [1, 0, 0]
