"""A patient's casebook: all that is recorded, signed for by the principal investigator, broken visibly by a change."""

import datetime as dt
import io

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.canonical import sha256_of
from accounts.models import Signature, User
from audit.context import acting
from audit.models import Access, Entry
from patients.models import Patient
from reminders.casebook import KIND, casebook_of, is_signed, sections_of, signature_lines
from reminders.casebook_paper import casebook_pdf
from reminders.history_words import WORDS
from reminders.operations.casebook import sign_casebook
from tests.cast import DAY_ONE, PASSWORD, moment
from tests.dosing.steps import evaluated, with_dlt
from trials.errors import Forbidden, Refused
from trials.models import Study

pytestmark = pytest.mark.django_db
ADDRESS = "/studies/LEN-MAG-01/patients/A-001/casebook/"


@pytest.fixture
def patient(study: Study, coordinator_a: User) -> Patient:
    found, _ = evaluated(study, coordinator_a, DAY_ONE)
    return Patient.objects.select_related("study", "site").get(pk=found.pk)


def sign(patient: Patient, by: User, seen: str = "", password: str = PASSWORD) -> Signature:
    seen = seen or casebook_of(patient).sha256
    return sign_casebook(patient=patient, seen_sha256=seen, password=password, by=by, at=moment(DAY_ONE))


def late_event(patient: Patient, by: User) -> None:
    with_dlt(patient, by, DAY_ONE + dt.timedelta(days=5), DAY_ONE + dt.timedelta(days=30))


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# --- It works ---


@pytest.mark.req("P11-50", "P11-70")
def test_the_principal_investigator_takes_responsibility_for_exactly_what_was_shown(patient: Patient, pi: User) -> None:
    signature = sign(patient, pi)
    assert (signature.meaning, signature.role) == ("responsibility", "principal_investigator")
    assert signature.statement == "I take responsibility for all that is recorded about patient A-001, as shown here."
    assert signature.record_sha256 == casebook_of(patient).sha256
    assert is_signed(casebook_of(patient))


@pytest.mark.req("P11-70")
def test_a_change_afterwards_breaks_the_signature_visibly(patient: Patient, pi: User, coordinator_a: User) -> None:
    sign(patient, pi)
    late_event(patient, coordinator_a)
    casebook = casebook_of(patient)
    assert not is_signed(casebook)
    [line] = signature_lines(casebook, "UTC")
    assert (line.status, line.note) == (
        "stale",
        "Data changed after it was given: the casebook has to be signed again.",
    )
    page = browser(pi).get(ADDRESS).content.decode()
    assert "no longer covers this" in page
    assert "changed since signing" in page
    assert "Your signature" in page


def test_it_is_signed_again_after_a_change(patient: Patient, pi: User, coordinator_a: User) -> None:
    sign(patient, pi)
    late_event(patient, coordinator_a)
    sign(patient, pi)
    assert [line.status for line in signature_lines(casebook_of(patient), "UTC")] == ["valid", "stale"]


def test_ordinary_work_is_no_fault_of_the_signatures(patient: Patient, pi: User, coordinator_a: User) -> None:
    sign(patient, pi)
    late_event(patient, coordinator_a)
    said = io.StringIO()
    call_command("verify_signatures", stdout=said)
    assert "the record was changed since; it has to be signed again" in said.getvalue()


def test_every_row_of_the_patient_is_in_it(patient: Patient) -> None:
    rows = casebook_of(patient).rows
    entries = Entry.objects.of_patient(patient.pk).filter(table_name__in=WORDS)
    known = set(entries.values_list("table_name", "row_id"))
    assert {(table, str(row["id"])) for table, found in rows.items() for row in found} == known
    lines = [line for section in sections_of(casebook_of(patient), "UTC") for line in section.lines]
    assert len(lines) == len(known)


def test_it_reads_in_the_order_of_the_protocol(patient: Patient, coordinator_a: User) -> None:
    late_event(patient, coordinator_a)
    sections = sections_of(casebook_of(patient), "UTC")
    assert [s.title for s in sections] == [
        "Screening and registration", "Cycles, doses and reductions", "Adverse events and DLTs",
    ]  # fmt: skip
    cycle = next(line for line in sections[1].lines if line.title == "Cycle")
    assert ("", "10 mg") in cycle.facts
    assert cycle.recorded.startswith("Mia Castellano, ")
    assert [line.title for line in sections[2].lines][:4] == [
        "Adverse event", "Attribution", "Attribution", "DLT judgement",
    ]  # fmt: skip


