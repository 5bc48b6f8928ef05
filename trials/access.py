"""How a view opens a study: fetch or 404, permission or 403, and what the frame of the page needs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from django.forms import Form
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from trials import clock
from trials.errors import Refused
from trials.models import Membership, ProtocolVersion, Role, Site, Study
from trials.permissions import Permission, memberships, permissions_at, refusal
from trials.queries import study_for

NAV = (
    ("Today", "reminders:today"),
    ("Study", "dosing:study"),
    ("Patients", "patients:list"),
    ("Samples", "labs:samples"),
    ("Decisions", "dosing:decisions"),
    ("History", "reminders:history"),
)
NAV_OF_A_SET_UP = (("Set-up", "dosing:setup"), ("Protocol", "trials:protocol"), ("History", "reminders:history"))
OUTSIDE = (("Design", "dosing:designs"),)  # the workbench, which belongs to no study


class BeingSetUp(Exception):
    """The page is one of a study that runs, and this study is being set up. `trials.middleware` answers it."""

    def __init__(self, page: StudyPage) -> None:
        super().__init__(page.study.key)
        self.page = page


@dataclass
class StudyPage:
    """A study as one person sees it on one request."""

    request: HttpRequest
    study: Study
    held: list[Membership] = field(default_factory=list)

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    @cached_property
    def is_live(self) -> bool:
        """Whether the study runs; else it is being set up, and has neither levels nor patients."""
        try:
            return bool(self.study.version.pk)
        except ProtocolVersion.DoesNotExist:
            return False

    @cached_property
    def now(self) -> dt.datetime:
        return clock.now(self.study)

    @cached_property
    def today(self) -> dt.date:
        return clock.day_of(self.now, self.study.time_zone)

    def today_at(self, site: Site) -> dt.date:
        return clock.day_of(self.now, site.time_zone)

    def may(self, permission: Permission, site: Site | None = None) -> bool:
        return permission in permissions_at(self.held, site)

    def require(self, permission: Permission, site: Site | None = None) -> None:
        if not self.may(permission, site):
            raise refusal(self.held, permission, self.study, site)

    @property
    def roles(self) -> set[str]:
        """Roles held for the whole study: those in which one can sign."""
        return {m.role for m in self.held if m.site_id is None}

    @property
    def sees_all_sites(self) -> bool:
        return any(m.site_id is None for m in self.held)

    @property
    def membership_label(self) -> str:
        names = [f"{Role(m.role).label} · {m.site.name}" if m.site else Role(m.role).label for m in self.held]
        return ", ".join(names)

    def context(self, nav: str = "", **more: Any) -> dict[str, Any]:
        """What base.html needs, and whatever the page adds."""
        inside = [(label, reverse(name, args=[self.study.key])) for label, name in self._nav]
        return {
            "page": self,
            "study": self.study,
            "nav": nav,
            "nav_items": [*inside, *((label, reverse(name)) for label, name in OUTSIDE)],
            "studies": self._other_studies(),
            "membership_label": self.membership_label,
            "rehearsal_today": self.study.rehearsal_day,
            **more,
        }

    @property
    def _nav(self) -> tuple[tuple[str, str], ...]:
        return NAV if self.is_live else NAV_OF_A_SET_UP

    def _other_studies(self) -> list[tuple[str, str]]:
        others = Study.objects.visible_to(self.user).exclude(pk=self.study.pk).values_list("key", flat=True)[:20]
        return [(key, reverse("reminders:today", args=[key])) for key in others]


def open_study(
    request: HttpRequest,
    key: str,
    permission: Permission = Permission.VIEW_STUDY,
    site: Site | None = None,
    *,
    draft_too: bool = False,
) -> StudyPage:
    """The study for this request. Http404 without a role in it; Forbidden without the permission.

    draft_too: the page is there for a study that is being set up, too; all others answer that it is (BeingSetUp).
    """
    user = cast(User, request.user)
    study = study_for(user, key)
    page = StudyPage(request=request, study=study, held=memberships(user, study))
    if not draft_too and not page.is_live:
        raise BeingSetUp(page)
    page.require(permission, site)
    return page


def refuse_into(form: Form, refused: Refused) -> None:
    """Show a refusal on the form: at its field where it has one, else at the top. What was typed stays."""
    form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
