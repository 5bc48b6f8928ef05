"""The Study and Decision pages: who sees what, who may do what, and what a refusal leaves."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.context import acting
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation
from patients.operations.assessments import replace_patient
from patients.operations.events import record_adverse_event
from tests.cast import DAY_ONE, PASSWORD, moment, person
from tests.dosing.steps import evaluated, on_treatment, propose, sign_all, sign_as, walk, window_closed
from trials.models import Role, Study
from trials.operations import grant_role, reserve_slot

pytestmark = pytest.mark.django_db
BASE = "/studies/LEN-MAG-01"
PI = "principal_investigator"
SIGNING = {"choice": "accept", "cohort_size": "1", "comment": "", "role": PI, "password": PASSWORD}


@pytest.fixture
def to_day(trial: Study, rung: User) -> Callable[[dt.date], None]:
    """Sets the rehearsal's day."""

    def move(on: dt.date) -> None:
        with acting(rung, "the test's day"):
            Study.objects.filter(pk=trial.pk).update(rehearsal_day=on)

    return move


@pytest.fixture
def issued(trial: Study, pi: User, coordinator_a: User, to_day: Callable[[dt.date], None]) -> Recommendation:
    """'Escalate to 15 mg', and the study's day is the day of it."""
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    to_day(on)
    return issue_recommendation(study=trial, by=pi, at=moment(on))


def the_day(issued: Recommendation) -> dt.date:
    return issued.issued_at.date()


