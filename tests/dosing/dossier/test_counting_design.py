"""The dossier of a trial by 3+3: it only counts, so shares with exact intervals stand where others have estimates."""

import pytest

from accounts.models import User
from dosing.dossier.contents import dossier_of, recommendation_for
from dosing.dossier.printed import dossier_pdf, printed_of
from tests.dosing.cohorts import THREE_PLUS_THREE, THREES, definition_with, live, run
from trials.models import Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(rung: User) -> Study:
    return live(definition_with(THREE_PLUS_THREE, **THREES))


def test_every_decision_of_a_trial_by_3_plus_3_can_be_printed(trial: Study, coordinator_a: User) -> None:
    run(trial, coordinator_a, "NNN NNT NTN NNT")
    numbers = list(trial.recommendations.values_list("number", flat=True))
    assert len(numbers) == 4
    for number in numbers:
        found = recommendation_for(trial, number)
        assert found is not None
        dossier = dossier_of(found)
        assert printed_of(dossier)["doses"]["heads"][3:5] == ["Share", "Exact 95 % interval"]
        assert dossier_pdf(dossier).startswith(b"%PDF-1.7")
