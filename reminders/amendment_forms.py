"""The forms of an amendment: its approval with a day per site, its withdrawal, and the day of a site that is later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms

from trials.models import Site

DAY = {"type": "date"}


class ApproveForm(forms.Form):
    """A day for each site, by its code (`from-A`); without one the site follows later."""

    seen_sha256 = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, sites: Iterable[tuple[Site, dt.date]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sites = [site for site, _ in sites]
        for site, today in sites:
            self.fields[f"from-{site.code}"] = forms.DateField(
                label=f"{site.name} (site {site.code}) follows it from",
                required=False,
                initial=today,
                help_text="Leave empty for a site that follows later.",
                widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"),
            )

    def from_days(self) -> dict[str, dt.date]:
        given = {site.code: self.cleaned_data[f"from-{site.code}"] for site in self.sites}
        return {code: day for code, day in given.items() if day is not None}


class WithdrawForm(forms.Form):
    reason = forms.CharField(label="Why", required=False, widget=forms.Textarea(attrs={"rows": 3}))


class FollowForm(forms.Form):
    """From which day one site follows an approved version. The field is called as the refusals call it."""

    def __init__(self, *args: Any, site: Site, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = f"from-{site.code}"
        self.fields[self.name] = forms.DateField(
            label="From this day",
            initial=today,
            widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"),
        )

    @property
    def from_day(self) -> dt.date:
        day: dt.date = self.cleaned_data[self.name]
        return day
