"""A decision's dossier: every value is the database's, what comes later changes nothing, and who may have it."""

import csv
import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.models import Signature, User
from audit.context import acting
from dosing.dossier.archive import dossier_zip
from dosing.dossier.contents import dossier_of, recommendation_for
from dosing.dossier.printed import dossier_pdf, printed_of
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation
from patients.operations.events import correct_adverse_event
from tests.cast import moment, person
from tests.dosing.dossier.conftest import COMMENT
from tests.dosing.steps import evaluated, propose, walk
from trials.models import Study

pytestmark = pytest.mark.django_db
Signed = tuple[Recommendation, dt.date]


def made(recommendation: Recommendation) -> dict[str, Any]:
    found = recommendation_for(Study.objects.get(pk=recommendation.study_id), recommendation.number)
    assert found is not None
    return dossier_of(found)


def rows(sql: str, *given: object) -> list[dict[str, Any]]:
    """Rows as the database itself tells them, without any code of ours in between."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(found) FROM ({sql}) AS found", given)
        return [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in cursor.fetchall()]


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of a tree with its path; places in lists count as '*'."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list) and value:
        for inner in value:
            yield from leaves(inner, (*path, "*"))
    else:
        yield path, value


def same_moment(told: str | None, stored: str | None) -> bool:
    if told is None or stored is None:
        return told is stored
    return dt.datetime.fromisoformat(told) == dt.datetime.fromisoformat(stored)


# --- Every value is the database's ---

# Leaves that are words about other leaves, or texts of the program; they are looked at one by one further down.
WORDED = {
    "format", "kind_words", "answer", "standing_words", "counts", "choice_words", "status_words", "says", "state",
    "subject", "time", "sha256", "valid", "because", "what", "command", "role_words", "reason_words",
}  # fmt: skip
MOMENTS = {"protocol_live_at", "issued_at", "proposed_at", "signed_at", "withdrawn_at", "recorded_at", "at"}


def expected(number: int, study_id: int) -> dict[str, Any]:
    """The same tree from rows alone, by SQL that shares nothing with the dossier's code."""
    [row] = rows(
        """SELECT r.*, l.ordinal AS level, l.label AS dose, c.number AS cohort_number, cl.label AS cohort_dose,
                  s.key, s.is_rehearsal, v.number AS version, v.sha256, v.live_at, v.definition,
                  u.full_name || ' (' || u.username || ')' AS by
           FROM dosing_recommendation r LEFT JOIN trials_doselevel l ON l.id = r.level_id
           JOIN trials_cohort c ON c.id = r.cohort_id JOIN trials_doselevel cl ON cl.id = c.level_id
           JOIN trials_study s ON s.id = r.study_id JOIN trials_protocolversion v ON v.id = r.version_id
           JOIN accounts_user u ON u.id = r.issued_by_id WHERE r.study_id = %s AND r.number = %s""",
        study_id, number,
    )  # fmt: skip
    heading = row["definition"]["study"]
    doses = [
        found["label"]
        for found in rows("SELECT label FROM trials_doselevel WHERE study_id = %s ORDER BY ordinal", study_id)
    ]
    decisions = rows("SELECT * FROM dosing_decision WHERE recommendation_id = %s ORDER BY id", row["id"])
    return {
        "study": {"key": row["key"], "title": heading["title"], "time_zone": heading["time_zone"],
                  "is_rehearsal": row["is_rehearsal"], "protocol_version": row["version"],
                  "protocol_sha256": row["sha256"], "protocol_live_at": row["live_at"]},
        "recommendation": {"number": row["number"], "kind": row["kind"], "action": row["action"],
                           "level": row["level"], "dose": row["dose"], "reason": row["reason"],
                           "cohort": row["cohort_number"], "cohort_dose": row["cohort_dose"],
                           "engine_version": row["engine_version"], "inputs_sha256": row["inputs_sha256"],
                           "issued_at": row["issued_at"], "issued_by": row["by"]},
        "inputs": row["inputs"],
        "design": row["inputs"]["design"],
        "people": [{**p, "dose": doses[p["level"] - 1]} for p in row["shown"]["people"]],
        "shown": {name: value for name, value in row["shown"].items() if name != "people"},
        "checks": list(expected_checks(row)),
        "decisions": [expected_decision(d, study_id) for d in decisions],
        "audit": expected_audit(row["id"], decisions),
    }  # fmt: skip


