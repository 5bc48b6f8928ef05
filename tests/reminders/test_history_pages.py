"""The history of a record and of a field, as it was, as files, its review, and who looked at what."""

import csv
import datetime as dt
import io
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.canonical import sha256_of
from accounts.manifestation import verify_stored
from accounts.models import Signature, User
from audit.models import Access, Entry
from dosing.models import Decision
from patients.models import AdverseEvent, Patient
from patients.operations.events import correct_adverse_event, record_adverse_event
from reminders.history_export import Row, as_csv
from reminders.history_past import decision_then, patient_then
from reminders.operations import review_trail
from reminders.reviews import last_review
from tests.answers import text_of
from tests.cast import DAY_ONE, PASSWORD, moment
from tests.dosing.steps import as_if_committed, decide, evaluated, on_treatment
from tests.patients.steps import day
from trials.errors import Forbidden, Refused
from trials.models import Study

pytestmark = [pytest.mark.django_db, pytest.mark.req("P11-10e", "EMA-6.2.2")]


@pytest.fixture
def trial(study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User) -> Study:
    as_if_committed()
    return study


@pytest.fixture
def patient(trial: Study, coordinator_a: User) -> Patient:
    return on_treatment(trial, coordinator_a, DAY_ONE)


@pytest.fixture
def event(patient: Patient, coordinator_a: User) -> AdverseEvent:
    """Of grade 2, then corrected to 3."""
    found = record_adverse_event(
        patient=patient, term="Fatigue", grade=2, onset_on=day(9), by=coordinator_a, at=moment(day(9)),
        relations={"lenalidomide": "probable", "dexamethasone": "unlikely"},
    )  # fmt: skip
    changes = {"grade": 3}
    correct_adverse_event(
        event=found, changes=changes, reason="misread the chart", by=coordinator_a, at=moment(day(10))
    )
    return found


def get(reader: User, name: str, study: Study, *args: Any, status: int = 200, **query: Any) -> Any:
    client = Client()
    client.force_login(reader)
    answer = client.get(reverse(f"reminders:{name}", args=[study.key, *args]), query)
    assert answer.status_code == status
    return answer


# --- a record, and a field ---


def test_a_field_tells_each_value_with_who_when_and_why(trial: Study, event: AdverseEvent, coordinator_a: User) -> None:
    page = text_of(get(coordinator_a, "history-record", trial, "patients_adverseevent", event.pk, field="grade"))
    assert "Grade changed from 2 to 3" in page
    assert "by Mia Castellano, because: “misread the chart”" in page
    assert "Grade: 2" in page


def test_a_record_tells_everything_that_became_of_it(trial: Study, event: AdverseEvent, coordinator_a: User) -> None:
    page = text_of(get(coordinator_a, "history-record", trial, "patients_adverseevent", event.pk))
    assert "Adverse event recorded" in page
    assert "Grade changed from 2 to 3" in page
    assert "Cycle 1 recorded" not in page


def test_another_sites_record_is_not_there(trial: Study, event: AdverseEvent, coordinator_b: User) -> None:
    get(coordinator_b, "history-record", trial, "patients_adverseevent", event.pk, status=404)
    get(coordinator_b, "patient-as-it-was", trial, "A-001", status=404)


@pytest.mark.parametrize("table", ["accounts_user", "django_session", "nothing"])
def test_only_what_is_told_in_words_can_be_asked_for(trial: Study, pi: User, table: str) -> None:
    get(pi, "history-record", trial, table, 1, status=404)


# --- narrowed to days ---


def test_it_can_be_narrowed_to_days(trial: Study, event: AdverseEvent, pi: User) -> None:
    today = dt.datetime.now(dt.UTC).date()
    long_ago, tomorrow = today - dt.timedelta(days=9), today + dt.timedelta(days=2)
    assert "Fatigue" in text_of(get(pi, "history", trial, since=long_ago, until=tomorrow))
    assert "Fatigue" not in text_of(get(pi, "history", trial, until=long_ago))
    assert "Fatigue" not in text_of(get(pi, "history", trial, since=tomorrow))


