"""Saved comparisons: who keeps them, for whom, and what becomes of them."""

import datetime as dt

import pytest
from django.db import DatabaseError, transaction

from accounts.models import User
from audit.context import acting
from audit.models import Entry
from dosing.engine import ENGINE_VERSION
from dosing.models import Comparison
from dosing.operations import put_away_comparison
from dosing.queries.comparisons import comparisons_seen_by
from dosing.workbench.question import Question
from tests.dosing.workbench.comparing import SAVED_AT, question, saved
from trials.errors import Forbidden, Refused
from trials.models import Membership, Study

pytestmark = pytest.mark.django_db
LATER = SAVED_AT + dt.timedelta(hours=1)


# --- works ---


def test_what_was_asked_is_kept_in_full(statistician: User, study: Study) -> None:
    kept = Comparison.objects.get(pk=saved(statistician, study=study, title="  BOIN  or 3+3 ").pk)
    assert Question.from_dict(kept.question) == question()
    assert (kept.title, kept.note, kept.study) == ("BOIN or 3+3", "Twelve patients at most.", study)
    assert (kept.engine_version, kept.saved_by, kept.saved_at) == (ENGINE_VERSION, statistician, SAVED_AT)


def test_saving_and_putting_away_stand_in_the_history(statistician: User, study: Study) -> None:
    kept = saved(statistician, study=study)
    put_away_comparison(comparison=kept, by=statistician, at=LATER)
    entries = Entry.objects.of_record("dosing_comparison", kept.pk).order_by("id")
    assert [(entry.reason, entry.actor_name) for entry in entries] == [
        ("save comparison", statistician.username),
        ("put away comparison", statistician.username),
    ]


def test_the_question_can_never_be_changed(statistician: User) -> None:
    kept = saved(statistician)
    with pytest.raises(DatabaseError), transaction.atomic(), acting(statistician, "tidying up"):
        Comparison.objects.filter(pk=kept.pk).update(question=question(target=0.25).to_dict())


def test_one_of_a_study_is_seen_by_its_members_and_one_of_ones_own_by_nobody_else(
    statistician: User, coordinator_a: User, outsider: User, study: Study
) -> None:
    shared, own = saved(statistician, study=study), saved(statistician)
    assert set(comparisons_seen_by(statistician)) == {shared, own}
    assert set(comparisons_seen_by(coordinator_a)) == {shared}
    assert set(comparisons_seen_by(outsider)) == set()


def test_who_leaves_the_study_no_longer_sees_its_comparisons(statistician: User, rung: User, study: Study) -> None:
    saved(statistician, study=study)
    with acting(rung, "left"):
        Membership.objects.filter(user=statistician).update(ended_at=LATER)
    assert not comparisons_seen_by(statistician).exists()


def test_a_data_manager_can_put_away_what_others_saved_in_the_study(
    statistician: User, data_manager: User, study: Study
) -> None:
    assert put_away_comparison(comparison=saved(statistician, study=study), by=data_manager, at=LATER).put_away_at


# --- refused ---


def test_a_comparison_needs_a_title(statistician: User) -> None:
    with pytest.raises(Refused) as refused:
        saved(statistician, title="   ")
    assert (refused.value.code, refused.value.field) == ("title-needed", "title")


def test_a_title_fits_its_column(statistician: User) -> None:
    saved(statistician, title="a" * 120)
    with pytest.raises(Refused) as refused:
        saved(statistician, title="a" * 121)
    assert (refused.value.code, refused.value.field) == ("title-too-long", "title")


def test_nobody_without_a_role_attaches_one_to_a_study(outsider: User, study: Study) -> None:
    with pytest.raises(Forbidden):
        saved(outsider, study=study)
    assert not Comparison.objects.exists()


def test_only_who_saved_it_and_the_data_manager_put_it_away(
    statistician: User, pi: User, data_manager: User, study: Study
) -> None:
    for kept, by in ((saved(statistician, study=study), pi), (saved(statistician), data_manager)):
        with pytest.raises(Forbidden):
            put_away_comparison(comparison=kept, by=by, at=LATER)
    assert not Comparison.objects.filter(put_away_at__isnull=False).exists()


# --- nothing to do ---


def test_putting_away_twice_changes_nothing(statistician: User) -> None:
    kept = saved(statistician)
    put_away_comparison(comparison=kept, by=statistician, at=LATER)
    again = put_away_comparison(comparison=kept, by=statistician, at=LATER + dt.timedelta(days=1))
    assert again.put_away_at == LATER
