"""What can be chosen, and what a signed decision does (design rules 4, 6, 8 and 9)."""

import datetime as dt

import pytest

from accounts.models import Signature, User
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation, propose_decision, sign_decision, withdraw_decision
from dosing.queries import Stage, where_we_stand
from tests.cast import DAY_ONE, PASSWORD, moment
from tests.dosing.steps import decide, evaluated, on_treatment, propose, registered, sign_all, sign_as, walk
from trials.errors import Forbidden, Refused
from trials.models import Part, Study

pytestmark = pytest.mark.django_db
Choice = Decision.Choice
LATER = dt.timedelta(days=1)


@pytest.fixture
def ready(trial: Study, pi: User, coordinator_a: User) -> tuple[Recommendation, dt.date]:
    """'Escalate to 15 mg', issued after the first patient, and the day."""
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    return issue_recommendation(study=trial, by=pi, at=moment(on)), on


@pytest.mark.req("P11-10f", "EMA-A3.3")
def test_the_next_cohort_opens_with_the_last_signature_and_not_before(
    trial: Study, ready: tuple[Recommendation, dt.date]
) -> None:
    issued, on = ready
    decision = propose(issued, on, size=2)
    assert decision.roles_required == ["principal_investigator", "medical_monitor"]
    decision = sign_as(decision, "principal_investigator", on)
    assert decision.status == Decision.Status.PROPOSED
    assert trial.cohorts.count() == 1

    decision = sign_as(decision, "medical_monitor", on)
    assert decision.status == Decision.Status.SIGNED
    opened = decision.opened_cohort
    assert opened is not None
    assert (opened.number, opened.level.label, opened.size, opened.slots.count()) == (2, "15 mg", 2, 2)
    assert trial.cohorts.get(number=1).closed_reason == "the next cohort opened"


@pytest.mark.req("P11-10f")
def test_nobody_can_be_registered_while_a_decision_waits(
    trial: Study, ready: tuple[Recommendation, dt.date], coordinator_a: User
) -> None:
    issued, on = ready
    sign_as(propose(issued, on), "principal_investigator", on)
    with pytest.raises(Refused):
        registered(trial.sites.get(code="A"), coordinator_a, on)
    assert trial.patients.registered().count() == 1


@pytest.mark.req("P11-70", "P11-50", "EMA-4.8", "EMA-6.3")
def test_a_signature_is_bound_to_what_was_shown(trial: Study, ready: tuple[Recommendation, dt.date]) -> None:
    issued, on = ready
    decision = sign_as(propose(issued, on), "principal_investigator", on)
    signature = Signature.objects.get(record_key=str(decision.pk))
    assert '"answer":"Escalate to 15 mg"' in signature.record_json
    assert issued.inputs_sha256 in signature.record_json
    assert signature.statement.endswith("approve 15 mg for the next cohort.")
    assert signature.printed_name == "Dr Ana Rivera"


@pytest.mark.req("P11-200", "EMA-4.8")
def test_the_wrong_password_signs_nothing(trial: Study, ready: tuple[Recommendation, dt.date], pi: User) -> None:
    issued, on = ready
    decision = propose(issued, on)
    with pytest.raises(Refused) as refused:
        sign_decision(decision=decision, role="principal_investigator", password="wrong", by=pi, at=moment(on))
    assert (refused.value.code, refused.value.field) == ("wrong-password", "password")
    assert not Signature.objects.exists()


@pytest.mark.req("P11-10g")
def test_nobody_signs_in_a_role_they_do_not_hold(
    trial: Study, ready: tuple[Recommendation, dt.date], pi: User, coordinator_a: User
) -> None:
    issued, on = ready
    decision = propose(issued, on)
    with pytest.raises(Forbidden):
        sign_decision(decision=decision, role="medical_monitor", password=PASSWORD, by=pi, at=moment(on))
    with pytest.raises(Forbidden):
        sign_decision(decision=decision, role="coordinator", password=PASSWORD, by=coordinator_a, at=moment(on))
    assert not Signature.objects.exists()


def test_a_role_that_the_protocol_does_not_name_is_not_asked(
    trial: Study, ready: tuple[Recommendation, dt.date], statistician: User
) -> None:
    issued, on = ready
    with pytest.raises(Refused) as refused:
        sign_decision(
            decision=propose(issued, on), role="statistician", password=PASSWORD, by=statistician, at=moment(on)
        )
    assert refused.value.code == "role-not-asked"


