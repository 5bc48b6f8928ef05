import datetime as dt

import pytest

from accounts.models import User
from accounts.operations import deactivate_person
from audit.context import acting
from patients.models import Patient
from tests.cast import DAY_ONE, moment
from trials.errors import Forbidden
from trials.models import Role, Site, Study
from trials.operations import end_role, grant_role
from trials.permissions import TABLE, Permission, allowed, require, role_in_force, visible_sites

pytestmark = pytest.mark.django_db


def test_every_role_has_its_row() -> None:
    assert set(TABLE) == set(Role)


@pytest.mark.req("P11-10g", "EMA-A3.4")
def test_only_signing_roles_can_sign() -> None:
    signing = {role for role, granted in TABLE.items() if Permission.SIGN_DECISION in granted}
    assert signing == {Role.PRINCIPAL_INVESTIGATOR, Role.MEDICAL_MONITOR, Role.STATISTICIAN}


@pytest.mark.req("P11-100", "P11-10g", "EMA-A3.4")
def test_a_client_system_can_never_sign_nor_move_anything_but_clinical_data() -> None:
    assert TABLE[Role.EDC] == {
        Permission.VIEW_STUDY,
        Permission.VIEW_PATIENTS,
        Permission.SCREEN_PATIENTS,
        Permission.RECORD_CLINICAL,
        Permission.ASSESS_DLT,
        Permission.RECORD_SAMPLES,
    }


@pytest.mark.req("P11-10g", "EMA-4.9", "EMA-5.4", "EMA-A3.4")
def test_a_coordinator_acts_at_the_own_site_only(study: Study, coordinator_a: User, site_a: Site, site_b: Site) -> None:
    assert allowed(coordinator_a, Permission.RECORD_CLINICAL, study, site_a)
    assert not allowed(coordinator_a, Permission.RECORD_CLINICAL, study, site_b)
    assert not allowed(coordinator_a, Permission.RECORD_CLINICAL, study)
    assert allowed(coordinator_a, Permission.VIEW_STUDY, study)


def test_the_refusal_names_the_site_and_what_was_asked(study: Study, coordinator_a: User, site_b: Site) -> None:
    with pytest.raises(Forbidden, match="Your roles at Lindby do not allow you to record clinical data"):
        require(coordinator_a, Permission.RECORD_CLINICAL, study, site_b)


def test_a_role_for_the_study_holds_at_every_site(study: Study, pi: User, site_a: Site, site_b: Site) -> None:
    assert all(allowed(pi, Permission.RECORD_CLINICAL, study, site) for site in (site_a, site_b))


@pytest.mark.req("P11-10d", "P11-10g", "EMA-5.4")
def test_an_outsider_may_do_nothing(study: Study, outsider: User) -> None:
    assert not any(allowed(outsider, permission, study) for permission in Permission)


@pytest.mark.req("P11-10d", "R3-4.3.8", "EMA-A3.1")
def test_a_role_that_has_ended_allows_nothing(study: Study, pi: User, rung: User, at: dt.datetime) -> None:
    end_role(membership=study.memberships.get(user=pi), reason="left the hospital", by=rung, at=at)
    assert not any(allowed(pi, permission, study) for permission in Permission)
    assert not role_in_force(pi, study, Role.PRINCIPAL_INVESTIGATOR)


@pytest.mark.req("P11-10d", "R3-4.3.8", "P11-300")
def test_a_closed_account_allows_nothing(study: Study, pi: User, rung: User, at: dt.datetime) -> None:
    deactivate_person(person=pi, reason="left the hospital", by=rung, at=at)
    assert not any(allowed(User.objects.get(pk=pi.pk), permission, study) for permission in Permission)


def test_a_signing_role_at_one_site_is_no_signing_role_for_the_study(
    study: Study, investigator_a: User, site_a: Site, rung: User
) -> None:
    role = Role.PRINCIPAL_INVESTIGATOR
    grant_role(study=study, person=investigator_a, role=role, site=site_a, by=rung, at=moment(DAY_ONE))
    assert not role_in_force(investigator_a, study, role)
    assert not allowed(investigator_a, Permission.SIGN_DECISION, study)


@pytest.mark.req("P11-10d", "EMA-4.9", "R3-4.3.8")
def test_only_patients_of_the_own_site_are_seen(
    study: Study, coordinator_a: User, pi: User, outsider: User, site_a: Site, site_b: Site, rung: User
) -> None:
    with acting(rung, "patients for this test"):
        for site in (site_a, site_b):
            Patient.objects.create(
                study=study,
                site=site,
                code=f"{site.code}-001",
                screened_on=DAY_ONE,
                screened_at=moment(DAY_ONE),
                screened_by=rung,
            )

    def seen(person: User) -> list[str]:
        return list(Patient.objects.filter(visible_sites(person, study)).values_list("code", flat=True))

    assert seen(coordinator_a) == ["A-001"]
    assert seen(pi) == ["A-001", "B-001"]
    assert seen(outsider) == []
