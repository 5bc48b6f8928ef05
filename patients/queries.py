"""Reads over several models of patients."""

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from patients.models import AdverseEvent, Patient, versions_at_sites
from patients.schedule import versions_of
from trials.models import Study


def patients_with_dlt_data(study: Study, part: str | None = None) -> list[Patient]:
    """The study's registered patients in the order of registration, with all that `evaluability` reads.

    part: a `trials.models.Part.Kind`, or None for all. The number of queries does not grow with the patients.
    """
    patients = study.patients.registered()  # of this study object: no query looks for it again
    if part is not None:
        patients = patients.in_part(part)
    return list(with_dlt_data(patients).order_by("registered_at", "pk"))


def with_dlt_data(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """The same patients with all that `evaluability.standing_of` reads, in a constant number of queries.

    The version is prefetched, not joined, so that patients share one object and the protocol is read once.
    """
    return patients.select_related(
        "site",
        "part",
        "assigned_level",
        "slot__replaced_by",
        "slot__cohort",
        "window_assessment",
        "continuation_review",
    ).prefetch_related(
        "study",
        "version",
        versions_at_sites(),
        "cycles",
        "reductions",
        "discontinuations",
        "interruptions",
        "administrations",
        Prefetch("adverse_events", queryset=events_with_judgements()),
    )


def load_doses(patient: Patient) -> None:
    """Load height, weight and infusions into a patient, where the protocol doses by them or has any."""
    protocols = [version.protocol for _, version in versions_of(patient)]
    by_body_size = any(protocol.by_body_size for protocol in protocols)
    if by_body_size:
        prefetch_related_objects([patient], "measurements")
    if by_body_size or any(dose.given_singly for protocol in protocols for dose in protocol.all_doses):
        prefetch_related_objects([patient], "administrations")


def events_with_judgements() -> QuerySet[AdverseEvent]:
    """Adverse events with their attributions and every DLT judgement, in the order of onset."""
    return AdverseEvent.objects.select_related("recorded_by").prefetch_related(
        "attributions", "dlt_assessments__assessed_by"
    )
