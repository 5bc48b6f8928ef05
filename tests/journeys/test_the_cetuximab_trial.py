"""The cetuximab trial in a browser: set up by forms alone, its first patients in full, and every decision to the MTD.

The rehearsal's day is moved on by what the page's buttons send. Days, doses and decisions were worked by hand from the
protocol and from the rule of 3+3. The first three patients go through the pages from screening to the end of cycle 1;
what later patients do is entered by the operations, and what follows from it is looked at and signed on the pages.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page, expect

from accounts.models import User
from dosing.queries.replay import replay
from patients.models import AdverseEvent, Patient
from patients.operations import (
    check_eligibility,
    record_consent,
    register_patient,
    screen_patient,
    start_cycle,
)
from patients.operations.assessments import assess_window
from patients.operations.events import record_adverse_event
from tests.cast import PASSWORD, person
from tests.journeys.forms_of_a_study import SectionForm
from tests.journeys.people import Someone
from trials import clock
from trials.definition import PARTS
from trials.models import Study
from trials.protocol import Protocol

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FILE = Path(__file__).parents[2] / "trials" / "protocols" / "lenalidomide-cetuximab.yaml"
KEY = "LEN-CET-01"
SITES = (("A", "Northfield", "America/New_York"), ("B", "Lindby", "Europe/Stockholm"))
PEOPLE = {
    "dana": ("Dana Petrov", "", ""),  # who starts a study is its data manager
    "mia": ("Mia Castellano", "coordinator", "A"),
    "maja": ("Maja Lindqvist", "coordinator", "B"),
    "rivera": ("Dr Ana Rivera", "principal_investigator", ""),
    "okafor": ("Dr Laila Okafor", "medical_monitor", ""),
    "whitfield": ("Sam Whitfield", "statistician", ""),
}
ELIGIBLE = {
    "Metastatic head and neck, lung or colorectal cancer": "Yes",
    "At least 18 years old": "Yes",
    "A tumor lesion that can be biopsied": "Yes",
    "Agrees to the pregnancy prevention programme": "Yes",
    "Earlier treatment with lenalidomide": "No",
    "Earlier severe infusion reaction to cetuximab": "No",
}
ONE_DAY = dt.timedelta(days=1)
THEATRE = "No theatre was free within the window"


@dataclass(frozen=True)
class Body:
    """Height and weight; the doses that follow: Mosteller to 2 decimals, then the nearest 5 mg, halves up."""

    height_cm: str
    weight_kg: str
    first: str  # 400 mg/m²
    weekly: str  # 250 mg/m²


BODIES = (
    Body("180", "80", "800", "500"),  # √(180 · 80 / 3600) = 2.00 m²
    Body("160", "64", "675", "425"),  # √(160 · 64 / 3600) = 1.69 m²: 676 and 422.5 mg
    Body("170", "68", "715", "450"),  # √(170 · 68 / 3600) = 1.79 m²: 716 and 447.5 mg
)


@dataclass(frozen=True)
class Cohort:
    """Three patients at a dose, n and y there so far, and what follows by 3+3."""

    dose: str
    dlts: int
    n: int
    y: int
    answer: str


WORKED_BY_HAND = (
    Cohort("10 mg", 1, 3, 1, "Stay at 10 mg"),  # 1 of 3: three more
    Cohort("10 mg", 0, 6, 1, "Escalate to 15 mg"),  # 1 of 6: up
    Cohort("15 mg", 0, 3, 0, "Escalate to 20 mg"),  # 0 of 3: up
    Cohort("20 mg", 2, 3, 2, "De-escalate to 15 mg"),  # 2: too many; 15 mg has three, and is filled to six
    Cohort("15 mg", 1, 6, 1, "The MTD is 15 mg"),  # the highest dose with at most 1 of 6
)
EXPANSION = 15


@dataclass
class Cast:
    """Everybody, each at a browser of their own."""

    dana: Someone
    mia: Someone
    maja: Someone
    rivera: Someone
    okafor: Someone
    whitfield: Someone

    def wait(self, *, weeks: int = 0, days: int = 0) -> None:
        """The data manager moves the rehearsal on."""
        self.dana.wait_long(weeks=weeks, days=days)


@pytest.fixture
def cast(db: None, window: Callable[[], Page]) -> Cast:
    found = {}
    for username, (name, _, _) in PEOPLE.items():
        person(username, name)
        found[username] = Someone(window(), name, KEY)
        found[username].sign_in(username, PASSWORD)
    return Cast(**found)


def test_the_cetuximab_trial_runs_from_a_blank_page_to_the_mtd(cast: Cast) -> None:
    when_the_study_is_typed_into_its_forms(cast.dana)
    then_what_can_be_downloaded_is_the_file(cast.dana)
    when_sites_and_people_are_added_and_the_set_up_signed(cast)
    then_the_study_goes_live_at_10_mg(cast.dana)
    codes = given_three_are_registered_a_week_before_treatment(cast)
    when_the_first_biopsies_are_taken_one_outside_its_window(cast, codes)
    when_they_go_through_the_lead_in(cast, codes)
    then_its_toxicity_is_shown_and_is_no_dlt(cast, codes[1])
    when_the_combination_begins(cast, codes)
    when_cetuximab_is_given_each_week_until_one_has_a_dlt(cast, codes)
    when_the_third_biopsies_are_taken_one_of_them_late(cast, codes)
    then_the_windows_close_and_the_decision_is_signed(cast, codes)
    study = Study.objects.get(key=KEY)
    for number, cohort in enumerate(WORKED_BY_HAND[1:], 2):
        given_a_cohort_is_treated(cast, study, cohort)
        then_it_is_decided(cast, number, cohort)
    assert replay(study) == []


# --- set-up ---


def the_file() -> Any:
    return yaml.safe_load(FILE.read_text())


def when_the_study_is_typed_into_its_forms(dana: Someone) -> None:
    content = the_file()
    dana.page.goto("/start-a-study/blank/")
    dana.fill("Key", content["study"]["key"])
    dana.fill("Title", content["study"]["title"])
    dana.page.get_by_role("combobox", name="Time zone").fill(content["study"]["time_zone"])
    dana.page.get_by_label("This is a rehearsal").check()
    dana.press("Start the study")
    for part in [part for part in PARTS if part in content]:
        form = SectionForm(dana.page, KEY, part)
        form.enter(content[part])
        form.save()


def then_what_can_be_downloaded_is_the_file(dana: Someone) -> None:
    dana.open("setup/")
    with dana.page.expect_download() as download:
        dana.page.get_by_role("link", name="Download the study file").click()
    typed = yaml.safe_load(download.value.path().read_text())
    assert Protocol.model_validate(typed) == Protocol.model_validate(the_file())


def when_sites_and_people_are_added_and_the_set_up_signed(cast: Cast) -> None:
    page = cast.dana.page
    cast.dana.open("setup/people/")
    for code, name, zone in SITES:
        page.get_by_label("Code").fill(code)
        page.get_by_label("Name*", exact=True).fill(name)
        page.get_by_role("combobox", name="Time zone").fill(zone)
        cast.dana.press("Add the site")
    for username, (_, role, site) in PEOPLE.items():
        if role:
            page.get_by_label("User name").fill(username)
            page.get_by_label("Role").select_option(role)
            page.get_by_label("Where").select_option(site)
            cast.dana.press("Give the role")
    for signer in (cast.rivera, cast.whitfield):
        signer.open("setup/")
        signer.page.get_by_role("link", name="Read and sign").first.click()
        signer.sign()
        signer.sees("You have signed the set-up.")


def then_the_study_goes_live_at_10_mg(dana: Someone) -> None:
    dana.open("setup/")
    dana.page.get_by_role("link", name="Go live", exact=True).click()
    dana.press("Go live")
    dana.sees(f"{KEY} is live. Cohort 1 is open at 10 mg with")


# --- the first three, in full ---


def given_three_are_registered_a_week_before_treatment(cast: Cast) -> list[str]:
    """So that there is time for the first biopsy, from day -25 to -22. The third is at the other site."""
    return [register(coordinator) for coordinator in (cast.mia, cast.mia, cast.maja)]


def register(coordinator: Someone) -> str:
    code = coordinator.screen()
    coordinator.follow("Record consent")
    coordinator.fill("Version of the consent form", "1.0")
    coordinator.press("Save consent")
    coordinator.follow("Check eligibility")
    for question, answer in ELIGIBLE.items():
        coordinator.choose(question, answer)
    coordinator.press("Save answers")
    coordinator.follow("Register")
    coordinator.fill("First day of treatment", f"{day_of_study() + 7 * ONE_DAY}")
    coordinator.press("Register and assign the dose")
    coordinator.sees("Lenalidomide 10 mg, oral, on days −21 to −1")
    return code


def day_of_study() -> dt.date:
    day = Study.objects.get(key=KEY).rehearsal_day
    assert day is not None
    return day


def who_treats(cast: Cast, codes: list[str]) -> list[tuple[Someone, str]]:
    return list(zip((cast.mia, cast.mia, cast.maja), codes, strict=True))


def when_the_first_biopsies_are_taken_one_outside_its_window(cast: Cast, codes: list[str]) -> None:
    """Five days later it is day -23 for all."""
    cast.wait(days=5)
    for coordinator, code in who_treats(cast, codes)[:2]:
        record(coordinator, code, "biopsy.before-lead-in")
    record(cast.maja, codes[2], "biopsy.before-lead-in", days_ago=4, outside=True)
    cast.wait(days=2)


def record(coordinator: Someone, code: str, which: str, *, days_ago: int = 0, outside: bool = False) -> None:
    """Record an activity as done; one outside its window is refused first, until the reason is given."""
    coordinator.open(f"patients/{code}/activities/{which}/done/")
    coordinator.fill("Done on", f"{day_of_study() - days_ago * ONE_DAY}")
    coordinator.press("Record as done")
    if outside:
        coordinator.sees("lies outside the window")
        coordinator.fill("Why outside the window", THEATRE)
        coordinator.press("Record as done")
        coordinator.sees(THEATRE)
    coordinator.sees("recorded as done.")


def when_they_go_through_the_lead_in(cast: Cast, codes: list[str]) -> None:
    for coordinator, code in who_treats(cast, codes):
        coordinator.open(f"patients/{code}/")
        coordinator.follow("Start the lead-in")
        coordinator.press("Start the lead-in")
        coordinator.sees("Lead-in, day −21 (1 of 21), at 10 mg")
    cast.wait(weeks=1)
    cast.mia.record_event(codes[1], "Fatigue", 3)


def then_its_toxicity_is_shown_and_is_no_dlt(cast: Cast, code: str) -> None:
    cast.mia.open(f"patients/{code}/")
    cast.mia.sees("Fatigue", "DLT window to come")
    cast.rivera.open("study/")
    cast.rivera.sees("0 of at most 24")


def when_the_combination_begins(cast: Cast, codes: list[str]) -> None:
    """The second biopsies on day -2, but for one that comes on day 1 before the infusion; the first infusions."""
    cast.wait(weeks=1, days=5)
    for coordinator, code in who_treats(cast, codes)[1:]:
        record(coordinator, code, "biopsy.before-combination")
    cast.wait(days=2)
    for (coordinator, code), body in zip(who_treats(cast, codes), BODIES, strict=True):
        coordinator.open(f"patients/{code}/")
        coordinator.start_cycle(1)
        measure(coordinator, body)
        give_cetuximab(coordinator, body.first)
    record(cast.mia, codes[0], "biopsy.before-combination", outside=True)
    record(cast.mia, codes[0], "safety.day-1.1")
    cast.mia.sees("Safety assessment")


def measure(coordinator: Someone, body: Body) -> None:
    """From the patient's page on, and back to it."""
    coordinator.follow("Record height and weight")
    coordinator.fill("Height", body.height_cm)
    coordinator.fill("Weight", body.weight_kg)
    coordinator.press("Save height and weight")


