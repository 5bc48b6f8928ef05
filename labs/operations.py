"""What can be done with a sample of the schedule: collect it, record it as missed, correct what was recorded."""

import datetime as dt
from collections.abc import Sequence

from accounts.models import User
from audit.context import operation
from labs.labels import label_code
from labs.models import Collection
from labs.models import Tube as TubeRow
from labs.queries import samples_of, with_samples
from labs.schedule import DueCollection, anchor_cycle
from patients.models import Consent, Cycle, Patient
from patients.regimen import span_words
from patients.schedule import WITHOUT_A_CYCLE, anchor_number, cycle_words, lies_before_its_anchor, protocol_on
from trials.clock import day_of
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission, require
from trials.protocol import Protocol
from trials.queries import lock_study


@operation
def collect_sample(
    *,
    patient: Patient,
    timepoint: str,
    collected_on: dt.date,
    tubes: Sequence[str],
    by: User,
    at: dt.datetime,
    out_of_window_reason: str = "",
) -> Collection:
    """Record that a sample was collected, with the tubes that were filled (codes of the protocol's tubes).

    A day outside the window needs `out_of_window_reason`. The plan of this moment, day and window, is kept with it.
    """
    require(by, Permission.RECORD_SAMPLES, patient.study, patient.site)
    lock_study(patient.study)
    patient, due = _planned_sample(patient, timepoint, at)
    _check_nothing_recorded(due)
    _check_day(patient, due, collected_on, at)
    _check_tubes(due, tubes)
    collection = Collection.objects.create(
        patient=patient,
        study=patient.study,
        timepoint=due.code,
        outcome=Collection.Outcome.COLLECTED,
        planned_on=due.planned_on,
        window_from=due.window_from,
        window_to=due.window_to,
        collected_on=collected_on,
        out_of_window_reason=_window_reason(due, collected_on, out_of_window_reason),
        recorded_at=at,
        recorded_by=by,
    )
    _put_tubes(collection, patient, due, tubes)
    return collection


@operation
def miss_sample(*, patient: Patient, timepoint: str, reason: str, by: User, at: dt.datetime) -> Collection:
    """Record that a sample was not and will not be collected, with the reason. Possible once its window has opened."""
    require(by, Permission.RECORD_SAMPLES, patient.study, patient.site)
    lock_study(patient.study)
    patient, due = _planned_sample(patient, timepoint, at)
    _check_nothing_recorded(due)
    reason = _reason(reason, "Say why the sample was missed.")
    if _today(patient, at) < due.window_from:
        raise Refused(
            "window-not-open",
            f"The window opens on {day_words(due.window_from)}; the sample can be recorded as missed from then on.",
        )
    return Collection.objects.create(
        patient=patient,
        study=patient.study,
        timepoint=due.code,
        outcome=Collection.Outcome.MISSED,
        planned_on=due.planned_on,
        window_from=due.window_from,
        window_to=due.window_to,
        missed_reason=reason,
        recorded_at=at,
        recorded_by=by,
    )


@operation
def correct_collection(
    *,
    collection: Collection,
    outcome: Collection.Outcome,
    reason: str,
    by: User,
    at: dt.datetime,
    collected_on: dt.date | None = None,
    tubes: Sequence[str] = (),
    out_of_window_reason: str = "",
    missed_reason: str = "",
) -> Collection:
    """Correct what was recorded about a sample: all of it is given anew, the audit trail keeps what it was and why.

    The window stays the one that was kept with the record. A correction that changes nothing leaves no entry.
    """
    require(by, Permission.RECORD_SAMPLES, collection.study, collection.patient.site)
    lock_study(collection.study)
    _reason(reason, "Say why you correct the record.")
    patient, due = _recorded_sample(collection, at)
    assert due.collection is not None
    collection = due.collection
    collection.outcome = outcome
    if outcome == Collection.Outcome.COLLECTED:
        if collected_on is None:
            raise Refused("day-needed", "Give the day on which the sample was collected.", field="collected_on")
        _check_day(patient, due, collected_on, at)
        _check_tubes(due, tubes)
        collection.collected_on, collection.missed_reason = collected_on, ""
        collection.out_of_window_reason = _window_reason(due, collected_on, out_of_window_reason)
    else:
        collection.collected_on, collection.out_of_window_reason = None, ""
        collection.missed_reason = _reason(missed_reason, "Say why the sample was missed.", field="missed_reason")
        tubes = ()
    collection.save(update_fields=["outcome", "collected_on", "missed_reason", "out_of_window_reason"])
    _put_tubes(collection, patient, due, tubes)
    return Collection.objects.prefetch_related("tubes").get(pk=collection.pk)


def _load(patient: Patient) -> Patient:
    return (
        with_samples(Patient.objects.filter(pk=patient.pk))
        .select_related("site", "part", "study", "assigned_level", "continuation_review", "consent")
        .get()
    )


