import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from audit.context import acting
from audit.models import Entry
from labs.models import Collection, Tube
from labs.operations import collect_sample, correct_collection, miss_sample
from patients.models import Patient
from patients.operations import discontinue
from tests.cast import DAY_ONE, moment
from tests.labs.conftest import registered, screened, start
from trials.errors import Forbidden, Refused
from trials.models import Site, Study

pytestmark = pytest.mark.django_db

BOTH = ["edta", "serum"]


def on(day: int) -> dt.date:
    return DAY_ONE + dt.timedelta(days=day - 1)


def collect(patient: Patient, by: User, day: int, timepoint: str = "after-1", **more: Any) -> Collection:
    at = moment(more.pop("recorded_on", on(day)))
    tubes = more.pop("tubes", BOTH)
    return collect_sample(patient=patient, timepoint=timepoint, collected_on=on(day), tubes=tubes, by=by, at=at, **more)


def refusal(code: str) -> Any:
    return pytest.raises(Refused, check=lambda refused: refused.code == code)


# --- collect ---


def test_a_collection_is_recorded_with_its_plan_and_its_tubes(patient: Patient, coordinator_a: User) -> None:
    collection = collect(patient, coordinator_a, 28)
    assert (collection.outcome, collection.collected_on) == ("collected", on(28))
    assert (collection.planned_on, collection.window_from, collection.window_to) == (on(28), on(25), on(35))
    assert [(tube.kind, tube.label, tube.collected) for tube in collection.tubes.all()] == [
        ("edta", "LEN-MAG-01.A-001.C01.EDTA", True),
        ("serum", "LEN-MAG-01.A-001.C01.SERUM", True),
    ]


def test_a_tube_that_was_not_filled_is_kept_as_such(patient: Patient, coordinator_a: User) -> None:
    collection = collect(patient, coordinator_a, 28, tubes=["edta"])
    assert {tube.kind: tube.collected for tube in collection.tubes.all()} == {"edta": True, "serum": False}


def test_outside_the_window_the_reason_is_asked_for_and_kept(patient: Patient, coordinator_a: User) -> None:
    with refusal("out-of-window") as caught:
        collect(patient, coordinator_a, 36, out_of_window_reason="  ")
    assert caught.value.field == "out_of_window_reason"
    collection = collect(patient, coordinator_a, 36, out_of_window_reason="The clinic was closed")
    assert collection.out_of_window_reason == "The clinic was closed"


@pytest.mark.parametrize("day", [25, 35])
def test_the_ends_of_the_window_belong_to_it(patient: Patient, coordinator_a: User, day: int) -> None:
    assert collect(patient, coordinator_a, day, out_of_window_reason="not needed").out_of_window_reason == ""


def test_a_collection_of_last_week_can_be_entered_today(patient: Patient, coordinator_a: User) -> None:
    assert collect(patient, coordinator_a, 28, recorded_on=on(40)).recorded_at == moment(on(40))


def test_the_day_is_the_sites_own(patient: Patient, coordinator_a: User) -> None:
    after_midnight_utc = dt.datetime.combine(on(29), dt.time(3), tzinfo=dt.UTC)  # 22:00 of day 28 in New York
    with refusal("day-in-future"):
        collect_sample(
            patient=patient, timepoint="after-1", collected_on=on(29), tubes=BOTH, by=coordinator_a,
            at=after_midnight_utc,
        )  # fmt: skip


def test_a_day_to_come_is_refused(patient: Patient, coordinator_a: User) -> None:
    with refusal("day-in-future"):
        collect(patient, coordinator_a, 28, recorded_on=on(27))


def test_no_tube_or_a_tube_that_the_protocol_does_not_have_is_refused(patient: Patient, coordinator_a: User) -> None:
    with refusal("no-tube"):
        collect(patient, coordinator_a, 28, tubes=[])
    with refusal("unknown-tube"):
        collect(patient, coordinator_a, 28, tubes=["edta", "citrate"])


def test_a_sample_after_a_cycle_that_has_not_started_is_refused(patient: Patient, coordinator_a: User) -> None:
    with refusal("cycle-not-started"):
        collect(patient, coordinator_a, 56, timepoint="after-2")


