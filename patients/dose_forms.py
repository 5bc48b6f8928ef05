"""Forms about height and weight, and about infusions. They parse; what is allowed is for the operations to say."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms

from patients.forms import day_field, one_of, reason_for_change, text_field
from patients.models.doses import HEIGHT_CM, WEIGHT_KG, Administration

Outcome = Administration.Outcome


def number_field(label: str, unit: str, **options: Any) -> forms.DecimalField:
    """A number to be typed on a phone or at a desk, with its unit beside it."""
    widget = forms.NumberInput(attrs={"class": "field-short", "inputmode": "decimal", "step": "any"})
    return forms.DecimalField(label=f"{label} ({unit})", widget=widget, **options)


class MeasurementForm(forms.Form):
    measured_on = day_field("Measured on")
    height_cm = number_field(
        "Height", "cm", max_digits=6, decimal_places=1, help_text=f"{HEIGHT_CM[0]} to {HEIGHT_CM[1]}, to one decimal."
    )
    weight_kg = number_field(
        "Weight", "kg", max_digits=6, decimal_places=1, help_text=f"{WEIGHT_KG[0]} to {WEIGHT_KG[1]}, to one decimal."
    )


class CorrectMeasurementForm(MeasurementForm):
    reason = reason_for_change(required=True)


class InfusionForm(forms.Form):
    """Given, on which day and how much; or not given, and why. planned: the infusion that the page was opened for."""

    agent_shown = forms.CharField(widget=forms.HiddenInput)
    planned_shown = forms.DateField(widget=forms.HiddenInput)
    outcome = one_of("What happened", [(Outcome.GIVEN, "Given"), (Outcome.NOT_GIVEN, "Not given")])
    given_on = day_field("Given on", required=False, help_text="Only where it was given.")

    def __init__(self, *args: Any, unit: str, tolerance: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["given_amount"] = number_field(
            "Amount given", unit, required=False, max_digits=10, decimal_places=3, help_text="Only where it was given."
        )
        self.fields["reason"] = text_field(
            "Why",
            required=False,
            help_text=f"Where it was not given, or where the amount differs by more than {tolerance} %.",
        )

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if typed.get("outcome") == Outcome.GIVEN:
            for name, sentence in (("given_on", "Say on which day."), ("given_amount", "Say how much.")):
                if typed.get(name) is None and name not in self.errors:
                    self.add_error(name, f"{sentence} Or choose “Not given”.")
        return typed

    @property
    def given(self) -> tuple[dt.date, Decimal] | None:
        """Day and amount, where it was given."""
        typed = self.cleaned_data
        return (typed["given_on"], typed["given_amount"]) if typed["outcome"] == Outcome.GIVEN else None


class CorrectInfusionForm(InfusionForm):
    """Here `why` is that of the deviation, and `reason` that of the correction."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["agent_shown"], self.fields["planned_shown"]
        self.fields["why"] = self.fields.pop("reason")
        self.fields["reason"] = reason_for_change(required=True)
