"""Data that change before a decision is signed, and after (design rules 3 and 5)."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Signature, User
from dosing.errors import DataChanged
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation
from dosing.queries import (
    Stage,
    decision_is_stale,
    decisions_to_reconsider,
    inputs_changed_since_signing,
    where_we_stand,
)
from dosing.queries.replay import replay
from patients.models import Patient
from patients.operations.events import record_adverse_event
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import decide, evaluated, on_treatment, propose, sign_as, walk
from trials.models import Study

pytestmark = pytest.mark.django_db


def late_dlt(patient: Patient, by: User, on: dt.date) -> None:
    """A DLT on day 15 of cycle 1, recorded only now."""
    record_adverse_event(
        patient=patient,
        term="Febrile neutropenia",
        grade=3,
        onset_on=patient.cycles.get(number=1).started_on + dt.timedelta(days=14),
        relations={"lenalidomide": "probable", "dexamethasone": "unrelated"},
        is_dlt=True,
        by=by,
        at=moment(on),
    )


@pytest.fixture
def half_signed(trial: Study, pi: User, coordinator_a: User) -> tuple[Decision, dt.date]:
    """'Escalate to 15 mg', signed by the principal investigator; the medical monitor has not signed."""
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    return sign_as(propose(issued, on), "principal_investigator", on), on


@pytest.mark.req("R3-4.2.6", "EMA-6.3")
def test_signing_is_refused_and_a_new_recommendation_is_issued(
    trial: Study, half_signed: tuple[Decision, dt.date], coordinator_a: User
) -> None:
    decision, on = half_signed
    late_dlt(trial.patients.get(code="A-001"), coordinator_a, on)
    assert decision_is_stale(decision, moment(on))
    assert where_we_stand(trial, moment(on)).stage == Stage.OUTDATED

    with pytest.raises(DataChanged, match=r"A-001 at 10 mg: evaluable, no DLT → DLT.*Recommendation 2 has been issued"):
        sign_as(decision, "medical_monitor", on)
    decision.refresh_from_db()
    assert decision.status == Decision.Status.WITHDRAWN
    assert "A-001" in decision.withdrawn_reason
    assert Signature.objects.count() == 1
    assert trial.cohorts.count() == 1
    newest = trial.recommendations.get(number=2)
    assert (newest.action, newest.level.label) == ("stay", "10 mg")


def test_where_the_next_one_must_wait_for_data_only_the_decision_is_withdrawn(
    trial: Study, half_signed: tuple[Decision, dt.date], coordinator_a: User
) -> None:
    """The doses taken turn out to be too few: the patient no longer counts and has to be replaced first."""
    from patients.operations.assessments import correct_window_assessment

    decision, on = half_signed
    patient = trial.patients.get(code="A-001")
    correct_window_assessment(
        assessment=patient.window_assessment, taken=5, reason="pill count", by=coordinator_a, at=moment(on)
    )
    with pytest.raises(DataChanged, match="has to wait for data"):
        sign_as(decision, "medical_monitor", on)
    decision.refresh_from_db()
    assert decision.status == Decision.Status.WITHDRAWN
    assert trial.recommendations.count() == 1
    assert where_we_stand(trial, moment(on)).stage == Stage.WAITING_FOR_DATA


def test_nobody_can_propose_on_data_that_changed(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    late_dlt(trial.patients.get(code="A-001"), coordinator_a, on)
    with pytest.raises(DataChanged):
        propose(issued, on)
    assert not trial.decisions.exists()


@pytest.mark.req("R3-4.2.6", "EMA-6.3")
def test_a_late_dlt_marks_the_signed_decision_and_asks_for_a_new_recommendation(
    trial: Study, pi: User, coordinator_a: User
) -> None:
    on = walk(trial, coordinator_a, "NN")
    first, second = trial.decisions.order_by("pk")
    assert inputs_changed_since_signing(first, moment(on)) == ()

    late_dlt(trial.patients.get(code="A-001"), coordinator_a, on)
    [change] = inputs_changed_since_signing(first, moment(on))
    assert change.sentence == "A-001 at 10 mg: evaluable, no DLT → DLT"
    first.refresh_from_db()
    assert first.status == Decision.Status.SIGNED
    assert [r.decision for r in decisions_to_reconsider(trial, moment(on))] == [second, first]

    situation = where_we_stand(trial, moment(on))
    assert situation.decidable
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert issued.inputs["tally"] == {"treated": [1, 1, 0], "dlts": [1, 0, 0]}
    assert decisions_to_reconsider(trial, moment(on)) == []
    assert inputs_changed_since_signing(first, moment(on)) == (change,)


def test_the_decision_that_follows_closes_the_cohort_that_was_open(trial: Study, pi: User, coordinator_a: User) -> None:
    """15 mg was opened after 0 of 1 at 10 mg; with the late DLT nobody goes there before a new decision is signed."""
    on = walk(trial, coordinator_a, "N")
    late_dlt(trial.patients.get(code="A-001"), coordinator_a, on)
    decision = decide(trial, on)
    assert (decision.recommendation.action, decision.level.label) == ("stay", "10 mg")
    cohorts = trial.cohorts.select_related("level").order_by("number")
    assert [(c.level.label, c.closed_at is None) for c in cohorts] == [
        ("10 mg", False),
        ("15 mg", False),
        ("10 mg", True),
    ]


def test_later_patients_do_not_change_the_inputs_of_an_earlier_decision(
    trial: Study, pi: User, coordinator_a: User
) -> None:
    on = walk(trial, coordinator_a, "N")
    decision = trial.decisions.get()
    evaluated(trial, coordinator_a, on, dlt=True)
    assert inputs_changed_since_signing(decision, moment(on + dt.timedelta(days=30))) == ()


def test_an_outcome_that_was_looked_ahead_to_is_no_change(trial: Study, pi: User, coordinator_a: User) -> None:
    on = walk(trial, coordinator_a, "T")
    patient = on_treatment(trial, coordinator_a, on)
    decision = decide(trial, on)
    assert decision.recommendation.inputs["pending"] == [1, 0, 0]
    later = on + dt.timedelta(days=20)
    late_dlt(patient, coordinator_a, later)
    assert inputs_changed_since_signing(decision, moment(later)) == ()


@pytest.mark.req("P11-10a", "EMA-A2.9", "R3-4.3.4")
def test_replay_repeats_every_stored_recommendation(
    trial: Study, coordinator_a: User, capsys: pytest.CaptureFixture[str]
) -> None:
    walk(trial, coordinator_a, "NTTN")
    assert replay(trial) == []
    call_command("replay", "LEN-MAG-01")
    assert "4 recommendations recomputed, no difference" in capsys.readouterr().out


@pytest.mark.req("P11-10a")
def test_replay_names_what_the_engine_does_not_repeat(trial: Study, pi: User, coordinator_a: User) -> None:
    """A row as another version of the engine would have written it."""
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    from audit.context import acting

    with acting(pi, "as another engine would have"):
        Recommendation.objects.create(
            **{
                f.attname: getattr(issued, f.attname)
                for f in Recommendation._meta.concrete_fields
                if f.name not in ("id", "number", "action")
            },
            number=2,
            action="stay",
        )
    assert [(d.number, d.what, d.stored, d.now) for d in replay(trial)] == [(2, "action", "stay", "escalate")]
    with pytest.raises(CommandError, match="recommendation 2: action") as ended:
        call_command("replay", "LEN-MAG-01")
    assert ended.value.returncode == 1


def test_replay_of_a_study_that_is_not_there_says_which_there_are(trial: Study) -> None:
    with pytest.raises(CommandError, match="Studies: LEN-MAG-01"):
        call_command("replay", "NO-SUCH")
