"""The forms of a study's set-up, but for those of the study file's own parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils import timezone

from accounts.forms import SigningFields
from dosing.words import role_words
from trials import registry_record, study_file
from trials.models import Role, Site, Study
from trials.time_zones import time_zones

ZONE = {"list": "time-zones", "data-combobox": "", "autocomplete": "off", "spellcheck": "false"}
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
KEY_HINT = "Stands in every address and never changes: letters, digits and hyphens, such as LEN-MAG-01."
REHEARSAL_HINT = "To try the study out with invented patients, on days of its own. It needs no signatures."


def zones() -> list[str]:
    """The time zones that a page offers."""
    return sorted(zone for zone in time_zones() if "/" in zone and not zone.startswith(("Etc/", "posix")))


class StartForm(forms.Form):
    """What every way of starting a study asks for. Fields are those of the file's `study`."""

    key = forms.CharField(label="Key", max_length=40, help_text=KEY_HINT)
    rehearsal = forms.BooleanField(label="This is a rehearsal", required=False, help_text=REHEARSAL_HINT)
    field_order = ["source", "file", "text", "key", "title", "time_zone", "rehearsal"]

    def rehearsal_day(self) -> Any:
        return timezone.localdate() if self.cleaned_data["rehearsal"] else None


class BlankForm(StartForm):
    title = forms.CharField(label="Title", min_length=3, max_length=300)
    time_zone = forms.CharField(
        label="Time zone", initial="UTC", help_text="Of the study's own days; each site has its own.",
        widget=forms.TextInput(attrs=ZONE),
    )  # fmt: skip


class CopyForm(StartForm):
    source = forms.ChoiceField(label="Study to copy", help_text="Its protocol is copied, and nothing else.")
    title = forms.CharField(label="Title", min_length=3, max_length=300)

    def __init__(self, *args: Any, sources: Iterable[Study], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(study.key, f"{study.key}: {study.title}") for study in sources]


class FromFileForm(StartForm):
    """A file that is chosen, or its text: a refused one comes back as text, to be mended where it stands."""

    longest: int
    file = forms.FileField(label="File", required=False)
    text = forms.CharField(
        label="Or its text", required=False, strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].required = False
        self.fields["key"].help_text = "Only where the study is to have another key than the file gives."

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        found["content"] = self._content(found)
        return found

    def _content(self, found: dict[str, Any]) -> str:
        file = found.get("file")
        if file is None:
            if not found.get("text", "").strip():
                self.add_error("file", "Choose a file, or paste its text.")
            return str(found.get("text", ""))
        if file.size > self.longest:
            self.add_error("file", f"{file.name} has {file.size} bytes; at most {self.longest} are read.")
            return ""
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.add_error("file", f"{file.name} is not a text in UTF-8.")
            return ""

    def give_back(self) -> None:
        """The file's content becomes the text of the form, since no page can choose a file for somebody."""
        self.data = {**dict(self.data.items()), "text": self.cleaned_data.get("content", "")}


class StudyFileForm(FromFileForm):
    longest = study_file.LONGEST


class RecordForm(FromFileForm):
    longest = registry_record.LONGEST


class SiteForm(forms.Form):
    code = forms.CharField(
        label="Code", max_length=10, help_text="Stands before the number of each patient: A-001.",
        widget=forms.TextInput(attrs={"class": "field-short"}),
    )  # fmt: skip
    name = forms.CharField(label="Name", max_length=200)
    time_zone = forms.CharField(label="Time zone", widget=forms.TextInput(attrs=ZONE))


class RoleForm(forms.Form):
    username = forms.CharField(
        label="User name", max_length=150, help_text="As the person signs in.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    role = forms.ChoiceField(label="Role")
    site = forms.ChoiceField(label="Where", required=False, help_text="Who signs has the role for the whole study.")
    from_day = forms.DateField(label="First day", required=False, help_text="Empty: from now on.", widget=DAY)
    to_day = forms.DateField(label="Last day", required=False, help_text="Empty: until it is ended.", widget=DAY)

    def __init__(self, *args: Any, sites: Iterable[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role, site = self.fields["role"], self.fields["site"]
        assert isinstance(role, forms.ChoiceField)
        assert isinstance(site, forms.ChoiceField)
        role.choices = [("", "Choose a role"), *((r.value, r.label.capitalize()) for r in Role if r is not Role.EDC)]
        site.choices = [("", "The whole study"), *((s.code, f"Site {s.code}: {s.name}") for s in sites)]


class EndRoleForm(forms.Form):
    reason = forms.CharField(label="Why", required=False, widget=forms.Textarea(attrs={"rows": 2}))


class SignSetUpForm(SigningFields):
    """The password again, the code, and the role where the person holds more than one that signs."""

    seen_sha256 = forms.CharField(widget=forms.HiddenInput)
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