def page(user: User, path: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(f"{BASE}{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def post(user: User, path: str, **fields: str) -> tuple[int, str]:
    """Send a form as a browser does, with the hidden fields of the form that the page shows."""
    client = Client()
    client.force_login(user)
    answer = client.post(f"{BASE}{path}", hidden_fields(client, path) | fields, follow=True)
    return answer.status_code, answer.content.decode()


def hidden_fields(client: Client, path: str) -> dict[str, str]:
    """Of the form on the page above it that is sent to this address; none where there is no such form."""
    before = client.get(f"{BASE}{path.rstrip('/').rpartition('/')[0]}/").content.decode()
    _, _, form = before.partition(f'action="{BASE}{path}"')
    hidden = r'<input type="hidden" name="(decision|shown_sha256)"[^>]*value="(\w+)"'
    return dict(re.findall(hidden, form.split("</form>")[0]))


# --- Study ---


def test_study_says_what_it_waits_for(trial: Study, pi: User, coordinator_a: User, to_day: Callable[..., None]) -> None:
    assert "Waiting for patients" in page(pi, "/study/")
    on_treatment(trial, coordinator_a, DAY_ONE)
    text = page(pi, "/study/")
    assert "Not decidable yet" in text
    assert "with a DLT: 10 mg · without: 15 mg" in text


def test_study_shows_the_recommendation_with_one_thing_to_do(trial: Study, issued: Recommendation, pi: User) -> None:
    text = page(pi, "/study/")
    assert "Escalate to 15 mg" in text
    assert text.count("btn-primary") == 1
    assert "Read and sign" in text
    assert "Read it" in page(User.objects.get(username="coordinator-a"), "/study/")


def test_a_study_that_has_not_started_says_so(draft_study: Study, rung: User, at: dt.datetime) -> None:
    reader = person("early", "Early Bird")
    grant_role(study=draft_study, person=reader, role=Role.PRINCIPAL_INVESTIGATOR, by=rung, at=at)
    for path in ("/study/", "/decision/", "/decisions/"):
        assert "The study has not started" in page(reader, path)
    assert post(reader, "/decision/recommend/")[0] == 409


def test_a_reservation_names_its_site_and_last_day(trial: Study, pi: User, coordinator_b: User) -> None:
    reserve_slot(study=trial, site=trial.sites.get(code="B"), by=coordinator_b, at=moment(DAY_ONE))
    assert "Lindby until Mon 12 Jan" in page(pi, "/study/")


def test_an_outsider_finds_no_study(trial: Study, outsider: User) -> None:
    client = Client()
    client.force_login(outsider)
    for path in ("/study/", "/decision/", "/decisions/", "/decisions/1/"):
        assert client.get(f"{BASE}{path}").status_code == 404


def test_nobody_reads_without_signing_in(trial: Study, client: Client) -> None:
    assert client.get(f"{BASE}/study/")["Location"].startswith("/sign-in/")


def test_pages_take_as_many_queries_for_eight_patients_as_for_three(
    trial: Study, pi: User, coordinator_a: User, to_day: Callable[[dt.date], None]
) -> None:
    """Counted with a recommendation that waits to be signed each time."""
    on, client, counts = DAY_ONE, Client(), []
    client.force_login(pi)
    for pattern in ("NT", "TNNT"):
        on = walk(trial, coordinator_a, pattern, on)
        _, on = evaluated(trial, coordinator_a, on)
        to_day(on)
        issued = issue_recommendation(study=trial, by=pi, at=moment(on))
        counts.append({path: queries_of(client, path) for path in ("/study/", "/decision/", "/decisions/")})
        sign_all(propose(issued, on), on)
        on += dt.timedelta(days=1)
    assert counts[0] == counts[1]


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{BASE}{path}").status_code == 200
    return len(queries)


# --- what one site reads of another ---


def test_a_site_reads_the_counts_and_not_the_other_sites_patients(
    trial: Study, pi: User, coordinator_a: User, coordinator_b: User, to_day: Callable[[dt.date], None]
) -> None:
    on = walk(trial, coordinator_a, "N")
    other = on_treatment(trial, coordinator_b, on, site="B")
    on += dt.timedelta(days=9)
    record_adverse_event(
        patient=other, term="Febrile neutropenia", grade=3, onset_on=on, is_dlt=True, by=coordinator_b, at=moment(on),
        relations={"lenalidomide": "probable", "dexamethasone": "unrelated"},
    )  # fmt: skip
    to_day(on)
    issue_recommendation(study=trial, by=pi, at=moment(on))
    everything = page(pi, "/decision/")
    assert "B-001" in everything
    for path in ("/study/", "/decision/"):
        text = page(coordinator_a, path)
        assert "A-001" in text
        assert "B-001" not in text
        assert "B-•••" in text
        assert "B-001" in page(coordinator_b, path)


def test_what_is_missing_at_another_site_is_not_spelled_out(
    trial: Study, coordinator_a: User, coordinator_b: User
) -> None:
    on_treatment(trial, coordinator_b, DAY_ONE, site="B")
    status, text = post(coordinator_a, "/decision/recommend/")
    assert status == 409
    assert "Not decidable yet" in text
    assert "B-001" not in text
    assert "B-•••" in text


# --- Decision ---


def test_the_decision_page_says_why_and_who_counts(trial: Study, pi: User, coordinator_a: User) -> None:
    patient = on_treatment(trial, coordinator_a, DAY_ONE)
    on = window_closed(patient, coordinator_a, share=0.4)
    replace_patient(patient=patient, by=coordinator_a, at=moment(on))
    _, on = evaluated(trial, coordinator_a, on)
    issue_recommendation(study=trial, by=pi, at=moment(on))
    text = page(pi, "/decisions/1/")
    assert "0 of 1 had a DLT: 0.00 is at most 0.236, so escalate to 15 mg." in text
    assert "With 1 evaluable patient at 10 mg" in text
    assert "Does not count" in text
    assert "at 10 mg, replaced by A-002" in text
    assert "38 % of the doses, no DLT." in text
    assert "What comes next" in text
    assert "De-escalate if at least" in text


def test_asking_leads_to_the_recommendation(
    trial: Study, coordinator_a: User, to_day: Callable[[dt.date], None]
) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    to_day(on)
    assert "Ask for the recommendation" in page(coordinator_a, "/decision/")
    status, text = post(coordinator_a, "/decision/recommend/")
    assert status == 200
    assert "Escalate to 15 mg" in text
    assert trial.recommendations.get().issued_by == coordinator_a


def test_the_first_signer_proposes_and_signs_in_one_form(trial: Study, issued: Recommendation, pi: User) -> None:
    text = page(pi, "/decision/")
    assert "25 mg instead" in text
    assert "cannot be chosen: it is above the recommendation" in text
    status, text = post(pi, "/decisions/1/propose/", **(SIGNING | {"cohort_size": "2"}))
    assert status == 200
    assert "You have signed" in text
    decision = trial.decisions.get()
    assert (decision.cohort_size, decision.status, decision.proposed_by) == (2, "proposed", pi)


def test_the_last_signer_opens_the_next_cohort(trial: Study, issued: Recommendation, medical_monitor: User) -> None:
    sign_as(propose(issued, the_day(issued)), "principal_investigator", the_day(issued))
    assert "Your signature" in page(medical_monitor, "/decision/")
    status, text = post(medical_monitor, "/decisions/1/sign/", role="medical_monitor", password=PASSWORD)
    assert status == 200
    assert "Cohort 2 is open at 15 mg" in text
    assert trial.cohorts.get(number=2).level.label == "15 mg"


def test_a_refusal_keeps_what_was_typed_but_the_password(trial: Study, issued: Recommendation, pi: User) -> None:
    fields = SIGNING | {"choice": "hold", "comment": "the board meets on Monday", "password": "not this one"}
    status, text = post(pi, "/decisions/1/propose/", **fields)
    assert status == 409
    assert "The password is not right" in text
    assert "the board meets on Monday" in text
    assert "not this one" not in text
    assert not trial.decisions.exists()


def test_a_choice_that_differs_without_a_reason_is_refused_at_the_field(
    trial: Study, issued: Recommendation, pi: User
) -> None:
    status, text = post(pi, "/decisions/1/propose/", **(SIGNING | {"choice": "stay"}))
    assert status == 409
    assert "Say why the choice differs from the recommendation." in text


def test_a_higher_dose_sent_past_the_page_is_refused(trial: Study, issued: Recommendation, pi: User) -> None:
    for choice in ("lower:3", "lower:9", "escalate"):
        status, _ = post(pi, "/decisions/1/propose/", **(SIGNING | {"choice": choice, "comment": "why not"}))
        assert status == 409
    assert not trial.decisions.exists()


@pytest.mark.parametrize("who", ["coordinator-a", "statistician", "monitor"])
def test_those_who_do_not_sign_read_and_find_no_form(
    trial: Study, issued: Recommendation, monitor: User, who: str
) -> None:
    text = page(User.objects.get(username=who), "/decision/")
    assert "Escalate to 15 mg" in text
    assert 'type="password"' not in text
    assert "The principal investigator and the medical monitor decide on it and sign." in text


@pytest.mark.parametrize("who", ["coordinator-a", "monitor"])
def test_those_who_do_not_sign_are_refused_past_the_page(
    trial: Study, issued: Recommendation, monitor: User, who: str
) -> None:
    someone = User.objects.get(username=who)
    status, _ = post(someone, "/decisions/1/propose/", **SIGNING)
    assert status in (403, 409)
    sign_as(propose(issued, the_day(issued)), "principal_investigator", the_day(issued))
    assert post(someone, "/decisions/1/sign/", role="medical_monitor", password=PASSWORD)[0] == 403
    assert post(someone, "/decisions/1/withdraw/", reason="because")[0] == 403
    assert trial.decisions.get().status == Decision.Status.PROPOSED


def test_a_superuser_is_not_to_be_had(issued: Recommendation, outsider: User) -> None:
    client = Client()
    client.force_login(outsider)
    assert client.post(f"{BASE}/decisions/1/propose/", SIGNING).status_code == 404


def test_a_stale_page_cannot_be_signed_and_shows_the_new_recommendation(
    trial: Study, issued: Recommendation, medical_monitor: User, coordinator_a: User
) -> None:
    on = the_day(issued)
    sign_as(propose(issued, on), "principal_investigator", on)
    client = Client()
    client.force_login(medical_monitor)
    opened_before = hidden_fields(client, "/decisions/1/sign/")
    assert opened_before
    _late_dlt(trial, coordinator_a, on)
    assert "The data changed since this was issued" in page(medical_monitor, "/decision/")
    typed = {"role": "medical_monitor", "password": PASSWORD}
    status, text = post(medical_monitor, "/decisions/1/sign/", **opened_before, **typed)
    assert status == 409
    assert "Not signed" in text
    assert "/decisions/2/" in text
    assert "Stay at 10 mg" in page(medical_monitor, "/decision/")


def test_a_signed_decision_says_that_its_inputs_changed(
    trial: Study, issued: Recommendation, pi: User, coordinator_a: User
) -> None:
    on = the_day(issued)
    sign_all(propose(issued, on), on)
    assert "Inputs changed since signing" not in page(pi, "/decisions/1/")
    _late_dlt(trial, coordinator_a, on)
    text = page(pi, "/decisions/1/")
    assert "Inputs changed since signing" in text
    assert "A-001 at 10 mg: evaluable, no DLT → DLT" in text
    assert "Ask for a new recommendation" in text
    assert "A signed decision has to be reconsidered" in page(pi, "/study/")


def test_withdrawing_needs_a_reason_and_makes_way(trial: Study, issued: Recommendation, pi: User) -> None:
    sign_as(propose(issued, the_day(issued)), "principal_investigator", the_day(issued))
    assert post(pi, "/decisions/1/withdraw/", reason=" ")[0] == 409
    status, text = post(pi, "/decisions/1/withdraw/", reason="two patients instead")
    assert status == 200
    assert "two patients instead" in text
    assert "Your decision" in text


def test_the_mtd_is_shown_with_its_curve_and_intervals(
    trial: Study, pi: User, coordinator_a: User, to_day: Callable[[dt.date], None]
) -> None:
    on = walk(trial, coordinator_a, "NNTNNNTNTTNT")
    to_day(on)
    text = page(pi, "/decisions/12/")
    assert "The MTD is 15 mg" in text
    assert "Estimated probability of a DLT at each dose" in text
    assert "12 patients of at most 12 have been evaluated" in text
    assert "Go on at 15 mg" in page(pi, "/study/")


def test_what_is_not_there_is_not_found(trial: Study, pi: User) -> None:
    client = Client()
    client.force_login(pi)
    assert client.get(f"{BASE}/decisions/7/").status_code == 404
    assert client.post(f"{BASE}/decisions/7/sign/").status_code == 404
    assert client.get(f"{BASE}/decision/recommend/").status_code == 405


def _late_dlt(study: Study, by: User, on: dt.date) -> None:
    patient = study.patients.get(code="A-001")
    record_adverse_event(
        patient=patient, term="Febrile neutropenia", grade=3, onset_on=DAY_ONE + dt.timedelta(days=14), is_dlt=True,
        relations={"lenalidomide": "probable", "dexamethasone": "unrelated"}, by=by, at=moment(on),
    )  # fmt: skip
