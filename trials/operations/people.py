"""Sites, and who has which role in a study."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from trials.models import Membership, Role, Site, Study
from trials.permissions import Permission, require


def require_set_up(by: User, study: Study) -> None:
    """Setting a study up is for its data managers (and for Rung itself, when a file is loaded)."""
    require(by, Permission.MANAGE_STUDY, study)


@operation
def add_site(*, study: Study, code: str, name: str, time_zone: str, by: User, at: dt.datetime) -> Site:
    """Add a site with its own time zone."""
    require_set_up(by, study)
    return Site.objects.create(study=study, code=code, name=name, time_zone=time_zone)


@operation
def grant_role(
    *, study: Study, person: User, role: Role, by: User, at: dt.datetime, site: Site | None = None
) -> Membership:
    """Give a person a role in the study, at one site or (no site) at all of them. Granting it again changes nothing."""
    require_set_up(by, study)
    membership, _ = Membership.objects.in_force().get_or_create(
        study=study, user=person, site=site, role=role, defaults={"granted_at": at, "granted_by": by}
    )
    return membership


@operation
def end_role(*, membership: Membership, reason: str, by: User, at: dt.datetime) -> None:
    """End a person's role, from now on."""
    require_set_up(by, membership.study)
    membership.ended_at = at
    membership.save(update_fields=["ended_at"])
