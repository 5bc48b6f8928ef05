"""Activities of the schedule: planned from anchors, moved by what happens, recorded as done or missed."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from audit.models import Entry
from patients.activities import ActivityState, Which, due_activities, title_together, together
from patients.models import ActivityRecord, Cycle, Patient
from patients.operations import (
    correct_activity,
    correct_cycle_start,
    discontinue,
    miss_activities,
    record_activities,
    record_adverse_event,
)
from tests.cast import DAY_ONE, ApiClient, _client_system, _member, moment
from tests.patients.cetuximab import (
    CYCLE_1_ON,
    LEAD_IN_ON,
    begin,
    cet_registered,
    cycles_of,
    done,
    due_of,
    fresh,
)
from tests.patients.steps import treated
from trials.errors import Forbidden, Refused
from trials.models import Role, Site, Study

pytestmark = pytest.mark.django_db

ONE = dt.timedelta(days=1)
BIOPSIES = ("biopsy.before-lead-in", "biopsy.before-combination", "biopsy.on-combination")


def window(patient: Patient, which: str) -> tuple[dt.date, dt.date, bool]:
    due = due_of(patient)[which]
    return due.window_from, due.window_to, due.firm


# --- planned from anchors ---


def test_the_biopsies_are_planned_as_the_text_counts_them(cet_patient: Patient) -> None:
    # Day -25 to -22 of a lead-in that starts, on day -21, on 12 January; day -3 to -1 of a cycle 1 on 2 February.
    assert window(cet_patient, BIOPSIES[0]) == (dt.date(2026, 1, 8), dt.date(2026, 1, 11), False)
    assert window(cet_patient, BIOPSIES[1]) == (dt.date(2026, 1, 30), dt.date(2026, 2, 1), False)
    assert window(cet_patient, BIOPSIES[2]) == (dt.date(2026, 2, 22), dt.date(2026, 3, 1), False)


def test_a_window_before_its_anchor_is_not_firm_until_that_has_happened(
    in_lead_in: Patient, cet_coordinator: User
) -> None:
    due = due_of(in_lead_in)
    assert due[BIOPSIES[0]].firm
    assert due["visits.day-minus-7"].firm
    # Cycle 1 is due, and may start later: all that hangs on it is expected.
    assert not any(due[which].firm for which in (BIOPSIES[1], BIOPSIES[2], "safety.day-1.1", "visits.day-8.1"))
    begin(in_lead_in, CYCLE_1_ON, cet_coordinator)
    assert due_of(in_lead_in)[BIOPSIES[1]].firm
    assert due_of(in_lead_in)[BIOPSIES[2]].firm


def test_it_moves_with_the_actual_start(cet_patient: Patient, cet_coordinator: User) -> None:
    begin(cet_patient, LEAD_IN_ON + 3 * ONE, cet_coordinator)
    assert window(cet_patient, BIOPSIES[1])[:2] == (dt.date(2026, 2, 2), dt.date(2026, 2, 4))
    begin(cet_patient, CYCLE_1_ON + 10 * ONE, cet_coordinator)
    assert window(cet_patient, BIOPSIES[1]) == (dt.date(2026, 2, 9), dt.date(2026, 2, 11), True)
    assert window(cet_patient, BIOPSIES[2]) == (dt.date(2026, 3, 4), dt.date(2026, 3, 11), True)


def test_days_of_the_lead_in_are_counted_from_its_start(in_lead_in: Patient) -> None:
    due = due_of(in_lead_in)
    assert due["visits.lead-in-start"].planned_on == LEAD_IN_ON
    assert due["visits.day-minus-14"].planned_on == LEAD_IN_ON + 7 * ONE
    assert due["visits.day-minus-7"].planned_on == LEAD_IN_ON + 14 * ONE


def test_every_visit_has_its_safety_assessment(in_cycle_1: Patient) -> None:
    due = due_of(in_cycle_1)
    for day in (8, 15, 22):
        assert due[f"visits.day-{day}.1"].planned_on == CYCLE_1_ON + (day - 1) * ONE
        assert due[f"safety.day-{day}.1"].planned_on == CYCLE_1_ON + (day - 1) * ONE
    assert "visits.day-1.1" not in due  # that visit comes with the start of the cycle
    assert due["safety.day-1.1"].planned_on == CYCLE_1_ON


def test_what_comes_back_is_planned_for_the_next_cycle_and_no_further(in_cycle_1: Patient) -> None:
    due = due_of(in_cycle_1)
    assert due["safety.day-8.2"].planned_on == CYCLE_1_ON + 35 * ONE
    assert "safety.day-8.3" not in due


def test_some_are_due_in_the_expansion_only(in_cycle_1: Patient) -> None:
    assert "imaging.after-6" not in due_of(in_cycle_1)
    patient = fresh(in_cycle_1)
    assert patient.part is not None
    patient.part.kind = "expansion"
    found = {str(d.which) for d in due_activities(patient, cycles_of(patient), [], DAY_ONE)}
    assert {"imaging.after-2", "imaging.after-6", "imaging.after-12"} <= found


@pytest.mark.parametrize(
    ("lead_in_on", "first", "last"),
    [
        (dt.date(2028, 3, 3), dt.date(2028, 2, 28), dt.date(2028, 3, 2)),  # across 29 February
        (dt.date(2027, 3, 3), dt.date(2027, 2, 27), dt.date(2027, 3, 2)),
        (dt.date(2026, 3, 31), dt.date(2026, 3, 27), dt.date(2026, 3, 30)),  # across the change to summer time
        (dt.date(2027, 1, 2), dt.date(2026, 12, 29), dt.date(2027, 1, 1)),
    ],
)
def test_days_before_the_lead_in_are_days_of_the_calendar(
    cet_site: Site, cet_coordinator: User, lead_in_on: dt.date, first: dt.date, last: dt.date
) -> None:
    patient = cet_registered(cet_site, cet_coordinator, on=lead_in_on - 10 * ONE, start=lead_in_on)
    assert window(patient, BIOPSIES[0])[:2] == (first, last)


def test_nothing_is_planned_before_registration_or_without_activities(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    assert due_activities(patient, cycles_of(patient), [], DAY_ONE) == []


def test_what_is_due_together_is_one_line(in_cycle_1: Patient) -> None:
    groups = {title_together(group) for group in together(due_of(in_cycle_1).values())}
    assert "Visit on day 8, cycle 1, with safety assessment" in groups
    assert "Safety assessment: visit on day 1, cycle 1" in groups
    assert "Tumor biopsy: on the combination, cycle 1 day 21 to 28" in groups


def test_the_schedule_asks_the_database_nothing(
    in_cycle_1: Patient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    loaded = Patient.objects.with_plan().prefetch_related("activities").get(pk=in_cycle_1.pk)
    with django_assert_num_queries(0):
        due_activities(loaded, cycles_of(loaded), loaded.activities.all(), DAY_ONE)


# --- the end of treatment ---


def test_the_end_of_treatment_drops_what_was_planned_after_and_plans_its_own(
    in_lead_in: Patient, cet_coordinator: User
) -> None:
    on = LEAD_IN_ON + 9 * ONE
    assert "safety.end" not in due_of(in_lead_in)
    discontinue(patient=in_lead_in, reason_code="unacceptable-toxicity", on=on, by=cet_coordinator, at=moment(on))
    due = due_of(in_lead_in, on)
    assert not {BIOPSIES[1], BIOPSIES[2], "visits.day-minus-7", "imaging.after-2"} & due.keys()
    assert due["visits.day-minus-14"].state is ActivityState.OVERDUE  # it was planned before, and is still to be told
    assert (due["safety.end"].planned_on, due["safety.end"].window_to) == (on, on + 30 * ONE)
    assert done(in_lead_in, "safety.end", on, cet_coordinator).done_on == on


# --- recorded as done ---


def test_done_in_its_window(cet_patient: Patient, cet_coordinator: User) -> None:
    record = done(cet_patient, BIOPSIES[0], dt.date(2026, 1, 9), cet_coordinator)
    assert (record.outcome, record.planned_on, record.window_to, record.out_of_window_reason) == (
        "done", dt.date(2026, 1, 8), dt.date(2026, 1, 11), "",
    )  # fmt: skip
    assert due_of(cet_patient)[BIOPSIES[0]].state is ActivityState.DONE


def test_done_out_of_its_window_with_the_reason(cet_patient: Patient, cet_coordinator: User) -> None:
    with pytest.raises(Refused, match="outside the window of Tumor biopsy") as refused:
        done(cet_patient, BIOPSIES[0], dt.date(2026, 1, 7), cet_coordinator)
    assert (refused.value.code, refused.value.field) == ("out-of-window", "out_of_window_reason")
    record = done(cet_patient, BIOPSIES[0], dt.date(2026, 1, 7), cet_coordinator, why="The theatre was free that day")
    assert record.out_of_window_reason == "The theatre was free that day"


def test_a_reason_that_is_not_needed_is_not_kept(cet_patient: Patient, cet_coordinator: User) -> None:
    assert done(cet_patient, BIOPSIES[0], dt.date(2026, 1, 8), cet_coordinator, why="x").out_of_window_reason == ""


def test_on_the_day_of_the_start_it_is_out_of_window_and_after_it_too_late(
    in_lead_in: Patient, cet_coordinator: User
) -> None:
    with pytest.raises(Refused, match=r"The lead-in started on 12 Jan 2026.*Record it as missed") as refused:
        done(in_lead_in, BIOPSIES[0], LEAD_IN_ON + ONE, cet_coordinator, why="Late")
    assert refused.value.code == "anchor-had-started"
    assert done(in_lead_in, BIOPSIES[0], LEAD_IN_ON, cet_coordinator, why="Before the first capsule").done_on


def test_a_delay_of_cycle_1_leaves_what_was_recorded_and_shows_that_the_window_has_moved(
    in_lead_in: Patient, cet_coordinator: User
) -> None:
    record = done(in_lead_in, BIOPSIES[1], CYCLE_1_ON - 2 * ONE, cet_coordinator)
    assert due_of(in_lead_in)[BIOPSIES[1]].outside_now is None
    begin(in_lead_in, CYCLE_1_ON + 10 * ONE, cet_coordinator)
    due = due_of(in_lead_in)[BIOPSIES[1]]
    assert (due.window_from, due.window_to) == (record.window_from, record.window_to)
    assert due.outside_now is not None
    assert (due.outside_now.window_from, due.outside_now.window_to) == (dt.date(2026, 2, 9), dt.date(2026, 2, 11))


def test_a_visit_and_what_is_done_at_it_are_recorded_at_once_or_not_at_all(
    in_cycle_1: Patient, cet_coordinator: User
) -> None:
    on = CYCLE_1_ON + 7 * ONE
    which = [Which("visits", "day-8", 1), Which("safety", "day-8", 1)]
    made = record_activities(patient=in_cycle_1, which=which, done_on=on, by=cet_coordinator, at=moment(on))
    assert [(r.activity, r.cycle) for r in made] == [("visits", 1), ("safety", 1)]
    later = [Which("visits", "day-15", 1), Which("safety", "day-8", 1)]
    with pytest.raises(Refused, match="recorded as done already"):
        record_activities(
            patient=in_cycle_1, which=later, done_on=on + 7 * ONE, by=cet_coordinator, at=moment(on + 7 * ONE)
        )
    assert ActivityRecord.objects.filter(timepoint="day-15").count() == 0


@pytest.mark.parametrize(
    ("which", "on", "code"),
    [
        (BIOPSIES[0], LEAD_IN_ON + ONE, "in-the-future"),
        (BIOPSIES[0], DAY_ONE - ONE, "before-consent"),
        ("visits.day-minus-14", LEAD_IN_ON - 3 * ONE, "anchor-not-started"),
        ("biopsy.third-eye", LEAD_IN_ON - 3 * ONE, "not-planned"),
        ("imaging.after-6", LEAD_IN_ON - 3 * ONE, "not-planned"),
        ("safety.day-8.2", LEAD_IN_ON - 3 * ONE, "not-planned"),
        ("safety.day-8", LEAD_IN_ON - 3 * ONE, "not-planned"),
    ],
)
def test_refused_by_state(cet_patient: Patient, cet_coordinator: User, which: str, on: dt.date, code: str) -> None:
    with pytest.raises(Refused) as refused:
        record_activities(
            patient=cet_patient,
            which=[Which.read(which)],
            done_on=on,
            out_of_window_reason="Why not",
            by=cet_coordinator,
            at=moment(LEAD_IN_ON - 2 * ONE),
        )
    assert refused.value.code == code
    assert not ActivityRecord.objects.exists()


def test_nothing_is_done_before_the_start_of_its_cycle_but_in_its_window(
    in_cycle_1: Patient, cet_coordinator: User
) -> None:
    with pytest.raises(Refused, match="Cycle 1 started on 2 Feb 2026; this is done after that"):
        done(in_cycle_1, "safety.day-8.1", CYCLE_1_ON - ONE, cet_coordinator, why="Early")
    assert done(in_cycle_1, "safety.day-1.1", CYCLE_1_ON - ONE, cet_coordinator).out_of_window_reason == ""


def test_nothing_is_done_after_a_death(in_lead_in: Patient, cet_coordinator: User) -> None:
    record_adverse_event(
        patient=in_lead_in,
        term="Sepsis",
        grade=5,
        onset_on=LEAD_IN_ON + ONE,
        relations={"lenalidomide": "unlikely", "cetuximab": "unrelated"},
        serious=True,
        by=cet_coordinator,
        at=moment(LEAD_IN_ON + ONE),
    )
    with pytest.raises(Refused, match="died"):
        done(in_lead_in, "visits.day-minus-14", LEAD_IN_ON + 7 * ONE, cet_coordinator)


def test_refused_by_role_and_by_site(cet_study: Study, cet_patient: Patient, cet_monitor: User) -> None:
    elsewhere = _member(cet_study, "elsewhere", "Ann Chu", Role.COORDINATOR, cet_study.sites.get(code="A"))
    for person in (cet_monitor, elsewhere):
        with pytest.raises(Forbidden):
            done(cet_patient, BIOPSIES[0], dt.date(2026, 1, 9), person)
        with pytest.raises(Forbidden):
            miss_activities(
                patient=cet_patient, which=[Which.read(BIOPSIES[0])], reason="x", by=person, at=moment(LEAD_IN_ON)
            )


def test_each_is_named_once(cet_patient: Patient, cet_coordinator: User) -> None:
    for which in ([], [Which.read(BIOPSIES[0])] * 2):
        with pytest.raises(Refused, match="each once"):
            record_activities(
                patient=cet_patient, which=which, done_on=DAY_ONE, by=cet_coordinator, at=moment(LEAD_IN_ON)
            )


@pytest.mark.parametrize("text", ["biopsy", "a.b.c", "a.b.1.2", ""])
def test_what_names_no_activity(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Which.read(text)


# --- recorded as missed, and corrected ---


def test_missed_once_its_window_has_opened(cet_patient: Patient, cet_coordinator: User) -> None:
    which = [Which.read(BIOPSIES[0])]
    with pytest.raises(Refused, match="the window opens on 8 Jan 2026"):
        miss_activities(
            patient=cet_patient, which=which, reason="No", by=cet_coordinator, at=moment(dt.date(2026, 1, 7))
        )
    with pytest.raises(Refused, match="Say why it was missed"):
        miss_activities(patient=cet_patient, which=which, reason=" ", by=cet_coordinator, at=moment(LEAD_IN_ON))
    [record] = miss_activities(
        patient=cet_patient, which=which, reason="Clotting", by=cet_coordinator, at=moment(LEAD_IN_ON)
    )
    assert (record.outcome, record.done_on, record.missed_reason) == ("missed", None, "Clotting")


def test_a_correction_says_why_and_keeps_what_was(cet_patient: Patient, cet_coordinator: User) -> None:
    record = done(cet_patient, BIOPSIES[0], dt.date(2026, 1, 9), cet_coordinator)
    corrected = correct_activity(
        record=record, outcome="missed", missed_reason="It was another patient's", reason="Mixed up",
        by=cet_coordinator, at=moment(LEAD_IN_ON),
    )  # fmt: skip
    assert (corrected.outcome, corrected.done_on) == ("missed", None)
    entry = Entry.objects.of_record("patients_activityrecord", record.pk).newest_first().first()
    assert entry is not None
    assert entry.reason == "Mixed up"
    assert entry.changed_fields["done_on"] == ("2026-01-09", None)
    again = correct_activity(
        record=record, outcome="done", done_on=dt.date(2026, 1, 12), out_of_window_reason="Late slot", reason="Right",
        by=cet_coordinator, at=moment(LEAD_IN_ON),
    )  # fmt: skip
    assert (again.done_on, again.out_of_window_reason) == (dt.date(2026, 1, 12), "Late slot")


def test_a_correction_is_held_by_the_same_rules(cet_patient: Patient, cet_coordinator: User, cet_monitor: User) -> None:
    record = done(cet_patient, BIOPSIES[0], dt.date(2026, 1, 9), cet_coordinator)
    told = {"record": record, "outcome": "done", "at": moment(LEAD_IN_ON)}
    with pytest.raises(Forbidden):
        correct_activity(**told, done_on=DAY_ONE, reason="x", by=cet_monitor)
    for wrong, code in (
        ({"done_on": dt.date(2026, 1, 9), "reason": ""}, "reason-needed"),
        ({"done_on": None, "reason": "x"}, "day-needed"),
        ({"done_on": dt.date(2026, 1, 7), "reason": "x"}, "out-of-window"),
        ({"done_on": LEAD_IN_ON + ONE, "reason": "x"}, "in-the-future"),
    ):
        with pytest.raises(Refused) as refused:
            correct_activity(**told, **wrong, by=cet_coordinator)
        assert refused.value.code == code


def test_a_corrected_start_moves_what_is_open_only(in_lead_in: Patient, cet_coordinator: User) -> None:
    record = done(in_lead_in, "visits.day-minus-14", LEAD_IN_ON + 7 * ONE, cet_coordinator)
    [lead_in] = Cycle.objects.filter(patient=in_lead_in)
    at = moment(LEAD_IN_ON + 8 * ONE)
    correct_cycle_start(cycle=lead_in, started_on=LEAD_IN_ON + ONE, reason="Typed wrong", by=cet_coordinator, at=at)
    due = due_of(in_lead_in)
    assert due["visits.day-minus-14"].planned_on == record.planned_on
    assert due["visits.day-minus-7"].planned_on == LEAD_IN_ON + 15 * ONE


# --- the database itself ---


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"outcome": "done", "done_on": None}, "done_has_a_day_missed_a_reason"),
        ({"outcome": "missed", "done_on": None}, "done_has_a_day_missed_a_reason"),
        ({"done_on": dt.date(2026, 1, 1)}, "activity_out_of_window_has_a_reason"),
        ({"planned_on": dt.date(2026, 2, 1)}, "activity_planned_in_its_window"),
        ({"activity": "tattoo"}, "not one of the protocol"),
        ({"timepoint": "never"}, "not one of the protocol"),
    ],
)
def test_the_database_refuses(
    cet_patient: Patient, cet_coordinator: User, wrong: dict[str, object], constraint: str
) -> None:
    good: dict[str, object] = {
        "activity": "biopsy",
        "timepoint": "before-lead-in",
        "outcome": "done",
        "planned_on": dt.date(2026, 1, 8),
        "window_from": dt.date(2026, 1, 8),
        "window_to": dt.date(2026, 1, 11),
        "done_on": dt.date(2026, 1, 9),
        "recorded_at": moment(LEAD_IN_ON),
        "recorded_by": cet_coordinator,
    }
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ActivityRecord.objects.create(patient=cet_patient, study=cet_patient.study, **(good | wrong))


def test_the_database_keeps_one_record_of_each(cet_patient: Patient, cet_coordinator: User) -> None:
    record = done(cet_patient, BIOPSIES[0], dt.date(2026, 1, 9), cet_coordinator)
    record.pk = None
    with pytest.raises(IntegrityError, match="activity_once"), transaction.atomic():
        record.save(force_insert=True)


# --- the API ---


def test_the_api_tells_what_is_due(cet_edc: ApiClient, cet_patient: Patient) -> None:
    answer = cet_edc.get("studies/LEN-CET-01/activities/", patient="Z-001")
    assert answer.status_code == 200
    found = {(a["activity"], a["timepoint"]): a for a in answer.json()["results"]}
    biopsy = found["biopsy", "before-lead-in"]
    assert (biopsy["window_from"], biopsy["window_to"], biopsy["firm"]) == ("2026-01-08", "2026-01-11", False)
    assert biopsy["kind"] == "biopsy"
    wrong = cet_edc.get("studies/LEN-CET-01/activities/", state="lost")
    assert wrong.status_code == 400


def test_the_api_takes_as_many_queries_for_many_patients(
    cet_edc: ApiClient,
    cet_site: Site,
    cet_coordinator: User,
    cet_patient: Patient,
) -> None:
    with CaptureQueriesContext(connection) as one:
        cet_edc.get("studies/LEN-CET-01/activities/")
    cet_registered(cet_site, cet_coordinator)
    other = cet_registered(cet_site, cet_coordinator)
    begin(other, LEAD_IN_ON, cet_coordinator)
    with CaptureQueriesContext(connection) as three:
        cet_edc.get("studies/LEN-CET-01/activities/")
    assert len(three) <= len(one)


def test_the_api_records_what_was_done_and_what_was_missed(cet_edc: ApiClient, cet_patient: Patient) -> None:
    body = {
        "patient": "Z-001",
        "activity": "biopsy",
        "timepoint": "before-lead-in",
        "outcome": "done",
        "done_on": "2026-01-05",
    }
    outside = cet_edc.post("studies/LEN-CET-01/activity-records/", body)
    assert (outside.status_code, outside.json()["code"]) == (409, "out-of-window")
    recorded = cet_edc.post("studies/LEN-CET-01/activity-records/", {**body, "out_of_window_reason": "Only slot"})
    assert recorded.status_code == 201, recorded.json()
    assert recorded.json()["out_of_window_reason"] == "Only slot"
    again = cet_edc.post("studies/LEN-CET-01/activity-records/", body)
    assert (again.status_code, again.json()["code"]) == (409, "already-recorded")
    early = {"patient": "Z-001", "activity": "visits", "timepoint": "day-minus-7", "outcome": "missed"}
    missed = cet_edc.post("studies/LEN-CET-01/activity-records/", {**early, "missed_reason": "Ill"})
    assert (missed.status_code, missed.json()["code"]) == (409, "window-not-open")
    assert cet_edc.post("studies/LEN-CET-01/activity-records/", {**body, "done_on": None}).status_code == 400
    listed = cet_edc.get("studies/LEN-CET-01/activity-records/").json()["results"]
    assert [(r["activity"], r["timepoint"]) for r in listed] == [("biopsy", "before-lead-in")]


def test_the_api_writes_once_for_one_key(cet_edc: ApiClient, cet_patient: Patient) -> None:
    body = {
        "patient": "Z-001",
        "activity": "imaging",
        "timepoint": "baseline",
        "outcome": "done",
        "done_on": "2026-01-05",
    }
    first = cet_edc.post("studies/LEN-CET-01/activity-records/", body, key="the same write")
    second = cet_edc.post("studies/LEN-CET-01/activity-records/", body, key="the same write")
    assert (first.status_code, second.status_code) == (201, 201), first.json()
    assert ActivityRecord.objects.count() == 1


def test_the_api_of_another_site_finds_nobody(cet_study: Study, cet_patient: Patient) -> None:
    client = _client_system(cet_study, "edc-anchorage", cet_study.sites.get(code="A"))
    assert client.get("studies/LEN-CET-01/activities/").json()["results"] == []
    body = {"patient": "Z-001", "activity": "imaging", "timepoint": "baseline", "outcome": "done"}
    assert client.post("studies/LEN-CET-01/activity-records/", {**body, "done_on": "2026-01-05"}).status_code == 404