def give_cetuximab(coordinator: Someone, amount: str) -> None:
    """From the patient's page on, and back to it."""
    coordinator.follow("Record infusion")
    coordinator.sees(f"{amount} mg, intravenous")
    coordinator.choose("What happened", "Given")
    coordinator.press("Save the infusion")


def when_cetuximab_is_given_each_week_until_one_has_a_dlt(cast: Cast, codes: list[str]) -> None:
    treated = list(zip(who_treats(cast, codes), BODIES, strict=True))
    for day in (8, 15, 22):
        cast.wait(weeks=1)
        if day == 15:
            cast.maja.record_event(codes[2], "Diarrhea", 3, dlt=True)
            treated = treated[:2]
        for (coordinator, code), body in treated:
            coordinator.open(f"patients/{code}/")
            give_cetuximab(coordinator, body.weekly)
            coordinator.sees(f"{body.weekly} mg")


def when_the_third_biopsies_are_taken_one_of_them_late(cast: Cast, codes: list[str]) -> None:
    """On day 22, and on day 29."""
    record(cast.mia, codes[0], "biopsy.on-combination")
    record(cast.maja, codes[2], "biopsy.on-combination")
    cast.wait(weeks=1)
    record(cast.mia, codes[1], "biopsy.on-combination", outside=True)


