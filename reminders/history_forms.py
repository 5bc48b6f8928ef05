"""What the history is narrowed to, the day on which something is looked at as it was, and the review."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q

from accounts.forms import SigningFields
from accounts.models import User
from accounts.narrowing import DayField, NarrowingForm
from audit.models import Entry, EntryQuerySet
from patients.models import Patient
from reminders.history_words import WORDS, Subject
from trials.models import Role, Study


def visible_entries(study: Study, site_ids: frozenset[int] | None) -> EntryQuerySet:
    """The study's entries that are told in words and may be read by who sees these sites (None: all), newest first."""
    found = Entry.objects.of_study(study.pk).filter(table_name__in=list(WORDS)).newest_first()
    if site_ids is None:
        return found
    own = Patient.objects.filter(study=study, site_id__in=site_ids)
    return found.filter(Q(patient_id__isnull=True) | Q(patient_id__in=own.values("pk")))


class HistoryFilter(NarrowingForm):
    """Patient, person, kind and days; only patients of the given sites (None: all) can be asked for."""

    patient = forms.ChoiceField(required=False)
    person = forms.ChoiceField(required=False)
    kind = forms.ChoiceField(required=False, choices=[("", "Everything"), *Subject.choices])
    field_order = ["patient", "person", "kind"]

    def __init__(self, *args: Any, study: Study, site_ids: frozenset[int] | None, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, zone=ZoneInfo(zone), **kwargs)
        self.study, self.site_ids = study, site_ids
        visible = Patient.objects.filter(study=study)
        visible = visible if site_ids is None else visible.filter(site_id__in=site_ids)
        self.patients = {p.code: p.pk for p in visible.only("pk", "code").order_by("code")}
        acted = User.objects.filter(Q(memberships__study=study) | Q(username=User.SYSTEM)).distinct()
        people = [(str(pk), name) for pk, name in acted.order_by("full_name").values_list("pk", "full_name")]
        self.offer("patient", "All patients", [(code, code) for code in self.patients])
        self.offer("person", "Everybody", people)

    def entries(self) -> EntryQuerySet:
        """The entries that are asked for and may be seen, newest first; none when something unknown is asked for."""
        found = visible_entries(self.study, self.site_ids)
        if not self.is_valid():
            return found.none()
        asked = self.cleaned_data
        if asked["patient"]:
            found = found.filter(patient_id=self.patients[asked["patient"]])
        if asked["person"]:
            found = found.filter(actor_id=asked["person"])
        if asked["kind"]:
            found = found.filter(table_name__in=[t for t, words in WORDS.items() if words.subject == asked["kind"]])
        return found.filter(self.days_asked())

    def in_words(self) -> str:
        """'Patient A-001, from 2026-01-05': what a printed history was narrowed to."""
        asked = [(name, self.cleaned_data[name]) for name in self.fields if self.cleaned_data.get(name)]
        shown = ", ".join(f"{self[name].label.lower()} {self._shown(name, value)}" for name, value in asked)
        return shown[:1].upper() + shown[1:] or "Everything"

    def _shown(self, name: str, value: Any) -> str:
        field = self.fields[name]
        choices: Any = field.choices if isinstance(field, forms.ChoiceField) else ()
        return str(dict(choices).get(value, value))


class AsItWasForm(forms.Form):
    """The day, and if need be the time, at which something is to be shown as it was. The trail's own clock."""

    on = DayField(label="Day")
    time = forms.TimeField(label="Time", required=False, widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}))

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(zone)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"

    def moment(self) -> dt.datetime:
        """The end of that day, or of that minute."""
        day, time = self.cleaned_data["on"], self.cleaned_data["time"]
        start = dt.datetime.combine(day, time or dt.time(), tzinfo=self.zone)
        return start + (dt.timedelta(minutes=1) if time else dt.timedelta(days=1))


class ReviewForm(SigningFields):
    """The signature under a review of the trail: up to which entry, as the page showed it."""

    position = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    hash = forms.CharField(max_length=64, widget=forms.HiddenInput)
    role = forms.ChoiceField(label="You sign as")
    field_order = ["role", "password", "code"]

    def __init__(self, *args: Any, roles: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(role, Role(role).label) for role in roles]
        if len(roles) == 1:
            field.initial, field.widget = roles[0], forms.HiddenInput()
