"""Who may do what: one table, role by role, asked by every operation.

A person has a role per study and site. A membership without a site holds for all sites of the study.
"""

from enum import StrEnum

from django.db.models import Q

from accounts.models import User
from trials.errors import Forbidden
from trials.models import Membership, PersonCheck, Role, Site, Study


class Permission(StrEnum):
    VIEW_STUDY = "see the study"
    VIEW_PATIENTS = "see patients"
    SCREEN_PATIENTS = "screen and register patients"
    RECORD_CLINICAL = "record clinical data"
    ASSESS_DLT = "record a DLT judgement"
    CONFIRM_DLT = "confirm a DLT judgement"
    RECORD_SAMPLES = "record samples"
    ISSUE_RECOMMENDATION = "ask for a recommendation"
    PROPOSE_DECISION = "propose a dose decision"
    SIGN_DECISION = "sign a dose decision"
    SUSPEND_ACCRUAL = "suspend and resume accrual"
    VIEW_HISTORY = "read the history"
    MANAGE_REMINDERS = "see and cancel reminders"
    MANAGE_STUDY = "set up the study"
    MOVE_REHEARSAL_DAY = "move a rehearsal's day on"


_P = Permission
_SEE = {_P.VIEW_STUDY, _P.VIEW_PATIENTS, _P.VIEW_HISTORY}
_ENTER = {_P.SCREEN_PATIENTS, _P.RECORD_CLINICAL, _P.ASSESS_DLT, _P.RECORD_SAMPLES}
_REHEARSE = {_P.MOVE_REHEARSAL_DAY}
# What a role allows whose holder lacks a check that the study asks for: looking, and recording the check.
_WITHOUT_CHECKS = frozenset(_SEE | _REHEARSE | {_P.MANAGE_STUDY})

TABLE: dict[Role, frozenset[Permission]] = {
    Role.COORDINATOR: frozenset(_SEE | _ENTER | {_P.ISSUE_RECOMMENDATION, _P.MANAGE_REMINDERS} | _REHEARSE),
    Role.INVESTIGATOR: frozenset(_SEE | _ENTER | {_P.CONFIRM_DLT, _P.ISSUE_RECOMMENDATION} | _REHEARSE),
    Role.PRINCIPAL_INVESTIGATOR: frozenset(
        _SEE
        | _ENTER
        | {_P.CONFIRM_DLT, _P.ISSUE_RECOMMENDATION, _P.PROPOSE_DECISION, _P.SIGN_DECISION, _P.SUSPEND_ACCRUAL}
        | {_P.MANAGE_REMINDERS}
        | _REHEARSE
    ),
    Role.MEDICAL_MONITOR: frozenset(
        _SEE
        | {_P.CONFIRM_DLT, _P.ISSUE_RECOMMENDATION, _P.PROPOSE_DECISION, _P.SIGN_DECISION, _P.SUSPEND_ACCRUAL}
        | _REHEARSE
    ),
    Role.STATISTICIAN: frozenset(_SEE | {_P.ISSUE_RECOMMENDATION, _P.PROPOSE_DECISION, _P.SIGN_DECISION} | _REHEARSE),
    Role.DATA_MANAGER: frozenset(_SEE | {_P.MANAGE_STUDY, _P.MANAGE_REMINDERS} | _REHEARSE),
    Role.MONITOR: frozenset(_SEE),
    Role.EDC: frozenset({_P.VIEW_STUDY, _P.VIEW_PATIENTS} | _ENTER),
}


def memberships(user: User, study: Study) -> list[Membership]:
    """The person's memberships of a study that are in force, in the order in which they were granted.

    One query, and one more where the study asks for checks of its people.
    """
    held = Membership.objects.in_force().filter(user=user, study=study)
    return held.select_related("site").order_by("pk").with_checks()


def permissions_at(held: list[Membership], site: Site | None) -> frozenset[Permission]:
    """What these memberships allow at a site. Without a site: what they allow for the study as a whole.

    A role at one site counts for the whole study only for seeing the study and for moving a rehearsal's day.
    """
    everywhere = frozenset({_P.VIEW_STUDY, _P.MOVE_REHEARSAL_DAY, _P.ISSUE_RECOMMENDATION, _P.MANAGE_REMINDERS})
    found: set[Permission] = set()
    for membership in held:
        granted = TABLE[Role(membership.role)]
        if membership.lacks:
            granted &= _WITHOUT_CHECKS
        if membership.site_id is None or (site is not None and membership.site_id == site.pk):
            found |= granted
        elif site is None:
            found |= granted & everywhere
    return frozenset(found)


def allowed(user: User, permission: Permission, study: Study, site: Site | None = None) -> bool:
    """Whether the person may do this in the study (and, where one is given, at the site)."""
    return user.is_active and permission in permissions_at(memberships(user, study), site)


def require(user: User, permission: Permission, study: Study, site: Site | None = None) -> None:
    """Raise `Forbidden`, with a sentence, unless the person may do this. Rung itself may do everything."""
    if user.username == User.SYSTEM:
        return
    held = memberships(user, study)
    if not user.is_active or permission not in permissions_at(held, site):
        raise refusal(held, permission, study, site)


def refusal(held: list[Membership], permission: Permission, study: Study, site: Site | None) -> Forbidden:
    """Why not, and what to do: a check that is lacking is named, where the role itself would be enough."""
    lacking = {m.lacks for m in held if m.lacks and permission in TABLE[Role(m.role)]}
    if PersonCheck.Kind.IDENTITY in lacking:
        return Forbidden(
            f"{study.key} asks for an identity check before anybody may {permission.value}, and yours is not recorded. "
            "A data manager of the study records it on the page Delegation."
        )
    if PersonCheck.Kind.TRAINING in lacking:
        return Forbidden(
            f"{study.key} asks for training on the protocol version in force before anybody may {permission.value}, "
            "and yours is not recorded. A data manager of the study records it on the page Delegation."
        )
    where = f"at {site.name}" if site else f"in {study.key}"
    return Forbidden(f"Your roles {where} do not allow you to {permission.value}.")


def visible_sites(user: User, study: Study) -> Q:
    """A filter on rows with a `site`: those whose patients the person may see."""
    held = [m for m in memberships(user, study) if _P.VIEW_PATIENTS in TABLE[Role(m.role)]]
    if any(m.site_id is None for m in held):
        return Q()
    return Q(site_id__in=[m.site_id for m in held])


def role_in_force(user: User, study: Study, wanted: str) -> bool:
    """Whether the person holds this role for the whole study, with the checks that it asks for (for signing)."""
    return any(m.role == wanted and m.site_id is None and not m.lacks for m in memberships(user, study))
