"""The form that starts a large simulation."""

from __future__ import annotations

from django import forms

from dosing.operations.simulations import FEWEST_TRIALS, HIGHEST_SEED, MOST_TRIALS

TRIALS, SEED = 1_000_000, 1


class SimulationForm(forms.Form):
    """q: the question as the workbench's address has it. Limits are the operation's; here they guide the typing."""

    q = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20_000)
    trials = forms.IntegerField(
        label="Trials of each design",
        initial=TRIALS,
        widget=forms.NumberInput(attrs={"min": FEWEST_TRIALS, "max": MOST_TRIALS}),
        help_text=f"From {FEWEST_TRIALS:,} to {MOST_TRIALS:,}. "
        "With a million, a selection percentage has a standard error of at most 0.05.",
    )
    seed = forms.IntegerField(
        label="Seed",
        initial=SEED,
        widget=forms.NumberInput(attrs={"min": 0, "max": HIGHEST_SEED}),
        help_text="Any whole number. The same seed gives the same numbers again.",
    )
