"""How long a page takes and how many queries it asks, through Django's whole stack but the network."""

import datetime as dt
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit.context import acting
from patients.models import Patient
from tests.bench.filling import TODAY
from trials.models import Study

ROUNDS = 40
TERMS = ("Nausea", "Headache", "Vomiting", "Insomnia", "Dizziness", "Pruritus", "Dry mouth", "Anorexia", "Cough",
         "Dyspepsia", "Back pain")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What was measured about one page: milliseconds and queries."""

    name: str
    median: float
    p95: float
    queries: int


def measure(study: Study) -> list[Row]:
    """Today, Study, Patient and Decision as those see them who use them, and recording an adverse event."""
    coordinator = _signed_in("bench-coordinator")
    pi = _signed_in("bench-principal_investigator")
    patient = Patient.objects.filter(study=study, site__code="A", status="on_treatment").latest("registered_at")
    key, code = study.key, patient.code

    def change(number: int) -> None:
        """So that nothing that was worked out before holds any more."""
        with acting(User.objects.system(), "measuring"):
            Study.objects.filter(pk=study.pk).update(title=f"Measured {number} at {time.time()}")

    return [
        _row("Today, coordinator", lambda n: coordinator.get(reverse("reminders:today", args=[key]))),
        _row("Today, PI", lambda n: pi.get(reverse("reminders:today", args=[key]))),
        _row("Study", lambda n: pi.get(reverse("dosing:study", args=[key]))),
        _row("Patient", lambda n: coordinator.get(reverse("labs:patient", args=[key, code]))),
        _row("Decision", lambda n: pi.get(reverse("dosing:decision", args=[key]))),
        _row("Today, after a change", lambda n: coordinator.get(reverse("reminders:today", args=[key])), before=change),
        _row("Study, after a change", lambda n: pi.get(reverse("dosing:study", args=[key])), before=change),
        _row(
            "Record an event", lambda n: coordinator.post(reverse("patients:event", args=[key, code]), _event(n)), 302
        ),
    ]


def _signed_in(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username))
    return client


def _event(number: int) -> dict[str, str]:
    """A mild event, another one for each number, so that none is refused as recorded already."""
    term = TERMS[number // 20]
    return {
        "term": term,
        "shown_term": term,
        "grade": "1",
        "onset_on": (TODAY - dt.timedelta(days=number % 20)).isoformat(),
        "relation_lenalidomide": "possible",
        "relation_dexamethasone": "unlikely",
    }


def _row(
    name: str, ask: Callable[[int], object], expected: int = 200, before: Callable[[int], None] = lambda n: None
) -> Row:
    for number in range(3):
        answer = ask(100 + number)
        if answer.status_code != expected:  # type: ignore[attr-defined]
            raise RuntimeError(f"{name}: status {answer.status_code} instead of {expected}")  # type: ignore[attr-defined]
    before(200)
    with CaptureQueriesContext(connection) as captured:
        ask(200)
    queries = len(captured)  # now: the next request forgets them
    taken = []
    for number in range(ROUNDS):
        before(number)
        start = time.perf_counter()
        ask(number)
        taken.append(1000 * (time.perf_counter() - start))
    return Row(name, statistics.median(taken), statistics.quantiles(taken, n=20)[-1], queries)
