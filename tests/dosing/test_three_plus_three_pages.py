"""The pages of a trial by 3+3 speak of counts, not of estimates and intervals of toxicity."""

import datetime as dt
import re

import pytest
from django.test import Client

from accounts.models import User
from audit.context import acting
from dosing.operations import issue_recommendation
from tests.cast import DAY_ONE, moment
from tests.dosing.cohorts import DAY, THREE_PLUS_THREE, THREES, definition_with, live, run, treat
from tests.dosing.steps import on_treatment, propose, sign_all, with_dlt
from trials.models import Study

pytestmark = pytest.mark.django_db
OF_ESTIMATES = ("credible", "isotonic", "target 0.30", "De-escalate if at least", "Estimates so far", "THREE_PLUS")


@pytest.fixture
def study(rung: User) -> Study:
    return live(definition_with(THREE_PLUS_THREE, **THREES))


def page(study: Study, user: User, path: str, on: dt.date) -> str:
    """The words of a page on a day of the rehearsal."""
    with acting(User.objects.system(), "the test's day"):
        Study.objects.filter(pk=study.pk).update(rehearsal_day=on)
    client = Client()
    client.force_login(user)
    answer = client.get(f"/studies/{study.key}{path}")
    assert answer.status_code == 200
    text = answer.content.decode()
    for words in OF_ESTIMATES:
        assert words not in text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_the_study_page_shows_shares_and_no_band(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = run(trial, coordinator_a, "NNN NNT")
    text = page(trial, pi, "/study/", on)
    assert "protocol version 1 · 3+3" in text
    assert "6 of at most 18" in text
    assert "The point is the share of evaluable patients with a DLT, the line its exact 95 % interval." in text
    assert "0.33 (0.01 to 0.91)" in text  # 1 of 3 at 15 mg
    assert "If we stopped now no MTD" in text


def test_the_decision_page_tells_the_rule_and_what_comes_next(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = run(trial, coordinator_a, "NNN")
    _, on = treat(trial, coordinator_a, on, "NNT")
    issue_recommendation(study=trial, by=pi, at=moment(on))
    text = page(trial, pi, "/decision/", on)
    assert "Stay at 15 mg" in text
    assert "1 of 3 had a DLT, so stay at 15 mg and treat 3 patients more." in text
    assert "escalate 0 treat more 1 too many 2 or more" in text
    assert "with as many patients as complete three or six at each dose" in text
    assert "1 to 3: no more than complete three or six at the dose." in text
    assert "The design decides by the counts alone and estimates no toxicity." in text
    assert "1 of 3 0.33 0.01 to 0.91" in text
    rows = re.findall(r"Too many if at least (.*?) What was seen", text)[0].split()
    assert " ".join(rows) == "1 – – 2 – 2 3 , here now 0 2 4 0 2 5 0 2 6 1 2"


def test_the_lookahead_says_where_a_stop_leads(trial: Study, pi: User, coordinator_a: User) -> None:
    """2 of 3 at 15 mg sent it back to 10 mg: 0 or 1 of 6 there is the MTD, 2 of 6 is too many."""
    _, on = run(trial, coordinator_a, "NNN TTN")
    for _ in range(3):
        on_treatment(trial, coordinator_a, on)
    text = page(trial, pi, "/decision/", on + DAY)
    assert "Not decidable yet" in text
    assert "with or without a DLT: no dose is safe or the MTD is selected" in text
    assert "no DLT (0 of 6 at 10 mg) The MTD is selected" in text
    assert "2 DLTs (2 of 6 at 10 mg) No dose is safe" in text


def test_the_mtd_has_its_counts(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = run(trial, coordinator_a, "NNN TTN")
    _, on = treat(trial, coordinator_a, on, "NNT")
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    text = page(trial, pi, "/decision/", on)
    assert "The MTD is 10 mg" in text
    assert "10 mg is the MTD: the highest dose that is not too toxic (1 of 6 had a DLT)." in text
    assert "2 of 3 had a DLT at 15 mg, which is too many, and 10 mg has 6 patients, so the trial stops." in text
    sign_all(propose(issued, on), on)
    assert "Go on at 10 mg" in page(trial, pi, "/study/", on)


def test_in_expansion_the_rule_is_a_third_of_both_parts(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = run(trial, coordinator_a, "NNN NNT NNN TTN")
    one, two = [on_treatment(trial, coordinator_a, on) for _ in range(2)]
    with_dlt(one, coordinator_a, on + DAY)
    with_dlt(two, coordinator_a, on + DAY)
    issue_recommendation(study=trial, by=pi, at=moment(on + DAY))
    text = page(trial, pi, "/decision/", on + DAY)
    assert "De-escalate to 10 mg" in text
    assert "3 or more of 8 close the dose" in text
    assert "from seven on it is a third of them" in text
    assert "go on 0 to 2 too many 3 or more" in text


def test_the_protocol_page_names_the_design(trial: Study, pi: User) -> None:
    text = page(trial, pi, "/protocol/", DAY_ONE)
    assert "10 mg to 25 mg in 3 dose levels, by 3+3 with at most 18 patients" in text
    assert "Cohorts of 3; a decision can make the next one smaller, not larger." in text
    assert "The rows beyond six are for patients of both parts together" in text
