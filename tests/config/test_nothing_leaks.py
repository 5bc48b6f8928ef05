"""What is typed about a patient stays in the database: not in logs, addresses, e-mails or the arguments of tasks."""

from __future__ import annotations

import ast
import io
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import get_resolver

from accounts.models import User
from audit.context import acting
from config.environment import BASE_DIR
from config.logs import logging_settings
from patients.models import AdverseEvent
from reminders.models import Reminder
from reminders.operations import plan_reminders, send_reminder
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import on_treatment, with_dlt
from tests.patients.steps import again
from trials.models import Study

pytestmark = [pytest.mark.django_db, pytest.mark.req("P11-10c", "EMA-A4.1")]
QUAGGA = "quagga"


@pytest.fixture
def production_log() -> Iterator[io.StringIO]:
    """All that goes to the log, as production writes it."""
    before = logging.root.handlers[:]
    settings = logging_settings(level="DEBUG", as_json=True)
    written = io.StringIO()
    settings["handlers"]["console"]["stream"] = written
    settings["root"]["level"] = "DEBUG"
    settings["incremental"] = False
    logging.config.dictConfig(settings)
    yield written
    logging.root.handlers[:] = before


@pytest.fixture
def asking(coordinator_a: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(coordinator_a)
    return client


def test_what_is_typed_is_not_logged_whether_saved_refused_or_lost(
    production_log: io.StringIO, asking: Client, study: Study, coordinator_a: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = on_treatment(study, coordinator_a, DAY_ONE)
    url = f"/studies/{study.key}/patients/{patient.code}/event/"
    typed = {
        "term": "Headache",
        "shown_term": "Headache",
        "grade": "1",
        "onset_on": DAY_ONE.isoformat(),
        "detail": f"saw a {QUAGGA}",
    }
    typed |= {"relation_lenalidomide": "unlikely", "relation_dexamethasone": "unrelated"}
    asking.post(url, typed)
    asking.post(url, {**typed, "grade": QUAGGA})
    asking.get(f"/studies/{study.key}/{QUAGGA}/")
    asking.get(f"/studies/{study.key}/patients/?q={QUAGGA}")
    Client().post("/sign-in/", {"login": QUAGGA, "password": QUAGGA})

    def fails(**given: Any) -> None:
        with acting(coordinator_a, "planted"):
            AdverseEvent.objects.create(
                patient=patient, study=study, term=QUAGGA, detail=QUAGGA, grade=9, onset_on=DAY_ONE,
                recorded_at=moment(DAY_ONE), recorded_by=coordinator_a,
            )  # fmt: skip

    monkeypatch.setattr("patients.event_views.record_adverse_event", fails)
    assert asking.post(url, typed).status_code == 500
    said = production_log.getvalue()
    assert "IntegrityError" in said  # the error itself is told, with the rule that was broken
    assert "Traceback" in said or "event_views.py" in said
    assert QUAGGA not in said.lower()


def test_a_failing_task_is_told_without_its_message(production_log: io.StringIO) -> None:
    context = {"name": "x", "id": "1", "description": "raised", "exc": f"ValueError('{QUAGGA}')", "traceback": QUAGGA}
    try:
        raise ValueError(QUAGGA)
    except ValueError as error:
        logging.getLogger("celery.app.trace").error("Task %(name)s: %(exc)s", context, exc_info=error)
    said = production_log.getvalue()
    assert "builtins.ValueError" in said
    assert QUAGGA not in said


def test_e_mails_name_a_patient_by_code_and_say_nothing_that_was_typed(
    study: Study, coordinator_a: User, pi: User, rung: User
) -> None:
    patient = on_treatment(study, coordinator_a, DAY_ONE)
    event = with_dlt(patient, coordinator_a, DAY_ONE)
    with acting(rung, "planted"):
        AdverseEvent.objects.filter(pk=event.pk).update(detail=f"saw a {QUAGGA}")
    at = moment(DAY_ONE, 20)
    plan_reminders(study=study, by=rung, at=at)
    for reminder in Reminder.objects.all():
        send_reminder(reminder_id=reminder.pk, by=rung, at=at)
    assert mail.outbox, "nothing was sent, so nothing was looked at"
    whole = "\n".join(f"{message.subject}\n{message.body}" for message in mail.outbox)
    assert QUAGGA not in whole.lower()
    assert again(patient).code in whole or study.key in whole


def test_tasks_are_given_ids_and_nothing_else() -> None:
    """Every parameter of every task is a number."""
    tasks = [path for path in BASE_DIR.glob("*/tasks.py") if path.parent.name != "tests"]
    found = {}
    for path in tasks:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any("task" in ast.unparse(d) for d in node.decorator_list):
                found[f"{path.parent.name}.{node.name}"] = [ast.unparse(a.annotation or a) for a in node.args.args]
    assert len(found) >= 5
    assert {name: kinds for name, kinds in found.items() if set(kinds) - {"int"}} == {}


def test_addresses_are_made_of_keys_codes_and_numbers() -> None:
    """No address has a place for free text: a key, a patient's code, a row's number, a name of the study file."""
    known = {
        "key", "study_key", "code", "patient_code", "pk", "number", "ordinal", "timepoint", "which", "what", "way",
        "place", "section", "token", "reminder_id", "membership_id", "kind", "table", "row_id", "username", "act",
        "cursor", "format",
    }  # fmt: skip
    assert set(_arguments(get_resolver().url_patterns)) <= known


def _arguments(entries: Any) -> Iterator[str]:
    for entry in entries:
        if hasattr(entry, "url_patterns"):
            yield from _arguments(entry.url_patterns)
        yield from entry.pattern.regex.groupindex