def _planned_sample(patient: Patient, timepoint: str, at: dt.datetime) -> tuple[Patient, DueCollection]:
    """The patient read afresh and the sample as it stands now. Refused where the schedule does not have it."""
    patient = _load(patient)
    if patient.registered_at is None:
        raise Refused("not-registered", f"{patient.code} is not registered yet; samples fall due after registration.")
    for due in samples_of(patient, _today(patient, at)):
        if due.code == timepoint:
            return patient, due
    raise Refused(
        "not-planned",
        f"The sample “{timepoint}” is not planned for {patient.code}: it belongs to the other part of the study,"
        " or treatment ended before it.",
    )


def _recorded_sample(collection: Collection, at: dt.datetime) -> tuple[Patient, DueCollection]:
    patient = _load(collection.patient)
    due = next(d for d in samples_of(patient, _today(patient, at)) if d.code == collection.timepoint)
    return patient, due


def _today(patient: Patient, at: dt.datetime) -> dt.date:
    return day_of(at, patient.site.time_zone)


def _check_nothing_recorded(due: DueCollection) -> None:
    if due.collection is not None:
        raise Refused(
            "already-recorded",
            f"This sample is recorded as {due.state.value} already. If that is wrong, correct it, with a reason.",
        )


def _check_day(patient: Patient, due: DueCollection, collected_on: dt.date, at: dt.datetime) -> None:
    """A day on which the sample can have been collected: not to come, after consent, and at its place in treatment."""
    if collected_on > _today(patient, at):
        raise Refused(
            "day-in-future",
            "The day of collection lies in the future. Record it once it is done.",
            field="collected_on",
        )
    consent: Consent | None = getattr(patient, "consent", None)
    if consent is not None and collected_on < consent.signed_on:
        raise Refused(
            "before-consent",
            f"Consent was signed on {day_words(consent.signed_on)}; no sample is taken for the study before that day.",
            field="collected_on",
        )
    timepoint = due.timepoint
    if timepoint.anchor in WITHOUT_A_CYCLE:
        return
    cycle = anchor_cycle(timepoint, patient, list(patient.cycles.all()))
    protocol = protocol_on(patient, cycle.started_on if cycle else due.planned_on)
    if lies_before_its_anchor(timepoint, protocol):
        if cycle is not None and collected_on > cycle.started_on:
            raise Refused(
                "treatment-had-started",
                f"{_start_words(cycle, protocol)} on {day_words(cycle.started_on)}: blood taken later is not what was"
                " planned before it. Record the sample as missed, with the reason.",
                field="collected_on",
            )
    elif cycle is None:
        raise Refused(
            "cycle-not-started",
            f"{cycle_words(anchor_number(timepoint, protocol)).capitalize()} has not started, so the sample"
            f" “{due.title}” cannot have been collected. Record the start of the cycle first.",
        )
    elif collected_on < cycle.started_on:
        raise Refused(
            "before-cycle",
            f"{cycle_words(cycle.number).capitalize()} started on {day_words(cycle.started_on)};"
            " its sample is taken after that.",
            field="collected_on",
        )


def _start_words(cycle: Cycle, protocol: Protocol) -> str:
    """'Treatment started', or 'Cycle 1 started' where something came before it."""
    return f"{'Treatment' if cycle.number == protocol.first_cycle else cycle_words(cycle.number).capitalize()} started"


def _check_tubes(due: DueCollection, tubes: Sequence[str]) -> None:
    planned = [tube.code for tube in due.tubes]
    unknown = [code for code in tubes if code not in planned]
    if unknown:
        raise Refused(
            "unknown-tube",
            f"The protocol has no tube “{unknown[0]}” here. Its tubes are {', '.join(planned)}.",
            field="tubes",
        )
    if not tubes:
        raise Refused(
            "no-tube", "Tick the tubes that were filled. If none was, record the sample as missed.", field="tubes"
        )


def _window_reason(due: DueCollection, collected_on: dt.date, reason: str) -> str:
    """The reason where the day lies outside the window, and none where it does not need one."""
    if due.in_window(collected_on):
        return ""
    if not reason.strip():
        raise Refused(
            "out-of-window",
            f"{day_words(collected_on)} lies outside the window ({span_words(due.window_from, due.window_to)})."
            " Say why, or correct the day.",
            field="out_of_window_reason",
        )
    return reason.strip()


def _reason(reason: str, sentence: str, *, field: str = "reason") -> str:
    if not reason.strip():
        raise Refused("reason-needed", sentence, field=field)
    return reason.strip()


def _put_tubes(collection: Collection, patient: Patient, due: DueCollection, filled: Sequence[str]) -> None:
    """A row for every planned tube of a collected sample, filled or not; rows that are there are kept."""
    present = {row.kind: row for row in collection.tubes.all()}
    for tube in due.tubes:
        row = present.get(tube.code)
        if row is None and filled:
            TubeRow.objects.create(
                collection=collection,
                patient=patient,
                study=patient.study,
                kind=tube.code,
                label=label_code(patient, due.timepoint, tube),
                collected=tube.code in filled,
            )
        elif row is not None and row.collected != (tube.code in filled):
            row.collected = tube.code in filled
            row.save(update_fields=["collected"])
