"""A trial by 3+3, by the operations, from the first patient to the expansion; expected doses by hand from the rule.

0 of 3 up; 1 of 3 three more; at most 1 of 6 up; two DLTs too many: back, the dose below filled to six, and it is the
MTD with at most 1 of 6. The highest dose needs six, too.
"""

import datetime as dt

import pytest

from accounts.models import User
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation
from dosing.queries import Stage, where_we_stand
from dosing.queries.choices import options, sizes_of_next_cohort
from dosing.queries.replay import replay
from dosing.queries.shown import levels_table
from patients.models import Patient
from patients.operations import assess_dlt, replace_patient
from tests.cast import DAY_ONE, moment
from tests.dosing.cohorts import DAY, THREE_PLUS_THREE, THREES, definition_with, live, run, treat
from tests.dosing.steps import (
    decide,
    on_treatment,
    propose,
    registered,
    sign_all,
    window_closed,
    with_dlt,
)
from trials.errors import Refused
from trials.models import Boundary, Cohort, Part, Study

pytestmark = pytest.mark.django_db
Kind = Recommendation.Kind


@pytest.fixture
def study(rung: User) -> Study:
    """Live by 3+3 with cohort 1 of three open at 10 mg."""
    return live(definition_with(THREE_PLUS_THREE, **THREES))


@pytest.mark.parametrize(
    ("cohorts", "answers"),
    [
        (  # 1 of 6 up, 2 of 6 too many; the dose below has six already
            "NNN NNT NNN NNT NNT",
            ["escalate 15 mg", "stay 15 mg", "escalate 25 mg", "stay 25 mg", "MTD 15 mg"],
        ),
        ("NNN NNT NTN NNT", ["escalate 15 mg", "stay 15 mg", "de_escalate 10 mg", "MTD 10 mg"]),
        ("NNN TTN NNN", ["escalate 15 mg", "de_escalate 10 mg", "MTD 10 mg"]),
        ("NNN TTT TNT", ["escalate 15 mg", "de_escalate 10 mg", "MTD None"]),  # 2 of 6 at the lowest
        ("TNT", ["MTD None"]),  # 2 of 3 at the lowest
        ("NNN NNN NNN NNN", ["escalate 15 mg", "escalate 25 mg", "stay 25 mg", "MTD 25 mg"]),
        ("NNN NNN NNN TNN", ["escalate 15 mg", "escalate 25 mg", "stay 25 mg", "MTD 25 mg"]),
        (  # 2 of 6 at the top: 15 mg is filled to six
            "NNN NNN TNN TNN NNN",
            ["escalate 15 mg", "escalate 25 mg", "stay 25 mg", "de_escalate 15 mg", "MTD 15 mg"],
        ),
        (  # down twice: 2 of 6 at 15 mg on the way down
            "NNN NNN TTN TTN NNN",
            ["escalate 15 mg", "escalate 25 mg", "de_escalate 15 mg", "de_escalate 10 mg", "MTD 10 mg"],
        ),
    ],
)
def test_the_whole_trial(trial: Study, coordinator_a: User, cohorts: str, answers: list[str]) -> None:
    assert run(trial, coordinator_a, cohorts)[0] == answers
    assert replay(trial) == []


def test_the_mtd_opens_the_expansion(trial: Study, coordinator_a: User) -> None:
    _, on = run(trial, coordinator_a, "NNN TTN NNT")
    opened = Cohort.objects.get(study=trial, closed_at=None)
    assert (opened.part.kind, opened.level.label, opened.size) == (Part.Kind.EXPANSION, "10 mg", 8)
    assert where_we_stand(trial, moment(on)).stage == Stage.EXPANSION


def test_no_dose_is_safe(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = treat(trial, coordinator_a, DAY_ONE, "TTN")
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert (issued.kind, issued.level) == (Kind.MTD, None)
    assert issued.reason == "No MTD: 10 mg, the lowest dose, is too toxic"
    sign_all(propose(issued, on), on)
    assert where_we_stand(trial, moment(on)).stage == Stage.FINISHED


# --- which n closes a dose ---


def test_the_stored_table_closes_at_two_up_to_six_and_at_a_third_beyond(study: Study) -> None:
    """Six of the escalation and eight of the expansion can be at one dose."""
    rows = Boundary.objects.filter(version__study=study).order_by("n").values_list("eliminate_if_at_least", flat=True)
    assert list(rows) == [None, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5]


def test_the_second_dlt_closes_the_dose_at_once(trial: Study, coordinator_a: User) -> None:
    """In the transaction that records it, with the third patient still in the window."""
    _, on = run(trial, coordinator_a, "NNN")
    one, two, _ = [on_treatment(trial, coordinator_a, on) for _ in range(3)]
    with_dlt(one, coordinator_a, on + 3 * DAY)
    assert not trial.levels.exclude(closed_at=None).exists()
    with_dlt(two, coordinator_a, on + 4 * DAY)
    assert [lv.label for lv in trial.levels.exclude(closed_at=None)] == ["15 mg", "25 mg"]
    assert not trial.cohorts.open().exists()


def test_two_dlts_decide_while_the_third_patient_is_pending(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = run(trial, coordinator_a, "NNN")
    one, two, three = [on_treatment(trial, coordinator_a, on) for _ in range(3)]
    with_dlt(one, coordinator_a, on + 3 * DAY)
    with pytest.raises(Refused, match="Not decidable yet"):
        issue_recommendation(study=trial, by=pi, at=moment(on + 3 * DAY))
    with_dlt(two, coordinator_a, on + 4 * DAY)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on + 4 * DAY))
    assert (issued.action, issued.level.label) == ("de_escalate", "10 mg")
    assert "every possible outcome gives the same next dose: 10 mg" in issued.reason
    assert [row["answer"] for row in issued.shown["lookahead"]] == ["De-escalate to 10 mg"] * 2
    sign_all(propose(issued, on + 4 * DAY, size=3), on + 4 * DAY)
    window_closed(three, coordinator_a)
    assert where_we_stand(trial, moment(on + 28 * DAY)).reconsider == ()


