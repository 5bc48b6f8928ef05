"""What lists of a trail or a log are narrowed to."""

import datetime as dt
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q

# A day that a clock can show in every time zone, and so can the day after it.
FIRST, LAST = dt.date(1900, 1, 1), dt.date(2999, 12, 31)


class DayField(forms.DateField):
    """A day that a trail or a log can be asked for."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    default_validators = [
        MinValueValidator(FIRST, "Give a day from 1 Jan 1900 on."),
        MaxValueValidator(LAST, "Give a day up to 31 Dec 2999."),
    ]


class NarrowingForm(forms.Form):
    """What a list is narrowed to: its days, and before them whatever the list has besides (`field_order`).

    Everything is optional and in the address, so that a view can be kept and shared.
    """

    since = DayField(required=False, label="From")
    until = DayField(required=False, label="To")

    def __init__(self, *args: Any, zone: dt.tzinfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select" if isinstance(field, forms.ChoiceField) else "form-control"

    def offer(self, name: str, everything: str, choices: Iterable[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", everything), *choices]

    def days_asked(self) -> Q:
        """What lies between the two days, both included, by the form's clock."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        asked = Q(at__gte=self._midnight(since)) if since else Q()
        return asked & Q(at__lt=self._midnight(until + dt.timedelta(days=1))) if until else asked

    def query_string(self) -> str:
        """The rest of the address for the links to other pages: '&patient=A-001'."""
        asked = {name: self.data[name] for name in self.fields if self.data.get(name)}
        return f"&{urlencode(asked)}" if asked else ""

    def _midnight(self, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), tzinfo=self.zone)
