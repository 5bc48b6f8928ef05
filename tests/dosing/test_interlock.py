"""What the database itself refuses, whatever script asks: raw SQL as the application's role (design rules 4 and 6)."""

import datetime as dt

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from accounts.models import Signature, User
from audit.context import acting
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation, withdraw_decision
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import as_if_committed, evaluated, propose, sign_all, sign_as, walk
from tests.dosing.steps import signer as holder
from trials.models import Study

pytestmark = pytest.mark.django_db

COHORT = """
    INSERT INTO trials_cohort (study_id, part_id, level_id, number, size, opened_at, opened_by_id, closed_reason)
    SELECT study_id, id, %s, 90, 1, now(), %s, '' FROM trials_part WHERE study_id = %s AND kind = %s
"""
CLOSE = "UPDATE trials_cohort SET closed_at = now(), closed_reason = 'by hand' WHERE closed_at IS NULL"
DECISION = """
    INSERT INTO dosing_decision (study_id, recommendation_id, choice, level_id, cohort_size, comment, roles_required,
                                 status, proposed_at, proposed_by_id, withdrawn_reason, signed_at)
    VALUES (%s, %s, %s, %s, 1, 'by hand', '[]', %s, now(), %s, '', %s)
"""
SIGNATURE = """
    INSERT INTO accounts_signature (study_id, record_kind, record_key, record_json, record_sha256, signer_id,
                                    printed_name, role, meaning, statement, components_checked, record_version,
                                    statement_version)
    VALUES (%s, 'dosing.decision', %s, '{}', repeat('0', 64), %s, 'somebody', %s, 'approval', 'forged', '[]', '', '')
"""


def attempt(by: User, sql: str, *parameters: object) -> None:
    with acting(by, "by hand"):
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
        as_if_committed()


@pytest.fixture
def issued(trial: Study, pi: User, coordinator_a: User) -> Recommendation:
    """'Escalate to 15 mg'."""
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    return issue_recommendation(study=trial, by=pi, at=moment(on))


def the_day(issued: Recommendation) -> dt.date:
    return issued.issued_at.date()


@pytest.mark.req("P11-10f", "EMA-4.1")
@pytest.mark.parametrize("part", ["escalation", "expansion"])
def test_no_cohort_without_a_signed_decision(trial: Study, issued: Recommendation, pi: User, part: str) -> None:
    attempt(pi, CLOSE)
    with pytest.raises(DatabaseError, match="a cohort opens with a signed decision only"):
        attempt(pi, COHORT, trial.levels.get(ordinal=2).pk, pi.pk, trial.pk, part)


@pytest.mark.req("P11-10f")
def test_one_signed_decision_opens_one_cohort(trial: Study, issued: Recommendation, pi: User) -> None:
    sign_all(propose(issued, the_day(issued)), the_day(issued))
    attempt(pi, CLOSE)
    with pytest.raises(DatabaseError, match="a cohort opens with a signed decision only"):
        attempt(pi, COHORT, trial.levels.get(ordinal=2).pk, pi.pk, trial.pk, "escalation")


@pytest.mark.req("P11-10f", "EMA-4.1")
def test_no_decision_for_a_dose_higher_than_recommended(trial: Study, issued: Recommendation, pi: User) -> None:
    highest = trial.levels.get(ordinal=3)
    with pytest.raises(DatabaseError, match="higher than recommended"):
        attempt(pi, DECISION, trial.pk, issued.pk, "accept", highest.pk, "proposed", pi.pk, None)