def then_the_windows_close_and_the_decision_is_signed(cast: Cast, codes: list[str]) -> None:
    for code in codes[:2]:
        cast.mia.close_window(code, taken=28)
        cast.mia.sees("evaluable, no DLT")
    then_it_is_decided(cast, 1, WORKED_BY_HAND[0])


# --- the later ones, by the operations ---


def given_a_cohort_is_treated(cast: Cast, study: Study, cohort: Cohort) -> None:
    """Three on one day; three weeks of lead-in, four of the combination, in which the last have the DLTs."""
    by = User.objects.get(username="mia")
    patients = [enrolled(study, by) for _ in range(3)]
    assert {patient.assigned_level.label for patient in patients if patient.assigned_level} == {cohort.dose}
    begin(study, patients, by)
    cast.wait(weeks=3)
    begin(study, patients, by)
    cast.wait(weeks=4)
    without, with_dlt = patients[: 3 - cohort.dlts], patients[3 - cohort.dlts :]
    for patient in without:
        assess_window(patient=again(patient), taken=28, by=by, at=now(study))
    for patient in with_dlt:
        dlt_on_day_15(study, again(patient), by)


def now(study: Study) -> dt.datetime:
    return clock.now(Study.objects.get(pk=study.pk))


def again(patient: Patient) -> Patient:
    return Patient.objects.with_plan().get(pk=patient.pk)


