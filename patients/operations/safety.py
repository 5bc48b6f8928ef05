"""The safety stop (design rule 7): DLTs that reach the elimination boundary close the level and all above it."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from patients.evaluability import PatientStanding, standing_of
from patients.models import Patient
from patients.queries import with_dlt_data
from trials.clock import day_of
from trials.models import Boundary, DoseLevel, Study
from trials.operations import close_levels_from


@operation
def stop_if_eliminated(*, study: Study, level: DoseLevel, by: User, at: dt.datetime) -> list[DoseLevel]:
    """Close `level` and all above it when its DLTs have reached the elimination boundary; the levels that were closed.

    Called inside every operation that can change who counts at a level, so that it happens in the same transaction.
    n are the evaluable patients assigned to the level, in both parts; a DLT makes a patient evaluable at once, and
    those still in their window are not counted. See docs/adr/ about the safety stop.
    """
    standings = standings_at(level, at)
    n, y = sum(s.counts for s in standings), sum(s.has_dlt for s in standings)
    boundary = elimination_boundary_at(study, n)
    if boundary is None or y < boundary or level.closed_at is not None:
        return []
    because = f"{y} of {n} patients at {level.label} had a DLT; with {n} patients the dose is eliminated at {boundary}"
    return close_levels_from(study=study, ordinal=level.ordinal, because=because, by=by, at=at)


def stop_at_level_of(patient: Patient, *, by: User, at: dt.datetime) -> None:
    """The safety stop where the patient counts; nothing for somebody who is not registered."""
    if patient.assigned_level is not None:
        stop_if_eliminated(study=patient.study, level=patient.assigned_level, by=by, at=at)


def standings_at(level: DoseLevel, at: dt.datetime) -> list[PatientStanding]:
    """The standing of everybody assigned to the level, in both parts, at a moment."""
    patients = with_dlt_data(Patient.objects.registered().filter(assigned_level=level))
    return [standing_of(p, day_of(at, p.site.time_zone)) for p in patients]


def elimination_boundary_at(study: Study, n: int) -> int | None:
    """The boundary of the live version's table for n patients.

    Beyond the table's end its last row holds: the boundary never falls as n grows, so that is on the safe side.
    """
    row = Boundary.objects.filter(version__study=study, version__status="live", n__lte=n).order_by("-n").first()
    return row.eliminate_if_at_least if row else None