def test_a_role_signs_once(trial: Study, ready: tuple[Recommendation, dt.date]) -> None:
    issued, on = ready
    decision = sign_as(propose(issued, on), "principal_investigator", on)
    with pytest.raises(Refused, match="signed already"):
        sign_as(decision, "principal_investigator", on)


@pytest.mark.parametrize(
    ("choice", "level", "code"),
    [(Choice.LOWER, 3, "higher-than-recommended"), (Choice.LOWER, None, "choice-not-offered")],
)
def test_higher_than_recommended_is_refused(
    trial: Study, ready: tuple[Recommendation, dt.date], choice: Choice, level: int | None, code: str
) -> None:
    issued, on = ready
    with pytest.raises(Refused) as refused:
        propose(issued, on, choice=choice, level=level, comment="I would rather")
    assert refused.value.code == code
    assert not trial.decisions.exists()


def test_staying_is_refused_where_a_lower_dose_is_recommended(trial: Study, pi: User, coordinator_a: User) -> None:
    on = walk(trial, coordinator_a, "N")
    _, on = evaluated(trial, coordinator_a, on, dlt=True)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert issued.action == "de_escalate"
    with pytest.raises(Refused) as refused:
        propose(issued, on, choice=Choice.STAY, comment="one more here")
    assert refused.value.code == "higher-than-recommended"


def test_a_lower_choice_needs_its_reason(trial: Study, ready: tuple[Recommendation, dt.date]) -> None:
    issued, on = ready
    with pytest.raises(Refused) as refused:
        propose(issued, on, choice=Choice.STAY, comment="  ")
    assert (refused.value.code, refused.value.field) == ("comment-needed", "comment")


def test_staying_lower_than_recommended_opens_there(trial: Study, ready: tuple[Recommendation, dt.date]) -> None:
    issued, on = ready
    decision = sign_all(propose(issued, on, choice=Choice.STAY, comment="one more at 10 mg first"), on)
    assert decision.opened_cohort is not None
    assert decision.opened_cohort.level.label == "10 mg"


@pytest.mark.parametrize("size", [0, 4, None])
def test_a_cohort_is_no_larger_than_the_protocol_allows(
    trial: Study, ready: tuple[Recommendation, dt.date], pi: User, size: int | None
) -> None:
    issued, on = ready
    with pytest.raises(Refused) as refused:
        propose_decision(
            recommendation=issued, choice=Choice.ACCEPT, level=issued.level, cohort_size=size, comment="",
            by=pi, at=moment(on),
        )  # fmt: skip
    assert (refused.value.code, refused.value.field) == ("cohort-size", "cohort_size")


def test_a_hold_suspends_accrual_and_the_next_decision_ends_it(
    trial: Study, ready: tuple[Recommendation, dt.date]
) -> None:
    issued, on = ready
    held = sign_all(propose(issued, on, choice=Choice.HOLD, comment="waiting for the safety board"), on)
    assert held.opened_cohort is None
    trial.refresh_from_db()
    assert trial.accrual_suspended_reason == "Decision 1: hold registration. waiting for the safety board"
    assert where_we_stand(trial, moment(on)).stage == Stage.HELD

    decision = decide(trial, on + LATER)
    trial.refresh_from_db()
    assert trial.accrual_suspended_at is None
    assert decision.opened_cohort is not None


def test_a_stop_leads_to_the_mtd(trial: Study, ready: tuple[Recommendation, dt.date], pi: User) -> None:
    issued, on = ready
    sign_all(propose(issued, on, choice=Choice.STOP, comment="the sponsor ends it"), on)
    mtd = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert (mtd.kind, mtd.level.label) == ("mtd", "10 mg")
    assert mtd.shown["ended_because"] == "The signers decided to stop the escalation"


def test_a_withdrawn_decision_makes_way_for_another(
    trial: Study, ready: tuple[Recommendation, dt.date], pi: User
) -> None:
    issued, on = ready
    decision = sign_as(propose(issued, on), "principal_investigator", on)
    with pytest.raises(Refused) as refused:
        propose(issued, on)
    assert refused.value.code == "decision-waits"
    with pytest.raises(Refused, match="why"):
        withdraw_decision(decision=decision, reason=" ", by=pi, at=moment(on))
    withdraw_decision(decision=decision, reason="two patients instead", by=pi, at=moment(on))
    with pytest.raises(Refused) as gone:
        sign_as(decision, "medical_monitor", on)
    assert gone.value.code == "decision-withdrawn"
    assert sign_all(propose(issued, on, size=2), on).opened_cohort is not None