def test_a_sample_after_a_cycle_is_not_taken_before_it(patient: Patient, coordinator_a: User) -> None:
    start(patient, on(32), coordinator_a)
    with refusal("before-cycle"):
        collect(patient, coordinator_a, 31, timepoint="after-2", recorded_on=on(40), out_of_window_reason="early")


def test_blood_after_the_first_dose_is_no_pre_treatment_sample(patient: Patient, coordinator_a: User) -> None:
    with refusal("treatment-had-started"):
        collect(patient, coordinator_a, 2, timepoint="pre-treatment", out_of_window_reason="forgotten")
    assert collect(patient, coordinator_a, 1, timepoint="pre-treatment").collected_on == on(1)


def test_no_sample_is_taken_before_consent(study: Study, site_a: Site, coordinator_a: User) -> None:
    waiting = registered(study, site_a, coordinator_a)
    with refusal("before-consent"):
        collect(waiting, coordinator_a, 0, timepoint="pre-treatment", recorded_on=on(1))


def test_a_patient_who_is_not_registered_has_no_samples(study: Study, site_a: Site, coordinator_a: User) -> None:
    with refusal("not-registered"):
        collect(screened(study, site_a, coordinator_a), coordinator_a, 1, timepoint="pre-treatment")


@pytest.mark.req("EMA-4.7")
def test_a_sample_of_the_expansion_is_refused_in_the_escalation(patient: Patient, coordinator_a: User) -> None:
    with refusal("not-planned"):
        collect(patient, coordinator_a, 28, timepoint="after-18")


def test_a_sample_after_the_end_of_treatment_is_refused(patient: Patient, coordinator_a: User) -> None:
    discontinue(patient=patient, reason_code="patient-request", on=on(20), by=coordinator_a, at=moment(on(20)))
    with refusal("not-planned"):
        collect(patient, coordinator_a, 28)


def test_a_sample_is_recorded_once(patient: Patient, coordinator_a: User) -> None:
    collect(patient, coordinator_a, 28)
    with refusal("already-recorded"):
        collect(patient, coordinator_a, 28)
    with refusal("already-recorded"):
        miss_sample(patient=patient, timepoint="after-1", reason="twice", by=coordinator_a, at=moment(on(40)))


# --- miss ---


def test_a_missed_sample_keeps_its_reason_and_has_no_tubes(patient: Patient, coordinator_a: User) -> None:
    missed = miss_sample(
        patient=patient, timepoint="after-1", reason=" No vein found ", by=coordinator_a, at=moment(on(30))
    )
    assert (missed.outcome, missed.missed_reason, missed.collected_on) == ("missed", "No vein found", None)
    assert not missed.tubes.exists()


def test_a_sample_is_not_missed_without_a_reason(patient: Patient, coordinator_a: User) -> None:
    with refusal("reason-needed"):
        miss_sample(patient=patient, timepoint="after-1", reason=" ", by=coordinator_a, at=moment(on(30)))


def test_a_sample_is_not_missed_before_its_window_opens(patient: Patient, coordinator_a: User) -> None:
    with refusal("window-not-open"):
        miss_sample(patient=patient, timepoint="after-1", reason="holiday", by=coordinator_a, at=moment(on(24)))


# --- correct ---


def corrected(collection: Collection, by: User, outcome: str = "collected", **given: Any) -> Collection:
    return correct_collection(
        collection=collection, outcome=Collection.Outcome(outcome), by=by, at=moment(on(50)),
        **{"reason": "entered wrongly", **given},
    )  # fmt: skip


def test_a_corrected_day_keeps_the_old_one_in_the_trail(patient: Patient, coordinator_a: User) -> None:
    collection = collect(patient, coordinator_a, 28)
    corrected(collection, coordinator_a, collected_on=on(27), tubes=BOTH)
    entry = Entry.objects.of_record("labs_collection", collection.pk).newest_first()[0]
    assert entry.changed_fields == {"collected_on": (on(28).isoformat(), on(27).isoformat())}
    assert (entry.actor_name, entry.reason) == ("coordinator-a", "entered wrongly")


