"""An interruption that is recorded when treatment has ended already."""

import pytest

from accounts.models import User
from patients.operations import discontinue, interrupt_dosing
from tests.cast import moment
from tests.patients.steps import again, day, treated
from trials.errors import Refused
from trials.models import Site

pytestmark = pytest.mark.django_db


def test_it_ends_with_treatment(site_a: Site, coordinator_a: User) -> None:
    """As one that was open when treatment ended: none goes on after it."""
    patient = treated(site_a, coordinator_a)
    discontinue(patient=patient, reason_code="patient-request", on=day(15), by=coordinator_a, at=moment(day(15)))
    cycle = again(patient).cycles.get()
    told = {"cycle": cycle, "agent": "lenalidomide", "to_day": None, "reason": "a rash"}
    late = moment(day(30))
    assert interrupt_dosing(**told, from_day=day(12), by=coordinator_a, at=late).to_day == day(15)
    with pytest.raises(Refused) as refused:
        interrupt_dosing(**told, from_day=day(16), by=coordinator_a, at=late)
    assert (refused.value.code, refused.value.field) == ("treatment-ended", "from_day")
