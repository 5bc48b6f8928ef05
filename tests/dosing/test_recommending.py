"""When a recommendation may be issued, and what it stores (design rules 1 to 3)."""

import datetime as dt

import pytest

from accounts.canonical import sha256_of
from accounts.models import User
from dosing.errors import NotDecidableYet
from dosing.operations import issue_recommendation
from dosing.queries import Stage, where_we_stand
from patients.operations.assessments import replace_patient
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import decide, evaluated, on_treatment, walk, window_closed
from trials.errors import Forbidden, Refused
from trials.models import Study

pytestmark = pytest.mark.django_db


def test_an_open_slot_is_waited_for(trial: Study, pi: User) -> None:
    with pytest.raises(NotDecidableYet) as refused:
        issue_recommendation(study=trial, by=pi, at=moment(DAY_ONE))
    assert [w.who for w in refused.value.situation.waits] == ["Slot 1 of cohort 1"]
    assert refused.value.situation.stage == Stage.ENROLLING


def test_a_pending_patient_is_waited_for_and_the_page_can_say_what_each_answer_would_change(
    trial: Study, pi: User, coordinator_a: User
) -> None:
    patient = on_treatment(trial, coordinator_a, DAY_ONE)
    with pytest.raises(NotDecidableYet, match="A-001") as refused:
        issue_recommendation(study=trial, by=pi, at=moment(DAY_ONE + dt.timedelta(days=5)))
    situation = refused.value.situation
    assert situation.stage == Stage.WAITING_FOR_DATA
    [wait] = situation.waits
    assert (wait.who, wait.if_dlt, wait.if_none) == (patient.code, "10 mg", "15 mg")
    assert not trial.recommendations.exists()


def test_the_snapshot_holds_everything_that_decided(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert (issued.kind, issued.action, issued.level.label) == ("dose", "escalate", "15 mg")
    issued.refresh_from_db()
    assert issued.inputs["tally"] == {"treated": [1, 0, 0], "dlts": [0, 0, 0]}
    assert issued.inputs["pending"] == [0, 0, 0]
    assert issued.inputs["current_dose"] == 1
    parameters = issued.inputs["design"]["parameters"]
    assert issued.inputs["design"]["name"] == "boin"
    assert (parameters["target"], parameters["max_patients"], parameters["elimination_cutoff"]) == (0.3, 12, 0.95)
    assert issued.inputs_sha256 == sha256_of(issued.inputs)
    assert issued.engine_version
    assert issued.shown["people"][0]["patient"] == "A-001"
    assert len(issued.shown["boundaries"]) == 12


def test_the_same_data_give_no_second_recommendation(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    issue_recommendation(study=trial, by=pi, at=moment(on))
    with pytest.raises(Refused) as refused:
        issue_recommendation(study=trial, by=pi, at=moment(on))
    assert refused.value.code == "nothing-changed"
    assert trial.recommendations.count() == 1


def test_a_monitor_cannot_ask_for_one(trial: Study, monitor: User, coordinator_a: User) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    with pytest.raises(Forbidden):
        issue_recommendation(study=trial, by=monitor, at=moment(on))


def test_a_patient_who_does_not_count_has_to_be_replaced_first(trial: Study, pi: User, coordinator_a: User) -> None:
    patient = on_treatment(trial, coordinator_a, DAY_ONE)
    on = window_closed(patient, coordinator_a, share=0.4)
    with pytest.raises(NotDecidableYet, match="a replacement"):
        issue_recommendation(study=trial, by=pi, at=moment(on))

    replace_patient(patient=patient, by=coordinator_a, at=moment(on))
    with pytest.raises(NotDecidableYet, match="Slot 2"):
        issue_recommendation(study=trial, by=pi, at=moment(on))

    _, on = evaluated(trial, coordinator_a, on)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert issued.inputs["tally"]["treated"] == [1, 0, 0]
    excluded = issued.shown["people"][0]
    assert (excluded["standing"], excluded["replaced_by"]) == ("not_evaluable", "A-002")


def test_look_ahead_decides_early_when_every_outcome_agrees(trial: Study, pi: User, coordinator_a: User) -> None:
    """After a DLT in the first patient at the lowest dose, 1 of 2 and 2 of 2 both stay there."""
    on = walk(trial, coordinator_a, "T")
    on_treatment(trial, coordinator_a, on)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert (issued.action, issued.level.label) == ("stay", "10 mg")
    assert issued.inputs["pending"] == [1, 0, 0]
    assert [(row["outcome"], row["answer"]) for row in issued.shown["lookahead"]] == [
        ("no DLT (1 of 2 at 10 mg)", "Stay at 10 mg"),
        ("1 DLT (2 of 2 at 10 mg)", "Stay at 10 mg"),
    ]
    assert "every possible outcome gives the same next dose" in issued.reason


def test_nobody_is_put_at_a_dose_that_will_be_left_whatever_happens(
    trial: Study, pi: User, coordinator_a: User
) -> None:
    """A cohort of two at 15 mg, a DLT in the first: 1 of 2 and 2 of 2 both de-escalate; the second place stays free."""
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on, size=2)
    _, later = evaluated(trial, coordinator_a, on + dt.timedelta(days=1), dlt=True)
    issued = issue_recommendation(study=trial, by=pi, at=moment(later))
    assert (issued.action, issued.level.label) == ("de_escalate", "10 mg")


def test_an_open_place_is_waited_for_where_the_dose_would_not_go_down(
    trial: Study, pi: User, coordinator_a: User
) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on, size=2)
    _, later = evaluated(trial, coordinator_a, on + dt.timedelta(days=1))
    with pytest.raises(NotDecidableYet, match="Slot 2 of cohort 2"):
        issue_recommendation(study=trial, by=pi, at=moment(later))


def test_a_cohort_that_a_look_ahead_opened_is_waited_for(trial: Study, pi: User, coordinator_a: User) -> None:
    """With a patient still pending at 25 mg the next cohort opens at 15 mg; nothing new is decided until it fills."""
    on = walk(trial, coordinator_a, "NNTN")
    on_treatment(trial, coordinator_a, on)
    opened = decide(trial, on).opened_cohort
    assert opened is not None
    assert opened.level.label == "15 mg"
    assert where_we_stand(trial, moment(on + dt.timedelta(days=1))).stage == Stage.ENROLLING
