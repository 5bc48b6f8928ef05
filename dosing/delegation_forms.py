"""Recording what was checked of a person."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms

from accounts.models import User
from trials.models import PersonCheck, ProtocolVersion, Study


class CheckForm(forms.Form):
    person = forms.ChoiceField(label="Person")
    what = forms.ChoiceField(label="What was checked")
    done_on = forms.DateField(label="Day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    how = forms.CharField(
        label="How", max_length=200, help_text="Such as: passport seen; or: protocol training by video, 90 minutes."
    )

    def __init__(self, *args: Any, study: Study, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = study.memberships.in_force().filter(user__is_person=True).select_related("user")
        self.people = {m.user.username: m.user for m in held}
        versions = study.versions.exclude(status=ProtocolVersion.Status.WITHDRAWN).order_by("-number")
        self.versions = {f"training-{version.number}": version for version in versions}
        person, what = self.fields["person"], self.fields["what"]
        assert isinstance(person, forms.ChoiceField)
        assert isinstance(what, forms.ChoiceField)
        names = sorted((user.full_name, username) for username, user in self.people.items())
        person.choices = [("", "Choose a person"), *((username, name) for name, username in names)]
        trainings = [(name, f"Training on protocol version {v.number}") for name, v in self.versions.items()]
        what.choices = [("", "Choose what"), (PersonCheck.Kind.IDENTITY.value, "Who the person is"), *trainings]
        self.fields["done_on"].initial = today

    def chosen_person(self) -> User:
        return self.people[self.cleaned_data["person"]]

    def chosen_version(self) -> ProtocolVersion | None:
        """None for an identity check."""
        return self.versions.get(self.cleaned_data["what"])