def enrolled(study: Study, by: User) -> Patient:
    at, today = now(study), day_of_study()
    patient = screen_patient(study=study, site=study.sites.get(code="A"), screened_on=today, by=by, at=at)
    record_consent(patient=patient, signed_on=today, form_version="1.0", by=by, at=at)
    answers = {criterion.code: True for criterion in study.protocol.eligibility}
    check_eligibility(patient=patient, answers=answers, checked_on=today, by=by, at=at)
    return register_patient(patient=again(patient), planned_start=today, by=by, at=at)


def begin(study: Study, patients: list[Patient], by: User) -> None:
    for patient in patients:
        start_cycle(patient=again(patient), started_on=day_of_study(), by=by, at=now(study))


def dlt_on_day_15(study: Study, patient: Patient, by: User) -> AdverseEvent:
    return record_adverse_event(
        patient=patient,
        term="Diarrhea",
        grade=3,
        onset_on=day_of_study() - 14 * ONE_DAY,
        relations={"lenalidomide": "probable", "cetuximab": "possible"},
        is_dlt=True,
        by=by,
        at=now(study),
    )


# --- the dose ---


def then_it_is_decided(cast: Cast, number: int, cohort: Cohort) -> None:
    """Asked for, looked at, and signed by everybody whom the protocol names."""
    mtd = cohort is WORKED_BY_HAND[-1]
    answer = cast.mia.ask_for_the_recommendation("Ask for the MTD" if mtd else "Ask for the recommendation")
    assert answer == cohort.answer
    here = cast.mia.card("Who counts").get_by_role("row").filter(has_text="current")
    expect(here).to_contain_text(cohort.dose)
    assert [cell.inner_text() for cell in here.get_by_role("cell").all()[:2]] == [str(cohort.n), str(cohort.y)]
    cast.rivera.decide(None if mtd else 3)
    cast.okafor.sign_too()
    if mtd:
        cast.whitfield.sign_too()
        cast.whitfield.sees(f"Cohort 6 is open at 15 mg: {EXPANSION} slots are free.")
        return
    dose = cohort.answer.split(" to ")[-1].split(" at ")[-1]
    cast.okafor.sees(f"Cohort {number + 1} is open at {dose}: 3 slots are free.")
