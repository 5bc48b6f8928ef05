"""What is due where, in a number of queries that does not grow with patients or samples."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Prefetch, Q, QuerySet

from accounts.models import User
from labs.models import Collection
from labs.schedule import DueCollection, SampleState, due_collections
from patients.models import Patient, versions_at_sites
from patients.queries import load_doses, with_dlt_data
from patients.schedule import treatment_ended_on
from trials.clock import day_of
from trials.models import Site, Study
from trials.permissions import visible_sites


@dataclass(frozen=True)
class PatientSample:
    """A sample of the schedule with the patient it belongs to."""

    patient: Patient
    due: DueCollection

    @property
    def state(self) -> SampleState:
        return self.due.state


def with_samples(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """The patients with all that `samples_of` reads: a fixed number of queries for any number of patients.

    Versions are prefetched, not joined, so that patients of one version share its parsed protocol.
    """
    recorded = Collection.objects.select_related("recorded_by").prefetch_related("tubes")
    return patients.select_related("site", "part", "assigned_level", "continuation_review").prefetch_related(
        "study",
        "version",
        versions_at_sites(),
        "cycles",
        "reductions",
        "discontinuations",
        Prefetch("collections", queryset=recorded),
    )


def samples_of(patient: Patient, today: dt.date) -> list[DueCollection]:
    """The patient's sample schedule on a day at its site, over rows that `with_samples` loaded."""
    return due_collections(
        patient, list(patient.cycles.all()), treatment_ended_on(patient), patient.collections.all(), today
    )


def patients_seen_by(user: User, study: Study, site: Site | None = None) -> QuerySet[Patient]:
    """The registered patients whose data the person may see, at one site or at all of the person's sites."""
    at_site = Q() if site is None else Q(site=site)
    return study.patients.registered().filter(visible_sites(user, study) & at_site)  # knows its study without a query


def samples_at_sites(study: Study, user: User, now: dt.datetime, site: Site | None = None) -> list[PatientSample]:
    """Every sample of the schedule at the person's sites, by day; states by each site's own calendar."""
    patients = with_samples(patients_seen_by(user, study, site)).order_by("code")
    found = (PatientSample(p, due) for p in patients for due in samples_of(p, day_of(now, p.site.time_zone)))
    return sorted(found, key=lambda sample: (sample.due.planned_on, sample.patient.code))


def not_later_than(samples: Iterable[PatientSample], horizon: dt.date) -> list[PatientSample]:
    """Those whose window opens by a day: what there is to prepare for."""
    return [sample for sample in samples if sample.due.window_from <= horizon]


def whole_patient(user: User, study: Study, code: str) -> Patient | None:
    """A patient whose data the person may see, with everything that the patient's page reads. None: no such patient.

    The number of queries is the same for any number of cycles, events, samples and visits.
    """
    seen = Patient.objects.filter(visible_sites(user, study), study=study, code=code)
    recorded = Collection.objects.select_related("recorded_by").prefetch_related("tubes")
    found = (
        with_dlt_data(seen)
        .select_related(
            "site", "part", "assigned_level", "slot__replaced_by", "slot__cohort", "window_assessment",
            "continuation_review", "consent", "eligibility", "reserved_slot", "registered_by",
        )
        .prefetch_related(
            "cycles__doses_taken",
            "follow_up_visits",
            "outcomes",
            "activities",
            Prefetch("collections", queryset=recorded),
        )
        .first()
    )  # fmt: skip
    if found is not None:
        load_doses(found)
    return found
