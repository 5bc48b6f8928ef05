"""The anti-MAG trial in a browser: screening to the MTD, the expansion, and one patient to the end of follow-up.

The rehearsal's day is moved on by the page's own buttons. What is expected at each step was worked by hand, from the
published rule alone, before the pages were looked at.
"""

from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from dosing.queries.replay import replay
from tests.journeys.people import Someone
from trials.models import Study

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@dataclass(frozen=True)
class Cohort:
    """One row of the table: who is treated at what, n and y at that dose so far, and what follows."""

    dose: str
    patients: int
    dlts: int
    n: int
    y: int
    answer: str
    next_patients: int | None


# BOIN with target 0.30 escalates at a DLT rate of at most 0.236 and de-escalates at one of at least 0.359.
# (Liu & Yuan 2015: the boundaries for 0.6 and 1.4 times the target.) No dose reaches its elimination boundary:
# that is 3 of 3 and 4 of 6 patients with a DLT. At most 12 patients, at most 3 in a cohort, the first cohort has 1.
WORKED_BY_HAND = (
    #      dose     patients DLTs   n  y   y/n                                  so                     next cohort
    Cohort("10 mg", 1,       0,     1, 0,  # 0.000 <= 0.236                     the next dose up
           "Escalate to 15 mg", 3),
    Cohort("15 mg", 3,       1,     3, 1,  # 0.236 < 0.333 < 0.359              the same dose
           "Stay at 15 mg", 3),
    Cohort("15 mg", 3,       0,     6, 1,  # 0.167 <= 0.236                     the next dose up
           "Escalate to 25 mg", 3),
    Cohort("25 mg", 3,       2,     3, 2,  # 0.667 >= 0.359                     the dose below; 12 - 10 = 2 places left
           "De-escalate to 15 mg", 2),
    Cohort("15 mg", 2,       1,     8, 2,  # 0.236 < 0.250 < 0.359; 1+8+3 = 12  stop, and select the MTD
           "The MTD is 15 mg", None),
)  # fmt: skip

# (y + 0.05) / (n + 0.1) rises with the dose by itself, so isotonic regression leaves it as it is:
# 0.05/1.1 = 0.045, 2.05/8.1 = 0.253, 2.05/3.1 = 0.661. The nearest to 0.30 is 0.253, that of 15 mg.
ESTIMATES = {"10 mg": "0.05", "15 mg": "0.25", "25 mg": "0.66"}

EXPANSION = 8
FOLLOW_UP_VISITS = 8  # every 13 weeks for two years


def test_the_trial_runs_from_the_first_patient_to_the_last_visit_after_treatment(
    mia: Someone, maja: Someone, rivera: Someone, okafor: Someone, whitfield: Someone, study: Study
) -> None:
    for cohort in WORKED_BY_HAND[:-1]:
        given_a_cohort_is_treated(cohort, mia, maja)
        when_the_recommendation_is_asked_for(cohort, mia)
        then_the_next_cohort_opens_only_when_both_have_signed(cohort, mia, rivera, okafor)
    given_a_cohort_is_treated(WORKED_BY_HAND[-1], mia, maja)
    when_the_mtd_is_asked_for(mia)
    then_three_sign_it_and_the_expansion_opens(rivera, okafor, whitfield)
    given_the_expansion_is_filled(mia, maja)
    patient = when_one_of_them_is_reduced_twice(mia)
    then_a_third_reduction_is_refused_and_discontinuation_offered(mia, patient)
    when_treatment_is_discontinued(mia, patient)
    then_event_monitoring_runs_to_its_last_visit(mia, patient)
    assert replay(study) == []


def given_a_cohort_is_treated(cohort: Cohort, mia: Someone, maja: Someone) -> None:
    """All start on one day, alternately at the two sites. The last of them have the DLTs; then four weeks pass."""
    coordinators = [(mia, maja)[place % 2] for place in range(cohort.patients)]
    codes = []
    for coordinator in coordinators:
        code = coordinator.screen()
        coordinator.make_eligible()
        coordinator.register()
        then_the_regimen_is_shown_in_words(coordinator, code, cohort.dose)
        coordinator.start_cycle(1)
        codes.append(code)
    treated = list(zip(coordinators, codes, strict=True))
    without, with_dlt = treated[: cohort.patients - cohort.dlts], treated[cohort.patients - cohort.dlts :]
    mia.wait(weeks=2)
    for coordinator, code in with_dlt:
        coordinator.record_event(code, "Neutrophil count decreased", 4, dlt=True)
    mia.wait(weeks=2)
    for coordinator, code in without:
        coordinator.close_window(code)
        coordinator.sees("evaluable, no DLT")


def then_the_regimen_is_shown_in_words(coordinator: Someone, code: str, dose: str) -> None:
    assert coordinator.heading() == f"{code} gets lenalidomide {dose}"
    coordinator.sees(f"Lenalidomide {dose}, oral, on days 1–21", "Dexamethasone 20 mg, oral, on days 1, 8, 15, 22")


