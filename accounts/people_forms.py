"""The forms of the administrators' pages, and of choosing a password."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts

from accounts.errors import CannotSignIn, Refusal
from accounts.forms import password_field
from accounts.models import User
from accounts.narrowing import NarrowingForm
from audit.models import Access, AccessQuerySet


def refuse_into(form: forms.Form, refused: Refusal | CannotSignIn) -> None:
    """Show a refusal at its field, or at the top. What was typed stays."""
    form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)


class InviteForm(forms.Form):
    full_name = forms.CharField(label="Full name", max_length=200, help_text="As it is printed on signatures.")
    username = forms.CharField(
        label="User name", max_length=150, help_text="Theirs for good: it is never given to anybody else."
    )
    email = forms.EmailField(label="E-mail address", help_text="The link to choose a password is sent here.")
    is_administrator = forms.BooleanField(label="Is an administrator, who looks after accounts", required=False)


class ReasonForm(forms.Form):
    """Why an account is changed. `act` says what is done."""

    reason = forms.CharField(label="Why", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs["aria-required"] = "true"


class ChoosePasswordForm(forms.Form):
    """A new password, twice."""

    password = password_field("New password", autocomplete="new-password")
    again = password_field("The same again", autocomplete="new-password")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("password") and given.get("again") and given["password"] != given["again"]:
            self.add_error("again", "The two are not the same.")
        return given

    def rules(self) -> list[str]:
        return password_validators_help_texts()


class ChangePasswordForm(ChoosePasswordForm):
    """As long as one knows the old one."""

    present = password_field("Present password")
    field_order = ["present", "password", "again"]


class SignInFilter(NarrowingForm):
    """Whose sign-ins, which of them, and on which days."""

    KINDS = (Access.Kind.SIGN_IN, Access.Kind.SIGN_OUT, Access.Kind.FAILED)

    person = forms.ChoiceField(required=False)
    kind = forms.ChoiceField(required=False, label="What")
    field_order = ["person", "kind"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, zone=dt.UTC, **kwargs)
        people = list(User.objects.people().order_by("full_name").values_list("username", "full_name", "pk"))
        self.people = {username: pk for username, _, pk in people}
        self.offer("person", "Everybody", [(username, name) for username, name, _ in people])
        self.offer("kind", "Everything", [(kind.value, kind.label) for kind in self.KINDS])

    def found(self) -> AccessQuerySet:
        """Newest first; none where something unknown is asked for."""
        kept = Access.objects.filter(kind__in=self.KINDS).newest_first()
        if not self.is_valid():
            return kept.none()
        asked = self.cleaned_data
        if asked["person"]:
            kept = kept.filter(person_id=self.people[asked["person"]])
        if asked["kind"]:
            kept = kept.filter(kind=asked["kind"])
        return kept.filter(self.days_asked())
