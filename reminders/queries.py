"""Reads about reminders: who is to be told, and whose reminders a person may see."""

from django.db.models import Q

from accounts.models import User
from reminders.models import Rehearsal, Reminder, ReminderQuerySet
from trials.models import Membership, Role, Study
from trials.permissions import TABLE, Permission, memberships


def people_to_remind(study: Study) -> dict[User, list[Membership]]:
    """People (not client systems) with a role in force, each with all their memberships of the study.

    Nobody in a rehearsal that is played: whoever made it would be told of a year's DLTs within minutes.
    """
    found: dict[User, list[Membership]] = {}
    if Rehearsal.objects.filter(study=study).exists():
        return found
    held = Membership.objects.in_force().filter(study=study, user__is_person=True).exclude(role=Role.EDC)
    for membership in held.select_related("user", "site").order_by("user_id", "pk"):
        found.setdefault(membership.user, []).append(membership)
    return found


def holders(people: dict[User, list[Membership]], roles: set[str]) -> list[User]:
    """Those who hold one of the roles for the whole study."""
    return [person for person, held in people.items() if any(m.role in roles and m.site_id is None for m in held)]


def zone_of(held: list[Membership], study: Study) -> str:
    """The time zone of a person's day: their site's, or the study's where they have none or several."""
    sites = {m.site_id: m.site for m in held}
    only = next(iter(sites.values())) if len(sites) == 1 else None
    return only.time_zone if only else study.time_zone


def may_manage(user: User, reminder: Reminder) -> bool:
    """The person it is for; or somebody who manages reminders at its site, or in the whole study."""
    if reminder.person_id == user.pk:
        return user.is_active
    return user.is_active and any(
        m.site_id is None or m.site_id == reminder.site_id for m in _managing(user, reminder.study)
    )


def reminders_shown_to(user: User, study: Study) -> ReminderQuerySet:
    """The person's own, and those of the sites (or the study) where the person manages reminders."""
    managing = _managing(user, study)
    mine = Q(person=user)
    if any(m.site_id is None for m in managing):
        mine = Q()
    elif managing:
        mine |= Q(site_id__in=[m.site_id for m in managing])
    return Reminder.objects.filter(mine, study=study).select_related("study", "person", "site")


def _managing(user: User, study: Study) -> list[Membership]:
    return [m for m in memberships(user, study) if Permission.MANAGE_REMINDERS in TABLE[Role(m.role)]]
