"""Sites, and who has which role in a study."""

import datetime as dt
import re
from zoneinfo import available_timezones

from accounts.models import User
from audit.context import operation
from trials.clock import day_of
from trials.errors import Refused
from trials.models import Membership, ProtocolVersion, Role, Site, Study, VersionAtSite
from trials.permissions import Permission, require
from trials.queries import lock_study


def require_set_up(by: User, study: Study) -> None:
    """Setting a study up is for its data managers (and for Rung itself, when a file is loaded)."""
    require(by, Permission.MANAGE_STUDY, study)


@operation
def add_site(*, study: Study, code: str, name: str, time_zone: str, by: User, at: dt.datetime) -> Site:
    """Add a site with its own time zone. Its code stands before the number of each patient."""
    require_set_up(by, study)
    if not re.fullmatch(r"[A-Za-z0-9]{1,10}", code):
        raise Refused("site-code-faulty", f"{code!r} is no code: 1 to 10 letters and digits.", field="code")
    if time_zone not in available_timezones():
        sentence = f"{time_zone!r} is no time zone; give an IANA name, such as Europe/Stockholm."
        raise Refused("time-zone-unknown", sentence, field="time_zone")
    study = lock_study(study)
    if study.sites.filter(code=code).exists():
        raise Refused("site-code-taken", f"{study.key} has a site {code!r} already.", field="code")
    site = Site.objects.create(study=study, code=code, name=name, time_zone=time_zone)
    live = study.versions.filter(status=ProtocolVersion.Status.LIVE, number__gt=1).first()
    if live is not None:  # a site that joins an amended study follows what is in force
        VersionAtSite.objects.create(
            study=study, version=live, site=site, from_day=day_of(at, time_zone), set_at=at, set_by=by
        )
    return site


@operation
def grant_role(
    *, study: Study, person: User, role: Role, by: User, at: dt.datetime, site: Site | None = None
) -> Membership:
    """Give a person a role in the study, at one site or (no site) at all of them. Granting it again changes nothing."""
    require_set_up(by, study)
    if person.username.startswith(User.INVENTED) and not study.is_rehearsal:
        raise Refused("invented-person", f"{person} is invented, and acts in rehearsals only.", field="username")
    membership, _ = Membership.objects.in_force().get_or_create(
        study=study, user=person, site=site, role=role, defaults={"granted_at": at, "granted_by": by}
    )
    return membership


@operation
def end_role(*, membership: Membership, reason: str, by: User, at: dt.datetime) -> None:
    """End a person's role, from now on. A study keeps somebody who can set it up."""
    require_set_up(by, membership.study)
    if not reason.strip():
        raise Refused("reason-needed", "Say why the role ends.", field="reason")
    study = lock_study(membership.study)
    membership.refresh_from_db()
    if membership.ended_at is not None:
        raise Refused("role-has-ended", "This role has ended already.")
    managers = Membership.objects.in_force().filter(study=study, role=Role.DATA_MANAGER, site=None)
    if [held.pk for held in managers] == [membership.pk]:
        raise Refused("last-data-manager", "A study keeps a data manager: give somebody else that role first.")
    membership.ended_at = at
    membership.save(update_fields=["ended_at"])
