"""The form that tries a study: what is true in the rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from reminders.rehearsal.fate import Scenario
from reminders.rehearsal.scenario import FEWEST_A_WEEK, HIGHEST_CHANCE, HIGHEST_SEED, MOST_A_WEEK

SHORT = {"class": "field-short"}


def _says(low: float, high: float, kind: str = "number") -> dict[str, str]:
    """What is said of a value that is not allowed, with what is."""
    allowed = f"Give a {kind} from {low:g} to {high:,}."
    return {
        "required": allowed,
        "invalid": f"This is no {kind}. {allowed}",
        "min_value": f"%(show_value)s is too low. {allowed}",
        "max_value": f"%(show_value)s is too high. {allowed}",
    }


def _chance(label: str, help_text: str, initial: float) -> forms.FloatField:
    widget = forms.NumberInput(attrs={**SHORT, "step": "0.05"})
    return forms.FloatField(
        label=label,
        help_text=help_text,
        initial=initial,
        min_value=0,
        max_value=HIGHEST_CHANCE,
        error_messages=_says(0, HIGHEST_CHANCE),
        widget=widget,
    )


class TryForm(forms.Form):
    """A true toxicity for each dose level, named toxicity_1 and so on, and how patients come."""

    patients_per_week = forms.FloatField(
        label="Patients a week",
        help_text="How many come on average. Whoever finds no place goes elsewhere.",
        initial=1,
        min_value=FEWEST_A_WEEK,
        max_value=MOST_A_WEEK,
        error_messages=_says(FEWEST_A_WEEK, int(MOST_A_WEEK)),
        widget=forms.NumberInput(attrs={**SHORT, "step": "any"}),
    )
    missed_doses = _chance(
        "Patients who do not count", "The chance of too few doses in the DLT window. They are replaced.", 0.05
    )
    late_starts = _chance("Cycles that start late", "The chance that one does, by up to a week.", 0.1)
    seed = forms.IntegerField(
        label="Seed",
        help_text="The same seed gives the same patients, and with the same numbers the same trial.",
        min_value=0,
        max_value=HIGHEST_SEED,
        error_messages=_says(0, HIGHEST_SEED, "whole number"),
        widget=forms.NumberInput(attrs=SHORT),
    )

    def __init__(self, *args: Any, labels: Sequence[str], toxicity: Sequence[float], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for ordinal, (label, value) in enumerate(zip(labels, toxicity, strict=True), 1):
            name = f"toxicity_{ordinal}"
            self.fields[name] = forms.FloatField(
                label=label, initial=value, min_value=0, max_value=1, error_messages=_says(0, 1)
            )
        self.levels = len(labels)

    @property
    def rungs(self) -> list[forms.BoundField]:
        return [self[f"toxicity_{ordinal}"] for ordinal in range(1, self.levels + 1)]

    @property
    def others(self) -> list[forms.BoundField]:
        return [self[name] for name in ("patients_per_week", "seed", "missed_doses", "late_starts")]

    def scenario(self) -> Scenario:
        """What was chosen, of a valid form."""
        given = self.cleaned_data
        return Scenario(
            toxicity=tuple(given[field.name] for field in self.rungs),
            patients_per_week=given["patients_per_week"],
            late_starts=given["late_starts"],
            missed_doses=given["missed_doses"],
        )
