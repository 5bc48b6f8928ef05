"""What is asked of one design: how many columns of its table, and the tally from which its dose paths start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField

from dosing.engine import Design, DoseTally, ThreePlusThreeDesign

MOST_AT_A_DOSE = 100
MOST_COHORTS, LARGEST_COHORT = 4, 20
MOST_NODES = 800
SHORT = {"class": "form-control field-short", "inputmode": "numeric"}


class ColumnsForm(forms.Form):
    """Which columns the decision table has."""

    columns = forms.IntegerField(
        label="Patients at a dose, at most", min_value=1, max_value=60, widget=forms.NumberInput(attrs=SHORT)
    )
    every = forms.TypedChoiceField(label="Columns", coerce=int, widget=forms.Select(attrs={"class": "form-select"}))

    def __init__(self, data: Any, *, design: Design) -> None:
        super().__init__(data)
        size = getattr(design, "cohort_size", 1)
        choices = [(1, "every number of patients")]
        if size > 1:
            choices.append((size, f"after whole cohorts of {size}"))
        self.fields["every"].choices = choices  # type: ignore[attr-defined]


@dataclass(frozen=True)
class DoseRow:
    """The fields of one dose."""

    label: str
    dose: int
    treated: BoundField
    dlts: BoundField
    current: bool


class TallyForm(forms.Form):
    """Evaluated patients and DLTs per dose, and the dose of the last cohort; n-1, y-1, ... as in the address."""

    current = forms.TypedChoiceField(label="Dose of the last cohort", coerce=int, widget=forms.RadioSelect)

    def __init__(self, data: Any, *, labels: tuple[str, ...], design: Design) -> None:
        super().__init__(data, initial={"current": getattr(design, "start_dose", 1)})
        self.labels, self.design = labels, design
        self.fields["current"].choices = [(dose, label) for dose, label in enumerate(labels, 1)]  # type: ignore[attr-defined]
        for dose, label in enumerate(labels, 1):
            self.fields[f"n-{dose}"] = _count(f"Evaluated at {label}")
            self.fields[f"y-{dose}"] = _count(f"With a DLT at {label}")

    @staticmethod
    def is_asked(data: Any) -> bool:
        """Whether an address gives a tally at all; else the page starts from nobody."""
        return "n-1" in data

    @property
    def rows(self) -> Iterator[DoseRow]:
        chosen = str(self["current"].value())
        for dose, label in enumerate(self.labels, 1):
            yield DoseRow(label, dose, self[f"n-{dose}"], self[f"y-{dose}"], str(dose) == chosen)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for dose in range(1, len(self.labels) + 1):
            n, y = given.get(f"n-{dose}"), given.get(f"y-{dose}")
            if n is not None and y is not None and y > n:
                self.add_error(f"y-{dose}", f"At most {n}, the patients evaluated there.")
        return given

    def tally(self) -> DoseTally:
        """The tally as it was given; nobody anywhere on a form that was not sent."""
        if not self.is_bound:
            return DoseTally.empty(len(self.labels))
        doses = range(1, len(self.labels) + 1)
        return DoseTally(
            treated=tuple(self.cleaned_data[f"n-{dose}"] for dose in doses),
            dlts=tuple(self.cleaned_data[f"y-{dose}"] for dose in doses),
        )

    def current_dose(self) -> int:
        return int(self.cleaned_data["current"] if self.is_bound else self.initial["current"])


class PathsForm(TallyForm):
    """Also how many cohorts to look ahead, and their size."""

    cohorts = forms.TypedChoiceField(
        label="Cohorts ahead",
        coerce=int,
        choices=[(count, str(count)) for count in range(1, MOST_COHORTS + 1)],
        initial=2,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    size = forms.IntegerField(
        label="Patients a cohort",
        min_value=1,
        max_value=LARGEST_COHORT,
        required=False,
        help_text="Empty: as the design says.",
        widget=forms.NumberInput(attrs=SHORT),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        cohorts, size = given.get("cohorts"), given.get("size") or self._own_size
        if cohorts and "size" not in self.errors:
            nodes = sum((size + 1) ** depth for depth in range(cohorts + 1))
            if nodes > MOST_NODES:
                sentence = (
                    f"{cohorts} cohorts of {size} have {nodes:,} points at which something is decided; at most "
                    f"{MOST_NODES} are shown. Choose fewer cohorts or smaller ones."
                )
                self.add_error("cohorts", sentence)
        return given

    @property
    def _own_size(self) -> int:
        return 3 if isinstance(self.design, ThreePlusThreeDesign) else int(self.design.cohort_size)

    def ahead(self) -> int:
        return int(self.cleaned_data["cohorts"] if self.is_bound else self.fields["cohorts"].initial)

    def sizes(self) -> list[int] | None:
        """The size of each cohort; None where the design's own are meant."""
        size = self.cleaned_data["size"] if self.is_bound else None
        return [size] * self.ahead() if size else None


def _count(label: str) -> forms.IntegerField:
    widget = forms.NumberInput(attrs=SHORT)
    return forms.IntegerField(label=label, min_value=0, max_value=MOST_AT_A_DOSE, initial=0, widget=widget)
