"""The pages of the lead-in and of activities: a coordinator's way, and who is kept out."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from patients.models import ActivityRecord, Cycle, Patient
from patients.operations import discontinue
from tests.cast import DAY_ONE, _member, moment
from tests.labs.conftest import move_to
from tests.patients.cetuximab import CYCLE_1_ON, LEAD_IN_ON, begin, done, fresh
from trials.models import Role, Study

pytestmark = pytest.mark.django_db

ONE = dt.timedelta(days=1)
PATIENT = "/studies/LEN-CET-01/patients/Z-001"
BIOPSY = f"{PATIENT}/activities/biopsy.before-lead-in"

Go = Callable[[dt.date], Client]


@pytest.fixture
def go(cet_study: Study, cet_coordinator: User) -> Go:
    """Signed in as the coordinator, on a day of the rehearsal."""

    def signed_in(day: dt.date) -> Client:
        if day > DAY_ONE:
            move_to(cet_study, day, cet_coordinator)
        client = Client()
        client.force_login(cet_coordinator)
        return client

    return signed_in


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return " ".join(answer.content.decode().split())


# --- the lead-in ---


def test_the_lead_in_is_started_from_the_patients_page(cet_patient: Patient, go: Go) -> None:
    client = go(LEAD_IN_ON)
    page = text(client, f"{PATIENT}/")
    assert "Start the lead-in" in page
    assert "Lead-in, next: 10 mg" in page
    assert "cycle 0" not in page.lower()
    form = text(client, f"{PATIENT}/start-cycle/")
    assert "Start the lead-in" in form
    assert "days −21 to −1" in form
    answer = client.post(f"{PATIENT}/start-cycle/", {"started_on": LEAD_IN_ON.isoformat()})
    assert answer.status_code == 302
    page = text(client, f"{PATIENT}/")
    assert "Lead-in, day −21 (1 of 21), at 10 mg" in page
    assert "The lead-in started at 10 mg" in page
    assert "cycle 0" not in page.lower()


def test_a_late_start_shows_what_moves_before_it_is_saved(cet_patient: Patient, go: Go) -> None:
    on = LEAD_IN_ON + 2 * ONE
    client = go(on)
    shown = client.post(f"{PATIENT}/start-cycle/", {"started_on": on.isoformat()}).content.decode()
    assert "Cycle 1 and those after it" in shown
    assert "tumor biopsy" in shown
    assert not Cycle.objects.exists()


def test_no_page_about_it_says_cycle_0(in_lead_in: Patient, go: Go) -> None:
    client = go(LEAD_IN_ON + 10 * ONE)
    for page in ("", "doses/", "interruption/", "reduce/", "discontinue/", "cycles/0/correct/", "regimen/", "event/"):
        shown = text(client, f"{PATIENT}/{page}").lower()
        assert "cycle 0" not in shown, page
    listed = text(client, "/studies/LEN-CET-01/patients/")
    assert "cycle 0" not in listed.lower()
    assert 'data-label="Cycles">lead-in<' in listed
    assert "cycle 0" not in text(client, "/studies/LEN-CET-01/").lower()
    assert "Lead-in recorded" in text(client, "/studies/LEN-CET-01/history/")


def test_its_start_can_be_corrected(in_lead_in: Patient, go: Go) -> None:
    client = go(LEAD_IN_ON + 3 * ONE)
    assert "Correct the start of the lead-in" in text(client, f"{PATIENT}/cycles/0/correct/")
    body = {"started_on": (LEAD_IN_ON + ONE).isoformat(), "reason": "Typed wrong"}
    client.post(f"{PATIENT}/cycles/0/correct/", {**body, "confirm": "yes"})
    assert Cycle.objects.get(number=0).started_on == LEAD_IN_ON + ONE


def test_an_end_in_the_lead_in_offers_a_replacement(in_lead_in: Patient, cet_coordinator: User, go: Go) -> None:
    on = LEAD_IN_ON + 9 * ONE
    discontinue(patient=in_lead_in, reason_code="disease-progression", on=on, by=cet_coordinator, at=moment(on))
    page = text(go(on), f"{PATIENT}/")
    assert "Treatment ended in the lead-in: cycle 1, the DLT window, was never reached." in page
    assert "Replace the patient" in page


# --- activities ---


def test_a_biopsy_is_recorded_in_its_window(cet_patient: Patient, go: Go) -> None:
    client = go(dt.date(2026, 1, 9))
    page = text(client, f"{PATIENT}/")
    assert "Tumor biopsy: before the lead-in" in page
    assert f'href="{BIOPSY}/done/"' in page
    assert "expected" in page  # it moves with the start of the lead-in
    assert "window 8 Jan – 11 Jan 2026" in text(client, f"{BIOPSY}/done/")
    answer = client.post(f"{BIOPSY}/done/", {"done_on": "2026-01-09"})
    assert answer.status_code == 302
    assert ActivityRecord.objects.get().done_on == dt.date(2026, 1, 9)
    assert "in its window, 8 Jan – 11 Jan 2026" in text(client, f"{PATIENT}/")


def test_out_of_its_window_the_page_asks_why_and_keeps_what_was_typed(cet_patient: Patient, go: Go) -> None:
    client = go(dt.date(2026, 1, 9))
    refused = client.post(f"{BIOPSY}/done/", {"done_on": "2026-01-07"})
    assert refused.status_code == 409
    page = refused.content.decode()
    assert "lies outside the window" in page
    assert 'value="2026-01-07"' in page
    saved = client.post(f"{BIOPSY}/done/", {"done_on": "2026-01-07", "out_of_window_reason": "Theatre"})
    assert saved.status_code == 302
    assert "out of window" in text(client, f"{PATIENT}/")


def test_missed_and_corrected(cet_patient: Patient, go: Go) -> None:
    client = go(LEAD_IN_ON)
    assert "Record as missed" in text(client, f"{BIOPSY}/done/")
    assert client.post(f"{BIOPSY}/missed/", {"reason": ""}).status_code == 422
    assert client.post(f"{BIOPSY}/missed/", {"reason": "Clotting"}).status_code == 302
    again = client.get(f"{BIOPSY}/done/")
    assert "is recorded as missed already" in again.content.decode()
    right = {"outcome": "done", "done_on": "2026-01-11", "reason": "It was done after all"}
    assert client.post(f"{BIOPSY}/correct/", right).status_code == 302
    assert ActivityRecord.objects.get().outcome == "done"
    history = text(client, "/studies/LEN-CET-01/history/")
    assert "It was done after all" in history
    assert "Tumor biopsy · Before the lead-in, day −25 to −22" in history


def test_a_visit_is_recorded_with_what_is_done_at_it(in_cycle_1: Patient, go: Go) -> None:
    on = CYCLE_1_ON + 7 * ONE
    client = go(on)
    path = f"{PATIENT}/activities/visits.day-8.1/done/"
    assert "Safety assessment: visit on day 8, cycle 1" in text(client, path)
    client.post(path, {"done_on": on.isoformat(), "also": ["safety.day-8.1"]})
    assert set(ActivityRecord.objects.values_list("activity", "cycle")) == {("visits", 1), ("safety", 1)}


def test_what_was_done_in_time_is_told_apart_when_cycle_1_is_late(
    in_lead_in: Patient, cet_coordinator: User, go: Go
) -> None:
    done(in_lead_in, "biopsy.before-combination", CYCLE_1_ON - 2 * ONE, cet_coordinator)
    on = CYCLE_1_ON + 7 * ONE
    begin(in_lead_in, on, cet_coordinator)
    page = text(go(on), f"{PATIENT}/")
    assert "in the window of then; it has moved to 6 Feb – 8 Feb 2026 since" in page


@pytest.mark.parametrize("which", ["biopsy", "biopsy.never", "biopsy.before-lead-in.1", "safety.day-8.7", "a.b.c.d"])
def test_an_address_that_names_no_activity(cet_patient: Patient, go: Go, which: str) -> None:
    for page in ("done", "missed", "correct"):
        assert go(DAY_ONE).get(f"{PATIENT}/activities/{which}/{page}/").status_code == 404


def test_nothing_to_correct_yet(cet_patient: Patient, go: Go) -> None:
    assert go(DAY_ONE).get(f"{BIOPSY}/correct/").status_code == 404


def test_who_is_kept_out(cet_study: Study, cet_patient: Patient, cet_monitor: User) -> None:
    elsewhere = _member(cet_study, "elsewhere", "Ann Chu", Role.COORDINATOR, cet_study.sites.get(code="A"))
    for someone, status in ((cet_monitor, 403), (elsewhere, 404)):
        client = Client()
        client.force_login(someone)
        for page in ("done", "missed"):
            assert client.get(f"{BIOPSY}/{page}/").status_code == status
            assert client.post(f"{BIOPSY}/{page}/", {"done_on": "2026-01-09"}).status_code == status
    client = Client()
    client.force_login(cet_monitor)
    assert f"{BIOPSY}/done/" not in text(client, f"{PATIENT}/")


# --- Today ---


def test_today_tells_what_is_due_and_leads_to_it(cet_patient: Patient, go: Go) -> None:
    page = text(go(dt.date(2026, 1, 10)), "/studies/LEN-CET-01/")
    assert "tumor biopsy: before the lead-in" in page.lower()
    assert f'href="{BIOPSY}/done/"' in page
    assert "lead-in starts" in page


def test_what_is_over_is_overdue_until_something_is_recorded(
    in_cycle_1: Patient, cet_coordinator: User, go: Go
) -> None:
    on = CYCLE_1_ON + 12 * ONE
    client = go(on)
    before = text(client, "/studies/LEN-CET-01/")
    assert "visit on day 8, cycle 1, with safety assessment" in before
    client.post(
        f"{PATIENT}/activities/visits.day-8.1/done/",
        {"done_on": (CYCLE_1_ON + 7 * ONE).isoformat(), "also": ["safety.day-8.1"]},
    )
    text(client, f"{PATIENT}/")  # where it says that it is recorded
    assert "visit on day 8, cycle 1" not in text(client, "/studies/LEN-CET-01/")


def test_after_the_end_only_what_came_before_it_and_its_own_are_due(
    in_lead_in: Patient, cet_coordinator: User, go: Go
) -> None:
    on = LEAD_IN_ON + 2 * ONE
    discontinue(patient=in_lead_in, reason_code="other", on=on, by=cet_coordinator, at=moment(on))
    page = text(go(on + 6 * ONE), "/studies/LEN-CET-01/")
    assert "visit at the end of treatment, with safety assessment" in page
    assert "day −14" not in page


def test_the_pages_take_as_many_queries_with_more_recorded(in_cycle_1: Patient, cet_coordinator: User, go: Go) -> None:
    client = go(CYCLE_1_ON + 25 * ONE)
    paths = (f"{PATIENT}/", f"{PATIENT}/activities/biopsy.on-combination/done/")
    counts = []
    for recorded in ((), ("visits.day-8.1", "safety.day-8.1", "visits.day-15.1", "safety.day-15.1")):
        for which in recorded:
            due = 7 if "day-8" in which else 14
            done(fresh(in_cycle_1), which, CYCLE_1_ON + due * ONE, cet_coordinator)
        for path in paths:
            client.get(path)
        with CaptureQueriesContext(connection) as captured:
            for path in paths:
                client.get(path)
        counts.append(len(captured))
    assert counts[0] == counts[1]