def expected_checks(recommendation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """In this trial nothing was recorded after the recommendation, so the rows of now are those of then."""
    tables = (
        ("patients_consent", "recorded"), ("patients_eligibilitycheck", "recorded"), ("patients_patient", "registered"),
        ("patients_cycle", "recorded"), ("patients_adverseevent", "recorded"), ("patients_dltassessment", "assessed"),
        ("patients_windowassessment", "assessed"),
    )  # fmt: skip
    for one in recommendation["shown"]["people"]:
        for table, verb in tables:
            key = "id" if table == "patients_patient" else "patient_id"
            yield from rows(
                f"""SELECT '{one["patient"]}' AS patient, t.{verb}_at AS recorded_at,
                       u.full_name || ' (' || u.username || ')' AS recorded_by,
                       (SELECT jsonb_build_object('position', e.position, 'hash', e.hash) FROM audit_entry e
                        WHERE e.table_name = '{table}' AND e.row_id = t.id::text ORDER BY e.position DESC LIMIT 1)
                       AS audit
                    FROM {table} t JOIN accounts_user u ON u.id = t.{verb}_by_id
                    JOIN patients_patient p ON p.id = t.{key}
                    WHERE p.code = %s AND p.study_id = %s ORDER BY t.id""",
                one["patient"], recommendation["study_id"],
            )  # fmt: skip


def expected_decision(row: dict[str, Any], study_id: int) -> dict[str, Any]:
    given = rows(
        "SELECT s.*, u.username FROM accounts_signature s JOIN accounts_user u ON u.id = s.signer_id"
        " WHERE s.record_kind = 'dosing.decision' AND s.record_key = %s ORDER BY s.id",
        str(row["id"]),
    )
    [level] = rows("SELECT * FROM trials_doselevel WHERE id = %s", row["level_id"]) or [{}]
    [by] = rows(
        "SELECT full_name || ' (' || username || ')' AS by FROM accounts_user WHERE id = %s", row["proposed_by_id"]
    )
    opened = rows("SELECT c.number, l.label FROM trials_cohort c JOIN trials_doselevel l ON l.id = c.level_id"
                  " WHERE c.id = %s", row["opened_cohort_id"])  # fmt: skip
    kept = ("id", "choice", "cohort_size", "comment", "status", "roles_required", "proposed_at", "signed_at",
            "withdrawn_at", "withdrawn_reason")  # fmt: skip
    return {
        **{name: row[name] for name in kept},
        "level": level.get("ordinal"), "dose": level.get("label"), "proposed_by": by["by"],
        "opened_cohort": opened[0]["number"] if opened else None,
        "opened_cohort_dose": opened[0]["label"] if opened else None,
        "signatures": [expected_signature(s) for s in given], "roles_waiting": [], "declined": [],
    }  # fmt: skip


def expected_signature(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("printed_name", "role", "meaning", "statement", "statement_version", "signed_at", "components_checked",
            "record_kind", "record_key", "record_version", "record_sha256")  # fmt: skip
    stands_on = {"position": row["stands_on_position"], "hash": row["stands_on_hash"]}
    return {**{name: row[name] for name in kept}, "signer": row["username"], "stands_on": stands_on}


def expected_audit(recommendation_id: int, decisions: list[dict[str, Any]]) -> dict[str, Any]:
    keys = [str(d["id"]) for d in decisions]
    entries = rows(
        """SELECT e.position, e.at, e.table_name AS table, e.row_id AS row, e.reason, e.previous_hash, e.hash,
                  u.full_name || ' (' || u.username || ')' AS actor
           FROM audit_entry e JOIN accounts_user u ON u.id::text = e.actor_id
           WHERE (e.table_name = 'dosing_recommendation' AND e.row_id = %s)
              OR (e.table_name = 'dosing_decision' AND e.row_id = ANY(%s))
              OR (e.table_name = 'accounts_signature' AND e.row_id IN (
                  SELECT s.id::text FROM accounts_signature s
                  WHERE s.record_kind = 'dosing.decision' AND s.record_key = ANY(%s)))
           ORDER BY e.position""",
        str(recommendation_id), keys, keys,
    )  # fmt: skip
    place = [{name: e[name] for name in ("position", "hash")} for e in (entries[-1], entries[0])]
    return {"stands_on": place[0], "inputs_as_of": place[1], "entries": entries}


@pytest.mark.req("P11-10b")
@pytest.mark.req("R3-4.2.5")
def test_every_value_of_the_dossier_is_the_databases(signed: Signed, trial: Study) -> None:
    stored = list(leaves(expected(2, trial.pk)))
    known = {path for path, _ in stored}
    told = leaves(made(signed[0]))
    plain = [(path, value) for path, value in told if path in known or path[-1] not in WORDED]
    assert [path for path, _ in sorted(plain, key=by_path)] == [path for path, _ in sorted(stored, key=by_path)]
    for (path, value), (_, other) in zip(sorted(plain, key=by_path), sorted(stored, key=by_path), strict=True):
        assert same_moment(value, other) if path[-1] in MOMENTS else value == other, path


def by_path(leaf: tuple[tuple[str, ...], Any]) -> tuple[str, ...]:
    return leaf[0]  # sorted is stable: values of one path stay in their order


def test_the_walk_would_notice_a_changed_value(signed: Signed, trial: Study) -> None:
    stored = list(leaves(expected(2, trial.pk)))
    assert len(stored) > 300
    assert (("recommendation", "dose"), "10 mg") in stored


def test_what_is_said_in_words_is_right(signed: Signed) -> None:
    dossier = made(signed[0])
    assert dossier["recommendation"]["answer"] == "De-escalate to 10 mg"
    assert [(d["choice_words"], d["status_words"]) for d in dossier["decisions"]] == [
        ("hold registration", "withdrawn"), ("10 mg, as recommended", "signed"),
    ]  # fmt: skip
    assert [(p["patient"], p["counts"], p["standing_words"]) for p in dossier["people"]] == [
        ("A-001", True, "evaluable, no DLT"), ("A-002", True, "DLT"),
    ]  # fmt: skip
    assert [s["valid"] for d in dossier["decisions"] for s in d["signatures"]] == [True] * 3
    assert [e["what"] for e in dossier["audit"]["entries"]] == [
        "Recommendation 2 issued", "Decision proposed", "Signature of Dr Ana Rivera, principal investigator",
        "Decision withdrawn", "Decision proposed", "Signature of Dr Ana Rivera, principal investigator",
        "Signature of Dr Laila Okafor, medical monitor", "Decision signed by all",
    ]  # fmt: skip


@pytest.mark.req("R3-4.3.4")
def test_the_state_of_checking_of_each_input_is_told(signed: Signed) -> None:
    checks = {(c["patient"], c["subject"]): c for c in made(signed[0])["checks"]}
    event = checks["A-002", "Adverse event"]
    assert event["says"].startswith("Febrile neutropenia grade 3, onset 11 Feb 2026, not resolved; ")
    assert event["state"] == "changed once, last by Mia Castellano (coordinator-a): the ward's chart says so"
    assert checks["A-002", "DLT judgement"]["state"] == "not confirmed; a DLT counts at once"
    assert checks["A-001", "Eligibility"]["says"] == "eligible: 4 of 4 criteria met, checked 5 Jan 2026"
    assert checks["A-001", "Doses in the DLT window"]["says"].startswith("21 of 21 doses taken")
    assert checks["A-001", "Cycle"]["state"] == "as first recorded"


# --- The same bytes, whatever comes after ---


def test_it_is_the_same_bytes_each_time(signed: Signed) -> None:
    found = recommendation_for(signed[0].study, 2)
    assert found is not None
    assert dossier_zip(found) == dossier_zip(found)


@pytest.mark.req("R3-4.2.5")
def test_what_happens_later_changes_no_byte(
    signed: Signed, trial: Study, coordinator_a: User, day_after: dt.date, rung: User, pi: User
) -> None:
    recommendation = recommendation_for(trial, 2)
    assert recommendation is not None
    before = dossier_zip(recommendation)
    event = trial.adverse_events.get()
    correct_adverse_event(
        event=event, changes={"grade": 4}, reason="read again", by=coordinator_a, at=moment(day_after)
    )
    with acting(rung, "married"):
        User.objects.filter(pk=pi.pk).update(full_name="Dr Ana Rivera-Stone")
    walk(trial, coordinator_a, "N", day_after)
    again = recommendation_for(Study.objects.get(pk=trial.pk), 2)
    assert again is not None
    assert dossier_zip(again) == before


def test_the_pdf_is_archivable_and_accessible(signed: Signed) -> None:
    pdf = dossier_pdf(made(signed[0]))
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert b"/StructTreeRoot" in pdf


def test_what_people_typed_is_printed_as_they_typed_it(signed: Signed) -> None:
    printed = printed_of(made(signed[0]))
    assert printed["decisions"][0]["comment"] == COMMENT


def test_a_proposal_that_waits_says_who_has_not_signed(trial: Study, coordinator_a: User, pi: User) -> None:
    _, on = evaluated(trial, coordinator_a, dt.date(2026, 1, 5))
    propose(issue_recommendation(study=trial, by=pi, at=moment(on)), on)
    found = recommendation_for(trial, 1)
    assert found is not None
    printed = printed_of(dossier_of(found))
    assert printed["decisions"][0]["notes"] == [
        "Principal investigator: has not signed.", "Medical monitor: has not signed.",
    ]  # fmt: skip
    assert dossier_pdf(dossier_of(found)).startswith(b"%PDF-1.7")


def test_a_decision_about_the_mtd_can_be_printed(trial: Study, coordinator_a: User) -> None:
    walk(trial, coordinator_a, "TTT")
    found = recommendation_for(trial, 3)
    assert found is not None
    assert found.kind == "mtd"
    assert printed_of(dossier_of(found))["title"] == "There is no MTD"
    assert dossier_pdf(dossier_of(found)).startswith(b"%PDF-1.7")


# --- The zip ---


def opened(recommendation: Recommendation) -> dict[str, bytes]:
    found = recommendation_for(recommendation.study, recommendation.number)
    assert found is not None
    archive = zipfile.ZipFile(io.BytesIO(dossier_zip(found)))
    assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    return {info.filename.removeprefix("LEN-MAG-01-decision-2/"): archive.read(info) for info in archive.infolist()}


@pytest.mark.req("P11-70")
def test_what_was_signed_is_in_the_zip_and_has_the_signatures_sha256(signed: Signed) -> None:
    files = opened(signed[0])
    digests = {hashlib.sha256(c).hexdigest() for name, c in files.items() if name.startswith("signed/")}
    assert digests == set(Signature.objects.values_list("record_sha256", flat=True).filter(
        record_key__in=[str(d.pk) for d in Decision.objects.filter(recommendation=signed[0])]))  # fmt: skip
    assert hashlib.sha256(files["inputs.json"]).hexdigest() == signed[0].inputs_sha256


def test_the_list_of_sums_is_right_and_whole(signed: Signed) -> None:
    files = opened(signed[0])
    lines = [line.split("  ") for line in files.pop("SHA256SUMS").decode().splitlines()]
    assert {name: digest for digest, name in lines} == {n: hashlib.sha256(c).hexdigest() for n, c in files.items()}


def test_the_tables_hold_what_the_json_holds(signed: Signed) -> None:
    files, dossier = opened(signed[0]), made(signed[0])
    assert json.loads(files["dossier.json"]) == json.loads(json.dumps(dossier))
    people = list(csv.DictReader(io.StringIO(files["tables/people.csv"].decode(), newline="")))
    assert [(p["patient"], p["standing"], json.loads(p["counts"])) for p in people] == [
        (p["patient"], p["standing"], p["counts"]) for p in dossier["people"]
    ]
    given = list(csv.DictReader(io.StringIO(files["tables/signatures.csv"].decode(), newline="")))
    assert [s["record_sha256"] for s in given] == [
        s["record_sha256"] for d in dossier["decisions"] for s in d["signatures"]
    ]
    design = {r["parameter"]: r["value"] for r in csv.DictReader(io.StringIO(files["tables/design.csv"].decode()))}
    assert json.loads(design["target"]) == 0.3


# --- Pages and commands ---


def get(user: User, path: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/studies/LEN-MAG-01{path}")


def test_who_sees_every_site_can_download_it(signed: Signed, pi: User, monitor: User) -> None:
    for user in (pi, monitor):
        pdf, archive = get(user, "/decisions/2/dossier.pdf"), get(user, "/decisions/2/dossier.zip")
        assert (pdf.status_code, pdf["Content-Type"]) == (200, "application/pdf")
        assert archive["Content-Disposition"] == 'attachment; filename="LEN-MAG-01-decision-2.zip"'
        assert pdf["Cache-Control"] == "no-store, private"


@pytest.mark.req("P11-10d")
def test_who_sees_one_site_alone_cannot(signed: Signed, coordinator_a: User) -> None:
    assert get(coordinator_a, "/decisions/2/dossier.pdf").status_code == 403
    assert get(coordinator_a, "/decisions/2/dossier.zip").status_code == 403
    assert "dossier.pdf" not in get(coordinator_a, "/decisions/2/").content.decode()


def test_nobody_else_learns_that_there_is_one(signed: Signed, outsider: User) -> None:
    assert get(outsider, "/decisions/2/dossier.pdf").status_code == 404
    assert Client().get("/studies/LEN-MAG-01/decisions/2/dossier.pdf").status_code == 302


def test_a_number_that_there_is_not_is_not_found(signed: Signed, pi: User) -> None:
    assert get(pi, "/decisions/9/dossier.pdf").status_code == 404


def test_the_decision_page_and_the_list_lead_to_it(signed: Signed, pi: User) -> None:
    address = "/studies/LEN-MAG-01/decisions/2/dossier.pdf"
    assert address in get(pi, "/decisions/2/").content.decode()
    assert address in get(pi, "/decisions/").content.decode()


def test_the_command_writes_the_same_bytes_as_the_page(signed: Signed, pi: User, tmp_path: Path) -> None:
    call_command("dossier", "LEN-MAG-01", "2", "--out", str(tmp_path), stdout=io.StringIO())
    assert (tmp_path / "LEN-MAG-01-decision-2.pdf").read_bytes() == get(pi, "/decisions/2/dossier.pdf").content
    assert (tmp_path / "LEN-MAG-01-decision-2.zip").read_bytes() == get(pi, "/decisions/2/dossier.zip").content


def test_the_command_says_what_there_is_not(signed: Signed, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no study NONE"):
        call_command("dossier", "NONE", "2", "--out", str(tmp_path))
    with pytest.raises(CommandError, match="no recommendation 9"):
        call_command("dossier", "LEN-MAG-01", "9", "--out", str(tmp_path))


def test_the_commands_that_it_names_can_be_run_as_they_stand(signed: Signed, tmp_path: Path) -> None:
    for named in made(signed[0])["commands"]:
        program, name, *given = named["command"].split()
        assert program == "manage.py"
        given = [str(tmp_path) if one == "." else one for one in given]
        call_command(name, *given, stdout=io.StringIO())


def test_replay_of_one_recommendation(signed: Signed) -> None:
    said = io.StringIO()
    call_command("replay", "LEN-MAG-01", "--number", "2", stdout=said)
    assert said.getvalue() == "LEN-MAG-01: 1 recommendation recomputed, no difference.\n"
    with pytest.raises(CommandError, match="no recommendation 9"):
        call_command("replay", "LEN-MAG-01", "--number", "9")


def test_people_are_named_as_they_were_called(signed: Signed) -> None:
    person("somebody", "Some Body")
    assert made(signed[0])["recommendation"]["issued_by"] == "Dr Ana Rivera (pi)"