def test_no_decision_for_an_eliminated_dose(trial: Study, pi: User, coordinator_a: User) -> None:
    """25 mg is eliminated by 3 of 4; a forged recommendation of it can't be decided on either."""
    on = walk(trial, coordinator_a, "NNTNTNTNT")
    level = trial.levels.get(ordinal=3)
    assert level.closed_at is not None
    forged = trial.recommendations.filter(level=level).order_by("-number").first()
    assert forged is not None
    with acting(pi, "by hand"):
        newer = Recommendation.objects.create(
            **{
                f.attname: getattr(forged, f.attname)
                for f in Recommendation._meta.concrete_fields
                if f.name not in ("id", "number")
            },
            number=99,
        )
    with pytest.raises(DatabaseError, match="an eliminated dose cannot be chosen"):
        attempt(pi, DECISION, trial.pk, newer.pk, "accept", level.pk, "proposed", pi.pk, None)
    assert on


@pytest.mark.req("P11-10f", "P11-10g")
def test_no_decision_is_signed_before_every_role_has(trial: Study, issued: Recommendation, pi: User) -> None:
    with pytest.raises(DatabaseError, match="signed when every role"):
        attempt(pi, DECISION, trial.pk, issued.pk, "accept", issued.level.pk, "signed", pi.pk, moment(DAY_ONE))
    decision = sign_as(propose(issued, the_day(issued)), "principal_investigator", the_day(issued))
    with pytest.raises(DatabaseError, match="signed when every role"):
        attempt(pi, "UPDATE dosing_decision SET status = 'signed', signed_at = now() WHERE id = %s", decision.pk)


def test_the_roles_are_the_protocols_whatever_the_row_says(trial: Study, issued: Recommendation, pi: User) -> None:
    """A decision that claims that nobody has to sign."""
    attempt(pi, DECISION, trial.pk, issued.pk, "accept", issued.level.pk, "proposed", pi.pk, None)
    decision = Decision.objects.get()
    assert decision.roles_required == []
    with pytest.raises(DatabaseError, match="signed when every role"):
        attempt(pi, "UPDATE dosing_decision SET status = 'signed', signed_at = now() WHERE id = %s", decision.pk)


@pytest.mark.req("P11-10c", "R3-4.2.6")
@pytest.mark.parametrize("change", ["reason = 'other'", "action = 'stop'", "inputs = '{}'", "shown = '{}'"])
def test_a_recommendation_never_changes(trial: Study, issued: Recommendation, pi: User, change: str) -> None:
    with pytest.raises(DatabaseError, match="refused"):
        attempt(pi, f"UPDATE dosing_recommendation SET {change} WHERE id = %s", issued.pk)


@pytest.mark.parametrize("change", ["cohort_size = 3", "comment = 'other'", "choice = 'hold'", "level_id = 1"])
def test_what_was_proposed_never_changes(trial: Study, issued: Recommendation, pi: User, change: str) -> None:
    decision = propose(issued, the_day(issued))
    with pytest.raises(DatabaseError, match="cannot be changed"):
        attempt(pi, f"UPDATE dosing_decision SET {change} WHERE id = %s", decision.pk)


@pytest.mark.req("P11-10g")
def test_nobody_signs_for_a_role_they_do_not_hold(
    trial: Study, issued: Recommendation, pi: User, coordinator_a: User
) -> None:
    decision = propose(issued, the_day(issued))
    for signer, role in [(pi, "medical_monitor"), (coordinator_a, "coordinator"), (coordinator_a, "medical_monitor")]:
        with pytest.raises(DatabaseError, match="does not hold this role"):
            attempt(signer, SIGNATURE, trial.pk, str(decision.pk), signer.pk, role)


def test_nobody_signs_a_decision_that_does_not_wait(
    trial: Study, issued: Recommendation, pi: User, statistician: User
) -> None:
    decision = sign_all(propose(issued, the_day(issued)), the_day(issued))
    with pytest.raises(DatabaseError, match="no decision that waits"):
        attempt(statistician, SIGNATURE, trial.pk, str(decision.pk), statistician.pk, "statistician")


@pytest.mark.req("P11-70")
def test_a_signature_stays(trial: Study, issued: Recommendation, pi: User) -> None:
    sign_as(propose(issued, the_day(issued)), "principal_investigator", the_day(issued))
    for sql in ("UPDATE accounts_signature SET statement = 'other'", "DELETE FROM accounts_signature"):
        with pytest.raises(DatabaseError, match=r"refused|permission denied"), transaction.atomic():
            attempt(pi, sql)
    assert Signature.objects.count() == 1


