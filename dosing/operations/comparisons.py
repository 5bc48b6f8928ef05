"""Keeping a comparison of designs, and putting it away."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from dosing.engine import ENGINE_VERSION
from dosing.models import Comparison
from dosing.workbench.question import Question
from trials.errors import Forbidden, Refused
from trials.models import Study
from trials.permissions import Permission, allowed, require

LONGEST_TITLE = 120


@operation
def save_comparison(
    *, question: Question, title: str, note: str, study: Study | None, by: User, at: dt.datetime
) -> Comparison:
    """Keep what was asked, for the members of a study or (no study) for oneself. Results are computed again from it."""
    if study is not None:
        require(by, Permission.VIEW_STUDY, study)
    title = " ".join(title.split())
    if not title:
        raise Refused("title-needed", "Give the comparison a title, so that it can be found again.", field="title")
    if len(title) > LONGEST_TITLE:
        sentence = f"The title has {len(title)} characters; shorten it to at most {LONGEST_TITLE}."
        raise Refused("title-too-long", sentence, field="title")
    return Comparison.objects.create(
        study=study,
        title=title,
        note=note.strip(),
        question=question.to_dict(),
        engine_version=ENGINE_VERSION,
        saved_at=at,
        saved_by=by,
    )


@operation
def put_away_comparison(*, comparison: Comparison, by: User, at: dt.datetime) -> Comparison:
    """Take a comparison off the lists; it stays readable. Nothing happens to one that is put away already."""
    if not may_put_away(comparison, by):
        raise Forbidden("Only the person who saved a comparison, or a data manager of its study, can put it away.")
    comparison = Comparison.objects.select_for_update(of=("self",)).get(pk=comparison.pk)
    if comparison.put_away_at is None:
        comparison.put_away_at = at
        comparison.save(update_fields=["put_away_at"])
    return comparison


def may_put_away(comparison: Comparison, person: User) -> bool:
    """Whether the person saved it, or sets its study up."""
    study = comparison.study
    if study is None or comparison.saved_by_id == person.pk:
        return comparison.saved_by_id == person.pk
    return allowed(person, Permission.MANAGE_STUDY, study)