def test_one_dlt_and_the_rest_pending_is_not_decidable(trial: Study, pi: User, coordinator_a: User) -> None:
    """1 of 6 escalates, 2 of 6 go back: the last patient matters."""
    _, on = run(trial, coordinator_a, "NNN NNT")
    for _ in range(3):
        on_treatment(trial, coordinator_a, on)
    situation = where_we_stand(trial, moment(on + DAY))
    assert situation.stage == Stage.WAITING_FOR_DATA
    assert {(w.if_dlt, w.if_none) for w in situation.waits} == {("10 mg", "10 mg or 25 mg")}


def test_the_mtd_waits_for_the_patient_who_is_pending(trial: Study, pi: User, coordinator_a: User) -> None:
    """2 DLTs at 25 mg with 15 mg complete end the escalation, but the third patient is waited for."""
    _, on = run(trial, coordinator_a, "NNN NNT NNN")
    one, two, three = [on_treatment(trial, coordinator_a, on) for _ in range(3)]
    with_dlt(one, coordinator_a, on + 3 * DAY)
    with_dlt(two, coordinator_a, on + 4 * DAY)
    with pytest.raises(Refused, match="Not decidable yet"):
        issue_recommendation(study=trial, by=pi, at=moment(on + 5 * DAY))
    on = window_closed(three, coordinator_a)
    assert issue_recommendation(study=trial, by=pi, at=moment(on)).level.label == "15 mg"


# --- patients who do not count, and data that change ---


def test_who_is_not_evaluable_is_replaced(trial: Study, pi: User, coordinator_a: User) -> None:
    patients = [on_treatment(trial, coordinator_a, DAY_ONE) for _ in range(3)]
    on = [window_closed(p, coordinator_a, share) for p, share in zip(patients, (1, 1, 0.4), strict=True)][-1]
    with pytest.raises(Refused, match="a replacement"):
        issue_recommendation(study=trial, by=pi, at=moment(on))
    replace_patient(patient=patients[2], by=coordinator_a, at=moment(on))
    _, on = treat(trial, coordinator_a, on, "N")
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert (issued.level.label, issued.inputs["tally"]["treated"]) == ("15 mg", [3, 0, 0])


def test_a_late_dlt_asks_for_a_new_decision(trial: Study, pi: User, coordinator_a: User) -> None:
    """10 mg had 0 of 3; a DLT there found late makes it 1 of 3, and a second one makes the lowest dose too toxic."""
    patients, on = treat(trial, coordinator_a, DAY_ONE, "NNN")
    decide(trial, on, size=3)
    with_dlt(patients[0], coordinator_a, DAY_ONE + 20 * DAY)
    assert [r.decision.recommendation.number for r in where_we_stand(trial, moment(on)).reconsider] == [1]
    anew = decide(trial, on, size=3).recommendation
    assert (anew.action, anew.level.label) == ("stay", "10 mg")  # nobody is at 15 mg yet, so 10 mg is completed first
    with_dlt(patients[1], coordinator_a, DAY_ONE + 20 * DAY)
    assert [lv.ordinal for lv in trial.levels.exclude(closed_at=None)] == [1, 2, 3]
    assert issue_recommendation(study=trial, by=pi, at=moment(on)).reason.startswith("No MTD: 10 mg")


def test_a_dose_that_was_closed_is_not_treated_again(trial: Study, pi: User, coordinator_a: User) -> None:
    """2 DLTs closed 15 mg, one is judged anew: 1 of 3. 10 mg is still filled to six, and is the MTD."""
    _, on = run(trial, coordinator_a, "NNN")
    patients, _ = treat(trial, coordinator_a, on, "TTN")
    event = Patient.objects.get(pk=patients[0].pk).adverse_events.get()
    on += 28 * DAY
    window_closed(patients[0], coordinator_a)
    assess_dlt(event=event, is_dlt=False, rationale="progression", by=pi, at=moment(on))
    back = decide(trial, on, size=3).recommendation
    assert (back.action, back.level.label) == ("de_escalate", "10 mg")
    assert "15 mg was closed by the safety stop" in back.reason
    answers, _ = run(trial, coordinator_a, "NNN", on + DAY)
    assert answers == ["MTD 10 mg"]
    assert replay(trial) == []


