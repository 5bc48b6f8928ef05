"""Amended rules hold for whoever follows them, and nobody else: in the operations and in the database's own guards."""

import datetime as dt
from typing import Any

import pytest

from accounts.models import User
from patients.activities import Which
from patients.models import ActivityRecord, Patient
from patients.operations import discontinue, reduce_dose, start_cycle
from patients.operations.activities import record_activities
from tests.cast import moment, table_of
from tests.patients.steps import again, day, registered, start
from trials.errors import Refused
from trials.models import ProtocolVersion, Site, Study
from trials.operations import approve_amendment, edit_section, start_amendment

pytestmark = pytest.mark.django_db

APPROVED = day(40)  # in the middle of cycle 2, days 29 to 56


def amended(study: Study, by: User, follows: dict[str, dt.date], **sections: Any) -> ProtocolVersion:
    """Approved on APPROVED with these sections; each a function of what the live version says."""
    draft = start_amendment(study=study, by=by, at=moment(APPROVED))
    for section, change in sections.items():
        draft = edit_section(
            study=study, section=section, content=change(draft.definition[section]), by=by, at=moment(APPROVED),
            seen_sha256=draft.sha256,
        )  # fmt: skip
    return approve_amendment(
        study=study, boundaries=table_of(max_n=20), from_days=follows, seen_sha256=draft.sha256, by=by,
        at=moment(APPROVED),
    )  # fmt: skip


@pytest.fixture
def patient(study: Study, site_a: Site, coordinator_a: User) -> Patient:
    patient = registered(site_a, coordinator_a, day(1))
    for first in (day(1), day(29)):
        start(patient, first, coordinator_a)
    return again(patient)


def test_a_cycle_is_as_long_and_may_be_as_late_as_the_protocol_of_its_day_says(
    study: Study, patient: Patient, data_manager: User, coordinator_a: User
) -> None:
    """Cycle 2 began before the amendment and keeps its 28 days; the limit is that of the day when cycle 3 is due."""
    amended(
        study, data_manager, {"A": APPROVED},
        cycle=lambda cycle: {**cycle, "length_days": 35},
        delay=lambda delay: {**delay, "limit_days": 35},
    )  # fmt: skip
    third = start(patient, day(90), coordinator_a)
    assert (third.due_on, third.latest_on) == (day(57), day(57 + 35))
    fourth = start(patient, day(125), coordinator_a)
    assert (fourth.due_on, fourth.latest_on) == (day(125), day(125 + 35))


@pytest.mark.parametrize(("follows", "possible"), [({"A": APPROVED}, True), ({"B": APPROVED}, False), ({}, False)])
def test_a_longer_delay_is_for_the_patients_of_a_site_that_follows_it(
    study: Study, patient: Patient, data_manager: User, coordinator_a: User, follows: dict[str, dt.date], possible: bool
) -> None:
    amended(study, data_manager, follows, delay=lambda delay: {**delay, "limit_days": 35})
    if possible:
        assert start(patient, day(90), coordinator_a).number == 3
    else:
        with pytest.raises(Refused):
            start_cycle(patient=patient, started_on=day(90), by=coordinator_a, at=moment(day(90)))


def test_fewer_reductions_are_for_those_that_take_effect_when_the_site_follows(
    study: Study, patient: Patient, data_manager: User, coordinator_a: User
) -> None:
    most = study.protocol.reductions.maximum
    fewer = amended(study, data_manager, {"A": day(60)}, reductions=lambda said: {**said, "maximum": most - 1})
    assert fewer.protocol.reductions.maximum == most - 1
    for number in range(most - 1):
        on = day(42 + number)
        reduce_dose(
            patient=patient, cause="other", explanation="tired", effective_on=on, by=coordinator_a, at=moment(on)
        )
    start(patient, day(57), coordinator_a)
    with pytest.raises(Refused) as refused:
        reduce_dose(
            patient=patient, cause="other", explanation="tired", effective_on=day(61), by=coordinator_a,
            at=moment(day(61)),
        )  # fmt: skip
    assert refused.value.code == "reduction-maximum"


def test_treatment_ends_for_a_reason_that_the_amendment_brought(
    study: Study, patient: Patient, data_manager: User, coordinator_a: User
) -> None:
    def with_one_more(reasons: list[Any]) -> list[Any]:
        return [*reasons, {**reasons[-1], "code": "no-supply", "text": "The drug is not supplied any more"}]

    amended(study, data_manager, {"A": day(50)}, discontinuation=with_one_more)

    def end(on: dt.date) -> None:
        discontinue(
            patient=patient, reason_code="no-supply", on=on, detail="Factory", by=coordinator_a, at=moment(day(51))
        )

    with pytest.raises(Refused):
        end(day(49))
    end(day(50))
    assert again(patient).status == Patient.Status.EVENT_MONITORING


@pytest.mark.parametrize(("follows", "possible"), [({"A": APPROVED}, True), ({"B": APPROVED}, False)])
def test_a_visit_that_the_amendment_brought_is_recorded_where_it_is_followed(
    study: Study, patient: Patient, data_manager: User, coordinator_a: User, follows: dict[str, dt.date], possible: bool
) -> None:
    look = {
        "code": "look",
        "title": "A look",
        "anchor": "every-cycle-day",
        "day": 15,
        "window": {"before": 1, "after": 1},
    }
    amended(study, data_manager, follows, visits=lambda visits: [*visits, look])

    def done() -> list[ActivityRecord]:
        return record_activities(
            patient=patient, which=[Which("visits", "look", 2)], done_on=day(43), out_of_window_reason="",
            by=coordinator_a, at=moment(day(43)),
        )  # fmt: skip

    if possible:
        assert [(record.timepoint, record.planned_on) for record in done()] == [("look", day(43))]
    else:
        with pytest.raises(Refused):
            done()
