"""An amendment in the middle of cycle 2, written, signed and approved on the pages, and read afterwards everywhere.

Cohorts of three instead of one, five days instead of three around each sample after a cycle, and one more sample after
cycle 4. The trial is that of `amended_trial`; the operations' own tests are in test_amendment.py.
"""

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import Signature, User
from audit.models import Entry
from dosing.queries.replay import replay
from patients.models import Patient
from tests.cast import DAY_ONE, PASSWORD, ApiClient, moment
from tests.dosing.steps import as_if_committed, decide, on_treatment, window_closed
from tests.patients.by_hand import by_hand
from tests.properties.tables import OF_STUDY
from tests.reminders.amended_trial import APPROVED, LATER, in_cycle_2, with_narrow_windows
from tests.trials.study_forms.browser_like import Form
from trials.models import ProtocolVersion, Study
from trials.operations import move_rehearsal_day

pytestmark = pytest.mark.django_db
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def study(draft_study: Study, rung: User, at: dt.datetime) -> Study:
    return with_narrow_windows(draft_study, rung, at)


@pytest.fixture
def trial(
    study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User, coordinator_b: User
) -> Study:
    """On the day of the approval."""
    in_cycle_2(study, coordinator_a, coordinator_b)
    move_rehearsal_day(study=study, days=(APPROVED - DAY_ONE).days, by=pi, at=moment(DAY_ONE))
    return Study.objects.get(pk=study.pk)


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def words(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.content.decode().replace("><", "> <")).split())


def url(name: str, *args: object) -> str:
    return reverse(name, args=["LEN-MAG-01", *args])


def fill(page: Client, section: str, **typed: str) -> None:
    """Open a part's form, type, save. Dots in the names of fields are written as two underscores."""
    address = url("dosing:setup-section", section)
    form = Form(page.get(address).content.decode()).sent
    for name, value in typed.items():
        form[name.replace("__", ".")] = value
    _save(page, address, form)


