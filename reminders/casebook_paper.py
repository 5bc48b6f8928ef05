"""A patient's casebook as PDF/A, with its signatures as they verify now."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from accounts.manifestation import told
from audit.models import Entry
from dosing.dossier.paper import set_on_paper
from dosing.dossier.printed import REHEARSAL, manifestation
from reminders.casebook import Casebook, sections_of, signatures_on_casebook, verified

SOURCE = Path(__file__).with_name("casebook.typ")


def casebook_pdf(casebook: Casebook) -> bytes:
    """Its time is that of the newest audit entry about the patient, so the same data give the same bytes."""
    entries = Entry.objects.of_study(casebook.patient.study_id).of_patient(casebook.patient.pk)
    newest = entries.order_by("-position").first()
    assert newest is not None
    return set_on_paper(SOURCE, printed_of(casebook, newest), newest.at)


def printed_of(casebook: Casebook, newest: Entry) -> dict[str, Any]:
    """Everything that is printed, as texts."""
    patient, study = casebook.patient, casebook.patient.study
    given = verified(casebook, signatures_on_casebook(patient))
    return {
        "title": f"Casebook of patient {patient.code}",
        "running": f"{study.key}, casebook {patient.code}",
        "foot": f"{study.key} · {patient.code} · audit entry {newest.position}",
        "facts": [
            ["Study", f"{study.key}: {study.title}"],
            ["Site", patient.site.name],
            ["Status", patient.get_status_display()],
            ["Times", f"as at the site ({patient.site.time_zone})"],
        ],
        "warnings": [REHEARSAL] if study.is_rehearsal else [],
        "signatures": [manifestation(told(s, verdict, study.time_zone)) for s, verdict in given],
        "signed": any(verdict.valid for _, verdict in given),
        "sections": [
            {
                "title": section.title,
                "rows": [
                    [line.title, "; ".join(f"{what} {said}".strip() for what, said in line.facts), line.recorded]
                    for line in section.lines
                ],
            }
            for section in sections_of(casebook, patient.site.time_zone)
        ],
        "hashes": [
            ["The casebook as it is printed here", casebook.sha256],
            [f"Audit entry {newest.position}, the newest about this patient", newest.hash],
        ],
        "time": newest.at.astimezone(dt.UTC).isoformat(),
    }
