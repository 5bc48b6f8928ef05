"""Saved comparisons: who sees which."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import User
from dosing.models import Comparison
from trials.models import Membership


def comparisons_seen_by(user: User) -> QuerySet[Comparison]:
    """Those of the studies in which the person has a role, and their own that belong to no study; newest first.

    Comparisons that have been put away are among them: leave them out of lists with `put_away_at__isnull=True`.
    """
    member_of = Membership.objects.in_force().filter(user=user).values("study_id")
    own = Q(study__isnull=True, saved_by=user)
    return Comparison.objects.filter(own | Q(study_id__in=member_of)).select_related("study", "saved_by")
