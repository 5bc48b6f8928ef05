"""Pages of the end of treatment and after it: discontinuation, the continuation review, event monitoring."""

import datetime as dt
from typing import Any

from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from patients import schedule
from patients.forms import (
    ContinuationForm,
    CorrectDiscontinuationForm,
    CorrectFollowUpForm,
    DiscontinueForm,
    FollowUpForm,
)
from patients.models import FollowUpVisit
from patients.operations import (
    correct_discontinuation,
    correct_follow_up,
    discontinue,
    record_follow_up,
    review_continuation,
)
from patients.regimen import span_words
from patients.schedule import protocol_on
from patients.views.base import ActionPage
from trials.days import day_words
from trials.errors import Refused


class DiscontinuePage(ActionPage):
    heading = "Discontinue treatment"
    submit = "Discontinue treatment"
    lead = "Treatment visits and samples end with the last day of therapy, and event monitoring begins."

    def look(self) -> None:
        if self.patient.registered_at is None:
            raise Refused("not-registered", f"{self.patient.code} is not registered; there is no treatment to end.")
        ended_on = schedule.treatment_ended_on(self.patient)
        if ended_on is not None:
            raise Refused("already-discontinued", f"Treatment ended on {day_words(ended_on)} already.")

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        if refused is None or refused.code != "already-discontinued":
            return []
        return [
            ("Record an event-monitoring visit", self.url("patients:follow-up")),
            ("Correct the end of treatment", self.url("patients:correct-discontinuation")),
        ]

    def form(self, typed: Any = None) -> DiscontinueForm:
        reasons = protocol_on(self.patient, self.today).discontinuation
        return DiscontinueForm(typed, patient=self.patient, reasons=reasons, initial={"on": self.today})

    def act(self, form: Form) -> str:
        ended = discontinue(patient=self.patient, by=self.page.user, at=self.page.now, **form.cleaned_data)
        first = ended.on + dt.timedelta(days=protocol_on(self.patient, ended.on).event_monitoring.every_days)
        return f"{self.patient.code} is in event monitoring; the first visit is planned for {day_words(first)}."


class CorrectDiscontinuationPage(ActionPage):
    heading = "Correct the end of treatment"
    submit = "Save the correction"

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.ended = schedule.discontinuation_in_force(self.patient)

    def look(self) -> None:
        if self.ended is None:
            raise Refused("not-discontinued", f"Treatment of {self.patient.code} has not ended.")

    def form(self, typed: Any = None) -> CorrectDiscontinuationForm:
        known = self.ended
        initial = {"reason_code": known.reason_code, "on": known.on, "detail": known.detail} if known else {}
        reasons = protocol_on(self.patient, known.on if known else self.today).discontinuation
        return CorrectDiscontinuationForm(typed, reasons=reasons, initial=initial)

    def act(self, form: Form) -> str:
        self.look()
        assert self.ended is not None  # or look() had refused
        correct_discontinuation(discontinuation=self.ended, by=self.page.user, at=self.page.now, **form.cleaned_data)
        return f"{self.patient.code}: the end of treatment is corrected."


class ContinuationPage(ActionPage):
    heading = "Continuation review"
    form_class = "pairs"
    submit = "Save the review"

    def open(self, *args: Any) -> None:
        super().open(*args)
        due_on = schedule.continuation_review_due(self.patient, self.cycles)
        review = protocol_on(self.patient, due_on or self.today).continuation_review
        self.lead = f"{review.question}." if review and review.question else ""

    def look(self) -> None:
        if schedule.review_of(self.patient) is not None:
            raise Refused("already-reviewed", f"The continuation review of {self.patient.code} has been made.")
        if schedule.continuation_review_due(self.patient, self.cycles) is None:
            raise Refused("review-not-due", f"{self.patient.code} is not on treatment; no review is due.")

    def form(self, typed: Any = None) -> ContinuationForm:
        return ContinuationForm(typed, initial={"reviewed_on": self.today})

    def facts(self) -> list[dict[str, Any]]:
        due_on = schedule.continuation_review_due(self.patient, self.cycles)
        return [{"label": "Falls due", "value": day_words(due_on)}] if due_on else []

    def act(self, form: Form) -> str:
        review = review_continuation(
            patient=self.patient,
            by=self.page.user,
            at=self.page.now,
            **{**form.cleaned_data, "continues": form.cleaned_data["continues"] == "yes"},
        )
        return f"{self.patient.code}: treatment {'goes on' if review.continues else 'does not go on; discontinue it'}."

    def done_url(self) -> str:
        declined = self.request.POST.get("continues") == "no"
        return self.url("patients:discontinue") if declined else super().done_url()


class FollowUpPage(ActionPage):
    """The next event-monitoring visit; those that are done can be corrected from here."""

    heading = "Record an event-monitoring visit"
    form_class = "pairs"
    submit = "Save visit"

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.visit = schedule.next_follow_up(self.patient)
        if self.visit:
            self.lead = (
                f"Visit {self.visit.number} is planned for {day_words(self.visit.on)} "
                f"({span_words(self.visit.window_from, self.visit.window_to)})."
            )

    def look(self) -> None:
        if schedule.discontinuation_in_force(self.patient) is None:
            raise Refused(
                "not-in-event-monitoring",
                f"{self.patient.code} is not in event monitoring; it begins when treatment ends.",
            )
        if self.visit is None:
            raise Refused("follow-up-complete", f"All event-monitoring visits of {self.patient.code} are done.")

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        done = [visit.number for visit in self.patient.follow_up_visits.all()]
        return [(f"Correct visit {number}", self.url("patients:correct-follow-up", number)) for number in done[-1:]]

    def form(self, typed: Any = None) -> FollowUpForm:
        return FollowUpForm(typed, initial={"done_on": self.today, "alive": "yes"})

    def act(self, form: Form) -> str:
        visit = record_follow_up(
            patient=self.patient,
            by=self.page.user,
            at=self.page.now,
            **{**form.cleaned_data, "alive": form.cleaned_data["alive"] == "yes"},
        )
        return f"{self.patient.code}: event-monitoring visit {visit.number} recorded."


class CorrectFollowUpPage(ActionPage):
    submit = "Save the correction"

    def open(self, request: HttpRequest, key: str, code: str) -> None:
        super().open(request, key, code)
        self.visit = get_object_or_404(FollowUpVisit, patient=self.patient, number=self.kwargs["number"])
        self.heading = f"Correct event-monitoring visit {self.visit.number}"
        self.lead = f"The visit of {day_words(self.visit.done_on)}."

    def form(self, typed: Any = None) -> CorrectFollowUpForm:
        known = {"died_on": self.visit.died_on, "progressed_on": self.visit.progressed_on}
        return CorrectFollowUpForm(typed, initial={**known, "alive": "yes" if self.visit.alive else "no"})

    def act(self, form: Form) -> str:
        correct_follow_up(
            visit=self.visit,
            by=self.page.user,
            at=self.page.now,
            **{**form.cleaned_data, "alive": form.cleaned_data["alive"] == "yes"},
        )
        return f"{self.patient.code}: visit {self.visit.number} corrected."