def test_a_day_that_is_none_is_told(trial: Study, pi: User) -> None:
    assert "There is no such patient, person, kind or day" in text_of(get(pi, "history", trial, since="2026-02-31"))


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_beyond_every_clock_is_refused(trial: Study, patient: Patient, pi: User, day: str) -> None:
    for asked in ({"since": day}, {"until": day}):
        assert "There is no such patient, person, kind or day" in text_of(get(pi, "history", trial, **asked))
    page = text_of(get(pi, "patient-as-it-was", trial, "A-001", on=day))
    assert re.search("Give a day (from 1 Jan 1900 on|up to 31 Dec 2999)", page)


def test_days_are_given_back_as_a_browser_wants_them(trial: Study, patient: Patient, pi: User) -> None:
    today = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    assert f'value="{today}"' in get(pi, "history", trial, since=today).content.decode()
    page = get(pi, "patient-as-it-was", trial, "A-001", on=today, time="08:05").content.decode()
    assert f'value="{today}"' in page
    assert 'value="08:05"' in page
    assert re.search(
        r'name="on" value="\d{4}-\d\d-\d\d"', get(pi, "patient-as-it-was", trial, "A-001").content.decode()
    )


# --- as it was ---


def test_a_patient_as_it_was_comes_from_the_trail(
    trial: Study, patient: Patient, event: AdverseEvent, pi: User
) -> None:
    now = text_of(get(pi, "patient-as-it-was", trial, "A-001"))
    assert "Grade 3" in now
    assert "Fatigue" in now
    corrected = Entry.objects.of_record("patients_adverseevent", event.pk).newest_first()[0]
    earlier = history_past_of(trial, patient, corrected.at)
    assert ("Grade", "2") in earlier["Adverse events and DLTs"]
    start = Entry.objects.of_patient(patient.pk).earliest("id").at
    assert history_past_of(trial, patient, start) == {}


def history_past_of(study: Study, patient: Patient, moment: dt.datetime) -> dict[str, set[tuple[str, str]]]:
    sections = patient_then(study, patient.pk, moment, "UTC")
    return {section.title: {fact for row in section.rows for fact in row.facts} for section in sections}


def test_rows_of_one_kind_stand_in_a_table(trial: Study, patient: Patient, event: AdverseEvent) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    sections = patient_then(trial, patient.pk, later, "UTC")
    groups = {group.title: group for section in sections for group in section.groups}
    assert groups["Attribution"].is_table
    assert groups["Attribution"].names == ("Event", "Agent", "Relation")
    assert [cells[0] for _, cells in groups["Attribution"].lines] == [("Event", "Fatigue")] * 2
    assert not groups["Patient"].is_table  # there is one


def test_before_anything_was_recorded_there_is_nothing(trial: Study, patient: Patient, pi: User) -> None:
    assert "Nothing was recorded by then" in text_of(get(pi, "patient-as-it-was", trial, "A-001", on="2020-01-01"))


def test_a_decision_as_it_was_has_its_recommendation_and_signatures(
    trial: Study, coordinator_a: User, pi: User
) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on)
    page = text_of(get(pi, "decision-as-it-was", trial, 1))
    assert "Recommendation 1" in page
    assert "Signature" in page
    assert "as recommended" in page
    (section,) = decision_then(trial, Decision.objects.get(), dt.datetime.now(dt.UTC), "UTC", str)
    signatures = section.groups[-1]
    assert len(signatures.rows) == 2
    assert not signatures.is_table  # a hash is too long for a column


