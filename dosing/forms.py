"""The forms of the Decision page."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.forms import SigningFields
from dosing.models import Decision, Recommendation
from dosing.queries.choices import Option, Sizes
from dosing.words import role_words

Choice = Decision.Choice


class ShownForm(forms.Form):
    """A form that says what its page showed: the decision, and the SHA-256 of its record."""

    decision = forms.CharField(required=False, widget=forms.HiddenInput)
    shown_sha256 = forms.CharField(required=False, widget=forms.HiddenInput)

    def show(self, present: dict[str, str]) -> None:
        """What was typed stays; what the page shows from now on is the present decision."""
        typed = {name: value for name, value in self.data.items() if name not in ("decision", "shown_sha256")}
        self.data = typed | present


class SignForm(SigningFields, ShownForm):
    """The password again, the code, and the role where the person holds more than one that is asked for."""

    role = forms.ChoiceField(label="You sign as")
    field_order = ["role", "password", "code"]

    def __init__(self, *args: Any, roles: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(role, role_words(role)) for role in roles]
        if len(roles) == 1:
            field.initial = roles[0]
            field.widget = forms.HiddenInput()


class DecideForm(SignForm):
    """What the first signer decides, and signs. shown_sha256 is that of the recommendation's inputs."""

    decision = None  # type: ignore[assignment]
    choice = forms.ChoiceField(label="Your choice", widget=forms.RadioSelect)
    cohort_size = forms.IntegerField(
        label="Patients in the next cohort",
        required=False,
        min_value=1,
        widget=forms.NumberInput(attrs={"class": "field-short"}),
    )
    comment = forms.CharField(
        label="Comment",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Needed when you differ from the recommendation.",
    )

    field_order = ["choice", "cohort_size", "comment", "role", "password", "code"]

    def __init__(
        self, *args: Any, recommendation: Recommendation, offered: list[Option], sizes: Sizes | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered
        self.initial["shown_sha256"] = recommendation.inputs_sha256
        field = self.fields["choice"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(option.value, option.label) for option in offered]
        field.initial = Choice.ACCEPT.value
        if sizes is None:
            del self.fields["cohort_size"]
            return
        size = self.fields["cohort_size"]
        size.initial, size.help_text = sizes.usual, sizes.words
        size.widget.attrs["max"] = sizes.most

    def chosen(self) -> Option:
        return next(o for o in self.offered if o.value == self.cleaned_data["choice"])

    def cards(self) -> list[dict[str, Any]]:
        """The choices as components/choice_cards.html takes them; what cannot be chosen says why."""
        return [
            {
                "value": option.value,
                "label": option.label,
                "detail": f"cannot be chosen: {option.refused}" if option.refused else option.detail,
                "disabled": bool(option.refused),
            }
            for option in self.offered
        ]


class WithdrawForm(ShownForm):
    reason = forms.CharField(label="Why is it withdrawn?", widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "withdraw_%s"  # beside a SignForm on its page
