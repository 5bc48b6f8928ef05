"""Sites, and who has which role in a study."""

import datetime as dt
import re

from accounts.models import User
from audit.context import operation
from trials.clock import day_of
from trials.errors import Refused
from trials.models import Membership, PersonCheck, ProtocolVersion, Role, Site, Study, VersionAtSite
from trials.permissions import Permission, require
from trials.queries import lock_study
from trials.time_zones import time_zones


def require_set_up(by: User, study: Study) -> None:
    """Setting a study up is for its data managers (and for Rung itself, when a file is loaded)."""
    require(by, Permission.MANAGE_STUDY, study)


@operation
def add_site(*, study: Study, code: str, name: str, time_zone: str, by: User, at: dt.datetime) -> Site:
    """Add a site with its own time zone. Its code stands before the number of each patient."""
    require_set_up(by, study)
    if not re.fullmatch(r"[A-Za-z0-9]{1,10}", code):
        raise Refused("site-code-faulty", f"{code!r} is no code: 1 to 10 letters and digits.", field="code")
    if time_zone not in time_zones():
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
    *,
    study: Study,
    person: User,
    role: Role,
    by: User,
    at: dt.datetime,
    site: Site | None = None,
    from_day: dt.date | None = None,
    to_day: dt.date | None = None,
) -> Membership:
    """Delegate a role to a person, at one site or (no site) at all of them, from a day to a day, both included.

    Without days it holds from now on until it is ended. Granting it again changes nothing. Refused:
    invented-person, delegation-backdated, delegation-ends-before, role-held.
    """
    require_set_up(by, study)
    if person.username.startswith(User.INVENTED) and not study.is_rehearsal:
        raise Refused("invented-person", f"{person} is invented, and acts in rehearsals only.", field="username")
    _possible_days(day_of(at, site.time_zone if site else study.time_zone), from_day, to_day)
    open_one = Membership.objects.filter(study=study, user=person, site=site, role=role, ended_at=None).first()
    if open_one is not None:
        if _has_run_out(open_one, at):
            _end(open_one, at)
        elif (open_one.from_day, open_one.to_day) == (from_day, to_day):
            return open_one
        elif person.is_active:
            sentence = (
                f"{person} has this role already, {days_words(open_one)}. End it first to give it for other days."
            )
            raise Refused("role-held", sentence, field="role")
    return Membership.objects.create(
        study=study,
        user=person,
        site=site,
        role=role,
        from_day=from_day,
        to_day=to_day,
        granted_at=at,
        granted_by=by,
    )


def _possible_days(today: dt.date, from_day: dt.date | None, to_day: dt.date | None) -> None:
    if from_day is not None and from_day < today:
        sentence = f"A role is delegated from today, {today}, at the earliest: nobody acts in the past."
        raise Refused("delegation-backdated", sentence, field="from_day")
    if to_day is not None and to_day < (from_day or today):
        sentence = f"The last day cannot lie before the first, {from_day or today}."
        raise Refused("delegation-ends-before", sentence, field="to_day")


def days_words(held: Membership) -> str:
    """'from 2026-01-05 to 2026-03-31', 'until it is ended'."""
    first = f"from {held.from_day} " if held.from_day else ""
    return first + (f"to {held.to_day}" if held.to_day else "until it is ended")


def _has_run_out(held: Membership, at: dt.datetime) -> bool:
    zone = held.site.time_zone if held.site else held.study.time_zone
    return held.to_day is not None and held.to_day < day_of(at, zone)


def _end(held: Membership, at: dt.datetime) -> None:
    held.ended_at = at
    held.save(update_fields=["ended_at"])


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
    others = managers.filter(to_day=None).exclude(pk=membership.pk)
    if any(held.pk == membership.pk for held in managers) and not others.exists():
        raise Refused("last-data-manager", "A study keeps a data manager: give somebody else that role first.")
    _end(membership, at)


@operation
def record_identity_check(
    *, study: Study, person: User, how: str, done_on: dt.date, by: User, at: dt.datetime
) -> PersonCheck:
    """Record that somebody looked at who a person is. Nobody does it of themselves."""
    require_set_up(by, study)
    if person == by:
        sentence = "Who you are is checked by somebody else: another data manager of the study records it."
        raise Refused("own-identity", sentence, field="person")
    return _check(study, person, PersonCheck.Kind.IDENTITY, None, how, done_on, by, at)


@operation
def record_training(
    *, study: Study, person: User, version: ProtocolVersion, how: str, done_on: dt.date, by: User, at: dt.datetime
) -> PersonCheck:
    """Record that a person was trained on a protocol version; before an amendment is approved, on its draft."""
    require_set_up(by, study)
    if version.study_id != study.pk or version.status == ProtocolVersion.Status.WITHDRAWN:
        raise Refused("no-such-version", f"{study.key} has no such protocol version in force or to come.")
    return _check(study, person, PersonCheck.Kind.TRAINING, version, how, done_on, by, at)


def _check(
    study: Study,
    person: User,
    kind: PersonCheck.Kind,
    version: ProtocolVersion | None,
    how: str,
    done_on: dt.date,
    by: User,
    at: dt.datetime,
) -> PersonCheck:
    if not Membership.objects.filter(study=study, user=person).exists():
        raise Refused("no-role", f"{person} has no role in {study.key}. Give them one first.", field="person")
    if not how.strip():
        sentence = "Say what was looked at, such as a passport, or what the training was."
        raise Refused("how-needed", sentence, field="how")
    if done_on > day_of(at, study.time_zone):
        raise Refused("date-in-future", f"{done_on} has not come yet. Give a day up to today.", field="done_on")
    study = lock_study(study)
    if PersonCheck.objects.filter(study=study, user=person, kind=kind, version=version).exists():
        raise Refused("already-recorded", f"The {kind.label} of {person} is recorded already.")
    return PersonCheck.objects.create(
        study=study,
        user=person,
        kind=kind,
        version=version,
        how=how.strip(),
        done_on=done_on,
        recorded_at=at,
        recorded_by=by,
    )