def test_the_number_of_queries_does_not_grow(
    trial: Study, patient: Patient, event: AdverseEvent, coordinator_a: User
) -> None:
    few = queries(coordinator_a, trial)
    for number in range(2, 12):
        record_adverse_event(
            patient=patient, term="Fatigue", grade=1, onset_on=day(number), by=coordinator_a, at=moment(day(20)),
            relations={"lenalidomide": "possible", "dexamethasone": "unlikely"},
        )  # fmt: skip
        correct_adverse_event(
            event=event, changes={"grade": 2 + number % 2}, reason=f"why {number}", by=coordinator_a, at=moment(day(20))
        )
    assert queries(coordinator_a, trial) == few


def queries(person: User, study: Study) -> list[int]:
    event = AdverseEvent.objects.earliest("pk")
    asked = [
        ("patient-as-it-was", ["A-001"]),
        ("history-record", ["patients_adverseevent", event.pk]),
        ("history", []),
    ]
    found = []
    for name, arguments in asked:
        with CaptureQueriesContext(connection) as captured:
            get(person, name, study, *arguments)
        found.append(len(captured))
    return found


# --- as files ---


def test_it_can_be_taken_as_csv_with_the_same_lines(trial: Study, event: AdverseEvent, coordinator_a: User) -> None:
    answer = get(coordinator_a, "history-export", trial, "csv", patient="A-001")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    corrected = next(row for row in rows if "changed from 2 to 3" in row["what"])
    assert (corrected["who"], corrected["patient"]) == ("Mia Castellano", "A-001")
    assert corrected["because"] == "misread the chart"
    assert Entry.objects.get(pk=corrected["entry"]).hash == corrected["hash"]
    assert "attachment" in answer["Content-Disposition"]


def test_a_value_is_no_formula_in_a_spreadsheet() -> None:
    row = Row("", "", "", '=HYPERLINK("x")', "", "", "", 1, 1, "")
    assert "'=HYPERLINK" in as_csv(iter([row])).decode()


def test_it_can_be_taken_as_json(trial: Study, event: AdverseEvent, coordinator_a: User) -> None:
    told = json.loads(get(coordinator_a, "history-export", trial, "json", patient="A-001").content)
    assert told["narrowed_to"] == "Patient A-001"
    assert any(entry["because"] == "misread the chart" for entry in told["entries"])


def test_it_can_be_taken_as_an_archivable_pdf(trial: Study, event: AdverseEvent, coordinator_a: User) -> None:
    content = get(coordinator_a, "history-export", trial, "pdf").content
    assert content.startswith(b"%PDF")
    assert b"pdfaid" in content


def test_a_file_holds_no_other_sites_patient(trial: Study, event: AdverseEvent, coordinator_b: User) -> None:
    for kind in ("csv", "json"):
        content = get(coordinator_b, "history-export", trial, kind).content.decode()
        assert "A-001" not in content
        assert "Fatigue" not in content
        assert "Site recorded" in content


# --- who looked at what ---


def test_exports_and_looks_at_a_patient_are_kept_and_shown(
    trial: Study, patient: Patient, pi: User, coordinator_a: User
) -> None:
    get(coordinator_a, "history-export", trial, "csv")
    get(coordinator_a, "patient-as-it-was", trial, "A-001")
    client = Client()
    client.force_login(coordinator_a)
    client.get(reverse("labs:patient", args=[trial.key, "A-001"]))
    kinds = Access.objects.order_by("pk").values_list("kind", "person_id", "about_patient_id")
    me, them = coordinator_a.pk, patient.pk
    assert list(kinds) == [("export", me, None), ("casebook", me, them), ("patient", me, them)]
    page = text_of(get(pi, "access-log", trial))
    assert "Mia Castellano took an export · history as CSV" in page
    assert "Mia Castellano looked at a patient · A-001" in page


def test_what_is_not_shown_is_not_kept_as_looked_at(trial: Study, patient: Patient, coordinator_b: User) -> None:
    get(coordinator_b, "patient-as-it-was", trial, "A-001", status=404)
    assert not Access.objects.exists()