# --- what can be signed ---


def test_the_next_cohort_completes_three_or_six_or_is_smaller(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = treat(trial, coordinator_a, DAY_ONE, "NNN")
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    sizes = sizes_of_next_cohort(issued, trial, options(issued, list(trial.levels.all())))
    assert (sizes.usual, sizes.most) == (3, 3)
    with pytest.raises(Refused, match="The next cohort at 15 mg can have 1 to 3 patients"):
        propose(issued, on, size=4)
    sign_all(propose(issued, on, size=2), on)
    _, on = treat(trial, coordinator_a, on + DAY, "NN")
    third = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert third.reason == "0 of 2 had a DLT, so stay at 15 mg and treat 1 patient more"
    with pytest.raises(Refused, match="The next cohort at 15 mg can have 1 patient"):
        propose(third, on, size=2)


def test_a_dose_with_six_patients_is_not_chosen_again(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = run(trial, coordinator_a, "NNN NNT")
    _, on = treat(trial, coordinator_a, on, "NNN")
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert issued.level.label == "25 mg"
    with pytest.raises(Refused) as refused:
        propose(issued, on, Decision.Choice.STAY, size=1, level=2, comment="more data first")
    assert refused.value.code == "dose-full"
    sign_all(propose(issued, on, Decision.Choice.LOWER, size=3, level=1, comment="more data first"), on)
    _, on = treat(trial, coordinator_a, on + DAY, "NNN")
    assert issue_recommendation(study=trial, by=pi, at=moment(on)).level.label == "25 mg"


def test_stopped_by_the_signers_before_it_is_complete_there_is_no_mtd(trial: Study, coordinator_a: User) -> None:
    _, on = treat(trial, coordinator_a, DAY_ONE, "NNN")
    decide(trial, on, Decision.Choice.STOP, comment="the sponsor stops")
    settled = decide(trial, on).recommendation
    assert (settled.kind, settled.level, settled.reason) == (Kind.MTD, None, "No MTD: the trial is not complete")


# --- the expansion ---


@pytest.fixture
def expansion(trial: Study, coordinator_a: User) -> tuple[Study, dt.date]:
    """The MTD is 15 mg with 1 of 6; eight places are open there."""
    _, on = run(trial, coordinator_a, "NNN NNT NNN TTN")
    assert trial.recommendations.last().level.label == "15 mg"
    return trial, on


def test_a_third_of_both_parts_together_closes_the_dose(
    expansion: tuple[Study, dt.date], pi: User, coordinator_a: User
) -> None:
    """1 of 6, then two of the expansion: 2 of 7 goes on, 3 of 8 is a third or more."""
    trial, on = expansion
    one, two = [on_treatment(trial, coordinator_a, on) for _ in range(2)]
    with_dlt(one, coordinator_a, on + 3 * DAY)
    assert where_we_stand(trial, moment(on + 3 * DAY)).stage == Stage.EXPANSION
    with_dlt(two, coordinator_a, on + 4 * DAY)
    assert trial.levels.get(ordinal=2).closed_at is not None
    with pytest.raises(Refused):
        registered(trial.sites.get(code="A"), coordinator_a, on + 5 * DAY)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on + 5 * DAY))
    assert (issued.kind, issued.action, issued.level.label) == (Kind.MONITORING, "de_escalate", "10 mg")
    assert issued.reason == (
        "3 of 8 had a DLT at 15 mg in both parts together: 3 or more of 8 close the dose, so de-escalate to 10 mg"
    )
    sign_all(propose(issued, on + 5 * DAY), on + 5 * DAY)
    assert registered(trial.sites.get(code="A"), coordinator_a, on + 6 * DAY).assigned_level.label == "10 mg"
    assert replay(trial) == []


def test_two_of_nine_in_both_parts_is_not_shown_as_closed() -> None:
    """2 of 6 closes a dose; of the nine that an expansion made it takes three."""
    doses, nobody = ["10 mg", "15 mg", "25 mg"], [0, 0, 0]
    inputs = {
        "kind": Kind.MONITORING.value,
        "design": {"name": THREE_PLUS_THREE["name"], "parameters": THREE_PLUS_THREE["parameters"]},
        "doses": doses,
        "tally": {"treated": [9, 8, 3], "dlts": [2, 3, 2]},
        "pending": nobody,
        "current_dose": 2,
    }
    assert [row["closed"] for row in levels_table(inputs)] == [False, True, True]
    assert [row["closed"] for row in levels_table(inputs | {"kind": Kind.DOSE.value})] == [True, True, True]