def test_a_missed_sample_that_was_collected_gets_its_tubes(patient: Patient, coordinator_a: User) -> None:
    missed = miss_sample(patient=patient, timepoint="after-1", reason="unknown", by=coordinator_a, at=moment(on(40)))
    now = corrected(missed, coordinator_a, collected_on=on(28), tubes=["serum"])
    assert (now.outcome, now.missed_reason) == ("collected", "")
    assert {tube.kind: tube.collected for tube in now.tubes.all()} == {"edta": False, "serum": True}


def test_a_collected_sample_that_was_missed_keeps_its_tubes_as_not_filled(
    patient: Patient, coordinator_a: User
) -> None:
    collection = collect(patient, coordinator_a, 36, out_of_window_reason="late")
    now = corrected(collection, coordinator_a, "missed", missed_reason="another patient's tubes")
    assert (now.outcome, now.collected_on, now.out_of_window_reason) == ("missed", None, "")
    assert not Tube.objects.filter(collection=now, collected=True).exists()


def test_a_correction_that_changes_nothing_leaves_no_entry(patient: Patient, coordinator_a: User) -> None:
    collection = collect(patient, coordinator_a, 28)
    before = Entry.objects.count()
    corrected(collection, coordinator_a, collected_on=on(28), tubes=BOTH)
    assert Entry.objects.count() == before


def test_a_correction_needs_a_reason_and_obeys_the_same_rules(patient: Patient, coordinator_a: User) -> None:
    collection = collect(patient, coordinator_a, 28)
    with refusal("reason-needed"):
        corrected(collection, coordinator_a, collected_on=on(27), tubes=BOTH, reason=" ")
    with refusal("day-needed"):
        corrected(collection, coordinator_a, tubes=BOTH)
    with refusal("out-of-window"):
        corrected(collection, coordinator_a, collected_on=on(40), tubes=BOTH)
    with refusal("day-in-future"):
        corrected(collection, coordinator_a, collected_on=on(51), tubes=BOTH, out_of_window_reason="late")
    with refusal("no-tube"):
        corrected(collection, coordinator_a, collected_on=on(27))
    with refusal("reason-needed"):
        corrected(collection, coordinator_a, "missed", missed_reason="")


# --- who ---


def test_nobody_without_the_permission_at_the_site_records_samples(
    patient: Patient, coordinator_a: User, coordinator_b: User, monitor: User, statistician: User, outsider: User
) -> None:
    collection = collect(patient, coordinator_a, 1, timepoint="pre-treatment")
    for somebody in (coordinator_b, monitor, statistician, outsider):
        with pytest.raises(Forbidden):
            collect(patient, somebody, 28)
        with pytest.raises(Forbidden):
            miss_sample(patient=patient, timepoint="after-1", reason="no", by=somebody, at=moment(on(30)))
        with pytest.raises(Forbidden):
            corrected(collection, somebody, collected_on=on(1), tubes=BOTH)


def test_a_refused_collection_writes_nothing(patient: Patient, coordinator_a: User) -> None:
    before = Entry.objects.count()
    with refusal("no-tube"):
        collect(patient, coordinator_a, 28, tubes=[])
    assert (Collection.objects.count(), Entry.objects.count()) == (0, before)


# --- what the database holds by itself ---


def test_the_database_has_no_day_outside_the_window_without_a_reason(patient: Patient, coordinator_a: User) -> None:
    collection = collect(patient, coordinator_a, 28)
    with (
        pytest.raises(IntegrityError, match="out_of_window_has_a_reason"),
        transaction.atomic(),
        acting(coordinator_a, "by hand"),
    ):
        Collection.objects.filter(pk=collection.pk).update(collected_on=on(40))


def test_the_database_has_a_label_once(patient: Patient, coordinator_a: User) -> None:
    collection = collect(patient, coordinator_a, 28)
    label = collection.tubes.all()[0].label
    with (
        pytest.raises(IntegrityError, match="label"),
        transaction.atomic(),
        acting(coordinator_a, "by hand"),
    ):
        Tube.objects.create(collection=collection, patient=patient, study=patient.study, kind="spare", label=label)
