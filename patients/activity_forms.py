"""Forms about activities of the schedule. What is right is decided by the operations."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms

from patients.activities import DueActivity, Which
from patients.forms import day_field, reason_for_change, text_field
from patients.models import ActivityRecord
from patients.regimen import span_words

MOST = 1000


class DoneForm(forms.Form):
    """The day, what else was done then, and why where it lies outside the window."""

    done_on = day_field("Done on")

    def __init__(self, *args: Any, due: DueActivity, others: Sequence[DueActivity], today: dt.date, **options: Any):
        super().__init__(*args, **options)
        self.due = due
        self.fields["done_on"].widget.attrs["max"] = today.isoformat()
        if others:
            self.fields["also"] = _also(others, "Done at the same time")
        self.fields["out_of_window_reason"] = _window_reason(due)

    def which(self) -> list[Which]:
        return [self.due.which, *map(Which.read, self.cleaned_data.get("also", []))]


class MissedForm(forms.Form):
    """Why it was missed, and what else was."""

    reason = text_field("Why was it missed?", max_length=MOST)

    def __init__(self, *args: Any, due: DueActivity, others: Sequence[DueActivity], **options: Any) -> None:
        super().__init__(*args, **options)
        self.due = due
        if others:
            self.fields["also"] = _also(others, "Missed with it")

    def which(self) -> list[Which]:
        return [self.due.which, *map(Which.read, self.cleaned_data.get("also", []))]


class CorrectActivityForm(forms.Form):
    """All that is recorded about an activity, given anew, and why."""

    outcome = forms.ChoiceField(
        label="What happened",
        choices=[(o.value, o.label.capitalize()) for o in ActivityRecord.Outcome],
        widget=forms.RadioSelect,
    )
    done_on = day_field("Done on", required=False)
    missed_reason = text_field("Why it was missed", required=False, max_length=MOST)
    reason = reason_for_change(required=True)
    field_order = ("outcome", "done_on", "out_of_window_reason", "missed_reason", "reason")

    def __init__(self, *args: Any, due: DueActivity, today: dt.date, **options: Any) -> None:
        super().__init__(*args, **options)
        assert due.record is not None
        kept = ("outcome", "done_on", "out_of_window_reason", "missed_reason")
        self.initial = {name: getattr(due.record, name) for name in kept}
        self.fields["done_on"].widget.attrs["max"] = today.isoformat()
        self.fields["out_of_window_reason"] = _window_reason(due)
        self.order_fields(self.field_order)


def _also(others: Sequence[DueActivity], label: str) -> forms.MultipleChoiceField:
    """The others of that day, all ticked to begin with."""
    return forms.MultipleChoiceField(
        label=label,
        choices=[(str(one.which), one.title) for one in others],
        initial=[str(one.which) for one in others],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


def _window_reason(due: DueActivity) -> forms.CharField:
    window = span_words(due.window_from, due.window_to)
    hint = f"Needed only for a day outside the window, {window}."
    return text_field("Why outside the window", required=False, max_length=MOST, help_text=hint)