def when_the_recommendation_is_asked_for(cohort: Cohort, mia: Someone) -> None:
    assert mia.ask_for_the_recommendation() == cohort.answer
    here = mia.card("Who counts").get_by_role("row").filter(has_text="current")
    expect(here).to_contain_text(cohort.dose)
    assert [cell.inner_text() for cell in here.get_by_role("cell").all()[:2]] == [str(cohort.n), str(cohort.y)]


def then_the_next_cohort_opens_only_when_both_have_signed(
    cohort: Cohort, mia: Someone, rivera: Someone, okafor: Someone
) -> None:
    rivera.decide(cohort.next_patients)
    rivera.sees("It takes effect when everybody whom the protocol names has.")
    number = WORKED_BY_HAND.index(cohort) + 2
    if number == 2:  # once is enough
        and_nobody_can_be_registered_meanwhile(mia)
    okafor.sign_too()
    dose = cohort.answer.split(" to ")[-1].split(" at ")[-1]
    okafor.sees(f"Cohort {number} is open at {dose}: {cohort.next_patients} slots are free.")


def and_nobody_can_be_registered_meanwhile(mia: Someone) -> None:
    code = mia.screen()
    mia.make_eligible()
    mia.follow("Register")
    mia.sees("Not possible now", "The next dose is being decided: a recommendation waits for its signatures.")
    mia.open(f"patients/{code}/screen-failure/")
    mia.fill("Why", "Withdrew while the decision was waited for")
    mia.press("Record screen failure")


def when_the_mtd_is_asked_for(mia: Someone) -> None:
    assert mia.ask_for_the_recommendation("Ask for the MTD") == WORKED_BY_HAND[-1].answer
    estimates = mia.card("Estimates")
    for dose, estimate in ESTIMATES.items():
        expect(estimates.get_by_role("row").filter(has_text=dose)).to_contain_text(estimate)
    expect(estimates.get_by_role("img", name="Estimated probability of a DLT at each dose")).to_be_visible()


def then_three_sign_it_and_the_expansion_opens(rivera: Someone, okafor: Someone, whitfield: Someone) -> None:
    rivera.decide()
    okafor.sign_too()
    okafor.sees("It takes effect when everybody whom the protocol names has.")
    whitfield.sign_too()
    whitfield.sees(f"Cohort 6 is open at 15 mg: {EXPANSION} slots are free.")


def given_the_expansion_is_filled(mia: Someone, maja: Someone) -> None:
    for place in range(EXPANSION):
        coordinator = (mia, maja)[place % 2]
        coordinator.enrol()
        coordinator.sees("in the dose expansion")
    mia.screen()
    mia.make_eligible()
    mia.follow("Register")
    mia.sees("All 8 slots are used in cohort 6 (15 mg).")


def when_one_of_them_is_reduced_twice(mia: Someone) -> str:
    """The last patient enrolled at site A; returns the code."""
    mia.open("patients/?status=on_treatment")
    patient = mia.page.get_by_role("rowheader").last.inner_text()
    mia.wait(days=1)
    mia.record_event(patient, "Fatigue", 2)
    for dose in ("10 mg", "5 mg"):
        mia.open(f"patients/{patient}/")
        mia.follow("Reduce the dose")
        mia.page.get_by_label("Adverse event", exact=True).last.select_option(index=1)
        mia.fill("Reason in words", "Fatigue that does not pass")
        mia.press("Reduce the dose")
        mia.sees(f"{patient} gets {dose} from", "Assigned 15 mg (level 2)")
        mia.wait(days=1)
    return patient


def then_a_third_reduction_is_refused_and_discontinuation_offered(mia: Someone, patient: str) -> None:
    mia.open(f"patients/{patient}/")
    mia.follow("Reduce the dose")
    mia.sees(f"The protocol allows 2 dose reductions and {patient} has had 2.")
    mia.follow("Discontinue treatment")
    assert mia.heading() == "Discontinue treatment"


def when_treatment_is_discontinued(mia: Someone, patient: str) -> None:
    mia.choose("Reason", "Unacceptable adverse events")
    mia.press("Discontinue treatment")
    mia.sees(f"{patient} is in event monitoring; the first visit is planned for")
    mia.page.get_by_text("Later:").click()
    planned = mia.card("Time line").get_by_text("Event-monitoring visit")
    expect(planned).to_have_count(FOLLOW_UP_VISITS)
    assert mia.heading() == f"{patient} In event monitoring"


def then_event_monitoring_runs_to_its_last_visit(mia: Someone, patient: str) -> None:
    for number in range(1, FOLLOW_UP_VISITS + 1):
        mia.wait_long(weeks=13)
        mia.open(f"patients/{patient}/")
        mia.follow_to("follow-up")
        mia.press("Save visit")
        mia.sees(f"{patient}: event-monitoring visit {number} recorded.")
    assert mia.heading() == f"{patient} Off study"