def test_a_column_that_comes_later_changes_no_signature(patient: Patient) -> None:
    casebook = casebook_of(patient)
    before = casebook.sha256
    for rows in casebook.rows.values():
        for row in rows:
            row["of_a_later_version"] = None
    assert casebook.sha256 == before


@pytest.mark.req("P11-10b")
def test_the_pdf_is_archivable_accessible_and_the_same_bytes(patient: Patient, pi: User) -> None:
    sign(patient, pi)
    pdf = casebook_pdf(casebook_of(patient))
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert casebook_pdf(casebook_of(patient)) == pdf


# --- Pages ---


def test_it_is_read_and_signed_on_the_page(patient: Patient, pi: User) -> None:
    page = browser(pi).get(ADDRESS).content.decode()
    assert "I take responsibility for all that is recorded about patient A-001" in page
    seen = casebook_of(patient).sha256
    wrong = browser(pi).post(ADDRESS, {"password": "no", "seen_sha256": seen})
    assert wrong.status_code == 409
    assert browser(pi).post(ADDRESS, {"password": PASSWORD, "seen_sha256": seen}).status_code == 302
    assert Signature.objects.get().record_kind == KIND
    assert "Your signature" not in browser(pi).get(ADDRESS).content.decode()


def test_the_number_of_queries_is_the_same_with_more_in_it(patient: Patient, pi: User, coordinator_a: User) -> None:
    client = browser(pi)
    client.get(ADDRESS)
    with CaptureQueriesContext(connection) as few:
        client.get(ADDRESS)
    late_event(patient, coordinator_a)
    with CaptureQueriesContext(connection) as once:
        client.get(ADDRESS)
    with_dlt(patient, coordinator_a, DAY_ONE + dt.timedelta(days=7), DAY_ONE + dt.timedelta(days=30))
    with CaptureQueriesContext(connection) as twice:
        client.get(ADDRESS)
    assert len(once) == len(twice)
    assert len(once) <= len(few) + 1  # events have names


@pytest.mark.req("P11-10e")
def test_looking_at_a_whole_casebook_is_noted(patient: Patient, monitor: User) -> None:
    browser(monitor).get(ADDRESS)
    browser(monitor).get("/studies/LEN-MAG-01/patients/A-001/casebook.pdf")
    noted = Access.objects.filter(kind=Access.Kind.CASEBOOK, about_patient_id=patient.pk).order_by("pk")
    assert [(a.person_id, a.what) for a in noted] == [(monitor.pk, "on the page"), (monitor.pk, "as PDF")]


@pytest.mark.req("P11-10d")
def test_another_sites_coordinator_and_a_stranger_find_nothing(
    patient: Patient, coordinator_b: User, outsider: User
) -> None:
    for user in (coordinator_b, outsider):
        assert browser(user).get(ADDRESS).status_code == 404
        assert browser(user).get("/studies/LEN-MAG-01/patients/A-001/casebook.pdf").status_code == 404


def test_the_patients_page_leads_to_it(patient: Patient, coordinator_a: User) -> None:
    assert ADDRESS in browser(coordinator_a).get("/studies/LEN-MAG-01/patients/A-001/").content.decode()
    page = browser(coordinator_a).get(ADDRESS).content.decode()
    assert "Your signature" not in page


# --- Refused ---


def test_others_cannot_sign_for_it(patient: Patient, coordinator_a: User, monitor: User) -> None:
    for user in (coordinator_a, monitor):
        with pytest.raises(Forbidden):
            sign(patient, user)


def test_data_that_came_meanwhile_are_not_signed_for(patient: Patient, pi: User, coordinator_a: User) -> None:
    seen = casebook_of(patient).sha256
    late_event(patient, coordinator_a)
    with pytest.raises(Refused, match="Something was recorded since"):
        sign(patient, pi, seen)
    answer = browser(pi).post(ADDRESS, {"password": PASSWORD, "seen_sha256": seen})
    assert answer.status_code == 409
    assert casebook_of(patient).sha256 in answer.content.decode()
    assert not Signature.objects.exists()


def test_it_is_signed_once_as_it_is(patient: Patient, pi: User) -> None:
    sign(patient, pi)
    with pytest.raises(Refused, match="signed already"):
        sign(patient, pi)


def test_no_script_signs_a_casebook_for_somebody_without_the_role(patient: Patient, statistician: User) -> None:
    casebook = casebook_of(patient)
    with pytest.raises(IntegrityError, match="does not hold this role"), acting(statistician, "by hand"):
        Signature.objects.create(
            study_id=patient.study_id, record_kind=KIND, record_key=casebook.key, record_json="{}",
            record_sha256=sha256_of({}), signer=statistician, printed_name="x", role="principal_investigator",
            meaning="responsibility", statement="x",
        )  # fmt: skip
