"""The forms of saved comparisons: saving one, and starting a study from one of its designs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from dosing.operations.comparisons import LONGEST_TITLE
from dosing.setup_forms import BlankForm
from trials.models import Study

ONLY_ME = ""


class SaveForm(forms.Form):
    """study: whose members may see it; empty: only the person who saves it."""

    title = forms.CharField(label="Title", max_length=LONGEST_TITLE)
    note = forms.CharField(
        label="Note",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Such as why these designs and this true toxicity. It stands in the appendix.",
    )
    study = forms.ChoiceField(label="Who may see it", required=False)

    def __init__(self, *args: Any, studies: Sequence[Study], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.studies = {study.key: study for study in studies}
        field = self.fields["study"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(ONLY_ME, "Only me"), *((key, f"Everybody with a role in {key}") for key in self.studies)]

    def chosen_study(self) -> Study | None:
        return self.studies.get(self.cleaned_data["study"])


class UseForm(BlankForm):
    """A new study with a design of a comparison. source: where everything else of its study file is taken from."""

    source = forms.ChoiceField(
        label="Take the rest from",
        required=False,
        help_text="Schedule, rules for DLTs, samples and all else; a dose's regimen too, where the names are the same.",
    )
    field_order = ["key", "title", "time_zone", "source", "rehearsal"]

    def __init__(self, *args: Any, studies: Sequence[Study], files: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", "nothing: a blank study file"),
            *((f"study:{study.key}", f"the study {study.key}: {study.title}") for study in studies),
            *((f"file:{name}", f"a protocol that comes with Rung: {title}") for name, title in files),
        ]

    def heading(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("key", "title", "time_zone")}