def _save(page: Client, address: str, form: QueryDict) -> None:
    form["do"] = "save"
    answer = page.post(address, form.urlencode(), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 302, words(answer)


def widen_samples_and_add_one(page: Client) -> None:
    """Five days around each sample after a cycle; and a copy of the row of that after cycle 3, for cycle 4."""
    address, rows = url("dosing:setup-section", "samples"), "samples.timepoints"
    form = Form(page.get(address).content.decode()).sent
    points = {form[f"{rows}.{n}.code"]: n for n in range(int(form[f"{rows}.__rows"]))}
    for number in points.values():
        if form[f"{rows}.{number}.anchor"] == "cycle-end":
            form[f"{rows}.{number}.window.before"] = form[f"{rows}.{number}.window.after"] = "5"
    form["do"] = f"copy:{rows}.{points['after-3']}"
    copied = page.post(address, form.urlencode(), content_type="application/x-www-form-urlencoded")
    form, new = Form(copied.content.decode()).sent, f"{rows}.{points['after-3'] + 1}"
    form[f"{new}.code"], form[f"{new}.title"], form[f"{new}.cycle"] = "after-4", "After cycle 4", "4"
    _save(page, address, form)


def sign(user: User, role: str) -> None:
    typed = {"role": role, "password": PASSWORD, "seen_sha256": shown()}
    answer = as_(user).post(url("dosing:setup-sign"), typed)
    assert answer.status_code == 302, words(answer)
    assert answer["Location"] == url("reminders:amendment")


def shown() -> str:
    """The digest of what the pages show."""
    return ProtocolVersion.objects.latest("number").sha256


def write(data_manager: User) -> str:
    """The amendment as its data manager writes it on the pages; what the page then says that it will change."""
    page = as_(data_manager)
    page.post(url("reminders:amendment"))
    fill(page, "escalation", escalation__cohort_size="3")
    widen_samples_and_add_one(page)
    return words(page.get(url("reminders:amendment")))


def approve(data_manager: User, **days: dt.date) -> None:
    typed = {"seen_sha256": shown(), **{f"from-{code}": day.isoformat() for code, day in days.items()}}
    answer = as_(data_manager).post(url("reminders:amendment-approve"), typed)
    assert answer.status_code == 302, words(answer)


def recorded() -> Rows:
    """Every row of the study, of every table that patients, samples, places and decisions have."""
    found: Rows = {}
    with connection.cursor() as cursor:
        for table in OF_STUDY.values():
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")
            found[table] = cursor.fetchall()
    return found


def test_the_page_says_what_it_will_change_before_anybody_signs(trial: Study, data_manager: User) -> None:
    before = recorded()
    told = write(data_manager)
    assert "Version 2 changes" in told
    assert "The next cohort has 3 places, not 1. Cohort 2, which is open, keeps 1 place." in told
    assert "Sample after cycle 2 1 Mar 2026, possible 26 Feb – 4 Mar 2026: edta, serum" in told
    assert "1 Mar 2026, possible 24 Feb – 6 Mar 2026: edta, serum" in told
    assert "Sample after cycle 4 added – 26 Apr 2026, possible 21 Apr – 1 May 2026: edta, serum" in told
    assert "Sample after cycle 1 " not in told.partition("B-001")[0], "it is collected"
    assert recorded() == before
    patient = words(as_(data_manager).get(url("labs:patient", "A-001")))
    assert "possible 26 Feb – 4 Mar" in patient or "26 Feb" in patient
    assert "24 Feb" not in patient


def test_what_was_recorded_is_unchanged_to_the_last_row(
    trial: Study, pi: User, statistician: User, data_manager: User
) -> None:
    write(data_manager)
    before = recorded()
    assert all(before[table] for table in ("patients_cycle", "labs_collection", "dosing_decision", "trials_slot"))
    sign(pi, "principal_investigator")
    sign(statistician, "statistician")
    approve(data_manager, A=APPROVED, B=LATER)
    assert recorded() == before
    as_if_committed()
    assert replay(trial) == []


def test_the_trail_tells_the_whole_story(trial: Study, pi: User, statistician: User, data_manager: User) -> None:
    """Who wrote what of it, who signed it, who approved it, and who follows it from when; each with its day."""
    write(data_manager)
    sign(pi, "principal_investigator")
    sign(statistician, "statistician")
    approve(data_manager, A=APPROVED, B=LATER)
    draft = trial.versions.get(number=2)
    trail = Entry.objects.of_record("trials_protocolversion", draft.pk).order_by("pk")
    assert [(e.operation, sorted(set(e.changed_fields) - {"sha256"}) if e.old else []) for e in trail] == [
        ("INSERT", []),
        ("UPDATE", ["definition"]),
        ("UPDATE", ["definition"]),
        ("UPDATE", ["live_at", "status"]),
    ]
    assert {entry.actor_id for entry in trail} == {str(data_manager.pk)}
    first = Entry.objects.of_record("trials_protocolversion", trial.versions.get(number=1).pk).newest_first()[0]
    assert (first.old or {})["status"] == "live"
    assert (first.new or {})["status"] == "superseded"
    signed = Signature.objects.filter(record_kind="trials.setup", record_key__startswith=f"{draft.pk}-")
    assert {s.signer for s in signed} >= {pi, statistician}
    told = words(as_(pi).get(url("reminders:history"), {"kind": "study"}))
    for said in (
        "Protocol version 2 recorded",
        "Amendment changed Dose escalation",
        "Amendment changed Samples",
        "Protocol version live version 2",
        "Protocol version at a site recorded version 2 · Northfield · from 13 Feb 2026",
        "Protocol version at a site recorded version 2 · Lindby · from 5 Mar 2026",
        "by Dana Petrov",
    ):
        assert said in told, said
    assert "Signature recorded" in words(as_(pi).get(url("reminders:history"), {"kind": "decisions"}))


def test_page_and_api_say_under_which_version_a_patients_data_were_collected(
    trial: Study, pi: User, data_manager: User, edc_a: ApiClient, edc_b: ApiClient
) -> None:
    write(data_manager)
    approve(data_manager, A=APPROVED, B=LATER)
    patient = edc_a.get("studies/LEN-MAG-01/patients/A-001/").json()
    assert patient["protocol_versions"] == [
        {"number": 1, "from_day": None},
        {"number": 2, "from_day": APPROVED.isoformat()},
    ]
    [other] = edc_b.get("studies/LEN-MAG-01/patients/").json()["results"]
    assert other["protocol_versions"][1] == {"number": 2, "from_day": LATER.isoformat()}
    page = words(as_(pi).get(url("labs:patient", "A-001")))
    assert "Follows protocol version 2 since 13 Feb 2026." in page
    assert "before that, version 1 from registration" in page
    assert "Will follow protocol version 2 from 5 Mar 2026." in words(as_(pi).get(url("labs:patient", "B-001")))


def test_the_trial_goes_on_under_both_versions_and_its_recommendations_replay(
    trial: Study, pi: User, data_manager: User, coordinator_a: User, coordinator_b: User, edc_a: ApiClient
) -> None:
    write(data_manager)
    approve(data_manager, A=APPROVED, B=LATER)
    after = window_closed(Patient.objects.get(code="B-001"), coordinator_b)
    decide(Study.objects.get(pk=trial.pk), after, size=3)
    late = on_treatment(trial, coordinator_a, after)
    rows = trial.recommendations.order_by("number")
    assert [row.version.number for row in rows] == [1, 2]
    assert trial.cohorts.open().get().size == 3
    assert replay(trial) == []
    told = edc_a.get(f"studies/LEN-MAG-01/patients/{late.code}/").json()
    assert told["protocol_versions"] == [{"number": 2, "from_day": None}]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trials_protocolversion SET definition = jsonb_set(definition, '{escalation,cohort_size}', '9') "
        "WHERE number = %s",
        "UPDATE trials_protocolversion SET sha256 = repeat('0', 64) WHERE number = %s",
        "UPDATE trials_protocolversion SET status = 'draft', live_at = NULL WHERE number = %s",
        "DELETE FROM trials_protocolversion WHERE number = %s",
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_no_statement_of_the_application_edits_a_version_that_was_live(
    trial: Study, data_manager: User, statement: str, number: int
) -> None:
    write(data_manager)
    approve(data_manager, A=APPROVED)
    before = list(ProtocolVersion.objects.order_by("pk").values())
    with pytest.raises(DatabaseError), transaction.atomic():
        by_hand(statement, [number], data_manager)
    assert list(ProtocolVersion.objects.order_by("pk").values()) == before


def test_no_page_edits_a_live_version_and_the_api_has_none_that_could(
    trial: Study, data_manager: User, edc_a: ApiClient
) -> None:
    page = as_(data_manager)
    before = list(ProtocolVersion.objects.order_by("pk").values())
    for section in ("escalation", "design", "samples"):
        address = url("dosing:setup-section", section)
        assert page.get(address).status_code in (302, 404, 409), section
        answer = page.post(address, {"do": "save", "seen": before[0]["sha256"], "escalation.cohort_size": "9"})
        assert answer.status_code in (302, 404, 409), section
    for method in (edc_a.http.post, edc_a.http.put, edc_a.http.patch, edc_a.http.delete):
        assert method("/api/v1/studies/LEN-MAG-01/", {}, HTTP_IDEMPOTENCY_KEY="k").status_code in (403, 404, 405)
    assert list(ProtocolVersion.objects.order_by("pk").values()) == before
