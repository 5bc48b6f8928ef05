"""Pages about activities of the schedule: done, missed, corrected."""

from typing import Any

from django.forms import Form
from django.http import Http404, HttpRequest

from patients.activities import DueActivity, Which, due_activities, together
from patients.activity_forms import CorrectActivityForm, DoneForm, MissedForm
from patients.operations import correct_activity, miss_activities, record_activities
from patients.regimen import span_words
from patients.views.base import ActionPage
from trials.days import day_words
from trials.errors import Refused


class ActivityPage(ActionPage):
    """An activity of the patient's schedule, by its name in the address. 404 where the schedule does not have it."""

    def open(self, request: HttpRequest, key: str, code: str) -> None:
        super().open(request, key, code)
        due = due_activities(self.patient, self.cycles, self.patient.activities.all(), self.today)
        self.due = _named(due, self.kwargs["which"])
        group = next(group for group in together(due) if self.due in group)
        self.others = [one for one in group if one is not self.due and one.state.is_open]
        self.heading, self.lead = self.due.title, _when(self.due)
        self.keep = f"{type(self).__name__}-{self.due.which}"

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        if refused is not None and self.due.record is not None:
            return [("Correct what is recorded", self.url("patients:correct-activity", self.due.which))]
        return []

    def look(self) -> None:
        if self.due.record is not None:
            raise Refused("already-recorded", f"{self.due.title} is recorded as {self.due.state.value} already.")


class DonePage(ActivityPage):
    submit = "Record as done"

    def form(self, typed: Any = None) -> DoneForm:
        return DoneForm(typed, due=self.due, others=self.others, today=self.today, initial={"done_on": self.today})

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        missed = self.due.record is None and self.today >= self.due.window_from
        offered = [("Record as missed", self.url("patients:miss-activity", self.due.which))] if missed else []
        return [*super().ways(refused), *offered]

    def act(self, form: Form) -> str:
        assert isinstance(form, DoneForm)
        record_activities(
            patient=self.patient,
            which=form.which(),
            done_on=form.cleaned_data["done_on"],
            out_of_window_reason=form.cleaned_data["out_of_window_reason"],
            by=self.page.user,
            at=self.page.now,
        )
        return f"{self.patient.code}: {_names([self.due, *self.others], form.which())} recorded as done."


class MissedPage(ActivityPage):
    submit = "Record as missed"

    def form(self, typed: Any = None) -> MissedForm:
        return MissedForm(typed, due=self.due, others=self.others)

    def act(self, form: Form) -> str:
        assert isinstance(form, MissedForm)
        miss_activities(
            patient=self.patient,
            which=form.which(),
            reason=form.cleaned_data["reason"],
            by=self.page.user,
            at=self.page.now,
        )
        return f"{self.patient.code}: {_names([self.due, *self.others], form.which())} recorded as missed."


class CorrectActivityPage(ActivityPage):
    submit = "Save the correction"

    def look(self) -> None:
        if self.due.record is None:
            raise Http404("Nothing has been recorded about this activity yet.")

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.look()
        self.heading = f"Correct: {self.due.title}"

    def form(self, typed: Any = None) -> CorrectActivityForm:
        return CorrectActivityForm(typed, due=self.due, today=self.today)

    def act(self, form: Form) -> str:
        assert self.due.record is not None
        correct_activity(record=self.due.record, by=self.page.user, at=self.page.now, **form.cleaned_data)
        return f"{self.patient.code}: {self.due.title} corrected."


def _named(due: list[DueActivity], text: str) -> DueActivity:
    try:
        which = Which.read(text)
    except ValueError as error:
        raise Http404("This address names no activity.") from error
    found = next((one for one in due if one.which == which), None)
    if found is None:
        raise Http404("This activity is not planned for the patient.")
    return found


def _when(due: DueActivity) -> str:
    window = span_words(due.window_from, due.window_to)
    moves = "" if due.firm else " The day is expected: it moves with what it hangs on."
    return f"Planned for {day_words(due.planned_on)}, window {window}.{moves}"


def _names(due: list[DueActivity], which: list[Which]) -> str:
    titles = [one.title for one in due if one.which in which]
    return "; ".join(titles)
