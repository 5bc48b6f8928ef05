"""Forms about samples. What is right is decided by the operations; a form only reads what was typed."""

import datetime as dt
from typing import Any

from django import forms

from labs.labels import tube_words
from labs.models import Collection
from labs.schedule import DueCollection
from patients.regimen import span_words


def _date(**more: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **more)


def _lines(rows: int = 2) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class CollectForm(forms.Form):
    """The day of collection, the tubes that were filled, and why when outside the window."""

    collected_on = _date(label="Collected on")
    tubes = forms.MultipleChoiceField(
        label="Tubes filled",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick the tubes that were filled. If none was, record the sample as missed."},
    )
    out_of_window_reason = forms.CharField(
        label="Why outside the window", widget=_lines(), required=False, max_length=1000
    )

    def __init__(self, *args: Any, due: DueCollection, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_tubes(self.fields["tubes"], due)
        self.fields["collected_on"].widget.attrs["max"] = today.isoformat()
        self.initial.setdefault("collected_on", today)
        self.initial.setdefault("tubes", [tube.code for tube in due.tubes])
        _explain_window(self, due)


class MissForm(forms.Form):
    reason = forms.CharField(label="Why was it missed?", widget=_lines(3), max_length=1000)


class CorrectForm(forms.Form):
    """All that is recorded about a sample, given anew, and why."""

    outcome = forms.ChoiceField(label="What happened", choices=Collection.Outcome.choices, widget=forms.RadioSelect)
    collected_on = _date(label="Collected on", required=False)
    tubes = forms.MultipleChoiceField(label="Tubes filled", widget=forms.CheckboxSelectMultiple, required=False)
    out_of_window_reason = forms.CharField(
        label="Why outside the window", widget=_lines(), required=False, max_length=1000
    )
    missed_reason = forms.CharField(label="Why it was missed", widget=_lines(), required=False, max_length=1000)
    reason = forms.CharField(
        label="Reason for the correction",
        widget=_lines(),
        max_length=1000,
        help_text="What was recorded before stays readable in the history, with this reason.",
    )

    def __init__(self, *args: Any, due: DueCollection, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = _as_recorded(due)
        _offer_tubes(self.fields["tubes"], due)
        self.fields["collected_on"].widget.attrs["max"] = today.isoformat()
        _explain_window(self, due)


def _offer_tubes(field: forms.Field, due: DueCollection) -> None:
    assert isinstance(field, forms.MultipleChoiceField)
    field.choices = [(tube.code, f"{tube_words(tube)}, for {tube.purpose}") for tube in due.tubes]


def _explain_window(form: forms.Form, due: DueCollection) -> None:
    form.fields[
        "out_of_window_reason"
    ].help_text = f"Needed only for a day outside the window, {span_words(due.window_from, due.window_to)}."


def _as_recorded(due: DueCollection) -> dict[str, Any]:
    record = due.collection
    assert record is not None
    filled = [row.kind for row in record.tubes.all() if row.collected]
    return {
        "outcome": record.outcome,
        "collected_on": record.collected_on,
        "tubes": filled or [tube.code for tube in due.tubes],
        "out_of_window_reason": record.out_of_window_reason,
        "missed_reason": record.missed_reason,
    }
