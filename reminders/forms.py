"""What the history is narrowed to. Everything is optional and in the address, so that a view can be kept and shared."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q

from accounts.models import User
from audit.models import Entry, EntryQuerySet
from patients.models import Patient
from reminders.history_words import WORDS, Subject
from trials.models import Study


class HistoryFilter(forms.Form):
    """Patient, person and kind; only patients of the given sites (None: all) can be asked for."""

    patient = forms.ChoiceField(required=False)
    person = forms.ChoiceField(required=False)
    kind = forms.ChoiceField(required=False, choices=[("", "Everything"), *Subject.choices])

    def __init__(self, *args: Any, study: Study, site_ids: frozenset[int] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.study = study
        self.site_ids = site_ids
        self.patients = {p.code: p.pk for p in self._visible().only("pk", "code").order_by("code")}
        acted = User.objects.filter(Q(memberships__study=study) | Q(username=User.SYSTEM)).distinct()
        people = [(str(pk), name) for pk, name in acted.order_by("full_name").values_list("pk", "full_name")]
        self._choices("patient", "All patients", [(code, code) for code in self.patients])
        self._choices("person", "Everybody", people)
        self._as_selects()

    def entries(self) -> EntryQuerySet:
        """The entries that are asked for and may be seen, newest first; none when something unknown is asked for."""
        found = Entry.objects.of_study(self.study.pk).filter(table_name__in=list(WORDS)).newest_first()
        if not self.is_valid():
            return found.none()
        if self.site_ids is not None:
            found = found.filter(Q(patient_id__isnull=True) | Q(patient_id__in=self._visible().values("pk")))
        asked = self.cleaned_data
        if asked["patient"]:
            found = found.filter(patient_id=self.patients[asked["patient"]])
        if asked["person"]:
            found = found.filter(actor_id=asked["person"])
        if asked["kind"]:
            tables = [table for table, words in WORDS.items() if words.subject == asked["kind"]]
            found = found.filter(table_name__in=tables)
        return found

    def query_string(self) -> str:
        """The rest of the address for the links to other pages: '&patient=A-001'."""
        asked = {name: self.data[name] for name in self.fields if self.data.get(name)}
        return f"&{urlencode(asked)}" if asked else ""

    def _visible(self) -> Any:
        patients = Patient.objects.filter(study=self.study)
        return patients if self.site_ids is None else patients.filter(site_id__in=self.site_ids)

    def _choices(self, name: str, everything: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", everything), *choices]

    def _as_selects(self) -> None:
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select"