# --- what was decided stays so ---


def test_a_signed_hold_opens_nothing_afterwards(trial: Study, issued: Recommendation, pi: User) -> None:
    """Neither by filling what the hold left empty, nor by a cohort that is tied to it."""
    on, two = the_day(issued), trial.levels.get(ordinal=2)
    held = sign_all(propose(issued, on, Decision.Choice.HOLD, comment="wait"), on)
    attempt(pi, CLOSE)
    for change, value in (("level_id", two.pk), ("cohort_size", 1)):
        with pytest.raises(DatabaseError, match="dose and size of a decision cannot be changed"):
            attempt(pi, f"UPDATE dosing_decision SET {change} = %s WHERE id = %s", value, held.pk)
    first = trial.cohorts.get()
    with pytest.raises(DatabaseError, match="what a signed decision opened cannot be changed"):
        attempt(pi, "UPDATE dosing_decision SET opened_cohort_id = %s WHERE id = %s", first.pk, held.pk)


def test_a_decision_opens_no_cohort_before_it_is_signed(trial: Study, issued: Recommendation, pi: User) -> None:
    decision, first = propose(issued, the_day(issued)), trial.cohorts.get()
    with pytest.raises(DatabaseError, match="a cohort is opened by a signed decision"):
        attempt(pi, "UPDATE dosing_decision SET opened_cohort_id = %s WHERE id = %s", first.pk, decision.pk)


def test_a_hold_that_names_a_dose_opens_no_cohort(trial: Study, issued: Recommendation, pi: User) -> None:
    """Proposed by hand with a dose and a size, and signed by everybody: still a hold."""
    two = trial.levels.get(ordinal=2)
    attempt(pi, CLOSE)
    attempt(pi, DECISION, trial.pk, issued.pk, "hold", two.pk, "proposed", pi.pk, None)
    decision = Decision.objects.get()
    for role in ("principal_investigator", "medical_monitor"):
        who = holder(trial, role)
        attempt(who, SIGNATURE, trial.pk, str(decision.pk), who.pk, role)
    sign = "UPDATE dosing_decision SET status = 'signed', signed_at = now(), opened_cohort_id = %s WHERE id = %s"

    def sign_and_open() -> None:
        with acting(pi, "by hand"):
            with connection.cursor() as cursor:
                cursor.execute(COHORT, [two.pk, pi.pk, trial.pk, "escalation"])
            attempt(pi, sign, trial.cohorts.get(number=90).pk, decision.pk)

    with pytest.raises(DatabaseError, match="a cohort is opened by a signed decision for a dose only"):
        sign_and_open()


@pytest.mark.parametrize(
    "change", ["status = 'proposed', withdrawn_at = NULL", "withdrawn_at = now()", "withdrawn_reason = 'other'"]
)
def test_a_withdrawn_decision_stays_withdrawn(trial: Study, issued: Recommendation, pi: User, change: str) -> None:
    decision = propose(issued, the_day(issued))
    withdraw_decision(decision=decision, reason="rather hold", by=pi, at=moment(the_day(issued)))
    with pytest.raises(DatabaseError, match=r"stays so|cannot be changed"):
        attempt(pi, f"UPDATE dosing_decision SET {change} WHERE id = %s", decision.pk)


def test_a_signed_decision_is_not_withdrawn(trial: Study, issued: Recommendation, pi: User) -> None:
    decision = sign_all(propose(issued, the_day(issued)), the_day(issued))
    undo = "UPDATE dosing_decision SET status = 'withdrawn', withdrawn_at = now(), signed_at = NULL WHERE id = %s"
    with pytest.raises(DatabaseError, match=r"stays so|cannot be changed"):
        attempt(pi, undo, decision.pk)