def test_the_access_log_is_for_those_who_read_the_whole_study(trial: Study, coordinator_a: User) -> None:
    get(coordinator_a, "access-log", trial, status=403)
    get(coordinator_a, "history-review", trial, status=403)


def test_its_number_of_queries_does_not_grow(trial: Study, patient: Patient, pi: User, coordinator_a: User) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            get(pi, "access-log", trial)
        return len(captured)

    get(coordinator_a, "patient-as-it-was", trial, "A-001")
    few = asked()
    for reader in (pi, coordinator_a) * 4:
        get(reader, "patient-as-it-was", trial, "A-001")
        get(reader, "history-export", trial, "json")
    assert asked() == few


# --- the review ---


def review(study: Study, by: User, position: int | None = None, **changes: Any) -> Signature:
    newest = Entry.objects.of_study(study.pk).order_by("-position")[0]
    found = Entry.objects.get(study_id=study.pk, position=position or newest.position)
    asked = {
        "position": found.position,
        "hash": found.hash,
        "role": "principal_investigator",
        "password": PASSWORD,
        **changes,
    }
    return review_trail(study=study, by=by, at=moment(day(30)), **asked)


def test_a_review_is_signed_on_the_page_and_shown(trial: Study, event: AdverseEvent, pi: User) -> None:
    client = Client()
    client.force_login(pi)
    address = reverse("reminders:history-review", args=[trial.key])
    newest = Entry.objects.of_study(trial.pk).order_by("-position")[0]
    assert f"I have read the entries 1 to {newest.position}" in text_of(client.get(address))
    sent = {"position": newest.position, "hash": newest.hash, "role": "principal_investigator", "password": PASSWORD}
    assert client.post(address, sent).status_code == 302
    page = text_of(client.get(address))
    assert f"entries {newest.position + 1} to " in page
    assert "valid" in page
    assert f"Reviewed up to entry {newest.position} by {pi.full_name}" in text_of(get(pi, "history", trial))


def test_a_wrong_password_keeps_the_page(trial: Study, pi: User) -> None:
    client = Client()
    client.force_login(pi)
    newest = Entry.objects.of_study(trial.pk).order_by("-position")[0]
    sent = {"position": newest.position, "hash": newest.hash, "role": "principal_investigator", "password": "wrong"}
    answer = client.post(reverse("reminders:history-review", args=[trial.key]), sent)
    assert "The password is not right" in text_of(answer)
    assert last_review(trial) is None


def test_a_review_is_bound_to_the_trail_that_was_read(trial: Study, event: AdverseEvent, pi: User) -> None:
    signature = review(trial, pi)
    found = last_review(trial)
    assert found is not None
    entry = Entry.objects.get(study_id=trial.pk, position=found.position)
    record = {"study": trial.key, "first": 1, "position": entry.position, "hash": entry.hash}
    assert signature.record_sha256 == sha256_of(record)
    assert verify_stored([signature])[signature.pk].valid


def test_the_next_review_begins_where_the_last_ended(trial: Study, pi: User) -> None:
    first = review(trial, pi)
    second = review(trial, pi)
    assert json.loads(second.record_json)["first"] == json.loads(first.record_json)["position"] + 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"hash": "0" * 64}, "trail-changed"),
        ({"role": "statistician"}, "role-does-not-sign"),
        ({"password": "wrong"}, "wrong-password"),
    ],
)
def test_a_review_is_refused(trial: Study, pi: User, changes: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        review(trial, pi, **changes)
    assert refused.value.code == code
    assert last_review(trial) is None


def test_what_was_reviewed_is_not_reviewed_again(trial: Study, pi: User) -> None:
    review(trial, pi)
    with pytest.raises(Refused) as refused:
        review(trial, pi, position=3)
    assert refused.value.code == "reviewed-already"


def test_somebody_at_one_site_cannot_review_the_study(trial: Study, coordinator_a: User) -> None:
    with pytest.raises(Forbidden):
        review(trial, coordinator_a, role="coordinator")