def test_a_signed_decision_cannot_be_withdrawn(trial: Study, ready: tuple[Recommendation, dt.date], pi: User) -> None:
    issued, on = ready
    decision = sign_all(propose(issued, on), on)
    with pytest.raises(Refused) as refused:
        withdraw_decision(decision=decision, reason="second thoughts", by=pi, at=moment(on))
    assert refused.value.code == "already-signed"


def test_a_whole_trial_to_the_mtd_and_into_expansion(trial: Study, pi: User, coordinator_a: User) -> None:
    """The doses of the twelve patients are worked out by hand from the design's table (1 patient a cohort):

    1 N at 10 (0/1) up; 2 N at 15 (0/1) up; 3 T at 25 (1/1) down; 4 N at 15 (0/2) up; 5 N at 25 (1/2) down;
    6 N at 15 (0/3) up; 7 T at 25 (2/3) down; 8 N at 15 (0/4) up; 9 T at 25 (3/4) down and eliminated;
    10 T at 15 (1/5) would go up, but 25 mg is closed; 11 N at 15 (1/6) the same; 12 T at 15 (2/7) is the last.
    """
    on = walk(trial, coordinator_a, "NNTNNNTNTTNT")
    doses = list(trial.patients.registered().order_by("registered_at").values_list("assigned_level__label", flat=True))
    assert doses == [
        "10 mg", "15 mg", "25 mg", "15 mg", "25 mg", "15 mg", "25 mg", "15 mg", "25 mg", "15 mg", "15 mg", "15 mg",
    ]  # fmt: skip
    mtd = trial.recommendations.order_by("-number").first()
    assert mtd is not None
    assert (mtd.kind, mtd.level.label, mtd.action) == ("mtd", "15 mg", "stop")
    decision = mtd.decisions.get()
    assert decision.roles_required == ["principal_investigator", "medical_monitor", "statistician"]
    opened = decision.opened_cohort
    assert opened is not None
    assert (opened.part.kind, opened.level.label, opened.size) == ("expansion", "15 mg", 8)
    escalation = trial.parts.get(kind=Part.Kind.ESCALATION)
    assert escalation.ended_at is not None
    assert where_we_stand(trial, moment(on)).stage == Stage.EXPANSION


def test_no_mtd_ends_the_study(trial: Study, pi: User, coordinator_a: User) -> None:
    on = walk(trial, coordinator_a, "TTT")
    newest = trial.recommendations.order_by("-number").first()
    assert newest is not None
    assert (newest.kind, newest.level) == ("mtd", None)
    assert where_we_stand(trial, moment(on)).stage == Stage.FINISHED
    with pytest.raises(Refused) as refused:
        issue_recommendation(study=trial, by=pi, at=moment(on))
    assert refused.value.code == "part-ended"


def test_expansion_goes_down_when_a_boundary_is_crossed(trial: Study, pi: User, coordinator_a: User) -> None:
    """12 patients with the MTD at 15 mg (2 of 7 there); 3 of 8 with a DLT in both parts together de-escalate."""
    on = walk(trial, coordinator_a, "NNTNNNTNTTNT")
    before = where_we_stand(trial, moment(on)).tally.pooled.at(2)
    for _ in range(3):
        _, on = evaluated(trial, coordinator_a, on, dlt=True)
        on += LATER
        if where_we_stand(trial, moment(on)).decidable:
            break
    situation = where_we_stand(trial, moment(on))
    assert situation.kind == Recommendation.Kind.MONITORING
    assert situation.tally.pooled.at(2)[1] > before[1]
    decision = decide(trial, on)
    assert decision.recommendation.action == "de_escalate"
    assert decision.opened_cohort is not None
    expansion = trial.parts.get(kind=Part.Kind.EXPANSION)
    assert decision.opened_cohort.level.label == "10 mg"
    assert decision.opened_cohort.size == 8 - expansion.patients.count()


def test_expansion_goes_on_without_a_decision_while_no_boundary_is_crossed(
    trial: Study, pi: User, coordinator_a: User
) -> None:
    on = walk(trial, coordinator_a, "NNTNNNTNTTNT")
    on_treatment(trial, coordinator_a, on)
    with pytest.raises(Refused) as refused:
        issue_recommendation(study=trial, by=pi, at=moment(on))
    assert refused.value.code == "no-boundary-crossed"
